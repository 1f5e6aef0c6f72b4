/* A client's plain connection: see plain.h. */
#include "plain.h"

#include <stdlib.h>
#include <string.h>

#include "sock.h"

#define READ_LEN 16384
#define READS_A_TURN 16          /* then other connections get theirs */
#define LINGER_MS 2000           /* how long the peer's FIN is waited for */
#define LINGER_BYTES (16u << 20) /* and how much of it is thrown away */

static struct kp_plain *of(struct kp_stream *stream)
{
    return (struct kp_plain *)(void *)stream; /* its first member */
}

/* ---- Bytes that were read ---------------------------------------------------------------- */

static void forget_bytes(struct kp_plain *p)
{
    if (p->bytes != NULL)
        explicit_bzero(p->bytes, p->end);
    free(p->bytes);
    p->bytes = NULL;
    p->start = p->end = p->capacity = 0;
}

/* Whether there is memory for it. */
static bool have_room(struct kp_plain *p, size_t capacity)
{
    p->bytes = malloc(capacity);
    if (p->bytes != NULL)
        p->capacity = (uint32_t)capacity;
    return p->bytes != NULL;
}

/* ---- Ending ------------------------------------------------------------------------------ */

static void one_closed(struct kp_plain *p)
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
    one_closed(of(stream));
}

void kp_plain_close(struct kp_plain *p, bool abort)
{
    if (p->stage == KP_PLAIN_CLOSED)
        return;
    p->stage = KP_PLAIN_CLOSED;
    kp_loop_forget(p->loop, &p->task);
    forget_bytes(p);
    p->closing = 2;
    uv_close((uv_handle_t *)&p->timer, timer_closed);
    kp_stream_close(&p->stream, abort);
}

/* Throws away what the peer still sends, until its FIN: closing with unread bytes would send a
 * reset that overtakes our last ones. */
static void drain(struct kp_plain *p)
{
    while (p->lingered < LINGER_BYTES) {
        ssize_t got = kp_stream_read(&p->stream, p->loop->scratch, KP_SCRATCH_LEN);
        if (got == UV_EAGAIN)
            return;
        if (got <= 0)
            break;
        p->lingered += (uint32_t)got;
    }
    kp_plain_close(p, false);
}

static void broke(struct kp_plain *p, int error)
{
    p->broken = true;
    p->readable = !p->eof; /* what came before the break is the owner's still */
    if (p->net_error == 0)
        p->net_error = error;
}

/* ---- The pump ---------------------------------------------------------------------------- */

static void set_wants(struct kp_plain *p)
{
    unsigned wants = 0;
    if (p->stage == KP_PLAIN_CLOSED)
        return;
    if (p->stage == KP_PLAIN_LINGERS || (!p->eof && !p->held && !p->is_over))
        wants |= KP_STREAM_READ;
    if (p->stage == KP_PLAIN_WORKS && p->full && !p->broken && !p->is_over)
        wants |= KP_STREAM_WRITE;
    kp_stream_want(&p->stream, wants);
}

/* One read, when nothing of the last one is left. */
static void receive(struct kp_plain *p)
{
    ssize_t got = UV_ENOMEM;
    if (have_room(p, READ_LEN))
        got = kp_stream_read(&p->stream, p->bytes, p->capacity);
    p->readable = got == READ_LEN;
    if (got > 0) {
        p->end = (uint32_t)got;
        p->active = uv_now(&p->loop->uv);
        return;
    }
    forget_bytes(p);
    p->eof = got != UV_EAGAIN;
    if (p->eof && got < 0)
        broke(p, (int)got);
}

static void deliver(struct kp_plain *p)
{
    size_t len = p->end - p->start, used;
    p->bytes_in += len; /* before the hook, which may be the end and its line in the log */
    used = p->hooks->data(p, p->bytes + p->start, len);
    p->bytes_in -= len - used;
    if (p->stage != KP_PLAIN_WORKS)
        return;
    p->start += (uint32_t)used;
    p->held = used < len;
    if (!p->held)
        forget_bytes(p);
}

/* Tells one thing at a time.  Whether it's worth looking again. */
static bool tell(struct kp_plain *p)
{
    if (p->room_wanted && (!p->full || p->broken)) {
        p->room_wanted = false;
        p->hooks->room(p);
        return true;
    }
    if (p->bytes != NULL && !p->held) {
        deliver(p);
        return true;
    }
    if (p->eof && !p->broken && !p->peer_ended) {
        p->peer_ended = true;
        p->hooks->peer_ended(p);
        return true;
    }
    return false;
}

/* Whether it has come to its end: what came before it is handed over first. */
static bool ended(struct kp_plain *p)
{
    bool cut = p->broken && !p->readable;
    if (p->bytes == NULL && !p->is_over && (cut || (p->peer_ended && p->ending))) {
        p->is_over = true;
        p->hooks->over(p);
    }
    return p->is_over;
}

static void turn(struct kp_plain *p)
{
    for (unsigned reads = 0; p->stage == KP_PLAIN_WORKS && !p->is_over;) {
        if (tell(p))
            continue;
        if (ended(p) || !p->readable || p->held || p->eof || reads++ >= READS_A_TURN)
            break;
        receive(p);
    }
}

void kp_plain_pump(struct kp_plain *p)
{
    p->pump_again = true;
    if (p->pumping || p->stage == KP_PLAIN_CLOSED)
        return;
    p->pumping = true;
    while (p->pump_again && p->stage != KP_PLAIN_CLOSED) {
        p->pump_again = false;
        turn(p);
        if (p->stage == KP_PLAIN_LINGERS)
            drain(p);
    }
    p->pumping = false;
    set_wants(p);
}

static void ready(struct kp_stream *stream, unsigned events)
{
    struct kp_plain *p = of(stream);
    if (events & KP_STREAM_READ)
        p->readable = !p->eof;
    if (events & KP_STREAM_WRITE)
        p->full = false;
    kp_plain_pump(p);
}

static void pump_later(struct kp_task *task)
{
    kp_plain_pump((struct kp_plain *)(void *)((char *)task - offsetof(struct kp_plain, task)));
}

/* ---- Deadlines --------------------------------------------------------------------------- */

static void timer_fired(uv_timer_t *timer)
{
    struct kp_plain *p = timer->data;
    uint64_t idle = uv_now(&p->loop->uv) - (p->renews ? p->active : p->since);
    if (p->stage == KP_PLAIN_LINGERS)
        kp_plain_close(p, false);
    else if (idle < p->deadline_ms)
        (void)uv_timer_start(timer, timer_fired, p->deadline_ms - idle, 0);
    else
        p->hooks->timeout(p);
}

void kp_plain_deadline(struct kp_plain *p, uint32_t ms, bool renews)
{
    if (p->stage != KP_PLAIN_WORKS)
        return;
    p->deadline_ms = ms;
    p->renews = renews;
    p->active = p->since = uv_now(&p->loop->uv);
    if (ms == 0)
        (void)uv_timer_stop(&p->timer);
    else if (!uv_is_active((uv_handle_t *)&p->timer) || uv_timer_get_due_in(&p->timer) > ms)
        (void)uv_timer_start(&p->timer, timer_fired, ms, 0);
}

/* ---- The owner's side -------------------------------------------------------------------- */

/* One write.  How many bytes it took. */
static size_t send_some(struct kp_plain *p, const uint8_t *data, size_t len)
{
    ssize_t sent = kp_stream_write(&p->stream, data, len);
    if (sent < 0 && sent != UV_EAGAIN) {
        broke(p, (int)sent);
        kp_loop_later(p->loop, &p->task);
        return len;
    }
    if (sent == UV_EAGAIN)
        sent = 0;
    p->full = (size_t)sent < len;
    p->bytes_out += (uint64_t)sent;
    p->active = uv_now(&p->loop->uv);
    return (size_t)sent;
}

size_t kp_plain_send(struct kp_plain *p, const uint8_t *data, size_t len)
{
    size_t sent = 0;
    if (len == 0 || p->stage != KP_PLAIN_WORKS)
        return 0;
    if (p->broken)
        return len;
    if (!p->full)
        sent = send_some(p, data, len);
    p->room_wanted = sent < len;
    if (!p->pumping)
        set_wants(p);
    return sent;
}

bool kp_plain_blocked(struct kp_plain *p)
{
    bool blocked = p->stage != KP_PLAIN_WORKS || (p->full && !p->broken);
    if (blocked)
        p->room_wanted = true;
    return blocked;
}

void kp_plain_end(struct kp_plain *p)
{
    if (p->stage != KP_PLAIN_WORKS || p->ending)
        return;
    p->ending = true;
    kp_stream_end(&p->stream);
    kp_plain_pump(p);
}

void kp_plain_release(struct kp_plain *p)
{
    p->held = false;
    kp_plain_pump(p);
}

void kp_plain_finish(struct kp_plain *p)
{
    if (p->stage != KP_PLAIN_WORKS)
        return;
    if (p->net_error != 0) {
        kp_plain_close(p, false);
        return;
    }
    p->stage = KP_PLAIN_LINGERS;
    kp_loop_forget(p->loop, &p->task);
    forget_bytes(p);
    if (!p->ending)
        kp_stream_end(&p->stream);
    p->ending = true;
    (void)uv_timer_start(&p->timer, timer_fired, LINGER_MS, 0);
    kp_plain_pump(p);
}

/* Whether there is memory for it. */
static bool keep_first(struct kp_plain *p, const uint8_t *first, size_t len)
{
    if (len == 0)
        return true;
    if (!have_room(p, len))
        return false;
    memcpy(p->bytes, first, len);
    p->end = (uint32_t)len;
    return true;
}

int kp_plain_accept(struct kp_plain *p, struct kp_loop *loop, int fd, const uint8_t *first,
                    size_t first_len, const struct kp_plain_hooks *hooks)
{
    int error;
    memset(p, 0, sizeof *p);
    p->loop = loop;
    p->hooks = hooks;
    p->stream.ready = ready;
    p->stream.closed = stream_closed;
    p->task.run = pump_later;
    p->active = uv_now(&loop->uv);
    p->readable = true; /* a request often comes with the connection */
    if (!keep_first(p, first, first_len)) {
        kp_sock_close(fd);
        return UV_ENOMEM;
    }
    error = kp_stream_open(&p->stream, loop, fd);
    if (error != 0) {
        forget_bytes(p);
        return error;
    }
    (void)uv_timer_init(&loop->uv, &p->timer);
    p->timer.data = p;
    return 0;
}
