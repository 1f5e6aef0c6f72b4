/* See tls_stream.h. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include "tls_stream_inside.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_PART 8 /* with more than that part of streams_max cookies are asked for */

static const char notice[] = "HTTP/1.1 400 Bad Request\r\n"
                             "Content-Type: text/plain; charset=utf-8\r\n"
                             "Cache-Control: no-store\r\n"
                             "Connection: close\r\n"
                             "\r\n"
                             "This port speaks TLS keyed by the device's password, not plain HTTP: "
                             "open it with `keyplate open ADDRESS`.\n";

/* ---- The wire ---------------------------------------------------------------------------- */

static ssize_t of_errno(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? KP_TLS_WIRE_AGAIN
                                                                     : KP_TLS_WIRE_BROKEN;
}

static ssize_t socket_recv(void *arg, uint8_t *room, size_t len)
{
    ssize_t got = recv(*(const int *)arg, room, len, MSG_DONTWAIT);
    return got >= 0 ? got : of_errno();
}

static ssize_t socket_send(void *arg, const uint8_t *bytes, size_t len)
{
    ssize_t sent = send(*(const int *)arg, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent >= 0 ? sent : of_errno();
}

const struct kp_tls_wire kp_tls_wire_socket = {socket_recv, socket_send};

static const uint8_t *sealed(const struct kp_tls_stream *s, size_t *len)
{
    if (s->notice == NULL)
        return kp_wire_out(s->conn, len);
    *len = strlen(s->notice);
    return (const uint8_t *)s->notice;
}

bool kp_tls_stream_waits_to_send(const struct kp_tls_stream *s)
{
    size_t len;
    (void)sealed(s, &len);
    return len > 0 && !s->send_broken;
}

static void send_sealed(struct kp_tls_stream *s)
{
    while (kp_tls_stream_waits_to_send(s)) {
        size_t len;
        const uint8_t *bytes = sealed(s, &len);
        ssize_t sent = s->wire->send(s->arg, bytes, len);
        if (sent == KP_TLS_WIRE_AGAIN || sent == 0)
            return;
        if (sent < 0)
            s->send_broken = true;
        else if (s->notice != NULL)
            s->notice += sent;
        else
            kp_wire_out_done(s->conn, (size_t)sent);
    }
}

/* ---- Streams that aren't proved ------------------------------------------------------------ */

static void enlist(struct kp_tls_stream *s)
{
    struct kp_tls_server *server = s->server;
    s->older = server->newest;
    if (s->older != NULL)
        s->older->newer = s;
    else
        server->oldest = s;
    server->newest = s;
    server->unproved++;
    s->listed = true;
}

static void strike_off(struct kp_tls_stream *s)
{
    if (!s->listed)
        return;
    *(s->older != NULL ? &s->older->newer : &s->server->oldest) = s->newer;
    *(s->newer != NULL ? &s->newer->older : &s->server->newest) = s->older;
    s->server->unproved--;
    s->listed = false;
}

/* The first error stays. */
static void latch(struct kp_tls_stream *s, int error)
{
    if (s->error != 0)
        return;
    s->error = error;
    strike_off(s);
    kp_store_free(s->store);
    s->store = NULL;
    if (error == KP_E_HTTP)
        s->notice = notice;
    kp_tls_stream_log_failed(s);
}

/* What the engine says about it is sent as far as the wire takes it. */
static int fail(struct kp_tls_stream *s, int error)
{
    latch(s, error);
    send_sealed(s);
    return s->error;
}

/* Its owner may take a while to notice: the engine gives back what a handshake needs. */
static void latch_late(struct kp_tls_stream *s)
{
    s->late = true;
    (void)!kp_wire_in_end(s->conn);
    latch(s, KP_E_TRUNCATED);
}

static void check_time(struct kp_tls_stream *s)
{
    if (s->listed && kp_tls_seconds() >= s->deadline)
        latch_late(s);
}

void kp_tls_stream_drop_late(struct kp_tls_server *server)
{
    uint64_t now = kp_tls_seconds();
    while (server->oldest != NULL && server->oldest->deadline <= now)
        latch_late(server->oldest);
}

/* ---- What the engine asks for -------------------------------------------------------------- */

/* The newest credentials; but verifiers of TLS 1.3 hold for one device id, so a connection whose
 * context is not the current one stays with those that it began with. */
static int give_credential(struct kp_tls_stream *s)
{
    struct kp_credential found;
    size_t len;
    const char *name = kp_conn_user(s->conn, &len);
    int error;
    if (s->context == s->server->context && s->store != s->server->store) {
        kp_store_free(s->store);
        s->store = kp_store_ref(s->server->store);
    }
    error = kp_store_lookup(s->store, name, len, &found);
    if (error == 0) {
        memcpy(s->binding, found.binding, sizeof s->binding);
        error = kp_conn_credential(s->conn, &found);
    }
    explicit_bzero(&found, sizeof found);
    return error;
}

static int answer_guess(struct kp_tls_stream *s)
{
    size_t len;
    const char *name = kp_conn_user(s->conn, &len);
    s->refused = !kp_throttle_file_take(&s->server->throttle, s->source, name, len, &s->guess);
    return kp_conn_guess(s->conn, !s->refused);
}

/* Whether the server's credentials no longer have what this stream was proved by. */
static bool is_changed(struct kp_tls_stream *s)
{
    struct kp_credential now;
    struct kp_info info;
    if (s->changed || s->generation == s->server->generation)
        return s->changed;
    s->generation = s->server->generation;
    kp_conn_info(s->conn, &info);
    /* Public by now: the peer knows that it was proved. */
    s->changed = kp_store_lookup(s->server->store, info.user, info.user_len, &now) != 0 ||
                 memcmp(now.binding, s->binding, sizeof s->binding) != 0;
    s->deadline = kp_tls_seconds() + s->server->handshake_seconds;
    explicit_bzero(&now, sizeof now);
    if (s->changed)
        kp_tls_stream_log_changed(s);
    return s->changed;
}

static int be_proved(struct kp_tls_stream *s)
{
    strike_off(s);
    kp_throttle_proved(s->server->throttle.throttle, &s->guess, kp_tls_ms());
    if (s->store == s->server->store)
        s->generation = s->server->generation;
    if (is_changed(s))
        return fail(s, KP_E_PROOF);
    s->proved = true;
    kp_store_free(s->store);
    s->store = NULL;
    kp_tls_stream_log_proved(s);
    return 0;
}

/* Answers the engine until it wants bytes, is proved or has failed. */
static int serve_engine(struct kp_tls_stream *s)
{
    for (;;) {
        unsigned state = kp_conn_state(s->conn);
        int error = kp_conn_error(s->conn);
        if (error == 0 && (state & KP_NEED_CREDENTIAL))
            error = give_credential(s);
        else if (error == 0 && (state & KP_NEED_GUESS))
            error = answer_guess(s);
        else if (error == 0 && (state & KP_NEED_COMPUTE))
            error = kp_conn_compute(s->conn);
        else if (error == 0)
            return (state & KP_PROVED) && !s->proved ? be_proved(s) : 0;
        if (error != 0)
            return fail(s, error);
    }
}

/* ---- Bytes from the wire ------------------------------------------------------------------- */

/* One read.  0: something has changed, which the engine knows. */
static int receive(struct kp_tls_stream *s)
{
    size_t room;
    uint8_t *to = kp_wire_in_room(s->conn, &room);
    ssize_t got;
    if (room == 0) /* it wants bytes and has no memory for them: waiting would be without end */
        return fail(s, KP_E_MEMORY);
    got = s->wire->recv(s->arg, to, room);
    (void)!kp_wire_in_done(s->conn, got > 0 ? (size_t)got : 0); /* latched, as below */
    if (got == KP_TLS_WIRE_AGAIN)
        return s->send_broken ? fail(s, KP_E_TRUNCATED) : KP_TLS_AGAIN;
    if (got <= 0)
        (void)!kp_wire_in_end(s->conn);
    return 0;
}

static int receive_if_wanted(struct kp_tls_stream *s)
{
    return kp_conn_state(s->conn) & KP_WIRE_IN ? receive(s) : KP_TLS_AGAIN;
}

/* ---- The caller's side --------------------------------------------------------------------- */

static void take_source(uint8_t out[KP_SOURCE_LEN], const struct sockaddr *peer)
{
    if (peer != NULL && peer->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, peer, sizeof v6);
        memcpy(out, &v6.sin6_addr, KP_SOURCE_LEN);
    } else if (peer != NULL && peer->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, peer, sizeof v4);
        out[10] = out[11] = 0xff;
        memcpy(out + 12, &v4.sin_addr, 4);
    }
}

int kp_tls_stream_new(struct kp_tls_stream **out, struct kp_tls_server *server,
                      const struct sockaddr *peer, const struct kp_tls_wire *wire, void *arg)
{
    uint64_t now = kp_tls_seconds();
    struct kp_tls_stream *s;
    int error;
    *out = NULL;
    if (server->unproved >= server->streams_max)
        kp_tls_stream_drop_late(server);
    if (server->unproved >= server->streams_max) {
        if (kp_tls_log_stranger(&server->log))
            kp_tls_log_say(&server->log, KP_TLS_LOG_WARNING,
                           "a connection was refused: %u others have not proved anything yet",
                           server->unproved);
        return KP_E_FLOOD;
    }
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return KP_E_MEMORY;
    error = kp_conn_new(&s->conn, server->context, now);
    if (error != 0) {
        free(s);
        return error;
    }
    s->server = server;
    s->context = server->context;
    s->store = kp_store_ref(server->store);
    s->wire = wire;
    s->arg = arg;
    s->deadline = now + server->handshake_seconds;
    take_source(s->source, peer);
    enlist(s);
    /* Before the first byte neither can fail. */
    if (kp_tls_server_prefers_tls12(server))
        (void)!kp_conn_prefer_tls12(s->conn);
    if (server->unproved > server->streams_max / BUSY_PART)
        (void)!kp_conn_ask_cookie(s->conn);
    *out = s;
    return 0;
}

void kp_tls_stream_free(struct kp_tls_stream *s)
{
    if (s == NULL)
        return;
    if (s->listed)
        kp_tls_stream_log_failed(s);
    strike_off(s);
    kp_conn_free(s->conn);
    kp_store_free(s->store);
    explicit_bzero(s, sizeof *s);
    free(s);
}

int kp_tls_stream_handshake(struct kp_tls_stream *s)
{
    while (s->error == 0 && !s->proved) {
        int result;
        check_time(s);
        if (s->error != 0 || serve_engine(s) != 0 || s->proved)
            break;
        send_sealed(s);
        result = receive_if_wanted(s);
        if (result != 0)
            return result;
    }
    send_sealed(s);
    return s->error;
}

ssize_t kp_tls_stream_read(struct kp_tls_stream *s, void *out, size_t len)
{
    int result = kp_tls_stream_handshake(s);
    if (!s->proved)
        return result;
    if (len == 0)
        return KP_TLS_AGAIN;
    while (!is_changed(s)) {
        size_t have;
        const uint8_t *bytes = kp_app_out(s->conn, &have);
        if (have > 0) {
            len = len < have ? len : have;
            memcpy(out, bytes, len);
            kp_app_out_done(s->conn, len);
            send_sealed(s);
            return (ssize_t)len;
        }
        if (s->error != 0 || kp_conn_error(s->conn) != 0)
            return fail(s, kp_conn_error(s->conn));
        if (kp_conn_state(s->conn) & KP_PEER_ENDED)
            return 0;
        send_sealed(s);
        result = receive_if_wanted(s);
        if (result != 0)
            return result;
    }
    return 0;
}

ssize_t kp_tls_stream_write(struct kp_tls_stream *s, const void *bytes, size_t len)
{
    size_t total = 0, used = 1;
    int result = kp_tls_stream_flush(s);
    if (result == 0)
        result = s->ended ? KP_E_ARGUMENT : kp_tls_stream_handshake(s);
    if (result == 0 && is_changed(s) && kp_tls_seconds() >= s->deadline)
        result = fail(s, KP_E_PROOF);
    if (result != 0)
        return result;
    while (total < len && used > 0 && !kp_tls_stream_waits_to_send(s)) {
        result = kp_app_in(s->conn, (const uint8_t *)bytes + total, len - total, &used);
        if (result != 0)
            return fail(s, result);
        total += used;
        send_sealed(s);
    }
    return total > 0 || len == 0 ? (ssize_t)total : KP_TLS_AGAIN;
}

ssize_t kp_tls_stream_send(struct kp_tls_stream *s, const void *bytes, size_t len)
{
    ssize_t result;
    if (s->untold == 0) {
        result = kp_tls_stream_write(s, bytes, len);
        if (result <= 0)
            return result;
        s->untold = (size_t)result;
    }
    result = kp_tls_stream_flush(s);
    if (result == 0) {
        result = (ssize_t)(s->untold < len ? s->untold : len);
        s->untold = 0;
    }
    return result;
}

int kp_tls_stream_flush(struct kp_tls_stream *s)
{
    check_time(s);
    send_sealed(s);
    if (s->error != 0)
        return s->error;
    if (s->send_broken)
        return KP_E_TRUNCATED;
    return kp_tls_stream_waits_to_send(s) ? KP_TLS_AGAIN : 0;
}

int kp_tls_stream_shutdown(struct kp_tls_stream *s)
{
    check_time(s);
    if (!s->proved)
        return s->error;
    if (!s->ended && s->error == 0) {
        int error = kp_app_in_end(s->conn);
        s->ended = true;
        if (error != 0)
            return fail(s, error);
    }
    return kp_tls_stream_flush(s);
}

bool kp_tls_stream_has_plaintext(struct kp_tls_stream *s)
{
    return s->error != 0 || kp_conn_error(s->conn) != 0 || (s->proved && is_changed(s)) ||
           (kp_conn_state(s->conn) & (KP_APP_OUT | KP_PEER_ENDED)) != 0;
}

bool kp_tls_stream_is_proved(const struct kp_tls_stream *s)
{
    return s->proved;
}

void kp_tls_stream_info(const struct kp_tls_stream *s, struct kp_info *out)
{
    kp_conn_info(s->conn, out);
}
