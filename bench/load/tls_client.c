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
    {"srp128", TLS1_2_VERSION, "SRP-AES-128-CBC-SHA"},
    {"certificate", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA"},
    {"certificate13", TLS1_3_VERSION, NULL},
};

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
    bench_die("%s is none of srp, srp128, certificate, certificate13", how);
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

/* In TLS 1.2 the groups are also those that a certificate's key may be of (RFC 8422 5.1). */
static bool set_suite(SSL_CTX *ctx, const struct way *way)
{
    if (way->suite)
        return SSL_CTX_set_cipher_list(ctx, way->suite) == 1 &&
               SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1;
    return SSL_CTX_set_ciphersuites(ctx, GCM) == 1 && SSL_CTX_set1_groups_list(ctx, "X25519") == 1;
}

SSL_CTX *tls_client_ctx(const char *how, const char *name, const char *secret)
{
    const struct way *way = find_way(how);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx || SSL_CTX_set_min_proto_version(ctx, way->version) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, way->version) != 1 || !set_suite(ctx, way))
        tls_client_die("the client's context");
    if (strncmp(how, "srp", 3) == 0)
        set_srp(ctx, name, secret);
    return ctx;
}
