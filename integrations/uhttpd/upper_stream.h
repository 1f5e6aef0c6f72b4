/*
 * One connection of uhttpd with password TLS: the stream `us->stream`, from which uhttpd reads
 * requests and to which it writes answers, over the socket's stream `conn`.
 */
#ifndef KP_UHTTPD_UPPER_STREAM_H
#define KP_UHTTPD_UPPER_STREAM_H

#include <libubox/ustream.h>
#include <libubox/ustream-ssl.h>

struct kp_tls_server;

struct ustream_ssl_ctx {
    struct kp_tls_server *server; /* NULL before a credentials file was given */
    struct uloop_timeout look;
    unsigned streams; /* which are in use */
    unsigned idle;    /* looks since there was one */
};

/* What libustream-ssl's `init` does: lays us->stream on conn, which has to be of a struct
 * ustream_fd, and may have no socket yet: it is asked for its peer with the first bytes.  0 or
 * -ENOMEM; uhttpd doesn't look at that, so a connection that can't be served fails by itself, like
 * any that the client breaks off: uhttpd is told eof and write_error by notify_state. */
int kp_upper_stream_init(struct ustream_ssl *us, struct ustream *conn, struct ustream_ssl_ctx *ctx,
                         bool server);

#endif
