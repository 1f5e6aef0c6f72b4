/* A client's connection that is passed on untouched: see passage.h. */
#include "passage.h"

#include <stdlib.h>
#include <string.h>

#include "sock.h"

#define READS_A_TURN 16 /* of each side; then other connections get theirs */

static struct kp_passage_side *of(struct kp_stream *stream)
{
    return (struct kp_passage_side *)(void *)stream; /* its first member */
}

/* ---- Ending ------------------------------------------------------------------------------ */

static void forget_saved(struct kp_passage_side *side)
{
    if (side->saved != NULL)
        explicit_bzero(side->saved, side->saved_len);
    free(side->saved);
    side->saved = NULL;
    side->saved_at = side->saved_len = 0;
}

static void one_closed(struct kp_passage *p)
{
    if (--p->closing == 0)
        p->hooks->closed(p);
}

static void timer_closed(uv_handle_t *handle)
{
    one_closed(handle->data);
}

static void stream_closed(struct kp_stream *stream)
{
    one_closed(of(stream)->passage);
}

static void close_side(struct kp_passage_side *side, bool abort)
{
    forget_saved(side);
    if (!kp_stream_is_open(&side->stream))
        return;
    side->passage->closing++;
    kp_stream_close(&side->stream, abort);
}

static bool is_over(const struct kp_passage *p)
{
    return p->end != KP_PASSED_NOT;
}

static void end(struct kp_passage *p, enum kp_passage_end why, int error)
{
    bool cut = why != KP_PASSED_BOTH;
    if (is_over(p))
        return;
    p->end = (uint8_t)why;
    p->error = error;
    p->hooks->over(p);
    p->closing = 1;
    uv_close((uv_handle_t *)&p->timer, timer_closed);
    close_side(&p->client, cut);
    close_side(&p->server, cut);
}

static void broke(struct kp_passage_side *side, int error)
{
    struct kp_passage *p = side->passage;
    end(p, side == &p->client ? KP_PASSED_CLIENT : KP_PASSED_SERVER, error);
}

/* ---- From one side to the other ---------------------------------------------------------- */

/* Whether there is memory for it. */
static bool save(struct kp_passage_side *from, const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return true;
    from->saved = malloc(len);
    if (from->saved == NULL)
        return false;
    memcpy(from->saved, bytes, len);
    from->saved_len = (uint32_t)len;
    return true;
}

/* What it said before it closed its ear, as a server that refuses an upload, still passes. */
static void turn_deaf(struct kp_passage_side *side, int error)
{
    side->deaf = true;
    side->full = false;
    side->readable = true;
    side->passage->error = error;
    if (side->ended)
        broke(side, error);
}

/* How many bytes were taken. */
static size_t give(struct kp_passage_side *to, const uint8_t *bytes, size_t len)
{
    ssize_t sent;
    if (to->deaf)
        return len;
    if (to->full)
        return 0;
    sent = kp_stream_write(&to->stream, bytes, len);
    if (sent < 0 && sent != UV_EAGAIN) {
        turn_deaf(to, (int)sent);
        return len;
    }
    if (sent == UV_EAGAIN)
        sent = 0;
    to->full = (size_t)sent < len;
    to->other->bytes += (uint64_t)sent;
    to->passage->active = uv_now(&to->passage->loop->uv);
    return (size_t)sent;
}

/* Whether nothing is left. */
static bool give_saved(struct kp_passage_side *from)
{
    size_t given;
    if (from->saved == NULL)
        return true;
    given = give(from->other, from->saved + from->saved_at, from->saved_len - from->saved_at);
    if (is_over(from->passage))
        return false;
    from->saved_at += (uint32_t)given;
    if (from->saved_at < from->saved_len)
        return false;
    forget_saved(from);
    return true;
}

static void side_ended(struct kp_passage_side *from)
{
    from->readable = false;
    from->ended = true;
    if (from->deaf)
        broke(from, from->passage->error);
}

/* One read.  Whether another is worth it. */
static bool carry(struct kp_passage_side *from)
{
    uint8_t *scratch = from->passage->loop->scratch;
    ssize_t got = kp_stream_read(&from->stream, scratch, KP_SCRATCH_LEN);
    size_t used;
    from->readable = got == KP_SCRATCH_LEN;
    if (got == UV_EAGAIN)
        return false;
    if (got < 0) {
        broke(from, (int)got);
        return false;
    }
    if (got == 0) {
        side_ended(from);
        return false;
    }
    used = give(from->other, scratch, (size_t)got);
    if (!is_over(from->passage) && !save(from, scratch + used, (size_t)got - used))
        broke(from, UV_ENOMEM);
    return from->readable;
}

static void move(struct kp_passage_side *from)
{
    struct kp_passage_side *to = from->other;
    for (unsigned reads = 0; !is_over(from->passage) && reads < READS_A_TURN; reads++) {
        if (!give_saved(from) || !from->readable || !carry(from))
            break;
    }
    if (is_over(from->passage) || !from->ended || to->fin)
        return;
    to->fin = true;
    if (!to->deaf)
        kp_stream_end(&to->stream);
}

static void set_wants(struct kp_passage_side *side)
{
    unsigned wants = 0;
    if (!side->ended && side->saved == NULL)
        wants |= KP_STREAM_READ;
    if (side->full)
        wants |= KP_STREAM_WRITE;
    kp_stream_want(&side->stream, wants);
}

static void move_both(struct kp_passage *p)
{
    move(&p->client);
    move(&p->server);
    if (p->client.fin && p->server.fin)
        end(p, KP_PASSED_BOTH, 0);
    if (is_over(p))
        return;
    set_wants(&p->client);
    set_wants(&p->server);
}

/* ---- What happens ------------------------------------------------------------------------ */

static void timer_fired(uv_timer_t *timer)
{
    struct kp_passage *p = timer->data;
    uint64_t idle = uv_now(&p->loop->uv) - p->active;
    if (p->connecting)
        end(p, KP_PASSED_UNREACHED, p->error != 0 ? p->error : UV_ETIMEDOUT);
    else if (idle < p->idle_ms)
        (void)uv_timer_start(timer, timer_fired, p->idle_ms - idle, 0);
    else
        end(p, KP_PASSED_TIMEOUT, 0);
}

static void connected(struct kp_passage *p)
{
    int error = kp_stream_error(&p->server.stream);
    if (error != 0) {
        end(p, KP_PASSED_UNREACHED, error);
        return;
    }
    p->connecting = false;
    p->active = uv_now(&p->loop->uv);
    if (p->idle_ms == 0)
        (void)uv_timer_stop(&p->timer);
    else
        (void)uv_timer_start(&p->timer, timer_fired, p->idle_ms, 0);
    move_both(p);
}

static void ready(struct kp_stream *stream, unsigned events)
{
    struct kp_passage_side *side = of(stream);
    struct kp_passage *p = side->passage;
    if (p->connecting) {
        connected(p);
        return;
    }
    if (events & KP_STREAM_READ)
        side->readable = !side->ended;
    if (events & KP_STREAM_WRITE)
        side->full = false;
    move_both(p);
}

/* ---- Life -------------------------------------------------------------------------------- */

static void prepare_side(struct kp_passage_side *side, struct kp_passage_side *other,
                         struct kp_passage *p)
{
    side->passage = p;
    side->other = other;
    side->stream.ready = ready;
    side->stream.closed = stream_closed;
    side->stream.fd = -1;
}

/* A failure is told on the loop's next turn. */
static void dial(struct kp_passage *p, const struct kp_passage_way *way)
{
    bool done = false;
    int error = kp_stream_connect(&p->server.stream, p->loop, way->to, &done);
    p->connecting = true;
    p->error = error;
    if (error == 0)
        kp_stream_want(&p->server.stream, KP_STREAM_WRITE);
    (void)uv_timer_start(&p->timer, timer_fired, error == 0 ? way->connect_ms : 0, 0);
}

int kp_passage_begin(struct kp_passage *p, struct kp_loop *loop, int fd, const uint8_t *first,
                     size_t first_len, const struct kp_passage_way *way,
                     const struct kp_passage_hooks *hooks)
{
    int error;
    memset(p, 0, sizeof *p);
    p->loop = loop;
    p->hooks = hooks;
    p->idle_ms = way->idle_ms;
    prepare_side(&p->client, &p->server, p);
    prepare_side(&p->server, &p->client, p);
    if (!save(&p->client, first, first_len)) {
        kp_sock_close(fd);
        return UV_ENOMEM;
    }
    error = kp_stream_open(&p->client.stream, loop, fd);
    if (error != 0) {
        forget_saved(&p->client);
        return error;
    }
    (void)uv_timer_init(&loop->uv, &p->timer);
    p->timer.data = p;
    dial(p, way);
    return 0;
}

void kp_passage_stop(struct kp_passage *p)
{
    end(p, KP_PASSED_OWNER, 0);
}
