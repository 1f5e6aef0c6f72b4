/* A TLS client's context on libssl, for a server that proves itself by SRP or by a certificate. */
#ifndef BENCH_TLS_CLIENT_H
#define BENCH_TLS_CLIENT_H

#include <openssl/ssl.h>

/* TLS 1.2 with one suite of AES-CBC and SHA-1: "srp" (name, password; AES-256), "srp128" (AES-128)
 * or "certificate" (ECDSA, not checked; AES-128; both ignored).  "certificate13" is TLS 1.3 with
 * AES-128-GCM.  The key exchange is X25519 where there is one. */
SSL_CTX *tls_client_ctx(const char *how, const char *name, const char *secret);

/* Death, with libssl's last error. */
__attribute__((noreturn)) void tls_client_die(const char *what);

#endif
