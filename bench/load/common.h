/* What the load programs share: loopback sockets, CPU time and medians.  Knows no TLS. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a client sends for a handshake: one answer without a body, then the end. */
#define BENCH_REQUEST "GET /0 HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"

/* The device id of every credentials file here: what TLS 1.3 binds a password to. */
#define BENCH_DEVICE_ID "bench-device"

/* Prints to stderr and ends with status 1.  Every failure of a load program comes here: a figure
 * is of a run without errors, or there is none. */
__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *format, ...);

/* A decimal number from 1 to most, or death. */
unsigned long long bench_number(const char *text, unsigned long long most);

/* A blocking TCP connection to "127.0.0.1:PORT", without Nagle's delay. */
int bench_connect(const char *address);
/* Listens on a free port of 127.0.0.1 and prints "listening 127.0.0.1:PORT". */
int bench_listen(void);
/* The next connection, without Nagle's delay. */
int bench_accept(int listener);
void bench_send_all(int fd, const void *data, size_t len);

/* CPU microseconds of this process, and of this thread, user and system. */
double bench_process_us(void);
double bench_thread_us(void);

/* After warming up: sends stdout off and waits for a byte on stdin, so that whoever started this
 * program can look at the server's clock first. */
void bench_wait_for_go(void);

/* The median of values[count], which is sorted; 0 of none. */
double bench_median(double *values, size_t count);
/* Runs work(arg) count times; the median of a run's CPU microseconds. */
double bench_measure(void (*work)(void *arg), void *arg, size_t count);

#endif
