/* Why a connection didn't come about: see explain.h.  Words only. */
#include "explain.h"

#include <stdio.h>

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

/* What the far end turned out to be; false: none of these. */
static bool of_kind(const struct kp_trouble *t, const char *where, char *text, size_t len)
{
    switch (t->error) {
    case KP_E_NO_SRP_SERVER:
        snprintf(text, len,
                 "%s is a server with a certificate that takes no password at this level: an "
                 "ordinary router or web site, not a Keyplate device",
                 where);
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
    else if (t->unresolved)
        snprintf(text, len,
                 "there is no device by the name of %s: check the spelling, or use its address",
                 where);
    else if (of_kind(t, where, text, len))
        return text;
    else if (t->stage == KP_AT_CONNECT)
        of_connect(t, where, text, len);
    else if (t->stage == KP_AT_HANDSHAKE)
        of_handshake(t, where, text, len);
    else
        of_work(t, where, text, len);
    return text;
}
