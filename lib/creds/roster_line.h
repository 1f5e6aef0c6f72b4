/*
 * What reading and writing a credentials file share: the form of a line.  Only for roster_*.c; the
 * format stands in roster.h.
 */
#ifndef KP_CREDS_ROSTER_LINE_H
#define KP_CREDS_ROSTER_LINE_H

#include "creds/roster.h"

#define KP_ROSTER_LINE_MAGIC "keyplate-credentials"
#define KP_ROSTER_LINE_CHECK_LEN 8 /* hex digits of a line's check */

extern const char kp_roster_line_digits[]; /* of hex, NUL-terminated */

/* The check of line[len], not NUL-terminated. */
int kp_roster_line_check(const struct kp_crypto *crypto, const char *line, size_t len,
                         char out[static KP_ROSTER_LINE_CHECK_LEN]) KP_MUST_CHECK;
/* Whether a byte of a name is written as \xNN. */
bool kp_roster_line_must_escape(uint8_t c);

#endif
