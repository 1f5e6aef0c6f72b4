/*
 * Serial numbers: a prefix and a number with leading zeros.  A serial is the device's id, the name
 * of its folder and a cell of the manifest, so it has letters, digits, - _ and . alone and begins
 * with a letter or digit.
 */
#ifndef KP_FACTORY_SERIAL_H
#define KP_FACTORY_SERIAL_H

#include <keyplate/keyplate.h>

#define KP_SERIAL_PREFIX_MAX 40
#define KP_SERIAL_DIGITS 6 /* at least */
#define KP_SERIAL_DIGITS_MAX 9
#define KP_SERIAL_NUMBER_MAX 999999999ul
#define KP_SERIAL_LEN (KP_SERIAL_PREFIX_MAX + KP_SERIAL_DIGITS_MAX) /* without a NUL */

/* All serials of one order. */
struct kp_serials {
    char prefix[KP_SERIAL_PREFIX_MAX + 1];
    unsigned digits; /* of the number: as many as the last one has, but at least KP_SERIAL_DIGITS */
    unsigned long first;
    unsigned long count;
};

/* prefix NULL: the letters and digits of model and a hyphen.  KP_E_ARGUMENT with *why, one clause
 * without a full stop: also where a serial would look like a label's password, which no client
 * sends as an id. */
int kp_serials_init(struct kp_serials *serials, const char *prefix, const char *model,
                    unsigned long first, unsigned long count, const char **why) KP_MUST_CHECK;
/* The serial of that place, from 0; returns out. */
const char *kp_serials_at(const struct kp_serials *serials, unsigned long index,
                          char out[static KP_SERIAL_LEN + 1]);
/* Which place text[len] has; false: it is none of them. */
bool kp_serials_find(const struct kp_serials *serials, const char *text, size_t len,
                     unsigned long *index);

#endif
