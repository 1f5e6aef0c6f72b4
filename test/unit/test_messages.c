/*
 * Proves: every message that is built is parsed back to the same; every one that is cut, or has a
 * byte behind it, is refused; lengths are held to the limits of their RFCs.
 */
#include "cm.h"

#include "message/message.h"
#include "seeded.h"

#include <stdlib.h>
#include <string.h>

#define SPAN(bytes) ((struct kp_span){(const uint8_t *)(bytes), sizeof(bytes) - 1})
#define RANDOM "0123456789abcdefghijklmnopqrstuv"

static void assert_span(struct kp_span got, struct kp_span expected)
{
    assert_int_equal(got.len, expected.len);
    if (expected.len > 0)
        assert_memory_equal(got.data, expected.data, expected.len);
}

typedef int parse_fn(struct kp_reader *r);

/* Cut at each length and one byte longer, in memory of just that size. */
static void refuse_others(const uint8_t *message, size_t len, parse_fn *parse, size_t also_whole)
{
    for (size_t n = 0; n <= len + 1; n++) {
        struct kp_reader r;
        uint8_t *copy = calloc(1, n + (n == 0));
        assert_non_null(copy);
        memcpy(copy, message, n < len ? n : len);
        kp_reader_init(&r, copy, n);
        int err = parse(&r);
        bool whole = n == len || n == also_whole;
        if ((err == 0) != whole)
            fail_msg("%zu of %zu bytes: %d", n, len, err);
        if (!whole)
            assert_int_equal(err, KP_E_DECODE);
        free(copy);
    }
}

/* ---- Hellos -------------------------------------------------------------------------------- */

static int parse_client(struct kp_reader *r)
{
    struct kp_client_hello hello;
    return kp_client_hello_parse(r, &hello);
}

static int parse_server(struct kp_reader *r)
{
    struct kp_server_hello hello;
    return kp_server_hello_parse(r, &hello);
}

static const struct kp_client_hello full_hello = {
    .version = KP_TLS12,
    .random = {(const uint8_t *)RANDOM, 32},
    .session_id = {(const uint8_t *)RANDOM, 32},
    .suites = {(const uint8_t *)"\xC0\x20\xC0\x1D\x00\xFF", 6},
    .null_compression = true,
    .ext =
        {
            .present = KP_EXT_SERVER_NAME | KP_EXT_SRP | KP_EXT_ALPN | KP_EXT_ETM | KP_EXT_EMS |
                       KP_EXT_RECORD_SIZE_LIMIT | KP_EXT_TICKET | KP_EXT_RENEGOTIATION,
            .server_name = {(const uint8_t *)"device.example", 14},
            .srp_name = {(const uint8_t *)"alice", 5},
            .alpn = {(const uint8_t *)"\x02h2\x08http/1.1", 12},
            .ticket = {(const uint8_t *)"some ticket", 11},
            .record_size_limit = 1024,
        },
};

static void assert_extensions(const struct kp_extensions *got, const struct kp_extensions *expected)
{
    assert_int_equal(got->present, expected->present);
    assert_span(got->server_name, expected->server_name);
    assert_span(got->srp_name, expected->srp_name);
    assert_span(got->alpn, expected->alpn);
    assert_span(got->ticket, expected->ticket);
    assert_span(got->versions, expected->versions);
    assert_int_equal(got->record_size_limit, expected->record_size_limit);
}

static void round_client(const struct kp_client_hello *hello)
{
    struct kp_client_hello got;
    uint8_t data[1000];
    struct kp_builder b;
    struct kp_reader r;

    kp_builder_init(&b, data, sizeof(data));
    kp_client_hello_build(&b, hello);
    assert_false(b.failed);
    kp_reader_init(&r, data, b.len);
    assert_int_equal(kp_client_hello_parse(&r, &got), 0);
    assert_int_equal(got.version, hello->version);
    assert_span(got.random, hello->random);
    assert_span(got.session_id, hello->session_id);
    assert_span(got.suites, hello->suites);
    assert_true(got.null_compression);
    assert_extensions(&got.ext, &hello->ext);
    /* Without a block at all it is whole again: RFC 5246 7.4.1.2. */
    size_t fixed = 2 + 32 + 1 + hello->session_id.len + 2 + hello->suites.len + 2;
    refuse_others(data, b.len, parse_client, fixed);
}

static void test_client_hello(void **state)
{
    (void)state;
    round_client(&full_hello);
    /* Each extension alone, and none. */
    for (unsigned bit = 0; bit < 9; bit++) {
        struct kp_client_hello one = full_hello;
        one.session_id.len = bit;
        memset(&one.ext, 0, sizeof(one.ext));
        one.ext.present = full_hello.ext.present & 1u << bit;
        if (one.ext.present & KP_EXT_SERVER_NAME)
            one.ext.server_name = full_hello.ext.server_name;
        if (one.ext.present & KP_EXT_SRP)
            one.ext.srp_name = full_hello.ext.srp_name;
        if (one.ext.present & KP_EXT_ALPN)
            one.ext.alpn = full_hello.ext.alpn;
        if (one.ext.present & KP_EXT_TICKET)
            one.ext.ticket = full_hello.ext.ticket;
        if (one.ext.present & KP_EXT_RECORD_SIZE_LIMIT)
            one.ext.record_size_limit = 64;
        round_client(&one);
    }
}

/* The same extension twice, each of ours and one that nobody knows. */
static void test_duplicates(void **state)
{
    static const uint16_t values[] = {0, 12, 16, 22, 23, 28, 35, 43, 0xFF01, 0x5555};
    static const struct kp_span bodies[] = {
        {(const uint8_t *)"\x00\x04\x00\x00\x01"
                          "a",
         6},
        {(const uint8_t *)"\x01"
                          "a",
         2},
        {(const uint8_t *)"\x00\x02\x01"
                          "a",
         4},
        {NULL, 0},
        {NULL, 0},
        {(const uint8_t *)"\x40\x00", 2},
        {(const uint8_t *)"t", 1},
        {(const uint8_t *)"\x02\x03\x03", 3},
        {(const uint8_t *)"\x00", 1},
        {(const uint8_t *)"?", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        for (unsigned times = 1; times <= 2; times++) {
            struct kp_extensions ext;
            uint8_t data[64];
            struct kp_builder b;
            struct kp_reader r;
            kp_builder_init(&b, data, sizeof(data));
            size_t block = kp_put_open(&b, 2);
            for (unsigned n = 0; n < times; n++) {
                kp_put_u16(&b, values[i]);
                size_t body = kp_put_open(&b, 2);
                kp_put_bytes(&b, bodies[i].data, bodies[i].len);
                kp_put_close(&b, body, 2);
            }
            kp_put_close(&b, block, 2);
            kp_reader_init(&r, data, b.len);
            assert_int_equal(kp_extensions_parse(&r, KP_IN_CLIENT_HELLO, &ext),
                             times == 1 ? 0 : KP_E_DECODE);
        }
    }
}

static void test_server_hello(void **state)
{
    struct kp_server_hello hello = {
        .version = KP_TLS12,
        .random = SPAN(RANDOM),
        .suite = KP_SRP_SHA_AES256,
        .ext = {.present = KP_EXT_SERVER_NAME | KP_EXT_ALPN | KP_EXT_ETM | KP_EXT_EMS |
                           KP_EXT_RECORD_SIZE_LIMIT | KP_EXT_TICKET | KP_EXT_RENEGOTIATION,
                .alpn = SPAN("http/1.1"),
                .record_size_limit = 16384},
    };

    (void)state;
    for (size_t id = 0; id <= 32; id += 32) {
        struct kp_server_hello got;
        uint8_t data[500];
        struct kp_builder b;
        struct kp_reader r;
        hello.session_id = (struct kp_span){(const uint8_t *)RANDOM, id};
        kp_builder_init(&b, data, sizeof(data));
        kp_server_hello_build(&b, &hello);
        kp_reader_init(&r, data, b.len);
        assert_int_equal(kp_server_hello_parse(&r, &got), 0);
        assert_int_equal(got.version, hello.version);
        assert_span(got.random, hello.random);
        assert_span(got.session_id, hello.session_id);
        assert_int_equal(got.suite, hello.suite);
        assert_int_equal(got.compression, 0);
        assert_extensions(&got.ext, &hello.ext);
        refuse_others(data, b.len, parse_server, 2 + 32 + 1 + id + 3);
    }
}

/* A server names one protocol: RFC 7301 3.1. */
static void test_server_alpn(void **state)
{
    static const uint8_t two[] = {0, 13, 0, 16, 0, 9, 0, 7, 2, 'h', '2', 3, 'a', 'b', 'c'};
    static const uint8_t none[] = {0, 6, 0, 16, 0, 2, 0, 0};
    struct kp_extensions ext;
    struct kp_reader r;

    (void)state;
    kp_reader_init(&r, two, sizeof(two));
    assert_int_equal(kp_extensions_parse(&r, KP_IN_SERVER_HELLO, &ext), KP_E_DECODE);
    kp_reader_init(&r, two, sizeof(two));
    assert_int_equal(kp_extensions_parse(&r, KP_IN_CLIENT_HELLO, &ext), 0);
    kp_reader_init(&r, none, sizeof(none));
    assert_int_equal(kp_extensions_parse(&r, KP_IN_SERVER_HELLO, &ext), KP_E_DECODE);
}

/* ---- Lists --------------------------------------------------------------------------------- */

static void test_lists(void **state)
{
    static const uint8_t list[] = {0xC0, 0x20, 0x1D, 0xC0, 0x1D, 0xFF};

    (void)state;
    assert_true(kp_list_has((struct kp_span){list, 6}, 0xC020));
    assert_true(kp_list_has((struct kp_span){list, 6}, 0x1DC0));
    assert_false(kp_list_has((struct kp_span){list, 6}, 0xC01D));
    assert_false(kp_list_has((struct kp_span){list, 6}, 0x201D));
    assert_false(kp_list_has((struct kp_span){list, 5}, 0x1DFF));
    assert_false(kp_list_has((struct kp_span){NULL, 0}, 0));
}

static void test_suites(void **state)
{
    (void)state;
    static const uint16_t in_order[] = {0x1301, 0x1303, 0x1302, 0xC020, 0xC01D};
    for (size_t i = 0; i < COUNT(in_order); i++) {
        assert_int_equal(kp_suite_at(i)->value, in_order[i]);
        assert_int_equal(kp_suite_at(i)->version, i < 3 ? KP_TLS13 : KP_TLS12);
    }
    assert_null(kp_suite_at(COUNT(in_order)));
    assert_null(kp_suite_by_value(0xC021));
    assert_null(kp_suite_by_value(0x00FF));
    assert_ptr_equal(kp_suite_by_value(0xC01D), kp_suite_at(4));
}

/* ---- The SRP exchange -------------------------------------------------------------------------
 */

static int parse_params(struct kp_reader *r)
{
    struct kp_srp_params params;
    return kp_server_key_exchange_parse(r, &params);
}

static int parse_a(struct kp_reader *r)
{
    struct kp_span a;
    return kp_client_key_exchange_parse(r, &a);
}

static void test_exchange(void **state)
{
    static uint8_t n[1024];
    static uint8_t data[4000];
    struct kp_srp_params params = {{n, 1024}, SPAN("\x13"), {n, KP_SALT_MAX}, {n, 1024}};
    struct kp_srp_params got;
    struct kp_span a;
    struct kp_builder b;
    struct kp_reader r;

    (void)state;
    memset(n, 0xEE, sizeof(n));
    for (int size = 0; size < 2; size++) {
        kp_builder_init(&b, data, sizeof(data));
        kp_server_key_exchange_build(&b, &params);
        kp_reader_init(&r, data, b.len);
        assert_int_equal(kp_server_key_exchange_parse(&r, &got), 0);
        assert_span(got.n, params.n);
        assert_span(got.g, params.g);
        assert_span(got.salt, params.salt);
        assert_span(got.b, params.b);
        refuse_others(data, b.len, parse_params, SIZE_MAX);
        kp_builder_init(&b, data, sizeof(data));
        kp_client_key_exchange_build(&b, params.b);
        kp_reader_init(&r, data, b.len);
        assert_int_equal(kp_client_key_exchange_parse(&r, &a), 0);
        assert_span(a, params.b);
        refuse_others(data, b.len, parse_a, SIZE_MAX);
        params.n.len = params.salt.len = params.b.len = 1;
    }
}

/* ---- The end ------------------------------------------------------------------------------- */

static int parse_finished(struct kp_reader *r)
{
    const uint8_t *data;
    return kp_finished_parse(r, &data);
}

static int parse_ticket(struct kp_reader *r)
{
    struct kp_new_ticket ticket;
    return kp_new_ticket_parse(r, &ticket);
}

static void test_end(void **state)
{
    const struct kp_new_ticket ticket = {86400, SPAN("the ticket")};
    struct kp_new_ticket got;
    const uint8_t *data;
    uint8_t bytes[64];
    struct kp_builder b;
    struct kp_reader r;

    (void)state;
    kp_reader_init(&r, (const uint8_t *)RANDOM, KP_VERIFY_LEN);
    assert_int_equal(kp_finished_parse(&r, &data), 0);
    assert_ptr_equal(data, RANDOM);
    refuse_others((const uint8_t *)RANDOM, KP_VERIFY_LEN, parse_finished, SIZE_MAX);

    kp_builder_init(&b, bytes, sizeof(bytes));
    kp_new_ticket_build(&b, &ticket);
    kp_reader_init(&r, bytes, b.len);
    assert_int_equal(kp_new_ticket_parse(&r, &got), 0);
    assert_int_equal(got.lifetime, 86400);
    assert_span(got.ticket, ticket.ticket);
    refuse_others(bytes, b.len, parse_ticket, SIZE_MAX);
    refuse_others((const uint8_t *)"", 0, kp_empty_parse, SIZE_MAX);
}

/* Noise: no parser may run off, whatever it makes of it. */
static void test_noise(void **state)
{
    static parse_fn *const parsers[] = {parse_client, parse_server,   parse_params,
                                        parse_a,      parse_finished, parse_ticket};
    struct seeded s;

    (void)state;
    seeded_start(&s, 9);
    for (unsigned i = 0; i < 60000; i++) {
        size_t len = seeded_below(&s, 120);
        uint8_t *data = malloc(len + (len == 0));
        struct kp_reader r;
        assert_non_null(data);
        seeded_random(&s, data, len);
        /* Small lengths make sense more often. */
        for (size_t at = 0; i % 2 == 0 && at < len; at += 1 + seeded_below(&s, 3))
            data[at] = (uint8_t)seeded_below(&s, 8);
        kp_reader_init(&r, data, len);
        int err = parsers[i % COUNT(parsers)](&r);
        assert_true(err <= 0);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_hello), cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_server_hello), cmocka_unit_test(test_server_alpn),
        cmocka_unit_test(test_lists),        cmocka_unit_test(test_suites),
        cmocka_unit_test(test_exchange),     cmocka_unit_test(test_end),
        cmocka_unit_test(test_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
