/*
 * What connections of a pair share: contexts, a group, users.
 */
#include "harness.h"

#include <string.h>

static const uint8_t salt[16] = {0x5A, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static struct kp_span text(const char *s)
{
    return (struct kp_span){(const uint8_t *)s, strlen(s)};
}

static void open_context(struct world *w, enum kp_role role, const struct kp_settings *settings)
{
    struct kp_settings s = {0};

    if (settings != NULL)
        s = *settings;
    s.role = role;
    s.random = seeded_random;
    s.random_arg = &w->random[role];
    must(kp_context_new(&w->context[role], &s) == 0);
}

static void open_login(struct world *w, struct kp_login **out, const char *name,
                       const char *password)
{
    must(kp_login_new(out, w->context[KP_CLIENT], name, strlen(name), (const uint8_t *)password,
                      strlen(password)) == 0);
}

void world_credential(struct world *w, const char *password, struct kp_srp_verifier **verifier,
                      struct kp_credential *credential)
{
    uint8_t inner[KP_SRP_INNER_LEN];
    uint8_t v[KP_SRP_MAX_LEN];
    size_t len = kp_srp_len(w->group);
    const struct kp_span value = {v, len};

    must(kp_srp_inner(w->crypto, text(ALICE), text(password), inner) == 0);
    must(kp_srp_make_verifier(w->group, w->crypto, (struct kp_span){salt, sizeof(salt)}, inner,
                              v) == 0);
    must(kp_srp_verifier_new(verifier, w->group, v, len, true) == 0);
    memset(credential, 0, sizeof(*credential));
    credential->srp = *verifier;
    memcpy(credential->salt, salt, sizeof(salt));
    credential->salt_len = sizeof(salt);
    must(kp_digest(w->crypto, KP_HASH_SHA256, &value, 1, credential->binding) == 0);
}

static void open_nobody(struct world *w)
{
    uint8_t v[KP_SRP_MAX_LEN];

    must(kp_srp_fake_verifier(w->group, w->crypto, v) == 0);
    must(kp_srp_verifier_new(&w->nobody, w->group, v, kp_srp_len(w->group), true) == 0);
    w->simulated = w->credential;
    w->simulated.srp = w->nobody;
    w->simulated.salt[3] ^= 0x77;
    w->simulated.binding[0] ^= 1;
    w->simulated.srp_simulated = true;
}

void world_open(struct world *w, unsigned bits, const struct kp_settings *client,
                const struct kp_settings *server)
{
    memset(w, 0, sizeof(*w));
    seeded_start(&w->own, 1);
    open_context(w, KP_CLIENT, client);
    open_context(w, KP_SERVER, server);
    must(kp_crypto_new(&w->crypto, seeded_random, &w->own) == 0);
    must(kp_srp_group_new(&w->group, w->crypto, kp_srp_group_by_bits(bits), true) == 0);
    world_credential(w, ALICE_PASSWORD, &w->alice, &w->credential);
    open_nobody(w);
    open_login(w, &w->login, ALICE, ALICE_PASSWORD);
    open_login(w, &w->wrong, ALICE, "not her password");
    open_login(w, &w->unknown, "mallo", ALICE_PASSWORD);
}

void world_close(struct world *w)
{
    kp_login_free(w->login);
    kp_login_free(w->wrong);
    kp_login_free(w->unknown);
    kp_srp_verifier_free(w->alice);
    kp_srp_verifier_free(w->nobody);
    kp_srp_group_free(w->group);
    kp_crypto_free(w->crypto);
    kp_context_free(w->context[KP_CLIENT]);
    kp_context_free(w->context[KP_SERVER]);
    memset(w, 0, sizeof(*w));
}
