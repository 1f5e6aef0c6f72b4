/*
 * gateway/client/pass: one-time links, and the secret that they give.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client/pass.h"

static struct kp_crypto *crypto;

static int begin(void **state)
{
    (void)state;
    return kp_crypto_new(&crypto, NULL, NULL);
}

static int end(void **state)
{
    (void)state;
    kp_crypto_free(crypto);
    return 0;
}

static const struct kp_pass fresh;

static void test_a_link_serves_once(void **state)
{
    (void)state;
    struct kp_pass pass = fresh;
    uint8_t token[KP_GUARD_SECRET_LEN], other[KP_GUARD_SECRET_LEN];
    assert_int_equal(kp_pass_renew(&pass, crypto), 0);
    assert_int_equal(kp_pass_link(&pass, crypto, 100, token), 0);
    assert_int_equal(kp_pass_link(&pass, crypto, 100, other), 0);
    assert_memory_not_equal(token, other, sizeof token);
    assert_memory_not_equal(token, pass.secret, sizeof token);
    assert_true(kp_pass_use(&pass, 100, token));
    assert_false(kp_pass_use(&pass, 100, token));
    assert_true(kp_pass_use(&pass, 100, other));
}

static void test_a_link_grows_old(void **state)
{
    (void)state;
    struct kp_pass pass = fresh;
    uint8_t token[KP_GUARD_SECRET_LEN];
    assert_int_equal(kp_pass_link(&pass, crypto, 100, token), 0);
    assert_false(kp_pass_use(&pass, 101 + KP_PASS_SECONDS, token));
    assert_false(kp_pass_use(&pass, 100, token)); /* and is gone with that */
    assert_int_equal(kp_pass_link(&pass, crypto, 100, token), 0);
    assert_true(kp_pass_use(&pass, 100 + KP_PASS_SECONDS, token));
}

static void test_nothing_is_let_in_by_zeros(void **state)
{
    (void)state;
    static const uint8_t zeros[KP_GUARD_SECRET_LEN];
    struct kp_pass pass = fresh;
    assert_false(kp_pass_use(&pass, 0, zeros));
    assert_int_equal(kp_pass_renew(&pass, crypto), 0);
    assert_false(kp_pass_use(&pass, 0, zeros));
    assert_memory_not_equal(pass.secret, zeros, sizeof zeros);
}

static void test_a_wrong_token_spends_nothing(void **state)
{
    (void)state;
    struct kp_pass pass = fresh;
    uint8_t token[KP_GUARD_SECRET_LEN], wrong[KP_GUARD_SECRET_LEN];
    assert_int_equal(kp_pass_link(&pass, crypto, 100, token), 0);
    for (size_t i = 0; i < sizeof wrong; i++) {
        memcpy(wrong, token, sizeof wrong);
        wrong[i] ^= 1;
        assert_false(kp_pass_use(&pass, 100, wrong));
    }
    assert_true(kp_pass_use(&pass, 100, token));
}

static void test_the_oldest_gives_way(void **state)
{
    (void)state;
    struct kp_pass pass = fresh;
    uint8_t tokens[KP_PASS_LINKS + 1][KP_GUARD_SECRET_LEN];
    for (size_t i = 0; i <= KP_PASS_LINKS; i++)
        assert_int_equal(kp_pass_link(&pass, crypto, 100 + i, tokens[i]), 0);
    assert_false(kp_pass_use(&pass, 110, tokens[0]));
    for (size_t i = 1; i <= KP_PASS_LINKS; i++)
        assert_true(kp_pass_use(&pass, 110, tokens[i]));
}

static void test_renewed_it_knows_nothing_of_before(void **state)
{
    (void)state;
    struct kp_pass pass = fresh;
    uint8_t token[KP_GUARD_SECRET_LEN], secret[KP_GUARD_SECRET_LEN];
    assert_int_equal(kp_pass_renew(&pass, crypto), 0);
    memcpy(secret, pass.secret, sizeof secret);
    assert_int_equal(kp_pass_link(&pass, crypto, 100, token), 0);
    assert_int_equal(kp_pass_renew(&pass, crypto), 0);
    assert_memory_not_equal(secret, pass.secret, sizeof secret);
    assert_false(kp_pass_use(&pass, 100, token));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_link_serves_once),
        cmocka_unit_test(test_a_link_grows_old),
        cmocka_unit_test(test_nothing_is_let_in_by_zeros),
        cmocka_unit_test(test_a_wrong_token_spends_nothing),
        cmocka_unit_test(test_the_oldest_gives_way),
        cmocka_unit_test(test_renewed_it_knows_nothing_of_before),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
