/*
 * The provider's key agreement: X25519 on EVP, secp256r1 on the same points as SPAKE2+.  A group is
 * a row of the table; one whose sides differ (a KEM) brings an `answer` of its own, and is left out
 * of kp_exchange_lens where the library doesn't have it.
 */
#include "crypto/exchange.h"

#include "base/secret.h"
#include "crypto/curve.h"
#include "crypto/openssl_symmetric.h"

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

static int x25519_make(struct kp_exchange *e, const struct kp_crypto *c, uint8_t *share)
{
    uint8_t scalar[X25519_LEN];
    size_t len = X25519_LEN;
    int err = kp_random(c, scalar, sizeof(scalar));

    if (err == 0) {
        e->key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, scalar, sizeof(scalar));
        if (e->key == NULL || EVP_PKEY_get_raw_public_key(e->key, share, &len) != 1)
            err = KP_E_CRYPTO;
    }
    kp_wipe(scalar, sizeof(scalar));
    return err;
}

static int x25519_agree(const struct kp_exchange *e, const struct kp_crypto *c,
                        const uint8_t *theirs, uint8_t *secret)
{
    static const uint8_t zeros[X25519_LEN];
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, theirs, X25519_LEN);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, e->key, NULL);
    size_t len = X25519_LEN;
    int err = KP_E_CRYPTO;

    (void)c;
    if (peer != NULL && ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
        EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1)
        err = EVP_PKEY_derive(ctx, secret, &len) == 1 ? 0 : KP_E_ILLEGAL;
    /* RFC 8446 7.4.2: not all zeros.  libcrypto refuses that by itself; others may not. */
    if (err == 0 && (len != X25519_LEN || kp_equal_secret(secret, zeros, X25519_LEN)))
        err = KP_E_ILLEGAL;
    EVP_PKEY_CTX_free(ctx);
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

/* ---- Groups -------------------------------------------------------------------------------- */

static const struct row rows[] = {
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

    (void)crypto;
    if (row == NULL)
        return false;
    *out = row->lens;
    return true;
}

int kp_exchange_new(struct kp_exchange **out, const struct kp_crypto *c, uint16_t group,
                    uint8_t *offer)
{
    const struct row *row = row_of(group);
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
    return e->row->agree(e, c, answer.data, secret);
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

    if (row == NULL)
        return KP_E_ARGUMENT;
    if (offer.len != row->lens.offer)
        return KP_E_ILLEGAL;
    return row->answer(row, c, offer.data, answer, secret);
}
