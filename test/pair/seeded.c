/*
 * A random source for tests: the same numbers on every run.
 */
#include "seeded.h"

void seeded_start(struct seeded *s, uint64_t seed)
{
    s->state = seed;
    s->calls = 0;
    s->fail_at = 0;
}

/* A Weyl sequence through a finalizer that changes half of all bits for each bit that changes. */
uint64_t seeded_next(struct seeded *s)
{
    uint64_t x = s->state += 0x9E3779B97F4A7C15u;

    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

size_t seeded_below(struct seeded *s, size_t below)
{
    return (size_t)(seeded_next(s) % below);
}

int seeded_random(void *arg, uint8_t *out, size_t len)
{
    struct seeded *s = arg;

    s->calls++;
    if (s->fail_at != 0 && s->calls >= s->fail_at)
        return -1;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(seeded_next(s) >> 32);
    return 0;
}
