/* Opens connections through a TLS proxy, uses each once (a small request and its answer), and keeps
 * them all open and idle until stdin ends.  HOW is of client.h.
 *
 *     hold_LIBRARY ADDR:PORT HOW NAME SECRET COUNT */
#include "client.h"
#include "common.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_LEN = 1000 };

/* One answer of ANSWER_LEN bytes; the connection stays. */
static void use(struct client_conn *conn)
{
    static const char request[] = "GET /1000 HTTP/1.1\r\nHost: bench\r\n\r\n";
    char answer[ANSWER_LEN + 1024];
    size_t have = 0, n;
    const char *body = NULL;

    client_send(conn, request, sizeof request - 1);
    while (!body || have < (size_t)(body - answer) + ANSWER_LEN) {
        if ((n = client_read(conn, answer + have, sizeof answer - 1 - have)) == 0)
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
        bench_die("usage: hold_LIBRARY ADDR:PORT HOW NAME SECRET COUNT");
    signal(SIGPIPE, SIG_IGN);
    size_t count = (size_t)bench_number(argv[5], 100000);
    struct client *client = client_new(argv[2], argv[3], argv[4]);
    struct client_conn **all = calloc(count, sizeof(void *));

    if (!all)
        bench_die("out of memory");
    for (size_t i = 0; i < count; i++) {
        all[i] = client_open(client, argv[1]);
        use(all[i]);
    }
    printf("holding %zu\n", count);
    fflush(stdout);
    (void)!read(STDIN_FILENO, &end, 1);
    for (size_t i = 0; i < count; i++)
        client_close(all[i]);
    free(all);
    client_free(client);
    return 0;
}
