/*
 * Hexadecimal text to bytes; whitespace is passed over.
 */
#ifndef TEST_UNIT_HEX_H
#define TEST_UNIT_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The number of bytes; the program ends where out is too short or the text is odd. */
static inline size_t hex(const char *text, uint8_t *out, size_t max)
{
    size_t digits = 0;

    for (; *text != 0; text++) {
        int d = hex_digit(*text);
        if (d < 0)
            continue;
        if (digits / 2 >= max)
            abort();
        out[digits / 2] = (uint8_t)(digits % 2 == 0 ? d << 4 : out[digits / 2] | d);
        digits++;
    }
    if (digits % 2 != 0)
        abort();
    return digits / 2;
}

#endif
