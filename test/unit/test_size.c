/*
 * Proves: a connection's struct and a handshake's state stay as small as was promised, and the
 * transcript hashes what it is given, whenever its hash is chosen, and after a new beginning.
 */
#include "cm.h"

#include "conn/conn.h"

#include <stdio.h>
#include <string.h>

#define CONNECTION_MAX 1024
#define HANDSHAKE_MAX 4096

static void test_sizes(void **state)
{
    (void)state;
    print_message("struct kp_conn %zu bytes, struct kp_handshake %zu bytes\n",
                  sizeof(struct kp_conn), sizeof(struct kp_handshake));
    assert_true(sizeof(struct kp_conn) <= CONNECTION_MAX);
    assert_true(sizeof(struct kp_handshake) <= HANDSHAKE_MAX);
}

static void test_transcript(void **state)
{
    static const char said[] = "ClientHello and all that follows it";
    struct kp_crypto *crypto;

    (void)state;
    assert_int_equal(kp_crypto_new(&crypto, NULL, NULL), 0);
    /* Chosen before each byte, and after the last. */
    for (size_t chosen = 0; chosen <= sizeof(said); chosen++) {
        struct kp_transcript t = {0};
        uint8_t out[KP_HASH_MAX];
        uint8_t expected[KP_HASH_MAX];
        assert_true(kp_transcript_peek(&t, out) < 0);
        for (size_t i = 0; i <= sizeof(said); i++) {
            if (i == chosen) {
                assert_int_equal(kp_transcript_choose(&t, crypto, KP_HASH_SHA256), 0);
                assert_null(t.early);
            }
            if (i == sizeof(said))
                break;
            assert_int_equal(kp_transcript_add(&t, (const uint8_t *)said + i, 1), 0);
            if (t.hash == NULL)
                continue;
            const struct kp_span part = {(const uint8_t *)said, i + 1};
            assert_int_equal(kp_transcript_peek(&t, out), 0);
            assert_int_equal(kp_digest(crypto, KP_HASH_SHA256, &part, 1, expected), 0);
            assert_memory_equal(out, expected, KP_SHA256_LEN);
        }
        kp_transcript_clear(&t);
        assert_null(t.hash);
        kp_transcript_clear(&t);
    }
    kp_crypto_free(crypto);
}

/* RFC 8446 4.4.1: message_hash in the place of the first ClientHello; with a look ahead at each
 * point, which changes nothing. */
static void test_transcript_restart(void **state)
{
    static const enum kp_hash_id ids[] = {KP_HASH_SHA256, KP_HASH_SHA384};
    static const uint8_t first[] = "the first hello";
    static const uint8_t second[] = "a retry and the second";
    struct kp_crypto *crypto;

    (void)state;
    assert_int_equal(kp_crypto_new(&crypto, NULL, NULL), 0);
    for (size_t i = 0; i < COUNT(ids); i++) {
        size_t len = kp_hash_len(ids[i]);
        const uint8_t header[4] = {254, 0, 0, (uint8_t)len};
        struct kp_transcript t = {0};
        uint8_t hash[KP_HASH_MAX];
        uint8_t out[KP_HASH_MAX];
        uint8_t expected[KP_HASH_MAX];
        const struct kp_span whole = {first, sizeof(first)};
        const struct kp_span parts[] = {
            {header, sizeof(header)}, {hash, len}, {second, sizeof(second)}};
        assert_int_equal(kp_digest(crypto, ids[i], &whole, 1, hash), 0);
        /* Before a hash is chosen, too. */
        assert_int_equal(kp_transcript_add(&t, first, 3), 0);
        assert_int_equal(
            kp_transcript_peek_with(&t, crypto, ids[i], first + 3, sizeof(first) - 3, out), 0);
        assert_memory_equal(out, hash, len);
        assert_int_equal(kp_transcript_restart(&t, crypto, ids[i], hash), 0);
        assert_null(t.early);
        assert_int_equal(kp_transcript_peek_with(&t, crypto, ids[i], second, sizeof(second), out),
                         0);
        assert_int_equal(kp_digest(crypto, ids[i], parts, 3, expected), 0);
        assert_memory_equal(out, expected, len);
        assert_int_equal(kp_transcript_add(&t, second, sizeof(second)), 0);
        assert_int_equal(kp_transcript_peek(&t, out), 0);
        assert_memory_equal(out, expected, len);
        kp_transcript_clear(&t);
    }
    kp_crypto_free(crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_transcript),
        cmocka_unit_test(test_transcript_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
