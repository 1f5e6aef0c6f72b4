/*
 * The loopback face of a device: a port on this computer, where each connection of a browser
 * becomes a secure connection to the device.  Bytes go through as they are.
 */
#ifndef KP_CLIENT_FACE_H
#define KP_CLIENT_FACE_H

#include "../net/listener.h"
#include "device_session.h"

#define KP_FACE_WAITING_MAX 64 /* connections that wait for a proof */

struct kp_visitor;

struct kp_face {
    struct kp_loop *loop;
    struct kp_device *device;
    struct kp_listener listener;
    struct kp_visitor *visitors; /* a list */
    unsigned waiting;
    int fd;
    bool open;
    /* May be NULL; told of each proved connection. */
    void (*on_proved)(const struct kp_info *info);
};

/* Binds and listens (not yet taking connections); *bound is where.  0 or a negative uv error. */
int kp_face_bind(struct kp_face *face, const struct kp_address *address, struct kp_address *bound);
/* Begins to take connections, after loop and device were set.  0 or a negative uv error. */
int kp_face_start(struct kp_face *face);
/* Ends all: no more connections, and the present ones are cut. */
void kp_face_stop(struct kp_face *face);

#endif
