/* A listening socket on a loop: see listener.h. */
#include "listener.h"

#include "sock.h"

#define ACCEPTS_A_TURN 4 /* few: other workers share the socket, and should share the work */

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

static void polled(uv_poll_t *poll, int status, int events)
{
    struct kp_listener *l = poll->data;
    (void)events;
    if (status < 0) {
        rest(l, status);
        return;
    }
    for (unsigned i = 0; i < ACCEPTS_A_TURN && l->open; i++) {
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
        } else if (!is_of_connection(fd)) {
            rest(l, fd);
            return;
        }
    }
}

int kp_listener_start(struct kp_listener *l, struct kp_loop *loop, int fd)
{
    int error = uv_poll_init(&loop->uv, &l->poll, fd);
    if (error != 0)
        return error;
    (void)uv_timer_init(&loop->uv, &l->rest);
    l->fd = fd;
    l->open = true;
    l->poll.data = l;
    l->rest.data = l;
    return uv_poll_start(&l->poll, UV_READABLE, polled);
}

void kp_listener_close(struct kp_listener *l)
{
    if (!l->open)
        return;
    l->open = false;
    uv_close((uv_handle_t *)&l->poll, NULL);
    uv_close((uv_handle_t *)&l->rest, NULL);
}
