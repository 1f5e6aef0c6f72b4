/*
 * Proves, for TLS 1.3: a ticket stands in for the password as long as the credential is the one
 * that was proved, for 24 hours from that proof however often it is renewed, and for nothing else;
 * a refused one ends in a full handshake or, for a client that may only resume, in nothing of the
 * password on the wire.
 */
#include "checks.h"

static size_t suite_shift;

const struct kp_suite *__real_kp_suite_at(size_t index);
const struct kp_suite *__wrap_kp_suite_at(size_t index);

const struct kp_suite *__wrap_kp_suite_at(size_t index)
{
    return __real_kp_suite_at(index < 3 ? (index + suite_shift) % 3 : index);
}

static struct world13 w;
static struct kp_session *session;

static int open_world(void **state)
{
    (void)state;
    world13_open(&w, NULL, NULL);
    session = fresh_session(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    kp_session_free(session);
    world13_close(&w);
    return 0;
}

static void run_at(struct pair *p, uint64_t now, const struct kp_login *login,
                   const struct kp_session *with, const struct kp_credential *alice)
{
    pair13_open(p, &w, now, now);
    p->alice = alice;
    pair_connect(p, login, with, NULL);
    pair_run(p);
}

/* By the ticket alone. */
static void assert_resumes(uint64_t now, const struct kp_session *with, bool expected)
{
    struct pair p;

    run_at(&p, now, NULL, with, &w.world.credential);
    if (expected) {
        assert_both_proved(&p);
        assert_true(info_of(&p, KP_SERVER).resumed);
        assert_true(info_of(&p, KP_CLIENT).resumed);
        assert_int_equal(info_of(&p, KP_SERVER).proof_time, START);
    } else {
        assert_ended((&p), KP_CLIENT, KP_E_TICKET_REFUSED, -1);
        assert_false(pair_proved(&p, KP_SERVER));
        assert_false(info_of(&p, KP_CLIENT).password_used);
        assert_false(info_of(&p, KP_SERVER).password_used);
    }
    pair_close(&p);
}

/* ---- Time ---------------------------------------------------------------------------------- */

static void test_many_times(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 5; i++)
        assert_resumes(START + i, session, true);
    assert_resumes(START + KP_TICKET_SECONDS - 1, session, true);
}

/* Each handshake gives a new one: with the first proof's time, and no longer a life. */
static void test_renewed(void **state)
{
    struct kp_session *last = kp_session_ref(session);

    (void)state;
    for (uint64_t age = 1000; age < KP_TICKET_SECONDS; age += 17000) {
        struct pair p;
        run_at(&p, START + age, NULL, last, &w.world.credential);
        assert_both_proved(&p);
        assert_int_equal(info_of(&p, KP_SERVER).proof_time, START);
        struct kp_session *fresh = kp_conn_session(p.conn[KP_CLIENT]);
        assert_non_null(fresh);
        assert_int_equal(fresh->lifetime, KP_TICKET_SECONDS - age);
        assert_int_equal(fresh->received, START + age);
        assert_memory_not_equal(fresh->master, last->master, 32);
        assert_memory_not_equal(fresh->ticket, last->ticket, 16 + 12);
        pair_close(&p);
        kp_session_free(last);
        last = fresh;
    }
    /* A client that doesn't believe the lifetime is told so. */
    last->lifetime = 10 * KP_TICKET_SECONDS;
    assert_resumes(START + KP_TICKET_SECONDS - 1, last, true);
    assert_resumes(START + KP_TICKET_SECONDS, last, false);
    kp_session_free(last);
}

/* A client doesn't show a ticket that is over, or one of times to come (its clock went back):
 * nothing at all goes out. */
static void test_client_knows(void **state)
{
    static const uint64_t times[] = {START + KP_TICKET_SECONDS, START - 1};
    struct pair p;

    (void)state;
    for (size_t i = 0; i < COUNT(times); i++) {
        pair13_open(&p, &w, times[i], 3);
        assert_int_equal(kp_conn_connect(p.conn[KP_CLIENT], NULL, session, NULL),
                         KP_E_TICKET_REFUSED);
        assert_ended(&p, KP_CLIENT, KP_E_TICKET_REFUSED, -1);
        assert_int_equal(kp_conn_state(p.conn[KP_CLIENT]), KP_CLOSED);
        pair_close(&p);
    }
    /* With a login: the password. */
    run_at(&p, START + KP_TICKET_SECONDS, w.world.login, session, &w.world.credential);
    assert_both_proved(&p);
    assert_false(info_of(&p, KP_SERVER).resumed);
    assert_int_equal(p.lookups, 1);
    pair_close(&p);
}

/* ---- The credential ------------------------------------------------------------------------ */

/* Another verifier or generation, or nobody: the ticket is dead, the password decides. */
static void test_changed_credential(void **state)
{
    struct kp_credential changed = w.world.credential;
    struct pair p;

    (void)state;
    changed.binding[31] ^= 1;
    run_at(&p, START + 1, w.world.login, session, &changed);
    assert_both_proved(&p);
    assert_false(info_of(&p, KP_SERVER).resumed);
    assert_true(info_of(&p, KP_SERVER).password_used);
    assert_int_equal(p.lookups, 2);
    assert_int_equal(info_of(&p, KP_SERVER).proof_time, START + 1);
    pair_close(&p);

    /* A half that is gone leaves the binding as it was, at worst. */
    struct kp_credential gone = w.world.credential;
    gone.spake2plus_simulated = true;
    const struct kp_credential *const others[] = {&changed, &gone, NULL};
    for (size_t i = 0; i < COUNT(others); i++) {
        run_at(&p, START + 1, NULL, session, others[i]);
        assert_ended(&p, KP_SERVER, KP_E_NO_PASSWORD_SUITE, 40);
        assert_ended(&p, KP_CLIENT, KP_E_TICKET_REFUSED, -1);
        assert_int_equal(p.lookups, 1);
        assert_false(info_of(&p, KP_SERVER).password_used);
        assert_false(info_of(&p, KP_CLIENT).password_used);
        pair_close(&p);
    }
    run_at(&p, START + 1, w.world.wrong, session, &changed);
    assert_ended(&p, KP_SERVER, KP_E_PROOF, -1);
    assert_ended(&p, KP_CLIENT, KP_E_PROOF, 51);
    assert_int_equal(p.lookups, 2);
    pair_close(&p);
}

/* As long as it lives it counts, whatever the password that stands beside it. */
static void test_wrong_password_beside(void **state)
{
    struct pair p;

    (void)state;
    run_at(&p, START + 1, w.world.wrong, session, &w.world.credential);
    assert_both_proved(&p);
    assert_true(info_of(&p, KP_SERVER).resumed);
    assert_false(info_of(&p, KP_CLIENT).password_used);
    pair_close(&p);
}

/* ---- Damaged and forged -------------------------------------------------------------------- */

static struct kp_session *copy_session(const struct kp_session *from, size_t ticket_len)
{
    struct kp_session *copy;
    uint8_t ticket[1000] = {0};

    must(ticket_len <= sizeof(ticket));
    memcpy(ticket, from->ticket, from->ticket_len);
    must(kp_session_new(&copy, (struct kp_span){ticket, ticket_len}) == 0);
    copy->version = from->version;
    copy->suite = from->suite;
    memcpy(copy->master, from->master, sizeof(copy->master));
    copy->received = from->received;
    copy->lifetime = from->lifetime;
    copy->age_add = from->age_add;
    copy->name_len = from->name_len;
    memcpy(copy->name, from->name, sizeof(copy->name));
    copy->device_id_len = from->device_id_len;
    memcpy(copy->device_id, from->device_id, sizeof(copy->device_id));
    return copy;
}

/* It is one user's and one device's. */
static void test_of_another(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct kp_session *copy = copy_session(session, session->ticket_len);
        struct pair p;
        if (kind == 1)
            copy->device_id[0] ^= 1;
        else if (kind == 2)
            copy->device_id_len--;
        pair13_open(&p, &w, START + 1, 5);
        assert_int_equal(kp_conn_connect(p.conn[KP_CLIENT],
                                         kind == 0 ? w.world.unknown : w.world.login, copy, NULL),
                         KP_E_ARGUMENT);
        pair_close(&p);
        kp_session_free(copy);
    }
}

/* A ticket that isn't ours is no error; a binder that is wrong is one. */
static void test_damaged(void **state)
{
    (void)state;
    for (size_t at = 0; at < session->ticket_len; at += 5) {
        struct kp_session *copy = copy_session(session, session->ticket_len);
        struct pair p;
        copy->ticket[at] ^= 0x10;
        run_at(&p, START + 1, w.world.login, copy, &w.world.credential);
        assert_both_proved(&p);
        assert_false(info_of(&p, KP_SERVER).resumed);
        pair_close(&p);
        kp_session_free(copy);
    }
    static const size_t lens[] = {1, 16, 28, 44, 100, 513, 1000};
    for (size_t i = 0; i < COUNT(lens); i++) {
        struct kp_session *copy = copy_session(session, lens[i]);
        struct pair p;
        run_at(&p, START + 1, w.world.login, copy, &w.world.credential);
        assert_both_proved(&p);
        assert_false(info_of(&p, KP_SERVER).resumed);
        pair_close(&p);
        kp_session_free(copy);
    }
}

static void test_binder(void **state)
{
    (void)state;
    for (size_t at = 0; at < 32; at++) {
        struct kp_session *copy = copy_session(session, session->ticket_len);
        struct pair p;
        /* Who has the ticket and not its secret. */
        copy->master[at] ^= 1;
        run_at(&p, START + 1, at % 2 ? w.world.login : NULL, copy, &w.world.credential);
        assert_ended(&p, KP_SERVER, KP_E_BINDER, 51);
        assert_false(pair_proved(&p, KP_CLIENT));
        assert_false(info_of(&p, KP_SERVER).password_used);
        assert_int_equal(p.lookups, 1);
        pair_close(&p);
        kp_session_free(copy);
    }
}

/* ---- Suites and versions ------------------------------------------------------------------------
 */

/* A ticket goes on with its hash, not with its suite: RFC 8446 4.6.1. */
static void test_suites(void **state)
{
    (void)state;
    for (size_t first = 0; first < 3; first++) {
        suite_shift = first;
        struct kp_session *its = fresh_session(&w);
        for (size_t then = 0; then < 3; then++) {
            struct pair p;
            bool fits = (first == 2) == (then == 2);
            suite_shift = then;
            run_at(&p, START + 1, w.world.login, its, &w.world.credential);
            assert_both_proved(&p);
            assert_int_equal(info_of(&p, KP_SERVER).resumed, fits);
            assert_int_equal(info_of(&p, KP_CLIENT).resumed, fits);
            assert_talks(&p);
            pair_close(&p);
            assert_resumes(START + 1, its, fits);
        }
        kp_session_free(its);
    }
    suite_shift = 0;
}

/* A ticket of one version is nothing in the other, even if its holder says so. */
static void test_versions(void **state)
{
    struct kp_session *its;
    struct pair p;

    (void)state;
    /* TLS 1.2's, to a server that has come to prefer 1.3. */
    pair13_open(&p, &w, START, 3);
    must(kp_conn_prefer_tls12(p.conn[KP_SERVER]) == 0);
    pair_connect(&p, w.world.login, NULL, NULL);
    pair_run(&p);
    its = kp_conn_session(p.conn[KP_CLIENT]);
    must(its != NULL && its->version == KP_TLS12);
    pair_close(&p);
    run_at(&p, START + 1, w.world.login, its, &w.world.credential);
    assert_both_proved(&p);
    assert_int_equal(info_of(&p, KP_SERVER).version, KP_TLS13);
    assert_false(info_of(&p, KP_SERVER).resumed);
    pair_close(&p);
    /* As if it were TLS 1.3's. */
    its->version = KP_TLS13;
    its->device_id_len = session->device_id_len;
    memcpy(its->device_id, session->device_id, sizeof(its->device_id));
    its->suite = 0x1301;
    its->received = START;
    its->lifetime = KP_TICKET_SECONDS;
    run_at(&p, START + 1, w.world.login, its, &w.world.credential);
    assert_both_proved(&p);
    assert_int_equal(info_of(&p, KP_SERVER).version, KP_TLS13);
    assert_false(info_of(&p, KP_SERVER).resumed);
    pair_close(&p);
    kp_session_free(its);

    /* TLS 1.3's, to one that has come to prefer 1.2; and as if it were TLS 1.2's. */
    for (int pretend = 0; pretend <= 1; pretend++) {
        its = copy_session(session, session->ticket_len);
        its->version = pretend ? KP_TLS12 : KP_TLS13;
        its->suite = pretend ? 0xC020 : its->suite;
        pair13_open(&p, &w, START + 1, 3);
        must(kp_conn_prefer_tls12(p.conn[KP_SERVER]) == 0);
        pair_connect(&p, w.world.login, its, NULL);
        pair_run(&p);
        assert_both_proved(&p);
        assert_int_equal(info_of(&p, KP_SERVER).version, KP_TLS12);
        assert_false(info_of(&p, KP_SERVER).resumed);
        assert_talks(&p);
        pair_close(&p);
        kp_session_free(its);
    }
}

/* ---- Who wants none ------------------------------------------------------------------------ */

static void test_no_tickets(void **state)
{
    struct world13 kept = w;

    (void)state;
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        const struct kp_settings none = {.no_tickets = true};
        struct pair p;
        world13_open(&w, role == KP_CLIENT ? &none : NULL, role == KP_SERVER ? &none : NULL);
        pair13_handshake(&p, &w, START, 3);
        assert_both_proved(&p);
        assert_talks(&p);
        assert_null(kp_conn_session(p.conn[KP_CLIENT]));
        assert_false(info_of(&p, KP_CLIENT).ticket);
        pair_close(&p);
        if (role == KP_SERVER) {
            run_at(&p, START + 1, w.world.login, session, &w.world.credential);
            assert_both_proved(&p);
            assert_false(info_of(&p, KP_SERVER).resumed);
            pair_close(&p);
        }
        world13_close(&w);
    }
    w = kept;
}

/* With BoringSSL's form a session of the other is of no use. */
static void test_other_form(void **state)
{
    struct world13 kept = w;
    struct pair p;

    (void)state;
    open_form(&w, KP_PAKE_BORINGSSL, 0);
    pair13_open(&p, &w, START + 1, 3);
    assert_int_equal(kp_conn_connect(p.conn[KP_CLIENT], NULL, session, NULL), KP_E_TICKET_REFUSED);
    assert_int_equal(kp_conn_state(p.conn[KP_CLIENT]), KP_CLOSED);
    pair_close(&p);
    pair13_open(&p, &w, START + 1, 3);
    pair_connect(&p, w.world.login, session, NULL);
    pair_run(&p);
    assert_both_proved(&p);
    assert_false(info_of(&p, KP_SERVER).resumed);
    assert_string_equal(info_of(&p, KP_SERVER).pake, "boringssl");
    pair_close(&p);
    world13_close(&w);
    w = kept;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_times),
        cmocka_unit_test(test_renewed),
        cmocka_unit_test(test_client_knows),
        cmocka_unit_test(test_changed_credential),
        cmocka_unit_test(test_wrong_password_beside),
        cmocka_unit_test(test_of_another),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_binder),
        cmocka_unit_test(test_suites),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_no_tickets),
        cmocka_unit_test(test_other_form),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
