/* Asks an address what it is: see probe.h. */
#include "probe.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESSES 8

struct kp_probe {
    struct kp_stream stream; /* first */
    uv_timer_t timer;
    uv_getaddrinfo_t lookup;
    struct kp_loop *loop;
    struct kp_probe **slot; /* NULL: done was called, or nobody wants to know any more */
    kp_probe_fn *done;
    void *owner;
    struct kp_host host;
    struct kp_address addresses[ADDRESSES];
    size_t address_count, at; /* the one that is tried */
    uint64_t late;            /* uv_now from when on nothing more is asked */
    struct kp_probe_answer answers[KP_PROBE_STEPS];
    enum kp_probe_step step;
    struct kp_trouble trouble; /* of the last connection that told nothing */
    int unreached;             /* uv error: the connection that closes didn't come about */
    size_t sent, hello_len, answer_len;
    uint8_t hello[KP_PROBE_HELLO_MAX];
    uint8_t answer[KP_PROBE_ANSWER_MAX];
    bool looking, open, connected;
    bool reached; /* a connection came about */
    bool timer_open;
};

static struct kp_probe *of(struct kp_stream *stream)
{
    return (struct kp_probe *)(void *)stream; /* its first member */
}

/* ---- The end ----------------------------------------------------------------------------- */

static void free_when_closed(struct kp_probe *p)
{
    if (!p->open && !p->timer_open && !p->looking)
        free(p);
}

static void timer_closed(uv_handle_t *timer)
{
    struct kp_probe *p = timer->data;
    p->timer_open = false;
    free_when_closed(p);
}

void kp_probe_stop(struct kp_probe *p)
{
    if (p == NULL)
        return;
    *p->slot = NULL;
    p->slot = NULL;
    uv_close((uv_handle_t *)&p->timer, timer_closed);
    if (p->looking)
        (void)uv_cancel((uv_req_t *)&p->lookup); /* found() comes all the same */
    if (kp_stream_is_open(&p->stream))
        kp_stream_close(&p->stream, false);
}

static void tell(struct kp_probe *p)
{
    const struct kp_probe_verdict verdict = kp_probe_judge(p->answers);
    kp_probe_fn *done = p->done;
    void *owner = p->owner;
    const struct kp_trouble trouble = p->trouble;
    kp_probe_stop(p);
    done(owner, &verdict, &trouble);
}

/* ---- One connection ---------------------------------------------------------------------- */

/* Of the one that is open: what comes of it is closed()'s. */
static void settle(struct kp_probe *p, struct kp_probe_answer answer, int unreached)
{
    p->answers[p->step] = answer;
    p->unreached = unreached;
    (void)uv_timer_stop(&p->timer);
    kp_stream_close(&p->stream, false);
}

static void settle_nothing(struct kp_probe *p, int net_error)
{
    p->trouble = (struct kp_trouble){
        .stage = KP_AT_HANDSHAKE, .error = KP_E_TRUNCATED, .net_error = net_error};
    settle(p, (struct kp_probe_answer){.kind = KP_PROBE_NOTHING}, 0);
}

static void timer_fired(uv_timer_t *timer)
{
    struct kp_probe *p = timer->data;
    if (p->looking)
        tell(p);
    else if (p->connected)
        settle_nothing(p, UV_ETIMEDOUT);
    else
        settle(p, (struct kp_probe_answer){.kind = KP_PROBE_UNASKED}, UV_ETIMEDOUT);
}

static void send_hello(struct kp_probe *p)
{
    ssize_t sent = kp_stream_write(&p->stream, p->hello + p->sent, p->hello_len - p->sent);
    if (sent > 0)
        p->sent += (size_t)sent;
    /* What is broken is met by reading: who hangs up may have said why. */
    if (p->sent == p->hello_len || (sent < 0 && sent != UV_EAGAIN))
        kp_stream_want(&p->stream, KP_STREAM_READ);
    else
        kp_stream_want(&p->stream, KP_STREAM_READ | KP_STREAM_WRITE);
}

static void take_answer(struct kp_probe *p)
{
    ssize_t got =
        kp_stream_read(&p->stream, p->answer + p->answer_len, sizeof p->answer - p->answer_len);
    struct kp_probe_answer answer;
    if (got == UV_EAGAIN)
        return;
    if (got <= 0) {
        settle_nothing(p, 0);
        return;
    }
    p->answer_len += (size_t)got;
    answer = kp_probe_read(p->answer, p->answer_len);
    if (answer.kind != KP_PROBE_MORE)
        settle(p, answer, 0);
}

static void ready(struct kp_stream *stream, unsigned events)
{
    struct kp_probe *p = of(stream);
    int error = p->connected ? 0 : kp_stream_error(stream);
    if (error != 0) {
        settle(p, (struct kp_probe_answer){.kind = KP_PROBE_UNASKED}, error);
        return;
    }
    p->connected = p->reached = true;
    if ((events & KP_STREAM_WRITE) != 0 && p->sent < p->hello_len)
        send_hello(p);
    if ((events & KP_STREAM_READ) != 0)
        take_answer(p);
}

/* 0 or a negative uv error. */
static int make_hello(struct kp_probe *p)
{
    uint8_t random[KP_PROBE_RANDOM_LEN];
    struct kp_builder b;
    int error = uv_random(NULL, NULL, random, sizeof random, 0, NULL);
    if (error != 0)
        return error;
    kp_builder_init(&b, p->hello, sizeof p->hello);
    kp_probe_hello(&b, p->step, random, kp_host_is_numeric(&p->host) ? NULL : p->host.name);
    p->hello_len = b.len;
    p->sent = p->answer_len = 0;
    return 0;
}

static int dial(struct kp_probe *p)
{
    bool done = false;
    uint64_t now = uv_now(&p->loop->uv);
    uint64_t left = p->late - now;
    int error = make_hello(p);
    p->connected = false;
    if (error == 0)
        error = kp_stream_connect(&p->stream, p->loop, &p->addresses[p->at], &done);
    if (error != 0)
        return error;
    p->open = true;
    kp_stream_want(&p->stream, KP_STREAM_WRITE);
    return uv_timer_start(&p->timer, timer_fired, left < KP_PROBE_STEP_MS ? left : KP_PROBE_STEP_MS,
                          0);
}

/* ---- One after the other ----------------------------------------------------------------- */

static bool is_late(const struct kp_probe *p)
{
    return uv_now(&p->loop->uv) >= p->late;
}

/* A connection didn't come about: the next address is tried, but not once one was reached. */
static void note_unreached(struct kp_probe *p, int error)
{
    p->trouble =
        (struct kp_trouble){.stage = KP_AT_CONNECT, .error = KP_E_TRUNCATED, .net_error = error};
    if (p->reached)
        p->answers[p->step].kind = KP_PROBE_NOTHING;
    else
        p->at++;
}

/* error: of the connection that was tried last, or 0. */
static void go_on(struct kp_probe *p, int error)
{
    do {
        if (error != 0)
            note_unreached(p, error);
        p->step = kp_probe_next(p->answers);
        if (p->step == KP_PROBE_STEPS || p->at == p->address_count || is_late(p)) {
            tell(p);
            return;
        }
        error = dial(p);
    } while (error != 0);
}

static void closed(struct kp_stream *stream)
{
    struct kp_probe *p = of(stream);
    p->open = false;
    if (p->slot == NULL)
        free_when_closed(p);
    else
        go_on(p, p->unreached);
}

static void keep_addresses(struct kp_probe *p, const struct addrinfo *list)
{
    for (const struct addrinfo *a = list; a != NULL && p->address_count < ADDRESSES;
         a = a->ai_next) {
        struct kp_address *address = &p->addresses[p->address_count++];
        memcpy(&address->where, a->ai_addr, a->ai_addrlen);
        address->len = a->ai_addrlen;
    }
}

static void found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *list)
{
    struct kp_probe *p = lookup->data;
    p->looking = false;
    if (p->slot != NULL)
        keep_addresses(p, list);
    uv_freeaddrinfo(list);
    if (p->slot == NULL) {
        free_when_closed(p);
    } else if (p->address_count == 0) {
        p->trouble.net_error = status;
        tell(p);
    } else {
        p->trouble = (struct kp_trouble){
            .stage = KP_AT_CONNECT, .error = KP_E_TRUNCATED, .net_error = UV_ETIMEDOUT};
        go_on(p, 0);
    }
}

/* ---- Life -------------------------------------------------------------------------------- */

static int look_up(struct kp_probe *p)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    if (kp_host_is_numeric(&p->host))
        hints.ai_flags |= AI_NUMERICHOST;
    p->lookup.data = p;
    p->trouble = (struct kp_trouble){.unresolved = true, .error = KP_E_TRUNCATED};
    return uv_getaddrinfo(&p->loop->uv, &p->lookup, found, p->host.name, p->host.port, &hints);
}

int kp_probe_start(struct kp_probe **slot, struct kp_loop *loop, const struct kp_host *host,
                   kp_probe_fn *done, void *owner)
{
    struct kp_probe *p = calloc(1, sizeof *p);
    int error = UV_ENOMEM;
    *slot = NULL;
    if (p != NULL) {
        p->loop = loop;
        p->host = *host;
        error = look_up(p);
    }
    if (error != 0) {
        free(p);
        return error;
    }
    p->stream = (struct kp_stream){.ready = ready, .closed = closed, .fd = -1};
    p->slot = slot;
    p->done = done;
    p->owner = owner;
    p->looking = p->timer_open = true;
    (void)uv_timer_init(&loop->uv, &p->timer);
    p->timer.data = p;
    p->late = uv_now(&loop->uv) + KP_PROBE_MS;
    *slot = p;
    return uv_timer_start(&p->timer, timer_fired, KP_PROBE_MS, 0);
}
