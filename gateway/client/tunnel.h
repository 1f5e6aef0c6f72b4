/*
 * Bytes both ways between a descriptor and a device that is in, unlooked at: for an app that shows
 * the device's pages itself, at the device's own address, instead of behind the face.  Whoever has
 * the descriptor's other end speaks to the device as the person who logged in.
 */
#ifndef KP_CLIENT_TUNNEL_H
#define KP_CLIENT_TUNNEL_H

#include "hub.h"

struct kp_tunnel_plan {
    const char *name; /* the device's */
    int fd;           /* a stream; the tunnel's from now on, whatever comes of it */
    /* Once, on the loop's thread, before fd is closed, and maybe from in here; owner is not looked
     * at after it.  in_order: both sides have said that they were done; else what came over fd may
     * be cut. */
    void (*over)(void *owner, bool in_order);
    void *owner;
};

/* Dials by the device's rules (device_session.h): by ticket, or in the one password handshake that
 * all wait for.  The tunnel looks after itself; a logout cuts it. */
void kp_hub_tunnel(struct kp_hub *hub, const struct kp_tunnel_plan *plan);

#endif
