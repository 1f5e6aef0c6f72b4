/*
 * The lines of a message before llhttp sees them: which bytes may stand where in start lines,
 * fields and chunk sizes, where a line and a head end, and how long they may be.  A table and one
 * driver; keeps no text but the digits of a chunk's size.
 */
#ifndef KP_HTTP_LINES_H
#define KP_HTTP_LINES_H

#include "head.h"

#define KP_HTTP_SIZE_DIGITS 16 /* hexadecimal, of a chunk's size: 64 bits */

enum kp_http_section {
    KP_HTTP_REQUEST_HEAD, /* up to two empty lines before it are let pass, RFC 9112 2.2 */
    KP_HTTP_RESPONSE_HEAD,
    KP_HTTP_FIRST_CHUNK, /* the line before a chunk's bytes */
    KP_HTTP_NEXT_CHUNK,  /* the same, and before it the line end after the last chunk's */
    KP_HTTP_TRAILERS,    /* the fields after the last chunk, with the empty line */
};

struct kp_http_lines {
    uint8_t state;
    bool lax;        /* a head's lines, or trailers', may end in a bare LF */
    uint8_t digits;  /* of size[] */
    uint16_t fields; /* of the section */
    uint32_t len;    /* bytes of the section; of chunks' lines: of all their extensions so far */
    char size[KP_HTTP_SIZE_DIGITS];
};

/* Goes to the start of a section.  Only KP_HTTP_NEXT_CHUNK keeps the count of the bytes. */
void kp_http_lines_begin(struct kp_http_lines *lines, enum kp_http_section section, bool lax);
/* Reads bytes[len] until the section ends or there is a fault; tells how many were read. */
size_t kp_http_lines_read(struct kp_http_lines *lines, const uint8_t *bytes, size_t len);
/* Whether more than empty lines before a request was read of the section. */
bool kp_http_lines_begun(const struct kp_http_lines *lines);
bool kp_http_lines_done(const struct kp_http_lines *lines);
/* One plain clause, static; NULL: there is no fault.  too_long: it is one of size. */
const char *kp_http_lines_fault(const struct kp_http_lines *lines, bool *too_long);

#endif
