/*
 * The loopback face of a device: a port on this computer, where each connection of a browser
 * becomes a secure connection to the device.  Bytes go through as they are, but a first request
 * that a page of another site has made gets a page of ours: see first_request.h.
 */
#ifndef KP_CLIENT_FACE_H
#define KP_CLIENT_FACE_H

#include "../net/listener.h"
#include "device_session.h"

#define KP_FACE_WAITING_MAX 64  /* connections that wait for a proof */
#define KP_FACE_LOOKING_MAX 256 /* and that have yet to say something */

struct kp_visitor;

struct kp_face {
    struct kp_loop *loop;
    struct kp_device *device;
    struct kp_listener listener;
    struct kp_visitor *visitors; /* a list */
    unsigned waiting, looking;
    char own[KP_ADDRESS_TEXT_LEN]; /* the printed address, 127.0.0.1:8443 */
    int fd;
    bool open;
    bool asks; /* after a failed proof a person is asked for the password again */
};

/* Binds and listens (not yet taking connections); *bound is where.  0 or a negative uv error. */
int kp_face_bind(struct kp_face *face, const struct kp_address *address, struct kp_address *bound);
/* Begins to take connections, after loop and device were set.  0 or a negative uv error. */
int kp_face_start(struct kp_face *face);
/* Cuts the present connections; those that come are served as ever. */
void kp_face_cut(struct kp_face *face);
/* Ends all: no more connections, and the present ones are cut. */
void kp_face_stop(struct kp_face *face);

#endif
