/* As shake.c in resumed handshakes, with bytes that mean nothing: for plain_relay.c.
 *
 *     shake_plain ADDR:PORT COUNT */
#include "common.h"
#include "plain.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void shake(const char *address)
{
    static const char flight[PLAIN_CLIENT_HELLO];
    char rest[256];
    int fd = bench_connect(address);

    bench_send_all(fd, flight, PLAIN_CLIENT_HELLO);
    if (recv(fd, rest, PLAIN_SERVER_FLIGHT, MSG_WAITALL) != PLAIN_SERVER_FLIGHT)
        bench_die("a flight was cut");
    bench_send_all(fd, flight, PLAIN_CLIENT_FLIGHT);
    while (recv(fd, rest, sizeof rest, 0) > 0)
        ;
    bench_send_all(fd, flight, PLAIN_CLOSE_NOTIFY);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        bench_die("usage: shake_plain ADDR:PORT COUNT");
    unsigned count = (unsigned)bench_number(argv[2], 1000000);

    shake(argv[1]);
    bench_wait_for_go();
    double start = bench_process_us();
    for (unsigned i = 0; i < count; i++)
        shake(argv[1]);
    printf("cpu_us=%.3f\n", (bench_process_us() - start) / count);
    return 0;
}
