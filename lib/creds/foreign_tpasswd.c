/*
 * GnuTLS's tpasswd and tpasswd.conf.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "creds/foreign_row.h"
#include "creds/srp64.h"

#define GROUPS_MAX 64 /* rows of tpasswd.conf */

struct index_group {
    unsigned long index;
    const struct kp_srp_group_id *group; /* NULL: none that we take */
};

/* What srptool --create-conf writes, without the 1536 bits of index 2; it has no 6. */
static const struct {
    unsigned long index;
    unsigned bits;
} usual[] = {{3, 2048}, {4, 3072}, {5, 4096}, {6, 6144}, {7, 8192}};
#define USUAL (sizeof usual / sizeof *usual)

/* Takes the last field, after the last colon, off *text. */
static bool last_field(struct kp_span *text, struct kp_span *field)
{
    const uint8_t *colon = text->len > 0 ? memrchr(text->data, ':', text->len) : NULL;
    if (colon == NULL)
        return false;
    size_t before = (size_t)(colon - text->data);
    *field = (struct kp_span){colon + 1, text->len - before - 1};
    text->len = before;
    return true;
}

/* A decimal number that isn't 0; 0: it is no such number. */
static unsigned long read_index(struct kp_span text)
{
    unsigned long value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > 100000000)
            return 0;
        value = value * 10 + (unsigned long)(text.data[i] - '0');
    }
    return value;
}

static bool is_comment(struct kp_span line)
{
    return line.len == 0 || line.data[0] == '#';
}

static int read_conf(struct index_group *groups, size_t *count, const char *conf, size_t len,
                     struct kp_store_fault *fault)
{
    struct kp_foreign_lines lines = {conf, len, 0};
    struct kp_span line;
    struct kp_span n;
    struct kp_span g;
    while (kp_foreign_line(&lines, &line)) {
        if (is_comment(line))
            continue;
        if (!last_field(&line, &g) || !last_field(&line, &n) || read_index(line) == 0)
            return kp_foreign_fault(fault, lines.line, "not index:N:g");
        if (*count == GROUPS_MAX)
            return kp_foreign_fault(fault, lines.line, "too many groups");
        groups[(*count)++] = (struct index_group){read_index(line), kp_foreign_row_group(n, g)};
    }
    return 0;
}

static void usual_conf(struct index_group *groups, size_t *count)
{
    for (*count = 0; *count < USUAL; (*count)++)
        groups[*count] =
            (struct index_group){usual[*count].index, kp_srp_group_by_bits(usual[*count].bits)};
}

static const struct kp_srp_group_id *find_group(const struct index_group *groups, size_t count,
                                                unsigned long index)
{
    for (size_t i = 0; i < count; i++)
        if (groups[i].index == index)
            return groups[i].group;
    return NULL;
}

static int read_users(struct kp_foreign *out, const char *text, size_t len,
                      const struct index_group *groups, size_t count, struct kp_store_fault *fault)
{
    struct kp_foreign_lines lines = {text, len, 0};
    struct kp_span line;
    struct kp_span index;
    int error = 0;
    while (error == 0 && kp_foreign_line(&lines, &line)) {
        struct kp_foreign_row row = {.line = lines.line};
        if (is_comment(line))
            continue;
        if (!last_field(&line, &index) || !last_field(&line, &row.salt) ||
            !last_field(&line, &row.v))
            return kp_foreign_fault(fault, lines.line, "not name:verifier:salt:index");
        row.name = line;
        row.group = find_group(groups, count, read_index(index));
        error = kp_foreign_row_add(out, &row, false);
    }
    return error == KP_E_TOO_LONG ? kp_foreign_fault(fault, lines.line, "too many rows") : error;
}

int kp_foreign_tpasswd_read(struct kp_foreign *out, const char *text, size_t len, const char *conf,
                            size_t conf_len, struct kp_store_fault *fault, bool *in_conf)
{
    struct index_group groups[GROUPS_MAX];
    size_t count = 0;
    int error = 0;
    *out = (struct kp_foreign){NULL, 0};
    *fault = (struct kp_store_fault){.line = 0};
    if (conf != NULL)
        error = read_conf(groups, &count, conf, conf_len, fault);
    else
        usual_conf(groups, &count);
    *in_conf = error != 0;
    if (error == 0)
        error = read_users(out, text, len, groups, count, fault);
    if (error != 0)
        kp_foreign_clear(out);
    return error;
}

static unsigned long index_of(unsigned bits)
{
    for (size_t i = 0; i < USUAL; i++)
        if (usual[i].bits == bits)
            return usual[i].index;
    return 0;
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
    while (at < len && user->v[at] == 0)
        at++;
    kp_put_bytes(b, user->name.data, user->name.len);
    kp_srp64_write(digits, user->v + at, len - at);
    put(b, ":");
    put(b, digits);
    kp_srp64_write(digits, user->salt, user->salt_len);
    put(b, ":");
    put(b, digits);
    (void)snprintf(digits, sizeof digits, ":%lu\n", index_of(user->bits));
    put(b, digits);
    kp_wipe(digits, sizeof digits);
}

int kp_foreign_tpasswd_write(struct kp_text *out, const struct kp_roster_user *users, size_t count,
                             const struct kp_roster_user **bad)
{
    struct kp_builder b;
    size_t room = 1;
    *out = (struct kp_text){NULL, 0};
    for (size_t i = 0; i < count; i++) {
        if (users[i].v == NULL)
            continue;
        *bad = &users[i];
        /* The row would be a comment. */
        if (users[i].name.data[0] == '#')
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

int kp_foreign_tpasswd_conf(struct kp_text *out)
{
    char line[KP_SRP64_LEN(KP_SRP_MAX_LEN) + 32];
    char n[KP_SRP64_LEN(KP_SRP_MAX_LEN) + 1];
    char g[4];
    struct kp_builder b;
    const size_t room = USUAL * sizeof line;
    *out = (struct kp_text){malloc(room + 1), 0};
    if (out->data == NULL)
        return KP_E_MEMORY;
    kp_builder_init(&b, (uint8_t *)out->data, room);
    for (size_t i = 0; i < USUAL; i++) {
        const struct kp_srp_group_id *group = kp_srp_group_by_bits(usual[i].bits);
        kp_srp64_write(n, group->n, group->bits / 8);
        /* One digit: "2", "5", "J".  GnuTLS's reader wants no leading zero here. */
        kp_srp64_write(g, &group->g, 1);
        (void)snprintf(line, sizeof line, "%lu:%s:%s\n", usual[i].index, n, g + 1);
        put(&b, line);
    }
    out->data[b.len] = '\0';
    out->len = b.len;
    return b.failed ? KP_E_INTERNAL : 0;
}
