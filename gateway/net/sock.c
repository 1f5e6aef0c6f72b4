/* Socket calls: see sock.h.  Knows no event loop, no TLS. */
#include "sock.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <unistd.h>
#include <uv.h>

#define BACKLOG 511

static int last_error(void)
{
    return uv_translate_sys_error(errno);
}

static void set(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

/* Small answers leave at once, and a peer that vanished is found after two minutes. */
static void tune(int fd, int family)
{
    if (family != AF_INET && family != AF_INET6)
        return;
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, 6);
#endif
}

static int fresh(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd >= 0 ? fd : last_error();
}

int kp_sock_listen(const struct kp_address *address)
{
    int fd = fresh(address->where.ss_family);
    int error;
    if (fd < 0)
        return fd;
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address->where.ss_family == AF_INET6)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    tune(fd, address->where.ss_family); /* accepted sockets inherit it */
    if (bind(fd, (const struct sockaddr *)&address->where, address->len) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    error = last_error();
    close(fd);
    return error;
}

int kp_sock_accept(int listener, union kp_inet *peer)
{
    socklen_t len = sizeof *peer;
    int fd = accept4(listener, &peer->any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return fd >= 0 ? fd : last_error();
}

/* On loopback a connection that is "in progress" is there already: seeing it now saves a turn of
 * the loop.  A failure is left for that turn. */
static bool is_there(int fd)
{
    struct pollfd now = {.fd = fd, .events = POLLOUT};
    return poll(&now, 1, 0) == 1 && now.revents == POLLOUT;
}

int kp_sock_connect(const struct kp_address *address, bool *done)
{
    int fd = fresh(address->where.ss_family);
    int error;
    if (fd < 0)
        return fd;
    tune(fd, address->where.ss_family);
    *done = connect(fd, (const struct sockaddr *)&address->where, address->len) == 0;
    if (!*done && errno == EINPROGRESS) {
        *done = is_there(fd);
        return fd;
    }
    if (*done)
        return fd;
    error = last_error();
    close(fd);
    return error;
}

int kp_sock_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return last_error();
    return error == 0 ? 0 : uv_translate_sys_error(error);
}

int kp_sock_probe(const struct kp_address *address, int ms)
{
    bool done = false;
    int fd = kp_sock_connect(address, &done);
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int error = 0;
    if (fd < 0)
        return fd;
    if (!done)
        error = poll(&wait, 1, ms) == 1 ? kp_sock_error(fd) : UV_ETIMEDOUT;
    close(fd);
    return error;
}

void kp_sock_local(int fd, union kp_inet *out)
{
    socklen_t len = sizeof *out;
    if (getsockname(fd, &out->any, &len) != 0 || len > sizeof *out)
        out->any.sa_family = AF_UNSPEC;
}

int kp_sock_bound(int fd, struct kp_address *out)
{
    out->len = sizeof out->where;
    return getsockname(fd, (struct sockaddr *)&out->where, &out->len) == 0 ? 0 : last_error();
}

ssize_t kp_sock_recv(int fd, uint8_t *data, size_t len)
{
    ssize_t got;
    do
        got = recv(fd, data, len, 0);
    while (got < 0 && errno == EINTR);
    return got >= 0 ? got : last_error();
}

ssize_t kp_sock_send(int fd, const uint8_t *data, size_t len)
{
    ssize_t sent;
    do
        sent = send(fd, data, len, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0 ? sent : last_error();
}

void kp_sock_refuse(int listener)
{
    (void)shutdown(listener, SHUT_RDWR);
}

void kp_sock_end(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}

void kp_sock_abort(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

void kp_sock_close(int fd)
{
    close(fd);
}
