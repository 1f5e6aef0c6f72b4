/*
 * Proves: which version and form come of what both sides are set to, and that nothing else is tried
 * silently: a server never takes a form or version that it was not given, nor does a client.
 */
#include "checks.h"

static struct world13 w;

/* ---- Versions ------------------------------------------------------------------------------ */

/* With versions of both sides; 0 where no handshake comes of it. */
static uint16_t picked(unsigned client, unsigned server, bool prefer_tls12, bool device)
{
    const struct kp_settings ours = {.versions = client};
    const struct kp_settings theirs = {.versions = server};
    uint16_t version = 0;
    struct pair p;

    world13_open(&w, &ours, &theirs);
    w.world.login->has_device = device;
    pair13_open(&p, &w, START, 3);
    if (prefer_tls12)
        assert_int_equal(kp_conn_prefer_tls12(p.conn[KP_SERVER]), 0);
    int err = kp_conn_connect(p.conn[KP_CLIENT], w.world.login, NULL, NULL);
    if (err == 0)
        pair_run(&p);
    else
        assert_int_equal(err, KP_E_ARGUMENT);
    if (pair_proved(&p, KP_CLIENT)) {
        assert_both_proved(&p);
        version = info_of(&p, KP_CLIENT).version;
        assert_int_equal(info_of(&p, KP_SERVER).version, version);
        assert_talks(&p);
    } else {
        assert_false(pair_proved(&p, KP_SERVER));
        assert_false(info_of(&p, KP_SERVER).password_used);
        assert_false(info_of(&p, KP_CLIENT).password_used);
    }
    pair_close(&p);
    world13_close(&w);
    return version;
}

static void test_versions(void **state)
{
    (void)state;
    for (unsigned client = 0; client <= 3; client++) {
        for (unsigned server = 0; server <= 3; server++) {
            unsigned both = (client ? client : 3) & (server ? server : 3);
            uint16_t best = both & KP_USE_TLS13 ? KP_TLS13 : both ? KP_TLS12 : 0;
            assert_int_equal(picked(client, server, false, true), best);
            /* Who has no device id can't do TLS 1.3. */
            assert_int_equal(picked(client, server, false, false),
                             both & KP_USE_TLS12 ? KP_TLS12 : 0);
            /* Preferred is what the client can: one that speaks 1.3 alone gets that. */
            bool either = (both & KP_USE_TLS12) != 0;
            assert_int_equal(picked(client, server, true, true), either ? KP_TLS12 : best);
        }
    }
}

/* How each side learns that there is nothing in common. */
static void test_no_version(void **state)
{
    for (int client13 = 0; client13 <= 1; client13++) {
        const struct kp_settings ours = {.versions = client13 ? KP_USE_TLS13 : KP_USE_TLS12};
        const struct kp_settings theirs = {.versions = client13 ? KP_USE_TLS12 : KP_USE_TLS13};
        struct pair p;
        (void)state;
        world13_open(&w, &ours, &theirs);
        pair13_handshake(&p, &w, START, 3);
        assert_ended(&p, KP_SERVER, KP_E_VERSION, 70);
        assert_ended(&p, KP_CLIENT, KP_E_NO_SRP_SERVER, -1);
        pair_close(&p);
        world13_close(&w);
    }
}

/* A server that was not asked for TLS 1.2 and yet picks it. */
static void test_only_tls12(void **state)
{
    const struct kp_settings ours = {.versions = KP_USE_TLS13};
    const struct kp_settings theirs = {.versions = KP_USE_TLS12};
    struct pair p;

    (void)state;
    world13_open(&w, &ours, &theirs);
    pair13_open(&p, &w, START, 3);
    pair_connect(&p, w.world.login, NULL, NULL);
    pair_hello_suites(&p, "\xC0\x20", 2);
    pair_hello_without(&p, 43);
    pair_hello_with(&p, 12,
                    "\x05"
                    "alice",
                    6);
    pair_hello_with(&p, 22, "", 0);
    pair_hello_with(&p, 23, "", 0);
    pair_run(&p);
    assert_ended(&p, KP_CLIENT, KP_E_ONLY_TLS12, 70);
    assert_false(info_of(&p, KP_CLIENT).password_used);
    pair_close(&p);
    world13_close(&w);
}

/* RFC 7507: who fell back to 1.2 is told, when we speak 1.3. */
static void test_fallback(void **state)
{
    (void)state;
    for (unsigned versions = 1; versions <= 3; versions++) {
        const struct kp_settings ours = {.versions = KP_USE_TLS12};
        const struct kp_settings theirs = {.versions = versions};
        struct pair p;
        world13_open(&w, &ours, &theirs);
        pair13_open(&p, &w, START, 3);
        pair_connect(&p, w.world.login, NULL, NULL);
        pair_hello_suites(&p, "\xC0\x20\x56\x00", 4);
        pair_run(&p);
        assert_ended(&p, KP_SERVER, versions == KP_USE_TLS12 ? 0 : KP_E_FALLBACK,
                     versions == KP_USE_TLS12 ? -1 : 86);
        pair_close(&p);
        world13_close(&w);
    }
}

/* Before the first byte, on a server, and on nothing else. */
static void test_when(void **state)
{
    struct pair p;

    (void)state;
    world13_open(&w, NULL, NULL);
    pair13_open(&p, &w, START, 3);
    assert_int_equal(kp_conn_prefer_tls12(p.conn[KP_CLIENT]), KP_E_ARGUMENT);
    assert_int_equal(kp_conn_ask_cookie(p.conn[KP_CLIENT]), KP_E_ARGUMENT);
    pair_connect(&p, w.world.login, NULL, NULL);
    p.limit[KP_CLIENT] = 1;
    pair_run(&p);
    assert_int_equal(kp_conn_prefer_tls12(p.conn[KP_SERVER]), KP_E_ARGUMENT);
    assert_int_equal(kp_conn_ask_cookie(p.conn[KP_SERVER]), KP_E_ARGUMENT);
    p.limit[KP_CLIENT] = 0;
    pair_run(&p);
    assert_both_proved(&p);
    assert_int_equal(kp_conn_ask_cookie(p.conn[KP_SERVER]), KP_E_ARGUMENT);
    pair_close(&p);
    world13_close(&w);
}

/* Cookies are TLS 1.3's: a client of TLS 1.2 isn't asked. */
static void test_cookie_and_tls12(void **state)
{
    const struct kp_settings ours = {.versions = KP_USE_TLS12};
    struct pair p;

    (void)state;
    world13_open(&w, &ours, NULL);
    pair13_open(&p, &w, START, 3);
    assert_int_equal(kp_conn_ask_cookie(p.conn[KP_SERVER]), 0);
    pair_connect(&p, w.world.login, NULL, NULL);
    pair_run(&p);
    assert_both_proved(&p);
    assert_int_equal(info_of(&p, KP_SERVER).version, KP_TLS12);
    assert_false(info_of(&p, KP_SERVER).retried);
    pair_close(&p);
    world13_close(&w);
}

/* ---- Forms --------------------------------------------------------------------------------- */

static void test_forms(void **state)
{
    (void)state;
    for (unsigned client = KP_PAKE_IETF; client <= KP_PAKE_BORINGSSL; client++) {
        for (unsigned server = 0; server <= 3; server++) {
            const struct kp_settings ours = {.versions = KP_USE_TLS13, .pake = client};
            const struct kp_settings theirs = {.versions = KP_USE_TLS13, .pake = server};
            struct pair p;
            world13_open(&w, &ours, &theirs);
            pair13_handshake(&p, &w, START, 3);
            if (server == 0 || (server & client) != 0) {
                assert_both_proved(&p);
                assert_string_equal(info_of(&p, KP_SERVER).pake,
                                    client == KP_PAKE_IETF ? "ietf" : "boringssl");
            } else if (server == KP_PAKE_IETF) {
                assert_ended(&p, KP_SERVER, KP_E_MISSING, 109);
                assert_ended(&p, KP_CLIENT, KP_E_NO_SRP_SERVER, -1);
                assert_false(info_of(&p, KP_SERVER).password_used);
            } else {
                /* It passes over key_share and answers in its own form: the client, which has the
                 * other, has nothing to check it with. */
                assert_ended(&p, KP_CLIENT, KP_E_MISSING, 109);
                assert_false(pair_proved(&p, KP_SERVER));
                assert_false(info_of(&p, KP_CLIENT).password_used);
            }
            pair_close(&p);
            world13_close(&w);
        }
    }
}

static void test_settings(void **state)
{
    const struct kp_settings bad[] = {
        {.versions = 4},
        {.versions = 7},
        {.pake = 4},
        {.pake = KP_PAKE_IETF | KP_PAKE_BORINGSSL},
        {.role = KP_SERVER, .pake = 8},
        {.role = KP_SERVER, .versions = 8},
    };
    struct kp_context *context;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(kp_context_new(&context, &bad[i]), KP_E_ARGUMENT);
        assert_null(context);
    }
    const struct kp_settings many = {.key_update_records = UINT32_MAX};
    assert_int_equal(kp_context_new(&context, &many), 0);
    assert_int_equal(context->key_update_records, 1u << 24);
    kp_context_free(context);
}

/* ---- The login's device -------------------------------------------------------------------- */

static void test_login_device(void **state)
{
    static uint8_t id[KP_DEVICE_ID_MAX + 1];
    const uint8_t password[] = "p";
    struct kp_login *login;

    (void)state;
    world13_open(&w, NULL, NULL);
    must(kp_login_new(&login, w.world.context[KP_CLIENT], "a", 1, password, 1) == 0);
    assert_int_equal(kp_login_device(login, password, 0, id, 1), KP_E_ARGUMENT);
    assert_int_equal(kp_login_device(login, password, 1, id, sizeof(id)), KP_E_ARGUMENT);
    assert_false(login->has_device);
    assert_int_equal(kp_login_device(login, password, 1, id, KP_DEVICE_ID_MAX), 0);
    assert_true(login->has_device);
    assert_int_equal(kp_login_device(login, password, 1, id, 1), KP_E_ARGUMENT);
    kp_login_free(login);
    world13_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),     cmocka_unit_test(test_no_version),
        cmocka_unit_test(test_only_tls12),   cmocka_unit_test(test_fallback),
        cmocka_unit_test(test_when),         cmocka_unit_test(test_cookie_and_tls12),
        cmocka_unit_test(test_forms),        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_login_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
