/*
 * The table that uhttpd takes from libustream-ssl.so, and what it keeps of a connection, in the
 * shapes that they have had: UBOX_SSL_ENTRIES is how many entries the table has.
 *
 *    7   2014
 *    8   2020: the list of ciphers
 *   11   2024: a descriptor instead of a stream, in the middle; debugging, validation
 */
#ifndef UBOX_USTREAM_SSL_H
#define UBOX_USTREAM_SSL_H

#include <libubox/ustream.h>

#ifndef UBOX_SSL_ENTRIES
#define UBOX_SSL_ENTRIES 11
#endif

struct ustream_ssl_ctx;

struct ustream_ssl {
    struct ustream stream;
    struct ustream *conn;
    struct uloop_timeout error_timer;
#if UBOX_SSL_ENTRIES >= 11
    struct uloop_fd fd;
#endif
    void (*notify_connected)(struct ustream_ssl *us);
    void (*notify_error)(struct ustream_ssl *us, int error, const char *str);
    void (*notify_verify_error)(struct ustream_ssl *us, int error, const char *str);

    struct ustream_ssl_ctx *ctx;
    void *ssl;
    char *peer_cn;
#if UBOX_SSL_ENTRIES >= 8
    const char *server_name;
#endif
    int error;
#if UBOX_SSL_ENTRIES >= 11
    int pending_write;
#endif
    bool connected;
    bool server;
    bool valid_cert;
    bool valid_cn;
#if UBOX_SSL_ENTRIES >= 8
    bool require_validation;
#endif
};

typedef void (*ustream_ssl_debug_cb)(void *priv, int level, const char *msg);

struct ustream_ssl_ops {
    struct ustream_ssl_ctx *(*context_new)(bool server);
    int (*context_set_crt_file)(struct ustream_ssl_ctx *ctx, const char *file);
    int (*context_set_key_file)(struct ustream_ssl_ctx *ctx, const char *file);
    int (*context_add_ca_crt_file)(struct ustream_ssl_ctx *ctx, const char *file);
    void (*context_free)(struct ustream_ssl_ctx *ctx);
#if UBOX_SSL_ENTRIES >= 11
    int (*init_fd)(struct ustream_ssl *us, int fd, struct ustream_ssl_ctx *ctx, bool server);
#endif
    int (*init)(struct ustream_ssl *us, struct ustream *conn, struct ustream_ssl_ctx *ctx,
                bool server);
    int (*set_peer_cn)(struct ustream_ssl *us, const char *name);
#if UBOX_SSL_ENTRIES >= 8
    int (*context_set_ciphers)(struct ustream_ssl_ctx *ctx, const char *ciphers);
#endif
#if UBOX_SSL_ENTRIES >= 11
    void (*context_set_debug)(struct ustream_ssl_ctx *ctx, int level, ustream_ssl_debug_cb cb,
                              void *priv);
    int (*context_set_require_validation)(struct ustream_ssl_ctx *ctx, bool require);
#endif
};

_Static_assert(sizeof(struct ustream_ssl_ops) == UBOX_SSL_ENTRIES * sizeof(void (*)(void)),
               "the table's length");

extern const struct ustream_ssl_ops ustream_ssl_ops;

/* The header's users tell by these names what the table has. */
#define ustream_ssl_context_add_ca_crt_file ustream_ssl_ops.context_add_ca_crt_file
#define ustream_ssl_set_peer_cn ustream_ssl_ops.set_peer_cn
#if UBOX_SSL_ENTRIES >= 8
#define ustream_ssl_context_set_ciphers ustream_ssl_ops.context_set_ciphers
#endif
#if UBOX_SSL_ENTRIES >= 11
#define ustream_ssl_context_set_debug ustream_ssl_ops.context_set_debug
#define ustream_ssl_context_set_require_validation ustream_ssl_ops.context_set_require_validation
#endif

#endif
