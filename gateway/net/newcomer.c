/* The first bytes of an accepted connection: see newcomer.h. */
#include "newcomer.h"

#include <stdlib.h>
#include <string.h>

#include "sock.h"

#define ROOM_LEN 2048 /* to begin with: most hellos and heads fit */

static struct kp_newcomer *of(struct kp_stream *stream)
{
    return (struct kp_newcomer *)(void *)stream; /* its first member */
}

static void one_closed(struct kp_newcomer *n)
{
    if (--n->closing == 0)
        n->hooks->closed(n);
}

static void stream_closed(struct kp_stream *stream)
{
    one_closed(of(stream));
}

static void timer_closed(uv_handle_t *timer)
{
    one_closed(timer->data);
}

/* A request's head may hold secrets. */
static void forget_bytes(struct kp_newcomer *n)
{
    if (n->bytes != NULL)
        explicit_bzero(n->bytes, n->len);
    free(n->bytes);
    n->bytes = NULL;
}

static void end_timer(struct kp_newcomer *n)
{
    n->done = true;
    n->closing = 2;
    uv_close((uv_handle_t *)&n->timer, timer_closed);
}

void kp_newcomer_stop(struct kp_newcomer *n)
{
    if (n->done)
        return;
    end_timer(n);
    kp_stream_close(&n->stream, false);
    forget_bytes(n);
}

static void leave(struct kp_newcomer *n, int error)
{
    kp_newcomer_stop(n);
    n->hooks->gone(n, error);
}

static void give(struct kp_newcomer *n, enum kp_first first)
{
    int fd = kp_stream_release(&n->stream);
    end_timer(n);
    n->hooks->sorted(n, fd, first, n->bytes, n->len);
    forget_bytes(n);
}

static void waited(uv_timer_t *timer)
{
    leave(timer->data, UV_ETIMEDOUT);
}

/* Whether there is memory for more. */
static bool have_room(struct kp_newcomer *n)
{
    size_t capacity = n->capacity == 0 ? ROOM_LEN : (size_t)n->capacity * 2;
    uint8_t *more;
    if (n->len < n->capacity)
        return true;
    more = malloc(capacity);
    if (more == NULL)
        return false;
    if (n->len > 0)
        memcpy(more, n->bytes, n->len);
    forget_bytes(n);
    n->bytes = more;
    n->capacity = (uint32_t)capacity;
    return true;
}

static void ready(struct kp_stream *stream, unsigned events)
{
    struct kp_newcomer *n = of(stream);
    enum kp_first first;
    ssize_t got;
    (void)events;
    if (!have_room(n)) {
        leave(n, UV_ENOMEM);
        return;
    }
    got = kp_stream_read(stream, n->bytes + n->len, n->capacity - n->len);
    if (got == UV_EAGAIN) {
        kp_stream_want(stream, KP_STREAM_READ);
        return;
    }
    if (got <= 0) {
        leave(n, got == 0 ? UV_EOF : (int)got);
        return;
    }
    n->len += (uint32_t)got;
    first = kp_first_bytes(n->bytes, n->len);
    if (first != KP_FIRST_MORE)
        give(n, first);
    else
        kp_stream_want(stream, KP_STREAM_READ); /* an error has stopped the polling, or nothing */
}

int kp_newcomer_begin(struct kp_newcomer *n, struct kp_loop *loop, int fd, uint32_t deadline_ms,
                      const struct kp_newcomer_hooks *hooks)
{
    int error;
    memset(n, 0, sizeof *n);
    n->hooks = hooks;
    n->stream.ready = ready;
    n->stream.closed = stream_closed;
    error = kp_stream_open(&n->stream, loop, fd);
    if (error != 0)
        return error;
    (void)uv_timer_init(&loop->uv, &n->timer);
    n->timer.data = n;
    (void)uv_timer_start(&n->timer, waited, deadline_ms, 0);
    kp_stream_want(&n->stream, KP_STREAM_READ);
    return 0;
}
