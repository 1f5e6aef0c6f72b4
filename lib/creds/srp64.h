/*
 * The base 64 of SRP files: digits 0-9 A-Z a-z . /, a big-endian number aligned at its end.  Two
 * writers are about (OpenSSL's and GnuTLS's), which differ in how many leading zero digits they
 * print; the reader takes both.  Knows no file.
 */
#ifndef KP_CREDS_SRP64_H
#define KP_CREDS_SRP64_H

#include <keyplate/keyplate.h>

/* Digits that len bytes need. */
#define KP_SRP64_LEN(len) ((4 * (size_t)(len) + 2) / 3)

/* Reads text[text_len] into out[capacity], *len bytes: leading zero bytes are kept as far as the
 * digits tell of them.  KP_E_SYNTAX: empty, a character that isn't a digit, or too long. */
int kp_srp64_read(uint8_t *out, size_t capacity, size_t *len, const char *text,
                  size_t text_len) KP_MUST_CHECK;
/* Writes data[len] as OpenSSL does, which GnuTLS reads too: always KP_SRP64_LEN(len) digits, and a
 * NUL. */
void kp_srp64_write(char *out, const uint8_t *data, size_t len);

#endif
