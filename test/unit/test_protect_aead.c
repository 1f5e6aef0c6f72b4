/*
 * Proves: AES-GCM and ChaCha20-Poly1305 give the published answers (the GCM specification's test
 * cases, RFC 8439 2.8.2); and AEAD record protection opens what it sealed and nothing else, takes
 * any padding, refuses what RFC 8446 5 wants refused, and never uses a nonce twice.
 */
#include "cm.h"

#include "crypto/aead.h"
#include "hex.h"
#include "record/record.h"
#include "seeded.h"

#include <stdlib.h>
#include <string.h>

static struct kp_crypto *crypto;
static struct seeded source;

static const enum kp_aead_id all[] = {KP_AEAD_AES_128_GCM, KP_AEAD_AES_256_GCM,
                                      KP_AEAD_CHACHA20_POLY1305};

static int open_crypto(void **state)
{
    (void)state;
    seeded_start(&source, 1);
    return kp_crypto_new(&crypto, seeded_random, &source);
}

static int close_crypto(void **state)
{
    (void)state;
    kp_crypto_free(crypto);
    return 0;
}

/* ---- The AEADs ----------------------------------------------------------------------------- */

#define GCM_PLAIN                                                                                  \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                             \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define GCM_AD "feedfacedeadbeeffeedfacedeadbeefabaddad2"

static const struct {
    enum kp_aead_id id;
    const char *key, *nonce, *ad, *plain, *sealed;
} answers[] = {
    /* Test cases 1, 2, 4; 13, 14, 16. */
    {KP_AEAD_AES_128_GCM, "00000000000000000000000000000000", "000000000000000000000000", "", "",
     "58e2fccefa7e3061367f1d57a4e7455a"},
    {KP_AEAD_AES_128_GCM, "00000000000000000000000000000000", "000000000000000000000000", "",
     "00000000000000000000000000000000",
     "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"},
    {KP_AEAD_AES_128_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", GCM_AD,
     GCM_PLAIN,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {KP_AEAD_AES_256_GCM, "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {KP_AEAD_AES_256_GCM, "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {KP_AEAD_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", GCM_AD, GCM_PLAIN,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    /* "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future,
     * sunscreen would be it." */
    {KP_AEAD_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a2049662049"
     "20636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c20"
     "73756e73637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92"
     "728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b"
     "4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"},
};

#define TEXT_MAX 128

static void test_answers(void **state)
{
    uint8_t key[32], nonce[12], ad[32], plain[TEXT_MAX], sealed[TEXT_MAX + 16], out[TEXT_MAX + 16];

    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct kp_aead *seal, *open;
        assert_int_equal(hex(answers[i].key, key, sizeof(key)), kp_aead_key_len(answers[i].id));
        hex(answers[i].nonce, nonce, sizeof(nonce));
        struct kp_span a = {ad, hex(answers[i].ad, ad, sizeof(ad))};
        size_t len = hex(answers[i].plain, plain, sizeof(plain));
        assert_int_equal(hex(answers[i].sealed, sealed, sizeof(sealed)), len + 16);
        assert_int_equal(kp_aead_new(&seal, crypto, answers[i].id, key, true), 0);
        assert_int_equal(kp_aead_new(&open, crypto, answers[i].id, key, false), 0);
        /* In two parts, cut everywhere; one context throughout. */
        for (size_t cut = 0; cut <= len; cut++) {
            const struct kp_span parts[] = {{plain, cut}, {plain + cut, len - cut}};
            assert_int_equal(kp_aead_seal(seal, nonce, a, parts, 2, out), 0);
            assert_memory_equal(out, sealed, len + 16);
        }
        for (size_t at = 0; at < len + 16; at++) {
            static const uint8_t zeros[TEXT_MAX];
            sealed[at] ^= 1;
            assert_int_equal(kp_aead_open(open, nonce, a, sealed, len + 16, out), KP_E_RECORD_MAC);
            assert_memory_equal(out, zeros, len);
            sealed[at] ^= 1;
            assert_int_equal(kp_aead_open(open, nonce, a, sealed, at, out), KP_E_RECORD_MAC);
        }
        assert_int_equal(kp_aead_open(open, nonce, a, sealed, len + 16, out), 0);
        assert_memory_equal(out, plain, len);
        /* Where it stands. */
        assert_int_equal(kp_aead_open(open, nonce, a, sealed, len + 16, sealed), 0);
        assert_memory_equal(sealed, plain, len);
        kp_aead_free(seal);
        kp_aead_free(open);
    }
    kp_aead_free(NULL);
}

static void test_available(void **state)
{
    struct kp_aead *aead;
    uint8_t key[KP_AEAD_KEY_MAX] = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(all); i++)
        assert_true(kp_aead_available(crypto, all[i]));
    assert_false(kp_aead_available(crypto, (enum kp_aead_id)3));
    assert_int_equal(kp_aead_new(&aead, crypto, (enum kp_aead_id)3, key, true), KP_E_CRYPTO);
    assert_null(aead);
}

/* ---- Records ------------------------------------------------------------------------------- */

#define INNER_MAX (KP_RECORD_MAX + 1)
#define RECORD_MAX (KP_HEADER_LEN + KP_RECORD_MAX + 512)

/* Both directions of one key, and the bare AEAD. */
struct tunnel {
    struct kp_protect seal;
    struct kp_protect open;
    struct kp_aead *bare;
    struct kp_keys13 keys;
};

static void open_tunnel(struct tunnel *t, enum kp_aead_id id)
{
    memset(t, 0, sizeof(*t));
    seeded_random(&source, (uint8_t *)&t->keys, sizeof(t->keys));
    kp_protect_none(&t->seal);
    kp_protect_none(&t->open);
    kp_protect_aead(&t->seal, crypto, id, &t->keys, true);
    kp_protect_aead(&t->open, crypto, id, &t->keys, false);
    assert_int_equal(kp_aead_new(&t->bare, crypto, id, t->keys.key, true), 0);
}

static void close_tunnel(struct tunnel *t)
{
    kp_protect_clear(&t->seal);
    kp_protect_clear(&t->open);
    kp_aead_free(t->bare);
    assert_int_equal(t->seal.key_len, 0);
    assert_null(t->open.aead);
}

static int open_record(struct tunnel *t, const uint8_t *record, size_t len, uint8_t *out,
                       size_t *out_len, uint8_t *type)
{
    return t->open.ops->open(&t->open, record, record + KP_HEADER_LEN, len - KP_HEADER_LEN, out,
                             out_len, type);
}

static size_t seal(struct tunnel *t, uint8_t type, const uint8_t *data, size_t len, uint8_t *record)
{
    assert_int_equal(t->seal.ops->seal(&t->seal, type, 0x0304, data, len, record), 0);
    assert_int_equal(t->seal.ops->sealed_len(&t->seal, len), len + 17);
    assert_int_equal(record[0], 23);
    assert_int_equal(record[1] << 8 | record[2], 0x0303);
    assert_int_equal(record[3] << 8 | record[4], len + 17);
    return KP_HEADER_LEN + len + 17;
}

/* Any inner plaintext under the number that is next: what only a peer with the keys can make. */
static size_t forge(struct tunnel *t, const uint8_t *inner, size_t len, uint8_t *record)
{
    const struct kp_span part = {inner, len};
    uint8_t nonce[12];

    kp_record_header_put(record, 23, 0x0303, len + 16);
    memcpy(nonce, t->keys.iv, sizeof(nonce));
    for (unsigned i = 0; i < 8; i++)
        nonce[11 - i] ^= (uint8_t)(t->open.sequence >> (8 * i));
    assert_int_equal(kp_aead_seal(t->bare, nonce, (struct kp_span){record, KP_HEADER_LEN}, &part, 1,
                                  record + KP_HEADER_LEN),
                     0);
    return KP_HEADER_LEN + len + 16;
}

static void test_round_trip(void **state)
{
    uint8_t data[300], record[400], out[400], type;
    size_t got;

    (void)state;
    seeded_random(&source, data, sizeof(data));
    for (size_t i = 0; i < COUNT(all); i++) {
        struct tunnel t;
        open_tunnel(&t, all[i]);
        for (size_t len = 0; len <= sizeof(data); len++) {
            uint8_t said = len == 0 ? KP_APPLICATION : (uint8_t)(21 + len % 3);
            size_t n = seal(&t, said, data, len, record);
            assert_int_equal(open_record(&t, record, n, out, &got, &type), 0);
            assert_int_equal(got, len);
            assert_int_equal(type, said);
            assert_memory_equal(out, data, len);
            /* Where it stands. */
            n = seal(&t, said, data, len, record);
            assert_int_equal(open_record(&t, record, n, record + KP_HEADER_LEN, &got, &type), 0);
            assert_int_equal(got, len);
            assert_int_equal(type, said);
            assert_memory_equal(record + KP_HEADER_LEN, data, len);
            if (len % 7 == 0) {
                t.seal.ops->rest(&t.seal);
                t.open.ops->rest(&t.open);
                assert_null(t.seal.aead);
                assert_null(t.open.aead);
            }
        }
        assert_int_equal(t.seal.sequence, 2 * 301);
        assert_int_equal(t.open.sequence, 2 * 301);
        close_tunnel(&t);
    }
}

/* Each bit of the header, the content and the tag; each length. */
static void test_flips(void **state)
{
    uint8_t data[40], record[100], out[100], type;
    size_t got;

    (void)state;
    memset(data, 'd', sizeof(data));
    for (size_t i = 0; i < COUNT(all); i++) {
        struct tunnel t;
        open_tunnel(&t, all[i]);
        size_t n = seal(&t, KP_APPLICATION, data, sizeof(data), record);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            record[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(open_record(&t, record, n, out, &got, &type),
                             bit < 8 ? KP_E_UNEXPECTED : KP_E_RECORD_MAC);
            record[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t len = KP_HEADER_LEN; len < n; len++)
            assert_int_equal(open_record(&t, record, len, out, &got, &type), KP_E_RECORD_MAC);
        assert_int_equal(t.open.sequence, 0);
        assert_int_equal(open_record(&t, record, n, out, &got, &type), 0);
        close_tunnel(&t);
    }
}

/* A record twice, one left out, two the other way round. */
static void test_order(void **state)
{
    uint8_t first[64], second[64], third[64], out[64], type;
    struct tunnel t;
    size_t got;

    (void)state;
    open_tunnel(&t, KP_AEAD_AES_128_GCM);
    size_t n = seal(&t, KP_APPLICATION, (const uint8_t *)"same", 4, first);
    seal(&t, KP_APPLICATION, (const uint8_t *)"same", 4, second);
    seal(&t, KP_APPLICATION, (const uint8_t *)"same", 4, third);
    assert_memory_not_equal(first, second, n);
    assert_int_equal(open_record(&t, second, n, out, &got, &type), KP_E_RECORD_MAC);
    assert_int_equal(open_record(&t, first, n, out, &got, &type), 0);
    assert_int_equal(open_record(&t, first, n, out, &got, &type), KP_E_RECORD_MAC);
    assert_int_equal(open_record(&t, third, n, out, &got, &type), KP_E_RECORD_MAC);
    assert_int_equal(open_record(&t, second, n, out, &got, &type), 0);
    assert_int_equal(open_record(&t, third, n, out, &got, &type), 0);
    close_tunnel(&t);
}

/* RFC 8446 5.3: the number, in all its bytes, XORed to the end of the IV. */
static void test_nonces(void **state)
{
    static const uint64_t numbers[] = {
        0, 1, 255, 256, 65535, 0x01020304, 0xffffffff, 0x0102030405060708, UINT64_MAX - 1};
    uint8_t record[64], expected[64];
    struct tunnel t;

    (void)state;
    open_tunnel(&t, KP_AEAD_AES_256_GCM);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        t.seal.sequence = t.open.sequence = numbers[i];
        size_t n = seal(&t, KP_APPLICATION, (const uint8_t *)"x", 1, record);
        assert_int_equal(forge(&t, (const uint8_t *)"x\x17", 2, expected), n);
        assert_memory_equal(record, expected, n);
    }
    /* It never comes round. */
    uint8_t type, out[64];
    size_t got;
    t.open.sequence = UINT64_MAX;
    assert_int_equal(t.seal.sequence, UINT64_MAX);
    assert_int_equal(t.seal.ops->seal(&t.seal, 23, 0x0303, (const uint8_t *)"x", 1, record),
                     KP_E_INTERNAL);
    assert_int_equal(open_record(&t, record, KP_HEADER_LEN + 18, out, &got, &type), KP_E_INTERNAL);
    assert_int_equal(t.seal.sequence, UINT64_MAX);
    close_tunnel(&t);
}

static void test_padding(void **state)
{
    uint8_t inner[600] = {0}, record[700], out[700], type;
    struct tunnel t;
    size_t got;

    (void)state;
    open_tunnel(&t, KP_AEAD_CHACHA20_POLY1305);
    for (size_t len = 1; len < sizeof(inner); len += 13) {
        for (size_t padding = 0; padding + len < sizeof(inner); padding += 37) {
            memset(inner, 0, sizeof(inner));
            memset(inner, 'c', len - 1);
            /* Zeros that belong to the content stay. */
            if (len > 3)
                inner[len - 2] = inner[len - 3] = 0;
            inner[len - 1] = KP_APPLICATION;
            size_t n = forge(&t, inner, len + padding, record);
            assert_int_equal(open_record(&t, record, n, out, &got, &type), 0);
            assert_int_equal(got, len - 1);
            assert_int_equal(type, KP_APPLICATION);
            assert_memory_equal(out, inner, got);
        }
    }
    /* Nothing but zeros, none of them, and one. */
    memset(inner, 0, sizeof(inner));
    for (size_t len = 0; len <= 64; len++) {
        size_t n = forge(&t, inner, len, record);
        assert_int_equal(open_record(&t, record, n, out, &got, &type), KP_E_UNEXPECTED);
    }
    close_tunnel(&t);
}

/* RFC 8446 5 and 5.4. */
static void test_types(void **state)
{
    uint8_t record[64], out[64], type;
    struct tunnel t;
    size_t got;

    (void)state;
    open_tunnel(&t, KP_AEAD_AES_128_GCM);
    for (unsigned inner_type = 1; inner_type < 256; inner_type++) {
        const uint8_t inner[] = {'c', (uint8_t)inner_type};
        bool known = inner_type >= 21 && inner_type <= 23;
        size_t n = forge(&t, inner, 2, record);
        assert_int_equal(open_record(&t, record, n, out, &got, &type), known ? 0 : KP_E_UNEXPECTED);
        /* Nothing but a type: application data alone may be empty. */
        n = forge(&t, inner + 1, 1, record);
        assert_int_equal(open_record(&t, record, n, out, &got, &type),
                         inner_type == 23 ? 0 : KP_E_UNEXPECTED);
    }
    close_tunnel(&t);
}

/* RFC 8446 5.2 and 5.4: TLSInnerPlaintext up to 2^14 + 1, TLSCiphertext up to 2^14 + 256. */
static void test_limits(void **state)
{
    uint8_t *inner = calloc(1, RECORD_MAX), *record = malloc(RECORD_MAX), *out = malloc(RECORD_MAX);
    uint8_t type;
    struct tunnel t;
    size_t got;

    (void)state;
    open_tunnel(&t, KP_AEAD_AES_256_GCM);
    memset(inner, 'c', KP_RECORD_MAX);
    size_t n = seal(&t, KP_APPLICATION, inner, KP_RECORD_MAX, record);
    assert_int_equal(open_record(&t, record, n, out, &got, &type), 0);
    assert_int_equal(got, KP_RECORD_MAX);
    assert_memory_equal(out, inner, KP_RECORD_MAX);
    static const struct {
        size_t len;
        int err;
    } cases[] = {{INNER_MAX, 0},
                 {INNER_MAX + 1, KP_E_OVERFLOW},
                 {KP_RECORD_MAX + 240, KP_E_OVERFLOW},
                 {KP_RECORD_MAX + 241, KP_E_OVERFLOW}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        /* One byte of content, the rest padding: that counts. */
        memset(inner, 0, RECORD_MAX);
        inner[0] = 'c';
        inner[1] = KP_APPLICATION;
        n = forge(&t, inner, cases[i].len, record);
        assert_int_equal(open_record(&t, record, n, out, &got, &type), cases[i].err);
    }
    /* What is too long is not even decrypted. */
    record[KP_HEADER_LEN] ^= 1;
    assert_int_equal(open_record(&t, record, n, out, &got, &type), KP_E_OVERFLOW);
    n = forge(&t, inner, KP_RECORD_MAX + 240, record);
    record[KP_HEADER_LEN] ^= 1;
    assert_int_equal(open_record(&t, record, n, out, &got, &type), KP_E_RECORD_MAC);
    close_tunnel(&t);
    free(inner);
    free(record);
    free(out);
}

/* Behind the record layer: cut, written, found and opened. */
static void test_layer(void **state)
{
    static uint8_t data[40000];
    struct kp_record_layer l;
    struct kp_record r;
    struct kp_keys13 keys;
    size_t heard = 0, room;

    (void)state;
    seeded_random(&source, data, sizeof(data));
    seeded_random(&source, (uint8_t *)&keys, sizeof(keys));
    kp_record_init(&l, KP_RECORD_WIRE_MAX);
    l.version = 0x0303;
    kp_protect_aead(&l.write, crypto, KP_AEAD_AES_128_GCM, &keys, true);
    kp_protect_aead(&l.read, crypto, KP_AEAD_AES_128_GCM, &keys, false);
    assert_int_equal(kp_record_write(&l, KP_APPLICATION, data, sizeof(data)), 0);
    size_t len = kp_buffer_used(&l.out);
    assert_int_equal(len, sizeof(data) + 3 * (KP_HEADER_LEN + 17));
    assert_int_equal(kp_buffer_reserve(&l.in, len, 0), 0);
    memcpy(kp_buffer_tail(&l.in, &room), kp_buffer_data(&l.out), len);
    kp_buffer_added(&l.in, len);
    while (kp_record_next(&l, &r) == 1) {
        const uint8_t *at;
        uint8_t type;
        assert_int_equal(kp_record_open(&l, &r, NULL, &at, &len, &type), 0);
        assert_int_equal(type, KP_APPLICATION);
        assert_memory_equal(at, data + heard, len);
        heard += len;
    }
    assert_int_equal(heard, sizeof(data));
    kp_buffer_taken(&l.out, kp_buffer_used(&l.out));
    kp_record_rest(&l);
    assert_null(l.read.aead);
    assert_null(l.write.aead);
    kp_record_clear(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),    cmocka_unit_test(test_available),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_flips),
        cmocka_unit_test(test_order),      cmocka_unit_test(test_nonces),
        cmocka_unit_test(test_padding),    cmocka_unit_test(test_types),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_layer),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
