/* One connection of a browser: see visitor.h. */
#include "visitor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../http/exchange.h"
#include "../net/plain.h"
#include "../net/sock.h"
#include "carrier.h"
#include "reception.h"

#define GATHER 8192 /* smaller pieces, and those behind one, leave together with others */
#define GATHER_MAX 65536

/* What the browser's deadline is for. */
enum { AT_REST, AT_HEAD, AT_PROOF, AT_UPLOAD, AT_ANSWER, AT_WORK, AT_END };

static const struct {
    uint32_t ms; /* 0: none */
    bool renews;
} deadlines[] = {
    [AT_REST] = {300000, true}, /* of nothing */
    [AT_HEAD] = {15000, false}, /* for a head once it has begun */
    [AT_PROOF] = {0, false},    /* the device's own rules */
    [AT_UPLOAD] = {120000, true}, [AT_ANSWER] = {180000, true},
    [AT_WORK] = {0, false},   /* an answer that flows, or a tunnel */
    [AT_END] = {60000, true}, /* to take the rest */
};

struct kp_visitor {
    struct kp_http_exchange x; /* first */
    struct kp_plain plain;
    struct kp_site_use use;     /* of the site whose device the carrier leads to */
    struct kp_site *site;       /* of it; NULL: it uses none */
    struct kp_carrier *carrier; /* NULL: none */
    struct kp_face *face;
    struct kp_visitor *next;
    struct kp_visitor **at;
    struct kp_out up, down; /* what the carrier and the browser couldn't take yet */
    enum kp_peer peer;
    uint8_t phase;
    bool waits;   /* bytes of the browser wait for their turn */
    bool waiting; /* for a proof: counted in site->waiting */
    bool marks;   /* the answer gives the browser its cookie */
    bool stuck;   /* the browser takes no bytes now */
    bool freed;   /* and then did: the carrier is to be told */
    bool client_ended, closing, ending;
};

static struct kp_visitor *of(struct kp_http_exchange *x)
{
    return (struct kp_visitor *)(void *)x; /* its first member */
}

static struct kp_visitor *of_plain(struct kp_plain *plain)
{
    return (struct kp_visitor *)(void *)((char *)plain - offsetof(struct kp_visitor, plain));
}

static struct kp_visitor *of_use(struct kp_site_use *use)
{
    return (struct kp_visitor *)(void *)((char *)use - offsetof(struct kp_visitor, use));
}

static void set_phase(struct kp_visitor *v, int phase)
{
    if (v->closing || v->phase == phase)
        return;
    v->phase = (uint8_t)phase;
    kp_plain_deadline(&v->plain, deadlines[phase].ms, deadlines[phase].renews);
}

static bool awaits_answer(const struct kp_visitor *v)
{
    return v->phase == AT_UPLOAD || v->phase == AT_ANSWER;
}

/* Whose turn it is until the answer begins. */
static void await_answer(struct kp_visitor *v)
{
    if (v->x.tunnels)
        set_phase(v, AT_WORK);
    else
        set_phase(v, v->x.taken_whole || v->up.len > 0 ? AT_ANSWER : AT_UPLOAD);
}

/* ---- The carrier ------------------------------------------------------------------------- */

static void waits_no_more(struct kp_visitor *v)
{
    if (v->waiting)
        v->site->waiting--;
    v->waiting = false;
}

/* What it didn't take is of its own requests, and must not reach another one. */
static void leave_carrier(struct kp_visitor *v, bool abort)
{
    struct kp_carrier *carrier = v->carrier;
    v->carrier = NULL;
    kp_out_free(&v->up);
    v->x.held = false;
    waits_no_more(v);
    kp_site_unuse(&v->use);
    v->site = NULL;
    kp_carrier_leave(carrier, abort);
}

static bool is_ready(const struct kp_visitor *v)
{
    return v->carrier != NULL && v->carrier->proved;
}

static void flush_up(struct kp_visitor *v)
{
    if (is_ready(v) && v->up.len > 0)
        kp_out_shift(&v->up, kp_carrier_send(v->carrier, (const uint8_t *)v->up.at, v->up.len));
    v->x.held = v->up.len > 0 || (v->carrier != NULL && !v->carrier->proved);
    if (v->x.tunnels && v->client_ended && is_ready(v) && !v->x.held)
        kp_carrier_end(v->carrier);
}

/* Without memory for what goes on.  Looked at when no parser reads bytes that closing would free.
 */
static bool is_out_of_memory(const struct kp_visitor *v)
{
    return v->up.failed || v->down.failed;
}

static void to_upstream(struct kp_http_exchange *x, const void *data, size_t len)
{
    struct kp_visitor *v = of(x);
    size_t sent = 0;
    if (v->closing || v->up.failed)
        return;
    if (v->up.len == 0 && len > GATHER && is_ready(v))
        sent = kp_carrier_send(v->carrier, data, len);
    if (sent < len)
        kp_out_add(&v->up, (const uint8_t *)data + sent, len - sent);
}

/* ---- The browser ------------------------------------------------------------------------- */

static bool flush_down(struct kp_visitor *v)
{
    if (v->down.len > 0)
        kp_out_shift(&v->down, kp_plain_send(&v->plain, (const uint8_t *)v->down.at, v->down.len));
    return v->down.len == 0;
}

static void to_client(struct kp_http_exchange *x, const void *data, size_t len)
{
    struct kp_visitor *v = of(x);
    size_t sent = 0;
    if (v->closing || v->down.failed)
        return;
    if (v->down.len + len > GATHER_MAX)
        (void)flush_down(v);
    if (v->down.len == 0 && len > GATHER)
        sent = kp_plain_send(&v->plain, data, len);
    if (sent < len)
        kp_out_add(&v->down, (const uint8_t *)data + sent, len - sent);
}

static bool client_takes(struct kp_visitor *v)
{
    bool was = v->stuck;
    v->stuck = !flush_down(v) || kp_plain_blocked(&v->plain);
    v->freed = (v->freed || was) && !v->stuck;
    return !v->stuck;
}

/* ---- The end ----------------------------------------------------------------------------- */

static void close_all(struct kp_visitor *v, bool abort)
{
    if (v->closing)
        return;
    v->closing = true;
    v->x.over = true;
    leave_carrier(v, abort);
    kp_plain_close(&v->plain, abort);
}

/* When everything was said and has left. */
static void end_if_done(struct kp_visitor *v)
{
    bool last = v->client_ended || v->x.last;
    if (v->closing || v->ending)
        return;
    if (!(v->x.over || (last && !v->x.tunnels && !kp_http_exchange_is_busy(&v->x))) ||
        !client_takes(v))
        return;
    v->ending = true;
    leave_carrier(v, false);
    kp_plain_finish(&v->plain);
}

/* ---- Answers of our own ------------------------------------------------------------------ */

static bool closes_after(const struct kp_visitor *v)
{
    return !kp_http_exchange_can_go_on(&v->x) || v->down.len >= GATHER_MAX;
}

static void reply(struct kp_visitor *v, struct kp_out *page, unsigned status, bool closes)
{
    if (page->failed) {
        close_all(v, true);
    } else if (closes) {
        if (v->carrier != NULL)
            leave_carrier(v, v->x.forwarded && !v->x.taken_whole);
        set_phase(v, AT_END);
        kp_http_exchange_reply(&v->x, page->at, page->len);
    } else {
        set_phase(v, AT_WORK);
        kp_http_exchange_reply_and_go_on(&v->x, page->at, page->len, status);
    }
    kp_out_free(page);
}

static struct kp_page page_of(const struct kp_visitor *v)
{
    return (struct kp_page){
        .language = kp_receive_language(v->face->hub, v->x.asked),
        .name = v->site != NULL ? v->site->name : NULL,
        .closes = true,
    };
}

/* An answer that has begun can't be made good any more: it is cut, so that nobody takes it for the
 * whole. */
static void reply_kind(struct kp_visitor *v, enum kp_page_kind kind)
{
    const struct kp_page page = page_of(v);
    struct kp_out out = {0};
    if (v->x.answering) {
        close_all(v, true);
        return;
    }
    reply(v, &out, kp_page_of(&out, &page, kind), true);
}

static void reply_trouble(struct kp_visitor *v, const struct kp_trouble *trouble)
{
    const struct kp_page page = page_of(v);
    struct kp_out out = {0};
    if (v->x.answering) {
        close_all(v, true);
        return;
    }
    reply(v, &out, kp_page_of_trouble(&out, &page, trouble, v->site->where), true);
}

/* ---- What comes from the device ---------------------------------------------------------- */

static void go_on(struct kp_visitor *v);
static void forward(struct kp_visitor *v, struct kp_site *site);

static void proved(void *owner)
{
    struct kp_visitor *v = owner;
    waits_no_more(v);
    await_answer(v);
    go_on(v);
}

static void failed(void *owner, const struct kp_trouble *trouble)
{
    struct kp_visitor *v = owner;
    v->carrier = NULL;
    reply_trouble(v, trouble);
    leave_carrier(v, false);
    go_on(v);
}

static size_t carried(void *owner, const uint8_t *data, size_t len)
{
    struct kp_visitor *v = owner;
    struct kp_carrier *carrier = v->carrier;
    if (v->stuck)
        return 0;
    if (!kp_http_exchange_answered(&v->x, data, len) && v->carrier == carrier)
        leave_carrier(v, true); /* it spoke out of turn */
    if (awaits_answer(v) && v->x.answering)
        set_phase(v, AT_WORK);
    if (!v->closing)
        (void)client_takes(v);
    go_on(v);
    return len;
}

static void room(void *owner)
{
    go_on(owner);
}

/* The browser gets the rest, and the end. */
static void end_tunnel(struct kp_visitor *v)
{
    v->x.over = true;
    set_phase(v, AT_END);
}

static void device_ended(struct kp_visitor *v, bool in_order)
{
    struct kp_carrier *carrier = v->carrier;
    if (v->x.tunnels && in_order)
        end_tunnel(v);
    else if (v->x.tunnels)
        close_all(v, true);
    else
        kp_http_exchange_upstream_ended(&v->x, in_order);
    if (v->carrier == carrier && !v->closing && !v->x.over)
        leave_carrier(v, false);
    go_on(v);
}

static void peer_ended(void *owner)
{
    device_ended(owner, true);
}

static void carrier_over(void *owner, bool in_order, const struct kp_trouble *trouble)
{
    struct kp_visitor *v = owner;
    struct kp_carrier *carrier = v->carrier;
    (void)trouble;
    device_ended(v, in_order);
    if (v->carrier == carrier && !v->closing)
        leave_carrier(v, false);
}

static void never(void *owner)
{
    (void)owner; /* no deadline is set */
}

static const struct kp_carrier_hooks carrier_hooks = {
    .proved = proved,
    .failed = failed,
    .data = carried,
    .room = room,
    .peer_ended = peer_ended,
    .over = carrier_over,
    .timeout = never,
};

/* ---- Requests ---------------------------------------------------------------------------- */

static void start_carrier(struct kp_visitor *v, struct kp_site *site)
{
    if (site->waiting >= KP_FACE_WAITING) {
        reply_kind(v, KP_PAGE_FULL);
        return;
    }
    v->site = site;
    kp_site_use(site, &v->use);
    site->waiting++;
    v->waiting = true; /* x.held follows when what is here of the request was taken: its end too */
    set_phase(v, AT_PROOF);
    kp_carrier_start(&v->carrier, &site->stay->device, &carrier_hooks, v);
}

/* On the connection that is there, if the request surely can be sent again should that just be
 * ending. */
static void forward(struct kp_visitor *v, struct kp_site *site)
{
    struct kp_out head = {0};
    v->x.forwarded = false;
    if (v->carrier != NULL &&
        (v->site != site || (v->carrier->used && !kp_http_exchange_is_repeatable(&v->x))))
        leave_carrier(v, false);
    kp_rewrite_request(&head, v->x.asked, &site->names, &site->jar, (uint64_t)time(NULL));
    if (kp_http_exchange_forward_as(&v->x, &head) != 0)
        close_all(v, true);
    else if (v->carrier == NULL)
        start_carrier(v, site);
    else
        await_answer(v);
    kp_out_free(&head);
}

static void request(struct kp_http_exchange *x)
{
    struct kp_visitor *v = of(x);
    struct kp_received received;
    bool closes = closes_after(v);
    kp_receive(v->face->hub, x->asked, v->peer, closes, &received);
    v->marks = received.mark;
    if (v->closing) /* it logged itself out, for one */
        kp_out_free(&received.answer);
    else if (received.site == NULL)
        reply(v, &received.answer, received.status, closes);
    else
        forward(v, received.site);
}

static void refused(struct kp_http_exchange *x)
{
    struct kp_visitor *v = of(x);
    const struct kp_page page = page_of(v);
    struct kp_out out = {0};
    if (x->answering || v->peer != KP_PEER_PERSON) {
        close_all(v, true);
        return;
    }
    reply(v, &out, kp_page_of_problem(&out, &page, (enum kp_http_problem)x->request.problem), true);
}

static void broken(struct kp_http_exchange *x, const char *why)
{
    struct kp_visitor *v = of(x);
    struct kp_site *site = v->site;
    bool again = v->carrier != NULL && v->carrier->used && kp_http_exchange_is_repeatable(x);
    (void)why;
    if (!again || site == NULL) {
        reply_kind(v, KP_PAGE_BAD_ANSWER);
        return;
    }
    leave_carrier(v, true);
    forward(v, site);
}

static void done(struct kp_http_exchange *x)
{
    struct kp_visitor *v = of(x);
    if (!x->keeps_upstream)
        leave_carrier(v, !x->taken_whole);
    else if (v->carrier != NULL)
        v->carrier->used = true;
    set_phase(v, x->over ? AT_END : AT_REST);
}

static void tunnel(struct kp_http_exchange *x)
{
    set_phase(of(x), AT_WORK);
}

static void write_answer(struct kp_http_exchange *x, struct kp_out *out,
                         const struct kp_http_head *head)
{
    struct kp_visitor *v = of(x);
    char mark[KP_SITE_MARK_LEN];
    const struct kp_rewrite_back back = {
        .names = &v->site->names,
        .jar = &v->site->jar,
        .asked = x->asked,
        .now = (uint64_t)time(NULL),
        .mark = v->marks ? mark : NULL,
        .clears = v->marks && v->site->inherits,
    };
    kp_site_mark(&v->site->pass, mark);
    kp_rewrite_response(out, head, &x->back, &back);
    explicit_bzero(mark, sizeof mark);
}

static const struct kp_http_exchange_hooks exchange_hooks = {
    .request = request,
    .refused = refused,
    .broken = broken,
    .to_upstream = to_upstream,
    .to_client = to_client,
    .done = done,
    .tunnel = tunnel,
    .write_answer = write_answer,
};

/* ---- The browser's stream ---------------------------------------------------------------- */

static void let_flow(struct kp_visitor *v)
{
    bool freed = v->freed;
    v->freed = false;
    if (freed && !v->closing && is_ready(v))
        kp_carrier_release(v->carrier);
}

/* After anything: what can leave leaves, and what waits comes. */
static void go_on(struct kp_visitor *v)
{
    if (is_out_of_memory(v))
        close_all(v, true);
    if (v->closing)
        return;
    flush_up(v);
    if (awaits_answer(v))
        await_answer(v);
    if (v->down.len > 0)
        (void)client_takes(v);
    end_if_done(v);
    let_flow(v);
    if (v->closing || v->ending || !v->waits || v->x.held)
        return;
    if (!v->x.tunnels && v->x.asked != NULL && v->x.taken_whole)
        return;
    v->waits = false;
    kp_plain_release(&v->plain);
}

static size_t data(struct kp_plain *plain, const uint8_t *bytes, size_t len)
{
    struct kp_visitor *v = of_plain(plain);
    size_t used;
    if (v->closing || v->ending)
        return len;
    used = kp_http_exchange_take(&v->x, bytes, len);
    if (is_out_of_memory(v))
        close_all(v, true);
    if (v->closing)
        return len;
    v->waits = used < len;
    flush_up(v);
    if (v->down.len > 0)
        (void)client_takes(v);
    if (v->phase == AT_REST && v->x.asked == NULL && kp_http_exchange_is_busy(&v->x))
        set_phase(v, AT_HEAD);
    if (awaits_answer(v))
        await_answer(v);
    end_if_done(v);
    let_flow(v);
    return used;
}

static void plain_room(struct kp_plain *plain)
{
    struct kp_visitor *v = of_plain(plain);
    if (v->closing)
        return;
    (void)client_takes(v);
    go_on(v);
}

static void client_ended(struct kp_plain *plain)
{
    struct kp_visitor *v = of_plain(plain);
    v->client_ended = true;
    if (v->closing)
        return;
    if (!kp_http_exchange_client_ended(&v->x))
        close_all(v, true);
    else
        go_on(v);
}

static void plain_over(struct kp_plain *plain)
{
    struct kp_visitor *v = of_plain(plain);
    close_all(v, plain->net_error != 0);
}

static void timeout(struct kp_plain *plain)
{
    struct kp_visitor *v = of_plain(plain);
    if (v->phase == AT_ANSWER && !v->x.answering)
        reply_kind(v, KP_PAGE_LATE);
    else
        close_all(v, v->phase != AT_REST);
    go_on(v);
}

static void closed(struct kp_plain *plain)
{
    struct kp_visitor *v = of_plain(plain);
    v->closing = true;
    leave_carrier(v, false);
    *v->at = v->next;
    if (v->next != NULL)
        v->next->at = v->at;
    v->face->count--;
    v->face->strangers -= v->peer != KP_PEER_PERSON;
    kp_out_free(&v->down);
    kp_http_exchange_clear(&v->x);
    free(v);
}

static const struct kp_plain_hooks plain_hooks = {
    .data = data,
    .room = plain_room,
    .peer_ended = client_ended,
    .over = plain_over,
    .timeout = timeout,
    .closed = closed,
};

/* ---- Life -------------------------------------------------------------------------------- */

/* The stay that it uses ends. */
static void cut(struct kp_site_use *use)
{
    struct kp_visitor *v = of_use(use);
    close_all(v, v->x.tunnels || kp_http_exchange_is_busy(&v->x));
}

static bool is_last_descriptor(int fd)
{
    int another = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (another >= 0)
        (void)close(another);
    return another < 0;
}

/* To see whose it is takes another descriptor. */
static enum kp_peer peer_of(const struct kp_face *face, int fd)
{
    enum kp_peer peer = kp_platform_peer(fd);
    if (peer == KP_PEER_UNKNOWN && is_last_descriptor(fd) && kp_visitor_give_way(face))
        peer = kp_platform_peer(fd);
    return peer;
}

void kp_visitor_begin(struct kp_face *face, int fd)
{
    enum kp_peer peer = peer_of(face, fd);
    struct kp_visitor *v = calloc(1, sizeof *v);
    bool strange = peer != KP_PEER_PERSON;
    if (v == NULL || (strange && face->strangers >= KP_FACE_STRANGERS)) {
        kp_sock_close(fd);
        free(v);
        return;
    }
    if (kp_plain_accept(&v->plain, face->loop, fd, NULL, 0, &plain_hooks) != 0) {
        free(v);
        return;
    }
    kp_http_exchange_init(&v->x, &exchange_hooks);
    v->x.reuses_after_body = true; /* as kp_rewrite_request writes heads */
    v->face = face;
    v->peer = peer;
    v->use.cut = cut;
    v->next = face->visitors;
    v->at = &face->visitors;
    if (v->next != NULL)
        v->next->at = &v->next;
    face->visitors = v;
    face->count++;
    face->strangers += strange;
    v->phase = AT_END;
    set_phase(v, AT_REST);
    kp_plain_pump(&v->plain);
}

void kp_visitor_stop(struct kp_visitor *v)
{
    cut(&v->use);
}

bool kp_visitor_give_way(const struct kp_face *face)
{
    struct kp_visitor *oldest = NULL;
    for (struct kp_visitor *v = face->visitors; v != NULL; v = v->next)
        if (v->phase == AT_REST && !v->closing && !v->ending)
            oldest = v;
    if (oldest != NULL)
        close_all(oldest, false);
    return oldest != NULL;
}

struct kp_visitor *kp_visitor_next(const struct kp_visitor *v)
{
    return v->next;
}
