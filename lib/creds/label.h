/*
 * Label passwords: what is printed on a device's plate.
 *
 *      xxxxx-xxxxx-xxxxx       14 random characters (70 bits), then one check character
 *
 * The alphabet has 32 letters, lower case, without look-alikes: no 0 o 1 l.  A letter's place in it
 * is an element of GF(32) (modulo x^5 + x^2 + 1), and the check character makes
 *
 *      c0 + a c1 + a^2 c2 + ... + a^14 c14 = 0         a = x, of order 31
 *
 * as in a Reed-Solomon code: any one wrong letter changes the sum by a^i d with d != 0, and any two
 * letters swapped, neighbours or not, by (a^i + a^j) d, never 0 as all the weights differ.  So
 * every single substitution and every transposition is found, and 31 of 32 other mistakes.
 *
 * The hyphens belong to the password, so that every TLS-SRP client works with it as printed.
 */
#ifndef KP_CREDS_LABEL_H
#define KP_CREDS_LABEL_H

#include "crypto/provider.h"

#define KP_LABEL_LEN 17 /* 15 letters and 2 hyphens */

extern const char kp_label_alphabet[33];

/* A new label password, NUL-terminated; secret. */
int kp_label_make(const struct kp_crypto *crypto, char out[static KP_LABEL_LEN + 1]) KP_MUST_CHECK;
/* Whether text[len] looks like one: three groups of five letters or digits, any case. */
bool kp_label_is_shaped(const char *text, size_t len);
/* Whether text[len] is one: shape, alphabet, lower case and check character. */
bool kp_label_is_right(const char *text, size_t len);

/* Whether text[len] is one as a person may type it: in capitals, or with a hyphen left out or both.
 * out: as it is printed on the label, NUL-terminated; secret.  Without both hyphens only the first
 * letter may be of another case than the rest: what mixes them is more likely somebody's own
 * password than a label's. */
bool kp_label_read(const char *text, size_t len, char out[static KP_LABEL_LEN + 1]) KP_MUST_CHECK;

/* Whether text[len] is one as kp_label_read takes it, spaces around it or not: names, ids and
 * addresses go over the wire in the clear. */
bool kp_label_is_typed(const char *text, size_t len);

/* count random letters of the alphabet and a NUL: for device ids. */
int kp_label_letters(const struct kp_crypto *crypto, char *out, size_t count) KP_MUST_CHECK;

#endif
