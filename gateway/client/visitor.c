/* One connection of a browser: see visitor.h. */
#include "visitor_inside.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../net/sock.h"

#define GATHER_MAX 65536

static const struct {
    uint32_t ms; /* 0: none */
    bool renews;
} deadlines[] = {
    [KP_AT_REST] = {300000, true}, /* of nothing */
    [KP_AT_HEAD] = {15000, false}, /* for a head once it has begun */
    [KP_AT_PROOF] = {0, false},    /* the device's own rules */
    [KP_AT_UPLOAD] = {120000, true}, [KP_AT_ANSWER] = {180000, true},
    [KP_AT_FLOW] = {0, false},      /* an answer that flows, or a tunnel */
    [KP_AT_FINISH] = {60000, true}, /* to take the rest */
};

static struct kp_visitor *of_plain(struct kp_plain *plain)
{
    return (struct kp_visitor *)(void *)((char *)plain - offsetof(struct kp_visitor, plain));
}

static struct kp_visitor *of_use(struct kp_site_use *use)
{
    return (struct kp_visitor *)(void *)((char *)use - offsetof(struct kp_visitor, use));
}

void kp_visitor_set_phase(struct kp_visitor *v, enum kp_visitor_phase phase)
{
    if (v->closing || v->phase == phase)
        return;
    v->phase = (uint8_t)phase;
    kp_plain_deadline(&v->plain, deadlines[phase].ms, deadlines[phase].renews);
}

bool kp_visitor_awaits_answer(const struct kp_visitor *v)
{
    return v->phase == KP_AT_UPLOAD || v->phase == KP_AT_ANSWER;
}

void kp_visitor_await_answer(struct kp_visitor *v)
{
    if (v->x.tunnels)
        kp_visitor_set_phase(v, KP_AT_FLOW);
    else
        kp_visitor_set_phase(v, v->x.taken_whole || v->up.len > 0 ? KP_AT_ANSWER : KP_AT_UPLOAD);
}

/* Without memory for what goes on.  Looked at when no parser reads bytes that closing would free.
 */
static bool is_out_of_memory(const struct kp_visitor *v)
{
    return v->up.failed || v->down.failed;
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
    struct kp_visitor *v = kp_visitor_of(x);
    size_t sent = 0;
    if (v->closing || v->down.failed)
        return;
    if (v->down.len + len > GATHER_MAX)
        (void)flush_down(v);
    if (v->down.len == 0 && len > KP_VISITOR_GATHER)
        sent = kp_plain_send(&v->plain, data, len);
    if (sent < len)
        kp_out_add(&v->down, (const uint8_t *)data + sent, len - sent);
}

bool kp_visitor_client_takes(struct kp_visitor *v)
{
    bool was = v->stuck;
    v->stuck = !flush_down(v) || kp_plain_blocked(&v->plain);
    v->freed = (v->freed || was) && !v->stuck;
    return !v->stuck;
}

/* ---- The end ----------------------------------------------------------------------------- */

void kp_visitor_close(struct kp_visitor *v, bool abort)
{
    if (v->closing)
        return;
    v->closing = true;
    v->x.over = true;
    kp_visitor_leave_carrier(v, abort);
    kp_plain_close(&v->plain, abort);
}

/* When everything was said and has left. */
static void end_if_done(struct kp_visitor *v)
{
    bool last = v->client_ended || v->x.last;
    if (v->closing || v->ending)
        return;
    if (!(v->x.over || (last && !v->x.tunnels && !kp_http_exchange_is_busy(&v->x))) ||
        !kp_visitor_client_takes(v))
        return;
    v->ending = true;
    kp_visitor_leave_carrier(v, false);
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
        kp_visitor_close(v, true);
    } else if (closes) {
        if (v->carrier != NULL)
            kp_visitor_leave_carrier(v, v->x.forwarded && !v->x.taken_whole);
        kp_visitor_set_phase(v, KP_AT_FINISH);
        kp_http_exchange_reply(&v->x, page->at, page->len);
    } else {
        kp_visitor_set_phase(v, KP_AT_FLOW);
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

void kp_visitor_reply(struct kp_visitor *v, enum kp_page_kind kind)
{
    const struct kp_page page = page_of(v);
    struct kp_out out = {0};
    if (v->x.answering) {
        kp_visitor_close(v, true);
        return;
    }
    reply(v, &out, kp_page_of(&out, &page, kind), true);
}

void kp_visitor_reply_trouble(struct kp_visitor *v, const struct kp_trouble *trouble)
{
    const struct kp_page page = page_of(v);
    struct kp_out out = {0};
    if (v->x.answering) {
        kp_visitor_close(v, true);
        return;
    }
    reply(v, &out, kp_page_of_trouble(&out, &page, trouble, v->site->where), true);
}

/* ---- Requests ---------------------------------------------------------------------------- */

/* On the connection that is there, if the request surely can be sent again should that just be
 * ending. */
static void forward(struct kp_visitor *v, struct kp_site *site)
{
    struct kp_out head = {0};
    v->x.forwarded = false;
    if (v->carrier != NULL &&
        (v->site != site || (v->carrier->used && !kp_http_exchange_is_repeatable(&v->x))))
        kp_visitor_leave_carrier(v, false);
    kp_rewrite_request(&head, v->x.asked, &site->names, &site->jar, (uint64_t)time(NULL));
    if (kp_http_exchange_forward_as(&v->x, &head) != 0)
        kp_visitor_close(v, true);
    else if (v->carrier == NULL)
        kp_visitor_want_carrier(v, site);
    else
        kp_visitor_await_answer(v);
    kp_out_free(&head);
}

static void request(struct kp_http_exchange *x)
{
    struct kp_visitor *v = kp_visitor_of(x);
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
    struct kp_visitor *v = kp_visitor_of(x);
    const struct kp_page page = page_of(v);
    struct kp_out out = {0};
    if (x->answering || v->peer != KP_PEER_PERSON) {
        kp_visitor_close(v, true);
        return;
    }
    reply(v, &out, kp_page_of_problem(&out, &page, (enum kp_http_problem)x->request.problem), true);
}

static void broken(struct kp_http_exchange *x, const char *why)
{
    struct kp_visitor *v = kp_visitor_of(x);
    struct kp_site *site = v->site;
    bool again = v->carrier != NULL && v->carrier->used && kp_http_exchange_is_repeatable(x);
    (void)why;
    if (!again || site == NULL) {
        kp_visitor_reply(v, KP_PAGE_BAD_ANSWER);
        return;
    }
    kp_visitor_leave_carrier(v, true);
    forward(v, site);
}

static void done(struct kp_http_exchange *x)
{
    struct kp_visitor *v = kp_visitor_of(x);
    if (!x->keeps_upstream)
        kp_visitor_leave_carrier(v, !x->taken_whole);
    else if (v->carrier != NULL)
        v->carrier->used = true;
    kp_visitor_set_phase(v, x->over ? KP_AT_FINISH : KP_AT_REST);
}

static void tunnel(struct kp_http_exchange *x)
{
    kp_visitor_set_phase(kp_visitor_of(x), KP_AT_FLOW);
}

static void write_answer(struct kp_http_exchange *x, struct kp_out *out,
                         const struct kp_http_head *head)
{
    struct kp_visitor *v = kp_visitor_of(x);
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
    .to_upstream = kp_visitor_to_upstream,
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
    if (freed && !v->closing && kp_visitor_is_ready(v))
        kp_carrier_release(v->carrier);
}

void kp_visitor_go_on(struct kp_visitor *v)
{
    if (is_out_of_memory(v))
        kp_visitor_close(v, true);
    if (v->closing)
        return;
    kp_visitor_flush_up(v);
    if (kp_visitor_awaits_answer(v))
        kp_visitor_await_answer(v);
    if (v->down.len > 0)
        (void)kp_visitor_client_takes(v);
    end_if_done(v);
    let_flow(v);
    if (v->closing || v->ending || !v->waits || v->x.held)
        return;
    if (!v->x.tunnels && v->x.asked != NULL && v->x.taken_whole)
        return;
    v->waits = false;
    kp_plain_release(&v->plain);
}

/* Returns how many were used.  What was held up goes on as soon as there is room: the device's side
 * tells of room only while something waits for it, and nothing may once it was sent. */
static size_t take(struct kp_visitor *v, const uint8_t *bytes, size_t len)
{
    bool held = v->x.held;
    size_t used = kp_http_exchange_take(&v->x, bytes, len);
    if (is_out_of_memory(v))
        kp_visitor_close(v, true);
    if (v->closing)
        return len;
    kp_visitor_flush_up(v);
    return held && !v->x.held && used < len ? used + take(v, bytes + used, len - used) : used;
}

static size_t data(struct kp_plain *plain, const uint8_t *bytes, size_t len)
{
    struct kp_visitor *v = of_plain(plain);
    size_t used;
    if (v->closing || v->ending)
        return len;
    used = take(v, bytes, len);
    if (v->closing)
        return len;
    v->waits = used < len;
    if (v->down.len > 0)
        (void)kp_visitor_client_takes(v);
    if (v->phase == KP_AT_REST && v->x.asked == NULL && kp_http_exchange_is_busy(&v->x))
        kp_visitor_set_phase(v, KP_AT_HEAD);
    if (kp_visitor_awaits_answer(v))
        kp_visitor_await_answer(v);
    end_if_done(v);
    let_flow(v);
    return used;
}

static void plain_room(struct kp_plain *plain)
{
    struct kp_visitor *v = of_plain(plain);
    if (v->closing)
        return;
    (void)kp_visitor_client_takes(v);
    kp_visitor_go_on(v);
}

static void client_ended(struct kp_plain *plain)
{
    struct kp_visitor *v = of_plain(plain);
    v->client_ended = true;
    if (v->closing)
        return;
    if (!kp_http_exchange_client_ended(&v->x))
        kp_visitor_close(v, true);
    else
        kp_visitor_go_on(v);
}

static void plain_over(struct kp_plain *plain)
{
    struct kp_visitor *v = of_plain(plain);
    kp_visitor_close(v, plain->net_error != 0);
}

static void timeout(struct kp_plain *plain)
{
    struct kp_visitor *v = of_plain(plain);
    if (v->phase == KP_AT_ANSWER && !v->x.answering)
        kp_visitor_reply(v, KP_PAGE_LATE);
    else
        kp_visitor_close(v, v->phase != KP_AT_REST);
    kp_visitor_go_on(v);
}

static void closed(struct kp_plain *plain)
{
    struct kp_visitor *v = of_plain(plain);
    v->closing = true;
    kp_visitor_leave_carrier(v, false);
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
    kp_visitor_close(v, v->x.tunnels || kp_http_exchange_is_busy(&v->x));
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
    v->phase = KP_AT_FINISH;
    kp_visitor_set_phase(v, KP_AT_REST);
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
        if (v->phase == KP_AT_REST && !v->closing && !v->ending)
            oldest = v;
    if (oldest != NULL)
        kp_visitor_close(oldest, false);
    return oldest != NULL;
}

struct kp_visitor *kp_visitor_next(const struct kp_visitor *v)
{
    return v->next;
}
