/* The first bytes of a browser's connection: see first_look.h. */
#include "first_look.h"

#include <stdlib.h>
#include <string.h>

#include "../net/sock.h"

#define PATIENCE_MS 60000 /* browsers open connections in advance */

static struct kp_first_look *of(struct kp_stream *stream)
{
    return (struct kp_first_look *)(void *)stream; /* its first member */
}

static void one_closed(struct kp_first_look *l)
{
    if (--l->open > 0)
        return;
    if (l->bytes != NULL)
        explicit_bzero(l->bytes, l->len);
    free(l->bytes);
    free(l);
}

static void stream_closed(struct kp_stream *stream)
{
    one_closed(of(stream));
}

static void timer_closed(uv_handle_t *timer)
{
    one_closed(timer->data);
}

static void give(struct kp_first_look *l, enum kp_request_verdict verdict)
{
    uint8_t *bytes = l->bytes;
    int fd = kp_stream_release(&l->stream);
    l->bytes = NULL;
    uv_close((uv_handle_t *)&l->timer, timer_closed);
    l->judged(l->owner, verdict, fd, bytes, l->len);
}

void kp_first_look_cancel(struct kp_first_look *l)
{
    kp_stream_close(&l->stream, false);
    uv_close((uv_handle_t *)&l->timer, timer_closed);
}

static void leave(struct kp_first_look *l)
{
    kp_first_look_cancel(l);
    l->gone(l->owner);
}

static void waited(uv_timer_t *timer)
{
    leave(timer->data);
}

static bool have_room(struct kp_first_look *l)
{
    if (l->bytes == NULL)
        l->bytes = malloc(KP_REQUEST_MAX);
    return l->bytes != NULL;
}

static void ready(struct kp_stream *stream, unsigned events)
{
    struct kp_first_look *l = of(stream);
    enum kp_request_verdict verdict;
    ssize_t got;
    (void)events;
    if (!have_room(l)) {
        leave(l);
        return;
    }
    got = kp_stream_read(stream, l->bytes + l->len, KP_REQUEST_MAX - l->len);
    if (got == UV_EAGAIN)
        return;
    if (got < 0) {
        leave(l);
        return;
    }
    l->len += (size_t)got;
    verdict = kp_first_judge((const char *)l->bytes, l->len, got == 0, l->own);
    if (verdict != KP_REQUEST_MORE)
        give(l, verdict);
}

struct kp_first_look *kp_first_look(struct kp_loop *loop, int fd, const char *own)
{
    struct kp_first_look *l = calloc(1, sizeof *l);
    if (l == NULL) {
        kp_sock_close(fd);
        return NULL;
    }
    l->loop = loop;
    l->own = own;
    l->stream.ready = ready;
    l->stream.closed = stream_closed;
    if (kp_stream_open(&l->stream, loop, fd) != 0) {
        free(l);
        return NULL;
    }
    l->open = 2;
    (void)uv_timer_init(&loop->uv, &l->timer);
    l->timer.data = l;
    return l;
}

void kp_first_look_start(struct kp_first_look *l)
{
    (void)uv_timer_start(&l->timer, waited, PATIENCE_MS, 0);
    kp_stream_want(&l->stream, KP_STREAM_READ);
}
