/*
 * Label passwords.
 */
#include "creds/label.h"

#include <string.h>

#include "base/secret.h"

#define LETTERS 15
#define GROUP 5

const char kp_label_alphabet[33] = "23456789abcdefghijkmnpqrstuvwxyz";

/* a v in GF(32). */
static unsigned times_a(unsigned v)
{
    v <<= 1;
    return (v & 32u) != 0 ? v ^ 0x25u : v;
}

/* The sum of a^i c_i over letters[count], by Horner from the last. */
static unsigned sum(const uint8_t *letters, size_t count)
{
    unsigned s = 0;
    while (count > 0)
        s = times_a(s) ^ letters[--count];
    return s;
}

/* The letter c with a^14 c = s. */
static uint8_t check_letter(unsigned s)
{
    /* Division by a^14 is multiplication by a^17, as a^31 = 1. */
    for (int i = 0; i < 31 - (LETTERS - 1); i++)
        s = times_a(s);
    return (uint8_t)s;
}

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int kp_label_letters(const struct kp_crypto *crypto, char *out, size_t count)
{
    int error = kp_random(crypto, (uint8_t *)out, count);
    /* 256 is a multiple of 32: five bits of a random byte are even. */
    for (size_t i = 0; error == 0 && i < count; i++)
        out[i] = kp_label_alphabet[(uint8_t)out[i] % 32];
    out[error == 0 ? count : 0] = '\0';
    return error;
}

int kp_label_make(const struct kp_crypto *crypto, char out[static KP_LABEL_LEN + 1])
{
    uint8_t letters[LETTERS];
    char *to = out;
    int error = kp_random(crypto, letters, LETTERS - 1);
    if (error != 0)
        memset(letters, 0, sizeof letters);
    for (size_t i = 0; i < LETTERS - 1; i++)
        letters[i] &= 31;
    letters[LETTERS - 1] = check_letter(sum(letters, LETTERS - 1));
    for (size_t i = 0; i < LETTERS; i++) {
        if (i > 0 && i % GROUP == 0)
            *to++ = '-';
        *to++ = kp_label_alphabet[letters[i]];
    }
    *to = '\0';
    if (error != 0)
        out[0] = '\0';
    kp_wipe(letters, sizeof letters);
    return error;
}

bool kp_label_is_shaped(const char *text, size_t len)
{
    if (len != KP_LABEL_LEN)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool hyphen = i % (GROUP + 1) == GROUP;
        if (hyphen ? text[i] != '-' : !is_letter_or_digit(text[i]))
            return false;
    }
    return true;
}

/* Whether the letters behind the first are all of one case. */
static bool is_one_case(const char *text, size_t len)
{
    bool upper = false;
    bool lower = false;
    for (size_t i = 1; i < len; i++) {
        upper = upper || (text[i] >= 'A' && text[i] <= 'Z');
        lower = lower || (text[i] >= 'a' && text[i] <= 'z');
    }
    return !upper || !lower;
}

bool kp_label_read(const char *text, size_t len, char out[static KP_LABEL_LEN + 1])
{
    size_t used = 0;
    bool fits = len == KP_LABEL_LEN || is_one_case(text, len);
    for (size_t i = 0; fits && i < len; i++) {
        char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
        if (used % (GROUP + 1) == GROUP && used < KP_LABEL_LEN) {
            out[used++] = '-';
            if (c == '-')
                continue;
        }
        fits = used < KP_LABEL_LEN && c != '-';
        if (fits)
            out[used++] = c;
    }
    out[used] = '\0';
    fits = fits && kp_label_is_right(out, used);
    if (!fits)
        kp_wipe(out, KP_LABEL_LEN + 1);
    return fits;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool kp_label_is_typed(const char *text, size_t len)
{
    char label[KP_LABEL_LEN + 1];
    bool right;
    while (len > 0 && is_space(text[len - 1]))
        len--;
    while (len > 0 && is_space(*text)) {
        text++;
        len--;
    }
    right = kp_label_read(text, len, label);
    kp_wipe(label, sizeof label);
    return right;
}

bool kp_label_is_right(const char *text, size_t len)
{
    uint8_t letters[LETTERS];
    size_t count = 0;
    bool right = kp_label_is_shaped(text, len);
    for (size_t i = 0; right && i < len; i++) {
        const char *place = strchr(kp_label_alphabet, text[i]);
        if (text[i] == '-')
            continue;
        right = place != NULL;
        if (right)
            letters[count++] = (uint8_t)(place - kp_label_alphabet);
    }
    right = right && sum(letters, count) == 0;
    kp_wipe(letters, sizeof letters);
    return right;
}
