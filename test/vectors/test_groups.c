/*
 * Proves: each group that handshakes take is sound: N is a safe prime of the length it says, and g
 * RFC 5054's generator; and only these groups are found, whole.
 */
#include "cm.h"

#include "pake/srp_groups.h"

#include <openssl/bn.h>
#include <string.h>

static const struct {
    unsigned bits;
    uint8_t g; /* RFC 5054 Appendix A */
} expected[] = {{2048, 2}, {3072, 5}, {4096, 5}, {6144, 5}, {8192, 19}};

/* Miller and Rabin's test to one base. */
static bool probably_prime(const BIGNUM *n, unsigned base, BN_CTX *ctx)
{
    BIGNUM *minus = BN_dup(n);
    BIGNUM *d = BN_dup(n);
    BIGNUM *x = BN_new();
    BIGNUM *b = BN_new();
    unsigned twos = 0;
    bool prime = false;

    BN_sub_word(minus, 1);
    BN_sub_word(d, 1);
    while (!BN_is_odd(d)) {
        BN_rshift1(d, d);
        twos++;
    }
    BN_set_word(b, base);
    BN_mod_exp(x, b, d, n, ctx);
    prime = BN_is_one(x) || BN_cmp(x, minus) == 0;
    while (!prime && --twos > 0) {
        BN_mod_sqr(x, x, n, ctx);
        prime = BN_cmp(x, minus) == 0;
    }
    BN_free(minus);
    BN_free(d);
    BN_free(x);
    BN_free(b);
    return prime;
}

static void test_safe_primes(void **state)
{
    static const unsigned bases[] = {2, 3};
    BN_CTX *ctx = BN_CTX_new();

    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        const struct kp_srp_group_id *id = kp_srp_group_by_bits(expected[i].bits);
        assert_non_null(id);
        assert_int_equal(id->bits, expected[i].bits);
        assert_int_equal(id->g, expected[i].g);
        BIGNUM *n = BN_bin2bn(id->n, (int)id->bits / 8, NULL);
        BIGNUM *q = BN_dup(n);
        assert_int_equal(BN_num_bits(n), id->bits);
        BN_rshift1(q, q);
        for (size_t b = 0; b < COUNT(bases); b++) {
            assert_true(probably_prime(n, bases[b], ctx));
            assert_true(probably_prime(q, bases[b], ctx));
        }
        /* With N = 2 q + 1 and q prime, g makes q or 2 q numbers unless g^2 = 1. */
        assert_true(id->g > 1);
        BN_free(n);
        BN_free(q);
    }
    BN_CTX_free(ctx);
}

/* RFC 3526's primes begin and end with 64 one bits, by construction; the 2048-bit one is not among
 * them.  None begins with a limb of 0. */
static void test_limbs(void **state)
{
    static const uint8_t zeros[8] = {0};
    static const uint8_t ones[8] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        const struct kp_srp_group_id *id = kp_srp_group_by_bits(expected[i].bits);
        size_t len = id->bits / 8;
        if (id->bits > 2048) {
            assert_memory_equal(id->n, ones, 8);
            assert_memory_equal(id->n + len - 8, ones, 8);
        }
        assert_memory_not_equal(id->n, zeros, 8);
        assert_true((id->n[0] & 0x80) != 0);
        assert_true((id->n[len - 1] & 1) != 0);
    }
}

static void test_look_up(void **state)
{
    uint8_t n[1 + 1024];

    (void)state;
    for (unsigned bits = 0; bits < 9000; bits += 8) {
        bool known = false;
        for (size_t i = 0; i < COUNT(expected); i++)
            known |= expected[i].bits == bits;
        assert_int_equal(kp_srp_group_by_bits(bits) != NULL, known);
    }
    for (size_t i = 0; i < COUNT(expected); i++) {
        const struct kp_srp_group_id *id = kp_srp_group_by_bits(expected[i].bits);
        size_t len = id->bits / 8;
        const uint8_t g[2] = {0, id->g};
        uint8_t wrong = id->g ^ 1;
        memcpy(n + 1, id->n, len);
        n[0] = 0;
        assert_ptr_equal(kp_srp_group_by_value(n + 1, len, g + 1, 1), id);
        assert_null(kp_srp_group_by_value(n, len + 1, g + 1, 1));
        assert_null(kp_srp_group_by_value(n + 1, len, g, 2));
        assert_null(kp_srp_group_by_value(n + 1, len, g, 0));
        assert_null(kp_srp_group_by_value(n + 1, len, &wrong, 1));
        assert_null(kp_srp_group_by_value(n + 1, len - 1, g + 1, 1));
        assert_null(kp_srp_group_by_value(n + 1, 0, g + 1, 1));
        for (size_t at = 1; at <= len; at += 17) {
            n[at] ^= 4;
            assert_null(kp_srp_group_by_value(n + 1, len, g + 1, 1));
            n[at] ^= 4;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safe_primes),
        cmocka_unit_test(test_limbs),
        cmocka_unit_test(test_look_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
