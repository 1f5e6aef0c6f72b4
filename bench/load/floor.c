/* The floors of TLS 1.2 with SRP: what the arithmetic of a full handshake, and the cipher and MAC
 * of a byte, cost by themselves with libcrypto, whoever calls them.
 *
 *     floor 2048|3072 COUNT */
#include "common.h"

#include "crypto/provider.h"
#include "pake/srp.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRODUCTS = 500, RECORDS = 50, RECORD_LEN = 16384, COUNT_MAX = 10000 };

static void check(bool ok)
{
    if (!ok)
        bench_die("libcrypto failed");
}

/* ---- libcrypto's arithmetic ---------------------------------------------------------------- */

struct arithmetic {
    BN_CTX *ctx;
    BN_MONT_CTX *mont;
    BIGNUM *n, *base, *exponent, *r;
    BN_ULONG g;
};

static void modexp(void *arg)
{
    struct arithmetic *a = arg;
    check(BN_mod_exp_mont_consttime(a->r, a->base, a->exponent, a->n, a->ctx, a->mont) == 1);
}

/* One guess of whoever has a stolen credentials file, without the hash: g ^ x for a small g. */
static void guess(void *arg)
{
    struct arithmetic *a = arg;
    check(BN_mod_exp_mont_word(a->r, a->g, a->exponent, a->n, a->ctx, a->mont) == 1);
}

static void products(void *arg)
{
    struct arithmetic *a = arg;
    for (int i = 0; i < PRODUCTS; i++)
        check(BN_mod_mul_montgomery(a->r, a->base, a->r, a->mont, a->ctx) == 1);
}

static void print_libcrypto(const struct kp_srp_group_id *id, size_t count)
{
    struct arithmetic a = {
        .ctx = BN_CTX_new(),
        .mont = BN_MONT_CTX_new(),
        .n = BN_bin2bn(id->n, (int)(id->bits / 8), NULL),
        .base = BN_new(),
        .exponent = BN_new(),
        .r = BN_new(),
        .g = id->g,
    };

    check(BN_MONT_CTX_set(a.mont, a.n, a.ctx) == 1 && BN_rand_range(a.base, a.n) == 1 &&
          BN_rand(a.exponent, KP_SRP_EXPONENT_LEN * 8, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1);
    BN_set_flags(a.exponent, BN_FLG_CONSTTIME);
    printf("modexp_us=%.3f ", bench_measure(modexp, &a, count));
    printf("product_us=%.4f ", bench_measure(products, &a, count / 10 + 1) / PRODUCTS);
    BIGNUM *x = BN_new();
    check(BN_rand(x, KP_SHA1_LEN * 8, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1);
    BN_free(a.exponent);
    a.exponent = x;
    printf("guess_us=%.3f ", bench_measure(guess, &a, count));
    BN_free(a.r);
    BN_free(a.exponent);
    BN_free(a.base);
    BN_free(a.n);
    BN_MONT_CTX_free(a.mont);
    BN_CTX_free(a.ctx);
}

/* ---- The engine's arithmetic --------------------------------------------------------------- */

struct exchange {
    struct kp_crypto *crypto;
    struct kp_srp_group *group;
    struct kp_srp_verifier *verifier;
    uint8_t exponent[KP_SRP_EXPONENT_LEN];
    uint8_t a[KP_SRP_MAX_LEN], b[KP_SRP_MAX_LEN], s[KP_SRP_MAX_LEN];
};

static void share(void *arg)
{
    struct exchange *e = arg;
    check(kp_srp_server_share(e->verifier, e->exponent, e->b) == 0);
}

static void secret(void *arg)
{
    struct exchange *e = arg;
    check(kp_srp_server_secret(e->verifier, e->crypto, e->exponent, e->a, e->b, e->s) == 0);
}

static void print_engine(const struct kp_srp_group_id *id, size_t count)
{
    static struct exchange e;

    check(kp_crypto_new(&e.crypto, NULL, NULL) == 0 &&
          kp_srp_group_new(&e.group, e.crypto, id, true) == 0 &&
          kp_srp_fake_verifier(e.group, e.crypto, e.a) == 0 &&
          kp_srp_verifier_new(&e.verifier, e.group, e.a, kp_srp_len(e.group), true) == 0 &&
          kp_random(e.crypto, e.exponent, sizeof e.exponent) == 0);
    printf("share_us=%.3f ", bench_measure(share, &e, count));
    printf("secret_us=%.3f ", bench_measure(secret, &e, count));
    kp_srp_verifier_free(e.verifier);
    kp_srp_group_free(e.group);
    kp_crypto_free(e.crypto);
}

/* ---- Bytes --------------------------------------------------------------------------------- */

struct cipher {
    EVP_CIPHER_CTX *aes;
    EVP_MAC_CTX *mac;
    uint8_t record[RECORD_LEN];
};

/* AES-128-CBC and HMAC-SHA1 over records of 2^14 bytes: encrypt-then-MAC, or the other way
 * round. */
static void seal_or_open(void *arg)
{
    struct cipher *c = arg;
    uint8_t iv[16] = {0}, tag[20];
    size_t tag_len;
    int len;

    for (int i = 0; i < RECORDS; i++)
        check(EVP_CipherInit_ex2(c->aes, NULL, NULL, iv, -1, NULL) == 1 &&
              EVP_CipherUpdate(c->aes, c->record, &len, c->record, RECORD_LEN) == 1 &&
              EVP_MAC_init(c->mac, NULL, 0, NULL) == 1 &&
              EVP_MAC_update(c->mac, c->record, RECORD_LEN) == 1 &&
              EVP_MAC_final(c->mac, tag, &tag_len, sizeof tag) == 1);
}

static double cipher_ns(bool encrypt, size_t count)
{
    static struct cipher c;
    static const uint8_t key[20] = {1};
    char sha1[] = "SHA1";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha1, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    c.aes = EVP_CIPHER_CTX_new();
    c.mac = EVP_MAC_CTX_new(hmac);
    check(c.aes && c.mac &&
          EVP_CipherInit_ex2(c.aes, EVP_aes_128_cbc(), key, NULL, encrypt, NULL) == 1 &&
          EVP_CIPHER_CTX_set_padding(c.aes, 0) == 1 && EVP_MAC_init(c.mac, key, 20, params) == 1);
    double us = bench_measure(seal_or_open, &c, count / 10 + 1);
    EVP_CIPHER_CTX_free(c.aes);
    EVP_MAC_CTX_free(c.mac);
    EVP_MAC_free(hmac);
    return us * 1e3 / ((double)RECORDS * RECORD_LEN);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        bench_die("usage: floor 2048|3072 COUNT");
    const struct kp_srp_group_id *id = kp_srp_group_by_bits((unsigned)bench_number(argv[1], 8192));
    size_t count = (size_t)bench_number(argv[2], COUNT_MAX);
    if (id == NULL)
        bench_die("there is no such group");
    print_libcrypto(id, count);
    print_engine(id, count);
    printf("seal_ns=%.4f open_ns=%.4f\n", cipher_ns(true, count), cipher_ns(false, count));
    return 0;
}
