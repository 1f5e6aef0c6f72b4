/* A secure connection for a browser's requests: see carrier.h. */
#include "carrier.h"

#include <stdlib.h>

static struct kp_carrier *of(struct kp_secure *secure)
{
    return (struct kp_carrier *)(void *)((char *)secure - offsetof(struct kp_carrier, secure));
}

static struct kp_carrier *of_attempt(struct kp_attempt *attempt)
{
    return (struct kp_carrier *)(void *)attempt; /* its first member */
}

static bool is_left(const struct kp_carrier *c)
{
    return c->hooks == NULL;
}

/* ---- The connection ---------------------------------------------------------------------- */

static void proved(struct kp_secure *s)
{
    struct kp_carrier *c = of(s);
    c->proved = true;
    kp_secure_deadline(s, 0, false);
    kp_device_proved(c->attempt.device, &c->attempt, s->conn);
    if (!is_left(c))
        c->hooks->proved(c->owner);
}

static void ticket(struct kp_secure *s)
{
    if (!is_left(of(s))) /* else the device may be gone */
        kp_device_ticket(of(s)->attempt.device, s->conn);
}

static size_t data(struct kp_secure *s, const uint8_t *bytes, size_t len)
{
    struct kp_carrier *c = of(s);
    return is_left(c) ? len : c->hooks->data(c->owner, bytes, len);
}

static void room(struct kp_secure *s)
{
    if (!is_left(of(s)))
        of(s)->hooks->room(of(s)->owner);
}

static void peer_ended(struct kp_secure *s)
{
    if (!is_left(of(s)))
        of(s)->hooks->peer_ended(of(s)->owner);
}

static void over(struct kp_secure *s)
{
    struct kp_carrier *c = of(s);
    kp_trouble_of(&c->trouble, s);
    if (c->proved && !is_left(c))
        c->hooks->over(c->owner, s->error == 0, &c->trouble);
    else
        kp_secure_finish(s);
}

static void timeout(struct kp_secure *s)
{
    struct kp_carrier *c = of(s);
    if (c->proved && !is_left(c)) {
        c->hooks->timeout(c->owner);
        return;
    }
    kp_trouble_of_timeout(&c->trouble, s);
    kp_secure_close(s, false);
}

static void closed(struct kp_secure *s)
{
    struct kp_carrier *c = of(s);
    c->open = false;
    if (is_left(c))
        free(c);
    else
        kp_device_ended(c->attempt.device, &c->attempt, &c->trouble);
}

static const struct kp_secure_hooks hooks = {
    .proved = proved,
    .ticket = ticket,
    .data = data,
    .room = room,
    .peer_ended = peer_ended,
    .over = over,
    .timeout = timeout,
    .closed = closed,
};

/* ---- The attempt ------------------------------------------------------------------------- */

static int dial(struct kp_attempt *attempt, const struct kp_address *address,
                const struct kp_secure_offer *offer)
{
    struct kp_carrier *c = of_attempt(attempt);
    struct kp_device *device = attempt->device;
    int error = kp_secure_dial(&c->secure, device->loop, address, device->context, offer, &hooks);
    if (kp_loop_makes_room(device->loop, error))
        error = kp_secure_dial(&c->secure, device->loop, address, device->context, offer, &hooks);
    c->open = error == 0;
    if (error == 0)
        kp_secure_deadline(&c->secure, KP_DEVICE_DEADLINE_MS, false);
    return error;
}

static void failed(struct kp_attempt *attempt, const struct kp_trouble *trouble)
{
    struct kp_carrier *c = of_attempt(attempt);
    const struct kp_carrier_hooks *told = c->hooks;
    void *owner = c->owner;
    free(c);
    told->failed(owner, trouble);
}

/* ---- What the owner does ----------------------------------------------------------------- */

void kp_carrier_start(struct kp_carrier **slot, struct kp_device *device,
                      const struct kp_carrier_hooks *told, void *owner)
{
    struct kp_carrier *c = calloc(1, sizeof *c);
    *slot = c;
    if (c == NULL) {
        told->failed(owner, &(struct kp_trouble){.error = KP_E_MEMORY, .stage = KP_AT_HANDSHAKE});
        return;
    }
    c->hooks = told;
    c->owner = owner;
    c->attempt.dial = dial;
    c->attempt.failed = failed;
    kp_device_want(device, &c->attempt);
}

size_t kp_carrier_send(struct kp_carrier *c, const uint8_t *bytes, size_t len)
{
    return kp_secure_send(&c->secure, bytes, len);
}

void kp_carrier_end(struct kp_carrier *c)
{
    kp_secure_end(&c->secure);
}

void kp_carrier_release(struct kp_carrier *c)
{
    kp_secure_release(&c->secure);
}

void kp_carrier_leave(struct kp_carrier *c, bool abort)
{
    if (c == NULL)
        return;
    c->hooks = NULL;
    if (!c->proved)
        kp_device_drop(c->attempt.device, &c->attempt);
    if (!c->open) {
        free(c);
    } else if (c->proved && !abort) {
        kp_secure_end(&c->secure);
        kp_secure_finish(&c->secure);
    } else {
        kp_secure_close(&c->secure, c->proved && abort);
    }
}
