/*
 * Asks an address whether it takes passwords: up to three short connections, one after the other
 * (probe_wire.h says what is asked).  No guess is spent, and no user is named.
 */
#ifndef KP_CLIENT_PROBE_H
#define KP_CLIENT_PROBE_H

#include "explain.h"
#include "probe_wire.h"

#define KP_PROBE_STEP_MS 2500 /* what a connection and its answer get */
#define KP_PROBE_MS 8000      /* for all of it */

struct kp_probe;

/* What comes of it: once, unless it is stopped.  Unless verdict->known, trouble says why
 * not. */
typedef void kp_probe_fn(void *owner, const struct kp_probe_verdict *verdict,
                         const struct kp_trouble *trouble);

/* On the running loop; it frees itself.  *slot is the probe until done was called, then NULL; done
 * is never called from in here.  0 or a negative uv error: it didn't start, and *slot is NULL. */
int kp_probe_start(struct kp_probe **slot, struct kp_loop *loop, const struct kp_host *host,
                   kp_probe_fn *done, void *owner);
/* NULL is fine. */
void kp_probe_stop(struct kp_probe *probe);

#endif
