#include "tls_server.h"

#include "common.h"

#include <openssl/srp.h>
#include <stdio.h>

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

SSL_CTX *tls_server_ctx(const char *srpv)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SRP_VBASE *verifiers = SRP_VBASE_new(NULL);
    char path[4096]; /* taken as if it might be written to */

    snprintf(path, sizeof path, "%s", srpv);
    if (!ctx || !verifiers || SRP_VBASE_init(verifiers, path) != SRP_NO_ERROR ||
        SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, "SRP-AES-256-CBC-SHA") != 1 ||
        SSL_CTX_set_srp_cb_arg(ctx, verifiers) != 1 ||
        SSL_CTX_set_srp_username_callback(ctx, find_verifier) != 1)
        bench_die("the server's context");
    return ctx;
}
