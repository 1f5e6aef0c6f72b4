/* A TLS 1.2 client on libssl, which proves itself in one of three ways. */
#ifndef BENCH_TLS_CLIENT_H
#define BENCH_TLS_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>

enum tls_how { TLS_SRP, TLS_PSK, TLS_CERTIFICATE };

/* A context for "srp" (name, password), "psk" (identity, key in hex) or "certificate" (the server's
 * is not checked; both ignored).  Each offers the one suite with AES-256-CBC and SHA-1. */
SSL_CTX *tls_client_ctx(const char *how, const char *name, const char *secret);

/* Connects and shakes hands, resuming session when it isn't NULL; death on failure. */
SSL *tls_client_open(SSL_CTX *ctx, const char *address, SSL_SESSION *session);
/* Sends close_notify and closes the socket. */
void tls_client_close(SSL *ssl);
/* Reads to the server's end; how many bytes came. */
unsigned long long tls_client_drain(SSL *ssl);
void tls_client_send(SSL *ssl, const void *data, size_t len);

/* Prints "protocol=.. suite=.. etm=0|1 ems=0|1 " without a newline: of the server's last hello. */
void tls_client_print(SSL *ssl);

#endif
