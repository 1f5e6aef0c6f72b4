/*
 * Proves: hashes, HMAC, AES-CBC and AES-256-GCM give the published answers: FIPS 180-4's examples,
 * RFC 2202 and 4231, SP 800-38A F.2, and the GCM specification's test cases.
 */
#include "cm.h"

#include "crypto/provider.h"
#include "hex.h"
#include "seeded.h"

#include <string.h>

static struct kp_crypto *crypto;
static struct seeded random_source;

static int open_crypto(void **state)
{
    (void)state;
    seeded_start(&random_source, 1);
    return kp_crypto_new(&crypto, seeded_random, &random_source);
}

static int close_crypto(void **state)
{
    (void)state;
    kp_crypto_free(crypto);
    kp_crypto_free(NULL);
    return 0;
}

static struct kp_span text(const char *s)
{
    return (struct kp_span){(const uint8_t *)s, strlen(s)};
}

static void assert_hex(const uint8_t *got, size_t len, const char *expected)
{
    uint8_t bytes[256];

    assert_int_equal(hex(expected, bytes, sizeof(bytes)), len);
    assert_memory_equal(got, bytes, len);
}

/* ---- Hashes -------------------------------------------------------------------------------- */

#define LONG_TEXT "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"

static const struct {
    enum kp_hash_id id;
    const char *text;
    const char *digest;
} digests[] = {
    {KP_HASH_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {KP_HASH_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {KP_HASH_SHA1, LONG_TEXT, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    {KP_HASH_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {KP_HASH_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {KP_HASH_SHA256, LONG_TEXT, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {KP_HASH_SHA384, "abc",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7"},
};

static void test_digests(void **state)
{
    uint8_t out[KP_HASH_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(digests); i++) {
        size_t len = strlen(digests[i].text);
        struct kp_hash *hash;
        /* In one, in two parts at each place, and as it goes on. */
        assert_int_equal(kp_hash_new(&hash, crypto, digests[i].id), 0);
        for (size_t at = 0; at <= len; at++) {
            const uint8_t *data = (const uint8_t *)digests[i].text;
            const struct kp_span parts[] = {{data, at}, {data + at, len - at}};
            assert_int_equal(kp_digest(crypto, digests[i].id, parts, 2, out), 0);
            assert_hex(out, kp_hash_len(digests[i].id), digests[i].digest);
            assert_int_equal(kp_hash_peek(hash, out), 0);
            if (at < len)
                assert_int_equal(kp_hash_update(hash, data + at, 1), 0);
        }
        assert_int_equal(kp_hash_peek(hash, out), 0);
        assert_hex(out, kp_hash_len(digests[i].id), digests[i].digest);
        kp_hash_free(hash);
    }
    kp_hash_free(NULL);
}

static const struct {
    enum kp_hash_id id;
    const char *key;
    const char *text;
    const char *mac;
} macs[] = {
    /* RFC 2202 3, cases 1 and 2. */
    {KP_HASH_SHA1, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
     "b617318655057264e28bc0b6fb378c8ef146be00"},
    {KP_HASH_SHA1, "4a656665", "what do ya want for nothing?",
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    /* RFC 4231 4.2 and 4.3. */
    {KP_HASH_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {KP_HASH_SHA256, "4a656665", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {KP_HASH_SHA384, "4a656665", "what do ya want for nothing?",
     "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
     "8e2240ca5e69e2c78b3239ecfab21649"},
};

static void test_hmac(void **state)
{
    uint8_t out[KP_HASH_MAX];
    uint8_t key[64];

    (void)state;
    for (size_t i = 0; i < COUNT(macs); i++) {
        struct kp_span secret = {key, hex(macs[i].key, key, sizeof(key))};
        const struct kp_span parts[] = {text(macs[i].text)};
        struct kp_mac *mac;
        assert_int_equal(kp_hmac(crypto, macs[i].id, secret, parts, 1, out), 0);
        assert_hex(out, kp_hash_len(macs[i].id), macs[i].mac);
        /* One key, many messages. */
        assert_int_equal(kp_mac_new(&mac, crypto, macs[i].id, secret), 0);
        for (int times = 0; times < 3; times++) {
            assert_int_equal(kp_mac_run(mac, NULL, 0, out), 0);
            assert_int_equal(kp_mac_run(mac, parts, 1, out), 0);
            assert_hex(out, kp_hash_len(macs[i].id), macs[i].mac);
        }
        kp_mac_free(mac);
    }
    kp_mac_free(NULL);
}

/* A premaster secret may be 0 and so, without leading zeros, empty: Python's hmac.new(b"", b"",
 * "sha256"). */
static void test_hmac_empty_key(void **state)
{
    uint8_t out[KP_HASH_MAX];

    (void)state;
    assert_int_equal(kp_hmac(crypto, KP_HASH_SHA256, text(""), NULL, 0, out), 0);
    assert_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* ---- AES-CBC, SP 800-38A F.2.1 and F.2.5
 * ------------------------------------------------------------ */

static const char cbc_iv[] = "000102030405060708090a0b0c0d0e0f";
static const char cbc_plain[] = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                                "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
static const struct {
    const char *key;
    const char *cipher;
} cbc_cases[] = {
    {"2b7e151628aed2a6abf7158809cf4f3c",
     "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
     "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
    {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
     "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
};

static void test_cbc(void **state)
{
    uint8_t key[32], iv[16], plain[64], cipher[64], out[64];

    (void)state;
    hex(cbc_iv, iv, sizeof(iv));
    hex(cbc_plain, plain, sizeof(plain));
    for (size_t i = 0; i < COUNT(cbc_cases); i++) {
        struct kp_span k = {key, hex(cbc_cases[i].key, key, sizeof(key))};
        hex(cbc_cases[i].cipher, cipher, sizeof(cipher));
        for (int encrypt = 0; encrypt < 2; encrypt++) {
            struct kp_cbc *cbc;
            const uint8_t *in = encrypt ? plain : cipher;
            assert_int_equal(kp_cbc_new(&cbc, crypto, k, encrypt != 0), 0);
            /* Whole, in runs, and in place; each with a new start. */
            for (int way = 0; way < 3; way++) {
                memcpy(out, in, sizeof(out));
                assert_int_equal(kp_cbc_start(cbc, iv), 0);
                if (way == 0) {
                    assert_int_equal(kp_cbc_run(cbc, in, 64, out), 0);
                } else if (way == 1) {
                    assert_int_equal(kp_cbc_run(cbc, in, 16, out), 0);
                    assert_int_equal(kp_cbc_run(cbc, in, 0, out), 0);
                    assert_int_equal(kp_cbc_run(cbc, in + 16, 48, out + 16), 0);
                } else {
                    assert_int_equal(kp_cbc_run(cbc, out, 64, out), 0);
                }
                assert_memory_equal(out, encrypt ? cipher : plain, 64);
            }
            assert_int_equal(kp_cbc_run(cbc, in, 17, out), KP_E_CRYPTO);
            kp_cbc_free(cbc);
        }
    }
    struct kp_cbc *cbc;
    assert_int_equal(kp_cbc_new(&cbc, crypto, (struct kp_span){key, 24}, true), KP_E_CRYPTO);
    assert_null(cbc);
    kp_cbc_free(NULL);
}

/* ---- AES-256-GCM: test cases 13, 14 and 16 of the specification
 * ----------------------------------------- */

static const struct {
    const char *key, *nonce, *ad, *plain, *sealed;
} gcm_cases[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void test_gcm(void **state)
{
    uint8_t key[32], nonce[12], ad[32], plain[64], sealed[96], out[96];

    (void)state;
    for (size_t i = 0; i < COUNT(gcm_cases); i++) {
        hex(gcm_cases[i].key, key, sizeof(key));
        hex(gcm_cases[i].nonce, nonce, sizeof(nonce));
        struct kp_span a = {ad, hex(gcm_cases[i].ad, ad, sizeof(ad))};
        size_t len = hex(gcm_cases[i].plain, plain, sizeof(plain));
        assert_int_equal(hex(gcm_cases[i].sealed, sealed, sizeof(sealed)), len + 16);
        assert_int_equal(kp_gcm_seal(crypto, key, nonce, a, plain, len, out), 0);
        assert_memory_equal(out, sealed, len + 16);
        assert_int_equal(kp_gcm_open(crypto, key, nonce, a, sealed, len + 16, out), 0);
        assert_memory_equal(out, plain, len);
        for (size_t at = 0; at < len + 16; at++) {
            static const uint8_t zeros[64];
            sealed[at] ^= 1;
            memset(out, 0xAA, sizeof(out));
            assert_int_equal(kp_gcm_open(crypto, key, nonce, a, sealed, len + 16, out),
                             KP_E_RECORD_MAC);
            assert_memory_equal(out, zeros, len);
            sealed[at] ^= 1;
        }
        if (a.len > 0) {
            ad[0] ^= 1;
            assert_int_equal(kp_gcm_open(crypto, key, nonce, a, sealed, len + 16, out),
                             KP_E_RECORD_MAC);
        }
        for (size_t cut = 0; cut < 16; cut++)
            assert_int_equal(kp_gcm_open(crypto, key, nonce, a, sealed, cut, out), KP_E_RECORD_MAC);
    }
}

/* ---- Random -------------------------------------------------------------------------------- */

static void test_random(void **state)
{
    struct kp_crypto *own;
    uint8_t a[32], b[32];

    (void)state;
    assert_int_equal(kp_crypto_new(&own, NULL, NULL), 0);
    assert_int_equal(kp_random(own, a, sizeof(a)), 0);
    assert_int_equal(kp_random(own, b, sizeof(b)), 0);
    assert_memory_not_equal(a, b, sizeof(a));
    kp_crypto_free(own);
    random_source.fail_at = 1;
    assert_int_equal(kp_random(crypto, a, sizeof(a)), KP_E_CRYPTO);
    random_source.fail_at = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digests),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_hmac_empty_key),
        cmocka_unit_test(test_cbc),
        cmocka_unit_test(test_gcm),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
