/*
 * Bounded reading and writing of bytes: every message is parsed through a reader and written
 * through a builder.  Both latch: after the first step out of bounds every further one fails, so a
 * parser may look once, at its end.
 */
#ifndef KP_BASE_BYTES_H
#define KP_BASE_BYTES_H

#include <keyplate/keyplate.h>

struct kp_reader {
    const uint8_t *data;
    size_t left;
    bool failed;
};

void kp_reader_init(struct kp_reader *r, const uint8_t *data, size_t len);
/* Big-endian numbers; 0 after a failure. */
uint8_t kp_read_u8(struct kp_reader *r);
uint16_t kp_read_u16(struct kp_reader *r);
uint32_t kp_read_u24(struct kp_reader *r);
uint32_t kp_read_u32(struct kp_reader *r);
uint64_t kp_read_u64(struct kp_reader *r);
/* The next len bytes where they stand, or NULL. */
const uint8_t *kp_read_bytes(struct kp_reader *r, size_t len);
/* A vector with a length of length_bytes (1, 2 or 3) before it: a reader of its own.  A length out
 * of min..max fails.  The inner reader of a failed one is empty and failed. */
struct kp_reader kp_read_vector(struct kp_reader *r, unsigned length_bytes, size_t min, size_t max);
/* Everything was read and nothing failed. */
bool kp_reader_done(const struct kp_reader *r);

struct kp_builder {
    uint8_t *data;
    size_t capacity;
    size_t len;
    bool failed;
};

void kp_builder_init(struct kp_builder *b, uint8_t *data, size_t capacity);
void kp_put_u8(struct kp_builder *b, uint8_t value);
void kp_put_u16(struct kp_builder *b, uint16_t value);
void kp_put_u24(struct kp_builder *b, uint32_t value);
void kp_put_u32(struct kp_builder *b, uint32_t value);
void kp_put_u64(struct kp_builder *b, uint64_t value);
void kp_put_bytes(struct kp_builder *b, const void *data, size_t len);
/* Opens a vector whose length (of length_bytes) is written when it is closed with what open
 * returned. */
size_t kp_put_open(struct kp_builder *b, unsigned length_bytes);
void kp_put_close(struct kp_builder *b, size_t mark, unsigned length_bytes);

#endif
