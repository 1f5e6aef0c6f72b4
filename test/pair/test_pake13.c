/*
 * Proves: two engines with one password reach KP_PROVED by TLS 1.3 with SPAKE2+, in both forms,
 * with each suite and group, by a full and by a resumed handshake, with a HelloRetryRequest and
 * without, however the bytes are delivered; and tell the truth about it.
 */
#include "checks.h"
#include "seal13.h"

#include <stdlib.h>

/* ---- Tastes, so that all suites and groups have their turn ------------------------------------
 */

static size_t suite_shift;
static size_t group_shift[2]; /* by role */
static struct world13 w;

const struct kp_suite *__real_kp_suite_at(size_t index);
const struct kp_suite *__wrap_kp_suite_at(size_t index);
uint16_t __real_kp_tls13_group(const struct kp_crypto *crypto, size_t index);
uint16_t __wrap_kp_tls13_group(const struct kp_crypto *crypto, size_t index);

const struct kp_suite *__wrap_kp_suite_at(size_t index)
{
    return __real_kp_suite_at(index < 3 ? (index + suite_shift) % 3 : index);
}

/* Both sides know the same groups; the first ones are not to one's taste. */
uint16_t __wrap_kp_tls13_group(const struct kp_crypto *crypto, size_t index)
{
    int role = crypto == w.world.context[KP_CLIENT]->crypto ? KP_CLIENT : KP_SERVER;

    return __real_kp_tls13_group(crypto, index + group_shift[role]);
}

static int close_world(void **state)
{
    (void)state;
    suite_shift = group_shift[0] = group_shift[1] = 0;
    world13_close(&w);
    return 0;
}

static int open_ietf(void **state)
{
    (void)state;
    world13_open(&w, NULL, NULL);
    return 0;
}

/* ---- Forms, suites, groups --------------------------------------------------------------------
 */

static void assert_full(const struct pair *p, unsigned form, uint16_t suite)
{
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        struct kp_info info = info_of(p, (enum kp_role)role);
        assert_int_equal(info.version, 0x0304);
        assert_string_equal(info.version_name, "TLSv1.3");
        assert_int_equal(info.suite, suite);
        assert_string_equal(info.suite_name, kp_suite_by_value(suite)->name);
        assert_string_equal(info.pake, form == KP_PAKE_IETF ? "ietf" : "boringssl");
        assert_int_equal(info.group != 0, form == KP_PAKE_IETF);
        assert_int_equal(info.group_name != NULL, form == KP_PAKE_IETF);
        assert_int_equal(info.group_bits, 0);
        assert_string_equal(info.user, ALICE);
        assert_int_equal(info.user_len, strlen(ALICE));
        assert_true(info.password_used);
        assert_false(info.resumed);
        assert_false(info.retried);
        assert_null(info.alpn);
        assert_null(info.server_name);
    }
    assert_int_equal(info_of(p, KP_CLIENT).ticket, form == KP_PAKE_IETF);
    assert_int_equal(info_of(p, KP_SERVER).proof_time, START);
    assert_int_equal(p->lookups, 1);
}

static void assert_resumed(const struct pair *p, uint16_t suite)
{
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        struct kp_info info = info_of(p, (enum kp_role)role);
        assert_int_equal(info.version, 0x0304);
        assert_int_equal(info.suite, suite);
        assert_null(info.pake);
        assert_int_not_equal(info.group, 0);
        assert_true(info.resumed);
        assert_false(info.password_used);
        assert_string_equal(info.user, ALICE);
    }
    assert_int_equal(info_of(p, KP_SERVER).proof_time, START);
    assert_int_equal(p->lookups, 1);
}

static void resume(uint16_t suite, struct kp_session *session)
{
    for (int with_login = 0; with_login <= 1; with_login++) {
        struct pair p;
        pair13_open(&p, &w, START + 100, 9);
        pair_connect(&p, with_login ? w.world.login : NULL, session, NULL);
        pair_run(&p);
        assert_both_proved(&p);
        assert_resumed(&p, suite);
        assert_talks(&p);
        pair_close(&p);
    }
}

static void test_forms_and_suites(void **state)
{
    static const uint16_t suites[] = {0x1301, 0x1303, 0x1302};

    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        for (unsigned versions = KP_USE_TLS13; versions <= 3; versions++) {
            open_form(&w, form, versions);
            for (suite_shift = 0; suite_shift < 3; suite_shift++) {
                struct pair p;
                pair13_handshake(&p, &w, START, 7);
                assert_both_proved(&p);
                assert_full(&p, form, suites[suite_shift]);
                assert_talks(&p);
                struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
                pair_close(&p);
                assert_int_equal(session != NULL, form == KP_PAKE_IETF);
                if (session != NULL)
                    resume(suites[suite_shift], session);
                kp_session_free(session);
            }
            close_world(NULL);
        }
    }
}

/* Each group offered and taken; and one that the server has not got is asked for again. */
static void test_groups(void **state)
{
    size_t groups = 0;

    (void)state;
    while (__real_kp_tls13_group(w.world.crypto, groups) != 0)
        groups++;
    assert_true(groups >= 2);
    for (size_t theirs = 0; theirs < groups; theirs++) {
        for (size_t ours = 0; ours < groups; ours++) {
            struct kp_session *session = NULL;
            group_shift[KP_CLIENT] = theirs;
            group_shift[KP_SERVER] = ours;
            /* Full, resumed; and both with a cookie, too. */
            for (int way = 0; way < 4; way++) {
                struct pair p;
                pair13_open(&p, &w, START, 7);
                if (way >= 2)
                    must(kp_conn_ask_cookie(p.conn[KP_SERVER]) == 0);
                pair_connect(&p, way % 2 ? NULL : w.world.login, way % 2 ? session : NULL, NULL);
                pair_run(&p);
                assert_both_proved(&p);
                size_t shift = ours > theirs ? ours : theirs;
                for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
                    struct kp_info info = info_of(&p, (enum kp_role)role);
                    assert_int_equal(info.group, __real_kp_tls13_group(w.world.crypto, shift));
                    assert_int_equal(info.retried, ours > theirs || way >= 2);
                    assert_int_equal(info.resumed, way % 2);
                }
                assert_talks(&p);
                kp_session_free(session);
                session = kp_conn_session(p.conn[KP_CLIENT]);
                pair_close(&p);
            }
            kp_session_free(session);
        }
    }
    /* No group in common: a client without secp256r1 and a server with it alone. */
    group_shift[KP_CLIENT] = 0;
    group_shift[KP_SERVER] = groups - 1;
    struct pair p;
    pair13_open(&p, &w, START, 7);
    pair_connect(&p, w.world.login, NULL, NULL);
    pair_hello_without(&p, 10);
    pair_hello_with(&p, 10, "\x00\x02\x00\x1D", 4);
    pair_hello_without(&p, 51);
    pair_hello_with(&p, 51, "\x00\x00", 2);
    pair_hello_suites(&p, "\x13\x01", 2);
    pair_run(&p);
    assert_ended(&p, KP_SERVER, KP_E_NO_GROUP, 40);
    pair_close(&p);
}

/* ---- Ways of delivery ---------------------------------------------------------------------- */

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

static void run_delivered(struct pair *p, const struct delivery *d,
                          const struct kp_session *session, bool retry, uint64_t seed)
{
    struct bytes held[2] = {{0}};

    pair13_open(p, &w, START, seed);
    p->chunk = d->chunk;
    p->edit = d->edit;
    p->edit_arg = held;
    if (retry)
        must(kp_conn_ask_cookie(p->conn[KP_SERVER]) == 0);
    pair_connect(p, w.world.login, session, "printer.example");
    pair_run(p);
    p->edit_arg = NULL;
    if (pair_error(p, KP_CLIENT) != 0 || pair_error(p, KP_SERVER) != 0)
        fail_msg("%s", d->name);
    assert_both_proved(p);
    assert_string_equal(info_of(p, KP_SERVER).server_name, "printer.example");
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        struct kp_info info = info_of(p, (enum kp_role)role);
        assert_int_equal(info.retried, retry);
        assert_int_equal(info.resumed, session != NULL);
    }
    p->edit = NULL;
    assert_talks(p);
}

static void deliver_all_ways(void)
{
    for (size_t i = 0; i < 2 * COUNT(deliveries); i++) {
        const struct delivery *d = &deliveries[i / 2];
        struct pair p;
        run_delivered(&p, d, NULL, i % 2 == 1, i);
        struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
        pair_close(&p);
        if (session == NULL)
            continue;
        run_delivered(&p, d, session, i % 2 == 1, i);
        pair_close(&p);
        kp_session_free(session);
    }
}

static void test_deliveries(void **state)
{
    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        open_form(&w, form, 0);
        deliver_all_ways();
        close_world(NULL);
    }
}

/* All sealed messages of a flight in one record, and each in records of one byte. */
static void hold_back(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    struct bytes *held = r->arg;

    bytes_add(held, message, len);
    if (message[0] != KP_FINISHED)
        return;
    bytes_add(out, held->data, held->len);
    bytes_free(held);
}

static void cut_small(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    struct bytes *held = r->arg;

    for (size_t i = 0; i + 1 < len; i++)
        seal13(&r->seal, KP_HANDSHAKE, message + i, 1, i % 3, held);
    bytes_add(out, message + len - 1, 1);
}

/* As edit_rewrite, with the records that cut_small made in front. */
static void edit_cut_small(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                           struct bytes *out)
{
    struct rewrite *r = p->edit_arg;
    struct bytes *held = r->arg;
    struct bytes last = {0};

    edit_rewrite(p, from, record, len, &last);
    bytes_add(out, held->data, held->len);
    bytes_add(out, last.data, last.len);
    bytes_free(held);
    bytes_free(&last);
}

static void test_sealed_deliveries(void **state)
{
    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        open_form(&w, form, 0);
        for (int i = 0; i < 4; i++) {
            enum kp_role from = i < 2 ? KP_SERVER : KP_CLIENT;
            struct bytes held = {0};
            struct rewrite r = {
                .from = from, .message = i % 2 ? cut_small : hold_back, .arg = &held};
            struct pair p;
            pair13_open(&p, &w, START, 3);
            p.edit = i % 2 ? edit_cut_small : edit_rewrite;
            p.edit_arg = &r;
            pair_connect(&p, w.world.login, NULL, NULL);
            pair_run(&p);
            assert_both_proved(&p);
            assert_int_equal(r.seen, from == KP_SERVER ? 2 : 1);
            p.edit = NULL;
            assert_talks(&p);
            rewrite_clear(&r);
            bytes_free(&held);
            pair_close(&p);
        }
        close_world(NULL);
    }
}

/* ---- Suspensions --------------------------------------------------------------------------- */

static void test_deferred(void **state)
{
    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        const struct kp_settings client = {.defer_compute = true, .pake = form};
        const struct kp_settings server = {.defer_compute = true};
        struct pair p;
        world13_open(&w, &client, &server);
        deliver_all_ways();
        /* The client's shares, the server's whole part, the client's second half. */
        pair13_handshake(&p, &w, START, 3);
        assert_int_equal(p.computes, 3);
        assert_both_proved(&p);
        pair_close(&p);
        close_world(NULL);
    }
}

static void test_suspended(void **state)
{
    const struct kp_settings settings = {.defer_compute = true};
    struct pair p;
    size_t len;

    (void)state;
    world13_open(&w, &settings, &settings);
    pair13_open(&p, &w, START, 5);
    p.withhold = true;
    pair_connect(&p, w.world.login, NULL, NULL);
    assert_int_equal(kp_conn_state(p.conn[KP_CLIENT]), KP_HANDSHAKING | KP_NEED_COMPUTE);
    assert_int_equal(kp_conn_compute(p.conn[KP_CLIENT]), 0);
    pair_run(&p);
    struct kp_conn *server = p.conn[KP_SERVER];
    assert_int_equal(kp_conn_state(server), KP_HANDSHAKING | KP_NEED_CREDENTIAL);
    const char *name = kp_conn_user(server, &len);
    assert_int_equal(len, strlen(ALICE));
    assert_memory_equal(name, ALICE, len);
    assert_null(info_of(&p, KP_SERVER).user);
    assert_null(info_of(&p, KP_CLIENT).user);
    assert_false(info_of(&p, KP_SERVER).password_used);
    assert_int_equal(kp_conn_compute(server), KP_E_ARGUMENT);
    struct kp_credential none = w.world.credential;
    none.spake2plus = NULL;
    assert_int_equal(kp_conn_credential(server, &none), KP_E_ARGUMENT);
    assert_int_equal(kp_conn_credential(server, &w.world.credential), 0);
    assert_int_equal(kp_conn_state(server), KP_HANDSHAKING | KP_NEED_COMPUTE);
    assert_int_equal(kp_conn_credential(server, &w.world.credential), KP_E_ARGUMENT);
    assert_int_equal(kp_conn_compute(server), 0);
    assert_int_equal(kp_conn_compute(server), KP_E_ARGUMENT);
    pair_run(&p);
    /* ServerHello is there: not before this has the password been used. */
    assert_true(info_of(&p, KP_SERVER).password_used);
    assert_false(info_of(&p, KP_CLIENT).password_used);
    assert_int_equal(kp_conn_state(p.conn[KP_CLIENT]), KP_HANDSHAKING | KP_NEED_COMPUTE);
    p.withhold = false;
    pair_run(&p);
    assert_both_proved(&p);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_and_suites),
        cmocka_unit_test_setup_teardown(test_groups, open_ietf, close_world),
        cmocka_unit_test(test_deliveries),
        cmocka_unit_test(test_sealed_deliveries),
        cmocka_unit_test(test_deferred),
        cmocka_unit_test_teardown(test_suspended, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
