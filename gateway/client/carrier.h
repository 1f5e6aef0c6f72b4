/*
 * One secure connection that carries a browser's requests to a device: dialled by the device's
 * rules (device_session.h), then bytes both ways.  It holds no bytes of its own.
 */
#ifndef KP_CLIENT_CARRIER_H
#define KP_CLIENT_CARRIER_H

#include "device_session.h"

struct kp_carrier;

/* What the owner is told; nothing any more after kp_carrier_leave. */
struct kp_carrier_hooks {
    /* Bytes may be sent from now on. */
    void (*proved)(void *owner);
    /* There will be no connection: the carrier is gone. */
    void (*failed)(void *owner, const struct kp_trouble *trouble);
    /* As kp_secure_hooks. */
    size_t (*data)(void *owner, const uint8_t *data, size_t len);
    void (*room)(void *owner);
    /* The device ended its half, in order. */
    void (*peer_ended)(void *owner);
    /* It is over after the proof: the owner leaves it.  in_order: nothing was cut. */
    void (*over)(void *owner, bool in_order, const struct kp_trouble *trouble);
    void (*timeout)(void *owner);
};

struct kp_carrier {
    struct kp_attempt attempt; /* first */
    struct kp_secure secure;
    const struct kp_carrier_hooks *hooks; /* NULL: it was left */
    void *owner;
    struct kp_trouble trouble; /* of the connection that is closing */
    bool open;                 /* the connection is */
    bool proved;
    bool used; /* the owner's: it has carried a request before this one */
};

/* Wants a connection to the device.  *slot is where the owner keeps it: set before any hook is
 * called, which may be from in here.  In hooks->failed it is gone, and the owner clears the slot.
 */
void kp_carrier_start(struct kp_carrier **slot, struct kp_device *device,
                      const struct kp_carrier_hooks *hooks, void *owner);
/* How many bytes were taken; hooks->room follows if not all were. */
size_t kp_carrier_send(struct kp_carrier *carrier, const uint8_t *data, size_t len);
/* Our half ends. */
void kp_carrier_end(struct kp_carrier *carrier);
void kp_carrier_release(struct kp_carrier *carrier);
/* It is its owner's no more, and ends by itself; abort: so that nothing looks whole.  NULL is fine.
 */
void kp_carrier_leave(struct kp_carrier *carrier, bool abort);

#endif
