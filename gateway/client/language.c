/* Which language a person reads: see words.h. */
#include "words.h"

#include <stdlib.h>
#include <string.h>

#include "../http/text.h"

static const char *const tags[KP_LANGUAGES] = {[KP_ENGLISH] = "en", [KP_GERMAN] = "de"};

const char *kp_language_tag(enum kp_language language)
{
    return tags[language];
}

enum kp_language kp_language_of_person(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && value[0] != '\0')
            return strncmp(value, "de", 2) == 0 ? KP_GERMAN : KP_ENGLISH;
    }
    return KP_ENGLISH;
}

/* ---- Accept-Language --------------------------------------------------------------------- */

static struct kp_slice trimmed(struct kp_slice text)
{
    while (text.len > 0 && (*text.at == ' ' || *text.at == '\t')) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* Cuts off what stands before the mark, or all. */
static struct kp_slice cut(struct kp_slice *text, char mark)
{
    const char *at = text->len > 0 ? memchr(text->at, mark, text->len) : NULL;
    struct kp_slice first = *text;
    if (at == NULL) {
        text->len = 0;
        return first;
    }
    first.len = (size_t)(at - text->at);
    text->at += first.len + 1;
    text->len -= first.len + 1;
    return first;
}

/* In thousandths, RFC 9110 12.4.2; -1: it is malformed. */
static int weight_of(struct kp_slice text)
{
    int weight, unit = 100;
    if (text.len < 3 || text.len > 7 || (text.at[0] != 'q' && text.at[0] != 'Q') ||
        text.at[1] != '=' || (text.at[2] != '0' && text.at[2] != '1') ||
        (text.len > 3 && text.at[3] != '.'))
        return -1;
    weight = (text.at[2] - '0') * 1000;
    for (size_t i = 4; i < text.len; i++, unit /= 10) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        weight += (text.at[i] - '0') * unit;
    }
    return weight <= 1000 ? weight : -1;
}

/* Whether the range is of that language: "de", "de-AT". */
static bool is_of(struct kp_slice range, const char *tag)
{
    return kp_slice_is(cut(&range, '-'), tag);
}

static int weight_of_element(struct kp_slice element, struct kp_slice *range)
{
    *range = trimmed(cut(&element, ';'));
    return element.len == 0 ? 1000 : weight_of(trimmed(element));
}

enum kp_language kp_language_accepted(const char *text, size_t len, enum kp_language otherwise)
{
    struct kp_slice list = {text, len}, element, range;
    enum kp_language best = otherwise;
    int most = 0;
    while (kp_slice_next(&list, &element)) {
        int weight = weight_of_element(element, &range);
        for (int language = 0; language < KP_LANGUAGES && weight > most; language++) {
            if (!is_of(range, tags[language]))
                continue;
            best = (enum kp_language)language;
            most = weight;
        }
    }
    return best;
}
