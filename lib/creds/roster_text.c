/*
 * The text of a credentials file: parsed strictly, and written.  The format stands in roster.h.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "creds/roster.h"

#define MAGIC "keyplate-credentials"
#define CHECK_LEN 8       /* hex digits of a line's check */
#define LINE_MAX_LEN 4096 /* the longest: a name all escaped, a salt of 255 bytes, v of 1024 */
#define FIELDS_MAX 6

static const char hex_digits[] = "0123456789abcdef";

/* ---- Reading ----------------------------------------------------------------------------- */

struct parser {
    const struct kp_crypto *crypto;
    struct kp_roster *roster;
    struct kp_store_fault *fault;
    const char *at; /* the rest of the text */
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

static void line_check(const struct kp_crypto *crypto, const char *line, size_t len, int *error,
                       char out[static CHECK_LEN])
{
    const struct kp_span span = {(const uint8_t *)line, len};
    uint8_t digest[KP_SHA256_LEN] = {0};
    *error = kp_digest(crypto, KP_HASH_SHA256, &span, 1, digest);
    for (size_t i = 0; i < CHECK_LEN; i++)
        out[i] = hex_digits[i % 2 == 0 ? digest[i / 2] >> 4 : digest[i / 2] & 15];
}

/* Takes the check off the end of a line. */
static int take_check(struct parser *p, const char *line, size_t *len)
{
    char check[CHECK_LEN];
    int error = 0;
    if (*len < CHECK_LEN + 2 || line[*len - CHECK_LEN - 1] != ' ')
        return fail(p, "the line is damaged: it does not end with its check");
    line_check(p->crypto, line, *len - CHECK_LEN - 1, &error, check);
    if (error != 0)
        return error;
    if (memcmp(line + *len - CHECK_LEN, check, CHECK_LEN) != 0)
        return fail(p, "the line is damaged: its check does not match it");
    *len -= CHECK_LEN + 1;
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
    const char *place = c == '\0' ? NULL : strchr(hex_digits, c);
    return place == NULL ? -1 : (int)(place - hex_digits);
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

static bool must_escape(uint8_t c)
{
    return c <= ' ' || c == 0x7f || c == '\\';
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
                !must_escape(c))
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
    uint64_t version = 0;
    int error = next_line(p);
    if (error == 0 && (p->fields != 2 || !is_word(p->field[0], MAGIC) ||
                       !number(p->field[1], UINT64_MAX, &version)))
        error = fail(p, "this is not a credentials file of Keyplate");
    if (error == 0 && version != 1)
        error = fail(p, "format version %" PRIu64 ": this Keyplate reads version 1", version);
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
    else if (!is_word(p->field[4], "-"))
        error = fail(p, "the user has a SPAKE2+ half, which format version 1 has not");
    if (error == 0)
        error = name_field(p, p->field[1], &user.name);
    if (error == 0)
        error = parse_srp(p, p->field[3], &user);
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
    struct parser p = {crypto, roster, fault, text, len, {{NULL, 0}}, 0};
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

/* ---- Writing ----------------------------------------------------------------------------- */

static void put_text(struct kp_builder *b, const char *text)
{
    kp_put_bytes(b, text, strlen(text));
}

static void put_number(struct kp_builder *b, uint64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRIu64, value);
    put_text(b, digits);
}

static void put_hex(struct kp_builder *b, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char pair[2] = {hex_digits[data[i] >> 4], hex_digits[data[i] & 15]};
        kp_put_bytes(b, pair, 2);
    }
}

static void put_name(struct kp_builder *b, const struct kp_text *name)
{
    for (size_t i = 0; i < name->len; i++) {
        uint8_t c = (uint8_t)name->data[i];
        if (must_escape(c)) {
            put_text(b, "\\x");
            put_hex(b, &c, 1);
        } else {
            kp_put_u8(b, c);
        }
    }
}

/* Ends the line that began at start with its check. */
static int put_check(struct kp_builder *b, const struct kp_crypto *crypto, size_t start)
{
    char check[CHECK_LEN] = {0};
    int error = 0;
    if (!b->failed)
        line_check(crypto, (const char *)b->data + start, b->len - start, &error, check);
    put_text(b, " ");
    kp_put_bytes(b, check, sizeof check);
    put_text(b, "\n");
    return error;
}

static int put_user(struct kp_builder *b, const struct kp_crypto *crypto,
                    const struct kp_roster_user *user)
{
    size_t start = b->len;
    put_text(b, "user ");
    put_name(b, &user->name);
    put_text(b, " ");
    put_number(b, user->generation);
    put_text(b, " ");
    put_number(b, user->bits);
    put_text(b, ":");
    put_hex(b, user->salt, user->salt_len);
    put_text(b, ":");
    put_hex(b, user->v, user->bits / 8);
    put_text(b, " -");
    return put_check(b, crypto, start);
}

static int put_count(struct kp_builder *b, const struct kp_crypto *crypto, const char *key,
                     uint64_t value)
{
    size_t start = b->len;
    put_text(b, key);
    put_number(b, value);
    return put_check(b, crypto, start);
}

static int put_all(struct kp_builder *b, const struct kp_crypto *crypto,
                   const struct kp_roster *roster)
{
    put_text(b, MAGIC " 1\n");
    size_t start = b->len;
    put_text(b, "device-id ");
    put_name(b, &roster->device_id);
    int error = put_check(b, crypto, start);
    if (error == 0)
        error = put_count(b, crypto, "group ", roster->bits);
    if (error == 0)
        error = put_count(b, crypto, "salt-length ", roster->salt_len);
    start = b->len;
    put_text(b, "seed ");
    put_hex(b, roster->seed, sizeof roster->seed);
    if (error == 0)
        error = put_check(b, crypto, start);
    if (error == 0)
        error = put_count(b, crypto, "generation ", roster->generation);
    for (size_t i = 0; error == 0 && i < roster->count; i++)
        error = put_user(b, crypto, &roster->users[i]);
    if (error == 0)
        error = put_count(b, crypto, "end ", roster->count);
    return error;
}

int kp_roster_format(const struct kp_roster *roster, const struct kp_crypto *crypto,
                     struct kp_text *out)
{
    struct kp_builder b;
    *out = (struct kp_text){malloc(KP_ROSTER_TEXT_MAX + 1), KP_ROSTER_TEXT_MAX + 1};
    if (out->data == NULL)
        return KP_E_MEMORY;
    kp_builder_init(&b, (uint8_t *)out->data, KP_ROSTER_TEXT_MAX);
    int error = put_all(&b, crypto, roster);
    if (error == 0 && b.failed)
        error = KP_E_TOO_LONG;
    if (error != 0) {
        /* All of it may have been written on: the length is the buffer's until here. */
        kp_text_clear(out);
        return error;
    }
    out->data[b.len] = '\0';
    out->len = b.len;
    return 0;
}
