/*
 * Proves: the PRF of TLS 1.2 with SHA-256 gives the one public test vector (posted to the TLS
 * working group's list, 2009); and the key schedule is made of it with the labels and in the order
 * of RFC 5246 6.3, 7.4.9 and RFC 7627 4.
 */
#include "cm.h"

#include "hex.h"
#include "key/keys12.h"

#include <string.h>

static struct kp_crypto *crypto;

static int open_crypto(void **state)
{
    (void)state;
    return kp_crypto_new(&crypto, NULL, NULL);
}

static int close_crypto(void **state)
{
    (void)state;
    kp_crypto_free(crypto);
    return 0;
}

static void test_prf(void **state)
{
    static const char expected_text[] = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e6"
                                        "1edb5a6b301791e90d35c9c9a46b4e14ba"
                                        "f9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce3"
                                        "4f796789baa48082d122ee42c5a72e5a51"
                                        "10fff70187347b66";
    uint8_t secret[16], seed[16], expected[100], out[100];

    (void)state;
    hex("9bbe436ba940f017b17652849a71db35", secret, sizeof(secret));
    hex("a0ba9f936cda311827a6f796ffd5198c", seed, sizeof(seed));
    assert_int_equal(hex(expected_text, expected, sizeof(expected)), 100);
    for (size_t len = 0; len <= sizeof(out); len++) {
        for (size_t cut = 0; cut <= sizeof(seed); cut += 8) {
            const struct kp_span parts[] = {{seed, cut}, {seed + cut, sizeof(seed) - cut}};
            memset(out, 0xAA, sizeof(out));
            assert_int_equal(
                kp_prf12(crypto, (struct kp_span){secret, 16}, "test label", parts, 2, out, len),
                0);
            assert_memory_equal(out, expected, len);
            if (len < sizeof(out))
                assert_int_equal(out[len], 0xAA);
        }
    }
}

static void prf(const void *secret, size_t secret_len, const char *label, const void *seed,
                size_t seed_len, uint8_t *out, size_t out_len)
{
    const struct kp_span part = {seed, seed_len};

    assert_int_equal(
        kp_prf12(crypto, (struct kp_span){secret, secret_len}, label, &part, 1, out, out_len), 0);
}

static void test_schedule(void **state)
{
    static const size_t key_lens[] = {16, 32};
    uint8_t master[KP_MASTER_LEN], expected[KP_MASTER_LEN], hash[32], seed[64], block[200];
    uint8_t verify[KP_VERIFY_LEN];

    (void)state;
    memset(hash, 0x48, sizeof(hash));
    memset(seed, 0x53, 32);      /* the server's random comes first */
    memset(seed + 32, 0x43, 32); /* then the client's */
    assert_int_equal(
        kp_master12(crypto, (struct kp_span){(const uint8_t *)"premaster", 9}, hash, master), 0);
    prf("premaster", 9, "extended master secret", hash, 32, expected, KP_MASTER_LEN);
    assert_memory_equal(master, expected, KP_MASTER_LEN);
    for (size_t i = 0; i < COUNT(key_lens); i++) {
        size_t n = key_lens[i];
        struct kp_keys12 client, server;
        prf(master, KP_MASTER_LEN, "key expansion", seed, 64, block, 40 + 2 * n);
        assert_int_equal(kp_key_block12(crypto, master, seed + 32, seed, n, &client, &server), 0);
        assert_memory_equal(client.mac, block, 20);
        assert_memory_equal(server.mac, block + 20, 20);
        assert_memory_equal(client.key, block + 40, n);
        assert_memory_equal(server.key, block + 40 + n, n);
    }
    prf(master, KP_MASTER_LEN, "client finished", hash, 32, expected, KP_VERIFY_LEN);
    assert_int_equal(kp_verify_data12(crypto, master, true, hash, verify), 0);
    assert_memory_equal(verify, expected, KP_VERIFY_LEN);
    prf(master, KP_MASTER_LEN, "server finished", hash, 32, expected, KP_VERIFY_LEN);
    assert_int_equal(kp_verify_data12(crypto, master, false, hash, verify), 0);
    assert_memory_equal(verify, expected, KP_VERIFY_LEN);
}

/* S = 0 leaves an empty premaster secret; it is a secret like any other to the PRF.  Value:
 * HMAC-SHA256 with an empty key, by Python. */
static void test_empty_premaster(void **state)
{
    uint8_t hash[32] = {0}, master[KP_MASTER_LEN], expected[16];

    (void)state;
    assert_int_equal(kp_master12(crypto, (struct kp_span){hash, 0}, hash, master), 0);
    hex("0691dc5acb277df69a215c237fc26d1f", expected, sizeof(expected));
    assert_memory_equal(master, expected, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prf),
        cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_empty_premaster),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
