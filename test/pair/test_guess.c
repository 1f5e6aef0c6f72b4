/*
 * Proves: a server that counts guesses asks before one is judged, once, in all generations and
 * never for a ticket; and what isn't judged can't be told from a wrong password, whether the
 * password was right or not.
 */
#include "checks.h"

static struct world13 w;

struct generation {
    unsigned versions; /* of the client */
    unsigned form;
};

static const struct generation generations[] = {
    {KP_USE_TLS12, KP_PAKE_IETF},
    {KP_USE_TLS13, KP_PAKE_IETF},
    {KP_USE_TLS13, KP_PAKE_BORINGSSL},
};

static void open_world(const struct generation *g)
{
    const struct kp_settings client = {.versions = g->versions, .pake = g->form};
    const struct kp_settings server = {.count_guesses = true};

    world13_open(&w, &client, &server);
}

static void begin(struct pair *p, const struct kp_login *login, const struct kp_session *session,
                  bool refuse)
{
    pair13_open(p, &w, START, 5);
    p->refuse_guesses = refuse;
    pair_connect(p, login, session, NULL);
}

static void test_granted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(generations); i++) {
        struct pair p;
        open_world(&generations[i]);
        begin(&p, w.world.login, NULL, false);
        pair_run(&p);
        assert_both_proved(&p);
        assert_int_equal(p.guesses, 1);
        assert_talks(&p);
        pair_close(&p);
        world13_close(&w);
    }
}

/* ---- Refused ------------------------------------------------------------------------------- */

struct looks {
    size_t lens[2]; /* of what each side sent */
    int errors[2];
    int alerts[2]; /* that each side sent */
    unsigned computes;
};

static struct looks look(const struct kp_login *login, const struct kp_credential *alice,
                         bool refuse)
{
    struct pair p;
    struct looks seen;

    memset(&seen, 0, sizeof(seen));
    begin(&p, login, NULL, refuse);
    p.alice = alice;
    pair_run(&p);
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        assert_false(pair_proved(&p, (enum kp_role)role));
        assert_null(info_of(&p, (enum kp_role)role).user);
        assert_true(info_of(&p, (enum kp_role)role).password_used);
        seen.lens[role] = p.wire[role].len;
        seen.errors[role] = kp_conn_error(p.conn[role]);
        seen.alerts[role] = kp_conn_sent_alert(p.conn[role]);
    }
    seen.computes = p.computes;
    assert_int_equal(p.guesses, 1);
    pair_close(&p);
    return seen;
}

static void test_refused_is_a_wrong_password(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(generations); i++) {
        open_world(&generations[i]);
        const struct looks wrong = look(w.world.wrong, &w.world.credential, false);
        const struct looks others[] = {
            look(w.world.login, &w.world.credential, true), /* the right password */
            look(w.world.wrong, &w.world.credential, true),
            look(w.world.unknown, &w.world.credential, true),
            look(w.world.login, NULL, true), /* the name isn't there */
        };
        assert_int_equal(wrong.errors[KP_CLIENT], KP_E_PROOF);
        for (size_t k = 0; k < COUNT(others); k++)
            assert_memory_equal(&others[k], &wrong, sizeof(wrong));
        world13_close(&w);
    }
}

/* The confirmation of TLS 1.3 that comes with a refusal fits no password: not even the right one.
 */
static void test_refused_confirms_nothing(void **state)
{
    struct pair p;

    (void)state;
    open_world(&generations[1]);
    begin(&p, w.world.login, NULL, true);
    p.withhold = true;
    pair_run(&p);
    must(kp_conn_credential(p.conn[KP_SERVER], &w.world.credential) == 0);
    must(kp_conn_guess(p.conn[KP_SERVER], false) == 0);
    assert_ptr_equal(p.conn[KP_SERVER]->handshake->credential.spake2plus, w.nobody);
    p.withhold = false;
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_CLIENT), KP_E_PROOF);
    pair_close(&p);
    world13_close(&w);
}

/* ---- When it is asked ------------------------------------------------------------------------ */

/* In TLS 1.3 before a byte of an answer is there; in TLS 1.2 when the client's Finished is the next
 * record, which waits unopened. */
static void test_asked_before_it_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(generations); i++) {
        struct pair p;
        struct kp_conn *server;
        bool tls13 = generations[i].versions == KP_USE_TLS13;
        open_world(&generations[i]);
        begin(&p, w.world.login, NULL, false);
        server = p.conn[KP_SERVER];
        p.withhold = true;
        pair_run(&p);
        while (!(kp_conn_state(server) & KP_NEED_GUESS)) {
            must(kp_conn_error(server) == 0);
            must(kp_conn_credential(server, &w.world.credential) == 0);
            pair_run(&p);
        }
        assert_int_equal(p.wire[KP_SERVER].len > 0, !tls13);
        assert_int_equal(info_of(&p, KP_SERVER).password_used, !tls13);
        assert_int_equal(kp_conn_state(server) & (KP_WIRE_IN | KP_NEED_COMPUTE | KP_PROVED), 0);
        assert_int_equal(kp_conn_compute(server), KP_E_ARGUMENT);
        assert_int_equal(kp_conn_guess(server, true), 0);
        assert_int_equal(kp_conn_guess(server, true), KP_E_ARGUMENT);
        p.withhold = false;
        pair_run(&p);
        assert_both_proved(&p);
        pair_close(&p);
        world13_close(&w);
    }
}

/* Who waits for his turn at the arithmetic has guessed nothing yet. */
static void test_asked_after_the_turn(void **state)
{
    const struct kp_settings client = {.versions = KP_USE_TLS13};
    const struct kp_settings server = {.count_guesses = true, .defer_compute = true};
    struct pair p;
    struct kp_conn *conn;

    (void)state;
    world13_open(&w, &client, &server);
    begin(&p, w.world.login, NULL, false);
    conn = p.conn[KP_SERVER];
    p.withhold = true;
    pair_run(&p);
    must(kp_conn_credential(conn, &w.world.credential) == 0);
    assert_int_equal(kp_conn_state(conn) & (KP_NEED_COMPUTE | KP_NEED_GUESS), KP_NEED_COMPUTE);
    assert_int_equal(kp_conn_guess(conn, true), KP_E_ARGUMENT);
    must(kp_conn_compute(conn) == 0);
    assert_int_equal(kp_conn_state(conn) & (KP_NEED_COMPUTE | KP_NEED_GUESS), KP_NEED_GUESS);
    assert_false(info_of(&p, KP_SERVER).password_used);
    must(kp_conn_guess(conn, true) == 0);
    assert_int_equal(kp_conn_state(conn) & (KP_NEED_COMPUTE | KP_NEED_GUESS), 0);
    assert_true(info_of(&p, KP_SERVER).password_used);
    p.withhold = false;
    pair_run(&p);
    assert_both_proved(&p);
    pair_close(&p);
    world13_close(&w);
}

static void test_not_asked_unless_it_is_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(generations); i++) {
        struct pair p;
        const struct kp_settings client = {.versions = generations[i].versions,
                                           .pake = generations[i].form};
        world13_open(&w, &client, NULL);
        begin(&p, w.world.login, NULL, true);
        pair_run(&p);
        assert_both_proved(&p);
        assert_int_equal(p.guesses, 0);
        pair_close(&p);
        world13_close(&w);
    }
}

/* A ticket is no guess; when it is no good any more, the password behind it is one. */
static void test_tickets(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) { /* BoringSSL's form has none */
        struct pair p;
        struct kp_session *session;
        struct kp_credential changed;
        open_world(&generations[i]);
        session = fresh_session(&w);
        begin(&p, w.world.login, session, true);
        pair_run(&p);
        assert_both_proved(&p);
        assert_true(info_of(&p, KP_SERVER).resumed);
        assert_int_equal(p.guesses, 0);
        pair_close(&p);
        changed = w.world.credential;
        changed.binding[0] ^= 1;
        for (int refuse = 0; refuse <= 1; refuse++) {
            begin(&p, w.world.login, session, refuse);
            p.alice = &changed;
            pair_run(&p);
            assert_int_equal(p.guesses, 1);
            assert_int_equal(pair_proved(&p, KP_SERVER), !refuse);
            pair_close(&p);
        }
        kp_session_free(session);
        world13_close(&w);
    }
}

/* Whoever goes when his cookie is asked for has guessed nothing. */
static void test_cookie_comes_first(void **state)
{
    struct pair p;

    (void)state;
    open_world(&generations[1]);
    pair13_open(&p, &w, START, 5);
    must(kp_conn_ask_cookie(p.conn[KP_SERVER]) == 0);
    p.cut[KP_SERVER] = true;
    pair_connect(&p, w.world.login, NULL, NULL);
    pair_run(&p);
    assert_int_equal(p.guesses, 0);
    pair_close(&p);
    world13_close(&w);
}

/* Without a verifier of nobody's there is nothing to refuse with. */
static void test_credential_without_nobody(void **state)
{
    struct pair p;
    struct kp_credential without;

    (void)state;
    open_world(&generations[1]);
    without = w.world.credential;
    without.nobody = NULL;
    begin(&p, w.world.login, NULL, false);
    p.withhold = true;
    pair_run(&p);
    assert_int_equal(kp_conn_credential(p.conn[KP_SERVER], &without), KP_E_ARGUMENT);
    pair_close(&p);
    world13_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_granted),
        cmocka_unit_test(test_refused_is_a_wrong_password),
        cmocka_unit_test(test_refused_confirms_nothing),
        cmocka_unit_test(test_asked_before_it_is_judged),
        cmocka_unit_test(test_asked_after_the_turn),
        cmocka_unit_test(test_not_asked_unless_it_is_counted),
        cmocka_unit_test(test_tickets),
        cmocka_unit_test(test_cookie_comes_first),
        cmocka_unit_test(test_credential_without_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
