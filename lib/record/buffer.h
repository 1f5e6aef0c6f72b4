/*
 * A buffer that is borrowed from the heap while bytes are in it and given back when they are gone.
 */
#ifndef KP_RECORD_BUFFER_H
#define KP_RECORD_BUFFER_H

#include <keyplate/keyplate.h>

/* A zeroed struct is an empty buffer. */
struct kp_buffer {
    uint8_t *data;
    uint32_t capacity;
    uint32_t start; /* bytes start..end are in use */
    uint32_t end;
};

size_t kp_buffer_used(const struct kp_buffer *b);
const uint8_t *kp_buffer_data(const struct kp_buffer *b);
/* At least `need` bytes behind the used ones: moves or grows (to at least `capacity` in all). */
int kp_buffer_reserve(struct kp_buffer *b, size_t need, size_t capacity) KP_MUST_CHECK;
/* Where the next bytes go, and how many fit. */
uint8_t *kp_buffer_tail(struct kp_buffer *b, size_t *room);
void kp_buffer_added(struct kp_buffer *b, size_t len);
void kp_buffer_taken(struct kp_buffer *b, size_t len);
/* Gives the memory back if nothing is in use; wiped first if it held secrets. */
void kp_buffer_rest(struct kp_buffer *b, bool secret);
/* The same, used bytes or not. */
void kp_buffer_free(struct kp_buffer *b, bool secret);

#endif
