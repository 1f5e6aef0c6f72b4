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
