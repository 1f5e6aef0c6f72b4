/* The floors of TLS 1.3 with SPAKE2+: what the arithmetic of a full handshake costs by itself with
 * libcrypto, what the engine's own costs, and AES-128-GCM of a byte.  And what one guess costs
 * whoever has a stolen credentials file.
 *
 *     floor13 COUNT */
#include "common.h"

#include "crypto/exchange.h"
#include "pake/spake2plus.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECORDS = 50, RECORD_LEN = 16384, COUNT_MAX = 10000, X25519_LEN = 32 };

static void check(bool ok)
{
    if (!ok)
        bench_die("libcrypto failed");
}

/* ---- libcrypto's arithmetic ---------------------------------------------------------------- */

struct curve {
    EC_GROUP *group;
    EC_POINT *point, *r;
    BIGNUM *scalar;
    BN_CTX *ctx;
};

static void base_multiply(void *arg)
{
    struct curve *c = arg;
    check(EC_POINT_mul(c->group, c->r, c->scalar, NULL, NULL, c->ctx) == 1);
}

static void multiply(void *arg)
{
    struct curve *c = arg;
    check(EC_POINT_mul(c->group, c->r, NULL, c->point, c->scalar, c->ctx) == 1);
}

static void print_curve(size_t count)
{
    struct curve c = {
        .group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1),
        .scalar = BN_new(),
        .ctx = BN_CTX_new(),
    };

    c.point = EC_POINT_new(c.group);
    c.r = EC_POINT_new(c.group);
    check(BN_rand_range(c.scalar, EC_GROUP_get0_order(c.group)) == 1);
    BN_set_flags(c.scalar, BN_FLG_CONSTTIME);
    base_multiply(&c);
    check(EC_POINT_copy(c.point, c.r) == 1 &&
          BN_rand_range(c.scalar, EC_GROUP_get0_order(c.group)) == 1);
    printf("base_us=%.3f ", bench_measure(base_multiply, &c, count));
    printf("free_us=%.3f ", bench_measure(multiply, &c, count));
    BN_free(c.scalar);
    BN_CTX_free(c.ctx);
    EC_POINT_free(c.point);
    EC_POINT_free(c.r);
    EC_GROUP_free(c.group);
}

/* A key pair, and the secret of it and the peer's. */
static void x25519(void *peer)
{
    EVP_PKEY *own = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
    uint8_t secret[X25519_LEN];
    size_t len = sizeof secret;

    check(ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
          EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
          EVP_PKEY_derive(ctx, secret, &len) == 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(own);
}

static void print_x25519(size_t count)
{
    EVP_PKEY *peer = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");

    check(peer != NULL);
    printf("x25519_us=%.3f ", bench_measure(x25519, peer, count));
    EVP_PKEY_free(peer);
}

/* ---- The engine's arithmetic --------------------------------------------------------------- */

struct run {
    struct kp_crypto *crypto;
    struct kp_spake2plus_verifier *verifier;
    uint8_t y[KP_SCALAR_LEN];
    uint8_t share_p[KP_POINT_LEN], share_v[KP_POINT_LEN];
    uint8_t offer[X25519_LEN], answer[X25519_LEN], secret[X25519_LEN];
};

static void pake(void *arg)
{
    static const struct kp_spake2plus_names nameless;
    struct run *r = arg;
    struct kp_spake2plus_keys keys;

    check(kp_spake2plus_verifier_run(r->verifier, r->crypto, &nameless, r->y,
                                     (struct kp_span){r->share_p, KP_POINT_LEN}, r->share_v,
                                     &keys) == 0);
}

static void exchange(void *arg)
{
    struct run *r = arg;

    check(kp_exchange_answer(r->crypto, KP_GROUP_X25519, (struct kp_span){r->offer, X25519_LEN},
                             r->answer, r->secret) == 0);
}

/* A multiplication of the base would follow. */
static void guess(void *arg)
{
    static const struct kp_spake2plus_names nameless;
    static const uint8_t password[] = "kestrel-4711";
    struct run *r = arg;
    struct kp_spake2plus_secret secret;

    check(kp_spake2plus_stretch(r->crypto, (struct kp_span){password, sizeof password - 1},
                                &nameless, &secret) == 0);
}

static void print_engine(size_t count)
{
    static struct run r;
    struct kp_exchange *client;

    check(kp_crypto_new(&r.crypto, NULL, NULL) == 0 &&
          kp_spake2plus_verifier_fake(&r.verifier, r.crypto) == 0 &&
          kp_scalar_random(r.crypto, r.y) == 0 &&
          kp_point_base_mul(r.crypto, r.y, NULL, r.share_p) == 0 &&
          kp_scalar_random(r.crypto, r.y) == 0 &&
          kp_exchange_new(&client, r.crypto, KP_GROUP_X25519, r.offer) == 0);
    printf("pake_us=%.3f ", bench_measure(pake, &r, count));
    printf("exchange_us=%.3f ", bench_measure(exchange, &r, count));
    printf("guess_us=%.0f ", bench_measure(guess, &r, count / 100 + 1));
    kp_exchange_free(client);
    kp_spake2plus_verifier_free(r.verifier);
    kp_crypto_free(r.crypto);
}

/* ---- Bytes --------------------------------------------------------------------------------- */

struct cipher {
    EVP_CIPHER_CTX *aes;
    bool sealing;
    uint8_t record[RECORD_LEN];
};

/* AES-128-GCM over records of 2^14 bytes.  What is opened is noise: its tag is computed, and found
 * wrong. */
static void seal_or_open(void *arg)
{
    struct cipher *c = arg;
    uint8_t nonce[12] = {0}, header[5] = {0}, tag[16] = {0};
    int len;

    for (int i = 0; i < RECORDS; i++) {
        check(EVP_CipherInit_ex2(c->aes, NULL, NULL, nonce, -1, NULL) == 1 &&
              EVP_CipherUpdate(c->aes, NULL, &len, header, sizeof header) == 1 &&
              EVP_CipherUpdate(c->aes, c->record, &len, c->record, RECORD_LEN) == 1 &&
              (c->sealing ||
               EVP_CIPHER_CTX_ctrl(c->aes, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1));
        check(EVP_CipherFinal_ex(c->aes, tag, &len) == (c->sealing ? 1 : 0));
    }
}

static double cipher_ns(bool sealing, size_t count)
{
    static struct cipher c;
    static const uint8_t key[16] = {1};

    c.sealing = sealing;
    c.aes = EVP_CIPHER_CTX_new();
    check(c.aes && EVP_CipherInit_ex2(c.aes, EVP_aes_128_gcm(), key, NULL, sealing, NULL) == 1);
    double us = bench_measure(seal_or_open, &c, count / 10 + 1);
    EVP_CIPHER_CTX_free(c.aes);
    return us * 1e3 / ((double)RECORDS * RECORD_LEN);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        bench_die("usage: floor13 COUNT");
    size_t count = (size_t)bench_number(argv[1], COUNT_MAX);
    print_curve(count);
    print_x25519(count);
    print_engine(count);
    printf("seal_ns=%.4f open_ns=%.4f\n", cipher_ns(true, count), cipher_ns(false, count));
    return 0;
}
