/* The plain web server behind every proxy, as cheap as one can be: a thread a connection.
 *
 *     GET /N     N bytes
 *     POST /     the body is thrown away
 *
 * A connection stays until the request says "Connection: close". */
#include "common.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_LEN = 4096, STACK_LEN = 65536, CHUNK_LEN = 262144 };

static const char chunk[CHUNK_LEN];

struct request {
    char head[HEAD_LEN + 1];
    size_t have;     /* bytes in head[] */
    size_t head_len; /* of which these are the head */
};

static bool read_request(int fd, struct request *r)
{
    r->have = 0;
    while (r->have < HEAD_LEN) {
        ssize_t n = recv(fd, r->head + r->have, HEAD_LEN - r->have, 0);
        if (n <= 0)
            return false;
        r->have += (size_t)n;
        r->head[r->have] = '\0';
        const char *end = strstr(r->head, "\r\n\r\n");
        if (end) {
            r->head_len = (size_t)(end - r->head) + 4;
            return true;
        }
    }
    return false;
}

static bool send_bytes(int fd, const char *data, size_t len, int flags)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL | flags);
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static bool answer(int fd, unsigned long long len)
{
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
                     "Content-Type: text/html\r\nContent-Length: %llu\r\n\r\n",
                     len);
    bool ok = send_bytes(fd, head, (size_t)n, len > 0 ? MSG_MORE : 0);

    while (ok && len > 0) {
        size_t part = len < CHUNK_LEN ? (size_t)len : CHUNK_LEN;
        ok = send_bytes(fd, chunk, part, 0);
        len -= part;
    }
    return ok;
}

/* On TCP, MSG_TRUNC throws bytes away without copying them. */
static bool discard(int fd, const struct request *r)
{
    const char *field = strcasestr(r->head, "\r\nContent-Length:");
    unsigned long long left = field ? strtoull(field + 17, NULL, 10) : 0;
    size_t early = r->have - r->head_len;

    left -= early < left ? early : left;
    while (left > 0) {
        ssize_t n = recv(fd, NULL, left < CHUNK_LEN ? (size_t)left : CHUNK_LEN, MSG_TRUNC);
        if (n <= 0)
            return false;
        left -= (unsigned long long)n;
    }
    return true;
}

static void *serve(void *arg)
{
    struct request r;
    bool open = true;
    int fd = *(int *)arg;

    free(arg);
    while (open && read_request(fd, &r)) {
        if (strncmp(r.head, "GET /", 5) == 0)
            open = answer(fd, strtoull(r.head + 5, NULL, 10));
        else
            open = discard(fd, &r) && answer(fd, 0);
        open = open && !strcasestr(r.head, "\r\nConnection: close");
    }
    close(fd);
    return NULL;
}

static void start(const pthread_attr_t *attr, int fd)
{
    pthread_t thread;
    int *arg = malloc(sizeof *arg);

    if (!arg)
        bench_die("out of memory");
    *arg = fd;
    int error = pthread_create(&thread, attr, serve, arg);
    if (error != 0)
        bench_die("a thread: %s", strerror(error));
}

int main(void)
{
    pthread_attr_t attr;
    int listener;

    signal(SIGPIPE, SIG_IGN);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_LEN);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    listener = bench_listen();
    for (;;)
        start(&attr, bench_accept(listener));
}
