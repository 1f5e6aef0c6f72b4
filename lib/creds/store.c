/*
 * The credentials file made ready for handshakes.
 */
#include "creds/store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "creds/roster.h"

#define GROUPS 5 /* of RFC 5054, 2048 to 8192 bits */
#define ID_LEN KP_SHA256_LEN
#define BINDING_LEN KP_SHA256_LEN

/* A user, or behind them one of those who stand for all that don't exist: as many as there are
 * users, so that a processor's caches are as warm for a name that isn't there as for one that is.
 * A half that the user lacks is one of theirs, and its salt is the name's. */
struct entry {
    uint8_t id[ID_LEN]; /* HMAC(seed, name): all names have one length */
    uint8_t salt[KP_SALT_MAX];
    size_t salt_len;
    uint8_t binding[BINDING_LEN];
    struct kp_srp_verifier *srp;
    struct kp_spake2plus_verifier *spake2plus;
    bool srp_simulated;
    bool spake2plus_simulated;
    struct kp_text name;
    bool told;
};

struct kp_store {
    atomic_uint references;
    struct kp_crypto *crypto;
    struct kp_srp_group *groups[GROUPS];
    struct kp_text device_id;
    uint8_t seed[KP_ROSTER_SEED_LEN];
    size_t salt_len;
    struct entry *entries; /* count users, and nobodies behind them */
    size_t count;
    size_t nobodies; /* at least 1 */
    bool prefers_tls12;
};

static int derive(const struct kp_store *store, const char *purpose, const char *name,
                  size_t name_len, uint8_t out[static KP_SHA256_LEN])
{
    return kp_roster_derive(store->crypto, store->seed, purpose, 0, name, name_len, out);
}

/* What a user's tickets die with: any change of name, group, salt, verifiers or generation. */
static int bind_user(const struct kp_store *store, const struct kp_roster_user *user,
                     uint8_t out[static BINDING_LEN])
{
    const uint8_t head[] = {(uint8_t)kp_roster_user_versions(user), (uint8_t)(user->bits >> 8),
                            (uint8_t)user->bits, (uint8_t)user->salt_len, (uint8_t)user->name.len};
    const struct kp_roster_spake2plus *half = user->spake2plus;
    uint8_t generation[8];
    for (size_t i = 0; i < sizeof generation; i++)
        generation[i] = (uint8_t)(user->generation >> (8 * (7 - i)));
    const struct kp_span parts[] = {
        {head, sizeof head},
        {user->salt, user->salt_len},
        {user->v, user->bits / 8},
        {half != NULL ? half->w0 : NULL, half != NULL ? sizeof half->w0 : 0},
        {half != NULL ? half->l : NULL, half != NULL ? sizeof half->l : 0},
        {generation, sizeof generation},
        {(const uint8_t *)user->name.data, user->name.len}};
    return kp_digest(store->crypto, KP_HASH_SHA256, parts, sizeof parts / sizeof *parts, out);
}

/* Which of the nobodies stands for a name: secret, always the same while the store lives. */
static int pick_nobody(const struct kp_store *store, const char *name, size_t name_len, size_t *out)
{
    uint8_t digest[KP_SHA256_LEN];
    uint64_t number = 0;
    int error = derive(store, "keyplate nobody", name, name_len, digest);
    for (size_t i = 0; error == 0 && i < 4; i++)
        number = number << 8 | digest[i];
    *out = (size_t)(number * store->nobodies >> 32);
    return error;
}

/* The group of that many bits, made ready at its first use. */
static int ready_group(struct kp_store *store, unsigned bits, const struct kp_srp_group **out)
{
    const struct kp_srp_group_id *id = kp_srp_group_by_bits(bits);
    for (size_t i = 0; i < GROUPS; i++) {
        if (store->groups[i] == NULL) {
            int error = kp_srp_group_new(&store->groups[i], store->crypto, id, true);
            *out = store->groups[i];
            return error;
        }
        if (kp_srp_group_identity(store->groups[i]) == id) {
            *out = store->groups[i];
            return 0;
        }
    }
    return KP_E_INTERNAL;
}

/* With tables for all or, where that is too much memory, for none: simulated users' work is
 * theirs. */
static int ready_srp(struct kp_store *store, unsigned bits, const uint8_t *v, struct entry *entry)
{
    const struct kp_srp_group *group = NULL;
    int error = ready_group(store, bits, &group);
    if (error == 0)
        error = kp_srp_verifier_new(&entry->srp, group, v, bits / 8,
                                    store->count <= KP_STORE_TABLES_MAX);
    return error;
}

/* The SRP half of the user, or the simulated one. */
static int ready_user_srp(struct kp_store *store, const struct kp_roster_user *user,
                          const struct entry *nobody, struct entry *entry)
{
    if (user->v == NULL) {
        entry->srp = nobody->srp;
        entry->srp_simulated = true;
        entry->salt_len = store->salt_len;
        return kp_roster_salt(store->crypto, store->seed, store->salt_len, user->name.data,
                              user->name.len, entry->salt);
    }
    memcpy(entry->salt, user->salt, user->salt_len);
    entry->salt_len = user->salt_len;
    return ready_srp(store, user->bits, user->v, entry);
}

static int ready_user_spake2plus(struct kp_store *store, const struct kp_roster_user *user,
                                 const struct entry *nobody, struct entry *entry)
{
    if (user->spake2plus == NULL) {
        entry->spake2plus = nobody->spake2plus;
        entry->spake2plus_simulated = true;
        return 0;
    }
    return kp_spake2plus_verifier_new(&entry->spake2plus, store->crypto, user->spake2plus->w0,
                                      user->spake2plus->l);
}

static int ready_user(struct kp_store *store, const struct kp_roster *roster,
                      const struct kp_roster_user *user, struct entry *entry)
{
    size_t nobody = 0;
    entry->told = kp_roster_differs(roster, user);
    int error = kp_text_copy(&entry->name, user->name.data, user->name.len);
    if (error == 0)
        error = pick_nobody(store, user->name.data, user->name.len, &nobody);
    if (error == 0)
        error = derive(store, "keyplate name", user->name.data, user->name.len, entry->id);
    if (error == 0)
        error = bind_user(store, user, entry->binding);
    if (error == 0)
        error = ready_user_srp(store, user, &store->entries[store->count + nobody], entry);
    if (error == 0)
        error = ready_user_spake2plus(store, user, &store->entries[store->count + nobody], entry);
    return error;
}

static int ready_nobody(struct kp_store *store, unsigned bits, struct entry *entry)
{
    uint8_t v[KP_SRP_MAX_LEN];
    const struct kp_srp_group *group = NULL;
    entry->salt_len = store->salt_len;
    entry->srp_simulated = true;
    entry->spake2plus_simulated = true;
    int error = ready_group(store, bits, &group);
    if (error == 0)
        error = kp_srp_fake_verifier(group, store->crypto, v);
    if (error == 0)
        error = ready_srp(store, bits, v, entry);
    if (error == 0)
        error = kp_spake2plus_verifier_fake(&entry->spake2plus, store->crypto);
    kp_wipe(v, sizeof v);
    return error;
}

static size_t nobodies_for(size_t users)
{
    if (users > KP_STORE_NOBODIES_MAX)
        return KP_STORE_NOBODIES_MAX;
    return users > 0 ? users : 1;
}

/* Nobodies come first: users have of theirs what they lack. */
static int ready(struct kp_store *store, const struct kp_roster *roster)
{
    memcpy(store->seed, roster->seed, sizeof store->seed);
    store->salt_len = roster->salt_len;
    store->nobodies = nobodies_for(roster->count);
    store->entries = calloc(roster->count + store->nobodies, sizeof *store->entries);
    if (store->entries == NULL)
        return KP_E_MEMORY;
    store->count = roster->count;
    store->prefers_tls12 = kp_roster_only_srp(roster) > 0;
    int error = kp_text_copy(&store->device_id, roster->device_id.data, roster->device_id.len);
    for (size_t i = 0; error == 0 && i < store->nobodies; i++)
        error = ready_nobody(store, roster->bits, &store->entries[store->count + i]);
    for (size_t i = 0; error == 0 && i < store->count; i++)
        error = ready_user(store, roster, &roster->users[i], &store->entries[i]);
    return error;
}

int kp_store_parse(struct kp_store **out, const char *text, size_t len,
                   struct kp_store_fault *fault)
{
    struct kp_roster roster = {.users = NULL};
    struct kp_store *store = calloc(1, sizeof *store);
    *out = NULL;
    *fault = (struct kp_store_fault){.line = 0};
    if (store == NULL)
        return KP_E_MEMORY;
    atomic_init(&store->references, 1);
    int error = kp_crypto_new(&store->crypto, NULL, NULL);
    if (error == 0)
        error = kp_roster_parse(&roster, store->crypto, text, len, fault);
    if (error == 0) {
        error = ready(store, &roster);
        kp_roster_clear(&roster);
    }
    if (error != 0)
        kp_store_free(store);
    else
        *out = store;
    return error;
}

struct kp_store *kp_store_ref(struct kp_store *store)
{
    atomic_fetch_add_explicit(&store->references, 1, memory_order_relaxed);
    return store;
}

/* A user's simulated halves are a nobody's. */
static void free_entries(struct kp_store *store)
{
    size_t all = store->count + store->nobodies;
    if (store->entries == NULL)
        return;
    for (size_t i = 0; i < all; i++) {
        struct entry *entry = &store->entries[i];
        if (i >= store->count || !entry->srp_simulated)
            kp_srp_verifier_free(entry->srp);
        if (i >= store->count || !entry->spake2plus_simulated)
            kp_spake2plus_verifier_free(entry->spake2plus);
        kp_text_clear(&entry->name);
    }
    kp_free_secret(store->entries, all * sizeof *store->entries);
}

void kp_store_free(struct kp_store *store)
{
    if (store == NULL ||
        atomic_fetch_sub_explicit(&store->references, 1, memory_order_acq_rel) != 1)
        return;
    free_entries(store);
    for (size_t i = 0; i < GROUPS; i++)
        kp_srp_group_free(store->groups[i]);
    kp_text_clear(&store->device_id);
    kp_crypto_free(store->crypto);
    kp_free_secret(store, sizeof *store);
}

const uint8_t *kp_store_device_id(const struct kp_store *store, size_t *len)
{
    *len = store->device_id.len;
    return (const uint8_t *)store->device_id.data;
}

bool kp_store_prefers_tls12(const struct kp_store *store)
{
    return store->prefers_tls12;
}

size_t kp_store_users(const struct kp_store *store)
{
    return store->count;
}

size_t kp_store_told(const struct kp_store *store)
{
    size_t n = 0;
    for (size_t i = 0; i < store->count; i++)
        n += store->entries[i].told;
    return n;
}

const char *kp_store_told_name(const struct kp_store *store, size_t index, size_t *len)
{
    for (size_t i = 0; i < store->count; i++) {
        if (!store->entries[i].told || index-- > 0)
            continue;
        *len = store->entries[i].name.len;
        return store->entries[i].name.data;
    }
    *len = 0;
    return NULL;
}

/* out = yes ? from : out, by a mask. */
static void take(void *out, size_t yes, const void *from, size_t len)
{
    const uint8_t *in = from;
    uint8_t *to = out;

    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)((in[i] & yes) | (to[i] & ~yes));
}

/* The same for a pointer. */
static void take_pointer(void *out, size_t yes, const void *from)
{
    take(out, yes, from, sizeof(uintptr_t));
}

static void take_entry(struct kp_credential *out, size_t yes, const struct entry *entry)
{
    take_pointer(&out->srp, yes, &entry->srp);
    take_pointer(&out->spake2plus, yes, &entry->spake2plus);
    take(out->salt, yes, entry->salt, sizeof out->salt);
    take(&out->salt_len, yes, &entry->salt_len, sizeof out->salt_len);
    take(out->binding, yes, entry->binding, sizeof out->binding);
    take(&out->srp_simulated, yes, &entry->srp_simulated, sizeof out->srp_simulated);
    take(&out->spake2plus_simulated, yes, &entry->spake2plus_simulated,
         sizeof out->spake2plus_simulated);
}

/* The one that stands for the name. */
static int take_nobody(const struct kp_store *store, const char *name, size_t name_len,
                       struct kp_credential *out)
{
    size_t picked;
    int error = pick_nobody(store, name, name_len, &picked);
    for (size_t i = 0; error == 0 && i < store->nobodies; i++) {
        size_t differ = picked ^ i;
        size_t differs = (differ | ((size_t)0 - differ)) >> (sizeof(size_t) * 8 - 1);
        take_entry(out, kp_mask_secret(1 - differs), &store->entries[store->count + i]);
    }
    out->nobody = out->spake2plus;
    return error;
}

/* Every entry is read whole: neither a branch nor an address tells which one it is. */
int kp_store_lookup(const struct kp_store *store, const char *name, size_t name_len,
                    struct kp_credential *out)
{
    uint8_t id[ID_LEN];

    memset(out, 0, sizeof *out);
    if (take_nobody(store, name, name_len, out) != 0 ||
        derive(store, "keyplate name", name, name_len, id) != 0 ||
        derive(store, "keyplate binding", name, name_len, out->binding) != 0 ||
        kp_roster_salt(store->crypto, store->seed, store->salt_len, name, name_len, out->salt) != 0)
        return KP_E_CRYPTO;
    for (size_t i = 0; i < store->count; i++) {
        const struct entry *entry = &store->entries[i];
        take_entry(out, kp_mask_secret(kp_equal_secret(entry->id, id, sizeof id)), entry);
    }
    return 0;
}
