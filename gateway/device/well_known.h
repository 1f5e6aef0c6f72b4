/*
 * The one page that `serve` has of its own: GET /.well-known/keyplate as the first request of a
 * proved connection tells a client what it needs for TLS 1.3.  Bytes only: knows no connection.
 */
#ifndef KP_DEVICE_WELL_KNOWN_H
#define KP_DEVICE_WELL_KNOWN_H

#include <keyplate/keyplate.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../notice.h"

#define KP_WELL_KNOWN_PATH "/.well-known/keyplate"
#define KP_WELL_KNOWN_LINE_LEN 36   /* GET /.well-known/keyplate HTTP/1.x CR LF */
#define KP_WELL_KNOWN_HEAD_MAX 8192 /* bytes of the request, its first line included */
/* Bytes of what is told, each byte of the id as \u00XX, with the NUL. */
#define KP_WELL_KNOWN_JSON_MAX (6 * KP_DEVICE_ID_MAX + 128)

enum kp_well_known_verdict {
    KP_WELL_KNOWN_MORE,  /* it may be the request: held back */
    KP_WELL_KNOWN_OTHER, /* it is something else: what was held goes where it was meant to go */
    KP_WELL_KNOWN_WHOLE, /* it is the request, with the last byte of its head */
    KP_WELL_KNOWN_LONG,  /* it is, and its head is too long */
};

/* What came so far.  Starts as zeros. */
struct kp_well_known {
    char line[KP_WELL_KNOWN_LINE_LEN]; /* held back */
    uint8_t line_len;
    uint8_t ends; /* how much of CR LF CR LF came last */
    uint16_t head;
};

/* Takes the next bytes[len].  With _OTHER none of them are taken and line[line_len] is what was
 * held; otherwise all are: what follows the head is nobody's. */
enum kp_well_known_verdict kp_well_known_take(struct kp_well_known *page, const uint8_t *bytes,
                                              size_t len);
/* Whether the request line has come whole: from then on the request is ours. */
bool kp_well_known_is_ours(const struct kp_well_known *page);

/* What the answer says, JSON without a newline, NUL-terminated; returns its length.  versions:
 * KP_USE_*; id[id_len]: the device's, UTF-8. */
size_t kp_well_known_json(char out[KP_WELL_KNOWN_JSON_MAX], unsigned versions, unsigned port,
                          const uint8_t *id, size_t id_len);
/* The answer, a whole HTTP response; returns its length. */
size_t kp_well_known_answer(char out[KP_NOTICE_MAX], unsigned versions, unsigned port,
                            const uint8_t *id, size_t id_len);

#endif
