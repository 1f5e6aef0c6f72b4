/* A TLS client's context on libssl, which proves itself in one of three ways. */
#ifndef BENCH_TLS_CLIENT_H
#define BENCH_TLS_CLIENT_H

#include <openssl/ssl.h>

/* For "srp" (name, password), "psk" (identity, key in hex) or "certificate" (the server's is not
 * checked; both ignored): TLS 1.2 with the one suite of AES-256-CBC and SHA-1.  "certificate13" is
 * TLS 1.3 with AES-128-GCM and X25519. */
SSL_CTX *tls_client_ctx(const char *how, const char *name, const char *secret);

/* Death, with libssl's last error. */
__attribute__((noreturn)) void tls_client_die(const char *what);

#endif
