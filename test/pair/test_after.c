/*
 * Proves: nothing but data, alerts and ends has a place after the handshake: renegotiation is
 * refused from both sides, floods of records that carry nothing are bounded.
 */
#include "cm.h"

#include "base/error.h"
#include "harness.h"

#include <string.h>

#define TOLERATED 8

static struct world w;
static struct kp_session *session;

static int open_world(void **state)
{
    struct pair p;

    (void)state;
    world_open(&w, 2048, NULL, NULL);
    pair_handshake(&p, &w, START, 1);
    session = kp_conn_session(p.conn[KP_CLIENT]);
    pair_close(&p);
    return session == NULL;
}

static int close_world(void **state)
{
    (void)state;
    kp_session_free(session);
    world_close(&w);
    return 0;
}

static void open_proved(struct pair *p)
{
    pair_open(p, &w, START + 1, 9);
    pair_connect(p, NULL, session, NULL);
    pair_run(p);
    must(pair_proved(p, KP_CLIENT) && pair_proved(p, KP_SERVER));
}

/* One record from `from` after the handshake; the error of who gets it. */
static int after(enum kp_role from, uint8_t type, const void *data, size_t len, unsigned times,
                 int *alert)
{
    enum kp_role to = from == KP_CLIENT ? KP_SERVER : KP_CLIENT;
    struct pair p;

    open_proved(&p);
    while (times-- > 0) {
        pair_seal(&p, from, type, data, len);
        pair_run(&p);
    }
    int err = pair_error(&p, to);
    *alert = kp_conn_sent_alert(p.conn[to]);
    if (err == 0) {
        /* It goes on as before. */
        assert_true(pair_say(&p, from, "still here", 10));
        assert_int_equal(p.heard[to].len, 10);
        assert_true(pair_say(&p, to, "me too", 6));
        assert_int_equal(p.heard[from].len, 6);
    }
    pair_close(&p);
    return err;
}

static int after_once(enum kp_role from, uint8_t type, const void *data, size_t len)
{
    int alert;

    return after(from, type, data, len, 1, &alert);
}

/* ---- Renegotiation
 * --------------------------------------------------------------------------------- */

static const uint8_t hello_request[] = {0, 0, 0, 0};
static const uint8_t client_hello[4 + 41] = {1, 0, 0, 41, 3, 3};

static void test_renegotiation(void **state)
{
    int alert;

    (void)state;
    assert_int_equal(after(KP_SERVER, KP_HANDSHAKE, hello_request, 4, TOLERATED, &alert), 0);
    assert_int_equal(after(KP_CLIENT, KP_HANDSHAKE, client_hello, 45, TOLERATED, &alert), 0);
    assert_int_equal(after(KP_SERVER, KP_HANDSHAKE, hello_request, 4, TOLERATED + 1, &alert),
                     KP_E_FLOOD);
    assert_int_equal(alert, 10);
    assert_int_equal(after(KP_CLIENT, KP_HANDSHAKE, client_hello, 45, TOLERATED + 1, &alert),
                     KP_E_FLOOD);
    assert_int_equal(alert, 10);
}

/* The answer is the warning no_renegotiation, and a proved peer may ignore it. */
static void test_no_renegotiation_alert(void **state)
{
    struct pair p;

    (void)state;
    open_proved(&p);
    size_t before = p.wire[KP_CLIENT].len;
    pair_seal(&p, KP_SERVER, KP_HANDSHAKE, hello_request, sizeof(hello_request));
    p.cut[KP_CLIENT] = true;
    pair_run(&p);
    assert_int_equal(p.wire[KP_CLIENT].len - before, KP_HEADER_LEN + 16 + 16 + 20);
    struct kp_record_layer *read = &p.conn[KP_SERVER]->records;
    uint8_t plain[64];
    size_t len;
    uint8_t type;
    const uint8_t *record = p.wire[KP_CLIENT].data + before;
    assert_int_equal(
        read->read.ops->open(&read->read, record, record + KP_HEADER_LEN, 52, plain, &len, &type),
        0);
    assert_int_equal(type, KP_ALERT);
    assert_int_equal(len, 2);
    assert_int_equal(plain[0], 1);
    assert_int_equal(plain[1], KP_ALERT_NO_RENEGOTIATION);
    pair_close(&p);
}

static void test_other_messages(void **state)
{
    static const uint8_t two[] = {0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t long_request[] = {0, 0, 0, 1, 0};

    (void)state;
    /* Each side's request from the wrong side. */
    assert_int_equal(after_once(KP_CLIENT, KP_HANDSHAKE, hello_request, 4), KP_E_UNEXPECTED);
    assert_int_equal(after_once(KP_SERVER, KP_HANDSHAKE, client_hello, 45), KP_E_UNEXPECTED);
    assert_int_equal(after_once(KP_SERVER, KP_HANDSHAKE, two, sizeof(two)), KP_E_UNEXPECTED);
    assert_int_equal(after_once(KP_SERVER, KP_HANDSHAKE, long_request, 5), KP_E_UNEXPECTED);
    assert_int_equal(after_once(KP_SERVER, KP_HANDSHAKE, hello_request, 3), KP_E_UNEXPECTED);
    assert_int_equal(after_once(KP_CLIENT, KP_HANDSHAKE, client_hello, 44), KP_E_UNEXPECTED);
    assert_int_equal(after_once(KP_CLIENT, KP_HANDSHAKE, "", 0), KP_E_UNEXPECTED);
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (uint8_t type = 2; type < 26; type++) {
            const uint8_t message[4] = {type, 0, 0, 0};
            assert_int_equal(after_once((enum kp_role)from, KP_HANDSHAKE, message, 4),
                             KP_E_UNEXPECTED);
        }
        assert_int_equal(after_once((enum kp_role)from, KP_CCS, "\x01", 1), KP_E_UNEXPECTED);
    }
}

/* ---- Floods
 * ---------------------------------------------------------------------------------------- */

static void test_floods(void **state)
{
    int alert;

    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        enum kp_role role = (enum kp_role)from;
        assert_int_equal(after(role, KP_APPLICATION, "", 0, TOLERATED, &alert), 0);
        assert_int_equal(after(role, KP_APPLICATION, "", 0, TOLERATED + 1, &alert), KP_E_FLOOD);
        assert_int_equal(alert, 10);
        assert_int_equal(after(role, KP_ALERT, "\x01\x5A", 2, TOLERATED, &alert), 0);
        assert_int_equal(after(role, KP_ALERT, "\x01\x5A", 2, TOLERATED + 1, &alert), KP_E_FLOOD);
        assert_int_equal(alert, 10);
    }
}

/* Data in between: no flood. */
static void test_no_flood(void **state)
{
    struct pair p;

    (void)state;
    open_proved(&p);
    for (unsigned i = 0; i < 100; i++) {
        pair_seal(&p, KP_CLIENT, KP_APPLICATION, "", 0);
        pair_seal(&p, KP_CLIENT, KP_ALERT, "\x01\x5A", 2);
        pair_run(&p);
        assert_true(pair_say(&p, KP_CLIENT, "x", 1));
    }
    assert_int_equal(pair_error(&p, KP_SERVER), 0);
    assert_int_equal(p.heard[KP_SERVER].len, 100);
    pair_close(&p);
}

/* Warnings in a handshake, in plaintext. */
static void test_early_warnings(void **state)
{
    static const uint8_t warning[] = {KP_ALERT, 3, 1, 0, 2, 1, 112};

    (void)state;
    for (unsigned times = TOLERATED; times <= TOLERATED + 1; times++) {
        struct pair p;
        pair_open(&p, &w, START + 1, 9);
        for (unsigned i = 0; i < times; i++)
            pair_inject(&p, KP_CLIENT, warning, sizeof(warning));
        pair_connect(&p, NULL, session, NULL);
        pair_run(&p);
        assert_int_equal(pair_error(&p, KP_SERVER), times > TOLERATED ? KP_E_FLOOD : 0);
        assert_int_equal(pair_proved(&p, KP_SERVER), times <= TOLERATED);
        pair_close(&p);
    }
}

/* ---- Fatal alerts
 * ---------------------------------------------------------------------------------- */

static void test_fatal(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        enum kp_role to = from == KP_CLIENT ? KP_SERVER : KP_CLIENT;
        struct pair p;
        open_proved(&p);
        pair_seal(&p, (enum kp_role)from, KP_ALERT, "\x02\x50", 2);
        pair_run(&p);
        assert_int_equal(pair_error(&p, to), KP_E_PEER_ALERT);
        assert_int_equal(kp_conn_peer_alert(p.conn[to]), 80);
        assert_int_equal(kp_conn_sent_alert(p.conn[to]), -1);
        pair_close(&p);
    }
    assert_int_equal(after_once(KP_CLIENT, KP_ALERT, "\x03\x00", 2), KP_E_DECODE);
    assert_int_equal(after_once(KP_CLIENT, KP_ALERT, "\x00\x00", 2), KP_E_DECODE);
    assert_int_equal(after_once(KP_CLIENT, KP_ALERT, "\x01", 1), KP_E_DECODE);
    assert_int_equal(after_once(KP_CLIENT, KP_ALERT, "", 0), KP_E_DECODE);
    assert_int_equal(after_once(KP_CLIENT, KP_ALERT, "\x01\x00\x01\x00", 4), KP_E_DECODE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_renegotiation),  cmocka_unit_test(test_no_renegotiation_alert),
        cmocka_unit_test(test_other_messages), cmocka_unit_test(test_floods),
        cmocka_unit_test(test_no_flood),       cmocka_unit_test(test_early_warnings),
        cmocka_unit_test(test_fatal),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
