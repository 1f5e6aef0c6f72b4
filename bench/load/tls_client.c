#include "tls_client.h"

#include "common.h"

#include <openssl/err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define GCM "TLS_AES_128_GCM_SHA256"

static const struct way {
    const char *how;
    int version;
    const char *suite; /* of TLS 1.2 */
} ways[] = {
    {"srp", TLS1_2_VERSION, "SRP-AES-256-CBC-SHA"},
    {"psk", TLS1_2_VERSION, "PSK-AES256-CBC-SHA"},
    {"certificate", TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA"},
    {"certificate13", TLS1_3_VERSION, NULL},
};

/* Of the process: a load program plays one client. */
static const char *psk_identity;
static unsigned char psk_key[64];
static unsigned int psk_key_len;

void tls_client_die(const char *what)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    bench_die("%s: %s", what, why ? why : "the connection ended");
}

static const struct way *find_way(const char *how)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(how, ways[i].how) == 0)
            return &ways[i];
    bench_die("%s is none of srp, psk, certificate, certificate13", how);
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
        tls_client_die("the name and password");
}

static bool set_suite(SSL_CTX *ctx, const struct way *way)
{
    if (way->suite)
        return SSL_CTX_set_cipher_list(ctx, way->suite) == 1;
    return SSL_CTX_set_ciphersuites(ctx, GCM) == 1 && SSL_CTX_set1_groups_list(ctx, "X25519") == 1;
}

SSL_CTX *tls_client_ctx(const char *how, const char *name, const char *secret)
{
    const struct way *way = find_way(how);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx || SSL_CTX_set_min_proto_version(ctx, way->version) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, way->version) != 1 || !set_suite(ctx, way))
        tls_client_die("the client's context");
    if (strcmp(how, "srp") == 0)
        set_srp(ctx, name, secret);
    else if (strcmp(how, "psk") == 0)
        set_psk(ctx, name, secret);
    return ctx;
}
