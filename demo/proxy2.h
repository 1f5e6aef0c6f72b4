#ifndef DEMO_PROXY2_H
#define DEMO_PROXY2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEMO_PROXY2_USER_LEN 255
#define DEMO_PROXY2_LEN 4096 /* the longest header taken, its 16 fixed bytes included */

/* What the header at the start of a connection says of the one at its far end. */
struct demo_proxy2 {
    bool proved; /* the proxy checked who this is; user, version and cipher hold only then */
    char user[DEMO_PROXY2_USER_LEN + 1]; /* UTF-8 without control characters */
    char version[32];                    /* "TLSv1.3"; "" when not told */
    char cipher[64];                     /* "" when not told */
    char source[128];                    /* "192.0.2.7:40312"; "" when not told */
};

/*
 * Reads a PROXY protocol version 2 header from the first len bytes of a connection. Returns the
 * header's length in bytes with *out filled, 0 when more bytes are needed (*out is then untouched),
 * -1 when this is not such a header; *why is then a short reason.
 */
int demo_proxy2_parse(const uint8_t *bytes, size_t len, struct demo_proxy2 *out, const char **why);

#endif
