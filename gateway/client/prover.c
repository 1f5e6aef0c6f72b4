/* A handshake with a device, alone: see prover.h. */
#include "prover.h"

#include <stdlib.h>

struct kp_prover {
    struct kp_secure secure; /* first */
    struct kp_attempt attempt;
    kp_prover_fn *done;
    void *owner;
    struct kp_prover **slot;
    struct kp_trouble trouble; /* of the connection that is closing */
    bool open;                 /* the connection is */
    bool proved, stopped;
};

static struct kp_prover *of(struct kp_secure *secure)
{
    return (struct kp_prover *)(void *)secure; /* its first member */
}

static struct kp_prover *of_attempt(struct kp_attempt *attempt)
{
    return (struct kp_prover *)(void *)((char *)attempt - offsetof(struct kp_prover, attempt));
}

static void forget(struct kp_prover *p)
{
    if (p->slot != NULL)
        *p->slot = NULL;
    free(p);
}

static void leave(struct kp_secure *s)
{
    kp_secure_end(s);
    kp_secure_finish(s);
}

static void proved(struct kp_secure *s)
{
    struct kp_prover *p = of(s);
    p->proved = true;
    kp_device_proved(p->attempt.device, &p->attempt, s->conn);
    p->done(p->owner, NULL);
    if (p->stopped)
        return;
    if (p->attempt.device->awaits_ticket)
        kp_secure_deadline(s, KP_DEVICE_TICKET_MS, false);
    else
        leave(s);
}

static void ticket(struct kp_secure *s)
{
    kp_device_ticket(of(s)->attempt.device, s->conn);
    leave(s);
}

static void over(struct kp_secure *s)
{
    kp_trouble_of(&of(s)->trouble, s);
    kp_secure_finish(s);
}

static void timeout(struct kp_secure *s)
{
    if (of(s)->proved) {
        leave(s);
        return;
    }
    kp_trouble_of_timeout(&of(s)->trouble, s);
    kp_secure_close(s, false);
}

static void closed(struct kp_secure *s)
{
    struct kp_prover *p = of(s);
    p->open = false;
    if (p->proved || p->stopped)
        forget(p);
    else
        kp_device_ended(p->attempt.device, &p->attempt, &p->trouble);
}

static size_t data(struct kp_secure *s, const uint8_t *bytes, size_t len)
{
    (void)s;
    (void)bytes;
    return len;
}

static void nothing(struct kp_secure *s)
{
    (void)s;
}

static const struct kp_secure_hooks hooks = {
    .proved = proved,
    .ticket = ticket,
    .data = data,
    .room = nothing,
    .peer_ended = nothing,
    .over = over,
    .timeout = timeout,
    .closed = closed,
};

static int dial(struct kp_attempt *attempt, const struct kp_address *address,
                const struct kp_secure_offer *offer)
{
    struct kp_prover *p = of_attempt(attempt);
    int error = kp_secure_dial(&p->secure, attempt->device->loop, address, attempt->device->context,
                               offer, &hooks);
    p->open = error == 0;
    if (error == 0)
        kp_secure_deadline(&p->secure, KP_DEVICE_DEADLINE_MS, false);
    return error;
}

static void failed(struct kp_attempt *attempt, const struct kp_trouble *trouble)
{
    struct kp_prover *p = of_attempt(attempt);
    kp_prover_fn *done = p->done;
    void *owner = p->owner;
    forget(p); /* before: who is told may want to stop it */
    done(owner, trouble);
}

void kp_prover_start(struct kp_prover **slot, struct kp_device *device, kp_prover_fn *done,
                     void *owner)
{
    struct kp_prover *p = calloc(1, sizeof *p);
    *slot = p;
    if (p == NULL) {
        done(owner, &(struct kp_trouble){.error = KP_E_MEMORY, .stage = KP_AT_HANDSHAKE});
        return;
    }
    p->slot = slot;
    p->done = done;
    p->owner = owner;
    p->attempt.dial = dial;
    p->attempt.failed = failed;
    kp_device_want(device, &p->attempt);
}

void kp_prover_stop(struct kp_prover *p)
{
    if (p == NULL)
        return;
    *p->slot = NULL;
    p->slot = NULL;
    p->stopped = true;
    if (!p->proved)
        kp_device_drop(p->attempt.device, &p->attempt);
    if (p->open)
        kp_secure_close(&p->secure, false);
    else
        forget(p);
}

/* ---- Alone on the loop ------------------------------------------------------------------- */

struct result {
    struct kp_trouble *trouble;
    bool proved;
};

static void keep(void *owner, const struct kp_trouble *trouble)
{
    struct result *result = owner;
    result->proved = trouble == NULL;
    if (trouble != NULL)
        *result->trouble = *trouble;
}

bool kp_prove(struct kp_device *device, struct kp_trouble *trouble)
{
    struct result result = {.trouble = trouble};
    struct kp_prover *prover;
    kp_prover_start(&prover, device, keep, &result);
    kp_loop_run(device->loop);
    return result.proved;
}
