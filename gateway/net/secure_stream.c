/* A connection of the engine over a stream: see secure_stream.h. */
#include "secure_stream.h"

#include <stdlib.h>
#include <string.h>

#include "sock.h"

#define READS_A_TURN 16          /* then other connections get theirs */
#define LINGER_MS 2000           /* how long the peer's FIN is waited for */
#define NUDGE_MS 1000            /* what a plain text server gets to show itself */
#define LINGER_BYTES (16u << 20) /* and how much of it is thrown away */

static struct kp_secure *of(struct kp_stream *stream)
{
    return (struct kp_secure *)(void *)stream; /* its first member */
}

/* ---- Ending ------------------------------------------------------------------------------ */

static void over(struct kp_secure *s, int error)
{
    if (s->is_over || s->stage >= KP_AT_LINGER)
        return;
    s->is_over = true;
    s->error = error;
    s->hooks->over(s);
}

static void one_closed(struct kp_secure *s)
{
    if (--s->closing == 0)
        s->hooks->closed(s);
}

static void timer_closed(uv_handle_t *handle)
{
    one_closed(handle->data);
}

static void stream_closed(struct kp_stream *stream)
{
    one_closed(of(stream));
}

static void forget_first(struct kp_secure *s)
{
    free(s->first);
    s->first = NULL;
}

static void cool(struct kp_secure *s)
{
    if (s->warm == 0)
        return;
    s->loop->warm[s->warm - 1] = NULL;
    s->warm = 0;
    kp_conn_keep_warm(s->conn, false);
}

/* It is busy: another one, which has been for longest, makes room. */
static void warm_up(struct kp_secure *s)
{
    struct kp_loop *loop = s->loop;
    unsigned slot = loop->warm_next;
    if (s->warm != 0)
        return;
    loop->warm_next = (slot + 1) % KP_LOOP_WARM;
    if (loop->warm[slot] != NULL)
        cool(loop->warm[slot]);
    loop->warm[slot] = s;
    s->warm = (uint8_t)(slot + 1);
    kp_conn_keep_warm(s->conn, true);
}

void kp_secure_close(struct kp_secure *s, bool abort)
{
    if (s->stage == KP_AT_END)
        return;
    cool(s);
    s->stage = KP_AT_END;
    kp_loop_forget(s->loop, &s->task);
    kp_conn_free(s->conn);
    s->conn = NULL;
    forget_first(s);
    s->closing = 1;
    uv_close((uv_handle_t *)&s->timer, timer_closed);
    if (kp_stream_is_open(&s->stream)) {
        s->closing++;
        kp_stream_close(&s->stream, abort);
    }
}

/* Throws away what the peer still sends, until its FIN: closing with unread bytes would send a
 * reset that overtakes our last ones. */
static void drain(struct kp_secure *s)
{
    while (s->lingered < LINGER_BYTES) {
        ssize_t got = kp_stream_read(&s->stream, s->loop->scratch, KP_SCRATCH_LEN);
        if (got == UV_EAGAIN)
            return;
        if (got <= 0)
            break;
        s->lingered += (uint32_t)got;
    }
    kp_secure_close(s, false);
}

/* ---- Wire out ---------------------------------------------------------------------------- */

static bool wire_waits(const struct kp_secure *s)
{
    return !s->broken && (kp_conn_state(s->conn) & KP_WIRE_OUT) != 0;
}

static void wire_broke(struct kp_secure *s, int error)
{
    s->broken = true;
    s->readable = true; /* what came before the break may say why */
    if (s->net_error == 0)
        s->net_error = error;
}

/* Sends what waits.  Afterwards wire_waits() says whether the socket is full. */
static void flush(struct kp_secure *s)
{
    while (wire_waits(s)) {
        size_t len;
        const uint8_t *out = kp_wire_out(s->conn, &len);
        ssize_t sent = kp_stream_write(&s->stream, out, len);
        if (sent == UV_EAGAIN)
            return;
        if (sent < 0) {
            wire_broke(s, (int)sent);
            return;
        }
        kp_wire_out_done(s->conn, (size_t)sent);
        s->active = uv_now(&s->loop->uv);
    }
    if (s->ending && !s->fin_sent && !s->broken && (s->serves || s->stage == KP_AT_LINGER)) {
        s->fin_sent = true;
        kp_stream_end(&s->stream);
    }
}

/* ---- Wire in ----------------------------------------------------------------------------- */

static void wire_ended(struct kp_secure *s, int error)
{
    s->eof = true;
    s->readable = false;
    if (error < 0 && s->net_error == 0)
        s->net_error = error;
    (void)!kp_wire_in_end(s->conn); /* latched: kp_conn_error() */
    if (error < 0)
        s->broken = true;
}

/* What was read before it began. */
static size_t take_first(struct kp_secure *s, uint8_t *to, size_t room)
{
    size_t left = s->first_len - s->first_at;
    size_t len = room < left ? room : left;
    memcpy(to, s->first + s->first_at, len);
    s->first_at += (uint32_t)len;
    if (len == left)
        forget_first(s);
    return len;
}

static ssize_t read_some(struct kp_secure *s, uint8_t *to, size_t room, bool *more)
{
    ssize_t got;
    *more = true; /* behind those there is the socket */
    if (s->first != NULL)
        return (ssize_t)take_first(s, to, room);
    got = kp_stream_read(&s->stream, to, room);
    *more = got > 0 && (size_t)got == room;
    return got;
}

/* One read.  Whether any byte came. */
static bool receive(struct kp_secure *s)
{
    size_t room;
    uint8_t *to = kp_wire_in_room(s->conn, &room);
    ssize_t got;
    if (room == 0) { /* it wants bytes and has no memory for them: waiting would be turning round */
        over(s, KP_E_MEMORY);
        return false;
    }
    got = read_some(s, to, room, &s->readable);
    if (got <= 0) {
        (void)!kp_wire_in_done(s->conn, 0);
        if (got != UV_EAGAIN)
            wire_ended(s, (int)got);
        return got != UV_EAGAIN;
    }
    s->heard = true;
    s->active = uv_now(&s->loop->uv);
    (void)!kp_wire_in_done(s->conn, (size_t)got); /* latched */
    return true;
}

/* ---- The pump ---------------------------------------------------------------------------- */

static void set_wants(struct kp_secure *s)
{
    unsigned wants = 0;
    if (s->conn == NULL || s->stage == KP_AT_CONNECT)
        return;
    if (s->stage == KP_AT_LINGER)
        wants |= KP_STREAM_READ;
    else if (!s->eof && !s->held && !s->is_over && (kp_conn_state(s->conn) & KP_WIRE_IN))
        wants |= KP_STREAM_READ;
    if (wire_waits(s))
        wants |= KP_STREAM_WRITE;
    kp_stream_want(&s->stream, wants);
}

/* Hands plaintext over.  Whether anything moved. */
static bool deliver(struct kp_secure *s)
{
    size_t len, used;
    const uint8_t *data = kp_app_out(s->conn, &len);
    warm_up(s);
    s->bytes_in += len; /* before the hook, which may be the end and its line in the log */
    used = s->hooks->data(s, data, len);
    s->bytes_in -= len - used;
    if (s->conn == NULL)
        return false;
    if (used > 0)
        kp_app_out_done(s->conn, used);
    s->held = used < len;
    return used > 0;
}

/* A ticket of TLS 1.2 is there at the proof; one of TLS 1.3 comes with what is read later. */
static bool has_new_ticket(struct kp_secure *s)
{
    struct kp_info info;
    if (s->ticketed || s->stage != KP_AT_WORK)
        return false;
    kp_conn_info(s->conn, &info);
    s->ticketed = info.ticket;
    return info.ticket;
}

static void compute(struct kp_task *task)
{
    struct kp_secure *s =
        (struct kp_secure *)(void *)((char *)task - offsetof(struct kp_secure, task));
    if (task->queue == KP_TASK_REFUSED) {
        s->net_error = UV_EBUSY;
        over(s, KP_E_TRUNCATED);
        return;
    }
    if (kp_conn_state(s->conn) & KP_NEED_COMPUTE)
        (void)!kp_conn_compute(s->conn); /* latched */
    kp_secure_pump(s);
}

/* Whoever has shown a ticket has proved the password before; strangers take turns. */
static void compute_later(struct kp_secure *s)
{
    struct kp_info info;
    kp_conn_info(s->conn, &info);
    if (info.resumed || !s->serves || s->stage != KP_AT_HANDSHAKE)
        kp_loop_later(s->loop, &s->task);
    else
        kp_loop_in_turn(s->loop, &s->task);
}

/* What the engine asks for, one thing at a time.  Whether it's worth looking again. */
static bool serve_engine(struct kp_secure *s)
{
    unsigned state = kp_conn_state(s->conn);
    if (state & KP_NEED_CREDENTIAL) {
        int error = s->hooks->credential(s);
        if (s->conn != NULL && error != 0 && kp_conn_error(s->conn) == 0)
            over(s, error);
        return true;
    }
    if (state & KP_NEED_GUESS)
        return s->hooks->guess(s);
    if (state & KP_NEED_COMPUTE) {
        compute_later(s);
        return false;
    }
    if ((state & KP_PROVED) && s->stage == KP_AT_HANDSHAKE) {
        s->stage = KP_AT_WORK;
        (void)has_new_ticket(s);
        s->hooks->proved(s);
        return true;
    }
    if (has_new_ticket(s)) {
        s->hooks->ticket(s);
        return true;
    }
    if ((state & KP_APP_OUT) && s->stage == KP_AT_WORK && !s->held)
        return deliver(s);
    if ((state & KP_PEER_ENDED) && !s->peer_ended) {
        s->peer_ended = true;
        s->hooks->peer_ended(s);
        return true;
    }
    return false;
}

/* Whether it has come to its end. */
static bool ended(struct kp_secure *s)
{
    unsigned state = kp_conn_state(s->conn);
    int error = kp_conn_error(s->conn);
    if (error == 0 && s->broken && !s->readable)
        error = KP_E_TRUNCATED;
    if (s->held && (state & KP_APP_OUT))
        return true; /* what came before the end is handed over first */
    if (error != 0) {
        over(s, error);
        return true;
    }
    if ((state & KP_CLOSED) && !wire_waits(s)) {
        over(s, 0);
        return true;
    }
    return s->is_over;
}

static void turn(struct kp_secure *s)
{
    for (unsigned reads = 0; s->conn != NULL && s->stage < KP_AT_LINGER;) {
        flush(s);
        if (s->room_wanted && !wire_waits(s) && s->stage == KP_AT_WORK) {
            s->room_wanted = false;
            s->hooks->room(s);
            continue;
        }
        if (serve_engine(s))
            continue;
        if (s->conn == NULL || s->stage >= KP_AT_LINGER)
            return;
        if (ended(s))
            return;
        if (!s->readable || s->held || !(kp_conn_state(s->conn) & KP_WIRE_IN) ||
            reads++ >= READS_A_TURN || !receive(s))
            break;
    }
    if (s->conn != NULL && s->stage < KP_AT_LINGER)
        (void)ended(s);
}

static void step(struct kp_secure *s)
{
    if (s->stage < KP_AT_LINGER) {
        turn(s);
    } else if (s->stage == KP_AT_LINGER) {
        flush(s);
        drain(s);
    }
}

void kp_secure_pump(struct kp_secure *s)
{
    if (s->stage == KP_AT_CONNECT || s->stage == KP_AT_END)
        return;
    s->pump_again = true;
    if (s->pumping)
        return;
    s->pumping = true;
    while (s->pump_again && s->conn != NULL) {
        s->pump_again = false;
        step(s);
    }
    s->pumping = false;
    set_wants(s);
}

void kp_secure_pump_later(struct kp_secure *s)
{
    kp_loop_later(s->loop, &s->task);
}

static void connected(struct kp_secure *s)
{
    int error = kp_stream_error(&s->stream);
    if (error != 0) {
        s->net_error = error;
        kp_stream_want(&s->stream, 0);
        over(s, KP_E_TRUNCATED);
        return;
    }
    s->stage = KP_AT_HANDSHAKE;
    kp_secure_pump(s);
}

static void ready(struct kp_stream *stream, unsigned events)
{
    struct kp_secure *s = of(stream);
    if (s->stage == KP_AT_CONNECT) {
        connected(s);
        return;
    }
    if (events & KP_STREAM_READ)
        s->readable = true;
    kp_secure_pump(s);
}

/* ---- Deadlines --------------------------------------------------------------------------- */

static void timer_fired(uv_timer_t *timer);

/* A plain text server, as one for HTTP, may still be waiting for the end of a line: our ClientHello
 * had none.  Its answer tells the person what it is.  Whether there is reason to wait for it. */
static bool nudge(struct kp_secure *s)
{
    static const uint8_t lines[] = "\r\n\r\n";
    if (s->serves || s->nudged || s->heard || s->stage != KP_AT_HANDSHAKE || wire_waits(s))
        return false;
    s->nudged = true;
    (void)kp_stream_write(&s->stream, lines, sizeof lines - 1);
    (void)uv_timer_start(&s->timer, timer_fired, NUDGE_MS, 0);
    return true;
}

static void timer_fired(uv_timer_t *timer)
{
    struct kp_secure *s = timer->data;
    uint64_t idle = uv_now(&s->loop->uv) - (s->renews ? s->active : s->since);
    if (s->stage == KP_AT_LINGER) {
        kp_secure_close(s, false);
    } else if (idle < s->deadline_ms) {
        (void)uv_timer_start(timer, timer_fired, s->deadline_ms - idle, 0);
    } else if (!nudge(s)) {
        s->hooks->timeout(s);
    }
}

void kp_secure_deadline(struct kp_secure *s, uint32_t ms, bool renews)
{
    if (s->stage == KP_AT_END)
        return;
    s->deadline_ms = ms;
    s->renews = renews;
    s->active = s->since = uv_now(&s->loop->uv);
    if (ms == 0)
        (void)uv_timer_stop(&s->timer);
    else if (!uv_is_active((uv_handle_t *)&s->timer) || uv_timer_get_due_in(&s->timer) > ms)
        (void)uv_timer_start(&s->timer, timer_fired, ms, 0);
    /* else it fires earlier, and sees that it isn't time yet: cheaper than to set it each time */
}

/* ---- The owner's side -------------------------------------------------------------------- */

/* It is over, which no hook may be told from where that was found; and nothing else may happen any
 * more that the pump would run for. */
static void find_end(struct kp_secure *s)
{
    s->pump_again = true;
    if (!s->pumping)
        kp_secure_pump_later(s);
}

size_t kp_secure_send(struct kp_secure *s, const uint8_t *data, size_t len)
{
    size_t total = 0;
    while (s->conn != NULL && total < len) {
        bool waited = wire_waits(s);
        size_t used = 0;
        int error = kp_app_in(s->conn, data + total, len - total, &used);
        total += used;
        flush(s);
        if (error != 0 || s->broken) {
            total = len; /* else the owner would wait for room, or try again without end */
            find_end(s);
        } else if (wire_waits(s) || (used == 0 && !waited)) {
            break; /* the engine takes nothing beside what waits; that may just have left */
        }
    }
    s->bytes_out += total;
    s->room_wanted = total < len;
    if (!s->pumping)
        set_wants(s);
    return total;
}

bool kp_secure_blocked(struct kp_secure *s)
{
    bool blocked = s->conn == NULL || wire_waits(s);
    if (blocked)
        s->room_wanted = true;
    return blocked;
}

void kp_secure_end(struct kp_secure *s)
{
    if (s->conn == NULL || s->ending)
        return;
    s->ending = true;
    (void)!kp_app_in_end(s->conn);
    kp_secure_pump(s);
}

void kp_secure_release(struct kp_secure *s)
{
    s->held = false;
    kp_secure_pump(s);
}

void kp_secure_say_plain(struct kp_secure *s, const char *text)
{
    (void)kp_stream_write(&s->stream, (const uint8_t *)text, strlen(text));
    s->broken = true; /* nothing of the engine's may follow */
    kp_stream_end(&s->stream);
}

void kp_secure_finish(struct kp_secure *s)
{
    if (s->stage >= KP_AT_LINGER)
        return;
    if (s->stage == KP_AT_CONNECT || s->net_error != 0) {
        kp_secure_close(s, false);
        return;
    }
    s->stage = KP_AT_LINGER;
    kp_loop_forget(s->loop, &s->task);
    s->ending = true;
    (void)uv_timer_start(&s->timer, timer_fired, LINGER_MS, 0);
    kp_secure_pump(s);
}

static void prepare(struct kp_secure *s, struct kp_loop *loop, const struct kp_secure_hooks *hooks)
{
    memset(s, 0, sizeof *s);
    s->loop = loop;
    s->hooks = hooks;
    s->stream.ready = ready;
    s->stream.closed = stream_closed;
    s->stream.fd = -1;
    s->task.run = compute;
    s->active = uv_now(&loop->uv);
}

/* The last step of both openers, when nothing can fail any more. */
static void start(struct kp_secure *s, struct kp_conn *conn, enum kp_secure_stage stage)
{
    s->conn = conn;
    s->stage = (uint8_t)stage;
    (void)uv_timer_init(&s->loop->uv, &s->timer);
    s->timer.data = s;
}

/* Whether there is memory for it. */
static bool keep_first(struct kp_secure *s, const uint8_t *first, size_t len)
{
    if (len == 0)
        return true;
    s->first = malloc(len);
    if (s->first == NULL)
        return false;
    memcpy(s->first, first, len);
    s->first_len = (uint32_t)len;
    return true;
}

int kp_secure_accept(struct kp_secure *s, struct kp_loop *loop, int fd, struct kp_context *context,
                     const uint8_t *first, size_t first_len, const struct kp_secure_hooks *hooks)
{
    struct kp_conn *conn = NULL;
    int error;
    prepare(s, loop, hooks);
    if (!keep_first(s, first, first_len) || kp_conn_new(&conn, context, kp_loop_seconds()) != 0) {
        forget_first(s);
        kp_sock_close(fd);
        return UV_ENOMEM;
    }
    error = kp_stream_open(&s->stream, loop, fd);
    if (error != 0) {
        forget_first(s);
        kp_conn_free(conn);
        return error;
    }
    start(s, conn, KP_AT_HANDSHAKE);
    s->serves = true;
    s->ticketed = true;
    s->readable = true; /* a ClientHello often comes with the connection */
    return 0;
}

int kp_secure_dial(struct kp_secure *s, struct kp_loop *loop, const struct kp_address *address,
                   struct kp_context *context, const struct kp_secure_offer *offer,
                   const struct kp_secure_hooks *hooks)
{
    struct kp_conn *conn = NULL;
    bool done = false;
    int error;
    prepare(s, loop, hooks);
    error = kp_conn_new(&conn, context, kp_loop_seconds());
    if (error == 0)
        error = kp_conn_connect(conn, offer->login, offer->session, offer->server_name);
    if (error != 0) /* nothing else can fail there */
        error = error == KP_E_TICKET_REFUSED ? -ESTALE : UV_ENOMEM;
    else
        error = kp_stream_connect(&s->stream, loop, address, &done);
    if (error != 0) {
        kp_conn_free(conn);
        return error;
    }
    start(s, conn, KP_AT_CONNECT);
    s->ticketed = hooks->ticket == NULL;
    kp_stream_want(&s->stream, KP_STREAM_WRITE);
    return 0;
}
