/* Handshakes of a client with a TLS server, one after the other, each followed by a small request,
 * its answer and the end.  Prints a line of what was negotiated, waits for a byte on stdin, and
 * prints the client's CPU time for one.  HOW is of client.h.
 *
 *     shake_LIBRARY ADDR:PORT HOW NAME SECRET full|resumed COUNT */
#include "client.h"
#include "common.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct run {
    struct client *client;
    const char *address;
    bool resume;
    unsigned resumed;
};

/* print: what was negotiated. */
static void shake(struct run *run, bool print)
{
    struct client_conn *conn = client_open(run->client, run->address);

    run->resumed += client_resumed(conn) ? 1 : 0;
    client_send(conn, BENCH_REQUEST, sizeof BENCH_REQUEST - 1);
    if (client_drain(conn) == 0)
        bench_die("no answer");
    if (print)
        client_print(conn);
    if (run->resume)
        client_keep(run->client, conn);
    client_close(conn);
}

int main(int argc, char **argv)
{
    struct run run = {0};

    if (argc != 7)
        bench_die("usage: shake_LIBRARY ADDR:PORT HOW NAME SECRET full|resumed COUNT");
    signal(SIGPIPE, SIG_IGN);
    run.address = argv[1];
    run.client = client_new(argv[2], argv[3], argv[4]);
    run.resume = strcmp(argv[5], "resumed") == 0;
    unsigned count = (unsigned)bench_number(argv[6], 1000000);

    shake(&run, true); /* warms up, and gives the ticket */
    run.resumed = 0;
    bench_wait_for_go();
    double start = bench_process_us();
    for (unsigned i = 0; i < count; i++)
        shake(&run, false);
    printf("resumed=%u cpu_us=%.3f\n", run.resumed, (bench_process_us() - start) / count);
    client_free(run.client);
    return 0;
}
