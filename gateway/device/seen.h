/*
 * `serve --advertise`: the device says on the network where it is, by DNS-SD, and what it says
 * follows the credentials and the configuration.  Everybody there can read it.
 */
#ifndef KP_DEVICE_SEEN_H
#define KP_DEVICE_SEEN_H

#include "worker.h"

struct kp_seen;

/* Before the process is confined: no code can be loaded later. */
void kp_seen_prepare(const struct kp_front_settings *settings);
/* On the loop, once the ports are open.  NULL if nobody wants it, or it can't be: the log says why,
 * and it is no reason not to serve. */
struct kp_seen *kp_seen_start(uv_loop_t *loop, struct kp_workshop *shop);
/* The credentials or the rules may have changed.  NULL is fine. */
void kp_seen_look(struct kp_seen *seen);
/* NULL is fine. */
void kp_seen_stop(struct kp_seen *seen);

#endif
