/*
 * A buffer that is borrowed while bytes are in it.
 */
#include "record/buffer.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_LIMIT (1u << 24)

size_t kp_buffer_used(const struct kp_buffer *b)
{
    return b->end - b->start;
}

const uint8_t *kp_buffer_data(const struct kp_buffer *b)
{
    /* NULL + 0 is undefined. */
    return b->data != NULL ? b->data + b->start : NULL;
}

static int grow(struct kp_buffer *b, size_t capacity)
{
    size_t used = kp_buffer_used(b);

    if (capacity > BUFFER_LIMIT)
        return KP_E_INTERNAL;
    uint8_t *data = malloc(capacity);
    if (data == NULL)
        return KP_E_MEMORY;
    if (used > 0)
        memcpy(data, kp_buffer_data(b), used);
    kp_free_secret(b->data, b->end);
    b->data = data;
    b->capacity = (uint32_t)capacity;
    b->start = 0;
    b->end = (uint32_t)used;
    return 0;
}

int kp_buffer_reserve(struct kp_buffer *b, size_t need, size_t capacity)
{
    size_t used = kp_buffer_used(b);

    if (b->data != NULL && b->capacity - b->end >= need)
        return 0;
    if (b->data != NULL && b->capacity >= used + need) {
        memmove(b->data, b->data + b->start, used);
        /* What is wiped later is what lies before `end`. */
        kp_wipe(b->data + used, b->end - used);
        b->start = 0;
        b->end = (uint32_t)used;
        return 0;
    }
    return grow(b, used + need > capacity ? used + need : capacity);
}

uint8_t *kp_buffer_tail(struct kp_buffer *b, size_t *room)
{
    *room = b->capacity - b->end;
    return b->data != NULL ? b->data + b->end : NULL;
}

void kp_buffer_added(struct kp_buffer *b, size_t len)
{
    b->end += (uint32_t)len;
}

void kp_buffer_taken(struct kp_buffer *b, size_t len)
{
    b->start += (uint32_t)len;
}

void kp_buffer_rest(struct kp_buffer *b, bool secret)
{
    if (b->start == b->end)
        kp_buffer_free(b, secret);
}

void kp_buffer_free(struct kp_buffer *b, bool secret)
{
    if (secret && b->data != NULL)
        kp_wipe(b->data, b->end);
    free(b->data);
    memset(b, 0, sizeof(*b));
}
