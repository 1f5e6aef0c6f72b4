/*
 * What can still be read of a damaged credentials file.
 */
#include <string.h>

#include "creds/roster_line.h"

#define GENERATION "generation "
#define USER "user "

/* The digits at the start of text[len]; 0 when there are none, or more than a number has. */
static uint64_t leading_number(const char *text, size_t len)
{
    uint64_t value = 0;
    size_t digits = 0;
    while (digits < len && text[digits] >= '0' && text[digits] <= '9' && digits < 20)
        value = value * 10 + (uint64_t)(text[digits++] - '0');
    return digits < 20 && value <= KP_ROSTER_GENERATION_SANE ? value : 0;
}

static bool begins(const char *line, size_t len, const char *word)
{
    size_t n = strlen(word);
    return len >= n && memcmp(line, word, n) == 0;
}

/* The generation that line[len] tells of, of the file or of a user; 0: none. */
static uint64_t generation_in(const char *line, size_t len)
{
    if (begins(line, len, GENERATION))
        return leading_number(line + strlen(GENERATION), len - strlen(GENERATION));
    if (!begins(line, len, USER))
        return 0;
    const char *name = line + strlen(USER);
    const char *space = memchr(name, ' ', len - strlen(USER));
    return space != NULL ? leading_number(space + 1, (size_t)(line + len - space - 1)) : 0;
}

/* Whether line[len] is a generation with its check. */
static int is_whole(const struct kp_crypto *crypto, const char *line, size_t len, bool *whole)
{
    char check[KP_ROSTER_LINE_CHECK_LEN];
    *whole = false;
    if (!begins(line, len, GENERATION) || len < strlen(GENERATION) + sizeof check + 2)
        return 0;
    int error = kp_roster_line_check(crypto, line, len - sizeof check - 1, check);
    *whole = error == 0 && line[len - sizeof check - 1] == ' ' &&
             memcmp(line + len - sizeof check, check, sizeof check) == 0;
    return error;
}

int kp_roster_salvage_generation(const struct kp_crypto *crypto, const char *text, size_t len,
                                 uint64_t *highest, bool *sure)
{
    int error = 0;
    *highest = 0;
    *sure = false;
    for (size_t at = 0; error == 0 && at < len;) {
        const char *line = text + at;
        const char *end = memchr(line, '\n', len - at);
        size_t n = end != NULL ? (size_t)(end - line) : len - at;
        uint64_t found = generation_in(line, n);
        bool whole = false;
        if (found > *highest)
            *highest = found;
        error = is_whole(crypto, line, n, &whole);
        *sure = *sure || (whole && found > 0);
        at += n + 1;
    }
    return error;
}
