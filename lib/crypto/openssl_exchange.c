/*
 * The provider's key agreement: X25519 on EVP, secp256r1 on the same points as SPAKE2+, and
 * X25519MLKEM768 where the library has ML-KEM.  A group is a row of the table.
 */
#include "crypto/exchange.h"

#include "base/secret.h"
#include "crypto/curve.h"
#include "crypto/openssl_symmetric.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#define X25519_LEN 32
#define COORDINATE_LEN 32

struct row;

/* One side's key. */
struct kp_exchange {
    const struct row *row;
    uint8_t scalar[KP_SCALAR_LEN]; /* secp256r1 */
    EVP_PKEY *key;                 /* X25519 */
    EVP_PKEY *kem;                 /* ML-KEM-768 */
};

struct row {
    uint16_t group;
    struct kp_exchange_lens lens;
    /* A new key and its share. */
    int (*make)(struct kp_exchange *e, const struct kp_crypto *c, uint8_t *share);
    /* The secret of a key and the other side's share, whose length is right. */
    int (*agree)(const struct kp_exchange *e, const struct kp_crypto *c, const uint8_t *theirs,
                 uint8_t *secret);
    /* The server's part. */
    int (*answer)(const struct row *row, const struct kp_crypto *c, const uint8_t *offer,
                  uint8_t *answer, uint8_t *secret);
};

static void exchange_clear(struct kp_exchange *e)
{
    EVP_PKEY_free(e->key);
    EVP_PKEY_free(e->kem);
    kp_wipe(e, sizeof(*e));
}

static int dh_answer(const struct row *row, const struct kp_crypto *c, const uint8_t *offer,
                     uint8_t *answer, uint8_t *secret)
{
    struct kp_exchange e = {.row = row};
    int err = row->make(&e, c, answer);

    if (err == 0)
        err = row->agree(&e, c, offer, secret);
    exchange_clear(&e);
    return err;
}

/* ---- X25519, RFC 7748 ---------------------------------------------------------------------- */

/* A key of one kind or the other; NULL is a failure.  Who imports a private key without its public
 * one has libcrypto compute that, by a slower way than a derivation with the base point: the base
 * point stands in for it, and nothing asks the key for it. */
static EVP_PKEY *x25519_import(const struct kp_crypto *c, uint8_t *private_key, uint8_t *public_key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, c->x25519_base, NULL);
    int selection = private_key != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    uint8_t base[X25519_LEN] = {9};
    char pub[] = OSSL_PKEY_PARAM_PUB_KEY, priv[] = OSSL_PKEY_PARAM_PRIV_KEY;
    OSSL_PARAM params[3];
    OSSL_PARAM *next = params;
    EVP_PKEY *key = NULL;

    *next++ =
        OSSL_PARAM_construct_octet_string(pub, public_key != NULL ? public_key : base, X25519_LEN);
    if (private_key != NULL)
        *next++ = OSSL_PARAM_construct_octet_string(priv, private_key, X25519_LEN);
    *next = OSSL_PARAM_construct_end();
    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, selection, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static int x25519_derive(EVP_PKEY *own, EVP_PKEY *peer, uint8_t *out)
{
    static const uint8_t zeros[X25519_LEN];
    EVP_PKEY_CTX *ctx = own != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL) : NULL;
    size_t len = X25519_LEN;
    int err = KP_E_CRYPTO;

    if (peer != NULL && ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
        EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1)
        err = EVP_PKEY_derive(ctx, out, &len) == 1 ? 0 : KP_E_ILLEGAL;
    /* RFC 8446 7.4.2: not all zeros.  libcrypto refuses that by itself; others may not. */
    if (err == 0 && (len != X25519_LEN || kp_equal_secret(out, zeros, X25519_LEN)))
        err = KP_E_ILLEGAL;
    EVP_PKEY_CTX_free(ctx);
    return err;
}

static int x25519_make(struct kp_exchange *e, const struct kp_crypto *c, uint8_t *share)
{
    uint8_t scalar[X25519_LEN];
    int err = kp_random(c, scalar, sizeof(scalar));

    if (err == 0) {
        e->key = x25519_import(c, scalar, NULL);
        err = x25519_derive(e->key, c->x25519_base, share);
    }
    kp_wipe(scalar, sizeof(scalar));
    return err;
}

static int x25519_agree(const struct kp_exchange *e, const struct kp_crypto *c,
                        const uint8_t *theirs, uint8_t *secret)
{
    uint8_t copy[X25519_LEN];
    memcpy(copy, theirs, sizeof(copy));
    EVP_PKEY *peer = x25519_import(c, NULL, copy);
    int err = x25519_derive(e->key, peer, secret);

    EVP_PKEY_free(peer);
    return err;
}

/* ---- secp256r1 ----------------------------------------------------------------------------- */

static int p256_make(struct kp_exchange *e, const struct kp_crypto *c, uint8_t *share)
{
    int err = kp_scalar_random(c, e->scalar);

    return err == 0 ? kp_point_base_mul(c, e->scalar, NULL, share) : err;
}

/* RFC 8446 7.4.2: the secret is the X coordinate. */
static int p256_agree(const struct kp_exchange *e, const struct kp_crypto *c, const uint8_t *theirs,
                      uint8_t *secret)
{
    uint8_t bytes[KP_POINT_LEN];
    struct kp_point *point;
    int err = kp_point_new(&point, c, theirs, KP_POINT_LEN);

    if (err == 0)
        err = kp_point_mul(c, point, e->scalar, bytes);
    if (err == 0)
        memcpy(secret, bytes + 1, COORDINATE_LEN);
    kp_point_free(point);
    kp_wipe(bytes, sizeof(bytes));
    return err;
}

/* ---- X25519MLKEM768, draft-ietf-tls-ecdhe-mlkem: ML-KEM's part comes first everywhere ----------
 */

#define MLKEM_NAME "ML-KEM-768"
#define MLKEM_SEED_LEN 64
#define MLKEM_ENTROPY_LEN 32
#define MLKEM_KEY_LEN 1184
#define MLKEM_CIPHERTEXT_LEN 1088
#define MLKEM_SECRET_LEN 32

/* From the caller's random bytes, as everything else (FIPS 203 7.1: d and z). */
static int mlkem_make(struct kp_exchange *e, const struct kp_crypto *c, uint8_t *key)
{
    uint8_t seed[MLKEM_SEED_LEN];
    char name[] = "seed";
    size_t len = 0;
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(name, seed, sizeof(seed)),
                                 OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, MLKEM_NAME, NULL);
    int err = ctx != NULL ? kp_random(c, seed, sizeof(seed)) : KP_E_CRYPTO;

    if (err == 0 && (EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
                     EVP_PKEY_generate(ctx, &e->kem) != 1 ||
                     EVP_PKEY_get_octet_string_param(e->kem, OSSL_PKEY_PARAM_PUB_KEY, key,
                                                     MLKEM_KEY_LEN, &len) != 1 ||
                     len != MLKEM_KEY_LEN))
        err = KP_E_CRYPTO;
    EVP_PKEY_CTX_free(ctx);
    kp_wipe(seed, sizeof(seed));
    return err;
}

/* The peer's encapsulation key; KP_E_ILLEGAL when it fails FIPS 203's modulus check (7.2). */
static int mlkem_peer(EVP_PKEY **out, const uint8_t *key)
{
    uint8_t copy[MLKEM_KEY_LEN];
    char name[] = OSSL_PKEY_PARAM_PUB_KEY;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(name, copy, sizeof(copy)),
                           OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, MLKEM_NAME, NULL);
    int err = KP_E_CRYPTO;

    *out = NULL;
    memcpy(copy, key, sizeof(copy));
    if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
        err = EVP_PKEY_fromdata(ctx, out, EVP_PKEY_PUBLIC_KEY, params) == 1 ? 0 : KP_E_ILLEGAL;
    EVP_PKEY_CTX_free(ctx);
    return err;
}

static int mlkem_encapsulate(const struct kp_crypto *c, const uint8_t *key, uint8_t *ciphertext,
                             uint8_t *secret)
{
    uint8_t entropy[MLKEM_ENTROPY_LEN];
    char name[] = "ikme";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(name, entropy, sizeof(entropy)),
                                 OSSL_PARAM_construct_end()};
    size_t ciphertext_len = MLKEM_CIPHERTEXT_LEN;
    size_t secret_len = MLKEM_SECRET_LEN;
    EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *peer;
    int err = mlkem_peer(&peer, key);

    if (err == 0)
        err = kp_random(c, entropy, sizeof(entropy));
    if (err == 0) {
        ctx = EVP_PKEY_CTX_new_from_pkey(NULL, peer, NULL);
        if (ctx == NULL || EVP_PKEY_encapsulate_init(ctx, params) != 1 ||
            EVP_PKEY_encapsulate(ctx, ciphertext, &ciphertext_len, secret, &secret_len) != 1)
            err = KP_E_CRYPTO;
    }
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    kp_wipe(entropy, sizeof(entropy));
    return err;
}

static int hybrid_make(struct kp_exchange *e, const struct kp_crypto *c, uint8_t *share)
{
    int err = mlkem_make(e, c, share);

    return err == 0 ? x25519_make(e, c, share + MLKEM_KEY_LEN) : err;
}

/* A ciphertext that is not one gives a secret that nobody has (FIPS 203 6.3): Finished fails. */
static int hybrid_agree(const struct kp_exchange *e, const struct kp_crypto *c,
                        const uint8_t *theirs, uint8_t *secret)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, e->kem, NULL);
    size_t len = MLKEM_SECRET_LEN;
    int err = KP_E_CRYPTO;

    if (ctx != NULL && EVP_PKEY_decapsulate_init(ctx, NULL) == 1 &&
        EVP_PKEY_decapsulate(ctx, secret, &len, theirs, MLKEM_CIPHERTEXT_LEN) == 1)
        err = x25519_agree(e, c, theirs + MLKEM_CIPHERTEXT_LEN, secret + MLKEM_SECRET_LEN);
    EVP_PKEY_CTX_free(ctx);
    return err;
}

static int hybrid_answer(const struct row *row, const struct kp_crypto *c, const uint8_t *offer,
                         uint8_t *answer, uint8_t *secret)
{
    int err = mlkem_encapsulate(c, offer, answer, secret);
    struct kp_exchange e = {.row = row};

    if (err == 0)
        err = x25519_make(&e, c, answer + MLKEM_CIPHERTEXT_LEN);
    if (err == 0)
        err = x25519_agree(&e, c, offer + MLKEM_KEY_LEN, secret + MLKEM_SECRET_LEN);
    exchange_clear(&e);
    return err;
}

/* ---- Groups -------------------------------------------------------------------------------- */

static const struct row rows[] = {
    {KP_GROUP_X25519MLKEM768,
     {MLKEM_KEY_LEN + X25519_LEN, MLKEM_CIPHERTEXT_LEN + X25519_LEN, MLKEM_SECRET_LEN + X25519_LEN},
     hybrid_make,
     hybrid_agree,
     hybrid_answer},
    {KP_GROUP_X25519, {X25519_LEN, X25519_LEN, X25519_LEN}, x25519_make, x25519_agree, dh_answer},
    {KP_GROUP_SECP256R1,
     {KP_POINT_LEN, KP_POINT_LEN, COORDINATE_LEN},
     p256_make,
     p256_agree,
     dh_answer},
};

static const struct row *row_of(uint16_t group)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].group == group)
            return &rows[i];
    }
    return NULL;
}

bool kp_exchange_lens(const struct kp_crypto *crypto, uint16_t group, struct kp_exchange_lens *out)
{
    const struct row *row = row_of(group);

    if (row == NULL || (group == KP_GROUP_X25519MLKEM768 && crypto->mlkem768 == NULL))
        return false;
    *out = row->lens;
    return true;
}

int kp_exchange_new(struct kp_exchange **out, const struct kp_crypto *c, uint16_t group,
                    uint8_t *offer)
{
    struct kp_exchange_lens lens;
    const struct row *row = kp_exchange_lens(c, group, &lens) ? row_of(group) : NULL;
    struct kp_exchange *e = calloc(1, sizeof(*e));

    *out = NULL;
    if (e == NULL)
        return KP_E_MEMORY;
    e->row = row;
    int err = row != NULL ? row->make(e, c, offer) : KP_E_ARGUMENT;
    if (err == 0)
        *out = e;
    else
        kp_exchange_free(e);
    return err;
}

uint16_t kp_exchange_group(const struct kp_exchange *e)
{
    return e->row->group;
}

int kp_exchange_finish(const struct kp_exchange *e, const struct kp_crypto *c,
                       struct kp_span answer, uint8_t *secret)
{
    if (answer.len != e->row->lens.answer)
        return KP_E_ILLEGAL;
    /* What a peer sends must not stand in the queue of a caller that has TLS of its own. */
    ERR_set_mark();
    int err = e->row->agree(e, c, answer.data, secret);
    ERR_pop_to_mark();
    return err;
}

void kp_exchange_free(struct kp_exchange *e)
{
    if (e == NULL)
        return;
    exchange_clear(e);
    free(e);
}

int kp_exchange_answer(const struct kp_crypto *c, uint16_t group, struct kp_span offer,
                       uint8_t *answer, uint8_t *secret)
{
    const struct row *row = row_of(group);
    struct kp_exchange_lens lens;

    if (!kp_exchange_lens(c, group, &lens))
        return KP_E_ARGUMENT;
    if (offer.len != row->lens.offer)
        return KP_E_ILLEGAL;
    ERR_set_mark();
    int err = row->answer(row, c, offer.data, answer, secret);
    ERR_pop_to_mark();
    return err;
}
