/*
 * SRP-6a as TLS uses it: arithmetic only.  Knows no message and no record.
 */
#include "pake/srp.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#define U_LEN KP_SHA1_LEN
#define X_LEN KP_SHA1_LEN
/* a + u x: 256 bits and a product of two of 160. */
#define CLIENT_EXPONENT_LEN (2 * KP_SHA1_LEN + 1)

struct kp_srp_group {
    const struct kp_srp_group_id *id;
    struct kp_mod *mod;
    struct kp_comb *g_table; /* server only */
    uint8_t *g;              /* residue */
    uint8_t *k;              /* residue */
};

struct kp_srp_verifier {
    const struct kp_srp_group *group;
    struct kp_comb *table; /* may be NULL */
    uint8_t *v;            /* residue, secret */
    uint8_t *kv;           /* residue, secret */
};

static struct kp_span span(const uint8_t *data, size_t len)
{
    return (struct kp_span){data, len};
}

/* ---- Groups ------------------------------------------------------------------------------ */

/* k = SHA1(N | PAD(g)), RFC 5054 2.5.3, as a residue. */
static int make_k(struct kp_srp_group *group, const struct kp_crypto *crypto)
{
    size_t len = kp_srp_len(group);
    const struct kp_span parts[] = {span(group->id->n, len), span(group->g, len)};

    return kp_digest(crypto, KP_HASH_SHA1, parts, 2, group->k + len - KP_SHA1_LEN);
}

int kp_srp_group_new(struct kp_srp_group **out, const struct kp_crypto *crypto,
                     const struct kp_srp_group_id *id, bool server)
{
    struct kp_srp_group *group = calloc(1, sizeof(*group));
    size_t len = id->bits / 8;
    int err = KP_E_MEMORY;

    *out = NULL;
    if (group == NULL)
        return err;
    group->id = id;
    group->g = calloc(1, len);
    group->k = calloc(1, len);
    if (group->g != NULL && group->k != NULL) {
        group->g[len - 1] = id->g;
        err = kp_mod_new(&group->mod, id->n, len);
    }
    if (err == 0)
        err = make_k(group, crypto);
    if (err == 0 && server)
        err = kp_comb_new(&group->g_table, group->mod, group->g, KP_SRP_EXPONENT_LEN);
    if (err != 0)
        kp_srp_group_free(group);
    else
        *out = group;
    return err;
}

void kp_srp_group_free(struct kp_srp_group *group)
{
    if (group == NULL)
        return;
    kp_comb_free(group->g_table);
    kp_mod_free(group->mod);
    free(group->g);
    free(group->k);
    free(group);
}

const struct kp_srp_group_id *kp_srp_group_identity(const struct kp_srp_group *group)
{
    return group->id;
}

size_t kp_srp_len(const struct kp_srp_group *group)
{
    return group->id->bits / 8;
}

const struct kp_mod *kp_srp_mod(const struct kp_srp_group *group)
{
    return group->mod;
}

/* ---- Verifiers --------------------------------------------------------------------------- */

int kp_srp_inner(const struct kp_crypto *crypto, struct kp_span name, struct kp_span password,
                 uint8_t out[static KP_SRP_INNER_LEN])
{
    const struct kp_span parts[] = {name, span((const uint8_t *)":", 1), password};

    return kp_digest(crypto, KP_HASH_SHA1, parts, 3, out);
}

static int make_x(const struct kp_crypto *crypto, struct kp_span salt,
                  const uint8_t inner[static KP_SRP_INNER_LEN], uint8_t x[static X_LEN])
{
    const struct kp_span parts[] = {salt, span(inner, KP_SRP_INNER_LEN)};

    return kp_digest(crypto, KP_HASH_SHA1, parts, 2, x);
}

int kp_srp_make_verifier(const struct kp_srp_group *group, const struct kp_crypto *crypto,
                         struct kp_span salt, const uint8_t inner[static KP_SRP_INNER_LEN],
                         uint8_t *v)
{
    uint8_t x[X_LEN];
    int err = make_x(crypto, salt, inner, x);

    if (err == 0)
        err = kp_mod_exp(group->mod, group->g, x, sizeof(x), v);
    kp_wipe(x, sizeof(x));
    return err;
}

int kp_srp_fake_verifier(const struct kp_srp_group *group, const struct kp_crypto *crypto,
                         uint8_t *v)
{
    uint8_t x[X_LEN];
    int err = kp_random(crypto, x, sizeof(x));

    if (err == 0)
        err = kp_mod_exp(group->mod, group->g, x, sizeof(x), v);
    kp_wipe(x, sizeof(x));
    return err;
}

int kp_srp_verifier_new(struct kp_srp_verifier **out, const struct kp_srp_group *group,
                        const uint8_t *v, size_t v_len, bool table)
{
    struct kp_srp_verifier *verifier = calloc(1, sizeof(*verifier));
    size_t len = kp_srp_len(group);
    int err = KP_E_MEMORY;

    *out = NULL;
    if (verifier == NULL)
        return err;
    verifier->group = group;
    verifier->v = malloc(len);
    verifier->kv = malloc(len);
    if (verifier->v != NULL && verifier->kv != NULL)
        err = kp_mod_residue(group->mod, v, v_len, verifier->v);
    if (err == 0)
        err = kp_mod_mul(group->mod, group->k, verifier->v, verifier->kv);
    if (err == 0 && table)
        err = kp_comb_new(&verifier->table, group->mod, verifier->v, U_LEN);
    if (err != 0)
        kp_srp_verifier_free(verifier);
    else
        *out = verifier;
    return err;
}

void kp_srp_verifier_free(struct kp_srp_verifier *verifier)
{
    if (verifier == NULL)
        return;
    kp_comb_free(verifier->table);
    kp_free_secret(verifier->v, kp_srp_len(verifier->group));
    kp_free_secret(verifier->kv, kp_srp_len(verifier->group));
    free(verifier);
}

const struct kp_srp_group *kp_srp_verifier_group(const struct kp_srp_verifier *verifier)
{
    return verifier->group;
}

const uint8_t *kp_srp_verifier_value(const struct kp_srp_verifier *verifier)
{
    return verifier->v;
}

/* ---- The exchange ------------------------------------------------------------------------ */

/* u = SHA1(PAD(A) | PAD(B)), RFC 5054 2.5.3: public. */
static int make_u(const struct kp_crypto *crypto, size_t len, const uint8_t *big_a,
                  const uint8_t *big_b, uint8_t u[static U_LEN])
{
    const struct kp_span parts[] = {span(big_a, len), span(big_b, len)};

    return kp_digest(crypto, KP_HASH_SHA1, parts, 2, u);
}

int kp_srp_server_share(const struct kp_srp_verifier *verifier,
                        const uint8_t b[static KP_SRP_EXPONENT_LEN], uint8_t *big_b)
{
    const struct kp_srp_group *group = verifier->group;
    int err = kp_comb_exp(group->g_table, b, KP_SRP_EXPONENT_LEN, big_b);

    if (err == 0)
        err = kp_mod_add(group->mod, verifier->kv, big_b, big_b);
    return err;
}

int kp_srp_server_secret(const struct kp_srp_verifier *verifier, const struct kp_crypto *crypto,
                         const uint8_t b[static KP_SRP_EXPONENT_LEN], const uint8_t *big_a,
                         const uint8_t *big_b, uint8_t *s)
{
    const struct kp_srp_group *group = verifier->group;
    uint8_t base[KP_SRP_MAX_LEN];
    uint8_t u[U_LEN];
    int err = make_u(crypto, kp_srp_len(group), big_a, big_b, u);

    if (err == 0)
        err = kp_mod_mul_exp_public(group->mod, big_a, verifier->v, verifier->table, u, sizeof(u),
                                    base);
    if (err == 0)
        err = kp_mod_exp(group->mod, base, b, KP_SRP_EXPONENT_LEN, s);
    kp_wipe(base, kp_srp_len(group));
    return err;
}

int kp_srp_client_share(const struct kp_srp_group *group,
                        const uint8_t a[static KP_SRP_EXPONENT_LEN], uint8_t *big_a)
{
    return kp_mod_exp(group->mod, group->g, a, KP_SRP_EXPONENT_LEN, big_a);
}

/* base = B - k g^x. */
static int client_base(const struct kp_srp_group *group, const uint8_t x[static X_LEN],
                       const uint8_t *big_b, uint8_t *base)
{
    int err = kp_mod_exp(group->mod, group->g, x, X_LEN, base);

    if (err == 0)
        err = kp_mod_mul(group->mod, group->k, base, base);
    if (err == 0)
        err = kp_mod_sub(group->mod, big_b, base, base);
    return err;
}

int kp_srp_client_secret(const struct kp_srp_group *group, const struct kp_crypto *crypto,
                         const uint8_t a[static KP_SRP_EXPONENT_LEN],
                         const uint8_t inner[static KP_SRP_INNER_LEN], struct kp_span salt,
                         const uint8_t *big_a, const uint8_t *big_b, uint8_t *s)
{
    uint8_t base[KP_SRP_MAX_LEN];
    uint8_t exponent[CLIENT_EXPONENT_LEN];
    uint8_t u[U_LEN];
    uint8_t x[X_LEN];
    int err = make_u(crypto, kp_srp_len(group), big_a, big_b, u);

    if (err == 0)
        err = make_x(crypto, salt, inner, x);
    if (err == 0)
        err = client_base(group, x, big_b, base);
    if (err == 0)
        err = kp_int_mul_add(span(a, KP_SRP_EXPONENT_LEN), span(u, sizeof(u)), span(x, sizeof(x)),
                             exponent, sizeof(exponent));
    if (err == 0)
        err = kp_mod_exp(group->mod, base, exponent, sizeof(exponent), s);
    kp_wipe(base, kp_srp_len(group));
    kp_wipe(exponent, sizeof(exponent));
    kp_wipe(x, sizeof(x));
    return err;
}
