/*
 * The JSON of the desk's messages: read strictly, and written.  Knows no hub.
 */
#ifndef KP_CLIENT_DESK_JSON_H
#define KP_CLIENT_DESK_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "../http/text.h"

struct cJSON;

/* ---- Reading ----------------------------------------------------------------------------- */

#define KP_MESSAGE_DEPTH 8    /* objects and arrays in each other */
#define KP_MESSAGE_MEMBERS 64 /* of an object or an array */

struct kp_message {
    struct cJSON *json;
    int id;
    char fault[96]; /* what is wrong with it, in English, for the client's author; "": nothing is */
};

/* What cJSON allocates is wiped when it is freed, in the whole process: once, and before anything
 * is in its hands. */
void kp_message_wipe_all(void);

/* Reads text[len].  false: it isn't JSON, or has no id that could be answered to; nothing is held.
 * Else it is the caller's to clear, and fault tells of nesting, members that are there twice, NUL
 * and what isn't UTF-8. */
bool kp_message_read(struct kp_message *message, const char *text, size_t len);
void kp_message_clear(struct kp_message *message);

/* Members; NULL, or otherwise, if it isn't there.  One of a wrong kind is told in fault, which
 * keeps the first. */
const char *kp_message_text(struct kp_message *message, const char *key);
bool kp_message_bool(struct kp_message *message, const char *key, bool otherwise);
int kp_message_number(struct kp_message *message, const char *key, int min, int max, int otherwise);
/* One of words (NULL at its end): its place; or -1 if it isn't there. */
int kp_message_word(struct kp_message *message, const char *key, const char *const *words);
bool kp_message_has(const struct kp_message *message, const char *key);
/* A fault if the member isn't there. */
void kp_message_needs(struct kp_message *message, const char *key);

/* ---- Writing ----------------------------------------------------------------------------- */

/* Starts as zeros; freed, and wiped, by kp_out_free(&json.out). */
struct kp_json {
    struct kp_out out;
    bool more; /* a comma comes before the next value */
};

/* key NULL: it stands in an array, or is the whole. */
void kp_json_begin(struct kp_json *json, const char *key, char bracket);
void kp_json_end(struct kp_json *json, char bracket);
/* text NULL: null.  What isn't UTF-8 in it becomes U+FFFD. */
void kp_json_text(struct kp_json *json, const char *key, const char *text);
void kp_json_number(struct kp_json *json, const char *key, uint64_t number);
void kp_json_bool(struct kp_json *json, const char *key, bool yes);
void kp_json_null(struct kp_json *json, const char *key);

#endif
