/*
 * Bounded reading and writing of bytes.  Knows nothing of what they mean.
 */
#include "base/bytes.h"

#include <string.h>

void kp_reader_init(struct kp_reader *r, const uint8_t *data, size_t len)
{
    r->data = data;
    r->left = len;
    r->failed = false;
}

const uint8_t *kp_read_bytes(struct kp_reader *r, size_t len)
{
    const uint8_t *at = r->data;

    if (r->failed || len > r->left) {
        r->failed = true;
        r->left = 0;
        return NULL;
    }
    /* NULL + 0 is undefined: an empty reader may have no bytes at all. */
    if (len > 0)
        r->data += len;
    r->left -= len;
    return at;
}

static uint64_t read_number(struct kp_reader *r, unsigned len)
{
    const uint8_t *p = kp_read_bytes(r, len);
    uint64_t value = 0;

    for (unsigned i = 0; p != NULL && i < len; i++)
        value = value << 8 | p[i];
    return value;
}

uint8_t kp_read_u8(struct kp_reader *r)
{
    return (uint8_t)read_number(r, 1);
}

uint16_t kp_read_u16(struct kp_reader *r)
{
    return (uint16_t)read_number(r, 2);
}

uint32_t kp_read_u24(struct kp_reader *r)
{
    return (uint32_t)read_number(r, 3);
}

uint32_t kp_read_u32(struct kp_reader *r)
{
    return (uint32_t)read_number(r, 4);
}

uint64_t kp_read_u64(struct kp_reader *r)
{
    return read_number(r, 8);
}

struct kp_reader kp_read_vector(struct kp_reader *r, unsigned length_bytes, size_t min, size_t max)
{
    struct kp_reader inner = {NULL, 0, true};
    size_t len = (size_t)read_number(r, length_bytes);

    if (len < min || len > max)
        r->failed = true;
    const uint8_t *at = kp_read_bytes(r, len);
    if (!r->failed)
        kp_reader_init(&inner, at, len);
    return inner;
}

bool kp_reader_done(const struct kp_reader *r)
{
    return !r->failed && r->left == 0;
}

void kp_builder_init(struct kp_builder *b, uint8_t *data, size_t capacity)
{
    b->data = data;
    b->capacity = capacity;
    b->len = 0;
    b->failed = false;
}

void kp_put_bytes(struct kp_builder *b, const void *data, size_t len)
{
    if (b->failed || len > b->capacity - b->len) {
        b->failed = true;
        return;
    }
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

static void put_number(struct kp_builder *b, uint64_t value, unsigned len)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < len; i++)
        bytes[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
    kp_put_bytes(b, bytes, len);
}

void kp_put_u8(struct kp_builder *b, uint8_t value)
{
    put_number(b, value, 1);
}

void kp_put_u16(struct kp_builder *b, uint16_t value)
{
    put_number(b, value, 2);
}

void kp_put_u24(struct kp_builder *b, uint32_t value)
{
    put_number(b, value, 3);
}

void kp_put_u32(struct kp_builder *b, uint32_t value)
{
    put_number(b, value, 4);
}

void kp_put_u64(struct kp_builder *b, uint64_t value)
{
    put_number(b, value, 8);
}

size_t kp_put_open(struct kp_builder *b, unsigned length_bytes)
{
    size_t mark = b->len;

    put_number(b, 0, length_bytes);
    return mark;
}

void kp_put_close(struct kp_builder *b, size_t mark, unsigned length_bytes)
{
    if (b->failed)
        return;
    size_t len = b->len - mark - length_bytes;
    if (len >> (8 * length_bytes) != 0) {
        b->failed = true;
        return;
    }
    struct kp_builder at;
    kp_builder_init(&at, b->data + mark, length_bytes);
    put_number(&at, len, length_bytes);
}
