#include "tls_server.h"

#include "common.h"

#include <openssl/srp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int find_verifier(SSL *ssl, int *alert, void *verifiers)
{
    SRP_user_pwd *user = SRP_VBASE_get1_by_user(verifiers, SSL_get_srp_username(ssl));
    int ok;

    *alert = SSL_AD_UNKNOWN_PSK_IDENTITY;
    if (!user)
        return SSL3_AL_FATAL;
    ok = SSL_set_srp_server_param(ssl, user->N, user->g, user->s, user->v, user->info);
    SRP_user_pwd_free(user);
    return ok < 0 ? SSL3_AL_FATAL : SSL_ERROR_NONE;
}

static bool set_srp(SSL_CTX *ctx, const char *srpv)
{
    SRP_VBASE *verifiers = SRP_VBASE_new(NULL);
    char path[4096]; /* taken as if it might be written to */

    snprintf(path, sizeof path, "%s", srpv);
    return verifiers && SRP_VBASE_init(verifiers, path) == SRP_NO_ERROR &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, "SRP-AES-256-CBC-SHA") == 1 &&
           SSL_CTX_set_srp_cb_arg(ctx, verifiers) == 1 &&
           SSL_CTX_set_srp_username_callback(ctx, find_verifier) == 1;
}

static bool set_certificate(SSL_CTX *ctx, const char *pem)
{
    return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") == 1 &&
           SSL_CTX_set1_groups_list(ctx, "X25519") == 1 && SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
           SSL_CTX_use_certificate_chain_file(ctx, pem) == 1 &&
           SSL_CTX_use_PrivateKey_file(ctx, pem, SSL_FILETYPE_PEM) == 1;
}

SSL_CTX *tls_server_ctx(const char *how, const char *file)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    bool srp = strcmp(how, "srp") == 0;

    if (!ctx || !(srp ? set_srp(ctx, file) : set_certificate(ctx, file)))
        bench_die("the server's context");
    return ctx;
}
