/*
 * A handshake with a device, alone: whether the password is right is known before a browser uses
 * it, and its ticket serves the connections that follow.
 */
#ifndef KP_CLIENT_PROVER_H
#define KP_CLIENT_PROVER_H

#include "device_session.h"

struct kp_prover;

/* What comes of it: once, unless it is stopped.  trouble is NULL when it was proved. */
typedef void kp_prover_fn(void *owner, const struct kp_trouble *trouble);

/* Connects and proves on the device's running loop, then waits a little for the ticket if there is
 * none yet, ends the connection and frees itself.  *slot is the prover for as long as it can be
 * stopped, else NULL.  Out of memory: done is told so at once. */
void kp_prover_start(struct kp_prover **slot, struct kp_device *device, kp_prover_fn *done,
                     void *owner);
/* NULL is fine. */
void kp_prover_stop(struct kp_prover *prover);

/* The same, and runs the loop, on which nothing else may be active, until that is done.  Whether it
 * was proved; else *trouble says why not. */
bool kp_prove(struct kp_device *device, struct kp_trouble *trouble);

#endif
