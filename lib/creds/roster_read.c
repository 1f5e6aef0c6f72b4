/*
 * The text of a credentials file, parsed strictly.  The format stands in roster.h.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "creds/roster_line.h"

#define LINE_MAX_LEN 4096 /* the longest: a name all escaped, a salt of 255 bytes, v of 1024 */
#define FIELDS_MAX 6

struct parser {
    const struct kp_crypto *crypto;
    struct kp_roster *roster;
    struct kp_store_fault *fault;
    uint64_t version; /* of the text */
    const char *at;   /* the rest of the text */
    size_t left;
    struct kp_span field[FIELDS_MAX]; /* of the line, its check left out */
    size_t fields;
};

__attribute__((format(printf, 2, 3))) static int fail(struct parser *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(p->fault->why, sizeof p->fault->why, format, args);
    va_end(args);
    return KP_E_SYNTAX;
}

/* Takes the check off the end of a line. */
static int take_check(struct parser *p, const char *line, size_t *len)
{
    char check[KP_ROSTER_LINE_CHECK_LEN];
    if (*len < KP_ROSTER_LINE_CHECK_LEN + 2 || line[*len - KP_ROSTER_LINE_CHECK_LEN - 1] != ' ')
        return fail(p, "the line is damaged: it does not end with its check");
    int error = kp_roster_line_check(p->crypto, line, *len - KP_ROSTER_LINE_CHECK_LEN - 1, check);
    if (error != 0)
        return error;
    if (memcmp(line + *len - KP_ROSTER_LINE_CHECK_LEN, check, KP_ROSTER_LINE_CHECK_LEN) != 0)
        return fail(p, "the line is damaged: its check does not match it");
    *len -= KP_ROSTER_LINE_CHECK_LEN + 1;
    return 0;
}

/* Takes the next line: its fields, without the check.  The first line has none. */
static int next_line(struct parser *p)
{
    const char *line = p->at;
    const char *end = memchr(line, '\n', p->left);
    p->fault->line++;
    p->fields = 0;
    if (p->left == 0)
        return fail(p, "the file ends too early: it has been cut off");
    if (end == NULL)
        return fail(p, "the line has no end: the file has been cut off");
    size_t len = (size_t)(end - line);
    if (len > LINE_MAX_LEN)
        return fail(p, "the line is too long");
    p->at += len + 1;
    p->left -= len + 1;
    if (p->fault->line > 1) {
        int error = take_check(p, line, &len);
        if (error != 0)
            return error;
    }
    for (const char *start = line, *stop = line + len; start <= stop;) {
        const char *space = memchr(start, ' ', (size_t)(stop - start));
        size_t n = (size_t)((space != NULL ? space : stop) - start);
        if (p->fields == FIELDS_MAX || n == 0)
            return fail(p, "the line is not made of fields with one space between them");
        p->field[p->fields++] = (struct kp_span){(const uint8_t *)start, n};
        start += n + 1;
    }
    return 0;
}

static bool is_word(struct kp_span field, const char *word)
{
    return field.len == strlen(word) && memcmp(field.data, word, field.len) == 0;
}

/* Takes the next line, which must be "key value". */
static int header_line(struct parser *p, const char *key)
{
    int error = next_line(p);
    if (error != 0)
        return error;
    if (p->fields != 2 || !is_word(p->field[0], key))
        return fail(p, "expected here: %s and one value", key);
    return 0;
}

/* Decimal digits as we write them, at most max. */
static bool number(struct kp_span text, uint64_t max, uint64_t *out)
{
    *out = 0;
    if (text.len == 0 || text.len > 19 || (text.data[0] == '0' && text.len > 1))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(text.data[i] - '0');
    }
    return *out <= max;
}

static int hex_value(uint8_t c)
{
    const char *place = c == '\0' ? NULL : strchr(kp_roster_line_digits, c);
    return place == NULL ? -1 : (int)(place - kp_roster_line_digits);
}

static bool hex(struct kp_span text, uint8_t *out, size_t out_len)
{
    if (text.len != 2 * out_len)
        return false;
    for (size_t i = 0; i < out_len; i++) {
        int high = hex_value(text.data[2 * i]);
        int low = hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* A name or device id.  Only the spelling that we write is taken, so that two can't be one. */
static int name_field(struct parser *p, struct kp_span text, struct kp_text *out)
{
    char name[KP_NAME_MAX + 1];
    size_t len = 0;
    for (size_t i = 0; i < text.len; len++) {
        uint8_t c = text.data[i];
        size_t used = 1;
        if (c == '\\') {
            const struct kp_span digits = {text.data + i + 2, 2};
            used = 4;
            if (text.len - i < used || text.data[i + 1] != 'x' || !hex(digits, &c, 1) ||
                !kp_roster_line_must_escape(c))
                return fail(p, "the name is damaged");
        }
        if (len == KP_NAME_MAX)
            return fail(p, "the name is too long");
        name[len] = (char)c;
        i += used;
    }
    enum kp_text_fault fault = kp_text_name_check(name, len);
    if (fault != KP_TEXT_FINE)
        return fail(p, "the name %s", kp_text_fault_text(fault));
    return kp_text_copy(out, name, len);
}

static int parse_version(struct parser *p)
{
    int error = next_line(p);
    if (error == 0 && (p->fields != 2 || !is_word(p->field[0], KP_ROSTER_LINE_MAGIC) ||
                       !number(p->field[1], UINT64_MAX, &p->version)))
        error = fail(p, "this is not a credentials file of Keyplate");
    if (error == 0 && p->version != 1 && p->version != 2)
        error =
            fail(p, "format version %" PRIu64 ": this Keyplate reads versions 1 and 2", p->version);
    return error;
}

static int parse_header(struct parser *p)
{
    uint64_t value = 0;
    int error = parse_version(p);
    if (error == 0)
        error = header_line(p, "device-id");
    if (error == 0)
        error = name_field(p, p->field[1], &p->roster->device_id);
    if (error == 0)
        error = header_line(p, "group");
    if (error == 0 && (!number(p->field[1], KP_SRP_MAX_BITS, &value) ||
                       kp_srp_group_by_bits((unsigned)value) == NULL))
        error = fail(p, "the group is none of 2048, 3072, 4096, 6144, 8192");
    p->roster->bits = (unsigned)value;
    if (error == 0)
        error = header_line(p, "salt-length");
    if (error == 0 && (!number(p->field[1], KP_SALT_MAX, &value) || value < KP_ROSTER_SALT_MIN))
        error = fail(p, "the salt length is not a number from %d to %d", KP_ROSTER_SALT_MIN,
                     KP_SALT_MAX);
    p->roster->salt_len = (size_t)value;
    if (error == 0)
        error = header_line(p, "seed");
    if (error == 0 && !hex(p->field[1], p->roster->seed, KP_ROSTER_SEED_LEN))
        error = fail(p, "the seed is not 64 hexadecimal digits");
    if (error == 0)
        error = header_line(p, "generation");
    if (error == 0 && !number(p->field[1], INT64_MAX, &p->roster->generation))
        error = fail(p, "the generation is not a number");
    return error;
}

/* BITS:SALT:V */
static int parse_srp(struct parser *p, struct kp_span text, struct kp_roster_user *user)
{
    const uint8_t *first = memchr(text.data, ':', text.len);
    const uint8_t *second = NULL;
    uint64_t bits = 0;
    if (first != NULL)
        second = memchr(first + 1, ':', text.len - (size_t)(first + 1 - text.data));
    if (second == NULL)
        return fail(p, "the SRP half is not group:salt:verifier");
    const struct kp_span group = {text.data, (size_t)(first - text.data)};
    const struct kp_span salt = {first + 1, (size_t)(second - first - 1)};
    const struct kp_span v = {second + 1, (size_t)(text.data + text.len - second - 1)};
    if (!number(group, KP_SRP_MAX_BITS, &bits) || bits < KP_SRP_MIN_BITS ||
        kp_srp_group_by_bits((unsigned)bits) == NULL)
        return fail(p, "the user's group is none of 2048, 3072, 4096, 6144, 8192");
    user->salt_len = salt.len / 2;
    if (user->salt_len == 0 || user->salt_len > KP_SALT_MAX ||
        !hex(salt, user->salt, user->salt_len))
        return fail(p, "the salt is damaged");
    user->bits = (unsigned)bits;
    user->v = calloc(1, user->bits / 8);
    if (user->v == NULL)
        return KP_E_MEMORY;
    if (!hex(v, user->v, user->bits / 8) || !kp_roster_v_in_range(user->bits, user->v))
        return fail(p, "the verifier is damaged");
    return 0;
}

/* W0:L, each of its exact length. */
static int parse_spake2plus(struct parser *p, struct kp_span text, struct kp_roster_user *user)
{
    const size_t w0_digits = 2 * KP_SCALAR_LEN;
    struct kp_point *point = NULL;
    if (text.len <= w0_digits || text.data[w0_digits] != ':')
        return fail(p, "the SPAKE2+ half is not w0:L");
    const struct kp_span w0 = {text.data, w0_digits};
    const struct kp_span l = {text.data + w0_digits + 1, text.len - w0_digits - 1};
    user->spake2plus = calloc(1, sizeof *user->spake2plus);
    if (user->spake2plus == NULL)
        return KP_E_MEMORY;
    if (!hex(w0, user->spake2plus->w0, KP_SCALAR_LEN) || !kp_scalar_valid(user->spake2plus->w0))
        return fail(p, "w0 is damaged");
    if (!hex(l, user->spake2plus->l, KP_POINT_LEN))
        return fail(p, "L is damaged");
    int error = kp_point_new(&point, p->crypto, user->spake2plus->l, KP_POINT_LEN);
    kp_point_free(point);
    return error == KP_E_ILLEGAL ? fail(p, "L is not a point of the curve") : error;
}

static int parse_halves(struct parser *p, struct kp_roster_user *user)
{
    bool no_srp = p->version > 1 && is_word(p->field[3], "-");
    bool no_spake2plus = is_word(p->field[4], "-");
    int error = 0;
    if (no_srp && no_spake2plus)
        return fail(p, "the user has neither an SRP half nor a SPAKE2+ half");
    if (p->version == 1 && !no_spake2plus)
        return fail(p, "the user has a SPAKE2+ half, which format version 1 has not");
    if (!no_srp)
        error = parse_srp(p, p->field[3], user);
    if (error == 0 && !no_spake2plus)
        error = parse_spake2plus(p, p->field[4], user);
    return error;
}

static int parse_user(struct parser *p)
{
    struct kp_roster *roster = p->roster;
    struct kp_roster_user user = {.v = NULL};
    uint64_t highest = roster->generation;
    uint64_t generation = 0;
    int error = 0;
    if (p->fields != 5 || !is_word(p->field[0], "user"))
        error = fail(p, "expected here: a user with 5 fields, or the end");
    else if (!number(p->field[2], highest, &generation) || generation == 0)
        error = fail(p, "the user's generation is not from 1 to the file's");
    if (error == 0)
        error = name_field(p, p->field[1], &user.name);
    if (error == 0)
        error = parse_halves(p, &user);
    if (error == 0)
        error = kp_roster_add(roster, &user);
    if (error == KP_E_EXISTS)
        error = fail(p, "the user stands in the file twice");
    if (error == 0)
        roster->users[roster->count - 1].generation = generation;
    roster->generation = highest;
    kp_roster_user_clear(&user);
    return error;
}

static int parse_users(struct parser *p)
{
    uint64_t count = 0;
    for (;;) {
        int error = next_line(p);
        if (error != 0)
            return error;
        if (is_word(p->field[0], "end"))
            break;
        error = parse_user(p);
        if (error != 0)
            return error;
    }
    if (p->fields != 2 || !number(p->field[1], SIZE_MAX, &count) || count != p->roster->count)
        return fail(p, "the file has %zu users, not the number that stands here", p->roster->count);
    if (p->left > 0) {
        p->fault->line++;
        return fail(p, "there is more after the end");
    }
    return 0;
}

int kp_roster_parse(struct kp_roster *roster, const struct kp_crypto *crypto, const char *text,
                    size_t len, struct kp_store_fault *fault)
{
    struct parser p = {.crypto = crypto, .roster = roster, .fault = fault, .at = text, .left = len};
    int error;
    *roster = (struct kp_roster){.users = NULL};
    *fault = (struct kp_store_fault){.line = 0};
    if (len == 0)
        error = fail(&p, "the file is empty");
    else if (len > KP_ROSTER_TEXT_MAX)
        error = fail(&p, "the file is larger than 1 MiB");
    else
        error = parse_header(&p);
    if (error == 0)
        error = parse_users(&p);
    if (error != 0)
        kp_roster_clear(roster);
    return error;
}
