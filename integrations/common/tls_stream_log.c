/* What the log says of a stream.  It changes nothing. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "tls_stream_inside.h"

static const char *source_text(const struct kp_tls_stream *s, char out[INET6_ADDRSTRLEN])
{
    static const uint8_t none[KP_SOURCE_LEN];
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    const char *text;
    if (memcmp(s->source, none, sizeof none) == 0)
        return "a local socket";
    if (memcmp(s->source, mapped, sizeof mapped) == 0)
        text = inet_ntop(AF_INET, s->source + sizeof mapped, out, INET6_ADDRSTRLEN);
    else
        text = inet_ntop(AF_INET6, s->source, out, INET6_ADDRSTRLEN);
    return text != NULL ? text : "an unknown address";
}

void kp_tls_stream_log_proved(const struct kp_tls_stream *s)
{
    char from[INET6_ADDRSTRLEN], name[KP_TLS_LOG_NAME];
    struct kp_info info;
    kp_conn_info(s->conn, &info);
    /* A browser opens many connections with one ticket. */
    if (info.resumed)
        return;
    kp_tls_log_say(&s->server->log, KP_TLS_LOG_INFO, "%s was proved from %s by %s, %s, %s",
                   kp_tls_log_name(name, info.user, info.user_len), source_text(s, from),
                   info.pake != NULL ? "SPAKE2+" : "SRP", info.version_name, info.suite_name);
}

void kp_tls_stream_log_changed(const struct kp_tls_stream *s)
{
    char from[INET6_ADDRSTRLEN], name[KP_TLS_LOG_NAME];
    struct kp_info info;
    kp_conn_info(s->conn, &info);
    kp_tls_log_say(&s->server->log, KP_TLS_LOG_INFO,
                   "a connection of %s from %s ends: the user's credential was changed or removed",
                   kp_tls_log_name(name, info.user, info.user_len), source_text(s, from));
}

static const char *reason_of(const struct kp_tls_stream *s, char *room, size_t len)
{
    if (s->refused)
        return "the guess was not judged: there were too many wrong ones (a right password is "
               "refused, too, until the wait is over)";
    if (s->late)
        return "the handshake took too long";
    switch (s->error) {
    case 0:
        return "it was closed during the handshake";
    case KP_E_PROOF:
        return "wrong name, password or device id";
    case KP_E_TRUNCATED:
        return "the client went away";
    case KP_E_PEER_ALERT:
        snprintf(room, len, "the client sent an alert (%s)",
                 kp_alert_name(kp_conn_peer_alert(s->conn)));
        return room;
    default:
        return kp_error_text(s->error);
    }
}

void kp_tls_stream_log_failed(const struct kp_tls_stream *s)
{
    char from[INET6_ADDRSTRLEN], name[KP_TLS_LOG_NAME], alert[64];
    const char *reason = reason_of(s, alert, sizeof alert);
    size_t len = 0;
    const char *claimed = kp_conn_user(s->conn, &len);
    struct kp_info info;
    kp_conn_info(s->conn, &info);
    if (s->changed)
        return; /* that was said */
    if (s->proved) {
        /* Browsers go away as they please. */
        if (s->error == KP_E_TRUNCATED || s->error == KP_E_PEER_ALERT)
            return;
        kp_tls_log_say(&s->server->log, KP_TLS_LOG_INFO, "a connection of %s from %s ended: %s",
                       kp_tls_log_name(name, info.user, info.user_len), source_text(s, from),
                       reason);
        return;
    }
    /* Guesses that are judged are few, and neither noise nor an ending of the client's choice may
     * hide one. */
    if (info.password_used && !s->refused)
        kp_tls_log_say(&s->server->log, KP_TLS_LOG_WARNING,
                       "a proof failed: somebody who claims to be \"%s\", from %s: %s",
                       kp_tls_log_name(name, claimed, len), source_text(s, from), reason);
    else if (s->error != 0 && kp_tls_log_stranger(&s->server->log))
        kp_tls_log_say(&s->server->log, s->refused ? KP_TLS_LOG_WARNING : KP_TLS_LOG_INFO,
                       "a handshake from %s failed: %s", source_text(s, from), reason);
}
