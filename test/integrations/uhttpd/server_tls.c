/* Loads libustream-ssl.so and lays it on connections, in the order of uhttpd's tls.c: the library
 * comes before any fork, and init before the socket's stream has its socket. */
#include "server.h"

#include <dlfcn.h>
#include <stdio.h>

static const struct ustream_ssl_ops *ops;
static struct ustream_ssl_ctx *ctx;

static bool load(void)
{
    void *library = dlopen("libustream-ssl.so", RTLD_LAZY | RTLD_LOCAL);
    if (library)
        ops = dlsym(library, "ustream_ssl_ops");
    if (!ops)
        fprintf(stderr, "no ustream_ssl_ops: %s\n", dlerror());
    return ops != NULL;
}

int tls_init(const char *key, const char *crt, const char *ciphers)
{
    if (!load())
        return -1;
    ctx = ops->context_new(true);
    if (!ctx || ops->context_set_crt_file(ctx, crt) || ops->context_set_key_file(ctx, key)) {
        fprintf(stderr, "Failed to load certificate/key files\n");
        return -1;
    }
#if UBOX_SSL_ENTRIES >= 8
    if (ciphers && ops->context_set_ciphers(ctx, ciphers))
        return -1;
#else
    (void)ciphers;
#endif
    return 0;
}

/* What uclient-fetch does first. */
bool tls_client_role(void)
{
    struct ustream_ssl_ctx *client;
    if (!load())
        return true;
    client = ops->context_new(false);
    ops->context_add_ca_crt_file(client, "/etc/ssl/certs/ca-certificates.crt");
    ops->context_free(client);
    return client != NULL;
}

static struct client *of_ssl(struct ustream *s)
{
    return container_of(s, struct client, ssl.stream);
}

static void ssl_read(struct ustream *s, int bytes)
{
    (void)bytes;
    client_read(of_ssl(s));
}

static void ssl_written(struct ustream *s, int bytes)
{
    struct client *cl = of_ssl(s);
    (void)bytes;
    if (cl->write_cb)
        cl->write_cb(cl);
}

static void ssl_state(struct ustream *s)
{
    client_state(of_ssl(s));
}

void tls_attach(struct client *cl)
{
    cl->us = &cl->ssl.stream;
    ops->init(&cl->ssl, &cl->sfd.stream, ctx, true);
    cl->us->notify_read = ssl_read;
    cl->us->notify_write = ssl_written;
    cl->us->notify_state = ssl_state;
}

void tls_detach(struct client *cl)
{
    ustream_free(&cl->ssl.stream);
}
