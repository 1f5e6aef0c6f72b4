/* What the log says of a tunnel: see tunnel_log.h.  It changes nothing. */
#include "tunnel_log.h"

#include <string.h>

struct reason {
    enum kp_log_level level;
    const char *event;
    const char *message;
};

/* What a person can do about it, where kp_error_text alone doesn't tell. */
static struct reason of_handshake(const struct kp_secure *s)
{
    switch (s->error) {
    case KP_E_PROOF:
        return (struct reason){KP_LOG_WARNING, "proof-failed", "wrong name or password"};
    case KP_E_HTTP:
        return (struct reason){KP_LOG_INFO, "refused",
                               "plain HTTP came to the TLS port: it was told so"};
    case KP_E_SSLV2:
        return (struct reason){KP_LOG_INFO, "refused",
                               "an SSLv2 hello: the client is too old for this server"};
    case KP_E_NOT_TLS:
        return (struct reason){KP_LOG_INFO, "refused", "what came to the TLS port isn't TLS"};
    case KP_E_NO_PASSWORD_SUITE:
        return (struct reason){KP_LOG_INFO, "refused",
                               "the client offers no password suite: an ordinary browser must come "
                               "by `keyplate open`"};
    case KP_E_NO_USER:
        return (struct reason){KP_LOG_INFO, "refused", "the client sent no user name"};
    case KP_E_NO_ETM:
        return (struct reason){KP_LOG_WARNING, "refused",
                               "the client lacks encrypt-then-MAC (RFC 7366): it needs a newer TLS "
                               "library"};
    case KP_E_NO_EMS:
        return (struct reason){KP_LOG_WARNING, "refused",
                               "the client lacks the extended master secret (RFC 7627): it needs a "
                               "newer TLS library"};
    case KP_E_TRUNCATED:
        return (struct reason){KP_LOG_INFO, "handshake-failed",
                               "the client went away during the handshake"};
    case KP_E_PEER_ALERT:
        return (struct reason){KP_LOG_INFO, "handshake-failed", "the client sent an alert"};
    default:
        return (struct reason){KP_LOG_WARNING, "handshake-failed", kp_error_text(s->error)};
    }
}

static struct reason of_work(const struct kp_secure *s)
{
    if (s->error == KP_E_TRUNCATED)
        return (struct reason){KP_LOG_INFO, "closed", "the client went away without close_notify"};
    if (s->error == KP_E_PEER_ALERT)
        return (struct reason){KP_LOG_INFO, "closed", "the client sent an alert"};
    return (struct reason){KP_LOG_WARNING, "closed", kp_error_text(s->error)};
}

static struct reason of_end(const struct kp_tunnel *t, bool proved)
{
    switch ((enum kp_relay_end)t->relay.end) {
    case KP_ENDED_SECURE:
        return proved ? of_work(&t->relay.secure) : of_handshake(&t->relay.secure);
    case KP_ENDED_PLAIN:
        return (struct reason){KP_LOG_WARNING, "closed", "the upstream broke the connection"};
    case KP_ENDED_UNREACHED:
        return (struct reason){KP_LOG_ERROR, "upstream-down",
                               "the upstream can't be reached: check that it runs at this address"};
    case KP_ENDED_TIMEOUT:
        return proved ? (struct reason){KP_LOG_INFO, "closed", "nothing moved for --idle-timeout"}
                      : (struct reason){KP_LOG_INFO, "handshake-failed",
                                        "the handshake took longer than --handshake-timeout"};
    case KP_ENDED_OWNER:
        return (struct reason){KP_LOG_INFO, "closed", t->why != NULL ? t->why : "stopped"};
    case KP_ENDED_NOT:
    case KP_ENDED_BOTH:
        break;
    }
    return (struct reason){KP_LOG_INFO, "closed", "both sides were done"};
}

static void add_who(struct kp_log_line *line, const struct kp_tunnel *t, const struct kp_info *info)
{
    char address[KP_ADDRESS_TEXT_LEN];
    size_t len = 0;
    const char *claimed = kp_conn_user(t->relay.secure.conn, &len);
    kp_log_word(line, "client", kp_inet_text(&t->client, address));
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
    if (info->group_bits != 0)
        kp_log_number(line, "group", info->group_bits);
}

void kp_tunnel_log_proved(const struct kp_tunnel *t)
{
    struct kp_log_line line;
    struct kp_info info;
    kp_conn_info(t->relay.secure.conn, &info);
    /* A browser opens many connections with one ticket: those are of interest at their end. */
    kp_log_begin(&line, &t->worker->rules.log, info.resumed ? KP_LOG_DEBUG : KP_LOG_INFO, "proved",
                 info.resumed ? "a ticket was proved" : "the password was proved");
    add_who(&line, t, &info);
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

void kp_tunnel_log_over(const struct kp_tunnel *t)
{
    const struct kp_secure *s = &t->relay.secure;
    struct kp_log_line line;
    struct kp_info info;
    struct reason reason;
    kp_conn_info(s->conn, &info);
    reason = of_end(t, info.user != NULL);
    kp_log_begin(&line, &t->worker->rules.log, reason.level, reason.event, reason.message);
    add_who(&line, t, &info);
    add_protocol(&line, &info);
    add_alerts(&line, s->conn);
    if (t->relay.end == KP_ENDED_UNREACHED || t->relay.end == KP_ENDED_PLAIN) {
        char address[KP_ADDRESS_TEXT_LEN];
        kp_address_text(&t->worker->rules.upstream, address);
        kp_log_text(&line, "upstream", address, strlen(address));
        kp_log_word(&line, "error", uv_err_name(t->relay.plain_error));
    }
    if (s->net_error != 0)
        kp_log_word(&line, "error", uv_err_name(s->net_error));
    kp_log_number(&line, "bytes_in", s->bytes_in);
    kp_log_number(&line, "bytes_out", s->bytes_out);
    kp_log_seconds(&line, "seconds", uv_now(&t->worker->loop.uv) - t->born);
    kp_log_end(&line);
}
