/*
 * Proves: a client takes nothing from a hostile server that it didn't offer, no weak or unknown
 * group, no share out of 1..N-1; and a server takes no such share from a client.  Each refusal with
 * its error and alert.
 */
#include "cm.h"

#include "harness.h"

#include <openssl/bn.h>
#include <stdio.h>
#include <string.h>

static struct world w;

static int open_world(void **state)
{
    (void)state;
    world_open(&w, 2048, NULL, NULL);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

/* ---- Editing one message
 * --------------------------------------------------------------------------- */

typedef void body_fn(const uint8_t *body, size_t len, struct kp_builder *b);

struct body_case {
    const char *name;
    body_fn *change;
    int error; /* of who gets it */
    int alert;
};

struct body_edit {
    uint8_t message;
    body_fn *change;
};

static void edit_body(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                      struct bytes *out)
{
    static uint8_t changed[KP_RECORD_MAX];
    const struct body_edit *e = p->edit_arg;
    struct kp_builder b;

    if (p->sealed[from] || record[0] != KP_HANDSHAKE || record[KP_HEADER_LEN] != e->message) {
        bytes_add(out, record, len);
        return;
    }
    kp_builder_init(&b, changed, sizeof(changed));
    e->change(record + KP_HEADER_LEN + 4, len - KP_HEADER_LEN - 4, &b);
    must(!b.failed);
    bytes_message(out, e->message, changed, b.len);
}

static void run_bodies(const struct body_case *cases, size_t count, uint8_t message,
                       enum kp_role victim, const struct kp_session *session)
{
    for (size_t i = 0; i < count; i++) {
        struct body_edit e = {message, cases[i].change};
        struct pair p;
        pair_open(&p, &w, START, 21);
        p.edit = edit_body;
        p.edit_arg = &e;
        pair_connect(&p, w.login, session, NULL);
        pair_run(&p);
        if (pair_error(&p, victim) != cases[i].error)
            fail_msg("%s: error %d: %s", cases[i].name, pair_error(&p, victim),
                     kp_error_text(pair_error(&p, victim)));
        if (kp_conn_sent_alert(p.conn[victim]) != cases[i].alert)
            fail_msg("%s: alert %d", cases[i].name, kp_conn_sent_alert(p.conn[victim]));
        assert_false(pair_proved(&p, KP_CLIENT));
        assert_false(pair_proved(&p, KP_SERVER));
        pair_close(&p);
    }
}

/* ---- ServerHello
 * ------------------------------------------------------------------------------------- */

static struct kp_server_hello read_hello(const uint8_t *body, size_t len)
{
    struct kp_server_hello hello;
    struct kp_reader r;

    kp_reader_init(&r, body, len);
    must(kp_server_hello_parse(&r, &hello) == 0);
    return hello;
}

#define HELLO_CHANGE(name, statement)                                                              \
    static void name(const uint8_t *body, size_t len, struct kp_builder *b)                        \
    {                                                                                              \
        struct kp_server_hello hello = read_hello(body, len);                                      \
        statement;                                                                                 \
        kp_server_hello_build(b, &hello);                                                          \
    }

HELLO_CHANGE(hello_version_11, hello.version = 0x0302)
HELLO_CHANGE(hello_version_13, hello.version = 0x0304)
HELLO_CHANGE(hello_suite_other, hello.suite = 0xC02F)
HELLO_CHANGE(hello_suite_rsa, hello.suite = 0xC021)
HELLO_CHANGE(hello_suite_13, hello.suite = 0x1301)
HELLO_CHANGE(hello_suite_scsv, hello.suite = 0x00FF)
HELLO_CHANGE(hello_deflate, hello.compression = 1)
HELLO_CHANGE(hello_no_etm, hello.ext.present &= ~(uint32_t)KP_EXT_ETM)
HELLO_CHANGE(hello_no_ems, hello.ext.present &= ~(uint32_t)KP_EXT_EMS)
HELLO_CHANGE(hello_no_renegotiation, hello.ext.present &= ~(uint32_t)KP_EXT_RENEGOTIATION)
HELLO_CHANGE(hello_alpn, (hello.ext.present |= KP_EXT_ALPN,
                          hello.ext.alpn = (struct kp_span){(const uint8_t *)"h2", 2}))
HELLO_CHANGE(hello_server_name, hello.ext.present |= KP_EXT_SERVER_NAME)
HELLO_CHANGE(hello_limit_63,
             (hello.ext.present |= KP_EXT_RECORD_SIZE_LIMIT, hello.ext.record_size_limit = 63))

static void raw_with(const uint8_t *body, size_t len, struct kp_builder *b, const void *extension,
                     size_t extension_len)
{
    struct kp_server_hello hello = read_hello(body, len);

    kp_server_hello_build(b, &hello);
    size_t at = 2 + KP_RANDOM_LEN + 1 + hello.session_id.len + 2 + 1;
    size_t block = b->len - at - 2 + extension_len;
    b->data[at] = (uint8_t)(block >> 8);
    b->data[at + 1] = (uint8_t)block;
    kp_put_bytes(b, extension, extension_len);
}

#define RAW_CHANGE(name, extension)                                                                \
    static void name(const uint8_t *body, size_t len, struct kp_builder *b)                        \
    {                                                                                              \
        raw_with(body, len, b, extension, sizeof(extension) - 1);                                  \
    }

RAW_CHANGE(hello_unknown, "\x12\x34\x00\x00")
RAW_CHANGE(hello_srp, "\x00\x0C\x00\x06\x05"
                      "alice")
RAW_CHANGE(hello_versions, "\x00\x2B\x00\x02\x03\x04")
RAW_CHANGE(hello_etm_twice, "\x00\x16\x00\x00")
RAW_CHANGE(hello_cut_extension, "\x00\x17\x00")

static void hello_reneg_data(const uint8_t *body, size_t len, struct kp_builder *b)
{
    struct kp_server_hello hello = read_hello(body, len);

    hello.ext.present &= ~(uint32_t)KP_EXT_RENEGOTIATION;
    kp_server_hello_build(b, &hello);
    size_t at = 2 + KP_RANDOM_LEN + 1 + hello.session_id.len + 2 + 1;
    b->data[at + 1] = (uint8_t)(b->data[at + 1] + 6);
    kp_put_bytes(b, "\xFF\x01\x00\x02\x01x", 6);
}

static void body_trailing(const uint8_t *body, size_t len, struct kp_builder *b)
{
    kp_put_bytes(b, body, len);
    kp_put_u8(b, 0);
}

static void body_cut(const uint8_t *body, size_t len, struct kp_builder *b)
{
    kp_put_bytes(b, body, len - 1);
}

static void body_none(const uint8_t *body, size_t len, struct kp_builder *b)
{
    (void)body;
    (void)len;
    (void)b;
}

static const struct body_case hellos[] = {
    {"version 1.1", hello_version_11, KP_E_VERSION, 70},
    {"version 1.3", hello_version_13, KP_E_VERSION, 70},
    {"a certificate suite", hello_suite_other, KP_E_SUITE, 47},
    {"SRP with RSA", hello_suite_rsa, KP_E_SUITE, 47},
    {"a suite of 1.3", hello_suite_13, KP_E_SUITE, 47},
    {"the SCSV", hello_suite_scsv, KP_E_SUITE, 47},
    {"compression", hello_deflate, KP_E_COMPRESSION, 47},
    {"no encrypt-then-MAC", hello_no_etm, KP_E_NO_ETM, 40},
    {"no extended master secret", hello_no_ems, KP_E_NO_EMS, 40},
    {"no renegotiation_info", hello_no_renegotiation, KP_E_RENEGOTIATION, 40},
    {"renegotiation_info not empty", hello_reneg_data, KP_E_RENEGOTIATION, 40},
    {"ALPN not offered", hello_alpn, KP_E_EXTENSION, 110},
    {"server_name not offered", hello_server_name, KP_E_EXTENSION, 110},
    {"record_size_limit of 63", hello_limit_63, KP_E_ILLEGAL, 47},
    {"an unknown extension", hello_unknown, KP_E_EXTENSION, 110},
    {"srp", hello_srp, KP_E_EXTENSION, 110},
    {"supported_versions", hello_versions, KP_E_EXTENSION, 110},
    {"an extension twice", hello_etm_twice, KP_E_DECODE, 50},
    {"an extension cut", hello_cut_extension, KP_E_DECODE, 50},
    {"a byte behind", body_trailing, KP_E_DECODE, 50},
    {"cut", body_cut, KP_E_DECODE, 50},
    {"empty", body_none, KP_E_DECODE, 50},
};

static void test_server_hello(void **state)
{
    (void)state;
    run_bodies(hellos, COUNT(hellos), KP_SERVER_HELLO, KP_CLIENT, NULL);
}

/* ---- ServerKeyExchange
 * -------------------------------------------------------------------------------- */

static struct kp_srp_params read_params(const uint8_t *body, size_t len)
{
    struct kp_srp_params params;
    struct kp_reader r;

    kp_reader_init(&r, body, len);
    must(kp_server_key_exchange_parse(&r, &params) == 0);
    return params;
}

#define SPAN(bytes) ((struct kp_span){(const uint8_t *)(bytes), sizeof(bytes) - 1})

/* Room for a number that a change makes. */
static uint8_t number[2 * KP_SRP_MAX_LEN];

#define PARAMS_CHANGE(name, statement)                                                             \
    static void name(const uint8_t *body, size_t len, struct kp_builder *b)                        \
    {                                                                                              \
        struct kp_srp_params params = read_params(body, len);                                      \
        statement;                                                                                 \
        kp_server_key_exchange_build(b, &params);                                                  \
    }

/* N + add, with front zeros before it. */
static struct kp_span shifted(struct kp_span n, unsigned add, size_t front)
{
    memset(number, 0, front);
    memcpy(number + front, n.data, n.len);
    for (size_t i = front + n.len; add > 0 && i-- > 0; add >>= 8) {
        add += number[i];
        number[i] = (uint8_t)add;
    }
    return (struct kp_span){number, front + n.len};
}

static struct kp_span doubled(struct kp_span n)
{
    unsigned carry = 0;

    for (size_t i = n.len; i-- > 0;) {
        carry += 2u * n.data[i];
        number[i + 1] = (uint8_t)carry;
        carry >>= 8;
    }
    number[0] = (uint8_t)carry;
    return (struct kp_span){number, n.len + 1};
}

/* RFC 5054's 1024-bit group: below what is taken. */
static struct kp_span n1024(void)
{
    BIGNUM *n = NULL;

    must(BN_hex2bn(&n,
                   "EEAF0AB9ADB38DD69C33F80AFA8FC5E86072618775FF3C0B9EA2314C9C256576D674DF7496EA"
                   "81D3383B4813D692C6E0E0D5D8E250B98BE48E495C1D6089DAD15DC7D7B46154D6B6CE8EF4AD"
                   "69B15D4982559B297BCF1885C529F566660E57EC68EDBC3C05726CC02FD4CBF4976EAA9AFD51"
                   "38FE8376435B9FC61D2FC0EB06E3") == 256);
    must(BN_bn2binpad(n, number, 128) == 128);
    BN_free(n);
    return (struct kp_span){number, 128};
}

PARAMS_CHANGE(group_1024, params.n = n1024())
PARAMS_CHANGE(group_other_n, params.n = shifted(params.n, 2, 0))
PARAMS_CHANGE(group_padded_n, params.n = shifted(params.n, 0, 1))
PARAMS_CHANGE(group_short_n, params.n.len--)
PARAMS_CHANGE(group_n_one, params.n = SPAN("\x01"))
PARAMS_CHANGE(group_g_five, params.g = SPAN("\x05"))
PARAMS_CHANGE(group_g_one, params.g = SPAN("\x01"))
PARAMS_CHANGE(group_g_padded, params.g = SPAN("\x00\x02"))
PARAMS_CHANGE(group_g_long, params.g = SPAN("\x02\x02"))
PARAMS_CHANGE(share_zero, params.b = SPAN("\x00"))
PARAMS_CHANGE(share_zeros, (memset(number, 0, 256), params.b = (struct kp_span){number, 256}))
PARAMS_CHANGE(share_n, params.b = params.n)
PARAMS_CHANGE(share_n_plus, params.b = shifted(params.n, 1, 0))
PARAMS_CHANGE(share_2n, params.b = doubled(params.n))
PARAMS_CHANGE(share_n_padded, params.b = shifted(params.n, 0, 3))
PARAMS_CHANGE(share_empty, params.b.len = 0)
PARAMS_CHANGE(salt_empty, params.salt.len = 0)
PARAMS_CHANGE(n_empty, params.n.len = 0)
PARAMS_CHANGE(g_empty, params.g.len = 0)

static const struct body_case params_cases[] = {
    {"1024 bits", group_1024, KP_E_GROUP, 71},
    {"N + 2: composite", group_other_n, KP_E_GROUP, 71},
    {"N with a zero in front", group_padded_n, KP_E_GROUP, 71},
    {"N shorter", group_short_n, KP_E_GROUP, 71},
    {"N = 1", group_n_one, KP_E_GROUP, 71},
    {"g = 5", group_g_five, KP_E_GROUP, 71},
    {"g = 1", group_g_one, KP_E_GROUP, 71},
    {"g with a zero in front", group_g_padded, KP_E_GROUP, 71},
    {"g = 0x0202", group_g_long, KP_E_GROUP, 71},
    {"B = 0", share_zero, KP_E_SHARE, 47},
    {"B = 0 in full length", share_zeros, KP_E_SHARE, 47},
    {"B = N", share_n, KP_E_SHARE, 47},
    {"B = N + 1", share_n_plus, KP_E_SHARE, 47},
    {"B = 2 N", share_2n, KP_E_SHARE, 47},
    {"B = N with zeros in front", share_n_padded, KP_E_SHARE, 47},
    {"B empty", share_empty, KP_E_DECODE, 50},
    {"salt empty", salt_empty, KP_E_DECODE, 50},
    {"N empty", n_empty, KP_E_DECODE, 50},
    {"g empty", g_empty, KP_E_DECODE, 50},
    {"a byte behind", body_trailing, KP_E_DECODE, 50},
    {"cut", body_cut, KP_E_DECODE, 50},
    {"empty", body_none, KP_E_DECODE, 50},
};

static void test_server_key_exchange(void **state)
{
    (void)state;
    run_bodies(params_cases, COUNT(params_cases), KP_SERVER_KEY_EXCHANGE, KP_CLIENT, NULL);
}

/* ---- ClientKeyExchange
 * --------------------------------------------------------------------------------- */

static struct kp_span own_n(void)
{
    const struct kp_srp_group_id *id = kp_srp_group_by_bits(2048);

    return (struct kp_span){id->n, 256};
}

#define A_CHANGE(name, span)                                                                       \
    static void name(const uint8_t *body, size_t len, struct kp_builder *b)                        \
    {                                                                                              \
        (void)body;                                                                                \
        (void)len;                                                                                 \
        kp_client_key_exchange_build(b, span);                                                     \
    }

A_CHANGE(a_zero, SPAN("\x00"))
A_CHANGE(a_n, own_n())
A_CHANGE(a_n_plus, shifted(own_n(), 1, 0))
A_CHANGE(a_2n, doubled(own_n()))
A_CHANGE(a_n_padded, shifted(own_n(), 0, 1))
A_CHANGE(a_empty, SPAN(""))

static const struct body_case a_cases[] = {
    {"A = 0", a_zero, KP_E_SHARE, 47},
    {"A = N", a_n, KP_E_SHARE, 47},
    {"A = N + 1", a_n_plus, KP_E_SHARE, 47},
    {"A = 2 N", a_2n, KP_E_SHARE, 47},
    {"A = N with a zero in front", a_n_padded, KP_E_SHARE, 47},
    {"A empty", a_empty, KP_E_DECODE, 50},
    {"a byte behind", body_trailing, KP_E_DECODE, 50},
    {"cut", body_cut, KP_E_DECODE, 50},
    {"empty", body_none, KP_E_DECODE, 50},
};

static void test_client_key_exchange(void **state)
{
    (void)state;
    run_bodies(a_cases, COUNT(a_cases), KP_CLIENT_KEY_EXCHANGE, KP_SERVER, NULL);
}

/* A = 1 and A = N - 1 are in range: S is 1 or a known sign times v's power, so they must not help
 * anyone who lacks the password.  The other side's proof fails as for any wrong password. */
A_CHANGE(a_one, SPAN("\x01"))
A_CHANGE(a_n_minus, (shifted(own_n(), 0, 0), number[255] ^= 1, (struct kp_span){number, 256}))
static const struct body_case a_no_help[] = {
    {"A = 1", a_one, KP_E_PROOF, 20},
    {"A = N - 1", a_n_minus, KP_E_PROOF, 20},
};

static void test_small_share(void **state)
{
    (void)state;
    run_bodies(a_no_help, COUNT(a_no_help), KP_CLIENT_KEY_EXCHANGE, KP_SERVER, NULL);
}

/* ---- NewSessionTicket
 * ---------------------------------------------------------------------------------- */

static const struct body_case ticket_cases[] = {
    {"a byte behind", body_trailing, KP_E_DECODE, 50},
    {"cut", body_cut, KP_E_DECODE, 50},
    {"empty", body_none, KP_E_DECODE, 50},
};

static void test_new_session_ticket(void **state)
{
    struct pair p;

    (void)state;
    for (size_t i = 0; i < COUNT(ticket_cases); i++) {
        struct body_edit e = {KP_NEW_SESSION_TICKET, ticket_cases[i].change};
        pair_open(&p, &w, START, 22);
        p.edit = edit_body;
        p.edit_arg = &e;
        pair_connect(&p, w.login, NULL, NULL);
        pair_run(&p);
        assert_int_equal(pair_error(&p, KP_CLIENT), ticket_cases[i].error);
        assert_int_equal(kp_conn_sent_alert(p.conn[KP_CLIENT]), ticket_cases[i].alert);
        assert_false(pair_proved(&p, KP_CLIENT));
        assert_null(kp_conn_session(p.conn[KP_CLIENT]));
        pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_hello),        cmocka_unit_test(test_server_key_exchange),
        cmocka_unit_test(test_client_key_exchange), cmocka_unit_test(test_small_share),
        cmocka_unit_test(test_new_session_ticket),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
