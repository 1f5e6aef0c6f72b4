/*
 * Secrets: wiping, and comparing without a branch on what is compared.  Knows nothing of TLS.
 */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

void kp_wipe(void *data, size_t len)
{
    if (len == 0)
        return;
    memset(data, 0, len);
    /* The compiler must believe that the zeros are read. */
    __asm__ __volatile__("" : : "r"(data) : "memory");
}

void kp_free_secret(void *data, size_t len)
{
    if (data != NULL)
        kp_wipe(data, len);
    free(data);
}

bool kp_equal_secret(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    uint8_t differ = 0;

    for (size_t i = 0; i < len; i++)
        differ |= (uint8_t)(x[i] ^ y[i]);
    /* Keeps the loop from being ended early by a clever compiler. */
    __asm__ __volatile__("" : "+r"(differ));
    return differ == 0;
}

size_t kp_mask_secret(size_t bit)
{
    size_t mask = (size_t)0 - bit;

    /* Keeps the compiler from making a branch of it. */
    __asm__ __volatile__("" : "+r"(mask));
    return mask;
}

size_t kp_strip_secret(uint8_t *data, size_t len)
{
    size_t leading = 1; /* until a byte isn't 0 */
    size_t zeros = 0;

    for (size_t i = 0; i < len; i++) {
        leading &= ((size_t)data[i] - 1) >> (sizeof(size_t) * 8 - 1);
        zeros += leading;
    }
    /* By 1, 2, 4 and so on, each time in full whether it counts or not. */
    for (size_t by = 1, bit = 0; by <= len; by <<= 1, bit++) {
        size_t yes = kp_mask_secret(zeros >> bit & 1);
        for (size_t i = 0; i < len; i++) {
            size_t from = i + by < len ? data[i + by] : 0;
            data[i] = (uint8_t)((from & yes) | (data[i] & ~yes));
        }
    }
    return len - zeros;
}
