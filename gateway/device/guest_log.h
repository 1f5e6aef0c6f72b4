/*
 * What the log says of a guest: who, from where, by which protocol, and why it ended; and how its
 * handshake and its bytes are counted.
 */
#ifndef KP_DEVICE_GUEST_LOG_H
#define KP_DEVICE_GUEST_LOG_H

#include "guest.h"

void kp_guest_log_proved(const struct kp_guest *guest);
/* Counts a handshake that ended without proof, too. */
void kp_guest_log_over(const struct kp_guest *guest);

void kp_guest_count_proved(const struct kp_guest *guest);
/* Once, at its very end. */
void kp_guest_count_bytes(const struct kp_guest *guest);

#endif
