/*
 * Proves: calls in a wrong order, at a wrong time or after the end are answered with an error and
 * never crash; one failure is latched and the first one counts; contexts live as long as someone
 * needs them; other modes of the random source are no proof.
 */
#include "cm.h"

#include "harness.h"

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

/* A look-up or an exponentiation that is ready when the wire has ended already. */
static void test_late_answers(void **state)
{
    const struct kp_settings settings = {.defer_compute = true};
    struct world deferred;

    (void)state;
    world_open(&deferred, 2048, &settings, &settings);
    for (int kind = 0; kind < 2; kind++) {
        struct pair p;
        pair_open(&p, &deferred, START, 5);
        p.withhold = true;
        pair_connect(&p, deferred.login, NULL, NULL);
        pair_run(&p);
        if (kind == 1)
            must(kp_conn_credential(p.conn[KP_SERVER], &deferred.credential) == 0);
        assert_int_equal(kp_wire_in_end(p.conn[KP_SERVER]), KP_E_TRUNCATED);
        assert_int_equal(kp_conn_state(p.conn[KP_SERVER]), KP_CLOSED);
        if (kind == 0)
            assert_true(kp_conn_credential(p.conn[KP_SERVER], &deferred.credential) < 0);
        assert_true(kp_conn_compute(p.conn[KP_SERVER]) < 0);
        assert_int_equal(pair_error(&p, KP_SERVER), KP_E_TRUNCATED);
        pair_close(&p);
    }
    world_close(&deferred);
}

/* A server that speaks first, to a client whose connect was not called. */
static void test_bytes_before_connect(void **state)
{
    static const uint8_t message[] = {KP_HANDSHAKE, 3, 3, 0, 4, KP_SERVER_HELLO, 0, 0, 0};
    struct pair p;

    (void)state;
    pair_open(&p, &w, START, 5);
    pair_inject(&p, KP_SERVER, message, sizeof(message));
    pair_run(&p);
    assert_false(pair_proved(&p, KP_CLIENT));
    assert_int_equal(p.wire[KP_CLIENT].len == 0 || pair_error(&p, KP_CLIENT) != 0, 1);
    pair_close(&p);
}

/* Every port before anything happened. */
static void test_unused(void **state)
{
    (void)state;
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        struct kp_info info;
        struct pair p;
        size_t len = 9;
        pair_open(&p, &w, START, 5);
        struct kp_conn *c = p.conn[role];
        assert_int_equal(kp_conn_state(c) & ~(unsigned)KP_WIRE_IN, KP_HANDSHAKING);
        assert_null(kp_wire_out(c, &len));
        assert_int_equal(len, 0);
        assert_null(kp_app_out(c, &len));
        assert_null(kp_conn_user(c, &len));
        assert_int_equal(len, 0);
        assert_int_equal(kp_conn_credential(c, &w.credential), KP_E_ARGUMENT);
        assert_int_equal(kp_conn_compute(c), KP_E_ARGUMENT);
        assert_int_equal(kp_conn_error(c), 0);
        assert_int_equal(kp_conn_peer_alert(c), -1);
        assert_int_equal(kp_conn_sent_alert(c), -1);
        assert_null(kp_conn_session(c));
        kp_conn_info(c, &info);
        assert_null(info.user);
        assert_string_equal(info.version_name, "");
        assert_string_equal(info.suite_name, "");
        kp_wire_out_done(c, 5);
        kp_app_out_done(c, 5);
        assert_int_equal(kp_wire_in_end(c), KP_E_TRUNCATED);
        assert_int_equal(kp_wire_in_end(c), KP_E_TRUNCATED);
        assert_int_equal(kp_conn_state(c), KP_CLOSED);
        pair_close(&p);
    }
    kp_conn_free(NULL);
}

/* After a failure everything gives the same error and nothing changes. */
static void test_latched(void **state)
{
    struct pair p;
    size_t len;
    size_t used;

    (void)state;
    pair_open(&p, &w, START, 5);
    pair_inject(&p, KP_CLIENT, "GET / HTTP/1.1\r\n", 16);
    pair_run(&p);
    struct kp_conn *c = p.conn[KP_SERVER];
    assert_int_equal(kp_conn_error(c), KP_E_HTTP);
    assert_null(kp_wire_in_room(c, &len));
    assert_int_equal(len, 0);
    assert_int_equal(kp_wire_in_done(c, 0), KP_E_HTTP);
    assert_int_equal(kp_wire_in_end(c), KP_E_HTTP);
    assert_int_equal(kp_app_in(c, (const uint8_t *)"x", 1, &used), KP_E_HTTP);
    assert_int_equal(kp_app_in_end(c), KP_E_HTTP);
    assert_int_equal(kp_conn_error(c), KP_E_HTTP);
    pair_close(&p);
}

/* More than there was room for. */
static void test_overrun(void **state)
{
    struct pair p;
    size_t len;

    (void)state;
    pair_open(&p, &w, START, 5);
    uint8_t *room = kp_wire_in_room(p.conn[KP_SERVER], &len);
    assert_non_null(room);
    assert_int_equal(len, w.context[KP_SERVER]->buffer_len);
    assert_int_equal(kp_wire_in_done(p.conn[KP_SERVER], len + 1), KP_E_ARGUMENT);
    assert_int_equal(kp_wire_in_done(p.conn[KP_SERVER], 0), 0);
    assert_null(p.conn[KP_SERVER]->records.in.data);
    pair_close(&p);
}

static void test_bad_credential(void **state)
{
    struct kp_credential none = w.credential;
    struct pair p;

    (void)state;
    pair_open(&p, &w, START, 5);
    p.withhold = true;
    pair_connect(&p, w.login, NULL, NULL);
    pair_run(&p);
    none.salt_len = 0;
    assert_int_equal(kp_conn_credential(p.conn[KP_SERVER], &none), KP_E_ARGUMENT);
    none.salt_len = KP_SALT_MAX + 1;
    assert_int_equal(kp_conn_credential(p.conn[KP_SERVER], &none), KP_E_ARGUMENT);
    assert_int_equal(kp_conn_credential(p.conn[KP_SERVER], &w.credential), 0);
    p.withhold = false;
    pair_run(&p);
    assert_true(pair_proved(&p, KP_SERVER));
    pair_close(&p);
}

/* Connections, logins and sessions outlive the caller's own reference to the context. */
static void test_references(void **state)
{
    struct kp_context *context;
    struct kp_conn *conn;
    struct kp_login *login;
    const struct kp_settings settings = {.role = KP_CLIENT};

    (void)state;
    assert_int_equal(kp_context_new(&context, &settings), 0);
    assert_int_equal(kp_login_new(&login, context, "a", 1, (const uint8_t *)"b", 1), 0);
    assert_int_equal(kp_conn_new(&conn, context, START), 0);
    assert_ptr_equal(kp_context_ref(context), context);
    kp_context_free(context);
    kp_context_free(context);
    assert_int_equal(kp_conn_connect(conn, login, NULL, "a.example"), 0);
    assert_int_equal(kp_conn_state(conn), KP_HANDSHAKING | KP_WIRE_OUT | KP_WIRE_IN);
    kp_conn_free(conn);
    kp_login_free(login);
    kp_context_free(NULL);
    kp_login_free(NULL);
    kp_session_free(NULL);
}

/* A session outlives everything it came from. */
static void test_session_outlives(void **state)
{
    struct world other;
    struct pair p;

    (void)state;
    world_open(&other, 2048, NULL, NULL);
    pair_handshake(&p, &other, START, 5);
    struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
    assert_ptr_equal(kp_session_ref(session), session);
    pair_close(&p);
    world_close(&other);
    kp_session_free(session);
    pair_open(&p, &w, START, 5);
    pair_connect(&p, w.login, session, NULL);
    pair_run(&p);
    assert_true(pair_proved(&p, KP_SERVER));
    pair_close(&p);
    kp_session_free(session);
}

static void test_settings(void **state)
{
    static const char *const nine[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9"};
    static const char *const empty[] = {""};
    char name[257];
    const char *long_name[] = {name};
    const struct kp_settings bad[] = {
        {.role = (enum kp_role)2},
        {.alpn = nine, .alpn_count = 9},
        {.alpn = empty, .alpn_count = 1},
        {.alpn = long_name, .alpn_count = 1},
        {.record_size_limit = 511},
        {.record_size_limit = KP_RECORD_MAX + 1},
        {.buffer_len = (1u << 20) + 1},
        {.role = KP_SERVER, .device_id = (const uint8_t *)name, .device_id_len = 256},
    };
    struct kp_context *context;

    (void)state;
    memset(name, 'a', sizeof(name));
    name[256] = 0;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(kp_context_new(&context, &bad[i]), KP_E_ARGUMENT);
        assert_null(context);
    }
    name[255] = 0;
    const struct kp_settings good = {.alpn = long_name, .alpn_count = 1, .buffer_len = 1};
    assert_int_equal(kp_context_new(&context, &good), 0);
    assert_int_equal(context->buffer_len, KP_RECORD_WIRE_MAX);
    kp_context_free(context);
}

/* The bodies of both key exchanges, and of both hellos' randoms. */
static void take_fresh(const struct pair *p, struct bytes out[2])
{
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        const struct bytes *wire = &p->wire[from];
        for (size_t at = 0; at < wire->len && wire->data[at] == KP_HANDSHAKE;) {
            size_t len = KP_HEADER_LEN + (size_t)(wire->data[at + 3] << 8 | wire->data[at + 4]);
            uint8_t type = wire->data[at + KP_HEADER_LEN];
            if (type == KP_CLIENT_HELLO || type == KP_SERVER_HELLO)
                bytes_add(&out[from], wire->data + at + KP_HEADER_LEN + 6, KP_RANDOM_LEN);
            /* The last 200 bytes: of A, or of B. */
            if (type == KP_CLIENT_KEY_EXCHANGE || type == KP_SERVER_KEY_EXCHANGE)
                bytes_add(&out[from], wire->data + at + len - 200, 200);
            at += len;
        }
    }
}

/* Each handshake has new randoms and new exponents: where the random source stands when one ends,
 * the next goes on. */
static void test_fresh(void **state)
{
    struct bytes seen[2][2] = {{{0}}};
    struct seeded source[2] = {{0}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pair p;
        pair_open(&p, &w, START, 5);
        if (i == 1)
            memcpy(w.random, source, sizeof(source));
        pair_connect(&p, w.login, NULL, NULL);
        pair_run(&p);
        assert_true(pair_proved(&p, KP_SERVER));
        memcpy(source, w.random, sizeof(source));
        take_fresh(&p, seen[i]);
        pair_close(&p);
    }
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        assert_int_equal(seen[0][from].len, 232);
        assert_int_equal(seen[1][from].len, 232);
        for (size_t at = 0; at + 8 <= 232; at += 8)
            assert_memory_not_equal(seen[0][from].data + at, seen[1][from].data + at, 8);
        bytes_free(&seen[0][from]);
        bytes_free(&seen[1][from]);
    }
}

/* A random source that fails: no handshake goes on without it, on either side, at any call. */
static void test_no_random(void **state)
{
    (void)state;
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        struct pair p;
        pair_handshake(&p, &w, START, 5);
        uint64_t calls = w.random[role].calls;
        assert_true(calls >= 3);
        pair_close(&p);
        for (uint64_t at = 1; at <= calls; at++) {
            pair_open(&p, &w, START, 5);
            w.random[role].fail_at = at;
            int err = kp_conn_connect(p.conn[KP_CLIENT], w.login, NULL, NULL);
            if (err == 0)
                pair_run(&p);
            assert_int_equal(pair_error(&p, (enum kp_role)role), KP_E_CRYPTO);
            assert_false(pair_proved(&p, (enum kp_role)role));
            pair_close(&p);
        }
        w.random[role].fail_at = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unused),
        cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_latched),
        cmocka_unit_test(test_overrun),
        cmocka_unit_test(test_bad_credential),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_session_outlives),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_no_random),
        cmocka_unit_test(test_late_answers),
        cmocka_unit_test(test_bytes_before_connect),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
