/* What the sockets of a relay cost at the least: the connections, flights and ends of `keyplate
 * serve` for a resumed handshake and a small request, with blocking calls and without TLS.
 *
 *     plain_relay UPSTREAM-ADDR:PORT */
#include "common.h"
#include "plain.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static void take(int fd, size_t len)
{
    char flight[PLAIN_CLIENT_HELLO];

    if (recv(fd, flight, len, MSG_WAITALL) != (ssize_t)len)
        bench_die("a flight was cut");
}

/* Asks the upstream, and waits for its answer and its end. */
static void ask(const char *upstream)
{
    char answer[4096];
    int fd = bench_connect(upstream);

    bench_send_all(fd, BENCH_REQUEST, sizeof BENCH_REQUEST - 1);
    while (recv(fd, answer, sizeof answer, 0) > 0)
        ;
    close(fd);
}

static void relay(int fd, const char *upstream)
{
    static const char flight[PLAIN_SERVER_FLIGHT];
    char rest[256];

    take(fd, PLAIN_CLIENT_HELLO);
    bench_send_all(fd, flight, PLAIN_SERVER_FLIGHT);
    take(fd, PLAIN_CLIENT_FLIGHT);
    ask(upstream);
    bench_send_all(fd, flight, PLAIN_ANSWER);
    bench_send_all(fd, flight, PLAIN_CLOSE_NOTIFY);
    shutdown(fd, SHUT_WR);
    while (recv(fd, rest, sizeof rest, 0) > 0)
        ;
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        bench_die("usage: plain_relay UPSTREAM-ADDR:PORT");
    signal(SIGPIPE, SIG_IGN);
    int listener = bench_listen();
    for (;;)
        relay(bench_accept(listener), argv[1]);
}
