/*
 * The first bytes of an accepted connection, read until it is known what the client speaks
 * (kp_first_bytes): then the socket goes to whoever serves that.
 *
 * Life: kp_newcomer_begin; hooks->sorted or hooks->gone, once, unless it is stopped; hooks->closed,
 * once, after which the memory may be freed.
 */
#ifndef KP_NET_NEWCOMER_H
#define KP_NET_NEWCOMER_H

#include <keyplate/keyplate.h>

#include "stream.h"

struct kp_newcomer;

struct kp_newcomer_hooks {
    /* fd is the owner's from now on, to be opened on the same loop or closed; bytes[len] were read
     * from it and are valid during the call.  first is not KP_FIRST_MORE. */
    void (*sorted)(struct kp_newcomer *newcomer, int fd, enum kp_first first, const uint8_t *bytes,
                   size_t len);
    /* It can't be told what it would have been; fd is closed.  error: UV_ETIMEDOUT, the deadline
     * has passed; UV_EOF, it ended; UV_ENOMEM; else what broke it.  newcomer->len: bytes that came.
     */
    void (*gone)(struct kp_newcomer *newcomer, int error);
    void (*closed)(struct kp_newcomer *newcomer);
};

struct kp_newcomer {
    struct kp_stream stream; /* first */
    uv_timer_t timer;
    const struct kp_newcomer_hooks *hooks;
    uint8_t *bytes; /* NULL: none yet, or no more */
    uint32_t len, capacity;
    uint8_t closing; /* handles that are yet to close */
    bool done;       /* no more hooks but closed */
};

/* Takes over fd; no hook is called in here.  Negative uv error: fd is closed and no hook is ever
 * called. */
int kp_newcomer_begin(struct kp_newcomer *newcomer, struct kp_loop *loop, int fd,
                      uint32_t deadline_ms, const struct kp_newcomer_hooks *hooks);
/* Closes fd; of the hooks only closed follows.  After sorted or gone: nothing. */
void kp_newcomer_stop(struct kp_newcomer *newcomer);

#endif
