/*
 * Messages on a stream of bytes, as native messaging has them: four bytes of length in the
 * machine's own order, then so many bytes.  Bytes in, bytes out; knows no descriptor.
 */
#ifndef KP_CLIENT_FRAMES_H
#define KP_CLIENT_FRAMES_H

#include "../http/text.h"

struct kp_frames {
    size_t max; /* bytes of a message */
    uint8_t head[4];
    size_t head_len;
    char *message;    /* malloc's, the message that is being read; wiped when it is freed */
    size_t len, size; /* of it: so far, and in all */
    bool broken;      /* a length of 0 or above max: nothing more is read */
};

void kp_frames_init(struct kp_frames *frames, size_t max);
void kp_frames_clear(struct kp_frames *frames);
/* Reads bytes[len]; calls one for each message that is whole, until it returns false.  false: the
 * stream is broken (its owner closes it), or there is no memory. */
bool kp_frames_take(struct kp_frames *frames, const uint8_t *bytes, size_t len,
                    bool (*one)(void *owner, const char *text, size_t len), void *owner);
/* Adds the frame of a message. */
void kp_frames_put(struct kp_out *out, const char *text, size_t len);

#endif
