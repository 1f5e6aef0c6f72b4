/*
 * Secrets: wiping, and comparing without a branch on what is compared.
 */
#ifndef KP_BASE_SECRET_H
#define KP_BASE_SECRET_H

#include <keyplate/keyplate.h>

/* Overwrites with zeros, never optimised away. */
void kp_wipe(void *data, size_t len);
/* Wipes and frees memory of malloc; NULL is fine. */
void kp_free_secret(void *data, size_t len);
/* Whether a[len] equals b[len], in time that depends on len alone. */
bool kp_equal_secret(const void *a, const void *b, size_t len);
/* All ones for 1, 0 for 0: to choose by without a branch. */
size_t kp_mask_secret(size_t bit);
/* Moves data[len] down over its leading zeros, with zeros behind it, and gives the length that is
 * left; time and what memory is touched depend on len alone. */
size_t kp_strip_secret(uint8_t *data, size_t len);

#endif
