/* One connection: see upper_stream.h. */
#include "upper_stream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tls_stream.h"

/* What a connection keeps in us->ssl. */
struct kp_upper {
    struct ustream_ssl *us;    /* NULL: it was freed in a callback */
    struct kp_tls_stream *tls; /* NULL before the first bytes: the socket isn't known earlier */
    struct uloop_timeout pump;
    unsigned busy; /* callbacks that are running */
};

/* ---- The wire: conn ------------------------------------------------------------------------ */

static ssize_t wire_recv(void *arg, uint8_t *room, size_t len)
{
    struct ustream *conn = arg;
    int have = 0;
    const char *bytes = ustream_get_read_buf(conn, &have);
    if (!bytes || have <= 0)
        return conn->eof ? 0 : KP_TLS_WIRE_AGAIN;
    if (len > (size_t)have)
        len = (size_t)have;
    memcpy(room, bytes, len);
    ustream_consume(conn, (int)len);
    return (ssize_t)len;
}

/* What the socket doesn't take waits in conn, without a limit: so nothing more goes there until it
 * is gone, which conn_written tells. */
static ssize_t wire_send(void *arg, const uint8_t *bytes, size_t len)
{
    struct ustream *conn = arg;
    int sent;
    if (conn->write_error)
        return KP_TLS_WIRE_BROKEN;
    if (ustream_pending_data(conn, true))
        return KP_TLS_WIRE_AGAIN;
    sent = ustream_write(conn, (const char *)bytes, len < INT_MAX ? (int)len : INT_MAX, false);
    return sent > 0 ? sent : KP_TLS_WIRE_BROKEN;
}

static const struct kp_tls_wire wire = {.recv = wire_recv, .send = wire_send};

/* ---- A connection -------------------------------------------------------------------------- */

static struct ustream_ssl *ssl_of(struct ustream *stream)
{
    return container_of(stream, struct ustream_ssl, stream);
}

/* Around whatever may call uhttpd back, which may free the connection there. */
static void enter(struct kp_upper *l)
{
    l->busy++;
}

/* False: the connection is gone. */
static bool leave(struct kp_upper *l)
{
    bool here = l->us != NULL;
    if (--l->busy == 0 && !here)
        free(l);
    return here;
}

/* Says so to uhttpd in the loop's next turn, which then closes it: the alert was sent already.
 * uhttpd itself doesn't listen to notify_error. */
static void fail(struct ustream_ssl *us, int error)
{
    if (us->error)
        return;
    us->error = error;
    us->stream.eof = true;
    us->stream.write_error = true;
    if (us->notify_error)
        uloop_timeout_set(&us->error_timer, 0);
    ustream_state_change(&us->stream);
}

static void tell_error(struct uloop_timeout *timer)
{
    struct ustream_ssl *us = container_of(timer, struct ustream_ssl, error_timer);
    if (us->notify_error)
        us->notify_error(us, us->error, "password TLS failed: see the log");
}

static int begin(struct ustream_ssl *us, struct kp_upper *l)
{
    struct ustream_ssl_ctx *ctx = us->ctx;
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    int fd = container_of(us->conn, struct ustream_fd, stream)->fd.fd;
    bool known = getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
    return kp_tls_stream_new(&l->tls, ctx->server, known ? (struct sockaddr *)&peer : NULL, &wire,
                             us->conn);
}

/* Whether both sides have proved the password. */
static bool prove(struct ustream_ssl *us, struct kp_upper *l)
{
    int status = 0;
    if (us->connected)
        return true;
    if (!l->tls)
        status = begin(us, l);
    if (status == 0)
        status = kp_tls_stream_handshake(l->tls);
    if (status < 0) {
        if (status != KP_TLS_AGAIN)
            fail(us, status);
        return false;
    }
    us->connected = true;
    if (us->notify_connected)
        us->notify_connected(us);
    if (l->us)
        ustream_write_pending(&us->stream);
    return l->us != NULL;
}

/* Moves what came from conn into the upper stream, as far as there is room; whether any did. */
static bool take(struct ustream_ssl *us, struct kp_upper *l)
{
    bool more = false;
    while (l->us && !us->stream.eof && !us->error && !ustream_read_blocked(&us->stream)) {
        int room = 0;
        char *buf = ustream_reserve(&us->stream, 1, &room);
        ssize_t got;
        if (!buf || room <= 0)
            break;
        got = kp_tls_stream_read(l->tls, buf, (size_t)room);
        if (got == KP_TLS_AGAIN)
            break;
        if (got < 0) {
            fail(us, (int)got);
        } else if (got == 0) {
            us->stream.eof = true;
            ustream_state_change(&us->stream);
        } else {
            more = true;
            ustream_fill_read(&us->stream, (int)got);
        }
    }
    return more;
}

/* Between enter and leave. */
static bool pump_inside(struct ustream_ssl *us, struct kp_upper *l)
{
    return !us->error && !us->stream.eof && prove(us, l) && take(us, l);
}

static bool pump(struct ustream_ssl *us)
{
    struct kp_upper *l = us->ssl;
    bool more;
    if (!l)
        return false;
    enter(l);
    more = pump_inside(us, l);
    (void)leave(l);
    return more;
}

static void pump_later(struct uloop_timeout *timer)
{
    (void)pump(container_of(timer, struct kp_upper, pump)->us);
}

/* ---- What conn tells ----------------------------------------------------------------------- */

static void conn_read(struct ustream *conn, int bytes)
{
    (void)bytes;
    (void)pump(ssl_of(conn->next));
}

static void conn_written(struct ustream *conn, int bytes)
{
    struct ustream_ssl *us = ssl_of(conn->next);
    struct kp_upper *l = us->ssl;
    int status;
    (void)bytes;
    if (!l || !l->tls || us->error)
        return;
    status = kp_tls_stream_flush(l->tls);
    if (status < 0 && status != KP_TLS_AGAIN) {
        fail(us, status);
        return;
    }
    enter(l);
    (void)pump_inside(us, l); /* the engine reads no further while it can't answer */
    if (leave(l) && us->connected)
        ustream_write_pending(&us->stream);
}

/* The socket ended.  Behind a close_notify that is in order, and uhttpd may go on answering. */
static void conn_state(struct ustream *conn)
{
    struct ustream_ssl *us = ssl_of(conn->next);
    struct kp_upper *l = us->ssl;
    if (conn->write_error || !l) {
        fail(us, KP_E_TRUNCATED);
        return;
    }
    enter(l);
    (void)pump_inside(us, l);
    if (leave(l) && us->stream.eof)
        ustream_state_change(&us->stream);
}

/* ---- What uhttpd asks of the upper stream -------------------------------------------------- */

static int upper_write(struct ustream *stream, const char *buf, int len, bool more)
{
    struct ustream_ssl *us = ssl_of(stream);
    struct kp_upper *l = us->ssl;
    int used = 0;
    (void)more;
    if (!us->connected || us->error)
        return 0;
    while (used < len && !ustream_pending_data(us->conn, true)) {
        ssize_t sealed = kp_tls_stream_write(l->tls, buf + used, (size_t)(len - used));
        if (sealed == KP_TLS_AGAIN)
            break;
        if (sealed < 0) {
            fail(us, (int)sealed);
            return -1;
        }
        used += (int)sealed;
    }
    if (stream->eof) /* the client has ended, and waits for no more than this answer */
        ustream_state_change(stream);
    return used;
}

/* What conn or the engine holds already makes no event: it is looked for in the next turn. */
static void upper_set_read_blocked(struct ustream *stream)
{
    struct ustream_ssl *us = ssl_of(stream);
    struct kp_upper *l = us->ssl;
    ustream_set_read_blocked(us->conn, stream->read_blocked != 0);
    if (l && !stream->read_blocked)
        uloop_timeout_set(&l->pump, 0);
}

static bool upper_poll(struct ustream *stream)
{
    struct ustream_ssl *us = ssl_of(stream);
    struct kp_upper *l = us->ssl;
    bool more;
    if (!l)
        return false;
    enter(l);
    more = ustream_poll(us->conn);
    if (l->us)
        more = pump_inside(us, l) || more;
    (void)leave(l);
    return more;
}

static void upper_free(struct ustream *stream)
{
    struct ustream_ssl *us = ssl_of(stream);
    struct kp_upper *l = us->ssl;
    uloop_timeout_cancel(&us->error_timer);
    if (l) {
        if (us->connected && !us->error)
            (void)!kp_tls_stream_shutdown(l->tls); /* it is closed either way */
        kp_tls_stream_free(l->tls);
        uloop_timeout_cancel(&l->pump);
        us->ctx->streams--;
        l->us = NULL;
        if (!l->busy)
            free(l);
    }
    if (us->conn) {
        us->conn->next = NULL;
        us->conn->notify_read = NULL;
        us->conn->notify_write = NULL;
        us->conn->notify_state = NULL;
    }
    us->ctx = NULL;
    us->ssl = NULL;
    us->conn = NULL;
    us->connected = false;
    us->error = 0;
}

/* ---- Its beginning ------------------------------------------------------------------------- */

static void lie_on(struct ustream_ssl *us, struct ustream *conn)
{
    us->conn = conn;
    conn->next = &us->stream;
    conn->notify_read = conn_read;
    conn->notify_write = conn_written;
    conn->notify_state = conn_state;
    us->error_timer.cb = tell_error;
    us->stream.write = upper_write;
    us->stream.free = upper_free;
    us->stream.set_read_blocked = upper_set_read_blocked;
    us->stream.poll = upper_poll;
    ustream_init_defaults(&us->stream);
}

int kp_upper_stream_init(struct ustream_ssl *us, struct ustream *conn, struct ustream_ssl_ctx *ctx,
                         bool server)
{
    struct kp_upper *l = server && ctx && ctx->server ? calloc(1, sizeof *l) : NULL;
    us->server = server;
    us->ctx = ctx;
    us->ssl = l;
    us->connected = false;
    us->error = 0;
    lie_on(us, conn);
    if (!l) {
        fail(us, KP_E_MEMORY);
        return -ENOMEM;
    }
    l->us = us;
    l->pump.cb = pump_later;
    ctx->streams++;
    return 0;
}
