/* Why a connection didn't come about: see explain.h.  Words only. */
#include "explain.h"

#include <stdio.h>
#include <string.h>

/* Alerts, RFC 8446 6. */
#define HANDSHAKE_FAILURE 40
#define ILLEGAL_PARAMETER 47
#define PROTOCOL_VERSION 70
#define MISSING_EXTENSION 109

#define VERSION_TLS13 0x0304

void kp_trouble_of(struct kp_trouble *t, const struct kp_secure *s)
{
    struct kp_info info;
    kp_conn_info(s->conn, &info);
    *t = (struct kp_trouble){
        .error = s->error,
        .net_error = s->net_error,
        .peer_alert = kp_conn_peer_alert(s->conn),
        .stage = s->stage,
        /* The engine's to say: no alert, order of bytes or state of the socket tells it. */
        .committed = info.password_used,
        .tls13 = info.version == VERSION_TLS13,
    };
}

void kp_trouble_of_timeout(struct kp_trouble *t, const struct kp_secure *s)
{
    kp_trouble_of(t, s);
    t->error = KP_E_TRUNCATED;
    t->net_error = UV_ETIMEDOUT;
}

bool kp_trouble_is_proof(const struct kp_trouble *t)
{
    return t->error == KP_E_PROOF;
}

static void of_connect(const struct kp_trouble *t, const char *where, char *text, size_t len)
{
    switch (t->net_error) {
    case UV_ECONNREFUSED:
        snprintf(text, len,
                 "nothing listens at %s: the device is on, but not this service of it (is it "
                 "another port?)",
                 where);
        break;
    case UV_ETIMEDOUT:
        snprintf(text, len,
                 "nothing answers at %s: is the device on, and on the same network as this "
                 "computer?",
                 where);
        break;
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
    case UV_EADDRNOTAVAIL:
        snprintf(text, len,
                 "there is no way from here to %s: is the address right, and this computer on the "
                 "same network?",
                 where);
        break;
    default:
        snprintf(text, len, "can't connect to %s: %s", where, uv_strerror(t->net_error));
    }
}

static void of_handshake(const struct kp_trouble *t, const char *where, char *text, size_t len)
{
    if (t->net_error == UV_ETIMEDOUT)
        snprintf(text, len,
                 "%s takes connections but doesn't answer: it may be busy, or speak something else "
                 "than TLS",
                 where);
    else if (t->error == KP_E_TRUNCATED)
        snprintf(text, len,
                 "%s hung up during the handshake: it may not speak TLS, or be restarting", where);
    else if (t->error == KP_E_PEER_ALERT)
        snprintf(text, len, "%s refused the handshake (its alert: %s)", where,
                 kp_alert_name(t->peer_alert));
    else
        snprintf(text, len, "the handshake with %s failed: %s", where, kp_error_text(t->error));
}

static void of_work(const struct kp_trouble *t, const char *where, char *text, size_t len)
{
    if (t->net_error == UV_ETIMEDOUT)
        snprintf(text, len, "nothing came from %s for too long", where);
    else if (t->error == KP_E_TRUNCATED)
        snprintf(text, len,
                 "the connection to %s was cut: what came may not be the whole (no close_notify)",
                 where);
    else if (t->error == KP_E_PEER_ALERT)
        snprintf(text, len, "%s ended the connection with an alert: %s", where,
                 kp_alert_name(t->peer_alert));
    else
        snprintf(text, len, "the connection to %s failed: %s", where, kp_error_text(t->error));
}

/* Whether it refused the form of TLS 1.3 that was asked for: which form a device had isn't
 * remembered, so that says nothing of what it could before. */
static bool is_other_form(const struct kp_trouble *t)
{
    return t->error == KP_E_NO_SRP_SERVER && t->offered.pake == KP_PAKE_BORINGSSL &&
           (t->offered.versions & KP_USE_TLS13) != 0 &&
           (t->peer_alert == HANDSHAKE_FAILURE || t->peer_alert == ILLEGAL_PARAMETER ||
            t->peer_alert == MISSING_EXTENSION);
}

/* Whether the far end wanted less than TLS 1.3, or none of it with a password. */
static bool is_step_down(const struct kp_trouble *t)
{
    return t->error == KP_E_ONLY_TLS12 || t->error == KP_E_VERSION ||
           (t->error == KP_E_NO_SRP_SERVER && !is_other_form(t)) ||
           (t->error == KP_E_PEER_ALERT &&
            (t->peer_alert == HANDSHAKE_FAILURE || t->peer_alert == PROTOCOL_VERSION));
}

/* It may be said only of what was remembered: else it is one more thing that a device can be. */
static bool of_step_down(const struct kp_trouble *t, const char *where, char *text, size_t len)
{
    const char *name = t->offered.name; /* NULL: it is only known from this run */
    if (!t->offered.was_tls13 || t->stage != KP_AT_HANDSHAKE || !is_step_down(t))
        return false;
    snprintf(text, len,
             "%s spoke TLS 1.3 before and now doesn't: someone may be in between, or its file of "
             "passwords was changed (%s%s%sto use TLS 1.2 this once: --tls 1.2)",
             where, name != NULL ? "if it was reset: keyplate devices forget " : "",
             name != NULL ? name : "", name != NULL ? "; " : "");
    return true;
}

static const char *other_form(const struct kp_trouble *t)
{
    return t->offered.pake == KP_PAKE_BORINGSSL ? "ietf" : "boringssl";
}

/* It takes no TLS 1.2, and who sees no more than that can't tell what it is. */
static void of_no_tls12(const struct kp_trouble *t, const char *where, char *text, size_t len)
{
    const char *what = "give the id on its label: --device-id ID";
    if (t->offered.tls12_asked)
        what = t->offered.id != NULL ? "leave out --tls 1.2"
                                     : "leave out --tls 1.2, and give the id on its label: "
                                       "--device-id ID";
    snprintf(text, len, "%s doesn't take TLS 1.2. If it is a Keyplate device of TLS 1.3 alone, %s",
             where, what);
}

/* It takes none of what was offered: that is a server of certificates, or one of other passwords.
 */
static void of_refusal(const struct kp_trouble *t, const char *where, char *text, size_t len)
{
    const char *other = other_form(t);
    if (is_other_form(t))
        snprintf(text, len,
                 "%s takes no TLS 1.3 in the form of --pake boringssl: leave --pake out (ietf)",
                 where);
    else if (t->offered.versions == KP_USE_TLS13)
        snprintf(text, len,
                 "%s takes no password by TLS 1.3 as it was offered: it is an ordinary router or "
                 "web site with a certificate, or a device of TLS 1.2 alone (--tls 1.2) or of the "
                 "other form of TLS 1.3 (--pake %s)",
                 where, other);
    else if (t->offered.versions == KP_USE_TLS12 && t->peer_alert == PROTOCOL_VERSION)
        of_no_tls12(t, where, text, len);
    else if (t->offered.versions == KP_USE_TLS12)
        snprintf(text, len,
                 "%s is a server with a certificate that takes no password at this level: an "
                 "ordinary router or web site, not a Keyplate device",
                 where);
    else
        snprintf(text, len,
                 "%s is a server with a certificate that takes no password at this level: an "
                 "ordinary router or web site, not a Keyplate device (or one of the other form of "
                 "TLS 1.3 alone: --pake %s)",
                 where, other);
}

/* What the far end turned out to be; false: none of these. */
static bool of_kind(const struct kp_trouble *t, const char *where, char *text, size_t len)
{
    switch (t->error) {
    case KP_E_NO_SRP_SERVER:
        of_refusal(t, where, text, len);
        return true;
    case KP_E_ONLY_TLS12:
        snprintf(text, len, "%s speaks TLS 1.2 and not 1.3: leave out --tls 1.3 to use that",
                 where);
        return true;
    case KP_E_MISSING:
        snprintf(text, len,
                 "%s answers wrongly, or in another form of TLS 1.3 than the one that was offered "
                 "(--pake %s offers that)",
                 where, other_form(t));
        return true;
    case KP_E_HTTP:
        snprintf(text, len,
                 "%s speaks plain HTTP, which protects nothing: this is not the device's TLS port "
                 "(try port 443)",
                 where);
        return true;
    case KP_E_NOT_TLS:
        snprintf(text, len, "%s doesn't speak TLS: this is the port of something else", where);
        return true;
    case KP_E_GROUP:
        snprintf(text, len,
                 "%s uses a weak SRP group (shorter than 2048 bits, or unknown): the password was "
                 "not used with it",
                 where);
        return true;
    case KP_E_TICKET_REFUSED:
        snprintf(text, len, "%s didn't take the ticket: the password has to be used again", where);
        return true;
    default:
        return false;
    }
}

const char *kp_explain(const struct kp_trouble *t, const char *where, char *text, size_t len)
{
    if (kp_trouble_is_proof(t))
        snprintf(text, len, "%s", kp_error_text(KP_E_PROOF));
    else if (t->stranger)
        snprintf(text, len,
                 "another device than the one that is remembered answers at %s: it knows the "
                 "password, but its device id is another",
                 where);
    else if (t->unresolved)
        snprintf(text, len,
                 "there is no device by the name of %s: check the spelling, or use its address",
                 where);
    else if (of_step_down(t, where, text, len) || of_kind(t, where, text, len))
        return text;
    else if (t->stage == KP_AT_CONNECT)
        of_connect(t, where, text, len);
    else if (t->stage == KP_AT_HANDSHAKE)
        of_handshake(t, where, text, len);
    else
        of_work(t, where, text, len);
    return text;
}

const char *kp_explain_more(const struct kp_trouble *t, char text[KP_EXPLAIN_MORE_LEN])
{
    char id[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)];
    const struct kp_offered *offered = &t->offered;
    if (!kp_trouble_is_proof(t) || !t->tls13 || offered->id == NULL)
        return NULL;
    kp_text_escape(id, offered->id, strlen(offered->id));
    if (offered->id_given || offered->name == NULL)
        snprintf(text, KP_EXPLAIN_MORE_LEN,
                 "if they are right, then the device id \"%s\" is not this device's", id);
    else
        snprintf(text, KP_EXPLAIN_MORE_LEN,
                 "it was asked for as the device saved as %s, id \"%s\": if it was reset or "
                 "replaced it has another id: keyplate devices forget %s, then start again",
                 offered->name, id, offered->name);
    return text;
}
