/*
 * OpenSSL's .srpv.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "creds/foreign_row.h"
#include "creds/srp64.h"

#define FIELDS 6
#define GROUPS_MAX 32 /* I rows */

/* type, verifier, salt, user name, group id, user info; of an I row: I, N, g, id. */
enum { TYPE, VERIFIER, SALT, NAME, GROUP, INFO };

struct own_group {
    struct kp_span id;
    const struct kp_srp_group_id *group; /* NULL: none that we take */
};

struct srpv {
    struct kp_foreign *out;
    struct own_group groups[GROUPS_MAX];
    size_t group_count;
};

/* Splits a row at its tabs, in place; a backslash takes the meaning off the tab after it, and is
 * dropped.  The number of fields. */
static size_t split(char *row, size_t len, struct kp_span field[static FIELDS])
{
    size_t fields = 0;
    size_t to = 0;
    size_t start = 0;
    for (size_t i = 0; i <= len; i++) {
        bool tab = i < len && row[i] == '\t';
        if (tab && i > 0 && row[i - 1] == '\\' && to > start) {
            row[to - 1] = '\t';
        } else if (tab || i == len) {
            if (fields < FIELDS)
                field[fields] = (struct kp_span){(const uint8_t *)row + start, to - start};
            fields++;
            start = to;
        } else {
            row[to++] = row[i];
        }
    }
    return fields;
}

static bool same(struct kp_span a, struct kp_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* The group of an id: an I row's, the last first, or a built-in one, named by its bits. */
static const struct kp_srp_group_id *find_group(const struct srpv *srpv, struct kp_span id)
{
    char text[8];
    for (size_t i = srpv->group_count; i-- > 0;)
        if (same(srpv->groups[i].id, id))
            return srpv->groups[i].group;
    for (unsigned bits = KP_SRP_MIN_BITS; bits <= KP_SRP_MAX_BITS; bits += 1024) {
        int n = snprintf(text, sizeof text, "%u", bits);
        if (n > 0 && same((struct kp_span){(const uint8_t *)text, (size_t)n}, id))
            return kp_srp_group_by_bits(bits);
    }
    return NULL;
}

static int take_row(struct srpv *srpv, unsigned line, const struct kp_span *field)
{
    uint8_t type = field[TYPE].len == 1 ? field[TYPE].data[0] : 0;
    if (type == 'I') {
        if (srpv->group_count == GROUPS_MAX)
            return KP_E_TOO_LONG;
        srpv->groups[srpv->group_count++] =
            (struct own_group){field[NAME], kp_foreign_row_group(field[VERIFIER], field[SALT])};
        return 0;
    }
    if (type != 'V')
        return 0;
    const struct kp_foreign_row row = {.line = line,
                                       .name = field[NAME],
                                       .v = field[VERIFIER],
                                       .salt = field[SALT],
                                       .group = find_group(srpv, field[GROUP]),
                                       .strip_salt = true};
    return kp_foreign_row_add(srpv->out, &row, true);
}

static int take_line(struct srpv *srpv, unsigned line, char *text, size_t len,
                     struct kp_store_fault *fault)
{
    struct kp_span field[FIELDS];
    if (len > 0 && text[0] == '#')
        return 0;
    if (len == 0)
        return kp_foreign_fault(fault, line, "an empty line, with which OpenSSL refuses the file");
    if (split(text, len, field) != FIELDS)
        return kp_foreign_fault(fault, line,
                                "not 6 fields with tabs between them (the last may be empty, but "
                                "not its tab)");
    int error = take_row(srpv, line, field);
    return error == KP_E_TOO_LONG ? kp_foreign_fault(fault, line, "too many rows") : error;
}

int kp_foreign_srpv_read(struct kp_foreign *out, const char *text, size_t len,
                         struct kp_store_fault *fault)
{
    struct srpv srpv = {.out = out};
    struct kp_foreign_lines lines = {NULL, len, 0};
    struct kp_span line;
    struct kp_text copy; /* rows are split in place */
    int error = kp_text_copy(&copy, text, len);
    *out = (struct kp_foreign){NULL, 0};
    *fault = (struct kp_store_fault){.line = 0};
    if (error != 0)
        return error;
    lines.at = copy.data;
    while (error == 0 && kp_foreign_line(&lines, &line))
        error = take_line(&srpv, lines.line, copy.data + ((const char *)line.data - copy.data),
                          line.len, fault);
    kp_text_clear(&copy);
    if (error != 0)
        kp_foreign_clear(out);
    return error;
}

static void put(struct kp_builder *b, const char *text)
{
    kp_put_bytes(b, text, strlen(text));
}

static void put_row(struct kp_builder *b, const struct kp_roster_user *user)
{
    char digits[KP_SRP64_LEN(KP_SRP_MAX_LEN) + 1];
    size_t len = user->bits / 8;
    size_t at = 0;
    /* Numbers are written without leading zero bytes. */
    while (at < len && user->v[at] == 0)
        at++;
    put(b, "V\t");
    kp_srp64_write(digits, user->v + at, len - at);
    put(b, digits);
    kp_srp64_write(digits, user->salt, user->salt_len);
    put(b, "\t");
    put(b, digits);
    put(b, "\t");
    kp_put_bytes(b, user->name.data, user->name.len);
    (void)snprintf(digits, sizeof digits, "\t%u\t\n", user->bits);
    put(b, digits);
    kp_wipe(digits, sizeof digits);
}

int kp_foreign_srpv_write(struct kp_text *out, const struct kp_roster_user *users, size_t count,
                          const struct kp_roster_user **bad)
{
    struct kp_builder b;
    size_t room = 1;
    *out = (struct kp_text){NULL, 0};
    for (size_t i = 0; i < count; i++) {
        const struct kp_text *name = &users[i].name;
        if (users[i].v == NULL)
            continue;
        *bad = &users[i];
        /* The backslash would take the meaning off the tab after it. */
        if (name->data[name->len - 1] == '\\')
            return KP_E_NAME;
        room += kp_foreign_row_room(&users[i]);
    }
    *bad = NULL;
    out->data = malloc(room);
    if (out->data == NULL)
        return KP_E_MEMORY;
    kp_builder_init(&b, (uint8_t *)out->data, room - 1);
    for (size_t i = 0; i < count; i++)
        if (users[i].v != NULL)
            put_row(&b, &users[i]);
    out->data[b.len] = '\0';
    out->len = b.len;
    return b.failed ? KP_E_INTERNAL : 0;
}
