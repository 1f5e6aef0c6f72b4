/*
 * Names, device ids and passwords as text: UTF-8, NFC (Unicode Normalization Form C), what a name
 * may hold, and how a hostile one is printed.  Knows no file.
 */
#ifndef KP_CREDS_TEXT_H
#define KP_CREDS_TEXT_H

#include <keyplate/keyplate.h>

#define KP_TEXT_PASSWORD_MAX 1024 /* bytes of a password, before and after NFC */
#define KP_TEXT_ESCAPED_MAX(len) (4 * (size_t)(len) + 1) /* bytes, with the NUL */

/* Bytes on the heap, NUL-terminated.  Owned; may be secret: always freed with kp_text_clear. */
struct kp_text {
    char *data;
    size_t len;
};

/* Wipes, frees and empties. */
void kp_text_clear(struct kp_text *text);
/* A copy of data[len]; KP_E_MEMORY. */
int kp_text_copy(struct kp_text *out, const char *data, size_t len) KP_MUST_CHECK;

enum kp_text_fault {
    KP_TEXT_FINE = 0,
    KP_TEXT_EMPTY,
    KP_TEXT_LONG,
    KP_TEXT_NOT_UTF8,
    KP_TEXT_CONTROL,
    KP_TEXT_CARRIAGE_RETURN, /* a control character, so common that it has a sentence of its own */
    KP_TEXT_COLON,
    KP_TEXT_SPACE,     /* a new name with a space at an end */
    KP_TEXT_NOT_ASCII, /* built without utf8proc: no NFC but for ASCII */
    KP_TEXT_MEMORY,
};

/* What is wrong, to follow "the name " or "the password ": "is empty", "is not UTF-8", ... */
const char *kp_text_fault_text(enum kp_text_fault fault);

/* Whether data[len] is well-formed UTF-8 (no surrogates, nothing overlong, at most U+10FFFF). */
bool kp_text_is_utf8(const char *data, size_t len);

/* The rules of names, which are the rules of device ids: 1 to 255 bytes of UTF-8 without control
 * characters (Unicode's Cc). */
enum kp_text_fault kp_text_name_check(const char *data, size_t len) KP_MUST_CHECK;

/* A name (or device id) as a person gave it: NFC, then the rules.  fresh: a new one, without ':',
 * which would make SRP's name ":" password ambiguous, and without a space at either end, which
 * nobody sees. */
enum kp_text_fault kp_text_name(struct kp_text *out, const char *data, size_t len,
                                bool fresh) KP_MUST_CHECK;
/* A password as a person gave it: NFC, 1 to KP_TEXT_PASSWORD_MAX bytes, no control characters.
 * Every copy made on the way is wiped. */
enum kp_text_fault kp_text_password(struct kp_text *out, const char *data,
                                    size_t len) KP_MUST_CHECK;

/* data[len] as one line for logs and lists, NUL-terminated: printable UTF-8 stays; every other
 * byte, the backslash and the double quote become \xNN.  Returns out, which has room for
 * KP_TEXT_ESCAPED_MAX(len).
 */
char *kp_text_escape(char *out, const char *data, size_t len);

#endif
