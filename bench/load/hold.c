/* Opens connections through a TLS proxy with libssl, uses each once (a small request and its
 * answer), and keeps them all open and idle until stdin ends.
 *
 *     hold ADDR:PORT srp|psk|certificate NAME SECRET COUNT */
#include "common.h"
#include "tls_client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_LEN = 1000 };

/* One answer of ANSWER_LEN bytes; the connection stays. */
static void use(SSL *ssl)
{
    static const char request[] = "GET /1000 HTTP/1.1\r\nHost: bench\r\n\r\n";
    char answer[ANSWER_LEN + 1024];
    size_t have = 0, n;
    const char *body = NULL;

    tls_client_send(ssl, request, sizeof request - 1);
    while (!body || have < (size_t)(body - answer) + ANSWER_LEN) {
        if (SSL_read_ex(ssl, answer + have, sizeof answer - 1 - have, &n) != 1)
            bench_die("no answer");
        have += n;
        answer[have] = '\0';
        if (!body && (body = strstr(answer, "\r\n\r\n")) != NULL)
            body += 4;
    }
}

int main(int argc, char **argv)
{
    char end;

    if (argc != 6)
        bench_die("usage: hold ADDR:PORT srp|psk|certificate NAME SECRET COUNT");
    signal(SIGPIPE, SIG_IGN);
    size_t count = (size_t)bench_number(argv[5], 100000);
    SSL_CTX *ctx = tls_client_ctx(argv[2], argv[3], argv[4]);
    SSL **all = calloc(count, sizeof(void *));

    if (!all)
        bench_die("out of memory");
    for (size_t i = 0; i < count; i++) {
        all[i] = tls_client_open(ctx, argv[1], NULL);
        use(all[i]);
    }
    printf("holding %zu\n", count);
    fflush(stdout);
    (void)!read(STDIN_FILENO, &end, 1);
    for (size_t i = 0; i < count; i++)
        tls_client_close(all[i]);
    free(all);
    SSL_CTX_free(ctx);
    return 0;
}
