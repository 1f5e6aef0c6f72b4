/*
 * Proves, for TLS 1.3: no handshake goes on with a random source that fails; each handshake has
 * fresh shares, randoms and tickets; answers that come late, or to a connection that is over, are
 * errors and change nothing; sessions outlive what they came from.
 */
#include "checks.h"

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

/* ---- Randomness ---------------------------------------------------------------------------- */

static void run_way(struct pair *p, unsigned way, enum kp_role failing, uint64_t at)
{
    pair13_open(p, &w, START + 1, 5);
    w.world.random[failing].fail_at = at;
    if (way == 2)
        must(kp_conn_ask_cookie(p->conn[KP_SERVER]) == 0);
    int err = kp_conn_connect(p->conn[KP_CLIENT], w.world.login, way == 1 ? session : NULL, NULL);
    if (err == 0)
        pair_run(p);
}

static void without_random(unsigned way)
{
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        struct pair p;
        run_way(&p, way, (enum kp_role)role, 0);
        assert_both_proved(&p);
        uint64_t calls = w.world.random[role].calls;
        assert_true(calls >= 2);
        pair_close(&p);
        for (uint64_t at = 1; at <= calls; at++) {
            run_way(&p, way, (enum kp_role)role, at);
            assert_int_equal(pair_error(&p, (enum kp_role)role), KP_E_CRYPTO);
            assert_false(pair_proved(&p, (enum kp_role)role));
            pair_close(&p);
        }
        w.world.random[role].fail_at = 0;
    }
}

static void test_no_random(void **state)
{
    struct world13 kept = w;

    (void)state;
    for (unsigned way = 0; way < 3; way++)
        without_random(way);
    open_form(&w, KP_PAKE_BORINGSSL, 0);
    without_random(0);
    world13_close(&w);
    w = kept;
}

/* What is to be new in each handshake, eight bytes at a time. */
struct fresh {
    uint8_t client_random[32], session_id[32], share_p[64], client_share[32];
    uint8_t server_random[32], share_v[64], confirm_v[32], server_share[32];
    uint8_t ticket[64], exported[32];
};

static void test_fresh(void **state)
{
    struct seeded source[2] = {{0}};
    struct fresh seen[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fresh *f = &seen[i];
        struct pair p;
        pair13_open(&p, &w, START, 5);
        if (i == 1)
            memcpy(w.world.random, source, sizeof(source));
        p.withhold = true;
        pair_connect(&p, w.world.login, NULL, NULL);
        const struct kp_handshake *client = p.conn[KP_CLIENT]->handshake;
        memcpy(f->client_random, client->client_random, 32);
        memcpy(f->session_id, client->session_id, 32);
        memcpy(f->share_p, client->t13.share_p + 1, 64);
        memcpy(f->client_share, client->t13.share, 32);
        pair_run(&p);
        must(kp_conn_credential(p.conn[KP_SERVER], &w.world.credential) == 0);
        const struct kp_handshake *server = p.conn[KP_SERVER]->handshake;
        memcpy(f->server_random, server->server_random, 32);
        memcpy(f->share_v, server->t13.share_v + 1, 64);
        memcpy(f->confirm_v, server->t13.confirm_v, 32);
        memcpy(f->server_share, server->t13.share, 32);
        p.withhold = false;
        pair_run(&p);
        assert_both_proved(&p);
        struct kp_session *its = kp_conn_session(p.conn[KP_CLIENT]);
        memcpy(f->ticket, its->ticket + 16, 64);
        kp_session_free(its);
        must(kp_conn_export(p.conn[KP_CLIENT], "EXPORTER-x", 10, NULL, 0, f->exported, 32) == 0);
        memcpy(source, w.world.random, sizeof(source));
        pair_close(&p);
    }
    const uint8_t *first = (const uint8_t *)&seen[0];
    const uint8_t *second = (const uint8_t *)&seen[1];
    for (size_t at = 0; at + 8 <= sizeof(seen[0]); at += 8)
        assert_memory_not_equal(first + at, second + at, 8);
}

/* ---- Late and wrong answers -------------------------------------------------------------------
 */

static void test_late_answers(void **state)
{
    const struct kp_settings settings = {.defer_compute = true};
    struct world13 kept = w;

    (void)state;
    world13_open(&w, &settings, &settings);
    for (int kind = 0; kind < 4; kind++) {
        struct pair p;
        pair13_open(&p, &w, START, 5);
        p.withhold = true;
        pair_connect(&p, w.world.login, NULL, NULL);
        if (kind > 0)
            must(kp_conn_compute(p.conn[KP_CLIENT]) == 0);
        pair_run(&p);
        if (kind > 1)
            must(kp_conn_credential(p.conn[KP_SERVER], &w.world.credential) == 0);
        if (kind > 2)
            must(kp_conn_compute(p.conn[KP_SERVER]) == 0);
        pair_run(&p);
        /* The client waits for its arithmetic, or the server for a look-up, or for its own. */
        struct kp_conn *c = p.conn[kind == 0 || kind == 3 ? KP_CLIENT : KP_SERVER];
        assert_int_equal(kp_wire_in_end(c), KP_E_TRUNCATED);
        assert_int_equal(kp_conn_state(c), KP_CLOSED);
        assert_true(kp_conn_compute(c) < 0);
        assert_true(kp_conn_credential(c, &w.world.credential) < 0);
        assert_int_equal(kp_conn_error(c), KP_E_TRUNCATED);
        assert_int_equal(info_of(&p, KP_SERVER).password_used, kind == 3);
        assert_false(info_of(&p, KP_CLIENT).password_used);
        pair_close(&p);
    }
    world13_close(&w);
    w = kept;
}

/* Calls that have no place before the proof, or after the end. */
static void test_wrong_times(void **state)
{
    uint8_t out[8];
    struct pair p;

    (void)state;
    pair13_handshake(&p, &w, START, 5);
    assert_int_equal(kp_conn_compute(p.conn[KP_SERVER]), KP_E_ARGUMENT);
    assert_int_equal(kp_conn_credential(p.conn[KP_SERVER], &w.world.credential), KP_E_ARGUMENT);
    assert_int_equal(kp_conn_connect(p.conn[KP_CLIENT], w.world.login, NULL, NULL), KP_E_ARGUMENT);
    pair_inject(&p, KP_CLIENT,
                "\x17\x03\x03\x00\x11"
                "0123456789abcdefg",
                22);
    pair_run(&p);
    assert_ended(&p, KP_SERVER, KP_E_RECORD_MAC, 20);
    struct kp_conn *c = p.conn[KP_SERVER];
    size_t used;
    assert_int_equal(kp_conn_key_update(c, true), KP_E_RECORD_MAC);
    assert_int_equal(kp_app_in(c, out, 1, &used), KP_E_RECORD_MAC);
    assert_int_equal(kp_app_in_end(c), KP_E_RECORD_MAC);
    assert_int_equal(kp_wire_in_end(c), KP_E_RECORD_MAC);
    assert_int_equal(kp_conn_state(c) & KP_CLOSED, KP_CLOSED);
    pair_close(&p);
}

static void test_session_outlives(void **state)
{
    struct world13 kept = w;
    struct kp_session *its;

    (void)state;
    world13_open(&w, NULL, NULL);
    its = fresh_session(&w);
    world13_close(&w);
    w = kept;
    struct pair p;
    pair13_open(&p, &w, START, 5);
    pair_connect(&p, w.world.login, its, NULL);
    pair_run(&p);
    assert_both_proved(&p);
    pair_close(&p);
    kp_session_free(its);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_random),        cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_late_answers),     cmocka_unit_test(test_wrong_times),
        cmocka_unit_test(test_session_outlives),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
