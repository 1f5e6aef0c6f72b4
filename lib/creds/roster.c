/*
 * Users and their verifiers: made, found, added, changed, removed.
 */
#include "creds/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

int kp_roster_init(struct kp_roster *roster, const struct kp_crypto *crypto, const char *device_id,
                   size_t device_id_len, unsigned bits, size_t salt_len)
{
    *roster = (struct kp_roster){.bits = bits, .salt_len = salt_len};
    if (kp_srp_group_by_bits(bits) == NULL || salt_len < KP_ROSTER_SALT_MIN ||
        salt_len > KP_SALT_MAX || kp_text_name_check(device_id, device_id_len) != KP_TEXT_FINE)
        return KP_E_ARGUMENT;
    int error = kp_random(crypto, roster->seed, sizeof roster->seed);
    if (error == 0)
        error = kp_text_copy(&roster->device_id, device_id, device_id_len);
    if (error != 0)
        kp_roster_clear(roster);
    return error;
}

void kp_roster_user_clear(struct kp_roster_user *user)
{
    kp_text_clear(&user->name);
    kp_free_secret(user->v, user->bits / 8);
    kp_wipe(user, sizeof *user);
}

void kp_roster_clear(struct kp_roster *roster)
{
    for (size_t i = 0; i < roster->count; i++)
        kp_roster_user_clear(&roster->users[i]);
    free(roster->users);
    kp_text_clear(&roster->device_id);
    kp_wipe(roster, sizeof *roster);
}

struct kp_roster_user *kp_roster_find(const struct kp_roster *roster, const char *name, size_t len)
{
    for (size_t i = 0; i < roster->count; i++) {
        struct kp_roster_user *user = &roster->users[i];
        if (user->name.len == len && memcmp(user->name.data, name, len) == 0)
            return user;
    }
    return NULL;
}

int kp_roster_add(struct kp_roster *roster, struct kp_roster_user *user)
{
    if (kp_roster_find(roster, user->name.data, user->name.len) != NULL)
        return KP_E_EXISTS;
    struct kp_roster_user *users = realloc(roster->users, (roster->count + 1) * sizeof *users);
    if (users == NULL)
        return KP_E_MEMORY;
    roster->users = users;
    user->generation = ++roster->generation;
    users[roster->count++] = *user;
    *user = (struct kp_roster_user){.v = NULL};
    return 0;
}

int kp_roster_change(struct kp_roster *roster, struct kp_roster_user *user)
{
    struct kp_roster_user *old = kp_roster_find(roster, user->name.data, user->name.len);
    if (old == NULL)
        return KP_E_NOT_FOUND;
    kp_roster_user_clear(old);
    user->generation = ++roster->generation;
    *old = *user;
    *user = (struct kp_roster_user){.v = NULL};
    return 0;
}

int kp_roster_remove(struct kp_roster *roster, const char *name, size_t len)
{
    struct kp_roster_user *user = kp_roster_find(roster, name, len);
    if (user == NULL)
        return KP_E_NOT_FOUND;
    size_t at = (size_t)(user - roster->users);
    kp_roster_user_clear(user);
    roster->count--;
    memmove(user, user + 1, (roster->count - at) * sizeof *user);
    return 0;
}

bool kp_roster_differs(const struct kp_roster *roster, const struct kp_roster_user *user)
{
    return user->bits != roster->bits || user->salt_len != roster->salt_len || user->salt[0] == 0;
}

bool kp_roster_v_in_range(unsigned bits, const uint8_t *v)
{
    const struct kp_srp_group_id *group = kp_srp_group_by_bits(bits);
    size_t len = bits / 8;
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= v[i];
    return group != NULL && any != 0 && memcmp(v, group->n, len) < 0;
}

int kp_roster_user_set(struct kp_roster_user *user, const char *name, size_t name_len,
                       unsigned bits, const uint8_t *salt, size_t salt_len, const uint8_t *v)
{
    *user = (struct kp_roster_user){.bits = bits, .salt_len = salt_len};
    if (salt_len == 0 || salt_len > sizeof user->salt)
        return KP_E_ARGUMENT;
    memcpy(user->salt, salt, salt_len);
    user->v = malloc(bits / 8);
    if (user->v == NULL || kp_text_copy(&user->name, name, name_len) != 0) {
        kp_roster_user_clear(user);
        return KP_E_MEMORY;
    }
    memcpy(user->v, v, bits / 8);
    return 0;
}

/* v of a password: bits / 8 bytes. */
static int make_v(const struct kp_crypto *crypto, unsigned bits, struct kp_span salt,
                  const struct kp_text *name, const struct kp_text *password, uint8_t *v)
{
    const struct kp_span who = {(const uint8_t *)name->data, name->len};
    const struct kp_span what = {(const uint8_t *)password->data, password->len};
    uint8_t inner[KP_SRP_INNER_LEN];
    struct kp_srp_group *group = NULL;
    int error = kp_srp_inner(crypto, who, what, inner);
    if (error == 0)
        error = kp_srp_group_new(&group, crypto, kp_srp_group_by_bits(bits), false);
    if (error == 0)
        error = kp_srp_make_verifier(group, crypto, salt, inner, v);
    kp_srp_group_free(group);
    kp_wipe(inner, sizeof inner);
    return error;
}

int kp_roster_derive(const struct kp_crypto *crypto, const uint8_t seed[static KP_ROSTER_SEED_LEN],
                     const char *purpose, uint8_t block, const char *name, size_t name_len,
                     uint8_t out[static KP_SHA256_LEN])
{
    const struct kp_span key = {seed, KP_ROSTER_SEED_LEN};
    const struct kp_span parts[] = {{(const uint8_t *)purpose, strlen(purpose) + 1},
                                    {&block, 1},
                                    {(const uint8_t *)name, name_len}};
    return kp_hmac(crypto, KP_HASH_SHA256, key, parts, 3, out);
}

int kp_roster_salt(const struct kp_crypto *crypto, const uint8_t seed[static KP_ROSTER_SEED_LEN],
                   size_t salt_len, const char *name, size_t name_len,
                   uint8_t salt[static KP_SALT_MAX])
{
    uint8_t block[KP_SHA256_LEN];
    uint64_t first = 0;
    int error = 0;
    memset(salt, 0, KP_SALT_MAX);
    for (size_t at = 0, n = 1; error == 0 && at < salt_len; n++) {
        size_t left = salt_len - at;
        error = kp_roster_derive(crypto, seed, "keyplate salt", (uint8_t)n, name, name_len, block);
        memcpy(salt + at, block, left < sizeof block ? left : sizeof block);
        at += left < sizeof block ? left : sizeof block;
    }
    if (error == 0)
        error = kp_roster_derive(crypto, seed, "keyplate salt", 0, name, name_len, block);
    for (size_t i = 0; error == 0 && i < sizeof first; i++)
        first = first << 8 | block[i];
    salt[0] = (uint8_t)(1 + first % 255);
    return error;
}

int kp_roster_user_make(struct kp_roster_user *user, const struct kp_roster *roster,
                        const struct kp_crypto *crypto, const struct kp_text *name,
                        const struct kp_text *password)
{
    uint8_t salt[KP_SALT_MAX];
    uint8_t v[KP_SRP_MAX_LEN];
    const struct kp_span span = {salt, roster->salt_len};
    *user = (struct kp_roster_user){.v = NULL};
    int error = kp_roster_salt(crypto, roster->seed, roster->salt_len, name->data, name->len, salt);
    if (error == 0)
        error = make_v(crypto, roster->bits, span, name, password, v);
    if (error == 0)
        error = kp_roster_user_set(user, name->data, name->len, roster->bits, salt,
                                   roster->salt_len, v);
    kp_wipe(v, sizeof v);
    return error;
}

int kp_roster_check(const struct kp_roster *roster, const struct kp_crypto *crypto,
                    const struct kp_text *name, const struct kp_text *password, bool *right)
{
    uint8_t v[KP_SRP_MAX_LEN];
    uint8_t nobody[KP_SRP_MAX_LEN] = {0};
    const struct kp_roster_user *user = kp_roster_find(roster, name->data, name->len);
    unsigned bits = user != NULL ? user->bits : roster->bits;
    /* Any bytes do for the salt of a user who isn't there. */
    const struct kp_span salt = {user != NULL ? user->salt : nobody,
                                 user != NULL ? user->salt_len : roster->salt_len};
    *right = false;
    int error = make_v(crypto, bits, salt, name, password, v);
    if (error == 0)
        *right = kp_equal_secret(v, user != NULL ? user->v : nobody, bits / 8) && user != NULL;
    kp_wipe(v, sizeof v);
    return error;
}
