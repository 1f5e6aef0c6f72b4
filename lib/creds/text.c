/*
 * Names and passwords as text.
 */
#include "creds/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#ifdef KP_HAVE_UTF8PROC
#include <utf8proc.h>
#endif

void kp_text_clear(struct kp_text *text)
{
    kp_free_secret(text->data, text->len);
    text->data = NULL;
    text->len = 0;
}

int kp_text_copy(struct kp_text *out, const char *data, size_t len)
{
    out->len = 0;
    out->data = malloc(len + 1);
    if (out->data == NULL)
        return KP_E_MEMORY;
    if (len > 0)
        memcpy(out->data, data, len);
    out->data[len] = '\0';
    out->len = len;
    return 0;
}

const char *kp_text_fault_text(enum kp_text_fault fault)
{
    switch (fault) {
    case KP_TEXT_FINE:
        return "is fine";
    case KP_TEXT_EMPTY:
        return "is empty";
    case KP_TEXT_LONG:
        return "is too long";
    case KP_TEXT_NOT_UTF8:
        return "is not UTF-8";
    case KP_TEXT_CONTROL:
        return "holds a control character";
    case KP_TEXT_CARRIAGE_RETURN:
        return "holds a carriage return: a file with Windows line ends?";
    case KP_TEXT_COLON:
        return "holds a ':', which names can't";
    case KP_TEXT_SPACE:
        return "begins or ends with a space";
    case KP_TEXT_NOT_ASCII:
        return "is not plain ASCII, and this build has no Unicode library (utf8proc)";
    case KP_TEXT_MEMORY:
        return "does not fit in memory";
    }
    return "is wrong";
}

/* The length of the UTF-8 character at data[len], and its code point; 0 when it is malformed.  The
 * ranges are those of RFC 3629, section 4. */
static size_t utf8_next(const uint8_t *data, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = data[0] < 0x80       ? 1
               : data[0] >> 5 == 6  ? 2
               : data[0] >> 4 == 14 ? 3
               : data[0] >> 3 == 30 ? 4
                                    : 0;
    if (n == 0 || n > len)
        return 0;
    uint32_t value = n == 1 ? data[0] : data[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (data[i] >> 6 != 2)
            return 0;
        value = value << 6 | (data[i] & 0x3fu);
    }
    if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code = value;
    return n;
}

bool kp_text_is_utf8(const char *data, size_t len)
{
    uint32_t code;
    for (size_t at = 0, n; at < len; at += n)
        if ((n = utf8_next((const uint8_t *)data + at, len - at, &code)) == 0)
            return false;
    return true;
}

/* Well-formed, between 1 and max bytes, without control characters. */
static enum kp_text_fault check(const char *data, size_t len, size_t max)
{
    uint32_t code;
    if (len == 0)
        return KP_TEXT_EMPTY;
    if (len > max)
        return KP_TEXT_LONG;
    for (size_t at = 0, n; at < len; at += n) {
        n = utf8_next((const uint8_t *)data + at, len - at, &code);
        if (n == 0)
            return KP_TEXT_NOT_UTF8;
        if (code == '\r')
            return KP_TEXT_CARRIAGE_RETURN;
        if (code < 0x20 || (code >= 0x7f && code <= 0x9f))
            return KP_TEXT_CONTROL;
    }
    return KP_TEXT_FINE;
}

enum kp_text_fault kp_text_name_check(const char *data, size_t len)
{
    return check(data, len, KP_NAME_MAX);
}

static bool is_ascii(const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)data[i] >= 0x80)
            return false;
    return true;
}

/* Well-formed data[len] in NFC.  ASCII is its own. */
static enum kp_text_fault normalise(struct kp_text *out, const char *data, size_t len)
{
    if (is_ascii(data, len))
        return kp_text_copy(out, data, len) == 0 ? KP_TEXT_FINE : KP_TEXT_MEMORY;
#ifdef KP_HAVE_UTF8PROC
    /* Not utf8proc_NFC: it would leave copies of a password on the heap. */
    const utf8proc_option_t how = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    const utf8proc_uint8_t *in = (const utf8proc_uint8_t *)data;
    utf8proc_ssize_t count = utf8proc_decompose(in, (utf8proc_ssize_t)len, NULL, 0, how);
    if (count < 0)
        return KP_TEXT_NOT_UTF8;
    size_t size = ((size_t)count + 1) * sizeof(utf8proc_int32_t);
    utf8proc_int32_t *work = malloc(size);
    enum kp_text_fault fault = KP_TEXT_MEMORY;
    if (work != NULL && utf8proc_decompose(in, (utf8proc_ssize_t)len, work, count, how) == count) {
        utf8proc_ssize_t bytes = utf8proc_reencode(work, count, how);
        if (bytes >= 0 && kp_text_copy(out, (const char *)work, (size_t)bytes) == 0)
            fault = KP_TEXT_FINE;
    }
    kp_free_secret(work, size);
    return fault;
#else
    return KP_TEXT_NOT_ASCII;
#endif
}

/* Checks, normalises, and checks what came out, which may be longer. */
static enum kp_text_fault take(struct kp_text *out, const char *data, size_t len, size_t max)
{
    out->data = NULL;
    out->len = 0;
    enum kp_text_fault fault = check(data, len, max);
    if (fault == KP_TEXT_FINE)
        fault = normalise(out, data, len);
    if (fault == KP_TEXT_FINE && out->len > max)
        fault = KP_TEXT_LONG;
    if (fault != KP_TEXT_FINE)
        kp_text_clear(out);
    return fault;
}

static bool is_space(uint32_t code)
{
#ifdef KP_HAVE_UTF8PROC
    return utf8proc_category((utf8proc_int32_t)code) == UTF8PROC_CATEGORY_ZS;
#else
    return code == ' ';
#endif
}

/* Of well-formed text. */
static bool has_space_at_end(const struct kp_text *text)
{
    const uint8_t *data = (const uint8_t *)text->data;
    uint32_t first = 0;
    uint32_t last = 0;
    for (size_t at = 0, n; at < text->len; at += n) {
        n = utf8_next(data + at, text->len - at, &last);
        if (n == 0)
            return false;
        if (at == 0)
            first = last;
    }
    return is_space(first) || is_space(last);
}

enum kp_text_fault kp_text_name(struct kp_text *out, const char *data, size_t len, bool fresh)
{
    enum kp_text_fault fault = take(out, data, len, KP_NAME_MAX);
    if (fault == KP_TEXT_FINE && fresh && memchr(out->data, ':', out->len) != NULL)
        fault = KP_TEXT_COLON;
    if (fault == KP_TEXT_FINE && fresh && has_space_at_end(out))
        fault = KP_TEXT_SPACE;
    if (fault != KP_TEXT_FINE)
        kp_text_clear(out);
    return fault;
}

enum kp_text_fault kp_text_password(struct kp_text *out, const char *data, size_t len)
{
    return take(out, data, len, KP_TEXT_PASSWORD_MAX);
}

/* Whether a character may go to a terminal or a log as it is. */
static bool printable(uint32_t code)
{
    if (code < 0x80)
        return code >= 0x20 && code != 0x7f && code != '\\' && code != '"';
#ifdef KP_HAVE_UTF8PROC
    /* Format characters (Cf) turn text around; separators (Zl, Zp) break lines. */
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return false;
    default:
        return true;
    }
#else
    return false;
#endif
}

char *kp_text_escape(char *out, const char *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *to = out;
    for (size_t at = 0; at < len;) {
        uint32_t code = 0;
        size_t n = utf8_next((const uint8_t *)data + at, len - at, &code);
        if (n > 0 && printable(code)) {
            memcpy(to, data + at, n);
            to += n;
            at += n;
            continue;
        }
        for (size_t end = at + (n > 0 ? n : 1); at < end; at++) {
            uint8_t byte = (uint8_t)data[at];
            *to++ = '\\';
            *to++ = 'x';
            *to++ = digits[byte >> 4];
            *to++ = digits[byte & 15];
        }
    }
    *to = '\0';
    return out;
}
