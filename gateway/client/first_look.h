/*
 * Reads the first bytes of a browser's connection until it is known whether they may pass.
 */
#ifndef KP_CLIENT_FIRST_LOOK_H
#define KP_CLIENT_FIRST_LOOK_H

#include "../net/stream.h"
#include "first_request.h"

#include <stdint.h>

struct kp_first_look {
    struct kp_stream stream; /* first */
    uv_timer_t timer;
    struct kp_loop *loop;
    const char *own;
    /* Once, unless it is cancelled: fd and bytes[len] (from malloc; what was read) are the owner's
     * from now on, the look is not. */
    void (*judged)(void *owner, enum kp_request_verdict verdict, int fd, uint8_t *bytes, size_t len);
    /* Instead: the browser went away, or said nothing for too long. */
    void (*gone)(void *owner);
    void *owner;
    uint8_t *bytes;
    size_t len;
    unsigned open;
};

/* Takes over fd.  own (see kp_first_judge) is borrowed.  NULL: out of memory, fd is closed. */
struct kp_first_look *kp_first_look(struct kp_loop *loop, int fd, const char *own);
/* After judged, gone and owner were set. */
void kp_first_look_start(struct kp_first_look *look);
/* Closes fd; nothing is called. */
void kp_first_look_cancel(struct kp_first_look *look);

#endif
