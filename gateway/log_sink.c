/* Where log lines go: see log_sink.h. */
#include "log_sink.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef KP_LOG_DEVICE
#define KP_LOG_DEVICE "/dev/log"
#endif
#define FACILITY_DAEMON (3u << 3)

static struct {
    pthread_mutex_t lock; /* of both sinks: what poll says holds until the write */
    int syslog;           /* -1: not connected */
    atomic_uint_least64_t lost, untold;
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER, .syslog = -1};

void kp_log_sink_lose(void)
{
    atomic_fetch_add(&sink.lost, 1);
    atomic_fetch_add(&sink.untold, 1);
}

uint64_t kp_log_sink_lost(void)
{
    return atomic_load(&sink.lost);
}

uint64_t kp_log_sink_take_untold(void)
{
    return atomic_load(&sink.untold) == 0 ? 0 : atomic_exchange(&sink.untold, 0);
}

void kp_log_sink_give_untold(uint64_t lines)
{
    atomic_fetch_add(&sink.untold, lines);
}

/* ---- stderr ------------------------------------------------------------------------------ */

/* It isn't made non-blocking: who started us shares it.  So a thread looks before it writes, and no
 * other one may fill it in between. */
static bool write_now(const char *text, size_t len)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    ssize_t wrote;
    if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT))
        return false;
    do
        wrote = send(STDERR_FILENO, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (wrote < 0 && errno == EINTR);
    if (wrote < 0 && errno == ENOTSOCK)
        do
            wrote = write(STDERR_FILENO, text, len);
        while (wrote < 0 && errno == EINTR);
    return wrote == (ssize_t)len;
}

bool kp_log_sink_stderr(const char *text, size_t len)
{
    bool taken;
    pthread_mutex_lock(&sink.lock);
    taken = write_now(text, len);
    pthread_mutex_unlock(&sink.lock);
    return taken;
}

/* ---- The system's log -------------------------------------------------------------------- */

static void leave(void)
{
    int error = errno;
    if (sink.syslog >= 0)
        close(sink.syslog);
    sink.syslog = -1;
    errno = error;
}

static bool reach(void)
{
    static const struct sockaddr_un where = {.sun_family = AF_UNIX, .sun_path = KP_LOG_DEVICE};
    if (sink.syslog >= 0)
        return true;
    sink.syslog = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (sink.syslog >= 0 &&
        connect(sink.syslog, (const struct sockaddr *)&where, sizeof where) != 0)
        leave();
    return sink.syslog >= 0;
}

int kp_log_sink_try_syslog(void)
{
    int error;
    pthread_mutex_lock(&sink.lock);
    error = reach() ? 0 : -errno;
    pthread_mutex_unlock(&sink.lock);
    return error;
}

/* A full queue is no reason to connect again; whatever else is, once. */
static bool send_now(const char *text, size_t len)
{
    for (int tries = 0; tries < 2 && reach(); tries++) {
        if (send(sink.syslog, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len)
            return true;
        if (errno == EAGAIN || errno == ENOBUFS || errno == EMSGSIZE)
            return false;
        leave();
    }
    return false;
}

bool kp_log_sink_syslog(unsigned severity, const char *text, size_t len)
{
    char datagram[KP_LOG_LINE_MAX + 64];
    bool taken;
    int head = snprintf(datagram, sizeof datagram,
                        "<%u>keyplate[%ld]: ", FACILITY_DAEMON | severity, (long)getpid());
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len > KP_LOG_LINE_MAX)
        len = KP_LOG_LINE_MAX;
    memcpy(datagram + head, text, len);
    pthread_mutex_lock(&sink.lock);
    taken = send_now(datagram, (size_t)head + len);
    pthread_mutex_unlock(&sink.lock);
    return taken;
}
