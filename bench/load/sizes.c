/* Bytes that a connection takes, server's side: its structs, and what it holds of the heap while it
 * is idle, after a full handshake and its ticket.  HOW is of pair.h.
 *
 *     sizes HOW CREDENTIALS NAME PASSWORD COUNT */
#include "common.h"
#include "pair.h"

#include "conn/conn.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the client alone. */
static struct kp_conn *idle_server(struct pair *p)
{
    pair_shake(p, NULL);
    kp_conn_free(p->client.conn);
    return p->server.conn;
}

/* malloc's overhead is in it. */
static double heap_of_one(struct pair *p, size_t count)
{
    struct kp_conn **all = calloc(count, sizeof(void *));

    if (!all)
        bench_die("out of memory");
    kp_conn_free(idle_server(p)); /* what is allocated once */
    size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < count; i++)
        all[i] = idle_server(p);
    size_t after = mallinfo2().uordblks;
    for (size_t i = 0; i < count; i++)
        kp_conn_free(all[i]);
    free(all);
    return (double)(after - before) / (double)count;
}

int main(int argc, char **argv)
{
    struct pair p = {0};

    if (argc != 6)
        bench_die("usage: sizes HOW CREDENTIALS NAME PASSWORD COUNT");
    pair_open(&p, argv[1], argv[2], argv[3], argv[4]);
    printf("conn=%zu handshake=%zu ", sizeof(struct kp_conn), sizeof(struct kp_handshake));
    printf("idle=%.1f\n", heap_of_one(&p, (size_t)bench_number(argv[5], 100000)));
    pair_close(&p);
    return 0;
}
