/*
 * The base 64 of SRP files.
 */
#include "creds/srp64.h"

#include <string.h>

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz./";

static int value(char c)
{
    const char *place = c == '\0' ? NULL : strchr(digits, c);
    return place == NULL ? -1 : (int)(place - digits);
}

int kp_srp64_read(uint8_t *out, size_t capacity, size_t *len, const char *text, size_t text_len)
{
    /* GnuTLS drops leading zero digits of the topmost one or two bytes: two digits on top are one
     * byte, unless they hold more than eight bits. */
    static const size_t top[] = {0, 1, 1, 2};
    size_t bytes = text_len / 4 * 3 + top[text_len % 4];
    unsigned bits = 0;
    unsigned held = 0;
    size_t at;

    *len = 0;
    if (text_len == 0 || bytes > capacity)
        return KP_E_SYNTAX;
    at = bytes;
    for (size_t i = text_len; i-- > 0;) {
        int digit = value(text[i]);
        if (digit < 0)
            return KP_E_SYNTAX;
        bits |= (unsigned)digit << held;
        held += 6;
        if (held >= 8 && at > 0) {
            out[--at] = (uint8_t)bits;
            bits >>= 8;
            held -= 8;
        }
    }
    if (at > 0) {
        out[--at] = (uint8_t)bits;
        bits >>= 8;
    }
    if (bits != 0) {
        if (text_len % 4 != 2 || bytes + 1 > capacity)
            return KP_E_SYNTAX;
        memmove(out + 1, out, bytes);
        out[0] = (uint8_t)bits;
        bytes++;
    }
    *len = bytes;
    return 0;
}

void kp_srp64_write(char *out, const uint8_t *data, size_t len)
{
    size_t at = KP_SRP64_LEN(len);
    unsigned bits = 0;
    unsigned held = 0;

    out[at] = '\0';
    for (size_t i = len; i-- > 0;) {
        bits |= (unsigned)data[i] << held;
        for (held += 8; held >= 6 && at > 0; held -= 6) {
            out[--at] = digits[bits & 63];
            bits >>= 6;
        }
    }
    if (at > 0)
        out[at - 1] = digits[bits & 63];
}
