/*
 * Proves: the provider's modular arithmetic agrees with plain BIGNUM arithmetic in each group of
 * RFC 5054, for random numbers and at every edge; a comb table gives what plain exponentiation
 * gives for every exponent, digits of zero included.
 */
#include "cm.h"

#include "crypto/provider.h"
#include "pake/srp_groups.h"
#include "seeded.h"

#include <openssl/bn.h>
#include <stdlib.h>
#include <string.h>

static const unsigned all_bits[] = {2048, 3072, 4096, 6144, 8192};
#define EXPONENT 32

/* One group's numbers: residues, random but for the edges. */
struct group {
    const struct kp_srp_group_id *id;
    size_t len;
    struct kp_mod *mod;
    BIGNUM *n;
    BN_CTX *ctx;
    struct seeded random;
};

static void open_group(struct group *g, unsigned bits)
{
    g->id = kp_srp_group_by_bits(bits);
    assert_non_null(g->id);
    g->len = bits / 8;
    assert_int_equal(kp_mod_new(&g->mod, g->id->n, g->len), 0);
    g->n = BN_bin2bn(g->id->n, (int)g->len, NULL);
    g->ctx = BN_CTX_new();
    assert_non_null(g->n);
    seeded_start(&g->random, bits);
}

static void close_group(struct group *g)
{
    kp_mod_free(g->mod);
    BN_free(g->n);
    BN_CTX_free(g->ctx);
}

/* Edges first (0, 1, N - 1, 2), then random ones. */
static void residue(struct group *g, unsigned index, uint8_t *out)
{
    memset(out, 0, g->len);
    if (index == 1 || index == 3)
        out[g->len - 1] = index == 1 ? 1 : 2;
    else if (index == 2) {
        memcpy(out, g->id->n, g->len);
        out[g->len - 1] ^= 1;
    } else if (index > 3) {
        seeded_random(&g->random, out, g->len);
        /* N begins with 64 one bits: this is less. */
        out[0] &= 0x7F;
        if (index % 3 == 0)
            memset(out, 0, g->len / 2);
    }
}

static void assert_number(struct group *g, const uint8_t *got, const BIGNUM *expected)
{
    uint8_t bytes[KP_MOD_MAX];

    assert_int_equal(BN_bn2binpad(expected, bytes, (int)g->len), g->len);
    assert_memory_equal(got, bytes, g->len);
}

/* ---- add, sub, mul --------------------------------------------------------------------------- */

static void check_pair(struct group *g, const uint8_t *a, const uint8_t *b)
{
    uint8_t out[KP_MOD_MAX];
    BIGNUM *x = BN_bin2bn(a, (int)g->len, NULL);
    BIGNUM *y = BN_bin2bn(b, (int)g->len, NULL);
    BIGNUM *r = BN_new();

    assert_int_equal(kp_mod_add(g->mod, a, b, out), 0);
    assert_int_equal(BN_mod_add(r, x, y, g->n, g->ctx), 1);
    assert_number(g, out, r);
    assert_int_equal(kp_mod_sub(g->mod, a, b, out), 0);
    assert_int_equal(BN_mod_sub(r, x, y, g->n, g->ctx), 1);
    assert_number(g, out, r);
    assert_int_equal(kp_mod_mul(g->mod, a, b, out), 0);
    assert_int_equal(BN_mod_mul(r, x, y, g->n, g->ctx), 1);
    assert_number(g, out, r);
    /* The result over an operand. */
    memcpy(out, a, g->len);
    assert_int_equal(kp_mod_mul(g->mod, out, b, out), 0);
    assert_number(g, out, r);
    BN_free(x);
    BN_free(y);
    BN_free(r);
}

static void test_pairs(void **state)
{
    uint8_t a[KP_MOD_MAX];
    uint8_t b[KP_MOD_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(all_bits); i++) {
        struct group g;
        open_group(&g, all_bits[i]);
        assert_int_equal(kp_mod_len(g.mod), g.len);
        for (unsigned j = 0; j < 12; j++) {
            for (unsigned k = 0; k < 12; k++) {
                residue(&g, j, a);
                residue(&g, k, b);
                check_pair(&g, a, b);
            }
        }
        close_group(&g);
    }
}

/* ---- Residues -------------------------------------------------------------------------------- */

static int take(struct group *g, const BIGNUM *value, size_t front, uint8_t *out)
{
    uint8_t bytes[KP_MOD_MAX + 64] = {0};
    int len = BN_num_bytes(value);

    BN_bn2bin(value, bytes + front);
    return kp_mod_residue(g->mod, bytes, front + (size_t)len, out);
}

static void test_residues(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(all_bits); i++) {
        struct group g;
        uint8_t out[KP_MOD_MAX];
        open_group(&g, all_bits[i]);
        BIGNUM *value = BN_new();
        for (size_t front = 0; front <= 40; front += 20) {
            BN_zero(value);
            assert_int_equal(take(&g, value, front, out), KP_E_SHARE);
            BN_one(value);
            assert_int_equal(take(&g, value, front, out), 0);
            assert_number(&g, out, value);
            BN_sub(value, g.n, BN_value_one());
            assert_int_equal(take(&g, value, front, out), 0);
            assert_number(&g, out, value);
            assert_int_equal(take(&g, g.n, front, out), KP_E_SHARE);
            BN_add(value, g.n, BN_value_one());
            assert_int_equal(take(&g, value, front, out), KP_E_SHARE);
            BN_lshift1(value, g.n);
            assert_int_equal(take(&g, value, front, out), KP_E_SHARE);
            /* All ones in N's length is more than N; so is anything longer. */
            BN_set_word(value, 1);
            BN_lshift(value, value, (int)(8 * g.len));
            assert_int_equal(take(&g, value, front, out), KP_E_SHARE);
            BN_sub_word(value, 1);
            assert_int_equal(take(&g, value, front, out), KP_E_SHARE);
        }
        assert_int_equal(kp_mod_residue(g.mod, NULL, 0, out), KP_E_SHARE);
        BN_free(value);
        close_group(&g);
    }
}

static void test_bad_modulus(void **state)
{
    static const uint8_t even[] = {0xFF, 0xFE};
    static const uint8_t padded[] = {0, 0xFB};
    static uint8_t huge[KP_MOD_MAX + 1];
    struct kp_mod *mod;

    (void)state;
    memset(huge, 0xFF, sizeof(huge));
    assert_true(kp_mod_new(&mod, even, 2) < 0);
    assert_true(kp_mod_new(&mod, padded, 2) < 0);
    assert_true(kp_mod_new(&mod, huge, sizeof(huge)) < 0);
    assert_null(mod);
    kp_mod_free(NULL);
}

/* ---- Exponents ------------------------------------------------------------------------------- */

/* 0, 1, 2, all ones, one bit, 17 bits, half zero, a zero in each 4, 8, 16 bits; then random. */
static void exponent(struct group *g, unsigned index, uint8_t e[EXPONENT])
{
    memset(e, 0, EXPONENT);
    if (index == 1 || index == 2)
        e[EXPONENT - 1] = (uint8_t)index;
    else if (index == 3)
        memset(e, 0xFF, EXPONENT);
    else if (index == 4)
        e[0] = 0x80;
    else if (index == 5)
        e[EXPONENT - 3] = 1;
    else if (index >= 6)
        seeded_random(&g->random, e, EXPONENT);
    if (index == 6)
        memset(e, 0, EXPONENT / 2);
    if (index == 7)
        memset(e + EXPONENT / 2, 0, EXPONENT / 2);
    for (size_t i = 0; i < EXPONENT && index >= 8 && index <= 10; i++) {
        if (index == 8)
            e[i] &= 0xF0;
        if (index == 9 && i % 2 == 0)
            e[i] = 0;
        if (index == 10 && i % 4 < 3)
            e[i] = 0;
    }
}

static void power(struct group *g, const uint8_t *base, const uint8_t *e, size_t e_len, BIGNUM *r)
{
    BIGNUM *b = BN_bin2bn(base, (int)g->len, NULL);
    BIGNUM *x = BN_bin2bn(e, (int)e_len, NULL);

    assert_int_equal(BN_mod_exp_simple(r, b, x, g->n, g->ctx), 1);
    BN_free(b);
    BN_free(x);
}

static void check_exponent(struct group *g, const uint8_t *base, const struct kp_comb *table,
                           const uint8_t *e)
{
    uint8_t out[KP_MOD_MAX];
    uint8_t a[KP_MOD_MAX];
    BIGNUM *r = BN_new();
    BIGNUM *x;

    power(g, base, e, EXPONENT, r);
    assert_int_equal(kp_mod_exp(g->mod, base, e, EXPONENT, out), 0);
    assert_number(g, out, r);
    assert_int_equal(kp_comb_exp(table, e, EXPONENT, out), 0);
    assert_number(g, out, r);
    residue(g, 4, a);
    x = BN_bin2bn(a, (int)g->len, NULL);
    assert_int_equal(BN_mod_mul(r, r, x, g->n, g->ctx), 1);
    assert_int_equal(kp_mod_mul_exp_public(g->mod, a, base, NULL, e, EXPONENT, out), 0);
    assert_number(g, out, r);
    assert_int_equal(kp_mod_mul_exp_public(g->mod, a, base, table, e, EXPONENT, out), 0);
    assert_number(g, out, r);
    BN_free(r);
    BN_free(x);
}

static void test_exponents(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(all_bits); i++) {
        unsigned rounds = all_bits[i] <= 3072 ? 40 : 14;
        for (int small = 0; small < 2; small++) {
            uint8_t base[KP_MOD_MAX] = {0};
            uint8_t e[EXPONENT];
            struct kp_comb *table;
            struct group g;
            open_group(&g, all_bits[i]);
            residue(&g, 4, base);
            if (small) {
                memset(base, 0, g.len);
                base[g.len - 1] = g.id->g;
            }
            assert_int_equal(kp_comb_new(&table, g.mod, base, EXPONENT), 0);
            assert_int_equal(kp_comb_bytes(table), 8u * 16 * g.len);
            for (unsigned j = 0; j < rounds; j++) {
                exponent(&g, j, e);
                check_exponent(&g, base, table, e);
            }
            kp_comb_free(table);
            close_group(&g);
        }
    }
    kp_comb_free(NULL);
    assert_int_equal(kp_comb_bytes(NULL), 0);
}

/* Tables for other lengths (20 bytes: u), shorter exponents, one that is too long. */
static void test_comb_lengths(void **state)
{
    uint8_t base[KP_MOD_MAX];
    uint8_t e[64];
    uint8_t out[KP_MOD_MAX];
    struct group g;

    (void)state;
    open_group(&g, 2048);
    residue(&g, 4, base);
    for (size_t len = 1; len <= 41; len += 4) {
        struct kp_comb *table;
        BIGNUM *r = BN_new();
        assert_int_equal(kp_comb_new(&table, g.mod, base, len), 0);
        for (size_t e_len = 0; e_len <= len; e_len++) {
            seeded_random(&g.random, e, e_len);
            power(&g, base, e, e_len, r);
            assert_int_equal(kp_comb_exp(table, e, e_len, out), 0);
            assert_number(&g, out, r);
        }
        memset(e, 0xFF, sizeof(e));
        assert_true(kp_comb_exp(table, e, sizeof(e), out) < 0);
        kp_comb_free(table);
        BN_free(r);
    }
    close_group(&g);
}

/* a + b c as integers: what a + u x is made by. */
static void test_mul_add(void **state)
{
    struct seeded s;

    (void)state;
    seeded_start(&s, 3);
    for (unsigned i = 0; i < 60; i++) {
        uint8_t a[32], b[20], c[20], out[41], expected[41];
        seeded_random(&s, a, sizeof(a));
        seeded_random(&s, b, sizeof(b));
        seeded_random(&s, c, sizeof(c));
        if (i < 4) {
            memset(a, i & 1 ? 0xFF : 0, sizeof(a));
            memset(b, i & 2 ? 0xFF : 0, sizeof(b));
            memset(c, i & 2 ? 0xFF : 0, sizeof(c));
        }
        BN_CTX *ctx = BN_CTX_new();
        BIGNUM *x = BN_bin2bn(a, 32, NULL), *y = BN_bin2bn(b, 20, NULL),
               *z = BN_bin2bn(c, 20, NULL);
        assert_int_equal(BN_mul(y, y, z, ctx), 1);
        assert_int_equal(BN_add(x, x, y), 1);
        BN_bn2binpad(x, expected, 41);
        assert_int_equal(kp_int_mul_add((struct kp_span){a, 32}, (struct kp_span){b, 20},
                                        (struct kp_span){c, 20}, out, 41),
                         0);
        assert_memory_equal(out, expected, 41);
        if (i == 3)
            assert_int_equal(kp_int_mul_add((struct kp_span){a, 32}, (struct kp_span){b, 20},
                                            (struct kp_span){c, 20}, out, 39),
                             KP_E_CRYPTO);
        BN_free(x);
        BN_free(y);
        BN_free(z);
        BN_CTX_free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),        cmocka_unit_test(test_residues),
        cmocka_unit_test(test_bad_modulus),  cmocka_unit_test(test_exponents),
        cmocka_unit_test(test_comb_lengths), cmocka_unit_test(test_mul_add),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
