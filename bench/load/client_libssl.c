/* client.h with libssl. */
#include "client.h"

#include "common.h"
#include "tls_client.h"

#include <openssl/objects.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct client {
    SSL_CTX *ctx;
    SSL_SESSION *session; /* NULL: handshakes are full */
};

struct client_conn {
    SSL *ssl;
    bool etm; /* the server's hello had encrypt_then_mac */
};

struct client *client_new(const char *how, const char *name, const char *secret)
{
    struct client *client = calloc(1, sizeof *client);

    if (!client)
        bench_die("out of memory");
    client->ctx = tls_client_ctx(how, name, secret);
    return client;
}

void client_free(struct client *client)
{
    SSL_SESSION_free(client->session);
    SSL_CTX_free(client->ctx);
    free(client);
}

static void see_extension(SSL *ssl, int from_client, int type, const unsigned char *data, int len,
                          void *arg)
{
    struct client_conn *c = arg;

    (void)ssl;
    (void)data;
    (void)len;
    if (!from_client || type != TLSEXT_TYPE_encrypt_then_mac)
        return;
    c->etm = true;
}

struct client_conn *client_open(struct client *client, const char *address)
{
    struct client_conn *c = calloc(1, sizeof *c);

    if (!c || !(c->ssl = SSL_new(client->ctx)))
        bench_die("a connection's state");
    SSL_set_tlsext_debug_callback(c->ssl, see_extension);
    SSL_set_tlsext_debug_arg(c->ssl, c);
    if ((client->session && SSL_set_session(c->ssl, client->session) != 1) ||
        SSL_set_fd(c->ssl, bench_connect(address)) != 1 || SSL_connect(c->ssl) != 1)
        tls_client_die("handshake");
    return c;
}

bool client_resumed(const struct client_conn *c)
{
    return SSL_session_reused(c->ssl) == 1;
}

void client_keep(struct client *client, const struct client_conn *c)
{
    SSL_SESSION_free(client->session);
    client->session = SSL_get1_session(c->ssl);
}

void client_close(struct client_conn *c)
{
    int fd = SSL_get_fd(c->ssl);

    (void)SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    close(fd);
    free(c);
}

void client_send(struct client_conn *c, const void *data, size_t len)
{
    size_t sent;

    if (SSL_write_ex(c->ssl, data, len, &sent) != 1)
        tls_client_die("writing");
}

size_t client_read(struct client_conn *c, void *data, size_t len)
{
    size_t n;

    if (SSL_read_ex(c->ssl, data, len, &n) == 1)
        return n;
    if (SSL_get_error(c->ssl, 0) != SSL_ERROR_ZERO_RETURN)
        tls_client_die("reading");
    return 0;
}

void client_print(const struct client_conn *c)
{
    printf("protocol=%s suite=%s ", SSL_get_version(c->ssl), SSL_get_cipher_name(c->ssl));
    if (SSL_version(c->ssl) == TLS1_2_VERSION)
        printf("etm=%d ems=%d ", c->etm, (int)SSL_get_extms_support(c->ssl));
    else
        printf("group=%s ", OBJ_nid2sn((int)SSL_get_negotiated_group(c->ssl)));
}
