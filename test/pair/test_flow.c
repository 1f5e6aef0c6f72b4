/*
 * Proves, by connections of TLS 1.2: ChangeCipherSpec, application data and messages out of place
 * are unexpected_message, what is too long is refused on its header, and nothing is said before the
 * proof.  The rows one by one are in test_flow_tables.c.
 */
#include "cm.h"

#include "harness.h"

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

/* ---- Through a connection ----------------------------------------------------------------------
 */

/* Does something at the n-th record of one side. */
struct at_record {
    enum kp_role from;
    size_t n;
    size_t seen;
    bool replace; /* else: before it */
    uint8_t type; /* of the record */
    uint8_t body[8];
    size_t len;
    bool done;
};

static void edit_at_record(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                           struct bytes *out)
{
    struct at_record *a = p->edit_arg;

    if (from == a->from && a->seen++ == a->n) {
        a->done = true;
        bytes_record(out, a->type, KP_TLS12, a->body, a->len);
        if (a->replace)
            return;
    }
    bytes_add(out, record, len);
}

/* False when that side has no n-th record. */
static bool disturb(struct at_record *a, const struct kp_session *session, int expected, int alert)
{
    enum kp_role to = a->from == KP_CLIENT ? KP_SERVER : KP_CLIENT;
    struct pair p;

    pair_open(&p, &w, START, 11);
    p.edit = edit_at_record;
    p.edit_arg = a;
    pair_connect(&p, w.login, session, NULL);
    pair_run(&p);
    if (a->done) {
        if (pair_error(&p, to) != expected || kp_conn_sent_alert(p.conn[to]) != alert)
            fail_msg("record %zu of role %d: error %d alert %d, not %d", a->n, a->from,
                     pair_error(&p, to), kp_conn_sent_alert(p.conn[to]), expected);
        assert_false(pair_proved(&p, to));
    }
    pair_close(&p);
    return a->done;
}

static struct kp_session *get_session(void)
{
    struct pair p;

    pair_handshake(&p, &w, START, 1);
    struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
    must(session != NULL);
    pair_close(&p);
    return session;
}

/* At each place of a flow, before the first record of a side and behind it. */
static void test_application_data_early(void **state)
{
    struct kp_session *session = get_session();

    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (int resumed = 0; resumed < 2; resumed++) {
            size_t places = 0;
            for (size_t n = 0;; n++) {
                struct at_record a = {.from = (enum kp_role)from,
                                      .n = n,
                                      .type = KP_APPLICATION,
                                      .body = "GET /",
                                      .len = 5};
                if (!disturb(&a, resumed ? session : NULL, KP_E_UNEXPECTED, 10))
                    break;
                places++;
            }
            assert_in_range(places, 3, 6);
        }
    }
    kp_session_free(session);
}

/* Plaintext records before ChangeCipherSpec: 2 of a client (1 resumed), 4 of a server (1). */
static void test_messages_replaced(void **state)
{
    struct kp_session *session = get_session();

    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (int resumed = 0; resumed < 2; resumed++) {
            size_t records = resumed ? 1 : from == KP_CLIENT ? 2 : 4;
            for (size_t n = 0; n < records; n++) {
                static const uint8_t honest[2][4] = {{1, 16}, {2, 12, 14, 4}};
                for (unsigned type = 0; type < 26; type++) {
                    struct at_record a = {.from = (enum kp_role)from,
                                          .n = n,
                                          .replace = true,
                                          .type = KP_HANDSHAKE,
                                          .body = {(uint8_t)type},
                                          .len = 4};
                    if (type == honest[from][n] || (type == 0 && from == KP_SERVER))
                        continue;
                    assert_true(disturb(&a, resumed ? session : NULL, KP_E_UNEXPECTED, 10));
                }
            }
        }
    }
    kp_session_free(session);
}

static void test_ccs_early(void **state)
{
    struct kp_session *session = get_session();

    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (int resumed = 0; resumed < 2; resumed++) {
            size_t records = resumed ? 1 : from == KP_CLIENT ? 2 : 4;
            for (size_t n = 0; n < records; n++) {
                struct at_record a = {
                    .from = (enum kp_role)from, .n = n, .type = KP_CCS, .body = {1}, .len = 1};
                assert_true(disturb(&a, resumed ? session : NULL, KP_E_UNEXPECTED, 10));
            }
        }
    }
    kp_session_free(session);
}

/* Two of them: the second is a plaintext record where sealed ones are due. */
static void test_ccs_twice(void **state)
{
    struct at_record a = {.from = KP_CLIENT, .n = 2, .type = KP_CCS, .body = {1}, .len = 1};

    (void)state;
    /* The MAC of a ChangeCipherSpec that isn't sealed is wrong; here: a failed proof. */
    assert_true(disturb(&a, NULL, KP_E_PROOF, 20));
}

/* Fragments of a message with another record between them. */
static void edit_split(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                       struct bytes *out)
{
    const struct at_record *a = p->edit_arg;
    size_t half = (len - KP_HEADER_LEN) / 2;

    if (from != a->from || p->sealed[from] || record[0] != KP_HANDSHAKE) {
        bytes_add(out, record, len);
        return;
    }
    bytes_record(out, KP_HANDSHAKE, KP_TLS12, record + KP_HEADER_LEN, half);
    bytes_record(out, a->type, KP_TLS12, a->body, a->len);
    bytes_record(out, KP_HANDSHAKE, KP_TLS12, record + KP_HEADER_LEN + half,
                 len - KP_HEADER_LEN - half);
}

static void test_interleaved(void **state)
{
    static const uint8_t types[] = {KP_CCS, KP_APPLICATION};

    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        enum kp_role to = from == KP_CLIENT ? KP_SERVER : KP_CLIENT;
        for (size_t i = 0; i < COUNT(types); i++) {
            struct at_record a = {
                .from = (enum kp_role)from, .type = types[i], .body = {1}, .len = 1};
            struct pair p;
            pair_open(&p, &w, START, 12);
            p.edit = edit_split;
            p.edit_arg = &a;
            pair_connect(&p, w.login, NULL, NULL);
            pair_run(&p);
            assert_int_equal(pair_error(&p, to), KP_E_UNEXPECTED);
            assert_int_equal(kp_conn_sent_alert(p.conn[to]), 10);
            pair_close(&p);
        }
    }
}

/* A message that claims more than its row takes: refused with four bytes of it in hand. */
static void test_long_message(void **state)
{
    struct at_record hello = {.from = KP_CLIENT,
                              .n = 0,
                              .replace = true,
                              .type = KP_HANDSHAKE,
                              .body = {KP_CLIENT_HELLO, 0xFF, 0xFF, 0xFF},
                              .len = 4};
    struct at_record share = {.from = KP_CLIENT,
                              .n = 1,
                              .replace = true,
                              .type = KP_HANDSHAKE,
                              .body = {KP_CLIENT_KEY_EXCHANGE, 0, 0x10, 0},
                              .len = 4};
    struct at_record done = {.from = KP_SERVER,
                             .n = 2,
                             .replace = true,
                             .type = KP_HANDSHAKE,
                             .body = {KP_SERVER_HELLO_DONE, 0, 0, 1},
                             .len = 4};

    (void)state;
    assert_true(disturb(&hello, NULL, KP_E_TOO_LONG, 47));
    assert_true(disturb(&share, NULL, KP_E_TOO_LONG, 47));
    assert_true(disturb(&done, NULL, KP_E_TOO_LONG, 47));
}

/* A message behind the last of its flight, in the same record: Finished isn't due in plaintext. */
static void edit_append(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                        struct bytes *out)
{
    struct bytes body = {0};

    bytes_add(&body, record + KP_HEADER_LEN, len - KP_HEADER_LEN);
    if (!p->sealed[from] && record[0] == KP_HANDSHAKE &&
        record[KP_HEADER_LEN] == KP_CLIENT_KEY_EXCHANGE)
        bytes_add(&body,
                  "\x14\0\0\x0C"
                  "abcdefghijkl",
                  16);
    bytes_record(out, record[0], KP_TLS12, body.data, body.len);
    bytes_free(&body);
}

static void test_plain_finished(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p, &w, START, 12);
    p.edit = edit_append;
    pair_connect(&p, w.login, NULL, NULL);
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_SERVER), KP_E_UNEXPECTED);
    pair_close(&p);
}

/* Nothing is taken from the caller before the proof: no false start, no 0.5-RTT. */
static void refuse_app_in(struct pair *p, enum kp_role role)
{
    size_t used = 7;

    assert_false(pair_proved(p, role));
    assert_int_equal(kp_conn_state(p->conn[role]) & KP_APP_IN, 0);
    assert_int_equal(kp_app_in(p->conn[role], (const uint8_t *)"x", 1, &used), KP_E_ARGUMENT);
    assert_int_equal(used, 0);
    assert_int_equal(kp_app_in_end(p->conn[role]), KP_E_ARGUMENT);
}

/* The last record of a handshake (the server's Finished of a full one, the client's of a resumed
 * one) is left out: who waits for it has sent a Finished of its own and may still say nothing. */
static void edit_drop(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                      struct bytes *out)
{
    struct at_record *a = p->edit_arg;

    if (from == a->from && a->seen++ == a->n) {
        a->done = true;
        return;
    }
    bytes_add(out, record, len);
}

static void test_no_false_start(void **state)
{
    struct kp_session *session = get_session();

    (void)state;
    for (int resumed = 0; resumed < 2; resumed++) {
        enum kp_role waits = resumed ? KP_SERVER : KP_CLIENT;
        struct at_record last = {.from = resumed ? KP_CLIENT : KP_SERVER, .n = resumed ? 2 : 5};
        struct pair p;
        pair_open(&p, &w, START, 12);
        refuse_app_in(&p, KP_CLIENT);
        refuse_app_in(&p, KP_SERVER);
        p.edit = edit_drop;
        p.edit_arg = &last;
        pair_connect(&p, w.login, resumed ? session : NULL, NULL);
        refuse_app_in(&p, KP_CLIENT);
        pair_run(&p);
        assert_true(last.done);
        assert_true(pair_proved(&p, last.from));
        assert_true(p.sealed[waits]);
        refuse_app_in(&p, waits);
        /* What the other side says by now comes before its Finished: refused, not kept. */
        assert_true(pair_say(&p, last.from, "early", 5));
        assert_int_equal(pair_error(&p, waits), KP_E_UNEXPECTED);
        assert_int_equal(p.heard[waits].len, 0);
        pair_close(&p);
    }
    kp_session_free(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_application_data_early),
        cmocka_unit_test(test_messages_replaced),
        cmocka_unit_test(test_ccs_early),
        cmocka_unit_test(test_ccs_twice),
        cmocka_unit_test(test_interleaved),
        cmocka_unit_test(test_long_message),
        cmocka_unit_test(test_plain_finished),
        cmocka_unit_test(test_no_false_start),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
