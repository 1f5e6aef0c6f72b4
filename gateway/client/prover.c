/* The first handshake with a device: see prover.h. */
#include "prover.h"

#include <string.h>

struct prover {
    struct kp_secure secure; /* first */
    struct kp_attempt attempt;
    void (*on_proved)(const struct kp_info *info);
    struct kp_trouble *result;
    struct kp_trouble trouble; /* of the connection that is closing */
    bool proved;
};

static struct prover *of(struct kp_secure *secure)
{
    return (struct prover *)(void *)secure; /* its first member */
}

static struct prover *of_attempt(struct kp_attempt *attempt)
{
    return (struct prover *)(void *)((char *)attempt - offsetof(struct prover, attempt));
}

static void proved(struct kp_secure *s)
{
    struct prover *p = of(s);
    struct kp_info info;
    p->proved = true;
    kp_conn_info(s->conn, &info);
    if (p->on_proved != NULL)
        p->on_proved(&info);
    kp_device_proved(p->attempt.device, &p->attempt, s->conn);
    kp_secure_end(s);
    kp_secure_finish(s);
}

static void over(struct kp_secure *s)
{
    kp_trouble_of(&of(s)->trouble, s);
    kp_secure_finish(s);
}

static void timeout(struct kp_secure *s)
{
    kp_trouble_of_timeout(&of(s)->trouble, s);
    kp_secure_close(s, false);
}

static void closed(struct kp_secure *s)
{
    struct prover *p = of(s);
    if (!p->proved)
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
    struct prover *p = of_attempt(attempt);
    int error = kp_secure_dial(&p->secure, attempt->device->loop, address, attempt->device->context,
                               offer, &hooks);
    if (error == 0)
        kp_secure_deadline(&p->secure, KP_DEVICE_DEADLINE_MS, false);
    return error;
}

static void failed(struct kp_attempt *attempt, const struct kp_trouble *trouble)
{
    *of_attempt(attempt)->result = *trouble;
}

bool kp_prove(struct kp_device *device, void (*on_proved)(const struct kp_info *info),
              struct kp_trouble *trouble)
{
    struct prover p = {.on_proved = on_proved, .result = trouble};
    p.attempt.dial = dial;
    p.attempt.failed = failed;
    kp_device_want(device, &p.attempt);
    kp_loop_run(device->loop);
    return p.proved;
}
