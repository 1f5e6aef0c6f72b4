/* A build without Avahi: see nearby.h. */
#include "nearby.h"

bool kp_nearby_is_built(void)
{
    return false;
}

bool kp_nearby_load(void)
{
    return false;
}

int kp_nearby_start(struct kp_nearby **out, struct kp_loop *loop,
                    const struct kp_nearby_hooks *hooks, void *owner)
{
    (void)loop;
    (void)hooks;
    (void)owner;
    *out = NULL;
    return UV_ENOTSUP;
}

void kp_nearby_stop(struct kp_nearby *nearby)
{
    (void)nearby;
}

int kp_beacon_start(struct kp_beacon **out, uv_loop_t *loop, const struct kp_beacon_plan *plan,
                    void (*told)(void *owner, bool works, const char *what), void *owner)
{
    (void)loop;
    (void)plan;
    (void)told;
    (void)owner;
    *out = NULL;
    return UV_ENOTSUP;
}

void kp_beacon_change(struct kp_beacon *beacon, const struct kp_beacon_plan *plan)
{
    (void)beacon;
    (void)plan;
}

void kp_beacon_stop(struct kp_beacon *beacon)
{
    (void)beacon;
}
