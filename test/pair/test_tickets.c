/*
 * Proves: a ticket stands in for the password as long as the credential is the one that was proved,
 * for 24 hours, and for nothing else; a refused one ends in a full handshake, or, for a client that
 * may only resume, in nothing of the password on the wire.
 */
#include "cm.h"

#include "harness.h"

#include <string.h>

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

static bool resumed(const struct pair *p)
{
    struct kp_info client;
    struct kp_info server;

    kp_conn_info(p->conn[KP_CLIENT], &client);
    kp_conn_info(p->conn[KP_SERVER], &server);
    assert_int_equal(client.resumed, server.resumed);
    return server.resumed;
}

static void assert_both_proved(const struct pair *p)
{
    assert_int_equal(pair_error(p, KP_CLIENT), 0);
    assert_int_equal(pair_error(p, KP_SERVER), 0);
    assert_true(pair_proved(p, KP_CLIENT));
    assert_true(pair_proved(p, KP_SERVER));
}

static void run_at(struct pair *p, struct world *in, uint64_t now,
                   const struct kp_credential *alice)
{
    pair_open(p, in, now, now);
    p->alice = alice;
    pair_connect(p, in->login, session, NULL);
    pair_run(p);
}

static void test_many_times(void **state)
{
    struct pair p;

    (void)state;
    for (uint64_t i = 0; i < 5; i++) {
        run_at(&p, &w, START + i, &w.credential);
        assert_both_proved(&p);
        assert_true(resumed(&p));
        /* Not renewed: the proof's 24 hours are all there is. */
        assert_null(kp_conn_session(p.conn[KP_CLIENT]));
        pair_close(&p);
    }
}

static void test_changed_credential(void **state)
{
    struct kp_credential changed;
    struct kp_srp_verifier *verifier;
    struct pair p;

    (void)state;
    world_credential(&w, "a new password", &verifier, &changed);
    /* She logs in with the old one: no ticket, and then no proof. */
    run_at(&p, &w, START + 1, &changed);
    assert_int_equal(pair_error(&p, KP_SERVER), KP_E_PROOF);
    assert_int_equal(pair_error(&p, KP_CLIENT), KP_E_PROOF);
    assert_int_equal(p.lookups, 2);
    pair_close(&p);

    struct kp_login *login;
    assert_int_equal(
        kp_login_new(&login, w.context[KP_CLIENT], ALICE, 5, (const uint8_t *)"a new password", 14),
        0);
    pair_open(&p, &w, START + 1, 3);
    p.alice = &changed;
    pair_connect(&p, login, session, NULL);
    pair_run(&p);
    assert_both_proved(&p);
    assert_false(resumed(&p));
    struct kp_session *fresh = kp_conn_session(p.conn[KP_CLIENT]);
    assert_non_null(fresh);
    kp_session_free(fresh);
    pair_close(&p);
    kp_login_free(login);
    kp_srp_verifier_free(verifier);
}

/* The same verifier under another generation is another binding. */
static void test_changed_generation(void **state)
{
    struct kp_credential again = w.credential;
    struct pair p;

    (void)state;
    again.binding[31] ^= 1;
    run_at(&p, &w, START + 1, &again);
    assert_both_proved(&p);
    assert_false(resumed(&p));
    pair_close(&p);
}

static void test_removed_user(void **state)
{
    struct pair p;

    (void)state;
    run_at(&p, &w, START + 1, NULL);
    assert_int_equal(pair_error(&p, KP_SERVER), KP_E_PROOF);
    assert_false(pair_proved(&p, KP_SERVER));
    pair_close(&p);
    /* Even if the simulated binding were hers. */
    struct kp_credential ghost = w.credential;
    ghost.srp_simulated = true;
    run_at(&p, &w, START + 1, &ghost);
    assert_false(resumed(&p));
    assert_int_equal(pair_error(&p, KP_SERVER), KP_E_PROOF);
    pair_close(&p);
}

static void test_age(void **state)
{
    struct pair p;

    (void)state;
    run_at(&p, &w, START + KP_TICKET_SECONDS - 1, &w.credential);
    assert_both_proved(&p);
    assert_true(resumed(&p));
    pair_close(&p);
    run_at(&p, &w, START + KP_TICKET_SECONDS, &w.credential);
    assert_both_proved(&p);
    assert_false(resumed(&p));
    pair_close(&p);
    /* From before the proof: a clock that went back. */
    run_at(&p, &w, START - 1, &w.credential);
    assert_both_proved(&p);
    assert_false(resumed(&p));
    pair_close(&p);
}

/* Another device, or the same after a restart: other keys. */
static void test_other_server(void **state)
{
    struct world other;
    struct pair p;

    (void)state;
    world_open(&other, 2048, NULL, NULL);
    /* The random source is the same in every world; this one is further on. */
    pair_handshake(&p, &other, START, 77);
    pair_close(&p);
    run_at(&p, &other, START + 1, &other.credential);
    assert_both_proved(&p);
    assert_false(resumed(&p));
    pair_close(&p);
    world_close(&other);
}

static void test_no_tickets(void **state)
{
    const struct kp_settings none = {.no_tickets = true};
    struct world other;
    struct pair p;

    (void)state;
    world_open(&other, 2048, NULL, &none);
    run_at(&p, &other, START + 1, &other.credential);
    assert_both_proved(&p);
    assert_false(resumed(&p));
    assert_null(kp_conn_session(p.conn[KP_CLIENT]));
    pair_close(&p);
    world_close(&other);

    world_open(&other, 2048, &none, NULL);
    pair_handshake(&p, &other, START, 5);
    assert_both_proved(&p);
    assert_null(kp_conn_session(p.conn[KP_CLIENT]));
    pair_close(&p);
    world_close(&other);
}

/* The user of a resumed connection is the ticket's, whatever name stands beside it. */
static void test_name_beside(void **state)
{
    struct kp_info info;
    struct pair p;

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        pair_open(&p, &w, START + 1, 5);
        pair_connect(&p, w.login, session, NULL);
        pair_hello_without(&p, 12);
        if (kind == 1)
            pair_hello_with(&p, 12,
                            "\x05"
                            "admin",
                            6);
        pair_run(&p);
        assert_both_proved(&p);
        assert_true(resumed(&p));
        kp_conn_info(p.conn[KP_SERVER], &info);
        assert_string_equal(info.user, ALICE);
        pair_close(&p);
    }
    /* Without a name a dead ticket leaves nothing to go on with. */
    pair_open(&p, &w, START + KP_TICKET_SECONDS, 5);
    pair_connect(&p, w.login, session, NULL);
    pair_hello_without(&p, 12);
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_SERVER), KP_E_NO_USER);
    kp_conn_info(p.conn[KP_SERVER], &info);
    assert_null(info.user);
    pair_close(&p);
}

/* A ticket of one suite can't go on in another. */
static void test_other_suite(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p, &w, START + 1, 5);
    pair_connect(&p, w.login, session, NULL);
    pair_hello_suites(&p, "\xC0\x1D", 2);
    pair_run(&p);
    assert_both_proved(&p);
    assert_false(resumed(&p));
    pair_close(&p);
}

/* ---- A client that may only resume
 * ------------------------------------------------------------------ */

static bool sent_message(const struct bytes *wire, uint8_t message)
{
    for (size_t at = 0; at < wire->len;) {
        if (wire->data[at] == KP_HANDSHAKE && wire->data[at + KP_HEADER_LEN] == message)
            return true;
        at += KP_HEADER_LEN + (size_t)(wire->data[at + 3] << 8 | wire->data[at + 4]);
    }
    return false;
}

static void test_only_resume(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p, &w, START + 1, 5);
    pair_connect(&p, NULL, session, NULL);
    pair_run(&p);
    assert_both_proved(&p);
    assert_true(resumed(&p));
    pair_close(&p);

    pair_open(&p, &w, START + KP_TICKET_SECONDS, 5);
    pair_connect(&p, NULL, session, NULL);
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_CLIENT), KP_E_TICKET_REFUSED);
    assert_int_equal(kp_conn_sent_alert(p.conn[KP_CLIENT]), 90);
    assert_int_equal(pair_error(&p, KP_SERVER), KP_E_PEER_ALERT);
    assert_true(sent_message(&p.wire[KP_CLIENT], KP_CLIENT_HELLO));
    assert_false(sent_message(&p.wire[KP_CLIENT], KP_CLIENT_KEY_EXCHANGE));
    struct kp_info info;
    kp_conn_info(p.conn[KP_CLIENT], &info);
    assert_false(info.password_used);
    pair_close(&p);

    /* Neither login nor session; both twice; a server. */
    pair_open(&p, &w, START, 5);
    assert_int_equal(kp_conn_connect(p.conn[KP_CLIENT], NULL, NULL, NULL), KP_E_ARGUMENT);
    assert_int_equal(kp_conn_connect(p.conn[KP_SERVER], w.login, NULL, NULL), KP_E_ARGUMENT);
    pair_connect(&p, w.login, NULL, NULL);
    assert_int_equal(kp_conn_connect(p.conn[KP_CLIENT], w.login, NULL, NULL), KP_E_ARGUMENT);
    pair_close(&p);
}

/* ---- A hostile server
 * ------------------------------------------------------------------------------- */

/* Echoes the session id without having the ticket's secret. */
static void edit_echo(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                      struct bytes *out)
{
    const size_t id_at = KP_HEADER_LEN + 4 + 2 + KP_RANDOM_LEN;
    const struct bytes *hello = &p->wire[KP_CLIENT];
    struct bytes body = {0};

    if (from != KP_SERVER || record[KP_HEADER_LEN] != KP_SERVER_HELLO || record[id_at] != 0) {
        bytes_add(out, record, len);
        return;
    }
    bytes_add(&body, record + KP_HEADER_LEN + 4, 2 + KP_RANDOM_LEN);
    bytes_add(&body, hello->data + id_at, 33);
    bytes_add(&body, record + id_at + 1, len - id_at - 1);
    bytes_message(out, KP_SERVER_HELLO, body.data, body.len);
    bytes_free(&body);
}

static void test_false_echo(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p, &w, START + KP_TICKET_SECONDS, 5);
    p.edit = edit_echo;
    pair_connect(&p, w.login, session, NULL);
    pair_run(&p);
    /* The client is in the resumed flow: ServerKeyExchange has no place there. */
    assert_int_equal(pair_error(&p, KP_CLIENT), KP_E_UNEXPECTED);
    assert_false(pair_proved(&p, KP_CLIENT));
    assert_false(sent_message(&p.wire[KP_CLIENT], KP_CLIENT_KEY_EXCHANGE));
    pair_close(&p);
}

/* The session goes on in its own suite or not at all. */
static void edit_suite(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                       struct bytes *out)
{
    size_t start = out->len;

    (void)p;
    bytes_add(out, record, len);
    if (from == KP_SERVER && record[0] == KP_HANDSHAKE &&
        record[KP_HEADER_LEN] == KP_SERVER_HELLO) {
        size_t id_at = KP_HEADER_LEN + 4 + 2 + KP_RANDOM_LEN;
        out->data[start + id_at + 1 + record[id_at] + 1] = 0x1D;
    }
}

static void test_resumed_in_other_suite(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p, &w, START + 1, 5);
    p.edit = edit_suite;
    pair_connect(&p, w.login, session, NULL);
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_CLIENT), KP_E_ILLEGAL);
    assert_int_equal(kp_conn_sent_alert(p.conn[KP_CLIENT]), 47);
    pair_close(&p);
}

/* An empty ticket means that there is none: RFC 5077 3.3. */
static void edit_empty_ticket(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                              struct bytes *out)
{
    if (from == KP_SERVER && !p->sealed[from] && record[0] == KP_HANDSHAKE &&
        record[KP_HEADER_LEN] == KP_NEW_SESSION_TICKET)
        bytes_message(out, KP_NEW_SESSION_TICKET, "\0\0\0\0\0\0", 6);
    else
        bytes_add(out, record, len);
}

static void test_ticket_is_authentic(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p, &w, START, 5);
    p.edit = edit_empty_ticket;
    pair_connect(&p, w.login, NULL, NULL);
    pair_run(&p);
    /* Finished covers it: a man in the middle can't take the ticket away. */
    assert_int_equal(pair_error(&p, KP_CLIENT), KP_E_FINISHED);
    assert_int_equal(kp_conn_sent_alert(p.conn[KP_CLIENT]), 51);
    assert_null(kp_conn_session(p.conn[KP_CLIENT]));
    pair_close(&p);
}

/* Keys live for a period and a ticket's life: across many rotations each ticket of the last day
 * resumes. */
static void test_rotation(void **state)
{
    struct kp_session *kept[9];
    struct pair p;
    uint64_t hour = 3600;

    (void)state;
    for (uint64_t i = 0; i < COUNT(kept); i++) {
        pair_handshake(&p, &w, START + 100 * hour + i * 3 * hour, i);
        kept[i] = kp_conn_session(p.conn[KP_CLIENT]);
        assert_non_null(kept[i]);
        pair_close(&p);
    }
    for (uint64_t i = 0; i < COUNT(kept); i++) {
        pair_open(&p, &w, START + 124 * hour, i);
        pair_connect(&p, w.login, kept[i], NULL);
        pair_run(&p);
        assert_both_proved(&p);
        /* The first is 24 hours old. */
        assert_int_equal(resumed(&p), i > 0);
        pair_close(&p);
        kp_session_free(kept[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_times),
        cmocka_unit_test(test_changed_credential),
        cmocka_unit_test(test_changed_generation),
        cmocka_unit_test(test_removed_user),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_other_server),
        cmocka_unit_test(test_no_tickets),
        cmocka_unit_test(test_name_beside),
        cmocka_unit_test(test_other_suite),
        cmocka_unit_test(test_only_resume),
        cmocka_unit_test(test_false_echo),
        cmocka_unit_test(test_resumed_in_other_suite),
        cmocka_unit_test(test_ticket_is_authentic),
        cmocka_unit_test(test_rotation),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
