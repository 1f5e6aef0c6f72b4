/*
 * The first handshake with a device, alone: whether the password is right is known before a browser
 * is opened, and its ticket serves the connections that follow.
 */
#ifndef KP_CLIENT_PROVER_H
#define KP_CLIENT_PROVER_H

#include "device_session.h"

/* Connects and proves, then ends the connection; runs the device's loop, on which nothing else may
 * be active, until that is done.  Whether it was proved; else *trouble says why not.  on_proved may
 * be NULL. */
bool kp_prove(struct kp_device *device, void (*on_proved)(const struct kp_info *info),
              struct kp_trouble *trouble);

#endif
