/*
 * The form of a line of a credentials file.
 */
#include "creds/roster_line.h"

const char kp_roster_line_digits[] = "0123456789abcdef";

int kp_roster_line_check(const struct kp_crypto *crypto, const char *line, size_t len,
                         char out[static KP_ROSTER_LINE_CHECK_LEN])
{
    const struct kp_span span = {(const uint8_t *)line, len};
    uint8_t digest[KP_SHA256_LEN] = {0};
    int error = kp_digest(crypto, KP_HASH_SHA256, &span, 1, digest);
    for (size_t i = 0; i < KP_ROSTER_LINE_CHECK_LEN; i++)
        out[i] = kp_roster_line_digits[i % 2 == 0 ? digest[i / 2] >> 4 : digest[i / 2] & 15];
    return error;
}

bool kp_roster_line_must_escape(uint8_t c)
{
    return c <= ' ' || c == 0x7f || c == '\\';
}
