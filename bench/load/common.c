#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void bench_die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

unsigned long long bench_number(const char *text, unsigned long long most)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value == 0 || value > most)
        bench_die("%s is not a number from 1 to %llu", text, most);
    return value;
}

static void no_delay(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int bench_connect(const char *address)
{
    const char *colon = strrchr(address, ':');
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_port = htons((uint16_t)bench_number(colon ? colon + 1 : "", 65535));
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        bench_die("connect %s: %s", address, strerror(errno));
    no_delay(fd);
    return fd;
}

int bench_listen(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&here, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&here, &len) != 0)
        bench_die("listen: %s", strerror(errno));
    printf("listening 127.0.0.1:%d\n", ntohs(here.sin_port));
    fflush(stdout);
    return fd;
}

int bench_accept(int listener)
{
    int fd = accept(listener, NULL, NULL);

    if (fd < 0)
        bench_die("accept: %s", strerror(errno));
    no_delay(fd);
    return fd;
}

void bench_send_all(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n < 0)
            bench_die("send: %s", strerror(errno));
        at += n;
        len -= (size_t)n;
    }
}

static double clock_us(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) != 0)
        bench_die("clock_gettime: %s", strerror(errno));
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

double bench_process_us(void)
{
    return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

double bench_thread_us(void)
{
    return clock_us(CLOCK_THREAD_CPUTIME_ID);
}

void bench_wait_for_go(void)
{
    char byte;

    putchar('\n');
    fflush(stdout);
    if (read(STDIN_FILENO, &byte, 1) != 1)
        bench_die("nobody said go");
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
    if (count == 0)
        return 0;
    qsort(values, count, sizeof *values, compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

double bench_measure(void (*work)(void *arg), void *arg, size_t count)
{
    double *samples = calloc(count, sizeof(double));

    if (!samples)
        bench_die("out of memory");
    for (size_t i = 0; i < count; i++) {
        double start = bench_thread_us();
        work(arg);
        samples[i] = bench_thread_us() - start;
    }
    double median = bench_median(samples, count);
    free(samples);
    return median;
}
