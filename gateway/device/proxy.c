/* HTTP of one client to the upstream and back: see proxy.h. */
#include "proxy.h"

#include <stdlib.h>
#include <string.h>

#include "refusal.h"
#include "request_log.h"

#define READS_A_TURN 4
#define CONNECT_MS 5000     /* what the upstream gets to take a connection */
#define AGAIN_MS 20         /* between tries while its queue is full */
#define LAST_WORDS_MS 60000 /* for a client that has only to take the rest, for some of it */
#define GATHER 8192         /* smaller pieces, and those behind one, leave together with others */
#define GATHER_MAX 65536

/* What the client's deadline is for. */
enum { AT_REST, AT_HEAD, AT_CONNECT, AT_QUEUE, AT_UPLOAD, AT_ANSWER, AT_WORK, AT_END, AT_LAST };

struct kp_upstream {
    struct kp_stream stream; /* first */
    struct kp_proxy *proxy;  /* NULL: on its way out */
    struct kp_counters *counters;
    bool connecting;
    bool used;     /* it has carried a request before this one */
    bool readable; /* it may have bytes */
    bool full;     /* it takes no bytes now */
    bool deaf;     /* it takes none any more, and may still have something to say */
    bool ended;    /* its half is over: in a tunnel ours may go on */
};

static struct kp_proxy *of(struct kp_http_exchange *x)
{
    return (struct kp_proxy *)(void *)x; /* its first member */
}

static void move(struct kp_proxy *p);

/* ---- The log ----------------------------------------------------------------------------- */

static void log_answered(struct kp_proxy *p)
{
    struct kp_request_who who = p->hooks->who(p);
    p->logged = true;
    kp_request_log_answered(&who, p);
}

static void log_replied(struct kp_proxy *p, const char *text, size_t len)
{
    struct kp_request_who who = p->hooks->who(p);
    p->logged = true;
    kp_request_log_replied(&who, p, text, len);
}

static void log_cut(struct kp_proxy *p)
{
    struct kp_request_who who = p->hooks->who(p);
    p->logged = true;
    kp_request_log_cut(&who, p);
}

static void log_refused(struct kp_proxy *p, const char *why)
{
    struct kp_request_who who = p->hooks->who(p);
    p->failed = true;
    kp_request_log_refused(&who, why);
}

static void log_failed(struct kp_proxy *p, const char *why, int error)
{
    struct kp_request_who who = p->hooks->who(p);
    p->failed = true;
    kp_request_log_failed(&who, p, why, error);
}

static struct kp_counters *counters_of(struct kp_proxy *p)
{
    struct kp_request_who who = p->hooks->who(p);
    return kp_request_counters(&who);
}

/* ---- Ending and waiting ------------------------------------------------------------------ */

static void end(struct kp_proxy *p, enum kp_proxy_end how)
{
    if (p->over)
        return;
    p->over = true;
    p->x.over = true;
    p->hooks->over(p, how);
}

static void set_phase(struct kp_proxy *p, int phase)
{
    const struct kp_proxy_terms *t = p->terms;
    const struct {
        uint32_t ms;
        bool renews;
    } deadlines[] = {
        [AT_REST] = {t->idle_ms, true},     [AT_HEAD] = {t->head_ms, false},
        [AT_CONNECT] = {CONNECT_MS, false}, [AT_ANSWER] = {t->upstream_ms, true},
        [AT_QUEUE] = {AGAIN_MS, false},     [AT_UPLOAD] = {t->idle_ms, true},
        [AT_WORK] = {t->idle_ms, true},     [AT_END] = {LAST_WORDS_MS, true},
    };
    if (p->over || p->phase == phase || p->phase == AT_LAST)
        return;
    p->phase = (uint8_t)phase;
    p->side->deadline(p->stream, deadlines[phase].ms, deadlines[phase].renews);
}

/* Whose turn it is until the answer begins: the client's while its request isn't whole, unless the
 * upstream doesn't take it. */
static void await_answer(struct kp_proxy *p)
{
    set_phase(p, p->x.taken_whole || p->up.len > 0 ? AT_ANSWER : AT_UPLOAD);
}

/* ---- The upstream's socket --------------------------------------------------------------- */

static void upstream_closed(struct kp_stream *stream)
{
    struct kp_upstream *u = (struct kp_upstream *)(void *)stream;
    kp_counted_less(&u->counters->upstream_connections);
    free(u);
}

static void leave_upstream(struct kp_proxy *p, bool abort)
{
    struct kp_upstream *u = p->upstream;
    if (u == NULL)
        return;
    /* What it didn't take is of its own requests, and must not reach another connection. */
    kp_out_free(&p->up);
    p->x.held = false;
    p->upstream = NULL;
    u->proxy = NULL;
    kp_stream_close(&u->stream, abort);
}

static void set_wants(struct kp_proxy *p)
{
    struct kp_upstream *u = p->upstream;
    unsigned wants = 0;
    if (u == NULL || u->connecting)
        return;
    if (!p->over && !u->ended && !p->stuck)
        wants |= KP_STREAM_READ;
    if (!p->over && u->full)
        wants |= KP_STREAM_WRITE;
    kp_stream_want(&u->stream, wants);
}

/* How many bytes it took; all of them when nobody is there to take any. */
static size_t give(struct kp_upstream *u, const uint8_t *bytes, size_t len)
{
    ssize_t sent;
    if (u->deaf)
        return len;
    sent = kp_stream_write(&u->stream, bytes, len);
    if (sent < 0 && sent != UV_EAGAIN) {
        /* It may still have something to say, as a server that refuses an upload. */
        u->deaf = true;
        return len;
    }
    if (sent == UV_EAGAIN)
        sent = 0;
    u->full = (size_t)sent < len;
    return (size_t)sent;
}

static void flush_up(struct kp_proxy *p)
{
    struct kp_upstream *u = p->upstream;
    if (u != NULL && !u->connecting && !u->full && p->up.len > 0)
        kp_out_shift(&p->up, give(u, (const uint8_t *)p->up.at, p->up.len));
    p->x.held = p->up.len > 0 || (u != NULL && u->connecting);
    if (p->x.tunnels && p->client_ended && u != NULL && !p->x.held && !p->fin_sent) {
        p->fin_sent = true;
        kp_stream_end(&u->stream);
    }
}

static void add(struct kp_proxy *p, struct kp_out *out, const void *data, size_t len)
{
    kp_out_add(out, data, len);
    if (out->failed) {
        log_failed(p, "there isn't enough memory for it", UV_ENOMEM);
        end(p, KP_PROXY_CUT);
    }
}

static void to_upstream(struct kp_http_exchange *x, const void *data, size_t len)
{
    struct kp_proxy *p = of(x);
    struct kp_upstream *u = p->upstream;
    size_t sent = 0;
    if (p->over)
        return;
    if (p->up.len == 0 && len > GATHER && u != NULL && !u->connecting && !u->full)
        sent = give(u, data, len);
    if (sent < len)
        add(p, &p->up, (const uint8_t *)data + sent, len - sent);
}

/* ---- The client's stream ----------------------------------------------------------------- */

/* Whether all has left. */
static bool flush_down(struct kp_proxy *p)
{
    if (p->down.len > 0)
        kp_out_shift(&p->down, p->side->send(p->stream, (const uint8_t *)p->down.at, p->down.len));
    return p->down.len == 0;
}

static void to_client(struct kp_http_exchange *x, const void *data, size_t len)
{
    struct kp_proxy *p = of(x);
    size_t sent = 0;
    if (p->over)
        return;
    if (p->down.len + len > GATHER_MAX)
        (void)flush_down(p);
    if (p->down.len == 0 && len > GATHER)
        sent = p->side->send(p->stream, data, len);
    if (sent < len)
        add(p, &p->down, (const uint8_t *)data + sent, len - sent);
}

static bool client_takes(struct kp_proxy *p)
{
    p->stuck = !flush_down(p) || p->side->blocked(p->stream);
    return !p->stuck;
}

/* When everything was said and has left. */
static void end_if_done(struct kp_proxy *p)
{
    bool last = p->client_ended || p->x.last;
    if (p->over || !(p->x.over || (last && !kp_http_exchange_is_busy(&p->x))) || !client_takes(p))
        return;
    end(p, KP_PROXY_DONE);
}

/* ---- Many at once ------------------------------------------------------------------------ */

static void no_more_at_upstream(struct kp_proxy *p)
{
    if (!p->admitted)
        return;
    p->admitted = false;
    p->hooks->answered(p);
}

/* ---- Replies of our own ------------------------------------------------------------------ */

void kp_proxy_reply(struct kp_proxy *p, const char *text, size_t len)
{
    log_replied(p, text, len);
    no_more_at_upstream(p);
    leave_upstream(p, p->x.forwarded && !p->x.taken_whole);
    kp_out_free(&p->up);
    set_phase(p, AT_END);
    kp_http_exchange_reply(&p->x, text, len);
    move(p);
}

static void refuse(struct kp_proxy *p, unsigned status)
{
    char text[KP_NOTICE_MAX];
    kp_proxy_reply(p, text, kp_refusal(text, status));
}

/* There are too many requests at the upstream: the next one may have more luck. */
static void refuse_for_now(struct kp_proxy *p)
{
    char text[KP_NOTICE_MAX];
    /* Who asks on without reading the answers isn't kept. */
    bool goes_on = kp_http_exchange_can_go_on(&p->x) && p->down.len < GATHER_MAX;
    size_t len = kp_refusal_for_now(text, goes_on);
    if (!goes_on) {
        kp_proxy_reply(p, text, len);
        return;
    }
    log_replied(p, text, len);
    set_phase(p, AT_WORK);
    kp_http_exchange_reply_and_go_on(&p->x, text, len, 503);
}

static void refused(struct kp_http_exchange *x)
{
    struct kp_proxy *p = of(x);
    log_refused(p, x->request.why);
    if (x->answering)
        end(p, KP_PROXY_CUT);
    else
        refuse(p, kp_refusal_of(x->request.problem));
}

static void upstream_failed(struct kp_proxy *p, const char *why, int error)
{
    log_failed(p, why, error);
    if (p->x.answering)
        end(p, KP_PROXY_CUT);
    else
        refuse(p, error == UV_ETIMEDOUT ? 504 : 502);
}

/* ---- Connecting -------------------------------------------------------------------------- */

static bool send_preface(struct kp_proxy *p)
{
    uint8_t preface[KP_PROXY2_MAX];
    size_t len = 0;
    if (!p->hooks->preface(p, preface, &len))
        return false;
    if (len == 0)
        return true;
    /* Into an empty socket: it fits. */
    return kp_stream_write(&p->upstream->stream, preface, len) == (ssize_t)len;
}

static void reached(struct kp_proxy *p)
{
    int error = kp_stream_error(&p->upstream->stream);
    p->upstream->connecting = false;
    if (error == 0 && !send_preface(p))
        error = UV_EPIPE;
    if (error != 0) {
        leave_upstream(p, true);
        upstream_failed(p, "it can't be reached: check that it runs at this address", error);
        return;
    }
    kp_stream_want(&p->upstream->stream, KP_STREAM_READ);
    flush_up(p);
    await_answer(p);
}

static void upstream_ready(struct kp_stream *stream, unsigned events);

/* A unix socket whose queue is full says so at once, where one of TCP lets its clients wait; and
 * without a descriptor somebody who has proved nothing gives way: this client, maybe. */
static bool may_try_again(struct kp_proxy *p, int error)
{
    if (uv_now(&p->loop->uv) - p->began >= CONNECT_MS)
        return false;
    if (error != UV_EAGAIN && !kp_loop_makes_room(p->loop, error))
        return false;
    p->phase = AT_CONNECT; /* so that the time begins anew */
    set_phase(p, AT_QUEUE);
    return true;
}

static void connect_upstream(struct kp_proxy *p)
{
    struct kp_upstream *u = calloc(1, sizeof *u);
    bool done = false;
    int error = UV_ENOMEM;
    if (u != NULL) {
        u->stream.ready = upstream_ready;
        u->stream.closed = upstream_closed;
        error = kp_stream_connect(&u->stream, p->loop, &p->terms->upstream, &done);
    }
    if (error != 0) {
        free(u);
        if (!may_try_again(p, error))
            upstream_failed(p, "it can't be reached: check that it runs at this address", error);
        return;
    }
    u->proxy = p;
    u->counters = counters_of(p);
    kp_counted(&u->counters->upstream_connections);
    u->connecting = true;
    p->upstream = u;
    if (done)
        reached(p);
    else
        set_phase(p, AT_CONNECT);
}

/* On the connection that is there, if it surely can be sent again should that just be ending. */
static void forward(struct kp_proxy *p)
{
    p->x.forwarded = false;
    if (p->upstream != NULL && p->upstream->used && !kp_http_exchange_is_repeatable(&p->x))
        leave_upstream(p, false);
    if (kp_http_exchange_forward(&p->x, &p->onward) != 0) {
        log_failed(p, "the user's name can't be said in a field", UV_EINVAL);
        refuse(p, 500);
        return;
    }
    if (p->upstream == NULL)
        connect_upstream(p);
    else
        await_answer(p);
}

void kp_proxy_pass(struct kp_proxy *p, const struct kp_http_onward *onward)
{
    p->onward = *onward;
    p->admitted = p->hooks->admit(p);
    if (p->admitted)
        forward(p);
    else
        refuse_for_now(p);
}

/* ---- What the exchange says -------------------------------------------------------------- */

static void request(struct kp_http_exchange *x)
{
    struct kp_proxy *p = of(x);
    p->began = uv_now(&p->loop->uv);
    p->logged = p->failed = false;
    p->hooks->request(p);
}

static void broken(struct kp_http_exchange *x, const char *why)
{
    struct kp_proxy *p = of(x);
    bool again = p->upstream != NULL && p->upstream->used && kp_http_exchange_is_repeatable(x);
    leave_upstream(p, true);
    kp_out_free(&p->up);
    if (again)
        forward(p);
    else
        upstream_failed(p, why, UV_EPROTO);
}

static void done(struct kp_http_exchange *x)
{
    struct kp_proxy *p = of(x);
    if (!p->logged)
        log_answered(p);
    no_more_at_upstream(p);
    if (!x->keeps_upstream)
        leave_upstream(p, !x->taken_whole);
    else if (p->upstream != NULL)
        p->upstream->used = true;
    set_phase(p, x->over ? AT_END : AT_REST);
}

static void tunnel(struct kp_http_exchange *x)
{
    struct kp_proxy *p = of(x);
    log_answered(p);
    no_more_at_upstream(p);
    set_phase(p, AT_WORK);
}

static const struct kp_http_exchange_hooks exchange_hooks = {
    .request = request,
    .refused = refused,
    .broken = broken,
    .to_upstream = to_upstream,
    .to_client = to_client,
    .done = done,
    .tunnel = tunnel,
};

/* ---- Upstream to client ------------------------------------------------------------------ */

static void upstream_over(struct kp_proxy *p, int error)
{
    struct kp_upstream *u = p->upstream;
    u->readable = false;
    u->ended = true;
    if (p->x.tunnels) {
        if (error < 0)
            end(p, KP_PROXY_CUT);
        else
            p->x.over = true; /* the client gets the rest, and the end */
        return;
    }
    kp_http_exchange_upstream_ended(&p->x, error == 0);
    if (p->upstream == u)
        leave_upstream(p, false);
}

static void spoke_out_of_turn(struct kp_proxy *p)
{
    if (p->x.asked == NULL || !p->x.answering)
        leave_upstream(p, true);
}

/* One read.  Whether another is worth it. */
static bool carry(struct kp_proxy *p)
{
    struct kp_upstream *u = p->upstream;
    uint8_t *scratch = p->loop->scratch;
    ssize_t got = kp_stream_read(&u->stream, scratch, KP_SCRATCH_LEN);
    if (got == UV_EAGAIN) {
        u->readable = false;
        return false;
    }
    if (got <= 0) {
        upstream_over(p, (int)got);
        return true;
    }
    u->readable = got == KP_SCRATCH_LEN;
    if (!kp_http_exchange_answered(&p->x, scratch, (size_t)got))
        spoke_out_of_turn(p);
    if ((p->phase == AT_ANSWER || p->phase == AT_UPLOAD) && p->x.answering)
        set_phase(p, AT_WORK);
    return p->upstream != NULL && p->upstream->readable;
}

static void move(struct kp_proxy *p)
{
    if (p->moving || p->over)
        return;
    p->moving = true;
    for (unsigned reads = 0; !p->over; reads++) {
        if (!client_takes(p))
            break;
        if (p->upstream == NULL || p->upstream->connecting || !p->upstream->readable ||
            reads >= READS_A_TURN || !carry(p))
            break;
    }
    if (!p->over)
        (void)client_takes(p);
    p->moving = false;
    end_if_done(p);
    set_wants(p);
}

static void go_on(struct kp_proxy *p)
{
    flush_up(p);
    if (p->phase == AT_ANSWER || p->phase == AT_UPLOAD)
        await_answer(p);
    move(p);
    if (p->over || !p->waits || p->x.held)
        return;
    if (!p->x.tunnels && p->x.asked != NULL && p->x.taken_whole)
        return;
    p->waits = false;
    p->side->release(p->stream);
}

static void upstream_ready(struct kp_stream *stream, unsigned events)
{
    struct kp_upstream *u = (struct kp_upstream *)(void *)stream;
    struct kp_proxy *p = u->proxy;
    if (p == NULL)
        return;
    if (u->connecting) {
        reached(p);
        go_on(p);
        return;
    }
    if (events & KP_STREAM_READ)
        u->readable = true;
    if (events & KP_STREAM_WRITE)
        u->full = false;
    go_on(p);
}

/* ---- What happens on the client's stream ------------------------------------------------- */

size_t kp_proxy_data(struct kp_proxy *p, const uint8_t *bytes, size_t len)
{
    size_t used;
    if (p->over)
        return len;
    used = kp_http_exchange_take(&p->x, bytes, len);
    p->waits = used < len;
    if (p->over)
        return used;
    if (p->down.len > 0) /* an answer of our own */
        (void)client_takes(p);
    flush_up(p);
    if (p->phase == AT_REST && p->x.asked == NULL && kp_http_exchange_is_busy(&p->x))
        set_phase(p, AT_HEAD);
    if (p->phase == AT_ANSWER || p->phase == AT_UPLOAD)
        await_answer(p);
    set_wants(p);
    end_if_done(p);
    return used;
}

void kp_proxy_room(struct kp_proxy *p)
{
    go_on(p);
}

void kp_proxy_client_ended(struct kp_proxy *p)
{
    p->client_ended = true;
    if (p->over)
        return;
    if (!kp_http_exchange_client_ended(&p->x)) {
        end(p, KP_PROXY_GONE);
        return;
    }
    flush_up(p);
    end_if_done(p);
}

void kp_proxy_timeout(struct kp_proxy *p)
{
    if (p->over)
        return;
    switch (p->phase) {
    case AT_CONNECT:
        leave_upstream(p, true);
        upstream_failed(p, "it didn't take the connection in time", UV_ETIMEDOUT);
        break;
    case AT_ANSWER:
        leave_upstream(p, true);
        upstream_failed(p, "it didn't answer in time (--upstream-timeout)", UV_ETIMEDOUT);
        break;
    case AT_QUEUE:
        connect_upstream(p);
        go_on(p);
        break;
    case AT_HEAD:
        log_refused(p, "the request's head took too long");
        refuse(p, 408);
        break;
    case AT_END:
    case AT_LAST:
        end(p, KP_PROXY_CUT);
        break;
    default:
        end(p, !p->x.tunnels && (p->stuck || kp_http_exchange_is_busy(&p->x)) ? KP_PROXY_STALLED
                                                                              : KP_PROXY_IDLE);
    }
}

bool kp_proxy_rests(const struct kp_proxy *p)
{
    return !p->over && p->phase == AT_REST && !p->moving && !p->waits && p->down.len == 0 &&
           !kp_http_exchange_is_busy(&p->x);
}

void kp_proxy_wind_up(struct kp_proxy *p, uint32_t ms)
{
    p->x.last = true;
    if (p->over || p->phase == AT_LAST)
        return;
    if (p->x.tunnels) {
        end(p, KP_PROXY_CUT);
    } else if (p->x.asked == NULL && client_takes(p)) {
        end(p, KP_PROXY_DONE); /* with a head that isn't whole, if there is one */
    } else {
        p->phase = AT_LAST;
        p->side->deadline(p->stream, ms, false);
    }
}

/* ---- Life -------------------------------------------------------------------------------- */

void kp_proxy_init(struct kp_proxy *p, struct kp_loop *loop, const struct kp_proxy_terms *terms,
                   const struct kp_side *side, void *stream, const struct kp_proxy_hooks *hooks)
{
    memset(p, 0, sizeof *p);
    kp_http_exchange_init(&p->x, &exchange_hooks);
    p->hooks = hooks;
    p->side = side;
    p->stream = stream;
    p->loop = loop;
    p->terms = terms;
    p->phase = AT_END;
    set_phase(p, AT_REST);
}

void kp_proxy_clear(struct kp_proxy *p, bool abort)
{
    p->over = true;
    p->x.over = true; /* it may be in the middle of taking bytes, which are no more */
    if (p->x.asked != NULL && !p->logged)
        log_cut(p);
    no_more_at_upstream(p);
    leave_upstream(p, abort);
    kp_out_free(&p->up);
    kp_out_free(&p->down);
    kp_http_exchange_clear(&p->x);
}
