#include "client.h"

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_LEN = 8192 };

static char chunk[65536];

void client_get(struct client_conn *conn, unsigned long long len, bool last)
{
    char request[256];
    int n = snprintf(request, sizeof request,
                     "GET /%llu HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench/1\r\nAccept: */*\r\n%s"
                     "\r\n",
                     len, last ? "Connection: close\r\n" : "");

    client_send(conn, request, (size_t)n);
}

/* Content-Length of a head that ends with a NUL. */
static unsigned long long body_length(const char *head)
{
    const char *field = strcasestr(head, "\r\nContent-Length:");

    if (strncmp(head, "HTTP/1.1 200 ", 13) != 0 || field == NULL)
        bench_die("not an answer with a length: %.200s", head);
    return strtoull(field + 17, NULL, 10);
}

unsigned long long client_answer(struct client_conn *conn)
{
    char head[HEAD_LEN + 1];
    const char *end = NULL;
    size_t have = 0, n;

    while (end == NULL) {
        if (have == HEAD_LEN || (n = client_read(conn, head + have, HEAD_LEN - have)) == 0)
            bench_die("no answer");
        have += n;
        head[have] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    unsigned long long len = body_length(head), got = have - (size_t)(end + 4 - head);
    while (got < len) {
        if ((n = client_read(conn, chunk, sizeof chunk)) == 0)
            bench_die("the answer was cut at %llu of %llu bytes", got, len);
        got += n;
    }
    if (got > len)
        bench_die("%llu bytes came, not %llu", got, len);
    return len;
}

unsigned long long client_drain(struct client_conn *conn)
{
    unsigned long long total = 0;
    size_t n;

    while ((n = client_read(conn, chunk, sizeof chunk)) > 0)
        total += n;
    return total;
}
