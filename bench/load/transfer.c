/* Pulls or pushes bytes through a TLS proxy, and prints what was negotiated.  HOW is of client.h.
 *
 *     transfer_LIBRARY ADDR:PORT HOW NAME SECRET pull|push BYTES */
#include "client.h"
#include "common.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define BYTES_MAX 100000000000ull

static void pull(struct client_conn *conn, unsigned long long bytes)
{
    client_get(conn, bytes, false);
    if (client_answer(conn) != bytes)
        bench_die("an answer to another request");
}

/* The upstream answers when it has all of it. */
static void push(struct client_conn *conn, unsigned long long bytes)
{
    static char chunk[65536];
    char head[256];
    int len = snprintf(head, sizeof head,
                       "POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: %llu\r\n\r\n", bytes);

    client_send(conn, head, (size_t)len);
    for (unsigned long long left = bytes; left > 0;) {
        size_t n = left < sizeof chunk ? (size_t)left : sizeof chunk;
        client_send(conn, chunk, n);
        left -= n;
    }
    (void)client_answer(conn);
}

int main(int argc, char **argv)
{
    if (argc != 7)
        bench_die("usage: transfer_LIBRARY ADDR:PORT HOW NAME SECRET pull|push BYTES");
    signal(SIGPIPE, SIG_IGN);
    unsigned long long bytes = bench_number(argv[6], BYTES_MAX);
    struct client *client = client_new(argv[2], argv[3], argv[4]);
    struct client_conn *conn = client_open(client, argv[1]);

    client_print(conn);
    if (strcmp(argv[5], "pull") == 0)
        pull(conn, bytes);
    else
        push(conn, bytes);
    printf("bytes=%llu\n", bytes);
    client_close(conn);
    client_free(client);
    return 0;
}
