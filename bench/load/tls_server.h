/* A TLS server's context on libssl. */
#ifndef BENCH_TLS_SERVER_H
#define BENCH_TLS_SERVER_H

#include <openssl/ssl.h>

/* "srp": for the users of an OpenSSL verifier file, which stay loaded; TLS 1.2, one suite.
 * "certificate13": a PEM file with key and certificate; TLS 1.3, AES-128-GCM, X25519, and one
 * ticket a connection, as the engine's server gives. */
SSL_CTX *tls_server_ctx(const char *how, const char *file);

#endif
