/*
 * Where an accepted connection goes: to the handshake, to plain HTTP, to another server untouched;
 * straight away when its port leaves no choice, else by its first bytes.
 */
#ifndef KP_DEVICE_ARRIVAL_H
#define KP_DEVICE_ARRIVAL_H

#include "worker.h"

/* Takes over fd, which came by that door, and looks after it. */
void kp_arrival(struct kp_worker *worker, const struct kp_door_rules *rules, int fd,
                const union kp_inet *from);
/* A plain client, of which first[first_len] was read already. */
void kp_plain_client_begin(struct kp_worker *worker, enum kp_plain_way way, int fd,
                           const union kp_inet *from, const uint8_t *first, size_t first_len);

#endif
