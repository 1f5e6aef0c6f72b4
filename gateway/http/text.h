/*
 * Text that is borrowed, and text that grows: what the rest of this room reads from and writes to.
 */
#ifndef KP_HTTP_TEXT_H
#define KP_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Not NUL-terminated. */
struct kp_slice {
    const char *at;
    size_t len;
};

/* Whether both have the same len bytes, in any case of ASCII letters. */
bool kp_slice_same(const char *a, const char *b, size_t len);

/* Whether it is that word, in any case of ASCII letters. */
static inline bool kp_slice_is(struct kp_slice text, const char *word)
{
    return text.len == strlen(word) && kp_slice_same(text.at, word, text.len);
}

/* Whether a comma-separated list (RFC 9110 5.6.1) has that word, in any case. */
bool kp_slice_lists(struct kp_slice list, const char *word);
/* Takes the next element off a comma-separated list, without the space around it; empty ones are
 * skipped.  false: none is left. */
bool kp_slice_next(struct kp_slice *list, struct kp_slice *element);

/* Text that grows by malloc.  Starts as zeros; the first failure is kept, and adds nothing more. */
struct kp_out {
    char *at;
    size_t len;
    size_t room;
    bool failed;
};

/* For the others: when it has to grow. */
void kp_out_add_slowly(struct kp_out *out, const void *data, size_t len);

static inline void kp_out_add(struct kp_out *out, const void *data, size_t len)
{
    if (out->failed || len == 0 || len > out->room - out->len) {
        kp_out_add_slowly(out, data, len);
        return;
    }
    memcpy(out->at + out->len, data, len);
    out->len += len;
}

static inline void kp_out_word(struct kp_out *out, const char *word)
{
    kp_out_add(out, word, strlen(word));
}

static inline void kp_out_text(struct kp_out *out, struct kp_slice text)
{
    kp_out_add(out, text.at, text.len);
}

void kp_out_number(struct kp_out *out, uint64_t number);
/* Takes the first len bytes off, which are gone. */
void kp_out_shift(struct kp_out *out, size_t len);
/* Wipes and frees, and is all zeros again. */
void kp_out_free(struct kp_out *out);

#endif
