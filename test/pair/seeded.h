/*
 * A random source for tests: the same numbers on every run.
 */
#ifndef TEST_PAIR_SEEDED_H
#define TEST_PAIR_SEEDED_H

#include <stddef.h>
#include <stdint.h>

struct seeded {
    uint64_t state;
    uint64_t calls;
    uint64_t fail_at; /* the call (1..) from which on it fails; 0: never */
};

void seeded_start(struct seeded *s, uint64_t seed);
uint64_t seeded_next(struct seeded *s);
/* 0 to below - 1. */
size_t seeded_below(struct seeded *s, size_t below);
/* A kp_random_fn; arg is the struct seeded. */
int seeded_random(void *arg, uint8_t *out, size_t len);

#endif
