/*
 * Proves: the exporter of TLS 1.2 is RFC 5705's: PRF(master, label, client random | server random),
 * and with a context its length and bytes behind them, an empty one being another than none; the
 * PRF being RFC 5246 5's, computed here by hand from HMAC.
 */
#include "cm.h"

#include "key/keys12.h"

#include <string.h>

#define OUT_MAX 200

static struct kp_crypto *crypto;
static uint8_t master[KP_MASTER_LEN];
static uint8_t client_random[KP_RANDOM_LEN];
static uint8_t server_random[KP_RANDOM_LEN];

static int open_crypto(void **state)
{
    (void)state;
    memset(master, 0x4D, sizeof(master));
    memset(client_random, 0x43, sizeof(client_random));
    memset(server_random, 0x53, sizeof(server_random));
    return kp_crypto_new(&crypto, NULL, NULL);
}

static int close_crypto(void **state)
{
    (void)state;
    kp_crypto_free(crypto);
    return 0;
}

/* P_SHA256 over one run of bytes. */
static void p_hash(const uint8_t *seed, size_t len, uint8_t *out, size_t out_len)
{
    const struct kp_span key = {master, sizeof(master)};
    uint8_t a[KP_SHA256_LEN];
    struct kp_span whole = {seed, len};

    assert_int_equal(kp_hmac(crypto, KP_HASH_SHA256, key, &whole, 1, a), 0);
    for (size_t done = 0; done < out_len; done += KP_SHA256_LEN) {
        const struct kp_span parts[] = {{a, sizeof(a)}, whole};
        uint8_t block[KP_SHA256_LEN];
        size_t n = out_len - done < sizeof(block) ? out_len - done : sizeof(block);
        assert_int_equal(kp_hmac(crypto, KP_HASH_SHA256, key, parts, 2, block), 0);
        memcpy(out + done, block, n);
        assert_int_equal(kp_hmac(crypto, KP_HASH_SHA256, key, parts, 1, block), 0);
        memcpy(a, block, sizeof(a));
    }
}

static void by_hand(const char *label, const char *context, size_t context_len, uint8_t *out,
                    size_t out_len)
{
    uint8_t seed[1000];
    size_t len = strlen(label);

    memcpy(seed, label, len);
    memcpy(seed + len, client_random, KP_RANDOM_LEN);
    len += KP_RANDOM_LEN;
    memcpy(seed + len, server_random, KP_RANDOM_LEN);
    len += KP_RANDOM_LEN;
    if (context != NULL) {
        seed[len++] = (uint8_t)(context_len >> 8);
        seed[len++] = (uint8_t)context_len;
        memcpy(seed + len, context, context_len);
        len += context_len;
    }
    p_hash(seed, len, out, out_len);
}

static void compare(const char *label, const char *context, size_t context_len, size_t out_len)
{
    const struct kp_span value = {(const uint8_t *)context, context_len};
    uint8_t expected[OUT_MAX] = {0};
    uint8_t out[OUT_MAX] = {0};

    by_hand(label, context, context_len, expected, out_len);
    assert_int_equal(kp_export12(crypto, master, client_random, server_random,
                                 (struct kp_span){(const uint8_t *)label, strlen(label)},
                                 context != NULL ? &value : NULL, out, out_len),
                     0);
    assert_memory_equal(out, expected, sizeof(out));
}

static void test_by_hand(void **state)
{
    static const size_t lens[] = {1, 20, 31, 32, 33, 64, 100, OUT_MAX};
    static char long_context[300];

    (void)state;
    memset(long_context, 'c', sizeof(long_context));
    for (size_t i = 0; i < COUNT(lens); i++) {
        compare("EXPORTER-x", NULL, 0, lens[i]);
        compare("EXPORTER-x", "", 0, lens[i]);
        compare("EXPORTER-x", "context", 7, lens[i]);
        compare("EXPORTER-x", long_context, sizeof(long_context), lens[i]);
        compare("y", "\0", 1, lens[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
