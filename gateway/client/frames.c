/* Messages on a stream of bytes: see frames.h. */
#include "frames.h"

#include <stdlib.h>

#include "base/secret.h"

void kp_frames_init(struct kp_frames *frames, size_t max)
{
    *frames = (struct kp_frames){.max = max};
}

static void drop_message(struct kp_frames *frames)
{
    kp_free_secret(frames->message, frames->size);
    frames->message = NULL;
    frames->len = frames->size = 0;
    frames->head_len = 0;
}

void kp_frames_clear(struct kp_frames *frames)
{
    drop_message(frames);
}

/* The length is judged before anything is held for it. */
static bool begin_message(struct kp_frames *frames)
{
    uint32_t size;
    memcpy(&size, frames->head, sizeof size);
    if (size == 0 || size > frames->max)
        return false;
    frames->message = malloc(size);
    frames->size = frames->message != NULL ? size : 0;
    return frames->message != NULL;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Takes what belongs to the head, then to the message; how much. */
static size_t take_some(struct kp_frames *frames, const uint8_t *bytes, size_t len)
{
    size_t some;
    if (frames->message != NULL) {
        some = least(len, frames->size - frames->len);
        memcpy(frames->message + frames->len, bytes, some);
        frames->len += some;
        return some;
    }
    some = least(len, sizeof frames->head - frames->head_len);
    memcpy(frames->head + frames->head_len, bytes, some);
    frames->head_len += some;
    if (frames->head_len == sizeof frames->head)
        frames->broken = !begin_message(frames);
    return some;
}

bool kp_frames_take(struct kp_frames *frames, const uint8_t *bytes, size_t len,
                    bool (*one)(void *owner, const char *text, size_t len), void *owner)
{
    while (len > 0 && !frames->broken) {
        size_t some = take_some(frames, bytes, len);
        bytes += some;
        len -= some;
        if (frames->message == NULL || frames->len < frames->size)
            continue;
        frames->broken = !one(owner, frames->message, frames->size);
        drop_message(frames);
    }
    return !frames->broken;
}

void kp_frames_put(struct kp_out *out, const char *text, size_t len)
{
    uint32_t size = (uint32_t)len;
    kp_out_add(out, &size, sizeof size);
    kp_out_add(out, text, len);
}
