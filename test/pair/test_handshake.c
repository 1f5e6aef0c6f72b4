/*
 * Proves: two engines with one password reach KP_PROVED by a full and by a resumed handshake, in
 * every group and both suites, however the bytes are delivered; and tell the truth about it.
 */
#include "cm.h"

#include "harness.h"

#include <stdlib.h>
#include <string.h>

/* ---- The server's taste, so that both suites have their turn -----------------------------------
 */

static size_t suite_shift;

const struct kp_suite *__real_kp_suite_at(size_t index);
const struct kp_suite *__wrap_kp_suite_at(size_t index);

const struct kp_suite *__wrap_kp_suite_at(size_t index)
{
    /* Those of TLS 1.3 stand in front. */
    return __real_kp_suite_at(index + (suite_shift > 0 ? 3 + suite_shift : 0));
}

/* ---- Helpers ------------------------------------------------------------------------------- */

static struct world w2048;

static int open_world(void **state)
{
    (void)state;
    world_open(&w2048, 2048, NULL, NULL);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&w2048);
    return 0;
}

static void assert_proved(const struct pair *p)
{
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        assert_int_equal(kp_conn_error(p->conn[role]), 0);
        assert_int_equal(kp_conn_state(p->conn[role]), KP_WIRE_IN | KP_APP_IN | KP_PROVED);
    }
}

static void assert_talks(struct pair *p)
{
    assert_true(pair_say(p, KP_CLIENT, "what is the time?", 17));
    assert_true(pair_say(p, KP_SERVER, "late", 4));
    assert_int_equal(p->heard[KP_SERVER].len, 17);
    assert_memory_equal(p->heard[KP_SERVER].data, "what is the time?", 17);
    assert_int_equal(p->heard[KP_CLIENT].len, 4);
    assert_memory_equal(p->heard[KP_CLIENT].data, "late", 4);
}

static struct kp_info info_of(const struct pair *p, enum kp_role role)
{
    struct kp_info info;

    kp_conn_info(p->conn[role], &info);
    return info;
}

static void assert_info(const struct pair *p, uint16_t suite, unsigned bits, bool resumed)
{
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        struct kp_info info = info_of(p, (enum kp_role)role);
        assert_int_equal(info.version, 0x0303);
        assert_string_equal(info.version_name, "TLSv1.2");
        assert_int_equal(info.suite, suite);
        assert_string_equal(info.suite_name, suite == KP_SRP_SHA_AES256 ? "SRP-AES-256-CBC-SHA"
                                                                        : "SRP-AES-128-CBC-SHA");
        assert_int_equal(info.group_bits, bits);
        assert_int_equal(info.resumed, resumed);
        assert_string_equal(info.user, ALICE);
        assert_int_equal(info.user_len, strlen(ALICE));
        assert_null(info.alpn);
        assert_null(info.server_name);
    }
}

static void resume(struct pair *p, struct world *w, uint64_t now, struct kp_session *session)
{
    pair_open(p, w, now, 99);
    pair_connect(p, NULL, session, NULL);
    pair_run(p);
}

/* ---- Both suites, every group -------------------------------------------------------------------
 */

static void full_and_resumed(struct world *w, uint16_t suite, unsigned bits)
{
    struct pair p;

    pair_handshake(&p, w, START, 7);
    assert_proved(&p);
    assert_info(&p, suite, bits, false);
    assert_int_equal(p.lookups, 1);
    assert_talks(&p);
    assert_int_equal(info_of(&p, KP_SERVER).proof_time, START);
    assert_true(info_of(&p, KP_CLIENT).ticket);
    struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
    assert_non_null(session);
    pair_close(&p);

    resume(&p, w, START + 5, session);
    assert_proved(&p);
    assert_info(&p, suite, 0, true);
    assert_int_equal(p.lookups, 1);
    assert_talks(&p);
    assert_int_equal(info_of(&p, KP_SERVER).proof_time, START);
    pair_close(&p);
    kp_session_free(session);
}

static void test_suites(void **state)
{
    (void)state;
    full_and_resumed(&w2048, KP_SRP_SHA_AES256, 2048);
    suite_shift = 1;
    full_and_resumed(&w2048, KP_SRP_SHA_AES128, 2048);
    suite_shift = 0;
}

static void test_groups(void **state)
{
    static const unsigned bits[] = {3072, 4096, 6144, 8192};

    (void)state;
    for (size_t i = 0; i < COUNT(bits); i++) {
        struct world w;
        world_open(&w, bits[i], NULL, NULL);
        full_and_resumed(&w, KP_SRP_SHA_AES256, bits[i]);
        world_close(&w);
    }
}

/* ---- Ways of delivery
 * ---------------------------------------------------------------------------- */

struct delivery {
    const char *name;
    size_t chunk;
    edit_fn *edit;
};

static const struct delivery deliveries[] = {
    {"whole", 0, NULL},
    {"one byte at a time", 1, NULL},
    {"three bytes at a time", 3, NULL},
    {"a flight's messages in one record", 0, edit_coalesce},
    {"a record for each byte", 0, edit_one_byte_records},
    {"a record for each byte, one byte at a time", 1, edit_one_byte_records},
};

static void set_delivery(struct pair *p, const struct delivery *d, struct bytes held[2])
{
    memset(held, 0, 2 * sizeof(held[0]));
    p->chunk = d->chunk;
    p->edit = d->edit;
    p->edit_arg = held;
}

static void deliver_all_ways(struct world *w)
{
    for (size_t i = 0; i < COUNT(deliveries); i++) {
        struct bytes held[2];
        struct pair p;
        pair_open(&p, w, START, i);
        set_delivery(&p, &deliveries[i], held);
        pair_connect(&p, w->login, NULL, "printer.example");
        pair_run(&p);
        assert_proved(&p);
        assert_string_equal(info_of(&p, KP_SERVER).server_name, "printer.example");
        assert_talks(&p);
        struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
        pair_close(&p);

        pair_open(&p, w, START + 1, i);
        set_delivery(&p, &deliveries[i], held);
        pair_connect(&p, w->login, session, NULL);
        pair_run(&p);
        assert_proved(&p);
        assert_true(info_of(&p, KP_CLIENT).resumed);
        assert_talks(&p);
        pair_close(&p);
        kp_session_free(session);
    }
}

static void test_deliveries(void **state)
{
    (void)state;
    deliver_all_ways(&w2048);
}

/* Exponentiations on demand: make_share and make_secret of either side, and nothing before. */
static void test_deferred(void **state)
{
    const struct kp_settings settings = {.defer_compute = true};
    struct world w;
    struct pair p;

    (void)state;
    world_open(&w, 2048, &settings, &settings);
    deliver_all_ways(&w);
    pair_handshake(&p, &w, START, 3);
    assert_int_equal(p.computes, 4);
    assert_proved(&p);
    pair_close(&p);
    world_close(&w);
}

/* A client whose whole first flight of two is there at once: nothing is lost in a suspension. */
static void test_suspended(void **state)
{
    const struct kp_settings settings = {.defer_compute = true};
    struct world w;
    struct pair p;

    (void)state;
    world_open(&w, 2048, &settings, &settings);
    pair_open(&p, &w, START, 5);
    p.withhold = true;
    pair_connect(&p, w.login, NULL, NULL);
    pair_run(&p);
    assert_int_equal(kp_conn_state(p.conn[KP_SERVER]), KP_HANDSHAKING | KP_NEED_CREDENTIAL);
    assert_int_equal(kp_conn_compute(p.conn[KP_SERVER]), KP_E_ARGUMENT);
    assert_int_equal(kp_conn_credential(p.conn[KP_SERVER], &w.credential), 0);
    assert_int_equal(kp_conn_state(p.conn[KP_SERVER]), KP_HANDSHAKING | KP_NEED_COMPUTE);
    assert_int_equal(kp_conn_credential(p.conn[KP_SERVER], &w.credential), KP_E_ARGUMENT);
    assert_int_equal(kp_conn_compute(p.conn[KP_SERVER]), 0);
    assert_int_equal(kp_conn_compute(p.conn[KP_SERVER]), KP_E_ARGUMENT);
    p.withhold = false;
    pair_run(&p);
    assert_proved(&p);
    pair_close(&p);
    world_close(&w);
}

/* The claimed name is there for the look-up, and is nobody's before the proof. */
static void test_claimed_name(void **state)
{
    struct pair p;
    size_t len;

    (void)state;
    pair_open(&p, &w2048, START, 5);
    p.withhold = true;
    pair_connect(&p, w2048.login, NULL, NULL);
    pair_run(&p);
    const char *name = kp_conn_user(p.conn[KP_SERVER], &len);
    assert_int_equal(len, strlen(ALICE));
    assert_memory_equal(name, ALICE, len);
    assert_null(info_of(&p, KP_SERVER).user);
    assert_null(info_of(&p, KP_CLIENT).user);
    assert_null(kp_conn_session(p.conn[KP_CLIENT]));
    pair_close(&p);
}

/* Names and salts of the longest kind. */
static void test_longest_name(void **state)
{
    struct kp_credential credential = w2048.credential;
    struct kp_login *login;
    char name[KP_NAME_MAX + 1];
    struct pair p;

    (void)state;
    memset(name, 'n', sizeof(name));
    assert_int_equal(kp_login_new(&login, w2048.context[KP_CLIENT], name, KP_NAME_MAX + 1,
                                  (const uint8_t *)"p", 1),
                     KP_E_NAME);
    assert_int_equal(
        kp_login_new(&login, w2048.context[KP_CLIENT], name, 0, (const uint8_t *)"p", 1),
        KP_E_NAME);
    assert_int_equal(
        kp_login_new(&login, w2048.context[KP_CLIENT], "a\0b", 3, (const uint8_t *)"p", 1),
        KP_E_NAME);
    assert_int_equal(
        kp_login_new(&login, w2048.context[KP_CLIENT], name, 1, (const uint8_t *)"", 0),
        KP_E_ARGUMENT);
    assert_int_equal(
        kp_login_new(&login, w2048.context[KP_CLIENT], name, KP_NAME_MAX, (const uint8_t *)"p", 1),
        0);
    struct kp_srp_verifier *verifier;
    uint8_t inner[KP_SRP_INNER_LEN];
    uint8_t v[KP_SRP_MAX_LEN];
    memset(credential.salt, 0x33, KP_SALT_MAX);
    credential.salt_len = KP_SALT_MAX;
    must(kp_srp_inner(w2048.crypto, (struct kp_span){(const uint8_t *)name, KP_NAME_MAX},
                      (struct kp_span){(const uint8_t *)"p", 1}, inner) == 0);
    must(kp_srp_make_verifier(w2048.group, w2048.crypto,
                              (struct kp_span){credential.salt, KP_SALT_MAX}, inner, v) == 0);
    must(kp_srp_verifier_new(&verifier, w2048.group, v, 256, false) == 0);
    credential.srp = verifier;
    pair_open(&p, &w2048, START, 1);
    p.withhold = true;
    pair_connect(&p, login, NULL, NULL);
    pair_run(&p);
    assert_int_equal(kp_conn_credential(p.conn[KP_SERVER], &credential), 0);
    pair_run(&p);
    assert_proved(&p);
    assert_int_equal(info_of(&p, KP_SERVER).user_len, KP_NAME_MAX);
    struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
    assert_non_null(session);
    kp_session_free(session);
    pair_close(&p);
    kp_srp_verifier_free(verifier);
    kp_login_free(login);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suites),       cmocka_unit_test(test_groups),
        cmocka_unit_test(test_deliveries),   cmocka_unit_test(test_deferred),
        cmocka_unit_test(test_suspended),    cmocka_unit_test(test_claimed_name),
        cmocka_unit_test(test_longest_name),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
