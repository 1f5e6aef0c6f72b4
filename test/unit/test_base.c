/*
 * Proves: the reader and the builder never leave their bounds and latch the first failure; secrets
 * are wiped and compared whole; every error code has a sentence and the alert that the RFCs name.
 */
#include "cm.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

/* ---- Reader -------------------------------------------------------------------------------- */

static void test_numbers(void **state)
{
    static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
    struct kp_reader r;

    (void)state;
    kp_reader_init(&r, data, sizeof(data));
    assert_int_equal(kp_read_u8(&r), 0x01);
    assert_int_equal(kp_read_u16(&r), 0x0203);
    assert_int_equal(kp_read_u24(&r), 0x040506);
    assert_int_equal(kp_read_u32(&r), 0x0708090A);
    assert_false(kp_reader_done(&r));
    assert_true(kp_read_u64(&r) == 0x0B0C0D0E0F101112u);
    assert_true(kp_reader_done(&r));
    assert_int_equal(kp_read_u8(&r), 0);
    assert_false(kp_reader_done(&r));
}

/* One byte short, for each width: 0, failed, and it stays so. */
static void test_reader_latches(void **state)
{
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        static const size_t widths[] = {1, 2, 3, 4, 8, 5};
        /* On the heap and exact, so that a sanitizer sees a step too far. */
        size_t len = widths[kind] - 1;
        uint8_t *data = malloc(len + (len == 0));
        struct kp_reader r;
        uint64_t value = 1;
        assert_non_null(data);
        memset(data, 0xFF, len);
        kp_reader_init(&r, data, len);
        if (kind == 0)
            value = kp_read_u8(&r);
        else if (kind == 1)
            value = kp_read_u16(&r);
        else if (kind == 2)
            value = kp_read_u24(&r);
        else if (kind == 3)
            value = kp_read_u32(&r);
        else if (kind == 4)
            value = kp_read_u64(&r);
        else
            value = kp_read_bytes(&r, 5) != NULL;
        assert_true(value == 0);
        assert_true(r.failed);
        assert_int_equal(r.left, 0);
        assert_int_equal(kp_read_u8(&r), 0);
        assert_null(kp_read_bytes(&r, 0));
        assert_false(kp_reader_done(&r));
        free(data);
    }
}

static void test_no_bytes(void **state)
{
    struct kp_reader r;

    (void)state;
    kp_reader_init(&r, NULL, 0);
    assert_true(kp_reader_done(&r));
    kp_read_bytes(&r, 0);
    assert_true(kp_reader_done(&r));
    assert_null(kp_read_bytes(&r, 1));
    assert_false(kp_reader_done(&r));
    kp_reader_init(&r, (const uint8_t *)"abc", 3);
    assert_null(kp_read_bytes(&r, SIZE_MAX));
    assert_true(r.failed);
}

static void test_vectors(void **state)
{
    static const uint8_t data[] = {0, 0, 3, 'a', 'b', 'c', 'd'};
    struct kp_reader r;

    (void)state;
    for (unsigned width = 1; width <= 3; width++) {
        kp_reader_init(&r, data + 3 - width, 4 + width);
        struct kp_reader inner = kp_read_vector(&r, width, 3, 3);
        assert_int_equal(inner.left, 3);
        assert_memory_equal(inner.data, "abc", 3);
        assert_false(inner.failed);
        assert_int_equal(r.left, 1);
        /* What is outside the inner one is out of its reach. */
        assert_null(kp_read_bytes(&inner, 4));
        assert_false(r.failed);
    }
    static const struct {
        size_t len, min, max;
    } bad[] = {{4, 4, 9}, {4, 0, 2}, {3, 0, 9}, {0, 0, 9}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        kp_reader_init(&r, data + 2, bad[i].len);
        struct kp_reader inner = kp_read_vector(&r, 1, bad[i].min, bad[i].max);
        assert_true(r.failed);
        assert_true(inner.failed);
        assert_int_equal(inner.left, 0);
    }
}

/* ---- Builder ------------------------------------------------------------------------------- */

static void build_some(struct kp_builder *b)
{
    kp_put_u8(b, 1);
    kp_put_u16(b, 0x0203);
    size_t outer = kp_put_open(b, 3);
    kp_put_u24(b, 0x040506);
    size_t inner = kp_put_open(b, 1);
    kp_put_u32(b, 0x0708090A);
    kp_put_close(b, inner, 1);
    kp_put_u64(b, 0x0B0C0D0E0F101112u);
    kp_put_bytes(b, "xyz", 3);
    kp_put_bytes(b, NULL, 0);
    kp_put_close(b, outer, 3);
}

static const uint8_t some[] = {1,    2,    3,    0,    0,    19,   4,    5,    6,
                               4,    7,    8,    9,    0x0A, 0x0B, 0x0C, 0x0D, 0x0E,
                               0x0F, 0x10, 0x11, 0x12, 'x',  'y',  'z'};

static void test_builder(void **state)
{
    struct kp_builder b;

    (void)state;
    /* Every capacity: too small fails, never writes behind it, and stays failed. */
    for (size_t capacity = 0; capacity <= sizeof(some); capacity++) {
        uint8_t *data = malloc(capacity + (capacity == 0));
        assert_non_null(data);
        kp_builder_init(&b, data, capacity);
        build_some(&b);
        assert_int_equal(b.failed, capacity < sizeof(some));
        if (!b.failed) {
            assert_int_equal(b.len, sizeof(some));
            assert_memory_equal(data, some, sizeof(some));
        } else {
            size_t len = b.len;
            kp_put_bytes(&b, NULL, 0);
            assert_true(b.failed);
            assert_int_equal(b.len, len);
        }
        free(data);
    }
}

/* A vector that its length can't tell. */
static void test_builder_length(void **state)
{
    static uint8_t data[70000];
    static const uint8_t zeros[66000];
    struct kp_builder b;

    (void)state;
    for (int over = 0; over < 2; over++) {
        kp_builder_init(&b, data, sizeof(data));
        size_t mark = kp_put_open(&b, 1);
        kp_put_bytes(&b, zeros, 255u + (unsigned)over);
        kp_put_close(&b, mark, 1);
        assert_int_equal(b.failed, over);
        kp_builder_init(&b, data, sizeof(data));
        mark = kp_put_open(&b, 2);
        kp_put_bytes(&b, zeros, 65535u + (unsigned)over);
        kp_put_close(&b, mark, 2);
        assert_int_equal(b.failed, over);
    }
}

/* ---- Secrets ------------------------------------------------------------------------------- */

static void test_wipe(void **state)
{
    uint8_t data[64];
    static const uint8_t zeros[64];

    (void)state;
    memset(data, 0xAA, sizeof(data));
    kp_wipe(data + 1, 62);
    assert_memory_equal(data + 1, zeros, 62);
    assert_int_equal(data[0], 0xAA);
    assert_int_equal(data[63], 0xAA);
    kp_wipe(NULL, 0);
    kp_free_secret(NULL, 5);
    kp_free_secret(malloc(5), 5);
}

static void test_equal(void **state)
{
    uint8_t a[65];
    uint8_t b[65];

    (void)state;
    memset(a, 7, sizeof(a));
    memset(b, 7, sizeof(b));
    assert_true(kp_equal_secret(a, b, sizeof(a)));
    assert_true(kp_equal_secret(a, "", 0));
    for (size_t i = 0; i < sizeof(a); i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            b[i] = (uint8_t)(7 ^ (1u << bit));
            assert_false(kp_equal_secret(a, b, sizeof(a)));
            assert_true(kp_equal_secret(a, b, i));
        }
        b[i] = 7;
    }
}

/* ---- Errors -------------------------------------------------------------------------------- */

/* Each with the alert of: RFC 5246 7.2.2 and where it says "MUST"; 5054 2.5, 2.9; 7301 3.2; 7366;
 * 7507; 7627; 8446 6.2; 8449 4. */
static const struct {
    int error;
    int alert;
} errors[] = {
    {KP_OK, -1},
    {KP_E_MEMORY, 80},
    {KP_E_ARGUMENT, 80},
    {KP_E_CRYPTO, 80},
    {KP_E_INTERNAL, 80},
    {KP_E_DECODE, 50},
    {KP_E_UNEXPECTED, 10},
    {KP_E_ILLEGAL, 47},
    {KP_E_TOO_LONG, 47},
    {KP_E_OVERFLOW, 22},
    {KP_E_RECORD_MAC, 20},
    {KP_E_FINISHED, 51},
    {KP_E_EXTENSION, 110},
    {KP_E_FLOOD, 10},
    {KP_E_SHARE, 47},
    {KP_E_MISSING, 109},
    {KP_E_BINDER, 51},
    {KP_E_NO_SCHEME, 47},
    {KP_E_NO_GROUP, 40},
    {KP_E_CERTIFICATE, 40},
    {KP_E_NO_SUITE, 40},
    {KP_E_ONLY_TLS12, 70},
    {KP_E_VERSION, 70},
    {KP_E_FALLBACK, 86},
    {KP_E_NO_PASSWORD_SUITE, 40},
    {KP_E_NO_USER, 115},
    {KP_E_NO_ETM, 40},
    {KP_E_NO_EMS, 40},
    {KP_E_NO_ALPN, 120},
    {KP_E_COMPRESSION, 47},
    {KP_E_RENEGOTIATION, 40},
    {KP_E_GROUP, 71},
    {KP_E_SUITE, 47},
    {KP_E_PROOF, 20},
    {KP_E_PEER_ALERT, -1},
    {KP_E_TRUNCATED, -1},
    {KP_E_TICKET_REFUSED, 90},
    {KP_E_NOT_TLS, -1},
    {KP_E_HTTP, -1},
    {KP_E_SSLV2, 70},
    {KP_E_NO_SRP_SERVER, -1},
    {KP_E_SYNTAX, -1},
    {KP_E_EXISTS, -1},
    {KP_E_NOT_FOUND, -1},
    {KP_E_NAME, -1},
    {KP_E_DIFFERS, -1},
};

static void test_errors(void **state)
{
    size_t known = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(errors); i++) {
        const char *text = kp_error_text(errors[i].error);
        assert_int_equal(kp_error_alert(errors[i].error), errors[i].alert);
        assert_string_not_equal(text, "unknown error");
        assert_true(strlen(text) > 5 && text[strlen(text) - 1] != '.');
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(text, kp_error_text(errors[j].error));
        if (errors[i].alert >= 0)
            assert_string_not_equal(kp_alert_name(errors[i].alert), "unknown");
    }
    /* No code without a row here. */
    for (int error = 0; error > -200; error--)
        known += strcmp(kp_error_text(error), "unknown error") != 0;
    assert_int_equal(known, COUNT(errors));
    assert_string_equal(kp_error_text(7), "unknown error");
    assert_int_equal(kp_error_alert(-199), 80);
}

static void test_alert_names(void **state)
{
    (void)state;
    assert_string_equal(kp_alert_name(0), "close_notify");
    assert_string_equal(kp_alert_name(20), "bad_record_mac");
    assert_string_equal(kp_alert_name(86), "inappropriate_fallback");
    assert_string_equal(kp_alert_name(115), "unknown_psk_identity");
    assert_string_equal(kp_alert_name(120), "no_application_protocol");
    assert_string_equal(kp_alert_name(255), "unknown");
    assert_string_equal(kp_alert_name(-1), "unknown");
}

/* Every count of leading zeros, of lengths that are powers of two and that aren't. */
static void test_strip(void **state)
{
    (void)state;
    for (size_t len = 0; len < 70; len++) {
        for (size_t zeros = 0; zeros <= len; zeros++) {
            uint8_t data[71] = {0};
            for (size_t i = zeros; i < len; i++)
                data[i] = (uint8_t)(i == zeros ? 1 + i * 3 : i % 3);
            data[len] = 0xEE;
            assert_int_equal(kp_strip_secret(data, len), len - zeros);
            for (size_t i = 0; i < len; i++) {
                size_t from = i + zeros;
                uint8_t want = (uint8_t)(i == 0 ? 1 + from * 3 : from % 3);
                assert_int_equal(data[i], from < len ? want : 0);
            }
            assert_int_equal(data[len], 0xEE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),  cmocka_unit_test(test_reader_latches),
        cmocka_unit_test(test_no_bytes), cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_builder),  cmocka_unit_test(test_builder_length),
        cmocka_unit_test(test_wipe),     cmocka_unit_test(test_equal),
        cmocka_unit_test(test_errors),   cmocka_unit_test(test_alert_names),
        cmocka_unit_test(test_strip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
