/* Serial numbers: see serial.h. */
#include "serial.h"

#include <stdio.h>
#include <string.h>

#include "creds/label.h"

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_of_serial(char c)
{
    return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
}

static int fail(const char **why, const char *text)
{
    *why = text;
    return KP_E_ARGUMENT;
}

static int take_prefix(struct kp_serials *serials, const char *prefix, const char **why)
{
    size_t len = strlen(prefix);
    if (len == 0)
        return fail(why, "the prefix of the serials is empty");
    if (len > KP_SERIAL_PREFIX_MAX)
        return fail(why, "the prefix of the serials is longer than 40 characters");
    for (size_t i = 0; i < len; i++)
        if (!is_of_serial(prefix[i]))
            return fail(why, "the prefix of the serials has letters of English, digits, - _ and . "
                             "alone");
    if (!is_letter_or_digit(prefix[0]))
        return fail(why, "the prefix of the serials begins with a letter or digit");
    memcpy(serials->prefix, prefix, len + 1);
    return 0;
}

static int make_prefix(struct kp_serials *serials, const char *model, const char **why)
{
    size_t len = 0;
    for (; *model != '\0' && len < KP_SERIAL_PREFIX_MAX - 1; model++)
        if (is_letter_or_digit(*model))
            serials->prefix[len++] = *model;
    if (len == 0)
        return fail(why, "the model has no letter of English and no digit: give a --prefix for the "
                         "serials");
    memcpy(serials->prefix + len, "-", 2);
    return 0;
}

static unsigned digits_of(unsigned long number)
{
    unsigned digits = 1;
    for (; number > 9; number /= 10)
        digits++;
    return digits;
}

int kp_serials_init(struct kp_serials *serials, const char *prefix, const char *model,
                    unsigned long first, unsigned long count, const char **why)
{
    char serial[KP_SERIAL_LEN + 1];
    *serials = (struct kp_serials){.first = first, .count = count};
    int error =
        prefix != NULL ? take_prefix(serials, prefix, why) : make_prefix(serials, model, why);
    if (error != 0)
        return error;
    if (count == 0 || first > KP_SERIAL_NUMBER_MAX || count - 1 > KP_SERIAL_NUMBER_MAX - first)
        return fail(why, "the last serial's number would be over 999999999");
    serials->digits = digits_of(first + count - 1);
    if (serials->digits < KP_SERIAL_DIGITS)
        serials->digits = KP_SERIAL_DIGITS;
    for (unsigned long i = 0; i < count; i++) {
        kp_serials_at(serials, i, serial);
        if (kp_label_is_typed(serial, strlen(serial)))
            return fail(why, "one of the serials would look like a label's password, which no "
                             "client sends as an id: take a longer or shorter --prefix");
    }
    return 0;
}

const char *kp_serials_at(const struct kp_serials *serials, unsigned long index,
                          char out[static KP_SERIAL_LEN + 1])
{
    (void)snprintf(out, KP_SERIAL_LEN + 1, "%s%0*lu", serials->prefix, (int)serials->digits,
                   serials->first + index);
    return out;
}

bool kp_serials_find(const struct kp_serials *serials, const char *text, size_t len,
                     unsigned long *index)
{
    size_t prefix = strlen(serials->prefix);
    unsigned long number = 0;
    if (len != prefix + serials->digits || memcmp(text, serials->prefix, prefix) != 0)
        return false;
    for (size_t i = prefix; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        number = number * 10 + (unsigned long)(text[i] - '0');
    }
    if (number < serials->first || number - serials->first >= serials->count)
        return false;
    *index = number - serials->first;
    return true;
}
