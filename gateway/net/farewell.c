/* The last words to a plain client: see farewell.h. */
#include "farewell.h"

#include <stdlib.h>
#include <string.h>

#include "sock.h"
#include "stream.h"

#define WAIT_MS 2000
#define MOST (4u << 20) /* bytes of a client that doesn't listen */

struct farewell {
    struct kp_stream stream; /* first */
    uv_timer_t timer;
    struct kp_loop *loop;
    size_t thrown;
    unsigned open;
};

static void one_closed(struct farewell *f)
{
    if (--f->open == 0)
        free(f);
}

static void stream_closed(struct kp_stream *stream)
{
    one_closed((struct farewell *)(void *)stream);
}

static void timer_closed(uv_handle_t *timer)
{
    one_closed(timer->data);
}

static void leave(struct farewell *f)
{
    if (!kp_stream_is_open(&f->stream))
        return;
    kp_stream_close(&f->stream, false);
    uv_close((uv_handle_t *)&f->timer, timer_closed);
}

static void waited(uv_timer_t *timer)
{
    leave(timer->data);
}

static void ready(struct kp_stream *stream, unsigned events)
{
    struct farewell *f = (struct farewell *)(void *)stream;
    ssize_t got = 1;
    (void)events;
    while (got > 0 && f->thrown < MOST) {
        got = kp_stream_read(stream, f->loop->scratch, KP_SCRATCH_LEN);
        if (got > 0)
            f->thrown += (size_t)got;
    }
    if (got != UV_EAGAIN)
        leave(f);
}

void kp_farewell(struct kp_loop *loop, int fd, const char *text)
{
    struct farewell *f = calloc(1, sizeof *f);
    if (f == NULL) {
        kp_sock_close(fd);
        return;
    }
    f->loop = loop;
    f->stream.ready = ready;
    f->stream.closed = stream_closed;
    if (kp_stream_open(&f->stream, loop, fd) != 0) {
        free(f);
        return;
    }
    f->open = 2;
    (void)uv_timer_init(&loop->uv, &f->timer);
    f->timer.data = f;
    (void)uv_timer_start(&f->timer, waited, WAIT_MS, 0);
    (void)kp_stream_write(&f->stream, (const uint8_t *)text, strlen(text));
    kp_stream_end(&f->stream);
    kp_stream_want(&f->stream, KP_STREAM_READ);
}
