/*
 * The provider's P-256 on OpenSSL's EC_POINT.
 *
 * Timing: secret scalars go through EC_POINT_mul with one scalar, or one and the generator's, which
 * libcrypto computes in constant time.  EC_POINT_add is not quite so: it branches on single bits of
 * the coordinates it works with.  Where a long-lived secret point meets a point that the peer
 * chose, what those bits are must not follow from a guessed password: kp_point_new_mul therefore
 * gives its result secret random projective coordinates, under which such bits tell nothing.
 */
#include "crypto/curve.h"

#include "base/secret.h"
#include "crypto/openssl_symmetric.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define UNCOMPRESSED 4
#define REDUCE_MAX 64
/* Draws before the random source counts as broken: each misses with a chance of 2^-32. */
#define DRAWS_MAX 16

struct kp_point {
    EC_POINT *at;
};

/* n, SEC 2 2.4.2. */
static const uint8_t order[KP_SCALAR_LEN] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/* ---- Scalars ----------------------------------------------------------------------------- */

bool kp_scalar_valid(const uint8_t in[static KP_SCALAR_LEN])
{
    unsigned borrow = 0;
    unsigned any = 0;

    for (size_t i = KP_SCALAR_LEN; i-- > 0;) {
        borrow = ((unsigned)in[i] - order[i] - borrow) >> 8 & 1u;
        any |= in[i];
    }
    /* Less than n, and not 0. */
    return (borrow & ((0u - any) >> 8 & 1u)) != 0;
}

int kp_scalar_random(const struct kp_crypto *c, uint8_t out[static KP_SCALAR_LEN])
{
    for (int i = 0; i < DRAWS_MAX; i++) {
        int err = kp_random(c, out, KP_SCALAR_LEN);
        if (err != 0)
            return err;
        if (kp_scalar_valid(out))
            return 0;
    }
    return KP_E_CRYPTO;
}

int kp_scalar_reduce(const struct kp_crypto *c, const uint8_t *in, size_t len,
                     uint8_t out[static KP_SCALAR_LEN])
{
    BIGNUM *value = BN_new();
    BIGNUM *rest = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    bool ok = value != NULL && rest != NULL && ctx != NULL && len <= REDUCE_MAX &&
              BN_bin2bn(in, (int)len, value) != NULL;

    if (ok)
        BN_set_flags(value, BN_FLG_CONSTTIME);
    ok = ok && BN_nnmod(rest, value, EC_GROUP_get0_order(c->p256), ctx) == 1 &&
         BN_bn2binpad(rest, out, KP_SCALAR_LEN) == KP_SCALAR_LEN && kp_scalar_valid(out);
    BN_CTX_free(ctx);
    BN_clear_free(value);
    BN_clear_free(rest);
    return ok ? 0 : KP_E_CRYPTO;
}

/* ---- Points ------------------------------------------------------------------------------ */

/* What one operation needs; wiped with its end. */
struct work {
    BN_CTX *ctx;
    BIGNUM *scalar;
    EC_POINT *r;
};

static bool work_begin(struct work *w, const struct kp_crypto *c,
                       const uint8_t scalar[static KP_SCALAR_LEN])
{
    w->ctx = BN_CTX_new();
    w->scalar = BN_new();
    w->r = EC_POINT_new(c->p256);
    if (w->ctx == NULL || w->scalar == NULL || w->r == NULL)
        return false;
    BN_set_flags(w->scalar, BN_FLG_CONSTTIME);
    return BN_bin2bn(scalar, KP_SCALAR_LEN, w->scalar) != NULL;
}

static void work_end(struct work *w)
{
    EC_POINT_clear_free(w->r);
    BN_clear_free(w->scalar);
    BN_CTX_free(w->ctx);
}

static struct kp_point *point_empty(const struct kp_crypto *c)
{
    struct kp_point *point = calloc(1, sizeof(*point));

    if (point == NULL)
        return NULL;
    point->at = EC_POINT_new(c->p256);
    if (point->at != NULL)
        return point;
    free(point);
    return NULL;
}

void kp_point_free(struct kp_point *point)
{
    if (point == NULL)
        return;
    EC_POINT_clear_free(point->at);
    free(point);
}

/* Gives point to the caller, or frees it. */
static int point_done(struct kp_point **out, struct kp_point *point, int err)
{
    if (err == 0)
        *out = point;
    else
        kp_point_free(point);
    return err;
}

/* libcrypto checks the range of both coordinates and the curve's equation. */
static int decode(const struct kp_crypto *c, EC_POINT *r, const uint8_t *in, size_t len,
                  BN_CTX *ctx)
{
    if (len != KP_POINT_LEN || in[0] != UNCOMPRESSED)
        return KP_E_ILLEGAL;
    /* What a peer sends must not stand in the queue of a caller that has TLS of its own. */
    ERR_set_mark();
    bool ok = EC_POINT_oct2point(c->p256, r, in, len, ctx) == 1;
    ERR_pop_to_mark();
    return ok ? 0 : KP_E_ILLEGAL;
}

static int encode(const struct kp_crypto *c, const EC_POINT *r, uint8_t out[static KP_POINT_LEN],
                  BN_CTX *ctx)
{
    if (EC_POINT_is_at_infinity(c->p256, r))
        return KP_E_ILLEGAL;
    size_t len =
        EC_POINT_point2oct(c->p256, r, POINT_CONVERSION_UNCOMPRESSED, out, KP_POINT_LEN, ctx);
    return len == KP_POINT_LEN ? 0 : KP_E_CRYPTO;
}

int kp_point_new(struct kp_point **out, const struct kp_crypto *c, const uint8_t *in, size_t len)
{
    struct kp_point *point = point_empty(c);
    BN_CTX *ctx = BN_CTX_new();
    int err = point != NULL && ctx != NULL ? 0 : KP_E_MEMORY;

    *out = NULL;
    if (err == 0)
        err = decode(c, point->at, in, len, ctx);
    BN_CTX_free(ctx);
    return point_done(out, point, err);
}

/* r = (scalar * point + blind * G) - blind * G: its projective coordinates depend on the blind. */
static bool mul_blinded(const struct kp_crypto *c, EC_POINT *r, const struct kp_point *point,
                        const struct work *w, const BIGNUM *blind)
{
    return EC_POINT_mul(c->p256, r, blind, point->at, w->scalar, w->ctx) == 1 &&
           EC_POINT_mul(c->p256, w->r, blind, NULL, NULL, w->ctx) == 1 &&
           EC_POINT_invert(c->p256, w->r, w->ctx) == 1 &&
           EC_POINT_add(c->p256, r, r, w->r, w->ctx) == 1;
}

int kp_point_new_mul(struct kp_point **out, const struct kp_crypto *c, const struct kp_point *point,
                     const uint8_t scalar[static KP_SCALAR_LEN])
{
    struct kp_point *made = point_empty(c);
    uint8_t bytes[KP_SCALAR_LEN];
    BIGNUM *blind = BN_new();
    struct work w;
    int err = kp_scalar_random(c, bytes);

    *out = NULL;
    if (!work_begin(&w, c, scalar) || made == NULL || blind == NULL)
        err = KP_E_MEMORY;
    if (err == 0) {
        BN_set_flags(blind, BN_FLG_CONSTTIME);
        if (BN_bin2bn(bytes, sizeof(bytes), blind) == NULL ||
            !mul_blinded(c, made->at, point, &w, blind))
            err = KP_E_CRYPTO;
    }
    work_end(&w);
    BN_clear_free(blind);
    kp_wipe(bytes, sizeof(bytes));
    return point_done(out, made, err);
}

/* r = -(-r + minus): the prepared point needs no copy. */
static bool subtract(const struct kp_crypto *c, EC_POINT *r, const struct kp_point *minus,
                     BN_CTX *ctx)
{
    return EC_POINT_invert(c->p256, r, ctx) == 1 &&
           EC_POINT_add(c->p256, r, r, minus->at, ctx) == 1 &&
           EC_POINT_invert(c->p256, r, ctx) == 1;
}

int kp_point_new_minus(struct kp_point **out, const struct kp_crypto *c, const uint8_t *in,
                       size_t len, const struct kp_point *minus)
{
    struct kp_point *point = point_empty(c);
    BN_CTX *ctx = BN_CTX_new();
    int err = point != NULL && ctx != NULL ? 0 : KP_E_MEMORY;

    *out = NULL;
    if (err == 0)
        err = decode(c, point->at, in, len, ctx);
    if (err == 0 && !subtract(c, point->at, minus, ctx))
        err = KP_E_CRYPTO;
    if (err == 0 && EC_POINT_is_at_infinity(c->p256, point->at))
        err = KP_E_ILLEGAL;
    BN_CTX_free(ctx);
    return point_done(out, point, err);
}

int kp_point_base_mul(const struct kp_crypto *c, const uint8_t scalar[static KP_SCALAR_LEN],
                      const struct kp_point *plus, uint8_t out[static KP_POINT_LEN])
{
    struct work w;
    bool ok =
        work_begin(&w, c, scalar) && EC_POINT_mul(c->p256, w.r, w.scalar, NULL, NULL, w.ctx) == 1;

    /* Fresh projective coordinates of a secret scalar's: nothing to hide them from. */
    if (ok && plus != NULL)
        ok = EC_POINT_add(c->p256, w.r, w.r, plus->at, w.ctx) == 1;
    int err = ok ? encode(c, w.r, out, w.ctx) : KP_E_CRYPTO;
    work_end(&w);
    return err;
}

int kp_point_mul(const struct kp_crypto *c, const struct kp_point *point,
                 const uint8_t scalar[static KP_SCALAR_LEN], uint8_t out[static KP_POINT_LEN])
{
    struct work w;
    bool ok = work_begin(&w, c, scalar) &&
              EC_POINT_mul(c->p256, w.r, NULL, point->at, w.scalar, w.ctx) == 1;
    int err = ok ? encode(c, w.r, out, w.ctx) : KP_E_CRYPTO;

    work_end(&w);
    return err;
}
