/*
 * What tests of gateway/net share: a loop, sockets whose far ends the test holds, bytes that can be
 * told by where they stand.
 */
#ifndef TEST_UNIT_NET_ENDS_H
#define TEST_UNIT_NET_ENDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/loop.h"
#include "net/sock.h"

static struct kp_loop loop;

static int open_loop(void **state)
{
    (void)state;
    return kp_loop_init(&loop);
}

static int close_loop(void **state)
{
    (void)state;
    kp_loop_close(&loop);
    return 0;
}

static inline void one_turn(void)
{
    (void)uv_run(&loop.uv, UV_RUN_NOWAIT);
    usleep(50);
}

/* From here on deadlines count: the loop's own clock stands still while it doesn't run. */
static inline uint64_t clock_start(void)
{
    uv_update_time(&loop.uv);
    return uv_hrtime();
}

/* Runs the loop until it is so; ten seconds at most. */
#define until(condition)                                                                           \
    for (uint64_t end_ = uv_hrtime() + 10000000000u; !(condition); one_turn())                     \
    assert_true(uv_hrtime() < end_)

static inline void run_ms(unsigned ms)
{
    for (uint64_t end = uv_hrtime() + ms * 1000000u; uv_hrtime() < end;)
        one_turn();
}

/* ---- Sockets --------------------------------------------------------------------------------- */

static inline int listen_at(struct kp_address *where)
{
    const char *why;
    struct kp_address any;
    int fd;
    assert_int_equal(kp_address_parse(&any, "127.0.0.1:0", &why), 0);
    fd = kp_sock_listen(&any);
    assert_true(fd >= 0);
    assert_int_equal(kp_sock_bound(fd, where), 0);
    return fd;
}

static inline int dial(const struct kp_address *where)
{
    bool done;
    int fd = kp_sock_connect(where, &done);
    assert_true(fd >= 0 && done);
    return fd;
}

static inline int take(int listener)
{
    union kp_inet peer;
    int fd = UV_EAGAIN;
    until((fd = kp_sock_accept(listener, &peer)) != UV_EAGAIN);
    assert_true(fd >= 0);
    return fd;
}

/* A connection over TCP: near is ours to give away, far the test's. */
static inline void connect_ends(int *near, int *far)
{
    struct kp_address where;
    int listener = listen_at(&where);
    *far = dial(&where);
    *near = take(listener);
    kp_sock_close(listener);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static inline uint8_t byte_at(size_t at)
{
    return (uint8_t)(at ^ at >> 8 ^ at >> 16);
}

static inline void fill(uint8_t *out, size_t at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = byte_at(at + i);
}

static inline void assert_bytes(const uint8_t *bytes, size_t at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != byte_at(at + i))
            fail_msg("a wrong byte at %zu", at + i);
    }
}

/* One write of such bytes, *at being how many went before and the first at the socket's `to`.
 * Whether any left. */
static inline bool feed(int fd, size_t *at, size_t to)
{
    uint8_t bytes[65536];
    size_t len = to - *at < sizeof bytes ? to - *at : sizeof bytes;
    ssize_t sent;
    fill(bytes, *at, len);
    sent = len > 0 ? kp_sock_send(fd, bytes, len) : 0;
    if (sent > 0)
        *at += (size_t)sent;
    return sent > 0;
}

/* One read of such bytes.  What kp_sock_recv gave. */
static inline ssize_t drain(int fd, size_t *at)
{
    uint8_t bytes[65536];
    ssize_t got = kp_sock_recv(fd, bytes, sizeof bytes);
    if (got > 0) {
        assert_bytes(bytes, *at, (size_t)got);
        *at += (size_t)got;
    }
    return got;
}

/* What is to be read now or later: the end (0) or an error, all bytes before it thrown away. */
static inline ssize_t last_word(int fd)
{
    uint8_t bytes[65536];
    ssize_t got = 1;
    until((got = kp_sock_recv(fd, bytes, sizeof bytes)) <= 0 && got != UV_EAGAIN);
    return got;
}

static inline void say(int fd, const char *text)
{
    assert_int_equal(kp_sock_send(fd, (const uint8_t *)text, strlen(text)), strlen(text));
}

static inline void assert_hears(int fd, const char *text)
{
    char heard[256];
    size_t len = 0;
    while (len < strlen(text)) {
        ssize_t got = UV_EAGAIN;
        until((got = kp_sock_recv(fd, (uint8_t *)heard + len, strlen(text) - len)) != UV_EAGAIN);
        assert_true(got > 0);
        len += (size_t)got;
    }
    assert_memory_equal(heard, text, len);
}

#endif
