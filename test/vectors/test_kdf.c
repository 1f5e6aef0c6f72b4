/*
 * Proves: HKDF gives the numbers of RFC 5869 A.1 to A.3, scrypt those of RFC 7914 12, and what
 * HKDF can't give is refused.
 */
#include "cm.h"

#include "crypto/kdf.h"
#include "hex.h"

#include <string.h>

static struct kp_crypto *crypto;
static struct kp_mac *mac;

static int open_crypto(void **state)
{
    (void)state;
    if (kp_crypto_new(&crypto, NULL, NULL) != 0)
        return -1;
    return kp_mac_new(&mac, crypto, KP_HASH_SHA256, (struct kp_span){(const uint8_t *)"x", 1});
}

static int close_crypto(void **state)
{
    (void)state;
    kp_mac_free(mac);
    kp_crypto_free(crypto);
    return 0;
}

static const struct {
    const char *input, *salt, *info, *key, *out;
} cases[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
     "f0f1f2f3f4f5f6f7f8f9", "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d"
     "2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
     "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d"
     "8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdd"
     "dedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e59"
     "0e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

static void test_hkdf(void **state)
{
    uint8_t input[80], salt[80], info[80], key[32], out[82], expected[82];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct kp_span in = {input, hex(cases[i].input, input, sizeof(input))};
        struct kp_span with = {salt, hex(cases[i].salt, salt, sizeof(salt))};
        size_t info_len = hex(cases[i].info, info, sizeof(info));
        size_t len = hex(cases[i].out, expected, sizeof(expected));
        assert_int_equal(kp_hkdf_extract(mac, with, in, out), 0);
        hex(cases[i].key, key, sizeof(key));
        assert_memory_equal(out, key, sizeof(key));
        /* Every shorter output is the longer one's beginning; the info in parts. */
        for (size_t n = 0; n <= len; n++) {
            size_t cut = n < info_len ? n : info_len;
            const struct kp_span parts[] = {{info, cut}, {info + cut, info_len - cut}};
            memset(out, 0xAA, sizeof(out));
            assert_int_equal(kp_hkdf_expand(mac, (struct kp_span){key, 32}, parts, 2, out, n), 0);
            assert_memory_equal(out, expected, n);
            if (n < sizeof(out))
                assert_int_equal(out[n], 0xAA);
        }
    }
}

static void test_refused(void **state)
{
    static uint8_t out[255 * 32 + 1];
    const struct kp_span key = {out, 32};
    const struct kp_span part = {out, 1};
    const struct kp_span parts[] = {part, part, part, part, part};

    (void)state;
    assert_int_equal(kp_hkdf_expand(mac, key, parts, 4, out, 255 * 32), 0);
    assert_int_equal(kp_hkdf_expand(mac, key, parts, 4, out, sizeof(out)), KP_E_INTERNAL);
    assert_int_equal(kp_hkdf_expand(mac, key, parts, 5, out, 32), KP_E_INTERNAL);
    const struct kp_span longest = {out, 249}, too_long = {out, 250};
    const struct kp_span context = {out, 255}, big = {out, 256};
    assert_int_equal(kp_hkdf_expand_label(mac, key, longest, context, out, 32), 0);
    assert_true(kp_hkdf_expand_label(mac, key, too_long, context, out, 32) < 0);
    assert_true(kp_hkdf_expand_label(mac, key, longest, big, out, 32) < 0);
}

static void test_scrypt(void **state)
{
    static const struct {
        const char *password, *salt;
        uint32_t n, r, p;
        const char *out;
    } scrypts[] = {
        {"", "", 16, 1, 1,
         "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
         "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"},
        {"password", "NaCl", 1024, 8, 16,
         "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
         "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"},
        {"pleaseletmein", "SodiumChloride", 16384, 8, 1,
         "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
         "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"},
    };
    uint8_t out[64], expected[64];

    (void)state;
    for (size_t i = 0; i < COUNT(scrypts); i++) {
        const char *password = scrypts[i].password, *salt = scrypts[i].salt;
        assert_int_equal(kp_scrypt((struct kp_span){(const uint8_t *)password, strlen(password)},
                                   (struct kp_span){(const uint8_t *)salt, strlen(salt)},
                                   scrypts[i].n, scrypts[i].r, scrypts[i].p, out, sizeof(out)),
                         0);
        hex(scrypts[i].out, expected, sizeof(expected));
        assert_memory_equal(out, expected, sizeof(out));
    }
    /* N must be a power of 2. */
    assert_true(kp_scrypt((struct kp_span){out, 1}, (struct kp_span){NULL, 0}, 1000, 8, 1, out,
                          sizeof(out)) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hkdf),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_scrypt),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
