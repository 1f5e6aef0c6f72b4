/*
 * Proves, for TLS 1.3's messages and the extensions of its ClientHello: every one that is cut or
 * has a byte behind it is refused; lists keep to their lengths, their order and their counts.  The
 * hellos as a whole are in test_hellos13.c.
 */
#include "cm.h"

#include "message/message13.h"
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

typedef int parse_fn(struct kp_span body);

/* Cut at each length and one byte longer, in memory of just that size. */
static void refuse_others(struct kp_span body, parse_fn *parse)
{
    for (size_t n = 0; n <= body.len + 1; n++) {
        uint8_t *copy = calloc(1, n + (n == 0));
        assert_non_null(copy);
        memcpy(copy, body.data, n < body.len ? n : body.len);
        int err = parse((struct kp_span){copy, n});
        if (err != (n == body.len ? 0 : KP_E_DECODE))
            fail_msg("%zu of %zu bytes: %d", n, body.len, err);
        free(copy);
    }
}

/* ---- pake ---------------------------------------------------------------------------------- */

static int parse_pake(struct kp_span body)
{
    struct kp_pake_offer offer;
    return kp_pake_offer_parse(body, &offer);
}

static void test_pake(void **state)
{
    struct kp_pake_offer offer;
    const struct kp_span one = SPAN("\x00\x05"
                                    "alice\x00\x02id\x00\x07\x7D\x96\x00\x03xyz");

    (void)state;
    assert_int_equal(kp_pake_offer_parse(one, &offer), 0);
    assert_span(offer.client_identity, SPAN("alice"));
    assert_span(offer.server_identity, SPAN("id"));
    assert_span(offer.share, SPAN("xyz"));
    assert_false(offer.unordered);
    refuse_others(one, parse_pake);
    refuse_others(SPAN("\0\0\0\0\0\0"), parse_pake);
    refuse_others(SPAN("\0\0\0\0\0\x08\0\1\0\0\0\2\0\0"), parse_pake);
}

static void test_pake_shares(void **state)
{
    static const struct {
        const char *name;
        struct kp_span body;
        bool there;
        bool unordered;
    } cases[] = {
        {"none", SPAN("\0\0\0\0\0\0"), false, false},
        {"ours empty", SPAN("\0\0\0\0\0\4\x7D\x96\0\0"), true, false},
        {"others", SPAN("\0\0\0\0\0\x0C\0\1\0\0\x7D\x95\0\0\x7D\x97\0\0"), false, false},
        {"ours between", SPAN("\0\0\0\0\0\x0C\0\0\0\0\x7D\x96\0\0\xFF\xFF\0\0"), true, false},
        {"falling", SPAN("\0\0\0\0\0\x08\x7D\x97\0\0\x7D\x96\0\0"), true, true},
        {"ours twice", SPAN("\0\0\0\0\0\x08\x7D\x96\0\0\x7D\x96\0\0"), true, true},
        {"0 twice", SPAN("\0\0\0\0\0\x08\0\0\0\0\0\0\0\0"), false, true},
        {"falls at last", SPAN("\0\0\0\0\0\x0C\0\1\0\0\x7D\x96\0\0\0\2\0\0"), true, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct kp_pake_offer offer;
        if (kp_pake_offer_parse(cases[i].body, &offer) != 0 ||
            (offer.share.data != NULL) != cases[i].there || offer.unordered != cases[i].unordered)
            fail_msg("%s", cases[i].name);
    }
}

/* ---- supported_groups and key_share --------------------------------------------------------- */

static int parse_groups(struct kp_span body)
{
    struct kp_span list;
    return kp_groups_parse(body, &list);
}

static int check_shares(struct kp_span body)
{
    return kp_key_shares_check(body, SPAN("\0\x17\0\x1D\x11\xEC"));
}

static void test_groups(void **state)
{
    struct kp_span list;

    (void)state;
    assert_int_equal(kp_groups_parse(SPAN("\0\4\0\x1D\0\x17"), &list), 0);
    assert_span(list, SPAN("\0\x1D\0\x17"));
    refuse_others(SPAN("\0\4\0\x1D\0\x17"), parse_groups);
    assert_int_equal(parse_groups(SPAN("\0\0")), KP_E_DECODE);
    assert_int_equal(parse_groups(SPAN("\0\3\0\x1D\0")), KP_E_DECODE);
}

static void test_key_shares(void **state)
{
    const struct kp_span two = SPAN("\0\x0C\0\x1D\0\2ab\0\x17\0\2cd");

    (void)state;
    refuse_others(two, check_shares);
    refuse_others(SPAN("\0\0"), check_shares);
    assert_span(kp_key_share_find(two, 0x001D), SPAN("ab"));
    assert_span(kp_key_share_find(two, 0x0017), SPAN("cd"));
    assert_null(kp_key_share_find(two, 0x11EC).data);
    assert_null(kp_key_share_find(SPAN("\0\0"), 0x001D).data);
    /* The same group twice, next to each other or not; one that is not in the list; none of it. */
    assert_int_equal(check_shares(SPAN("\0\x0A\0\x1D\0\1a\0\x1D\0\1a")), KP_E_ILLEGAL);
    assert_int_equal(check_shares(SPAN("\0\x0F\0\x1D\0\1a\0\x17\0\1a\0\x1D\0\1b")), KP_E_ILLEGAL);
    assert_int_equal(check_shares(SPAN("\0\5\0\x18\0\1a")), KP_E_ILLEGAL);
    assert_int_equal(check_shares(SPAN("\0\4\0\x1D\0\0")), KP_E_DECODE);
    assert_int_equal(check_shares(SPAN("\0\3\0\x1D\0")), KP_E_DECODE);
}

/* Honest clients have a handful. */
static void test_many_shares(void **state)
{
    (void)state;
    for (unsigned count = 30; count < 36; count++) {
        uint8_t groups[100];
        uint8_t body[300] = {0, (uint8_t)(5 * count)};
        for (unsigned i = 0; i < count; i++) {
            groups[2 * i] = 0x22;
            groups[2 * i + 1] = (uint8_t)i;
            memcpy(body + 2 + 5 * i, "\x22\0\0\1x", 5);
            body[2 + 5 * i + 1] = (uint8_t)i;
        }
        int err = kp_key_shares_check((struct kp_span){body, 2 + 5 * count},
                                      (struct kp_span){groups, 2 * count});
        assert_int_equal(err, count <= 32 ? 0 : KP_E_ILLEGAL);
    }
}

/* ---- Tickets that are offered -----------------------------------------------------------------
 */

static int parse_psks(struct kp_span body)
{
    struct kp_psk_list list;
    return kp_psk_list_parse(body, &list);
}

#define ID(letter) "\0\1" letter "\0\0\0\5"
#define MAC(letter) "\x20" letter "123456789abcdefghijklmnopqrstuv"

static void test_psk_list(void **state)
{
    const struct kp_span two = SPAN("\0\x0E" ID("x") ID("y") "\0\x42" MAC("0") MAC("1"));
    struct kp_psk_list list;
    struct kp_span identity;
    struct kp_span binder;

    (void)state;
    assert_int_equal(kp_psk_list_parse(two, &list), 0);
    assert_int_equal(list.binders_len, 2 + 2 * 33);
    assert_true(kp_psk_list_next(&list, &identity, &binder));
    assert_span(identity, SPAN("x"));
    assert_int_equal(binder.len, 32);
    assert_int_equal(binder.data[0], '0');
    assert_true(kp_psk_list_next(&list, &identity, &binder));
    assert_span(identity, SPAN("y"));
    assert_int_equal(binder.data[0], '1');
    assert_false(kp_psk_list_next(&list, &identity, &binder));
    refuse_others(two, parse_psks);
    refuse_others(SPAN("\0\7" ID("x") "\0\x21" MAC("0")), parse_psks);
    assert_int_equal(KP_PSK_BINDERS_LEN(32), 2 + 33);
}

static void test_psk_counts(void **state)
{
    (void)state;
    assert_int_equal(parse_psks(SPAN("\0\x0E" ID("x") ID("y") "\0\x21" MAC("0"))), KP_E_ILLEGAL);
    assert_int_equal(parse_psks(SPAN("\0\7" ID("x") "\0\x42" MAC("0") MAC("1"))), KP_E_ILLEGAL);
    assert_int_equal(parse_psks(SPAN("\0\0\0\x21" MAC("0"))), KP_E_DECODE);
    assert_int_equal(parse_psks(SPAN("\0\7" ID("x") "\0\0")), KP_E_DECODE);
    /* A binder shorter than any hash, an identity of no bytes: RFC 8446 4.2.11. */
    assert_int_equal(parse_psks(SPAN("\0\7" ID("x") "\0\x20\x1F"
                                                    "123456789abcdefghijklmnopqrstuv")),
                     KP_E_DECODE);
    assert_int_equal(parse_psks(SPAN("\0\x0D\0\0\0\0\0\5" ID("x") "\0\x42" MAC("0") MAC("1"))),
                     KP_E_DECODE);
    /* Behind an identity that is cut no more is looked for. */
    assert_int_equal(parse_psks(SPAN("\0\x0C" ID("x") "\0\1y\0\0\0\x42" MAC("0") MAC("1"))),
                     KP_E_DECODE);
}

static int parse_modes(struct kp_span body)
{
    bool dhe;
    return kp_psk_modes_parse(body, &dhe);
}

static int parse_cookie(struct kp_span body)
{
    struct kp_span cookie;
    return kp_cookie_parse(body, &cookie);
}

static void test_modes_and_cookie(void **state)
{
    struct kp_span cookie;
    bool dhe;

    (void)state;
    assert_int_equal(kp_psk_modes_parse(SPAN("\2\0\1"), &dhe), 0);
    assert_true(dhe);
    assert_int_equal(kp_psk_modes_parse(SPAN("\1\0"), &dhe), 0);
    assert_false(dhe);
    refuse_others(SPAN("\2\0\1"), parse_modes);
    assert_int_equal(parse_modes(SPAN("\0")), KP_E_DECODE);
    assert_int_equal(kp_cookie_parse(SPAN("\0\3abc"), &cookie), 0);
    assert_span(cookie, SPAN("abc"));
    refuse_others(SPAN("\0\3abc"), parse_cookie);
    assert_int_equal(parse_cookie(SPAN("\0\0")), KP_E_DECODE);
}

/* ---- Messages ------------------------------------------------------------------------------ */

static int parse_ticket(struct kp_span body)
{
    struct kp_new_ticket13 ticket;
    struct kp_reader r;

    kp_reader_init(&r, body.data, body.len);
    return kp_new_ticket13_parse(&r, &ticket);
}

static void test_new_ticket(void **state)
{
    (void)state;
    for (size_t nonce = 0; nonce <= 255; nonce += 51) {
        static uint8_t bytes[300];
        struct kp_new_ticket13 ticket = {
            86400, 0xA1B2C3D4, {bytes, nonce}, {(const uint8_t *)"the ticket", 10}};
        struct kp_new_ticket13 got;
        uint8_t body[600];
        struct kp_builder b;
        struct kp_reader r;
        memset(bytes, 'n', sizeof(bytes));
        kp_builder_init(&b, body, sizeof(body));
        kp_new_ticket13_build(&b, &ticket);
        kp_reader_init(&r, body, b.len);
        assert_int_equal(kp_new_ticket13_parse(&r, &got), 0);
        assert_int_equal(got.lifetime, ticket.lifetime);
        assert_int_equal(got.age_add, ticket.age_add);
        assert_span(got.nonce, ticket.nonce);
        assert_span(got.ticket, ticket.ticket);
        refuse_others((struct kp_span){body, b.len}, parse_ticket);
    }
    refuse_others(SPAN("\0\0\0\1\0\0\0\0\0\0\1x\0\x08\0\x2A\0\4abcd"), parse_ticket);
    assert_int_equal(parse_ticket(SPAN("\0\0\0\1\0\0\0\0\0\0\1x\0\x08\0\x2A\0\4abcde")),
                     KP_E_DECODE);
    assert_int_equal(parse_ticket(SPAN("\0\0\0\1\0\0\0\0\0\0\0\0\0")), KP_E_DECODE);
}

static int parse_update(struct kp_span body)
{
    struct kp_reader r;
    bool asked;

    kp_reader_init(&r, body.data, body.len);
    return kp_key_update_parse(&r, &asked);
}

static int parse_finished48(struct kp_span body)
{
    const uint8_t *data;
    struct kp_reader r;

    kp_reader_init(&r, body.data, body.len);
    return kp_finished13_parse(&r, 48, &data);
}

static void test_update_and_finished(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        const uint8_t byte = (uint8_t)value;
        struct kp_reader r;
        bool asked;
        kp_reader_init(&r, &byte, 1);
        assert_int_equal(kp_key_update_parse(&r, &asked), value < 2 ? 0 : KP_E_ILLEGAL);
        assert_int_equal(asked, value == 1);
    }
    refuse_others(SPAN("\1"), parse_update);
    refuse_others(SPAN(RANDOM "0123456789abcdef"), parse_finished48);
}

/* Noise: no parser may run off, whatever it makes of it. */
static void test_noise(void **state)
{
    static parse_fn *const parsers[] = {parse_pake,   parse_groups, check_shares, parse_psks,
                                        parse_cookie, parse_modes,  parse_ticket, parse_update};
    struct seeded s;

    (void)state;
    seeded_start(&s, 13);
    for (unsigned i = 0; i < 80000; i++) {
        size_t len = seeded_below(&s, 100);
        uint8_t *data = malloc(len + (len == 0));
        assert_non_null(data);
        seeded_random(&s, data, len);
        for (size_t at = 0; i % 2 == 0 && at < len; at += 1 + seeded_below(&s, 3))
            data[at] = (uint8_t)seeded_below(&s, 8);
        assert_true(parsers[i % COUNT(parsers)]((struct kp_span){data, len}) <= 0);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pake),        cmocka_unit_test(test_pake_shares),
        cmocka_unit_test(test_groups),      cmocka_unit_test(test_key_shares),
        cmocka_unit_test(test_many_shares), cmocka_unit_test(test_psk_list),
        cmocka_unit_test(test_psk_counts),  cmocka_unit_test(test_modes_and_cookie),
        cmocka_unit_test(test_new_ticket),  cmocka_unit_test(test_update_and_finished),
        cmocka_unit_test(test_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
