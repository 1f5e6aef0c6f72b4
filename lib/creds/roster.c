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
    kp_free_secret(user->spake2plus, sizeof *user->spake2plus);
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
    return user->v != NULL &&
           (user->bits != roster->bits || user->salt_len != roster->salt_len || user->salt[0] == 0);
}

unsigned kp_roster_user_versions(const struct kp_roster_user *user)
{
    return (user->v != NULL ? KP_USE_TLS12 : 0) | (user->spake2plus != NULL ? KP_USE_TLS13 : 0);
}

size_t kp_roster_only_srp(const struct kp_roster *roster)
{
    size_t n = 0;
    for (size_t i = 0; i < roster->count; i++)
        n += kp_roster_user_versions(&roster->users[i]) == KP_USE_TLS12;
    return n;
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

static int set_srp(struct kp_roster_user *user, unsigned bits, const uint8_t *salt, size_t salt_len,
                   const uint8_t *v)
{
    if (salt_len == 0 || salt_len > sizeof user->salt)
        return KP_E_ARGUMENT;
    user->v = malloc(bits / 8);
    if (user->v == NULL)
        return KP_E_MEMORY;
    user->bits = bits;
    user->salt_len = salt_len;
    memcpy(user->salt, salt, salt_len);
    memcpy(user->v, v, bits / 8);
    return 0;
}

int kp_roster_user_set(struct kp_roster_user *user, const char *name, size_t name_len,
                       unsigned bits, const uint8_t *salt, size_t salt_len, const uint8_t *v)
{
    *user = (struct kp_roster_user){.v = NULL};
    int error = set_srp(user, bits, salt, salt_len, v);
    if (error == 0)
        error = kp_text_copy(&user->name, name, name_len);
    if (error != 0)
        kp_roster_user_clear(user);
    return error;
}

static struct kp_span span_of(const struct kp_text *text)
{
    return (struct kp_span){(const uint8_t *)text->data, text->len};
}

/* v of a password: bits / 8 bytes. */
static int make_v(const struct kp_crypto *crypto, unsigned bits, struct kp_span salt,
                  const struct kp_text *name, const struct kp_text *password, uint8_t *v)
{
    uint8_t inner[KP_SRP_INNER_LEN];
    struct kp_srp_group *group = NULL;
    int error = kp_srp_inner(crypto, span_of(name), span_of(password), inner);
    if (error == 0)
        error = kp_srp_group_new(&group, crypto, kp_srp_group_by_bits(bits), false);
    if (error == 0)
        error = kp_srp_make_verifier(group, crypto, salt, inner, v);
    kp_srp_group_free(group);
    kp_wipe(inner, sizeof inner);
    return error;
}

/* w0 and L of a password.  The context takes no part in them. */
static int make_spake2plus(const struct kp_crypto *crypto, const struct kp_text *device_id,
                           const struct kp_text *name, const struct kp_text *password,
                           struct kp_roster_spake2plus *out)
{
    const struct kp_spake2plus_names names = {.prover = span_of(name),
                                              .verifier = span_of(device_id)};
    struct kp_spake2plus_secret secret;
    int error = kp_spake2plus_stretch(crypto, span_of(password), &names, &secret);
    if (error == 0)
        error = kp_spake2plus_make_l(crypto, secret.w1, out->l);
    if (error == 0)
        memcpy(out->w0, secret.w0, sizeof out->w0);
    kp_wipe(&secret, sizeof secret);
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

static int add_srp(struct kp_roster_user *user, const struct kp_roster *roster,
                   const struct kp_crypto *crypto, const struct kp_text *password)
{
    const struct kp_text *name = &user->name;
    uint8_t salt[KP_SALT_MAX];
    uint8_t v[KP_SRP_MAX_LEN];
    const struct kp_span span = {salt, roster->salt_len};
    int error = kp_roster_salt(crypto, roster->seed, roster->salt_len, name->data, name->len, salt);
    if (error == 0)
        error = make_v(crypto, roster->bits, span, name, password, v);
    if (error == 0)
        error = set_srp(user, roster->bits, salt, roster->salt_len, v);
    kp_wipe(v, sizeof v);
    return error;
}

static int add_spake2plus(struct kp_roster_user *user, const struct kp_roster *roster,
                          const struct kp_crypto *crypto, const struct kp_text *password)
{
    user->spake2plus = calloc(1, sizeof *user->spake2plus);
    if (user->spake2plus == NULL)
        return KP_E_MEMORY;
    return make_spake2plus(crypto, &roster->device_id, &user->name, password, user->spake2plus);
}

int kp_roster_user_make(struct kp_roster_user *user, const struct kp_roster *roster,
                        const struct kp_crypto *crypto, const struct kp_text *name,
                        const struct kp_text *password, unsigned versions)
{
    *user = (struct kp_roster_user){.v = NULL};
    int error = kp_text_copy(&user->name, name->data, name->len);
    if (error == 0 && (versions & KP_USE_TLS12) != 0)
        error = add_srp(user, roster, crypto, password);
    if (error == 0 && (versions & KP_USE_TLS13) != 0)
        error = add_spake2plus(user, roster, crypto, password);
    if (error != 0)
        kp_roster_user_clear(user);
    return error;
}

/* Whether what was made of a password is what the user has of it, in every half. */
static bool is_right(const struct kp_roster_user *user, const uint8_t *v,
                     const struct kp_roster_spake2plus *made)
{
    const struct kp_roster_spake2plus *half = user->spake2plus;
    bool right = kp_roster_user_versions(user) != 0;
    if (user->v != NULL)
        right &= kp_equal_secret(v, user->v, user->bits / 8);
    if (half != NULL)
        right &= kp_equal_secret(made->w0, half->w0, sizeof half->w0) &&
                 kp_equal_secret(made->l, half->l, sizeof half->l);
    return right;
}

int kp_roster_check(const struct kp_roster *roster, const struct kp_crypto *crypto,
                    const struct kp_text *name, const struct kp_text *password, bool *right)
{
    static const uint8_t any[KP_SALT_MAX]; /* for a salt that isn't there */
    static const struct kp_roster_user nobody = {.v = NULL};
    uint8_t v[KP_SRP_MAX_LEN];
    struct kp_roster_spake2plus made;
    const struct kp_roster_user *found = kp_roster_find(roster, name->data, name->len);
    const struct kp_roster_user *user = found != NULL ? found : &nobody;
    unsigned bits = user->v != NULL ? user->bits : roster->bits;
    const struct kp_span salt = {user->v != NULL ? user->salt : any,
                                 user->v != NULL ? user->salt_len : roster->salt_len};
    int error = make_v(crypto, bits, salt, name, password, v);
    if (error == 0)
        error = make_spake2plus(crypto, &roster->device_id, name, password, &made);
    *right = error == 0 && is_right(user, v, &made);
    kp_wipe(v, sizeof v);
    kp_wipe(&made, sizeof made);
    return error;
}
