/*
 * Proves: a ClientHello, ServerHello and HelloRetryRequest with all that TLS 1.3 has are parsed
 * back to what was built, and refused when they are cut; each extension of a server's has its
 * places.
 */
#include "cm.h"

#include "message/message13.h"

#include <string.h>

#define SPAN(bytes) ((struct kp_span){(const uint8_t *)(bytes), sizeof(bytes) - 1})
#define RANDOM "0123456789abcdefghijklmnopqrstuv"

static void assert_span(struct kp_span got, struct kp_span expected)
{
    assert_int_equal(got.len, expected.len);
    if (expected.len > 0)
        assert_memory_equal(got.data, expected.data, expected.len);
}

/* ---- Hellos -------------------------------------------------------------------------------- */

/* A client's, with all that TLS 1.3 has: the late half is kept as it came. */
static void test_client_hello(void **state)
{
    static const struct kp_client_hello hello = {
        .version = KP_TLS12,
        .random = {(const uint8_t *)RANDOM, 32},
        .session_id = {(const uint8_t *)RANDOM, 32},
        .suites = {(const uint8_t *)"\x13\x01\x13\x02", 4},
        .ext = {.present = KP_EXT_VERSIONS | KP_EXT_GROUPS | KP_EXT_KEY_SHARE | KP_EXT_COOKIE |
                           KP_EXT_PSK_MODES | KP_EXT_PAKE | KP_EXT_PSK,
                .versions = {(const uint8_t *)"\x03\x04\x03\x03", 4},
                .groups = {(const uint8_t *)"\0\x1D\0\x17", 4},
                .key_share = {0x001D, {(const uint8_t *)"share", 5}},
                .cookie = {(const uint8_t *)"cookie", 6},
                .pake_offer = {.client_identity = {(const uint8_t *)"alice", 5},
                               .server_identity = {(const uint8_t *)"id", 2},
                               .share = {(const uint8_t *)"point", 5}},
                .psk_offer = {{(const uint8_t *)"ticket", 6}, 0x01020304, 32}},
    };
    struct kp_client_hello got;
    struct kp_pake_offer offer;
    struct kp_psk_list list;
    struct kp_span value;
    struct kp_span binder;
    uint8_t data[1000];
    struct kp_builder b;
    struct kp_reader r;
    bool dhe;

    (void)state;
    kp_builder_init(&b, data, sizeof(data));
    kp_client_hello_build(&b, &hello);
    kp_reader_init(&r, data, b.len);
    assert_int_equal(kp_client_hello_parse(&r, &got), 0);
    assert_int_equal(got.ext.present, hello.ext.present);
    assert_span(got.ext.versions, hello.ext.versions);
    assert_true(got.only_null_compression);
    assert_int_equal(kp_groups_parse(got.ext.raw_groups, &value), 0);
    assert_span(value, hello.ext.groups);
    assert_int_equal(kp_key_shares_check(got.ext.raw_key_share, value), 0);
    assert_span(kp_key_share_find(got.ext.raw_key_share, 0x001D), SPAN("share"));
    assert_int_equal(kp_cookie_parse(got.ext.raw_cookie, &value), 0);
    assert_span(value, SPAN("cookie"));
    assert_int_equal(kp_psk_modes_parse(got.ext.raw_psk_modes, &dhe), 0);
    assert_true(dhe);
    assert_int_equal(kp_pake_offer_parse(got.ext.raw_pake, &offer), 0);
    assert_span(offer.client_identity, SPAN("alice"));
    assert_span(offer.server_identity, SPAN("id"));
    assert_span(offer.share, SPAN("point"));
    /* The ticket comes last, and its binder at the very end. */
    assert_true(got.ext.psk_last);
    assert_int_equal(kp_psk_list_parse(got.ext.raw_psk, &list), 0);
    assert_int_equal(list.binders_len, KP_PSK_BINDERS_LEN(32));
    assert_true(kp_psk_list_next(&list, &value, &binder));
    assert_span(value, SPAN("ticket"));
    assert_ptr_equal(binder.data + binder.len, data + b.len);
    assert_int_equal(got.block.len, b.len - (size_t)(got.block.data - data));
    for (size_t n = 0; n < b.len; n++) {
        kp_reader_init(&r, data, n);
        /* Whole again where the extensions are left out altogether. */
        bool whole = n == 2 + 32 + 1 + 32 + 2 + 4 + 2;
        assert_int_equal(kp_client_hello_parse(&r, &got), whole ? 0 : KP_E_DECODE);
    }
}

static void round_server(const struct kp_server_hello *hello)
{
    struct kp_server_hello got;
    uint8_t data[500];
    struct kp_builder b;
    struct kp_reader r;

    kp_builder_init(&b, data, sizeof(data));
    kp_server_hello_build(&b, hello);
    kp_reader_init(&r, data, b.len);
    assert_int_equal(kp_server_hello_parse(&r, &got), 0);
    assert_int_equal(got.retry, hello->retry);
    assert_int_equal(got.ext.present, hello->ext.present);
    assert_int_equal(got.ext.version, hello->ext.version);
    assert_int_equal(got.suite, hello->suite);
    assert_int_equal(got.ext.psk_index, hello->ext.psk_index);
    assert_int_equal(got.ext.key_share.group, hello->ext.key_share.group);
    assert_span(got.ext.key_share.key, hello->ext.key_share.key);
    assert_span(got.ext.cookie, hello->ext.cookie);
    assert_int_equal(got.ext.pake_scheme, hello->ext.pake_scheme);
    assert_span(got.ext.pake_message, hello->ext.pake_message);
    for (size_t n = 0; n < b.len; n++) {
        kp_reader_init(&r, data, n);
        bool whole = n == 2 + 32 + 1 + hello->session_id.len + 3;
        assert_int_equal(kp_server_hello_parse(&r, &got), whole ? 0 : KP_E_DECODE);
    }
}

static void test_server_hellos(void **state)
{
    const struct kp_server_hello hello = {
        .version = KP_TLS12,
        .random = SPAN(RANDOM),
        .session_id = SPAN(RANDOM),
        .suite = KP_AES_256_GCM_SHA384,
        .ext = {.present = KP_EXT_VERSIONS | KP_EXT_KEY_SHARE | KP_EXT_PSK | KP_EXT_PAKE,
                .version = KP_TLS13,
                .psk_index = 3,
                .key_share = {0x0017, SPAN("share")},
                .pake_scheme = KP_SPAKE2PLUS_V1,
                .pake_message = SPAN("message")},
    };
    const struct kp_server_hello retry = {
        .version = KP_TLS12,
        .random = {kp_retry_random, KP_RANDOM_LEN},
        .suite = KP_AES_128_GCM_SHA256,
        .retry = true,
        .ext = {.present = KP_EXT_VERSIONS | KP_EXT_KEY_SHARE | KP_EXT_COOKIE,
                .version = KP_TLS13,
                .key_share = {0x0017, {NULL, 0}},
                .cookie = SPAN("cookie")},
    };
    struct kp_crypto *crypto;
    uint8_t hash[KP_SHA256_LEN];
    const struct kp_span name = SPAN("HelloRetryRequest");

    (void)state;
    round_server(&hello);
    round_server(&retry);
    assert_int_equal(kp_crypto_new(&crypto, NULL, NULL), 0);
    assert_int_equal(kp_digest(crypto, KP_HASH_SHA256, &name, 1, hash), 0);
    assert_memory_equal(hash, kp_retry_random, sizeof(hash));
    kp_crypto_free(crypto);
}

static int parse_extension(uint16_t value, struct kp_span content, enum kp_place place)
{
    struct kp_extensions ext;
    uint8_t data[64];
    struct kp_builder b;
    struct kp_reader r;

    kp_builder_init(&b, data, sizeof(data));
    size_t block = kp_put_open(&b, 2);
    kp_put_u16(&b, value);
    size_t body = kp_put_open(&b, 2);
    kp_put_bytes(&b, content.data, content.len);
    kp_put_close(&b, body, 2);
    kp_put_close(&b, block, 2);
    kp_reader_init(&r, data, b.len);
    return kp_extensions_parse(&r, place, &ext);
}

/* An extension's body cut at each length, none at all too, or longer. */
static void test_bodies(void **state)
{
    static const struct {
        uint16_t value;
        struct kp_span body;
        enum kp_place place;
    } cases[] = {
        {41, SPAN("\0\0"), KP_IN_SERVER_HELLO},
        {43, SPAN("\x03\x04"), KP_IN_SERVER_HELLO},
        {43, SPAN("\x03\x04"), KP_IN_RETRY},
        {44, SPAN("\0\1c"), KP_IN_RETRY},
        {51, SPAN("\0\x1D\0\1s"), KP_IN_SERVER_HELLO},
        {51, SPAN("\0\x1D"), KP_IN_RETRY},
        {0x8a3b, SPAN("\x7D\x96\0\1m"), KP_IN_SERVER_HELLO},
        {28, SPAN("\x40\0"), KP_IN_ENCRYPTED},
        {16, SPAN("\0\3\2h2"), KP_IN_ENCRYPTED},
        {43, SPAN("\2\x03\x04"), KP_IN_CLIENT_HELLO},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t body[16] = {0};
        memcpy(body, cases[i].body.data, cases[i].body.len);
        for (size_t n = 0; n <= cases[i].body.len + 1; n++) {
            int err = parse_extension(cases[i].value, (struct kp_span){body, n}, cases[i].place);
            if (err != (n == cases[i].body.len ? 0 : KP_E_DECODE))
                fail_msg("extension %u, %zu bytes: %d", cases[i].value, n, err);
        }
    }
}

/* Each extension has its places: RFC 8446 4.2. */
static void test_places(void **state)
{
    static const struct {
        uint16_t value;
        struct kp_span body;
        unsigned places;
    } cases[] = {
        {0, SPAN(""), KP_IN_SERVER_HELLO | KP_IN_ENCRYPTED},
        {10, SPAN("\0\2\0\x1D"), KP_IN_ENCRYPTED},
        {13, SPAN("\0\2\x08\x04"), 0},
        {16, SPAN("\0\3\2h2"), KP_IN_SERVER_HELLO | KP_IN_ENCRYPTED},
        {22, SPAN(""), KP_IN_SERVER_HELLO},
        {23, SPAN(""), KP_IN_SERVER_HELLO},
        {28, SPAN("\x40\0"), KP_IN_SERVER_HELLO | KP_IN_ENCRYPTED},
        {35, SPAN(""), KP_IN_SERVER_HELLO},
        {41, SPAN("\0\0"), KP_IN_SERVER_HELLO},
        {42, SPAN(""), 0},
        {43, SPAN("\x03\x04"), KP_IN_SERVER_HELLO | KP_IN_RETRY},
        {44, SPAN("\0\1c"), KP_IN_RETRY},
        {45, SPAN("\1\1"), 0},
        {51, SPAN("\0\x1D\0\1s"), KP_IN_SERVER_HELLO},
        {51, SPAN("\0\x1D"), KP_IN_RETRY},
        {0x8a3b, SPAN("\x7D\x96\0\1m"), KP_IN_SERVER_HELLO},
        {0xFF01, SPAN("\0"), KP_IN_SERVER_HELLO},
        {0x5A5A, SPAN(""), 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (unsigned place = KP_IN_SERVER_HELLO; place <= KP_IN_ENCRYPTED; place <<= 1) {
            int err = parse_extension(cases[i].value, cases[i].body, (enum kp_place)place);
            bool there = (cases[i].places & place) != 0;
            /* key_share has another body in each of its two places. */
            bool other = cases[i].value == 51 && !there && place != KP_IN_ENCRYPTED;
            if (err != (there ? 0 : other ? KP_E_DECODE : KP_E_EXTENSION))
                fail_msg("extension %u in %u: %d", cases[i].value, place, err);
        }
    }
    /* EncryptedExtensions has a list, be it empty. */
    struct kp_extensions ext;
    struct kp_reader r;
    kp_reader_init(&r, (const uint8_t *)"\0\0", 2);
    assert_int_equal(kp_extensions_parse(&r, KP_IN_ENCRYPTED, &ext), 0);
    kp_reader_init(&r, (const uint8_t *)"", 0);
    assert_int_equal(kp_extensions_parse(&r, KP_IN_ENCRYPTED, &ext), KP_E_DECODE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_hello),
        cmocka_unit_test(test_server_hellos),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
