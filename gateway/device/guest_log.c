/* What the log says of a guest: see guest_log.h.  It changes nothing. */
#include "guest_log.h"

#include <string.h>

#define VERSION_TLS13 0x0304

/* Alerts, RFC 8446 6. */
#define DECODE_ERROR 50
#define MISSING_EXTENSION 109
#define UNSUPPORTED_EXTENSION 110

struct reason {
    enum kp_log_level level;
    const char *event;
    const char *message;
};

/* What a person can do about it, where kp_error_text alone doesn't tell. */
static const struct {
    int error;
    enum kp_refused refused;
    struct reason reason;
} of_errors[] = {
    {KP_E_PROOF, KP_REFUSED_NOT, {KP_LOG_WARNING, "proof-failed", "wrong name or password"}},
    {KP_E_HTTP,
     KP_REFUSED_PLAIN_HTTP,
     {KP_LOG_INFO, "refused", "plain HTTP came to the TLS port: it was told so"}},
    {KP_E_SSLV2,
     KP_REFUSED_VERSION,
     {KP_LOG_INFO, "refused", "an SSLv2 hello: the client is too old for this server"}},
    {KP_E_NOT_TLS,
     KP_REFUSED_NO_TLS,
     {KP_LOG_INFO, "refused", "what came to the TLS port isn't TLS"}},
    {KP_E_VERSION,
     KP_REFUSED_VERSION,
     {KP_LOG_INFO, "refused", "the client speaks no version of TLS that --tls takes"}},
    {KP_E_NO_PASSWORD_SUITE,
     KP_REFUSED_NO_PASSWORD,
     {KP_LOG_INFO, "refused",
      "the client offers no password suite: an ordinary browser must come by `keyplate open`"}},
    {KP_E_NO_SCHEME,
     KP_REFUSED_NO_SCHEME,
     {KP_LOG_INFO, "refused",
      "the client offers a password by TLS 1.3, but in no form that --pake takes (SPAKE2+)"}},
    {KP_E_CERTIFICATE,
     KP_REFUSED_OFFER,
     {KP_LOG_INFO, "refused",
      "the client wants a certificate beside the password: there is none, and none is needed"}},
    {KP_E_NO_GROUP,
     KP_REFUSED_OFFER,
     {KP_LOG_INFO, "refused", "the client has no key exchange group that is spoken here"}},
    {KP_E_NO_SUITE,
     KP_REFUSED_OFFER,
     {KP_LOG_INFO, "refused", "the client has no TLS 1.3 cipher suite that is spoken here"}},
    {KP_E_NO_ALPN,
     KP_REFUSED_OFFER,
     {KP_LOG_INFO, "refused", "the client wants another application protocol than HTTP/1.1"}},
    {KP_E_MISSING,
     KP_REFUSED_OFFER,
     {KP_LOG_INFO, "refused",
      "the client left out an extension that has to be there in the forms that --pake takes"}},
    {KP_E_NO_USER, KP_REFUSED_OFFER, {KP_LOG_INFO, "refused", "the client sent no user name"}},
    {KP_E_NO_ETM,
     KP_REFUSED_OFFER,
     {KP_LOG_WARNING, "refused",
      "the client lacks encrypt-then-MAC (RFC 7366): it needs a newer TLS library"}},
    {KP_E_NO_EMS,
     KP_REFUSED_OFFER,
     {KP_LOG_WARNING, "refused",
      "the client lacks the extended master secret (RFC 7627): it needs a newer TLS library"}},
    {KP_E_BINDER,
     KP_REFUSED_TICKET,
     {KP_LOG_WARNING, "refused", "a ticket was shown by somebody who doesn't have its secret"}},
    {KP_E_TRUNCATED,
     KP_REFUSED_NOT,
     {KP_LOG_INFO, "handshake-failed", "the client went away during the handshake"}},
    {KP_E_PEER_ALERT,
     KP_REFUSED_NOT,
     {KP_LOG_INFO, "handshake-failed", "the client sent an alert"}},
};

static enum kp_refused refused_for(const struct kp_guest *g, const struct reason *reason)
{
    for (size_t i = 0; i < sizeof of_errors / sizeof of_errors[0]; i++)
        if (of_errors[i].error == g->secure->error && strcmp(reason->event, "refused") == 0)
            return of_errors[i].refused;
    return KP_REFUSED_NOT;
}

static struct reason of_handshake(const struct kp_secure *s)
{
    for (size_t i = 0; i < sizeof of_errors / sizeof of_errors[0]; i++)
        if (of_errors[i].error == s->error)
            return of_errors[i].reason;
    return (struct reason){KP_LOG_WARNING, "handshake-failed", kp_error_text(s->error)};
}

/* Whether it let the client check a guess at the password, which it didn't prove.  In TLS 1.3 it
 * can from our ServerHello on, and how the wire ends after that is its own choice: no ending may
 * hide the guess. */
static bool was_attempt(const struct kp_guest *g, const struct kp_info *info)
{
    return info->user == NULL && (info->password_used || g->secure->error == KP_E_PROOF);
}

/* How a client tells that our ServerHello isn't of the form that it offered, RFC 8446 6.2: that is
 * no guess, but nobody can know. */
static bool means_other_form(const struct kp_guest *g, const struct kp_info *info)
{
    int alert = kp_conn_peer_alert(g->secure->conn);
    return info->version == VERSION_TLS13 &&
           (alert == DECODE_ERROR || alert == MISSING_EXTENSION || alert == UNSUPPORTED_EXTENSION);
}

static struct reason of_attempt(const struct kp_guest *g, const struct kp_info *info,
                                struct reason plain)
{
    int error = g->end == KP_GUEST_SECURE ? g->secure->error : 0;
    if (plain.level > KP_LOG_WARNING)
        plain.level = KP_LOG_WARNING;
    plain.event = "proof-failed";
    if (g->refused)
        plain.message =
            "the guess was not judged: there were too many wrong ones (a right password "
            "is refused, too, until the wait is over)";
    else if (error == KP_E_PROOF && info->version == VERSION_TLS13)
        plain.message = "wrong name, password or device id";
    else if (error == KP_E_TRUNCATED)
        plain.message = "the client went away when it could tell whether its password is right";
    else if (error == KP_E_PEER_ALERT)
        plain.message = means_other_form(g, info)
                            ? "the client sent an alert when it could tell whether its password is "
                              "right (or it wants another form: --pake)"
                            : "the client sent an alert when it could tell whether its password is "
                              "right";
    return plain;
}

static struct reason of_work(const struct kp_secure *s)
{
    if (s->error == KP_E_TRUNCATED)
        return (struct reason){KP_LOG_INFO, "closed", "the client went away without close_notify"};
    if (s->error == KP_E_PEER_ALERT)
        return (struct reason){KP_LOG_INFO, "closed", "the client sent an alert"};
    return (struct reason){KP_LOG_WARNING, "closed", kp_error_text(s->error)};
}

static struct reason of_end(const struct kp_guest *g, bool proved)
{
    if (g->answered)
        return (struct reason){KP_LOG_INFO, "closed", "/.well-known/keyplate was answered"};
    switch ((enum kp_guest_end)g->end) {
    case KP_GUEST_SECURE:
        return proved ? of_work(g->secure) : of_handshake(g->secure);
    case KP_GUEST_UPSTREAM:
        return (struct reason){KP_LOG_WARNING, "closed", "the upstream broke the connection"};
    case KP_GUEST_CUT:
        return (struct reason){KP_LOG_INFO, "closed", "it was cut in the middle of an answer"};
    case KP_GUEST_LEFT:
        return (struct reason){KP_LOG_INFO, "closed",
                               "the client ended in the middle of a request"};
    case KP_GUEST_UNREACHED:
        return (struct reason){KP_LOG_ERROR, "upstream-down",
                               "the upstream can't be reached: check that it runs at this address"};
    case KP_GUEST_TIMEOUT:
        return proved ? (struct reason){KP_LOG_INFO, "closed", "nothing moved for --idle-timeout"}
                      : (struct reason){KP_LOG_INFO, "handshake-failed",
                                        "the handshake took longer than --handshake-timeout"};
    case KP_GUEST_STOPPED: /* who gives way is told of in the line about that */
        return (struct reason){g->client.gave_way ? KP_LOG_DEBUG : KP_LOG_INFO, "closed",
                               g->why != NULL ? g->why : "stopped"};
    case KP_GUEST_STAYS:
    case KP_GUEST_DONE:
        break;
    }
    return (struct reason){KP_LOG_INFO, "closed", "both sides were done"};
}

static void add_who(struct kp_log_line *line, const struct kp_guest *g, const struct kp_info *info)
{
    char address[KP_ADDRESS_TEXT_LEN];
    size_t len = 0;
    const char *claimed = kp_conn_user(g->secure->conn, &len);
    kp_log_word(line, "client", kp_inet_text(&g->client.from, address));
    if (info->user != NULL)
        kp_log_text(line, "user", info->user, info->user_len);
    if (claimed != NULL && info->user == NULL)
        kp_log_text(line, "claimed", claimed, len);
    kp_log_flag(line, "proved", info->user != NULL);
}

static void add_protocol(struct kp_log_line *line, const struct kp_info *info)
{
    if (info->suite == 0)
        return;
    kp_log_word(line, "protocol", info->version_name);
    kp_log_word(line, "suite", info->suite_name);
    kp_log_flag(line, "resumed", info->resumed);
    kp_log_word(line, "pake", info->pake);
    kp_log_word(line, "named_group", info->group_name);
    if (info->group_bits != 0)
        kp_log_number(line, "group", info->group_bits);
    if (info->version == VERSION_TLS13)
        kp_log_flag(line, "retried", info->retried);
}

void kp_guest_log_proved(const struct kp_guest *g)
{
    struct kp_log_line line;
    struct kp_info info;
    kp_conn_info(g->secure->conn, &info);
    /* A browser opens many connections with one ticket: those are of interest at their end. */
    kp_log_begin(&line, &g->client.worker->rules.log, info.resumed ? KP_LOG_DEBUG : KP_LOG_INFO,
                 "proved", info.resumed ? "a ticket was proved" : "the password was proved");
    add_who(&line, g, &info);
    add_protocol(&line, &info);
    kp_log_end(&line);
}

static void add_alerts(struct kp_log_line *line, const struct kp_conn *conn)
{
    if (kp_conn_peer_alert(conn) >= 0)
        kp_log_word(line, "peer_alert", kp_alert_name(kp_conn_peer_alert(conn)));
    if (kp_conn_sent_alert(conn) >= 0)
        kp_log_word(line, "sent_alert", kp_alert_name(kp_conn_sent_alert(conn)));
}

/* wait: seconds; 0 where it isn't the source's own failures that are in the way. */
static void add_attempt(struct kp_log_line *line, const struct kp_guest *g)
{
    kp_log_word(line, "attempt", g->refused ? "refused" : "failed");
    if (g->refused)
        kp_log_number(line, "wait",
                      kp_guesses_wait(g->client.worker->shop->guesses, &g->client.from));
}

/* ---- Counting ---------------------------------------------------------------------------- */

static kp_count *shake_of(const struct kp_guest *g, const struct kp_info *info, enum kp_shake how)
{
    enum kp_shake_version version = info->suite == 0                 ? KP_SHAKE_NONE
                                    : info->version == VERSION_TLS13 ? KP_SHAKE_13
                                                                     : KP_SHAKE_12;
    return &g->client.worker->shop->counters.handshakes[version][how];
}

void kp_guest_count_proved(const struct kp_guest *g)
{
    struct kp_info info;
    kp_conn_info(g->secure->conn, &info);
    kp_counted(shake_of(g, &info, info.resumed ? KP_SHAKE_RESUMED : KP_SHAKE_PROVED));
}

static void count_unproved(const struct kp_guest *g, const struct kp_info *info, bool attempt,
                           enum kp_refused refused)
{
    if (attempt)
        kp_counted(shake_of(g, info, KP_SHAKE_FAILED));
    else if (refused == KP_REFUSED_NOT)
        kp_counted(shake_of(g, info, KP_SHAKE_BROKEN));
    else
        kp_counted(shake_of(g, info, KP_SHAKE_REFUSED));
    if (!attempt && refused != KP_REFUSED_NOT)
        kp_counted(&g->client.worker->shop->counters.refused[refused]);
}

void kp_guest_count_bytes(const struct kp_guest *g)
{
    struct kp_counters *c = &g->client.worker->shop->counters;
    kp_counted_more(&c->bytes_in, g->secure->bytes_in);
    kp_counted_more(&c->bytes_out, g->secure->bytes_out);
}

/* ---- The end ----------------------------------------------------------------------------- */

void kp_guest_log_over(const struct kp_guest *g)
{
    const struct kp_secure *s = g->secure;
    struct kp_log_line line;
    struct kp_info info;
    struct reason reason;
    enum kp_refused refused;
    bool attempt;
    kp_conn_info(s->conn, &info);
    attempt = was_attempt(g, &info);
    reason = of_end(g, info.user != NULL);
    refused = refused_for(g, &reason);
    if (attempt)
        reason = of_attempt(g, &info, reason);
    if (info.user == NULL)
        count_unproved(g, &info, attempt, refused);
    kp_log_begin(&line, &g->client.worker->rules.log, reason.level, reason.event, reason.message);
    add_who(&line, g, &info);
    /* Guesses that are judged are few, and no noise may hide one. */
    if (info.user == NULL && (!attempt || g->refused))
        kp_log_stranger(&line);
    if (attempt)
        add_attempt(&line, g);
    else if (refused != KP_REFUSED_NOT)
        kp_log_word(&line, "reason", kp_counters_refused(refused));
    add_protocol(&line, &info);
    add_alerts(&line, s->conn);
    if (g->end == KP_GUEST_UNREACHED || g->end == KP_GUEST_UPSTREAM) {
        char address[KP_ADDRESS_TEXT_LEN];
        kp_address_text(&g->client.worker->rules.terms.upstream, address);
        kp_log_text(&line, "upstream", address, strlen(address));
        kp_log_word(&line, "error", uv_err_name(g->upstream_error));
    }
    if (s->net_error != 0)
        kp_log_word(&line, "error", uv_err_name(s->net_error));
    kp_log_number(&line, "bytes_in", s->bytes_in);
    kp_log_number(&line, "bytes_out", s->bytes_out);
    kp_log_seconds(&line, "seconds", uv_now(&g->client.worker->loop.uv) - g->client.born);
    kp_log_end(&line);
}
