/*
 * A strict reader of a small JSON text (RFC 8259), from front to back, without memory of its own.
 * It latches: after the first thing that isn't as it should be every further call fails, so a
 * parser may look once, at its end.
 *
 *      kp_json_init(&j, text, len);
 *      kp_json_open(&j, '{');
 *      while (kp_json_next_key(&j, key, sizeof key))
 *          if (strcmp(key, "port") == 0) kp_json_number(&j, 65535, &port);
 *          else kp_json_skip(&j);
 *      good = kp_json_done(&j);
 */
#ifndef KP_CLIENT_JSON_H
#define KP_CLIENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KP_JSON_DEPTH 32 /* of objects and arrays in each other */

struct kp_json {
    const char *at, *end;
    char closes[KP_JSON_DEPTH]; /* of what is open: } or ] */
    unsigned depth;
    bool first; /* nothing of what was opened last has been read yet */
    bool failed;
};

void kp_json_init(struct kp_json *json, const char *text, size_t len);

/* Goes into an object ('{') or array ('['). */
void kp_json_open(struct kp_json *json, char bracket);
/* The next member's key, NUL-terminated; its value is to be read next.  False at the object's end,
 * which is passed, and after a failure.  A key that doesn't fit is cut: give room for more than the
 * longest that is looked for. */
bool kp_json_next_key(struct kp_json *json, char *key, size_t size);
/* Whether there is another element; false as above. */
bool kp_json_next(struct kp_json *json);

/* The value as a string of size - 1 bytes at most, NUL-terminated, in UTF-8: escapes are resolved.
 * Fails on one with a NUL inside or that is too long. */
void kp_json_string(struct kp_json *json, char *out, size_t size);
/* The value as a whole number from 0 to max, in digits alone. */
void kp_json_number(struct kp_json *json, uint64_t max, uint64_t *out);
/* The next value is a string: for those who take others too. */
bool kp_json_is_string(struct kp_json *json);
/* Passes over a value of any kind. */
void kp_json_skip(struct kp_json *json);

/* Nothing failed, and nothing but white space is left. */
bool kp_json_done(struct kp_json *json);

#endif
