/*
 * Messages over a unix socket of this computer, between two processes of one person: frames.h both
 * ways, bounded, whatever is sent wiped when it is gone.
 */
#ifndef KP_CLIENT_WIRE_H
#define KP_CLIENT_WIRE_H

#include "../net/loop.h"
#include "frames.h"

struct kp_wire {
    uv_pipe_t pipe; /* first */
    struct kp_loop *loop;
    struct kp_frames frames;
    size_t waiting_max;
    /* A message that came, valid until it returns. */
    void (*message)(struct kp_wire *wire, const char *text, size_t len);
    /* Once: it ended, broke or was broken off; the owner closes it, now or later. */
    void (*ended)(struct kp_wire *wire);
    bool over; /* ended was called, or close */
};

/* in_max, waiting_max: bytes of a message to us, and of what waits to be sent.  The pipe is
 * initialised and not yet open. */
void kp_wire_init(struct kp_wire *wire, struct kp_loop *loop, size_t in_max, size_t waiting_max);
/* The pipe is connected: reads.  False: the other end isn't the person's. */
bool kp_wire_start(struct kp_wire *wire);
void kp_wire_send(struct kp_wire *wire, const char *text, size_t len);
/* What the other end sent makes no sense: nothing more is read, and ended comes soon. */
void kp_wire_break(struct kp_wire *wire);
/* No hook is called any more, but gone when the memory can be freed. */
void kp_wire_close(struct kp_wire *wire, void (*gone)(uv_handle_t *handle));

#endif
