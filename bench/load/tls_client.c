#include "tls_client.h"

#include "common.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *how;
    const char *suite;
} ways[] = {
    [TLS_SRP] = {"srp", "SRP-AES-256-CBC-SHA"},
    [TLS_PSK] = {"psk", "PSK-AES256-CBC-SHA"},
    [TLS_CERTIFICATE] = {"certificate", "ECDHE-RSA-AES256-SHA"},
};

/* Of the process: a load program plays one client. */
static const char *psk_identity;
static unsigned char psk_key[64];
static unsigned int psk_key_len;
static bool etm; /* the server's last hello had encrypt_then_mac */

__attribute__((noreturn)) static void die_of_tls(const char *what)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    bench_die("%s: %s", what, why ? why : "the connection ended");
}

static enum tls_how find_way(const char *how)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(how, ways[i].how) == 0)
            return (enum tls_how)i;
    bench_die("%s is none of srp, psk, certificate", how);
}

static unsigned int give_psk(SSL *ssl, const char *hint, char *identity, unsigned int identity_len,
                             unsigned char *key, unsigned int key_len)
{
    (void)ssl;
    (void)hint;
    if (strlen(psk_identity) >= identity_len || psk_key_len > key_len)
        return 0;
    snprintf(identity, identity_len, "%s", psk_identity);
    memcpy(key, psk_key, psk_key_len);
    return psk_key_len;
}

static void set_psk(SSL_CTX *ctx, const char *identity, const char *hex)
{
    size_t len;

    psk_identity = identity;
    if (OPENSSL_hexstr2buf_ex(psk_key, sizeof psk_key, &len, hex, '\0') != 1)
        bench_die("the key is not in hex");
    psk_key_len = (unsigned int)len;
    SSL_CTX_set_psk_client_callback(ctx, give_psk);
}

/* libssl copies both, but takes them as if it might write to them. */
static void set_srp(SSL_CTX *ctx, const char *name, const char *password)
{
    char copies[2][256];

    snprintf(copies[0], sizeof copies[0], "%s", name);
    snprintf(copies[1], sizeof copies[1], "%s", password);
    if (SSL_CTX_set_srp_username(ctx, copies[0]) != 1 ||
        SSL_CTX_set_srp_password(ctx, copies[1]) != 1)
        die_of_tls("the name and password");
}

static void see_extension(SSL *ssl, int from_client, int type, const unsigned char *data, int len,
                          void *arg)
{
    (void)ssl;
    (void)data;
    (void)len;
    (void)arg;
    if (!from_client || type != TLSEXT_TYPE_encrypt_then_mac)
        return;
    etm = true;
}

SSL_CTX *tls_client_ctx(const char *how, const char *name, const char *secret)
{
    enum tls_how way = find_way(how);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, ways[way].suite) != 1)
        die_of_tls("the client's context");
    if (way == TLS_SRP)
        set_srp(ctx, name, secret);
    else if (way == TLS_PSK)
        set_psk(ctx, name, secret);
    return ctx;
}

SSL *tls_client_open(SSL_CTX *ctx, const char *address, SSL_SESSION *session)
{
    SSL *ssl = SSL_new(ctx);

    if (!ssl)
        bench_die("a connection's state");
    etm = false;
    SSL_set_tlsext_debug_callback(ssl, see_extension);
    if ((session && SSL_set_session(ssl, session) != 1) ||
        SSL_set_fd(ssl, bench_connect(address)) != 1 || SSL_connect(ssl) != 1)
        die_of_tls("handshake");
    return ssl;
}

void tls_client_close(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);

    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
}

unsigned long long tls_client_drain(SSL *ssl)
{
    static char chunk[65536];
    unsigned long long total = 0;
    size_t n;

    while (SSL_read_ex(ssl, chunk, sizeof chunk, &n) == 1)
        total += n;
    if (SSL_get_error(ssl, 0) != SSL_ERROR_ZERO_RETURN)
        die_of_tls("reading");
    return total;
}

void tls_client_send(SSL *ssl, const void *data, size_t len)
{
    size_t sent;

    if (SSL_write_ex(ssl, data, len, &sent) != 1)
        die_of_tls("writing");
}

void tls_client_print(SSL *ssl)
{
    printf("protocol=%s suite=%s etm=%d ems=%d ", SSL_get_version(ssl), SSL_get_cipher_name(ssl),
           etm, (int)SSL_get_extms_support(ssl));
}
