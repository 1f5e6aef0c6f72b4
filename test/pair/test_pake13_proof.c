/*
 * Proves, for TLS 1.3: a wrong password, an unknown name, another device and a simulated user all
 * end as a failed proof on both sides, told by the client alone, in the clear, with the alert of
 * its form; nobody can tell them apart by lengths or look-ups; and both sides know that a guess was
 * spent.
 */
#include "checks.h"
#include "seal13.h"

static struct world13 w;

static int close_world(void **state)
{
    (void)state;
    world13_close(&w);
    return 0;
}

static int alert_of(unsigned form)
{
    return form == KP_PAKE_IETF ? 51 : 47;
}

/* ---- What a failure looks like ----------------------------------------------------------------
 */

/* The last record of a side. */
static const uint8_t *last_record(const struct bytes *wire, size_t *len)
{
    size_t at = 0;
    size_t last = 0;

    while (at < wire->len) {
        last = at;
        at += KP_HEADER_LEN + (size_t)(wire->data[at + 3] << 8 | wire->data[at + 4]);
    }
    *len = wire->len - last;
    return wire->data + last;
}

static void assert_failed_proof(const struct pair *p, unsigned form)
{
    size_t len;
    const uint8_t *record = last_record(&p->wire[KP_CLIENT], &len);
    const uint8_t alert[] = {KP_ALERT, 3, 3, 0, 2, 2, (uint8_t)alert_of(form)};

    assert_ended(p, KP_CLIENT, KP_E_PROOF, alert_of(form));
    assert_ended(p, KP_SERVER, KP_E_PROOF, -1);
    assert_int_equal(kp_conn_peer_alert(p->conn[KP_SERVER]), alert_of(form));
    assert_int_equal(kp_conn_peer_alert(p->conn[KP_CLIENT]), -1);
    assert_int_equal(len, sizeof(alert));
    assert_memory_equal(record, alert, sizeof(alert));
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        struct kp_info info = info_of(p, (enum kp_role)role);
        assert_true(info.password_used);
        assert_null(info.user);
        assert_false(pair_proved(p, (enum kp_role)role));
        assert_true(kp_conn_state(p->conn[role]) & KP_CLOSED);
    }
}

/* By login; credential NULL: the name isn't there. */
static void run_failure(struct pair *p, const struct kp_login *login,
                        const struct kp_credential *credential, bool retry)
{
    pair13_open(p, &w, START, 5);
    p->alice = credential;
    if (retry)
        must(kp_conn_ask_cookie(p->conn[KP_SERVER]) == 0);
    pair_connect(p, login, NULL, NULL);
    pair_run(p);
}

#define LAST_ALERT (KP_HEADER_LEN + 2)

static void test_wrong_and_unknown(void **state)
{
    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        open_form(&w, form, 0);
        for (int retry = 0; retry <= 1; retry++) {
            const struct {
                const struct kp_login *login;
                const struct kp_credential *credential;
            } cases[] = {{w.world.wrong, &w.world.credential},
                         {w.world.unknown, &w.world.credential},
                         {w.world.login, NULL}};
            size_t lens[2] = {0, 0};
            for (size_t i = 0; i < COUNT(cases); i++) {
                struct pair p;
                run_failure(&p, cases[i].login, cases[i].credential, retry);
                assert_failed_proof(&p, form);
                assert_int_equal(p.lookups, 1);
                for (int role = KP_CLIENT; i > 0 && role <= KP_SERVER; role++)
                    assert_int_equal(p.wire[role].len, lens[role]);
                lens[0] = p.wire[0].len;
                lens[1] = p.wire[1].len;
                pair_close(&p);
            }
            /* Nor does the flight to somebody who has the right password. */
            struct pair p;
            pair13_open(&p, &w, START, 5);
            if (retry)
                must(kp_conn_ask_cookie(p.conn[KP_SERVER]) == 0);
            p.limit[KP_CLIENT] = lens[KP_CLIENT] - LAST_ALERT;
            pair_connect(&p, w.world.login, NULL, NULL);
            pair_run(&p);
            assert_int_equal(p.wire[KP_SERVER].len, lens[KP_SERVER]);
            pair_close(&p);
        }
        close_world(NULL);
    }
}

/* The server's flight says nothing twice: share and confirmation are fresh, known user or not. */
static void test_fresh_shares(void **state)
{
    (void)state;
    open_form(&w, KP_PAKE_IETF, 0);
    for (int known = 0; known <= 1; known++) {
        uint8_t share[2][KP_POINT_LEN];
        uint8_t confirm[2][KP_SPAKE2PLUS_CONFIRM_LEN];
        for (int i = 0; i < 2; i++) {
            struct pair p;
            pair13_open(&p, &w, START, 5 + (uint64_t)i);
            p.alice = known ? &w.world.credential : NULL;
            p.cut[KP_SERVER] = true;
            pair_connect(&p, w.world.login, NULL, NULL);
            pair_run(&p);
            memcpy(share[i], p.conn[KP_SERVER]->handshake->t13.share_v, KP_POINT_LEN);
            memcpy(confirm[i], p.conn[KP_SERVER]->handshake->t13.confirm_v, sizeof(confirm[i]));
            pair_close(&p);
        }
        assert_memory_not_equal(share[0] + 1, share[1] + 1, KP_POINT_LEN - 1);
        assert_memory_not_equal(confirm[0], confirm[1], sizeof(confirm[0]));
    }
}

/* ---- Another device ------------------------------------------------------------------------ */

/* The login was made for another device, or the client says that it was. */
static void test_other_device(void **state)
{
    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        static const char *const devices[] = {"heating-4712", "heating-471", "heating-47110", ""};
        for (size_t i = 0; i < COUNT(devices); i++) {
            struct pair p;
            open_form(&w, form, 0);
            struct kp_login *login = w.world.login;
            login->device_id_len = strlen(devices[i]);
            memcpy(login->device_id, devices[i], login->device_id_len);
            run_failure(&p, login, &w.world.credential, false);
            assert_failed_proof(&p, form);
            assert_int_equal(p.lookups, 1);
            pair_close(&p);
            close_world(NULL);
        }
    }
}

/* A client with the right secret, that names another device in its hello alone and does not mind
 * what comes back: a record of a right Finished proves nothing then. */
static void test_foreign_device_never_proves(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct pair p;
        open_form(&w, KP_PAKE_IETF, 0);
        pair13_open(&p, &w, START, 5);
        struct kp_credential credential = w.world.credential;
        /* Simulated, and yet with the verifier that the client's password fits. */
        credential.spake2plus_simulated = kind == 0;
        p.alice = &credential;
        p.withhold = true;
        pair_connect(&p, w.world.login, NULL, NULL);
        pair_run(&p);
        p.conn[KP_SERVER]->handshake->proves_nothing = kind == 1;
        p.withhold = false;
        pair_run(&p);
        /* The client has its proof; the server doesn't. */
        assert_true(pair_proved(&p, KP_CLIENT));
        assert_false(pair_proved(&p, KP_SERVER));
        assert_ended(&p, KP_SERVER, KP_E_PROOF, 20);
        assert_ended(&p, KP_CLIENT, KP_E_PEER_ALERT, -1);
        assert_null(info_of(&p, KP_SERVER).user);
        assert_null(kp_conn_session(p.conn[KP_CLIENT]));
        pair_close(&p);
        close_world(NULL);
    }
}

/* Names of any length and bytes are claimed and looked up as they are. */
static void test_long_identity(void **state)
{
    static char name[6000];

    (void)state;
    open_form(&w, KP_PAKE_BORINGSSL, KP_USE_TLS13);
    memset(name, 'n', sizeof(name));
    for (size_t len = 0; len <= sizeof(name); len += 1500) {
        uint8_t head[2] = {(uint8_t)(len >> 8), (uint8_t)len};
        struct kp_client_hello hello;
        struct kp_pake_offer offer;
        struct bytes body = {0};
        const uint8_t *message;
        size_t message_len;
        struct pair p;
        pair13_open(&p, &w, START, 5);
        pair_connect(&p, w.world.login, NULL, NULL);
        pair_hello(&p, &hello, &message, &message_len);
        must(kp_pake_offer_parse(hello.ext.raw_pake, &offer) == 0);
        bytes_add(&body, head, 2);
        bytes_add(&body, name, len);
        bytes_add(&body, hello.ext.raw_pake.data + 2 + offer.client_identity.len,
                  hello.ext.raw_pake.len - 2 - offer.client_identity.len);
        pair_hello_without(&p, KP_PAKE_EXTENSION);
        pair_hello_with(&p, KP_PAKE_EXTENSION, body.data, body.len);
        p.withhold = true;
        pair_run(&p);
        size_t got;
        const char *user = kp_conn_user(p.conn[KP_SERVER], &got);
        assert_int_equal(got, len);
        assert_memory_equal(user, name, len);
        assert_int_equal(user[len], 0);
        p.withhold = false;
        pair_run(&p);
        assert_failed_proof(&p, KP_PAKE_BORINGSSL);
        bytes_free(&body);
        pair_close(&p);
    }
}

/* ---- How a server takes what comes instead of Finished ----------------------------------------
 */

/* Alerts that say "your confirmation is wrong", and others; in the clear and sealed; and garbage.
 */
static void test_alerts_instead(void **state)
{
    static const struct {
        uint8_t alert;
        int error;
    } cases[] = {{51, KP_E_PROOF},      {47, KP_E_PROOF},      {20, KP_E_PROOF},
                 {40, KP_E_PEER_ALERT}, {80, KP_E_PEER_ALERT}, {90, KP_E_TRUNCATED},
                 {0, KP_E_TRUNCATED}};

    (void)state;
    open_form(&w, KP_PAKE_IETF, 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (unsigned level = 1; level <= 2; level++) {
            for (int sealed = 0; sealed <= 1; sealed++) {
                const uint8_t body[] = {(uint8_t)level, cases[i].alert};
                struct bytes record = {0};
                struct pair p;
                pair13_open(&p, &w, START, 5);
                p.cut[KP_SERVER] = true;
                pair_connect(&p, w.world.login, NULL, NULL);
                pair_run(&p);
                if (sealed)
                    pair13_seal_early(&p, KP_CLIENT, KP_ALERT, body, 2);
                bytes_record(&record, KP_ALERT, KP_TLS12, body, 2);
                if (!sealed)
                    pair_inject(&p, KP_CLIENT, record.data, record.len);
                pair_run(&p);
                pair_end(&p);
                assert_ended(&p, KP_SERVER, cases[i].error, -1);
                assert_true(info_of(&p, KP_SERVER).password_used);
                assert_false(pair_proved(&p, KP_SERVER));
                bytes_free(&record);
                pair_close(&p);
            }
        }
    }
}

static void test_nothing_or_garbage(void **state)
{
    static const uint8_t garbage[KP_HEADER_LEN + 53] = {KP_APPLICATION, 3, 3, 0, 53};

    (void)state;
    open_form(&w, KP_PAKE_BORINGSSL, 0);
    for (int sent = 0; sent <= 1; sent++) {
        struct pair p;
        pair13_open(&p, &w, START, 5);
        p.cut[KP_SERVER] = true;
        pair_connect(&p, w.world.login, NULL, NULL);
        pair_run(&p);
        if (sent)
            pair_inject(&p, KP_CLIENT, garbage, sizeof(garbage));
        pair_run(&p);
        pair_end(&p);
        assert_ended(&p, KP_SERVER, sent ? KP_E_PROOF : KP_E_TRUNCATED, sent ? 20 : -1);
        assert_true(info_of(&p, KP_SERVER).password_used);
        pair_close(&p);
    }
}

/* Finished of another length, or one bit away. */
static void spoil(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    const int *kind = r->arg;
    uint8_t copy[64];

    must(len < sizeof(copy));
    memcpy(copy, message, len);
    if (message[0] != KP_FINISHED) {
        bytes_add(out, message, len);
        return;
    }
    if (*kind == 0)
        copy[len - 1] ^= 0x80;
    if (*kind == 1)
        copy[3]--;
    if (*kind == 2)
        copy[3]++;
    bytes_add(out, copy, *kind == 1 ? len - 1 : len);
    if (*kind == 2)
        bytes_add(out, "", 1);
}

static void test_finished(void **state)
{
    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        open_form(&w, form, 0);
        for (int i = 0; i < 6; i++) {
            int kind = i / 2;
            enum kp_role from = i % 2 ? KP_CLIENT : KP_SERVER;
            struct rewrite r = {.from = from, .message = spoil, .arg = &kind};
            struct pair p;
            pair13_open(&p, &w, START, 5);
            p.edit = edit_rewrite;
            p.edit_arg = &r;
            pair_connect(&p, w.world.login, NULL, NULL);
            pair_run(&p);
            assert_ended(&p, other_role(from), kind == 0 ? KP_E_FINISHED : KP_E_DECODE,
                         kind == 0 ? 51 : 50);
            assert_false(pair_proved(&p, other_role(from)));
            assert_true(info_of(&p, KP_CLIENT).password_used);
            assert_true(info_of(&p, KP_SERVER).password_used);
            rewrite_clear(&r);
            pair_close(&p);
        }
        close_world(NULL);
    }
}

/* A caller whose look-up cuts a name at its NUL, or makes a user of none, proves nobody: whatever
 * the client knows. */
static void test_no_name(void **state)
{
    static const size_t lens[] = {0, 6, 7, 200};

    (void)state;
    open_form(&w, KP_PAKE_IETF, KP_USE_TLS13);
    for (size_t i = 0; i < COUNT(lens); i++) {
        struct kp_login *login = w.world.login;
        struct pair p;
        memset(login->name + strlen(ALICE), 0, sizeof(login->name) - strlen(ALICE));
        login->name_len = lens[i];
        pair13_open(&p, &w, START, 5);
        p.withhold = true;
        pair_connect(&p, login, NULL, NULL);
        pair_run(&p);
        must(kp_conn_credential(p.conn[KP_SERVER], &w.world.credential) == 0);
        p.withhold = false;
        pair_run(&p);
        assert_true(pair_proved(&p, KP_CLIENT));
        assert_ended(&p, KP_SERVER, KP_E_PROOF, 20);
        login->name_len = strlen(ALICE);
        pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_and_unknown),
        cmocka_unit_test_teardown(test_fresh_shares, close_world),
        cmocka_unit_test(test_other_device),
        cmocka_unit_test(test_foreign_device_never_proves),
        cmocka_unit_test_teardown(test_long_identity, close_world),
        cmocka_unit_test_teardown(test_no_name, close_world),
        cmocka_unit_test_teardown(test_alerts_instead, close_world),
        cmocka_unit_test_teardown(test_nothing_or_garbage, close_world),
        cmocka_unit_test(test_finished),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
