/* The device's side of a visitor: see visitor_inside.h. */
#include "visitor_inside.h"

/* ---- What goes to the device ------------------------------------------------------------- */

static void waits_no_more(struct kp_visitor *v)
{
    if (v->waiting)
        v->site->waiting--;
    v->waiting = false;
}

void kp_visitor_leave_carrier(struct kp_visitor *v, bool abort)
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

bool kp_visitor_is_ready(const struct kp_visitor *v)
{
    return v->carrier != NULL && v->carrier->proved;
}

void kp_visitor_flush_up(struct kp_visitor *v)
{
    if (kp_visitor_is_ready(v) && v->up.len > 0)
        kp_out_shift(&v->up, kp_carrier_send(v->carrier, (const uint8_t *)v->up.at, v->up.len));
    v->x.held = v->up.len > 0 || (v->carrier != NULL && !v->carrier->proved);
    if (v->x.tunnels && v->client_ended && kp_visitor_is_ready(v) && !v->x.held)
        kp_carrier_end(v->carrier);
}

void kp_visitor_to_upstream(struct kp_http_exchange *x, const void *data, size_t len)
{
    struct kp_visitor *v = kp_visitor_of(x);
    size_t sent = 0;
    if (v->closing || v->up.failed)
        return;
    if (v->up.len == 0 && len > KP_VISITOR_GATHER && kp_visitor_is_ready(v))
        sent = kp_carrier_send(v->carrier, data, len);
    if (sent < len)
        kp_out_add(&v->up, (const uint8_t *)data + sent, len - sent);
}

/* ---- What comes from the device ---------------------------------------------------------- */

static void proved(void *owner)
{
    struct kp_visitor *v = owner;
    waits_no_more(v);
    kp_visitor_await_answer(v);
    kp_visitor_go_on(v);
}

static void failed(void *owner, const struct kp_trouble *trouble)
{
    struct kp_visitor *v = owner;
    v->carrier = NULL;
    kp_visitor_reply_trouble(v, trouble);
    kp_visitor_leave_carrier(v, false);
    kp_visitor_go_on(v);
}

static size_t carried(void *owner, const uint8_t *data, size_t len)
{
    struct kp_visitor *v = owner;
    struct kp_carrier *carrier = v->carrier;
    if (v->stuck)
        return 0;
    if (!kp_http_exchange_answered(&v->x, data, len) && v->carrier == carrier)
        kp_visitor_leave_carrier(v, true); /* it spoke out of turn */
    if (kp_visitor_awaits_answer(v) && v->x.answering)
        kp_visitor_set_phase(v, KP_AT_FLOW);
    if (!v->closing)
        (void)kp_visitor_client_takes(v);
    kp_visitor_go_on(v);
    return len;
}

static void room(void *owner)
{
    kp_visitor_go_on(owner);
}

/* The browser gets the rest, and the end. */
static void end_tunnel(struct kp_visitor *v)
{
    v->x.over = true;
    kp_visitor_set_phase(v, KP_AT_FINISH);
}

static void device_ended(struct kp_visitor *v, bool in_order)
{
    struct kp_carrier *carrier = v->carrier;
    if (v->x.tunnels && in_order)
        end_tunnel(v);
    else if (v->x.tunnels)
        kp_visitor_close(v, true);
    else
        kp_http_exchange_upstream_ended(&v->x, in_order);
    if (v->carrier == carrier && !v->closing && !v->x.over)
        kp_visitor_leave_carrier(v, false);
    kp_visitor_go_on(v);
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
        kp_visitor_leave_carrier(v, false);
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

/* ---- Its connection ---------------------------------------------------------------------- */

void kp_visitor_want_carrier(struct kp_visitor *v, struct kp_site *site)
{
    if (site->waiting >= KP_FACE_WAITING) {
        kp_visitor_reply(v, KP_PAGE_FULL);
        return;
    }
    v->site = site;
    kp_site_use(site, &v->use);
    site->waiting++;
    v->waiting = true; /* x.held follows when what is here of the request was taken: its end too */
    kp_visitor_set_phase(v, KP_AT_PROOF);
    kp_carrier_start(&v->carrier, &site->stay->device, &carrier_hooks, v);
}
