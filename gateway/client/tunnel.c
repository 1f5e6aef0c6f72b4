/* A descriptor's way to a device: see tunnel.h. */
#include "tunnel.h"

#include <stdlib.h>
#include <unistd.h>

#include "../net/plain.h"
#include "carrier.h"
#include "hub_inside.h"

struct tunnel {
    struct kp_plain plain; /* first: the descriptor */
    struct kp_site_use use;
    struct kp_site *site;       /* NULL: it uses none any more */
    struct kp_carrier *carrier; /* NULL: gone */
    void (*over)(void *owner, bool in_order);
    void *owner;
    bool waiting; /* for a proof: counted in site->waiting */
    bool ended;   /* our side has said that it is done */
};

static struct tunnel *of_plain(struct kp_plain *plain)
{
    return (struct tunnel *)(void *)plain; /* its first member */
}

static struct tunnel *of_use(struct kp_site_use *use)
{
    return (struct tunnel *)(void *)((char *)use - offsetof(struct tunnel, use));
}

static void tell(struct tunnel *t, bool in_order)
{
    void (*over)(void *owner, bool in_order) = t->over;
    t->over = NULL;
    if (over != NULL)
        over(t->owner, in_order);
}

/* ---- Its ends ---------------------------------------------------------------------------- */

static void waits_no_more(struct tunnel *t)
{
    if (t->waiting)
        t->site->waiting--;
    t->waiting = false;
}

static void leave_device(struct tunnel *t, bool abort)
{
    struct kp_carrier *carrier = t->carrier;
    t->carrier = NULL;
    waits_no_more(t);
    kp_site_unuse(&t->use);
    t->site = NULL;
    kp_carrier_leave(carrier, abort);
}

/* Whoever has the other end is told first that what it got is not the whole. */
static void break_off(struct tunnel *t)
{
    tell(t, false);
    leave_device(t, true);
    kp_plain_close(&t->plain, true);
}

static void finish(struct tunnel *t)
{
    tell(t, true);
    leave_device(t, false);
    kp_plain_finish(&t->plain);
}

static void cut(struct kp_site_use *use)
{
    break_off(of_use(use));
}

/* ---- The descriptor's side --------------------------------------------------------------- */

static bool is_ready(const struct tunnel *t)
{
    return t->carrier != NULL && t->carrier->proved;
}

static size_t plain_data(struct kp_plain *plain, const uint8_t *data, size_t len)
{
    struct tunnel *t = of_plain(plain);
    return is_ready(t) ? kp_carrier_send(t->carrier, data, len) : 0;
}

static void plain_room(struct kp_plain *plain)
{
    struct tunnel *t = of_plain(plain);
    if (is_ready(t))
        kp_carrier_release(t->carrier);
}

/* Comes after all its bytes were sent, so not before the proof unless there were none. */
static void plain_ended(struct kp_plain *plain)
{
    struct tunnel *t = of_plain(plain);
    t->ended = true;
    if (is_ready(t))
        kp_carrier_end(t->carrier);
    else if (t->carrier != NULL)
        break_off(t); /* it has nothing to say */
}

static void plain_over(struct kp_plain *plain)
{
    struct tunnel *t = of_plain(plain);
    if (plain->net_error != 0)
        break_off(t);
    else
        finish(t);
}

static void plain_timeout(struct kp_plain *plain)
{
    (void)plain; /* no deadline is set */
}

static void plain_closed(struct kp_plain *plain)
{
    free(of_plain(plain));
}

static const struct kp_plain_hooks plain_hooks = {
    .data = plain_data,
    .room = plain_room,
    .peer_ended = plain_ended,
    .over = plain_over,
    .timeout = plain_timeout,
    .closed = plain_closed,
};

/* ---- The device's side ------------------------------------------------------------------- */

static void proved(void *owner)
{
    struct tunnel *t = owner;
    waits_no_more(t);
    kp_plain_release(&t->plain);
}

static void failed(void *owner, const struct kp_trouble *trouble)
{
    struct tunnel *t = owner;
    (void)trouble; /* what concerns the person is told by the site */
    t->carrier = NULL;
    break_off(t);
}

static size_t carried(void *owner, const uint8_t *data, size_t len)
{
    struct tunnel *t = owner;
    return kp_plain_send(&t->plain, data, len);
}

static void carrier_room(void *owner)
{
    struct tunnel *t = owner;
    kp_plain_release(&t->plain);
}

static void device_ended(void *owner)
{
    struct tunnel *t = owner;
    kp_plain_end(&t->plain);
}

static void carrier_over(void *owner, bool in_order, const struct kp_trouble *trouble)
{
    struct tunnel *t = owner;
    (void)trouble;
    if (in_order)
        finish(t);
    else
        break_off(t);
}

static void carrier_timeout(void *owner)
{
    (void)owner; /* no deadline is set */
}

static const struct kp_carrier_hooks carrier_hooks = {
    .proved = proved,
    .failed = failed,
    .data = carried,
    .room = carrier_room,
    .peer_ended = device_ended,
    .over = carrier_over,
    .timeout = carrier_timeout,
};

/* ---- Its beginning ----------------------------------------------------------------------- */

static struct tunnel *open_end(struct kp_hub *hub, const struct kp_tunnel_plan *plan)
{
    struct tunnel *t = calloc(1, sizeof *t);
    if (t == NULL) {
        (void)close(plan->fd);
        return NULL;
    }
    t->over = plan->over;
    t->owner = plan->owner;
    t->use.cut = cut;
    if (kp_plain_accept(&t->plain, hub->loop, plan->fd, NULL, 0, &plain_hooks) == 0)
        return t;
    free(t);
    return NULL;
}

void kp_hub_tunnel(struct kp_hub *hub, const struct kp_tunnel_plan *plan)
{
    struct kp_site *site = kp_hub_site(hub, plan->name);
    struct tunnel *t;
    if (site == NULL || site->state != KP_SITE_IN || site->waiting >= KP_FACE_WAITING) {
        plan->over(plan->owner, false);
        (void)close(plan->fd);
        return;
    }
    t = open_end(hub, plan);
    if (t == NULL) {
        plan->over(plan->owner, false);
        return;
    }
    t->site = site;
    kp_site_use(site, &t->use);
    site->waiting++;
    t->waiting = true;
    kp_carrier_start(&t->carrier, &site->stay->device, &carrier_hooks, t);
    if (t->carrier != NULL)
        kp_plain_pump(&t->plain);
}
