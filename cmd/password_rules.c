/*
 * The rules of new passwords.
 */
#include "password_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "creds/label.h"
#include "worst_passwords.h"

#ifdef KP_HAVE_UTF8PROC
#include <utf8proc.h>
#endif

static uint32_t lower(uint32_t code)
{
    if (code >= 'A' && code <= 'Z')
        return code - 'A' + 'a';
#ifdef KP_HAVE_UTF8PROC
    if (code >= 0x80)
        return (uint32_t)utf8proc_tolower((utf8proc_int32_t)code);
#endif
    return code;
}

/* The next character of text in lower case.  *at < text->len, and the text is well-formed UTF-8. */
static uint32_t next(const struct kp_text *text, size_t *at)
{
    uint8_t first = (uint8_t)text->data[(*at)++];
    uint32_t code = first < 0x80   ? first
                    : first < 0xe0 ? first & 0x1fu
                    : first < 0xf0 ? first & 0x0fu
                                   : first & 0x07u;
    while (*at < text->len && ((uint8_t)text->data[*at] & 0xc0) == 0x80)
        code = code << 6 | ((uint8_t)text->data[(*at)++] & 0x3fu);
    return lower(code);
}

static size_t characters(const struct kp_text *text)
{
    size_t count = 0;
    for (size_t at = 0; at < text->len; count++)
        (void)next(text, &at);
    return count;
}

static bool same(const struct kp_text *one, const struct kp_text *other)
{
    size_t i = 0;
    size_t j = 0;
    bool equal = true;
    while (i < one->len && j < other->len)
        equal = next(one, &i) == next(other, &j) && equal;
    return equal && i == one->len && j == other->len;
}

/* Whether other comes step after one; 0 comes after 9, too. */
static bool follows(uint32_t one, uint32_t other, int step)
{
    if (one >= '0' && one <= '9' && other >= '0' && other <= '9')
        return (one - '0' + 10u + (uint32_t)step) % 10 == other - '0';
    return one + (uint32_t)step == other;
}

/* Whether each character comes step after the one before. */
static bool is_run(const struct kp_text *text, int step)
{
    bool run = true;
    size_t at = 0;
    for (uint32_t before = next(text, &at); at < text->len;) {
        uint32_t code = next(text, &at);
        run = follows(before, code, step) && run;
        before = code;
    }
    return run;
}

static int compare(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one;
    uint32_t b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

/* Whether the list has the password.  It has ASCII alone. */
static int is_common(const struct kp_crypto *crypto, const struct kp_text *password, bool *common)
{
    uint8_t word[WORST_PASSWORDS_LONGEST];
    uint8_t digest[KP_SHA256_LEN] = {0};
    struct kp_span span = {word, 0};
    *common = false;
    if (password->len > sizeof word)
        return 0;
    for (size_t at = 0; at < password->len;)
        word[span.len++] = (uint8_t)lower((uint8_t)password->data[at++]);
    int error = kp_digest(crypto, KP_HASH_SHA256, &span, 1, digest);
    uint32_t prefix = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 |
                      (uint32_t)digest[2] << 8 | digest[3];
    *common = error != 0 ||
              bsearch(&prefix, worst_passwords, sizeof worst_passwords / sizeof *worst_passwords,
                      sizeof *worst_passwords, compare) != NULL;
    kp_wipe(word, sizeof word);
    kp_wipe(digest, sizeof digest);
    kp_wipe(&prefix, sizeof prefix);
    return error;
}

int kp_password_judge(const struct kp_crypto *crypto, const struct kp_text *password,
                      const struct kp_text *name, const struct kp_text *device_id,
                      enum kp_password_fault *fault)
{
    bool common = false;
    int error = 0;
    *fault = KP_PASSWORD_FINE;
    if (kp_label_is_right(password->data, password->len))
        return 0;
    if (characters(password) < KP_PASSWORD_CHARACTERS) {
        *fault = KP_PASSWORD_SHORT;
        return 0;
    }
    error = is_common(crypto, password, &common);
    if (common)
        *fault = KP_PASSWORD_COMMON;
    else if (same(password, name))
        *fault = KP_PASSWORD_NAME;
    else if (same(password, device_id))
        *fault = KP_PASSWORD_DEVICE;
    else if (is_run(password, 0))
        *fault = KP_PASSWORD_REPEATED;
    else if (is_run(password, 1) || is_run(password, -1))
        *fault = KP_PASSWORD_RUN;
    return error;
}

static const struct {
    const char *code;
    const char *text;
} faults[] = {
    [KP_PASSWORD_FINE] = {"fine", "the password is fine"},
    [KP_PASSWORD_SHORT] = {"short", "the password is too short: it needs at least 8 characters"},
    [KP_PASSWORD_COMMON] = {"common",
                            "the password is one of the most common ones, which are guessed first"},
    [KP_PASSWORD_NAME] = {"name", "the password is the user's name, which is guessed first"},
    [KP_PASSWORD_DEVICE] = {"device", "the password is the device's id, which everybody can see"},
    [KP_PASSWORD_REPEATED] = {"repeated", "the password is one character over and over"},
    [KP_PASSWORD_RUN] = {"run", "the password is a run of characters, like abcdefgh or 87654321"},
};

const char *kp_password_fault_text(enum kp_password_fault fault)
{
    return faults[fault].text;
}

const char *kp_password_fault_code(enum kp_password_fault fault)
{
    return faults[fault].code;
}
