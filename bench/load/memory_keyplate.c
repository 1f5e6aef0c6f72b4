/* Handshakes of two of our connections in one process, without sockets: what the engine alone
 * costs.  Prints the medians of CPU microseconds, a connection's making and freeing included.
 * HOW is of pair.h; where there are no tickets, nothing is resumed.
 *
 *     memory_keyplate HOW CREDENTIALS NAME PASSWORD COUNT */
#include "common.h"
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>

static void run(struct pair *p, const char *kind, const struct kp_session *session, size_t count)
{
    double *server = calloc(count, sizeof(double));
    double *client = calloc(count, sizeof(double));

    if (!server || !client)
        bench_die("out of memory");
    for (size_t i = 0; i < count; i++) {
        pair_shake(p, session);
        pair_end(p);
        server[i] = p->server.us;
        client[i] = p->client.us;
    }
    printf("server_%s_us=%.3f ", kind, bench_median(server, count));
    printf("client_%s_us=%.3f ", kind, bench_median(client, count));
    free(server);
    free(client);
}

int main(int argc, char **argv)
{
    struct pair p = {0};

    if (argc != 6)
        bench_die("usage: memory_keyplate HOW CREDENTIALS NAME PASSWORD COUNT");
    size_t count = (size_t)bench_number(argv[5], 1000000);
    pair_open(&p, argv[1], argv[2], argv[3], argv[4]);

    pair_shake(&p, NULL);
    struct kp_session *session = kp_conn_session(p.client.conn);
    pair_end(&p);
    run(&p, "full", NULL, count);
    if (session != NULL)
        run(&p, "resumed", session, count);
    printf("\n");
    kp_session_free(session);
    pair_close(&p);
    return 0;
}
