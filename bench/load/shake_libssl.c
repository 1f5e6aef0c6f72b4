/* Handshakes of a libssl client with a TLS-SRP server, one after the other, each followed by a
 * small request, its answer and the end.  Prints a line of what was negotiated, waits for a byte on
 * stdin, and prints the client's CPU time for one.
 *
 *     shake_libssl ADDR:PORT NAME PASSWORD full|resumed COUNT */
#include "common.h"
#include "tls_client.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct tally {
    unsigned resumed;
    SSL_SESSION *session; /* of the last connection; NULL: to be full */
};

/* print: what was negotiated. */
static void shake(SSL_CTX *ctx, const char *address, bool resume, bool print, struct tally *tally)
{
    SSL *ssl = tls_client_open(ctx, address, tally->session);

    tally->resumed += SSL_session_reused(ssl) ? 1 : 0;
    tls_client_send(ssl, BENCH_REQUEST, sizeof BENCH_REQUEST - 1);
    if (tls_client_drain(ssl) == 0)
        bench_die("no answer");
    if (print)
        tls_client_print(ssl);
    if (resume) {
        SSL_SESSION_free(tally->session);
        tally->session = SSL_get1_session(ssl);
    }
    tls_client_close(ssl);
}

int main(int argc, char **argv)
{
    struct tally tally = {0};

    if (argc != 6)
        bench_die("usage: shake_libssl ADDR:PORT NAME PASSWORD full|resumed COUNT");
    signal(SIGPIPE, SIG_IGN);
    bool resume = strcmp(argv[4], "resumed") == 0;
    unsigned count = (unsigned)bench_number(argv[5], 1000000);
    SSL_CTX *ctx = tls_client_ctx("srp", argv[2], argv[3]);

    /* The first warms up, and gives the ticket. */
    shake(ctx, argv[1], resume, true, &tally);
    tally.resumed = 0;
    bench_wait_for_go();
    double start = bench_process_us();
    for (unsigned i = 0; i < count; i++)
        shake(ctx, argv[1], resume, false, &tally);
    printf("resumed=%u cpu_us=%.3f\n", tally.resumed, (bench_process_us() - start) / count);
    SSL_SESSION_free(tally.session);
    SSL_CTX_free(ctx);
    return 0;
}
