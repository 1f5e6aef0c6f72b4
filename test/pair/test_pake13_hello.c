/*
 * Proves: what a server of TLS 1.3 takes of a ClientHello and what it refuses, each refusal with
 * the error and the alert that RFC 8446, the draft and BoringSSL name.  The client is honest in all
 * else: its transcript has the changed hello.
 */
#include "checks.h"

static struct world13 w;

/* ---- Changes of a hello ---------------------------------------------------------------------- */

enum { SUITES = 0x10000, LAST = 0x10001 };

#define DATA(bytes) (bytes), sizeof(bytes) - 1
#define ABSENT NULL, 0

struct change {
    uint32_t what;    /* an extension, or one of the above; 0 at first and no data: no more */
    const void *data; /* instead of what it has; NULL: taken away */
    size_t len;
};

struct hello_case {
    const char *name;
    unsigned form; /* of the client; 0: each */
    struct change change[3];
    int error; /* the server's; 0: both are proved */
    int alert;
};

static void apply(struct pair *p, const struct change *c)
{
    if (c->what == 0 && c->data == NULL)
        return;
    if (c->what == SUITES) {
        pair_hello_suites(p, c->data, c->len);
        return;
    }
    pair_hello_without(p, (uint16_t)c->what);
    if (c->data != NULL)
        pair_hello_with(p, (uint16_t)c->what, c->data, c->len);
}

static void run_case(const struct hello_case *t, unsigned form)
{
    struct pair p;

    pair13_open(&p, &w, START, 5);
    pair_connect(&p, w.world.login, NULL, NULL);
    for (size_t i = 0; i < COUNT(t->change); i++)
        apply(&p, &t->change[i]);
    pair_run(&p);
    if (pair_error(&p, KP_SERVER) != t->error || kp_conn_sent_alert(p.conn[KP_SERVER]) != t->alert)
        fail_msg("%s, form %u: error %d alert %d", t->name, form, pair_error(&p, KP_SERVER),
                 kp_conn_sent_alert(p.conn[KP_SERVER]));
    if (t->error == 0) {
        assert_both_proved(&p);
        assert_talks(&p);
    } else {
        assert_false(pair_proved(&p, KP_CLIENT));
        assert_false(pair_proved(&p, KP_SERVER));
        /* Refused on the hello alone: no guess was spent. */
        assert_int_equal(p.lookups, 0);
        assert_false(info_of(&p, KP_SERVER).password_used);
    }
    pair_close(&p);
}

static void run_cases(const struct hello_case *cases, size_t count)
{
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        open_form(&w, form, KP_USE_TLS13);
        for (size_t i = 0; i < count; i++) {
            if (cases[i].form == 0 || cases[i].form == form)
                run_case(&cases[i], form);
        }
        world13_close(&w);
    }
}

/* ---- RFC 8446 ------------------------------------------------------------------------------ */

#define X25519_SHARE                                                                               \
    "\x00\x1D\x00\x20"                                                                             \
    "0123456789abcdefghijklmnopqrstuv"

static void test_general(void **state)
{
    static const struct hello_case cases[] = {
        {"as it is", 0, {{0}}, 0, -1},
        {"an unknown extension", 0, {{0x5A5A, DATA("xyz")}}, 0, -1},
        {"unknown suites", 0, {{SUITES, DATA("\x5A\x5A\x13\x02\x13\x07")}}, 0, -1},
        {"no suite of ours", 0, {{SUITES, DATA("\x13\x04\x13\x05")}}, KP_E_NO_SUITE, 40},
        {"suites of TLS 1.2 alone", 0, {{SUITES, DATA("\xC0\x20")}}, KP_E_NO_SUITE, 40},
        {"other versions too", 0, {{43, DATA("\x06\x5A\x5A\x03\x04\x03\x03")}}, 0, -1},
        {"no version of ours", 0, {{43, DATA("\x04\x5A\x5A\x03\x05")}}, KP_E_VERSION, 70},
        {"versions of odd length", 0, {{43, DATA("\x03\x03\x04\x03")}}, KP_E_DECODE, 50},
        {"TLS 1.2 alone, without SRP", 0, {{43, DATA("\x02\x03\x03")}}, KP_E_NO_PASSWORD_SUITE, 40},
        {"signature_algorithms: a certificate is wanted",
         KP_PAKE_IETF,
         {{13, DATA("\x00\x02\x08\x04")}},
         KP_E_CERTIFICATE,
         40},
        {"signature_algorithms", KP_PAKE_BORINGSSL, {{13, DATA("\x00\x02\x08\x04")}}, 0, -1},
        {"early_data", 0, {{42, DATA("")}}, 0, -1},
        {"a cookie that nobody asked for", 0, {{44, DATA("\x00\x01x")}}, KP_E_ILLEGAL, 47},
        {"psk_key_exchange_modes empty", KP_PAKE_IETF, {{45, DATA("\x00")}}, KP_E_DECODE, 50},
        {"psk_key_exchange_modes that go on",
         KP_PAKE_IETF,
         {{45, DATA("\x01\x01\x01")}},
         KP_E_DECODE,
         50},
        {"psk_ke alone: no tickets", KP_PAKE_IETF, {{45, DATA("\x01\x00")}}, 0, -1},
        {"record_size_limit of 63", KP_PAKE_IETF, {{28, DATA("\x00\x3F")}}, KP_E_ILLEGAL, 47},
        {"record_size_limit of 64", KP_PAKE_IETF, {{28, DATA("\x00\x40")}}, 0, -1},
        {"record_size_limit of 65535", KP_PAKE_IETF, {{28, DATA("\xFF\xFF")}}, 0, -1},
    };

    (void)state;
    run_cases(cases, COUNT(cases));
}

static void test_groups(void **state)
{
    static const struct hello_case cases[] = {
        {"no key_share", KP_PAKE_IETF, {{51, ABSENT}}, KP_E_MISSING, 109},
        {"no supported_groups", KP_PAKE_IETF, {{10, ABSENT}}, KP_E_MISSING, 109},
        {"supported_groups without key_share",
         KP_PAKE_BORINGSSL,
         {{10, DATA("\x00\x02\x00\x1D")}},
         KP_E_MISSING,
         109},
        {"key_share without supported_groups",
         KP_PAKE_BORINGSSL,
         {{51, DATA("\x00\x24" X25519_SHARE)}},
         KP_E_MISSING,
         109},
        {"groups empty", KP_PAKE_IETF, {{10, DATA("\x00\x00")}}, KP_E_DECODE, 50},
        {"groups odd", KP_PAKE_IETF, {{10, DATA("\x00\x03\x00\x1D\x00")}}, KP_E_DECODE, 50},
        {"groups that go on", KP_PAKE_IETF, {{10, DATA("\x00\x02\x00\x1D\x00")}}, KP_E_DECODE, 50},
        {"groups of others",
         KP_PAKE_IETF,
         {{10, DATA("\x00\x02\x00\x18")}, {51, DATA("\x00\x00")}},
         KP_E_NO_GROUP,
         40},
        {"a share for a group that is not in the list",
         KP_PAKE_IETF,
         {{10, DATA("\x00\x02\x00\x17")}, {51, DATA("\x00\x24" X25519_SHARE)}},
         KP_E_ILLEGAL,
         47},
        {"two shares for one group",
         KP_PAKE_IETF,
         {{51, DATA("\x00\x48" X25519_SHARE X25519_SHARE)}},
         KP_E_ILLEGAL,
         47},
        {"a share of no bytes",
         KP_PAKE_IETF,
         {{51, DATA("\x00\x04\x00\x1D\x00\x00")}},
         KP_E_DECODE,
         50},
        {"a share cut", KP_PAKE_IETF, {{51, DATA("\x00\x05\x00\x1D\x00\x20x")}}, KP_E_DECODE, 50},
        {"shares that go on",
         KP_PAKE_IETF,
         {{51, DATA("\x00\x24" X25519_SHARE "x")}},
         KP_E_DECODE,
         50},
    };

    (void)state;
    run_cases(cases, COUNT(cases));
}

/* Shares that are no points: found when they are used, so that the look-up came before. */
static void test_bad_key_shares(void **state)
{
    static const struct {
        const char *name;
        const char *groups;
        const char *share;
        size_t len;
    } cases[] = {
        {"X25519 of small order", "\x00\x02\x00\x1D",
         "\x00\x24\x00\x1D\x00\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
         38},
        {"X25519 a byte short", "\x00\x02\x00\x1D",
         "\x00\x23\x00\x1D\x00\x1F"
         "0123456789abcdefghijklmnopqrstu",
         37},
        {"P-256 compressed", "\x00\x02\x00\x17",
         "\x00\x25\x00\x17\x00\x21\x02"
         "0123456789abcdefghijklmnopqrstuv",
         39},
        {"P-256 at infinity", "\x00\x02\x00\x17", "\x00\x05\x00\x17\x00\x01\x00", 7},
        {"P-256 off the curve", "\x00\x02\x00\x17",
         "\x00\x45\x00\x17\x00\x41\x04"
         "0123456789abcdefghijklmnopqrstuv0123456789abcdefghijklmnopqrstuv",
         71},
    };

    (void)state;
    world13_open(&w, NULL, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair p;
        pair13_open(&p, &w, START, 5);
        pair_connect(&p, w.world.login, NULL, NULL);
        pair_hello_without(&p, 10);
        pair_hello_without(&p, 51);
        pair_hello_with(&p, 10, cases[i].groups, 4);
        pair_hello_with(&p, 51, cases[i].share, cases[i].len);
        pair_hello_suites(&p, "\x13\x01", 2);
        pair_run(&p);
        if (pair_error(&p, KP_SERVER) != KP_E_ILLEGAL)
            fail_msg("%s: %d", cases[i].name, pair_error(&p, KP_SERVER));
        assert_int_equal(kp_conn_sent_alert(p.conn[KP_SERVER]), 47);
        pair_close(&p);
    }
    world13_close(&w);
}

/* ---- pake ---------------------------------------------------------------------------------- */

/* Names, then shares with these lists in front of and behind our own. */
struct pake_case {
    const char *name;
    const char *before;
    size_t before_len;
    const char *after;
    size_t after_len;
    bool ours;    /* our share stands between */
    size_t cut;   /* bytes off the extension's end */
    size_t extra; /* bytes behind it */
    int error;
    int alert[2]; /* by form, IETF first; 0: none */
};

static void run_pake(const struct pake_case *t, unsigned form)
{
    struct kp_client_hello hello;
    struct kp_pake_offer offer;
    struct bytes body = {0};
    struct bytes shares = {0};
    const uint8_t *message;
    size_t len;
    struct pair p;

    pair13_open(&p, &w, START, 5);
    pair_connect(&p, w.world.login, NULL, NULL);
    pair_hello(&p, &hello, &message, &len);
    must(kp_pake_offer_parse(hello.ext.raw_pake, &offer) == 0);
    bytes_add(&shares, t->before, t->before_len);
    if (t->ours) {
        bytes_add(&shares, "\x7D\x96\x00\x41", 4);
        bytes_add(&shares, offer.share.data, offer.share.len);
    }
    bytes_add(&shares, t->after, t->after_len);
    size_t names = 4 + offer.client_identity.len + offer.server_identity.len;
    bytes_add(&body, hello.ext.raw_pake.data, names);
    bytes_add(&body, (const uint8_t[]){(uint8_t)(shares.len >> 8), (uint8_t)shares.len}, 2);
    bytes_add(&body, shares.data, shares.len);
    body.len -= t->cut;
    for (size_t i = 0; i < t->extra; i++)
        bytes_add(&body, "", 1);
    pair_hello_without(&p, KP_PAKE_EXTENSION);
    pair_hello_with(&p, KP_PAKE_EXTENSION, body.data, body.len);
    pair_run(&p);
    int alert = t->alert[form == KP_PAKE_IETF ? 0 : 1];
    int error =
        form == KP_PAKE_IETF || t->error != KP_E_ILLEGAL || alert != 50 ? t->error : KP_E_DECODE;
    if (pair_error(&p, KP_SERVER) != error ||
        kp_conn_sent_alert(p.conn[KP_SERVER]) != (alert == 0 ? -1 : alert))
        fail_msg("%s, form %u: error %d alert %d", t->name, form, pair_error(&p, KP_SERVER),
                 kp_conn_sent_alert(p.conn[KP_SERVER]));
    if (t->error == 0)
        assert_both_proved(&p);
    else
        assert_false(pair_proved(&p, KP_CLIENT) || pair_proved(&p, KP_SERVER));
    bytes_free(&body);
    bytes_free(&shares);
    pair_close(&p);
}

#define POINT(first)                                                                               \
    "\x7D\x96\x00\x41" first "0123456789abcdefghijklmnopqrstuv0123456789abcdefghijklmnopqrstuv"

static void test_pake(void **state)
{
    static const struct pake_case cases[] = {
        {"as it is", "", 0, "", 0, true, 0, 0, 0, {0, 0}},
        {"other schemes around it",
         DATA("\x00\x01\x00\x00\x7D\x95\x00\x01x"),
         DATA("\x7D\x97\x00\x02xy\xFF\xFF\x00\x00"),
         true,
         0,
         0,
         0,
         {0, 0}},
        {"unsorted", DATA("\x7D\x97\x00\x00"), "", 0, true, 0, 0, KP_E_ILLEGAL, {47, 50}},
        {"unsorted behind it", "", 0, DATA("\x00\x01\x00\x00"), true, 0, 0, KP_E_ILLEGAL, {47, 50}},
        {"twice", DATA(POINT("\x04")), "", 0, true, 0, 0, KP_E_ILLEGAL, {47, 50}},
        {"another one twice",
         DATA("\x00\x01\x00\x00\x00\x01\x00\x00"),
         "",
         0,
         true,
         0,
         0,
         KP_E_ILLEGAL,
         {47, 50}},
        {"no scheme of ours",
         DATA("\x00\x01\x00\x01x"),
         "",
         0,
         false,
         0,
         0,
         KP_E_NO_SCHEME,
         {47, 40}},
        {"no scheme at all", "", 0, "", 0, false, 0, 0, KP_E_NO_SCHEME, {47, 40}},
        {"cut", "", 0, "", 0, true, 1, 0, KP_E_DECODE, {50, 50}},
        {"going on", "", 0, "", 0, true, 0, 1, KP_E_DECODE, {50, 50}},
        {"a scheme cut", "", 0, DATA("\xFF\xFF\x00"), true, 0, 0, KP_E_DECODE, {50, 50}},
        {"share empty", DATA("\x7D\x96\x00\x00"), "", 0, false, 0, 0, KP_E_ILLEGAL, {47, 47}},
        {"share of 64 bytes",
         DATA("\x7D\x96\x00\x40"
              "0123456789abcdefghijklmnopqrstuv0123456789abcdefghijklmnopqrstuv"),
         "",
         0,
         false,
         0,
         0,
         KP_E_ILLEGAL,
         {47, 47}},
        {"share compressed",
         DATA("\x7D\x96\x00\x21\x02"
              "0123456789abcdefghijklmnopqrstuv"),
         "",
         0,
         false,
         0,
         0,
         KP_E_ILLEGAL,
         {47, 47}},
        {"share off the curve", DATA(POINT("\x04")), "", 0, false, 0, 0, KP_E_ILLEGAL, {47, 47}},
        {"share hybrid", DATA(POINT("\x06")), "", 0, false, 0, 0, KP_E_ILLEGAL, {47, 47}},
    };

    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        open_form(&w, form, KP_USE_TLS13);
        for (size_t i = 0; i < COUNT(cases); i++)
            run_pake(&cases[i], form);
        world13_close(&w);
    }
}

/* ---- No PAKE: TLS 1.2, where that can be -------------------------------------------------------
 */

/* A client of both versions whose TLS 1.3 half is not for us gets SRP; one that is merely wrong
 * gets what is wrong. */
static void test_falls_to_tls12(void **state)
{
    static const struct {
        const char *name;
        struct change change;
        int error; /* 0: TLS 1.2 */
    } cases[] = {
        {"no pake", {KP_PAKE_EXTENSION, ABSENT}, 0},
        {"a certificate is wanted", {13, DATA("\x00\x02\x08\x04")}, 0},
        {"no suite", {SUITES, DATA("\x13\x04\xC0\x20")}, 0},
        {"no scheme", {KP_PAKE_EXTENSION, DATA("\x00\x00\x00\x00\x00\x04\x00\x01\x00\x00")}, 0},
        {"pake cut", {KP_PAKE_EXTENSION, DATA("\x00\x00\x00\x00\x00")}, KP_E_DECODE},
        {"no key_share", {51, ABSENT}, KP_E_MISSING},
        {"bad groups", {10, DATA("\x00\x00")}, KP_E_DECODE},
        {"a cookie", {44, DATA("\x00\x01x")}, KP_E_ILLEGAL},
    };

    (void)state;
    world13_open(&w, NULL, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair p;
        pair13_open(&p, &w, START, 5);
        pair_connect(&p, w.world.login, NULL, NULL);
        apply(&p, &cases[i].change);
        pair_run(&p);
        if (pair_error(&p, KP_SERVER) != cases[i].error)
            fail_msg("%s: %d", cases[i].name, pair_error(&p, KP_SERVER));
        if (cases[i].error == 0) {
            assert_both_proved(&p);
            assert_int_equal(info_of(&p, KP_SERVER).version, KP_TLS12);
            assert_talks(&p);
        }
        pair_close(&p);
    }
    world13_close(&w);
}

/* Ordinary browsers: TLS 1.3 with certificates, and nothing of passwords. */
static void test_no_password(void **state)
{
    struct pair p;

    (void)state;
    open_form(&w, KP_PAKE_IETF, KP_USE_TLS13);
    pair13_open(&p, &w, START, 5);
    pair_connect(&p, w.world.login, NULL, NULL);
    pair_hello_without(&p, KP_PAKE_EXTENSION);
    pair_hello_with(&p, 13, "\x00\x02\x08\x04", 4);
    pair_run(&p);
    assert_ended(&p, KP_SERVER, KP_E_NO_PASSWORD_SUITE, 40);
    assert_ended(&p, KP_CLIENT, KP_E_NO_SRP_SERVER, -1);
    pair_close(&p);
    world13_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_general),        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_bad_key_shares), cmocka_unit_test(test_pake),
        cmocka_unit_test(test_falls_to_tls12), cmocka_unit_test(test_no_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
