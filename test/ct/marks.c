/*
 * Marks of memory, and copies without them.
 */
#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#define COPIES_MAX 256

unsigned ct_seen[CT_SEEN];
static unsigned aside;
static uint8_t *copies[COPIES_MAX];
static unsigned copies_count;

void ct_secret(void *data, size_t len)
{
    if (aside == 0 && len > 0)
        VALGRIND_MAKE_MEM_UNDEFINED(data, len);
}

void ct_public(const void *data, size_t len)
{
    if (len > 0)
        VALGRIND_MAKE_MEM_DEFINED(data, len);
}

bool ct_is_secret(const void *data, size_t len)
{
    const uint8_t *at = data;
    uint8_t bits;

    for (size_t i = 0; i < len; i++) {
        if (VALGRIND_GET_VBITS(at + i, &bits, 1) == 1 && bits != 0)
            return true;
    }
    return false;
}

void ct_aside(bool on)
{
    aside = on ? aside + 1 : aside - 1;
}

bool ct_is_aside(void)
{
    return aside > 0;
}

void ct_saw(enum ct_seen what, const void *data, size_t len)
{
    if (ct_is_secret(data, len))
        ct_seen[what]++;
}

unsigned ct_copies(void)
{
    return copies_count;
}

const uint8_t *ct_copy(const void *data, size_t len)
{
    if (len == 0)
        return data;
    uint8_t *copy = malloc(len);
    if (copy == NULL || copies_count == COPIES_MAX) {
        fputs("no room for copies\n", stderr);
        abort();
    }
    memcpy(copy, data, len);
    VALGRIND_MAKE_MEM_DEFINED(copy, len);
    copies[copies_count++] = copy;
    return copy;
}

void ct_drop(unsigned to)
{
    while (copies_count > to)
        free(copies[--copies_count]);
}
