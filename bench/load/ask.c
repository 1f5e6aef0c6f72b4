/* Small requests through a TLS proxy: on connections that are kept alive, each sending the next
 * when its answer has come, or each on a new connection that resumes the last one.  Prints a line
 * of what was negotiated, waits for a byte on stdin, asks COUNT times and says so.  HOW is of
 * client.h.
 *
 *     ask_LIBRARY ADDR:PORT HOW NAME SECRET kept|resumed COUNT */
#include "client.h"
#include "common.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { CONNECTIONS = 16, ANSWER_LEN = 200, WARM = 10 * CONNECTIONS };

struct run {
    struct client *client;
    const char *address;
    unsigned resumed;
    struct client_conn *kept[CONNECTIONS];
};

static void take_answer(struct client_conn *conn)
{
    if (client_answer(conn) != ANSWER_LEN)
        bench_die("an answer to another request");
}

/* Leaves no answer behind. */
static void ask_kept(struct run *run, unsigned count)
{
    for (unsigned i = 0; i < CONNECTIONS && i < count; i++)
        client_get(run->kept[i], ANSWER_LEN, false);
    for (unsigned i = 0; i < count; i++) {
        struct client_conn *conn = run->kept[i % CONNECTIONS];
        take_answer(conn);
        if (i + CONNECTIONS < count)
            client_get(conn, ANSWER_LEN, false);
    }
}

/* print: what was negotiated. */
static void ask_once(struct run *run, bool print)
{
    struct client_conn *conn = client_open(run->client, run->address);

    run->resumed += client_resumed(conn) ? 1 : 0;
    client_get(conn, ANSWER_LEN, true);
    take_answer(conn);
    if (client_drain(conn) > 0)
        bench_die("bytes after the answer");
    if (print)
        client_print(conn);
    client_keep(run->client, conn);
    client_close(conn);
}

static void run_kept(struct run *run, unsigned count)
{
    for (unsigned i = 0; i < CONNECTIONS; i++)
        run->kept[i] = client_open(run->client, run->address);
    ask_kept(run, WARM);
    client_print(run->kept[0]);
    bench_wait_for_go();
    ask_kept(run, count);
    printf("asked=%u\n", count);
    fflush(stdout);
    bench_wait_for_go(); /* what the ends of the connections cost isn't a request's */
    for (unsigned i = 0; i < CONNECTIONS; i++)
        client_close(run->kept[i]);
}

static void run_resumed(struct run *run, unsigned count)
{
    ask_once(run, true); /* warms up, and gives the ticket */
    run->resumed = 0;
    bench_wait_for_go();
    for (unsigned i = 0; i < count; i++)
        ask_once(run, false);
    if (run->resumed != count)
        bench_die("%u of %u were resumed", run->resumed, count);
    printf("asked=%u\n", count);
}

int main(int argc, char **argv)
{
    struct run run = {0};

    if (argc != 7)
        bench_die("usage: ask_LIBRARY ADDR:PORT HOW NAME SECRET kept|resumed COUNT");
    signal(SIGPIPE, SIG_IGN);
    run.address = argv[1];
    run.client = client_new(argv[2], argv[3], argv[4]);
    unsigned count = (unsigned)bench_number(argv[6], 100000000);
    if (strcmp(argv[5], "kept") == 0)
        run_kept(&run, count);
    else
        run_resumed(&run, count);
    client_free(run.client);
    return 0;
}
