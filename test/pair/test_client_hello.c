/*
 * Proves: what a server takes of a ClientHello and what it refuses, each refusal with the error and
 * the alert that the RFCs name, on both sides.  The client is honest in everything else: its
 * transcript has the changed hello.
 */
#include "cm.h"

#include "harness.h"

#include <stdio.h>
#include <string.h>

static struct world w;

static int open_world(void **state)
{
    static const struct kp_settings tls12 = {.versions = KP_USE_TLS12};

    (void)state;
    world_open(&w, 2048, NULL, &tls12);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

/* ---- One change of a ClientHello, and what comes of it ------------------------------------------
 */

enum change_kind {
    ASIS,
    WITHOUT,     /* extension `value` taken away */
    WITH,        /* extension `value` with data, behind the others */
    INSTEAD,     /* extension `value` with data, in place of ours */
    SUITES,      /* data */
    VERSION,     /* value */
    COMPRESSION, /* data: the methods */
    SESSION_ID,  /* value bytes of it */
    NO_BLOCK,    /* ends behind the compression methods */
    TRAILING,    /* a byte behind it all */
};

struct change {
    enum change_kind kind;
    uint16_t value;
    const void *data;
    size_t len;
};

#define DATA(bytes) (bytes), sizeof(bytes) - 1
#define NONE                                                                                       \
    {                                                                                              \
        ASIS, 0, NULL, 0                                                                           \
    }

static void rebuild(struct pair *p, const struct change *c)
{
    struct kp_client_hello hello;
    struct bytes whole = {0};
    const uint8_t *body;
    uint8_t id[256] = {0};
    size_t len;

    pair_hello(p, &hello, &body, &len);
    size_t behind_id = 2 + KP_RANDOM_LEN + 1 + hello.session_id.len;
    size_t behind_suites = (size_t)(hello.suites.data - body) + hello.suites.len;
    uint8_t count = (uint8_t)c->len;
    const uint8_t version[2] = {(uint8_t)(c->value >> 8), (uint8_t)c->value};
    uint8_t id_len = (uint8_t)c->value;
    bytes_add(&whole, c->kind == VERSION ? version : body, 2);
    bytes_add(&whole, body + 2, KP_RANDOM_LEN);
    if (c->kind == SESSION_ID) {
        bytes_add(&whole, &id_len, 1);
        bytes_add(&whole, id, id_len);
    } else {
        bytes_add(&whole, body + 2 + KP_RANDOM_LEN, 1 + hello.session_id.len);
    }
    bytes_add(&whole, body + behind_id, behind_suites - behind_id);
    bytes_add(&whole, c->kind == COMPRESSION ? &count : body + behind_suites, 1);
    bytes_add(&whole, c->kind == COMPRESSION ? c->data : body + behind_suites + 1,
              c->kind == COMPRESSION ? c->len : 1);
    if (c->kind != NO_BLOCK)
        bytes_add(&whole, body + behind_suites + 2, len - behind_suites - 2);
    if (c->kind == TRAILING)
        bytes_add(&whole, "", 1);
    pair_set_hello(p, whole.data, whole.len);
    bytes_free(&whole);
}

static void apply(struct pair *p, const struct change *c)
{
    switch (c->kind) {
    case ASIS:
        return;
    case WITHOUT:
        pair_hello_without(p, c->value);
        return;
    case INSTEAD:
        pair_hello_without(p, c->value);
        pair_hello_with(p, c->value, c->data, c->len);
        return;
    case WITH:
        pair_hello_with(p, c->value, c->data, c->len);
        return;
    case SUITES:
        pair_hello_suites(p, c->data, c->len);
        return;
    default:
        rebuild(p, c);
    }
}

struct hello_case {
    const char *name;
    struct change change[3];
    int error; /* the server's; 0: both are proved */
    int alert;
    int client_error;
};

static void run_case(const struct hello_case *c)
{
    struct pair p;

    pair_open(&p, &w, START, 5);
    pair_connect(&p, w.login, NULL, NULL);
    for (size_t i = 0; i < COUNT(c->change); i++)
        apply(&p, &c->change[i]);
    pair_run(&p);
    if (pair_error(&p, KP_SERVER) != c->error)
        fail_msg("%s: server's error is %d: %s", c->name, pair_error(&p, KP_SERVER),
                 kp_error_text(pair_error(&p, KP_SERVER)));
    if (c->error != 0 && kp_conn_sent_alert(p.conn[KP_SERVER]) != c->alert)
        fail_msg("%s: alert %d", c->name, kp_conn_sent_alert(p.conn[KP_SERVER]));
    if (c->error != 0 && kp_conn_peer_alert(p.conn[KP_CLIENT]) != c->alert)
        fail_msg("%s: alert %d at the client", c->name, kp_conn_peer_alert(p.conn[KP_CLIENT]));
    if (pair_error(&p, KP_CLIENT) != c->client_error)
        fail_msg("%s: client's error is %d", c->name, pair_error(&p, KP_CLIENT));
    bool good = c->error == 0 && c->client_error == 0;
    assert_int_equal(pair_proved(&p, KP_SERVER), good);
    assert_int_equal(pair_proved(&p, KP_CLIENT), good);
    pair_close(&p);
}

#define GOOD 0, 0, 0
#define DECODE KP_E_DECODE, 50, KP_E_PEER_ALERT
#define NO_SRP KP_E_NO_SRP_SERVER
#define LONG_NAME                                                                                  \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaa"                                                                                         \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaa"                                                                                         \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct hello_case cases[] = {
    {"as it is", {NONE}, GOOD},
    /* Demands. */
    {"no encrypt_then_mac", {{WITHOUT, 22, NULL, 0}}, KP_E_NO_ETM, 40, NO_SRP},
    {"no extended_master_secret", {{WITHOUT, 23, NULL, 0}}, KP_E_NO_EMS, 40, NO_SRP},
    {"no extensions", {{NO_BLOCK, 0, NULL, 0}}, KP_E_NO_ETM, 40, NO_SRP},
    {"no srp name", {{WITHOUT, 12, NULL, 0}}, KP_E_NO_USER, 115, KP_E_PROOF},
    {"empty srp name", {{INSTEAD, 12, DATA("\0")}}, DECODE},
    {"srp name cut",
     {{INSTEAD, 12,
       DATA("\x06"
            "alice")}},
     DECODE},
    {"srp name and a byte",
     {{INSTEAD, 12,
       DATA("\x05"
            "alice!")}},
     DECODE},
    {"srp empty", {{INSTEAD, 12, NULL, 0}}, DECODE},
    {"etm with a body", {{INSTEAD, 22, DATA("x")}}, DECODE},
    {"ems with a body", {{INSTEAD, 23, DATA("x")}}, DECODE},
    /* Suites: ours among others; the server's order. */
    {"no suite of ours",
     {{SUITES, 0, DATA("\xC0\x2F\x13\x01\x00\xFF")}},
     KP_E_NO_PASSWORD_SUITE,
     40,
     NO_SRP},
    {"suites of DSS and RSA",
     {{SUITES, 0, DATA("\xC0\x1E\xC0\x1F\xC0\x21\xC0\x22\xC0\x1A")}},
     KP_E_NO_PASSWORD_SUITE,
     40,
     NO_SRP},
    {"AES-128 among others", {{SUITES, 0, DATA("\x0A\x0A\xC0\x1D\x00\x2F")}}, GOOD},
    {"across two suites",
     {{SUITES, 0, DATA("\x00\xC0\x20\x00")}},
     KP_E_NO_PASSWORD_SUITE,
     40,
     NO_SRP},
    {"odd suites", {{SUITES, 0, DATA("\xC0\x20\xC0")}}, DECODE},
    {"no suites", {{SUITES, 0, NULL, 0}}, DECODE},
    /* Renegotiation signalling, RFC 5746. */
    {"neither extension nor SCSV",
     {{WITHOUT, 0xFF01, NULL, 0}},
     KP_E_PEER_ALERT,
     -1,
     KP_E_RENEGOTIATION},
    {"SCSV alone", {{WITHOUT, 0xFF01, NULL, 0}, {SUITES, 0, DATA("\xC0\x20\x00\xFF")}}, GOOD},
    {"SCSV and extension", {{SUITES, 0, DATA("\x00\xFF\xC0\x20")}}, GOOD},
    {"renegotiated_connection",
     {{INSTEAD, 0xFF01,
       DATA("\x01"
            "x")}},
     KP_E_RENEGOTIATION,
     40,
     NO_SRP},
    {"renegotiation_info cut",
     {{INSTEAD, 0xFF01,
       DATA("\x02"
            "x")}},
     DECODE},
    {"renegotiation_info empty", {{INSTEAD, 0xFF01, NULL, 0}}, DECODE},
    /* Compression. */
    {"no null compression", {{COMPRESSION, 0, DATA("\x01")}}, KP_E_COMPRESSION, 47, NO_SRP},
    {"deflate and null", {{COMPRESSION, 0, DATA("\x01\x00")}}, GOOD},
    {"no compression methods", {{COMPRESSION, 0, NULL, 0}}, DECODE},
    /* Versions. */
    {"SSL 3.0", {{VERSION, 0x0300, NULL, 0}}, KP_E_VERSION, 70, NO_SRP},
    {"TLS 1.0", {{VERSION, 0x0301, NULL, 0}}, KP_E_VERSION, 70, NO_SRP},
    {"TLS 1.1", {{VERSION, 0x0302, NULL, 0}}, KP_E_VERSION, 70, NO_SRP},
    {"legacy version 1.3", {{VERSION, 0x0304, NULL, 0}}, GOOD},
    {"legacy version 3.255", {{VERSION, 0x03FF, NULL, 0}}, GOOD},
    {"another protocol", {{VERSION, 0x0202, NULL, 0}}, KP_E_VERSION, 70, NO_SRP},
    {"version 0", {{VERSION, 0, NULL, 0}}, KP_E_VERSION, 70, NO_SRP},
    {"1.1 after a fall-back",
     {{VERSION, 0x0302, NULL, 0}, {SUITES, 0, DATA("\x56\x00\xC0\x20")}},
     KP_E_FALLBACK,
     86,
     KP_E_PEER_ALERT},
    {"1.2 after a fall-back", {{SUITES, 0, DATA("\x56\x00\xC0\x20")}}, GOOD},
    {"supported 1.3 and 1.2", {{WITH, 43, DATA("\x04\x03\x04\x03\x03")}}, GOOD},
    {"supported with GREASE", {{WITH, 43, DATA("\x06\x7A\x7A\x03\x04\x03\x03")}}, GOOD},
    {"supported 1.3 alone", {{WITH, 43, DATA("\x02\x03\x04")}}, KP_E_VERSION, 70, NO_SRP},
    {"supported 1.1 alone", {{WITH, 43, DATA("\x02\x03\x02")}}, KP_E_VERSION, 70, NO_SRP},
    {"supported across two", {{WITH, 43, DATA("\x04\x04\x03\x03\x01")}}, KP_E_VERSION, 70, NO_SRP},
    {"supported 1.2, legacy 1.0",
     {{VERSION, 0x0301, NULL, 0}, {WITH, 43, DATA("\x02\x03\x03")}},
     GOOD},
    {"supported, odd", {{WITH, 43, DATA("\x03\x03\x03\x03")}}, DECODE},
    {"supported, none", {{WITH, 43, DATA("\x00")}}, DECODE},
    {"supported, a byte behind", {{WITH, 43, DATA("\x02\x03\x03\x00")}}, DECODE},
    /* Server names, RFC 6066 3. */
    {"server_name",
     {{WITH, 0,
       DATA("\x00\x06\x00\x00\x03"
            "a.b")}},
     GOOD},
    {"server_name with NUL",
     {{WITH, 0,
       DATA("\x00\x06\x00\x00\x03"
            "a\0b")}},
     KP_E_ILLEGAL,
     47,
     NO_SRP},
    {"server_name empty", {{WITH, 0, DATA("\x00\x03\x00\x00\x00")}}, DECODE},
    {"two server names",
     {{WITH, 0,
       DATA("\x00\x08\x00\x00\x01"
            "a\x00\x00\x01"
            "b")}},
     DECODE},
    {"server_name cut",
     {{WITH, 0,
       DATA("\x00\x06\x00\x00\x04"
            "a.b")}},
     DECODE},
    {"server_name of 256",
     {{WITH, 0, DATA("\x01\x03\x00\x01\x00" LONG_NAME "abcdefghijklm")}},
     KP_E_ILLEGAL,
     47,
     NO_SRP},
    {"server_name without list", {{WITH, 0, NULL, 0}}, DECODE},
    /* record_size_limit, RFC 8449. */
    {"limit 63", {{INSTEAD, 28, DATA("\x00\x3F")}}, KP_E_ILLEGAL, 47, NO_SRP},
    {"limit 64", {{INSTEAD, 28, DATA("\x00\x40")}}, GOOD},
    {"limit 65535", {{INSTEAD, 28, DATA("\xFF\xFF")}}, GOOD},
    {"limit of one byte", {{INSTEAD, 28, DATA("\x40")}}, DECODE},
    {"limit of three bytes", {{INSTEAD, 28, DATA("\x40\x00\x00")}}, DECODE},
    /* ALPN without a server that speaks it is passed over, but must be well-formed. */
    {"alpn", {{WITH, 16, DATA("\x00\x03\x02h2")}}, GOOD},
    {"alpn empty name", {{WITH, 16, DATA("\x00\x01\x00")}}, DECODE},
    {"alpn empty list", {{WITH, 16, DATA("\x00\x00")}}, DECODE},
    {"alpn cut", {{WITH, 16, DATA("\x00\x04\x03h2")}}, DECODE},
    {"alpn and a byte", {{WITH, 16, DATA("\x00\x03\x02h2!")}}, DECODE},
    /* Tickets: anything; only what is ours resumes. */
    {"no ticket extension", {{WITHOUT, 35, NULL, 0}}, GOOD},
    {"a foreign ticket",
     {{INSTEAD, 35, DATA("some bytes of another server's ticket, longer than 44")}},
     GOOD},
    {"a short ticket", {{INSTEAD, 35, DATA("x")}}, GOOD},
    /* Extensions as such. */
    {"unknown", {{WITH, 0x7A7A, DATA("anything")}}, GOOD},
    {"unknown twice", {{WITH, 0x7A7A, NULL, 0}, {WITH, 0x7A7A, NULL, 0}}, DECODE},
    {"srp twice",
     {{WITH, 12,
       DATA("\x05"
            "alice")}},
     DECODE},
    {"etm twice", {{WITH, 22, NULL, 0}}, DECODE},
    {"a byte behind", {{TRAILING, 0, NULL, 0}}, DECODE},
    {"session id of 32", {{SESSION_ID, 32, NULL, 0}}, GOOD},
    {"session id of 33", {{SESSION_ID, 33, NULL, 0}}, DECODE},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        run_case(&cases[i]);
}

static void test_many_extensions(void **state)
{
    (void)state;
    for (unsigned count = 80; count <= 200; count += 60) {
        struct pair p;
        pair_open(&p, &w, START, 5);
        pair_connect(&p, w.login, NULL, NULL);
        for (unsigned i = 0; i < count; i++)
            pair_hello_with(&p, (uint16_t)(0x4000 + i), NULL, 0);
        pair_run(&p);
        assert_int_equal(pair_error(&p, KP_SERVER), count == 80 ? 0 : KP_E_DECODE);
        pair_close(&p);
    }
}

/* The refusal goes out as a record that the client's version can read. */
static void test_refusal_bytes(void **state)
{
    static const uint8_t early[] = {KP_ALERT, 3, 1, 0, 2, 2, 70};
    static const uint8_t later[] = {KP_ALERT, 3, 3, 0, 2, 2, 40};
    struct change old = {VERSION, 0x0301, NULL, 0};
    struct pair p;

    (void)state;
    pair_open(&p, &w, START, 5);
    pair_connect(&p, w.login, NULL, NULL);
    apply(&p, &old);
    pair_run(&p);
    assert_int_equal(p.wire[KP_SERVER].len, sizeof(early));
    assert_memory_equal(p.wire[KP_SERVER].data, early, sizeof(early));
    pair_close(&p);

    pair_open(&p, &w, START, 5);
    pair_connect(&p, w.login, NULL, NULL);
    pair_hello_without(&p, 22);
    pair_run(&p);
    assert_int_equal(p.wire[KP_SERVER].len, sizeof(later));
    assert_memory_equal(p.wire[KP_SERVER].data, later, sizeof(later));
    pair_close(&p);
}

/* ---- ALPN
 * ---------------------------------------------------------------------------------------- */

struct alpn_case {
    const char *client[3];
    const char *server[3];
    const char *chosen; /* NULL: none */
    bool refused;
};

static size_t count_of(const char *const *names)
{
    size_t n = 0;

    while (n < 3 && names[n] != NULL)
        n++;
    return n;
}

static void run_alpn(const struct alpn_case *c)
{
    const struct kp_settings client = {.alpn = c->client, .alpn_count = count_of(c->client)};
    const struct kp_settings server = {.alpn = c->server, .alpn_count = count_of(c->server)};
    struct kp_info info;
    struct world other;
    struct pair p;

    world_open(&other, 2048, &client, &server);
    pair_handshake(&p, &other, START, 3);
    if (c->refused) {
        assert_int_equal(pair_error(&p, KP_SERVER), KP_E_NO_ALPN);
        assert_int_equal(kp_conn_peer_alert(p.conn[KP_CLIENT]), 120);
    }
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        assert_int_equal(pair_proved(&p, (enum kp_role)role), !c->refused);
        kp_conn_info(p.conn[role], &info);
        if (c->chosen != NULL)
            assert_string_equal(info.alpn, c->chosen);
        else
            assert_null(info.alpn);
    }
    pair_close(&p);
    world_close(&other);
}

static void test_alpn(void **state)
{
    static const struct alpn_case alpn_cases[] = {
        {{"http/1.1"}, {"http/1.1"}, "http/1.1", false},
        {{"h2", "http/1.1"}, {"http/1.1"}, "http/1.1", false},
        {{"h2", "http/1.1"}, {"http/1.1", "h2"}, "http/1.1", false},
        {{"http/1.1", "h2"}, {"h2", "http/1.1"}, "h2", false},
        {{"h2"}, {"http/1.1"}, NULL, true},
        {{"http/1"}, {"http/1.1"}, NULL, true},
        {{"http/1.1x"}, {"http/1.1"}, NULL, true},
        {{NULL}, {"http/1.1"}, NULL, false},
        {{"h2"}, {NULL}, NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(alpn_cases); i++)
        run_alpn(&alpn_cases[i]);
}

/* ---- Names
 * --------------------------------------------------------------------------------------- */

static void test_server_name(void **state)
{
    char name[KP_SERVER_NAME_MAX + 2];
    struct kp_info info;
    struct pair p;

    (void)state;
    memset(name, 'a', sizeof(name));
    name[KP_SERVER_NAME_MAX + 1] = 0;
    pair_open(&p, &w, START, 5);
    assert_int_equal(kp_conn_connect(p.conn[KP_CLIENT], w.login, NULL, name), KP_E_ARGUMENT);
    name[KP_SERVER_NAME_MAX] = 0;
    pair_connect(&p, w.login, NULL, name);
    pair_run(&p);
    kp_conn_info(p.conn[KP_SERVER], &info);
    assert_string_equal(info.server_name, name);
    assert_true(pair_proved(&p, KP_SERVER));
    pair_close(&p);
    /* An empty one is none. */
    pair_open(&p, &w, START, 5);
    pair_connect(&p, w.login, NULL, "");
    pair_run(&p);
    kp_conn_info(p.conn[KP_SERVER], &info);
    assert_null(info.server_name);
    assert_true(pair_proved(&p, KP_SERVER));
    pair_close(&p);
}

/* A name with a NUL is looked up whole, and is not the name before the NUL. */
static void test_name_with_nul(void **state)
{
    struct kp_info info;
    struct pair p;
    size_t len;

    (void)state;
    pair_open(&p, &w, START, 5);
    pair_connect(&p, w.login, NULL, NULL);
    pair_hello_without(&p, 12);
    pair_hello_with(&p, 12,
                    "\x07"
                    "alice\0x",
                    8);
    p.withhold = true;
    pair_run(&p);
    assert_memory_equal(kp_conn_user(p.conn[KP_SERVER], &len), "alice\0x", 8);
    assert_int_equal(len, 7);
    p.withhold = false;
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_SERVER), KP_E_PROOF);
    kp_conn_info(p.conn[KP_SERVER], &info);
    assert_null(info.user);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),         cmocka_unit_test(test_many_extensions),
        cmocka_unit_test(test_refusal_bytes), cmocka_unit_test(test_alpn),
        cmocka_unit_test(test_server_name),   cmocka_unit_test(test_name_with_nul),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
