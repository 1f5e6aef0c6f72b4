/*
 * The loopback face: one port of 127.0.0.1 and of ::1, and the browsers' connections that come to
 * it.  On both addresses, as browsers try both for a name under localhost: whoever had the other
 * one would be taken for us.
 */
#ifndef KP_CLIENT_FACE_H
#define KP_CLIENT_FACE_H

#include "../net/listener.h"

#define KP_FACE_CONNECTIONS 512 /* of browsers, at once; then those at rest give way */
#define KP_FACE_STRANGERS 16    /* of them, of other users of this computer */
#define KP_FACE_WAITING 64      /* requests that wait for a proof, of one device */

struct kp_hub;
struct kp_visitor;

struct kp_face {
    struct kp_loop *loop;
    struct kp_hub *hub;
    struct kp_listener listeners[2];
    int fds[2];                  /* -1: there is none */
    struct kp_visitor *visitors; /* a list */
    unsigned count;              /* of them */
    unsigned strangers;          /* of those, other users' */
    unsigned port;
};

/* Binds both addresses at that port; 0: at one that is free, outside of the range that systems give
 * to clients.  A machine without ::1 does without.  0 or a negative uv error; nothing is open then.
 */
int kp_face_bind(struct kp_face *face, unsigned port);
/* Begins to take connections, after loop and hub were set.  0 or a negative uv error. */
int kp_face_start(struct kp_face *face);
/* Ends all: no more connections, and the present ones are cut.  Fine twice, or without a start. */
void kp_face_stop(struct kp_face *face);

#endif
