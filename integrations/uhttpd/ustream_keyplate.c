/*
 * libustream-ssl.so for OpenWrt's uhttpd: password TLS instead of TLS with a certificate, in a
 * uhttpd that isn't changed.  uhttpd loads a library of this name and takes one symbol from it, the
 * table at the end.
 *
 * The file given as the certificate is the credentials file; the key's name is ignored.  Clients
 * have no business here: their role is refused.
 *
 * The table and struct ustream_ssl grow, in the middle too, from release to release: compile with
 * the headers of the very release that it is for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "tls_server.h"
#include "upper_stream.h"

#define LOOK_MS 1000
#define LOOKS_IDLE                                                                                 \
    5 /* after the last connection: the throttle settles what it has spent within 4 */

/* uhttpd has no log of its own; logread shows the system's. */
static void say(void *arg, enum kp_tls_level level, const char *line)
{
    static const int priorities[] = {
        [KP_TLS_LOG_INFO] = LOG_INFO,
        [KP_TLS_LOG_WARNING] = LOG_WARNING,
        [KP_TLS_LOG_ERROR] = LOG_ERR,
    };
    (void)arg;
    syslog(LOG_DAEMON | priorities[level], "keyplate: %s", line);
}

/* At a program's start, where somebody may look on. */
static void refuse(const char *why)
{
    fprintf(stderr, "keyplate: %s\n", why);
    say(NULL, KP_TLS_LOG_ERROR, why);
}

/* A second after the other while there are connections, and a little longer: nothing wakes an idle
 * device. */
static void look(struct uloop_timeout *timer)
{
    struct ustream_ssl_ctx *ctx = container_of(timer, struct ustream_ssl_ctx, look);
    kp_tls_server_look(ctx->server);
    ctx->idle = ctx->streams ? 0 : ctx->idle + 1;
    if (ctx->idle < LOOKS_IDLE)
        uloop_timeout_set(timer, LOOK_MS);
}

static struct ustream_ssl_ctx *context_new(bool server)
{
    struct ustream_ssl_ctx *ctx;
    if (!server) {
        refuse("this libustream-ssl.so is for uhttpd alone: it has no TLS for clients");
        return NULL;
    }
    ctx = calloc(1, sizeof *ctx);
    if (ctx)
        ctx->look.cb = look;
    return ctx;
}

static int context_set_crt_file(struct ustream_ssl_ctx *ctx, const char *file)
{
    static const char *const alpn[] = {"http/1.1", "http/1.0"};
    struct kp_tls_server_options options = {
        .credentials = file, .alpn = alpn, .alpn_count = 2, .log = say};
    char why[512];
    if (!ctx || ctx->server)
        return -EINVAL;
    if (kp_tls_server_open(&ctx->server, &options, why, sizeof why) == 0)
        return 0;
    refuse(why);
    refuse("the certificate of uhttpd (-C) has to be a credentials file of `keyplate passwd`");
    return -EINVAL;
}

static int context_set_key_file(struct ustream_ssl_ctx *ctx, const char *file)
{
    (void)file;
    return ctx ? 0 : -EINVAL;
}

static void context_free(struct ustream_ssl_ctx *ctx)
{
    if (!ctx || ctx->streams)
        return; /* streams still need it: better kept than used after it is gone */
    uloop_timeout_cancel(&ctx->look);
    kp_tls_server_close(ctx->server);
    free(ctx);
}

static int init(struct ustream_ssl *us, struct ustream *conn, struct ustream_ssl_ctx *ctx,
                bool server)
{
    int status = kp_upper_stream_init(us, conn, ctx, server);
    if (status == 0 && !ctx->look.pending)
        look(&ctx->look);
    return status;
}

/* ---- What certificates and clients would need ------------------------------------------------ */

static int context_add_ca_crt_file(struct ustream_ssl_ctx *ctx, const char *file)
{
    (void)ctx;
    (void)file;
    return -ENOTSUP;
}

static int set_peer_cn(struct ustream_ssl *us, const char *name)
{
    (void)us;
    (void)name;
    return -ENOTSUP;
}

#ifdef ustream_ssl_context_set_ciphers
static int context_set_ciphers(struct ustream_ssl_ctx *ctx, const char *ciphers)
{
    (void)ctx;
    (void)ciphers;
    say(NULL, KP_TLS_LOG_WARNING, "the list of ciphers is ignored: password TLS has its own");
    return 0;
}
#endif

#ifdef ustream_ssl_context_set_debug
static void context_set_debug(struct ustream_ssl_ctx *ctx, int level, ustream_ssl_debug_cb cb,
                              void *arg)
{
    (void)ctx;
    (void)level;
    (void)cb;
    (void)arg;
}
#endif

#ifdef ustream_ssl_context_set_require_validation
static int context_set_require_validation(struct ustream_ssl_ctx *ctx, bool require)
{
    (void)ctx;
    return require ? -ENOTSUP : 0;
}
#endif

/* init_fd of the newest tables stays NULL: uhttpd doesn't know it, and its header tells nobody
 * whether it has it. */
__attribute__((visibility("default"))) const struct ustream_ssl_ops ustream_ssl_ops = {
    .context_new = context_new,
    .context_set_crt_file = context_set_crt_file,
    .context_set_key_file = context_set_key_file,
    .context_add_ca_crt_file = context_add_ca_crt_file,
    .context_free = context_free,
    .init = init,
    .set_peer_cn = set_peer_cn,
#ifdef ustream_ssl_context_set_ciphers
    .context_set_ciphers = context_set_ciphers,
#endif
#ifdef ustream_ssl_context_set_debug
    .context_set_debug = context_set_debug,
#endif
#ifdef ustream_ssl_context_set_require_validation
    .context_set_require_validation = context_set_require_validation,
#endif
};
