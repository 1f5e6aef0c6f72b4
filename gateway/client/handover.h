/*
 * One hub for each person of a machine: who comes first owns it and opens a socket in the person's
 * runtime folder (0600); who comes later finds it there and speaks to it as a desk's client.  Both
 * sides make sure that the other end is the person's.
 *
 *      RUNTIME/lock     held (flock) by the owner for as long as it lives
 *      RUNTIME/hub      the socket: frames.h, then desk.h's messages
 */
#ifndef KP_CLIENT_HANDOVER_H
#define KP_CLIENT_HANDOVER_H

#include "desk.h"

/* ---- Whose the hub is -------------------------------------------------------------------- */

enum kp_owner_result {
    KP_OWNER_WE,     /* we own it: the lock is ours until kp_owner_leave */
    KP_OWNER_OTHER,  /* it is somebody's: connect */
    KP_OWNER_NOBODY, /* the folder can't be used: why.  We can work, but alone */
};

struct kp_owner {
    int lock; /* descriptor, or -1 */
    char folder[4096];
};

enum kp_owner_result kp_owner_claim(struct kp_owner *owner, char why[KP_WORD_LEN]);
void kp_owner_leave(struct kp_owner *owner);

/* ---- The owner's side -------------------------------------------------------------------- */

#define KP_COUNTER_CLIENTS 16 /* that are served at a time; more are turned away */

struct kp_counter; /* where clients come to */

/* Opens the socket and gives each client a desk.  0 or a negative uv error. */
int kp_counter_open(struct kp_counter **out, struct kp_loop *loop, struct kp_hub *hub,
                    const struct kp_owner *owner);
/* Ends all clients.  NULL is fine.  The loop has to run until it is empty. */
void kp_counter_close(struct kp_counter *counter);

/* ---- The other side ---------------------------------------------------------------------- */

struct kp_errand;

struct kp_errand_hooks {
    void (*connected)(void *owner); /* messages can be sent from now on; may be NULL */
    void (*message)(void *owner, const char *text, size_t len);
    void (*ended)(void *owner); /* once, also when it couldn't connect; then it is freed */
};

/* Connects to the owner's hub; hooks are never called from in here.  0 or a negative uv error. */
int kp_errand_start(struct kp_errand **out, struct kp_loop *loop,
                    const struct kp_errand_hooks *hooks, void *owner);
/* What is sent before it is connected waits; it is lost if that fails. */
void kp_errand_send(struct kp_errand *errand, const char *text, size_t len);
/* No hook is called any more.  NULL is fine. */
void kp_errand_close(struct kp_errand *errand);

#endif
