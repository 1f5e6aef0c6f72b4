/*
 * A listening socket on a loop.  Several loops may share one socket.  When descriptors run out, or
 * the owner has no room, it rests for a while instead of spinning: clients wait in the backlog.
 */
#ifndef KP_NET_LISTENER_H
#define KP_NET_LISTENER_H

#include "address.h"
#include "loop.h"

#include <stdbool.h>

#define KP_LISTENER_REST_MS 100

struct kp_listener {
    uv_poll_t poll;
    uv_timer_t rest;
    /* Whether there is room for one more. */
    bool (*room)(struct kp_listener *listener);
    /* A connection: fd is the owner's. */
    void (*accepted)(struct kp_listener *listener, int fd, const union kp_inet *peer);
    /* It rests: error is uv's, 0 when room said no.  Called each time.  For want of descriptors it
     * rests only when the loop's owner can make none free (kp_loop_makes_room). */
    void (*resting)(struct kp_listener *listener, int error);
    void *owner;
    struct kp_loop *loop;
    int fd;
    int plenty; /* descriptors from here on are scarce */
    bool open;
};

/* fd stays the caller's.  The functions and owner must be set.  0 or a negative uv error. */
int kp_listener_start(struct kp_listener *listener, struct kp_loop *loop, int fd);
/* Whether fd, which was just accepted, is one of the last that there are. */
bool kp_listener_is_scarce(const struct kp_listener *listener, int fd);
/* Twice is fine.  The memory must live until the loop is closed. */
void kp_listener_close(struct kp_listener *listener);

#endif
