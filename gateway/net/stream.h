/*
 * A TCP or unix stream on a loop: readiness, not completion.  Its owner reads and writes when told
 * that it can, straight from and to where the bytes live, so a stream holds no buffer:
 * back-pressure is an owner who doesn't ask to be told.  Knows no TLS.
 */
#ifndef KP_NET_STREAM_H
#define KP_NET_STREAM_H

#include "address.h"
#include "loop.h"

#include <sys/types.h>

enum kp_stream_events { KP_STREAM_READ = UV_READABLE, KP_STREAM_WRITE = UV_WRITABLE };

struct kp_stream {
    uv_poll_t poll;
    /* What was asked for has come; an error comes as both.  The owner then reads or writes, and
     * meets the error there. */
    void (*ready)(struct kp_stream *stream, unsigned events);
    void (*closed)(struct kp_stream *stream); /* after kp_stream_close: may be freed */
    int fd;                                   /* -1: not open */
    uint8_t wants;
    uint8_t armed; /* what the loop watches: wants, and what was wanted before */
};

/* Takes over fd.  ready and closed must be set.  On error fd is closed and closed() isn't called.
 */
int kp_stream_open(struct kp_stream *stream, struct kp_loop *loop, int fd);
/* Starts to connect.  When KP_STREAM_WRITE comes (or now: *done), kp_stream_error says how it went.
 * On error nothing is open. */
int kp_stream_connect(struct kp_stream *stream, struct kp_loop *loop,
                      const struct kp_address *address, bool *done);
int kp_stream_error(const struct kp_stream *stream);

/* Sets which events are reported from now on: a mask of enum kp_stream_events. */
void kp_stream_want(struct kp_stream *stream, unsigned events);

/* Bytes moved; 0 of read: the end; negative: UV_EAGAIN or what broke it. */
ssize_t kp_stream_read(struct kp_stream *stream, uint8_t *data, size_t len);
ssize_t kp_stream_write(struct kp_stream *stream, const uint8_t *data, size_t len);
/* No more of our bytes: FIN. */
void kp_stream_end(struct kp_stream *stream);

/* Closes; abort: with a reset, as what was sent is not the whole.  closed() follows.  Not for a
 * stream that isn't open. */
void kp_stream_close(struct kp_stream *stream, bool abort);
/* The descriptor, which is the caller's again; otherwise as kp_stream_close. */
int kp_stream_release(struct kp_stream *stream);
bool kp_stream_is_open(const struct kp_stream *stream);

#endif
