/* Opens connections through a TLS proxy and keeps them open and idle: says so, and waits for a byte
 * on stdin; uses each once (a small request and its answer), says so, and waits for the end of
 * stdin.  HOW is of client.h.
 *
 *     hold_LIBRARY ADDR:PORT HOW NAME SECRET COUNT */
#include "client.h"
#include "common.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ANSWER_LEN = 1000 };

static void use(struct client_conn *conn)
{
    client_get(conn, ANSWER_LEN, false);
    if (client_answer(conn) != ANSWER_LEN)
        bench_die("an answer to another request");
}

int main(int argc, char **argv)
{
    char end;

    if (argc != 6)
        bench_die("usage: hold_LIBRARY ADDR:PORT HOW NAME SECRET COUNT");
    signal(SIGPIPE, SIG_IGN);
    size_t count = (size_t)bench_number(argv[5], 100000);
    struct client *client = client_new(argv[2], argv[3], argv[4]);
    struct client_conn **all = calloc(count, sizeof(void *));

    if (!all)
        bench_die("out of memory");
    for (size_t i = 0; i < count; i++)
        all[i] = client_open(client, argv[1]);
    printf("proved=%zu", count);
    bench_wait_for_go();
    for (size_t i = 0; i < count; i++)
        use(all[i]);
    printf("used=%zu\n", count);
    fflush(stdout);
    (void)!read(STDIN_FILENO, &end, 1);
    for (size_t i = 0; i < count; i++)
        client_close(all[i]);
    free(all);
    client_free(client);
    return 0;
}
