/*
 * A world for TLS 1.3: its server has a device id, its users a SPAKE2+ half, its logins the device.
 */
#ifndef TEST_PAIR_WORLD13_H
#define TEST_PAIR_WORLD13_H

#include "harness.h"

#define DEVICE "heating-4711"

struct world13 {
    struct world world;
    struct kp_spake2plus_verifier *alice;
    struct kp_spake2plus_verifier *nobody;
};

/* As world_open; versions, pake and the rest as the settings say. */
void world13_open(struct world13 *w, const struct kp_settings *client,
                  const struct kp_settings *server);
void world13_close(struct world13 *w);

void pair13_open(struct pair *p, struct world13 *w, uint64_t now, uint64_t seed);
/* open, connect as alice, run. */
void pair13_handshake(struct pair *p, struct world13 *w, uint64_t now, uint64_t seed);

#endif
