/*
 * What the readers and writers of foreign files share.
 */
#include "creds/foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "creds/foreign_row.h"
#include "creds/srp64.h"

void kp_foreign_clear(struct kp_foreign *foreign)
{
    for (size_t i = 0; i < foreign->count; i++)
        kp_roster_user_clear(&foreign->users[i].user);
    free(foreign->users);
    *foreign = (struct kp_foreign){NULL, 0};
}

struct kp_foreign_user *kp_foreign_find(const struct kp_foreign *foreign, const char *name,
                                        size_t len)
{
    for (size_t i = 0; i < foreign->count; i++) {
        const struct kp_text *there = &foreign->users[i].user.name;
        if (there->len == len && memcmp(there->data, name, len) == 0)
            return &foreign->users[i];
    }
    return NULL;
}

bool kp_foreign_line(struct kp_foreign_lines *lines, struct kp_span *out)
{
    if (lines->left == 0)
        return false;
    const char *end = memchr(lines->at, '\n', lines->left);
    size_t len = end != NULL ? (size_t)(end - lines->at) : lines->left;
    *out = (struct kp_span){(const uint8_t *)lines->at, len};
    if (len > 0 && out->data[len - 1] == '\r')
        out->len--;
    lines->line++;
    lines->at += len + (end != NULL);
    lines->left -= len + (end != NULL);
    return true;
}

int kp_foreign_fault(struct kp_store_fault *fault, unsigned line, const char *why)
{
    fault->line = line;
    (void)snprintf(fault->why, sizeof fault->why, "%s", why);
    return KP_E_SYNTAX;
}

const struct kp_srp_group_id *kp_foreign_row_group(struct kp_span n, struct kp_span g)
{
    uint8_t modulus[KP_SRP_MAX_LEN + 1];
    uint8_t base[8];
    size_t n_len;
    size_t g_len;
    size_t n_at = 0;
    size_t g_at = 0;
    if (kp_srp64_read(modulus, sizeof modulus, &n_len, (const char *)n.data, n.len) != 0 ||
        kp_srp64_read(base, sizeof base, &g_len, (const char *)g.data, g.len) != 0)
        return NULL;
    while (n_at < n_len && modulus[n_at] == 0)
        n_at++;
    while (g_at < g_len && base[g_at] == 0)
        g_at++;
    return kp_srp_group_by_value(modulus + n_at, n_len - n_at, base + g_at, g_len - g_at);
}

/* v as group's bits / 8 bytes; NULL or what is wrong with it. */
static const char *read_v(const struct kp_foreign_row *row, uint8_t v[static KP_SRP_MAX_LEN])
{
    uint8_t bytes[KP_SRP_MAX_LEN + 8];
    size_t len = 0;
    size_t at = 0;
    size_t full = row->group->bits / 8;
    const char *why = NULL;
    if (kp_srp64_read(bytes, sizeof bytes, &len, (const char *)row->v.data, row->v.len) != 0)
        why = "has a verifier that is not SRP base 64";
    while (at < len && bytes[at] == 0)
        at++;
    if (why == NULL && len - at > full)
        why = "has a verifier too long for its group";
    if (why == NULL) {
        memset(v, 0, full);
        memcpy(v + full - (len - at), bytes + at, len - at);
        if (!kp_roster_v_in_range(row->group->bits, v))
            why = "has a verifier out of its group's range";
    }
    kp_wipe(bytes, sizeof bytes);
    return why;
}

static const char *read_salt(const struct kp_foreign_row *row, uint8_t salt[static KP_SALT_MAX],
                             size_t *len)
{
    size_t at = 0;
    if (kp_srp64_read(salt, KP_SALT_MAX, len, (const char *)row->salt.data, row->salt.len) != 0)
        return "has a salt that is not SRP base 64, or too long";
    while (row->strip_salt && at < *len && salt[at] == 0)
        at++;
    memmove(salt, salt + at, *len - at);
    *len -= at;
    return *len > 0 ? NULL : "has no salt";
}

/* The row's user: *user is set, without a verifier when the sentence returned says why. */
static const char *read_user(const struct kp_foreign_row *row, struct kp_roster_user *user,
                             int *error)
{
    uint8_t v[KP_SRP_MAX_LEN] = {0};
    uint8_t salt[KP_SALT_MAX];
    size_t salt_len = 0;
    const char *why = NULL;
    if (kp_text_name_check((const char *)row->name.data, row->name.len) != KP_TEXT_FINE)
        why = "has a name that is not 1 to 255 bytes of UTF-8 without control characters";
    else if (row->group == NULL)
        why = "has a group that is none of RFC 5054's of 2048 to 8192 bits";
    if (why == NULL)
        why = read_v(row, v);
    if (why == NULL)
        why = read_salt(row, salt, &salt_len);
    if (why == NULL)
        *error = kp_roster_user_set(user, (const char *)row->name.data, row->name.len,
                                    row->group->bits, salt, salt_len, v);
    else
        *error = kp_text_copy(&user->name, (const char *)row->name.data, row->name.len);
    kp_wipe(v, sizeof v);
    return why;
}

int kp_foreign_row_add(struct kp_foreign *foreign, const struct kp_foreign_row *row, bool last_wins)
{
    struct kp_foreign_user *to =
        kp_foreign_find(foreign, (const char *)row->name.data, row->name.len);
    if (to != NULL && !last_wins)
        return 0;
    if (to == NULL) {
        if (foreign->count == KP_FOREIGN_ROWS_MAX)
            return KP_E_TOO_LONG;
        to = realloc(foreign->users, (foreign->count + 1) * sizeof *to);
        if (to == NULL)
            return KP_E_MEMORY;
        foreign->users = to;
        to += foreign->count++;
    } else {
        kp_roster_user_clear(&to->user);
    }
    int error = 0;
    *to = (struct kp_foreign_user){.line = row->line};
    to->why = read_user(row, &to->user, &error);
    return error;
}

size_t kp_foreign_row_room(const struct kp_roster_user *user)
{
    return user->name.len + KP_SRP64_LEN(user->bits / 8) + KP_SRP64_LEN(user->salt_len) + 16;
}
