/* A TLS-SRP server's context on libssl. */
#ifndef BENCH_TLS_SERVER_H
#define BENCH_TLS_SERVER_H

#include <openssl/ssl.h>

/* For the users of an OpenSSL verifier file, which stay loaded.  TLS 1.2, one suite. */
SSL_CTX *tls_server_ctx(const char *srpv);

#endif
