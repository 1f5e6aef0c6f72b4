/* Pulls or pushes bytes through a TLS proxy, with libssl as the client, and prints what was
 * negotiated.
 *
 *     transfer ADDR:PORT srp|psk|certificate NAME SECRET pull|push BYTES */
#include "common.h"
#include "tls_client.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define BYTES_MAX 100000000000ull

#define HEAD " HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n"

static void pull(SSL *ssl, unsigned long long bytes)
{
    char head[256];
    int len = snprintf(head, sizeof head, "GET /%llu" HEAD "\r\n", bytes);

    tls_client_send(ssl, head, (size_t)len);
    unsigned long long got = tls_client_drain(ssl);
    if (got < bytes || got > bytes + 1024) /* and the answer's head */
        bench_die("%llu bytes came, not %llu", got, bytes);
}

/* The upstream answers when it has all of it. */
static void push(SSL *ssl, unsigned long long bytes)
{
    static char chunk[65536];
    char head[256];
    int len = snprintf(head, sizeof head, "POST /" HEAD "Content-Length: %llu\r\n\r\n", bytes);

    tls_client_send(ssl, head, (size_t)len);
    for (unsigned long long left = bytes; left > 0;) {
        size_t n = left < sizeof chunk ? (size_t)left : sizeof chunk;
        tls_client_send(ssl, chunk, n);
        left -= n;
    }
    if (tls_client_drain(ssl) == 0)
        bench_die("no answer");
}

int main(int argc, char **argv)
{
    if (argc != 7)
        bench_die("usage: transfer ADDR:PORT srp|psk|certificate NAME SECRET pull|push BYTES");
    signal(SIGPIPE, SIG_IGN);
    unsigned long long bytes = bench_number(argv[6], BYTES_MAX);
    SSL_CTX *ctx = tls_client_ctx(argv[2], argv[3], argv[4]);
    SSL *ssl = tls_client_open(ctx, argv[1], NULL);

    tls_client_print(ssl);
    if (strcmp(argv[5], "pull") == 0)
        pull(ssl, bytes);
    else
        push(ssl, bytes);
    printf("bytes=%llu\n", bytes);
    tls_client_close(ssl);
    SSL_CTX_free(ctx);
    return 0;
}
