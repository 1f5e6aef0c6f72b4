/* A listening socket on a loop: see listener.h. */
#include "listener.h"

#include <limits.h>
#include <sys/resource.h>

#include "sock.h"

#define ACCEPTS_A_TURN 4 /* few: other workers share the socket, and should share the work */
/* While strangers' arithmetic waits, a turn is long: were the kernel's queue to fill up meanwhile,
 * it would throw away the first packets of those who come, who try again after a second. */
#define ACCEPTS_NS 5000000u

static void polled(uv_poll_t *poll, int status, int events);

static void wake(uv_timer_t *timer)
{
    struct kp_listener *l = timer->data;
    (void)uv_poll_start(&l->poll, UV_READABLE, polled);
}

static void rest(struct kp_listener *l, int error)
{
    (void)uv_poll_stop(&l->poll);
    (void)uv_timer_start(&l->rest, wake, KP_LISTENER_REST_MS, 0);
    l->resting(l, error);
}

/* Errors of the one connection that was to be taken, not of the listener: accept(2), "Error
 * handling". */
static bool is_of_connection(int error)
{
    return error == UV_ECONNABORTED || error == UV_EPROTO || error == UV_ENETDOWN ||
           error == UV_EHOSTUNREACH || error == UV_ENETUNREACH || error == UV_ETIMEDOUT ||
           error == UV_EPERM || error == UV_EINTR;
}

static bool is_turn_over(const struct kp_listener *l, unsigned accepts, uint64_t start)
{
    if (accepts < ACCEPTS_A_TURN)
        return false;
    if (l->loop->strangers > 0 && uv_hrtime() - start < ACCEPTS_NS)
        return false;
    l->loop->pressed = l->loop->strangers > 0;
    return true;
}

static void polled(uv_poll_t *poll, int status, int events)
{
    struct kp_listener *l = poll->data;
    uint64_t start = uv_hrtime();
    (void)events;
    if (status < 0) {
        rest(l, status);
        return;
    }
    for (unsigned i = 0; l->open && !is_turn_over(l, i, start); i++) {
        union kp_inet peer;
        int fd;
        if (!l->room(l)) {
            rest(l, 0);
            return;
        }
        fd = kp_sock_accept(l->fd, &peer);
        if (fd >= 0) {
            l->accepted(l, fd, &peer);
        } else if (fd == UV_EAGAIN) {
            return;
        } else if (kp_loop_makes_room(l->loop, fd)) {
            return; /* the next turn has it */
        } else if (!is_of_connection(fd)) {
            rest(l, fd);
            return;
        }
    }
}

/* A new descriptor is the lowest that is free (POSIX.1-2017 2.14): from how high it is one can tell
 * how few there are.  An eighth, 32 at most, is left for what connections need besides. */
static int where_plenty_ends(void)
{
    struct rlimit limit;
    rlim_t spare;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
        return INT_MAX;
    spare = limit.rlim_cur / 8 < 32 ? limit.rlim_cur / 8 : 32;
    return (int)(limit.rlim_cur - spare);
}

int kp_listener_start(struct kp_listener *l, struct kp_loop *loop, int fd)
{
    int error = uv_poll_init(&loop->uv, &l->poll, fd);
    if (error != 0)
        return error;
    (void)uv_timer_init(&loop->uv, &l->rest);
    l->loop = loop;
    l->fd = fd;
    l->plenty = where_plenty_ends();
    l->open = true;
    l->poll.data = l;
    l->rest.data = l;
    return uv_poll_start(&l->poll, UV_READABLE, polled);
}

bool kp_listener_is_scarce(const struct kp_listener *l, int fd)
{
    return fd >= l->plenty;
}

void kp_listener_close(struct kp_listener *l)
{
    if (!l->open)
        return;
    l->open = false;
    uv_close((uv_handle_t *)&l->poll, NULL);
    uv_close((uv_handle_t *)&l->rest, NULL);
}
