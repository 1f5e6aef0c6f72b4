/*
 * Proves, by connections of TLS 1.3: ChangeCipherSpec of one byte 01 is dropped from the first
 * ClientHello to the peer's Finished, and no other and nowhere else (RFC 8446 5); application data
 * before the proof and messages out of order are unexpected_message; nothing is said before the
 * proof.
 */
#include "checks.h"
#include "seal13.h"

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

/* Ways to the proof: full, resumed, and both with a HelloRetryRequest. */
enum { RESUMED = 1, RETRIED = 2, WAYS = 4 };

static void begin(struct pair *p, unsigned way)
{
    pair13_open(p, &w, START, 11);
    if (way & RETRIED)
        must(kp_conn_ask_cookie(p->conn[KP_SERVER]) == 0);
}

static void go_on(struct pair *p, unsigned way)
{
    pair_connect(p, w.world.login, way & RESUMED ? session : NULL, NULL);
    pair_run(p);
}

/* ---- Something at each record of each side ----------------------------------------------------
 */

/* Before the n-th record of one side, once or more often, or instead of it. */
struct at_record {
    enum kp_role from;
    size_t n;
    size_t seen;
    bool replace;
    unsigned times;
    uint8_t type;
    uint8_t body[8];
    size_t len;
    bool done;
    bool proved; /* the one who got it was proved before */
};

static void edit_at_record(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                           struct bytes *out)
{
    struct at_record *a = p->edit_arg;

    if (from == a->from && a->seen++ == a->n) {
        a->done = true;
        a->proved = pair_proved(p, other_role(from));
        for (unsigned i = 0; i < a->times; i++)
            bytes_record(out, a->type, KP_TLS12, a->body, a->len);
        if (a->replace)
            return;
    }
    bytes_add(out, record, len);
}

/* False when that side has no n-th record. */
static bool disturb(struct at_record *a, unsigned way, int expected)
{
    enum kp_role to = other_role(a->from);
    struct pair p;

    a->times = a->times == 0 ? 1 : a->times;
    begin(&p, way);
    p.edit = edit_at_record;
    p.edit_arg = a;
    go_on(&p, way);
    if (a->done && expected == 0) {
        assert_both_proved(&p);
        assert_talks(&p);
    } else if (a->done) {
        if (pair_error(&p, to) != expected)
            fail_msg("way %u, record %zu of role %d: error %d, not %d", way, a->n, a->from,
                     pair_error(&p, to), expected);
        assert_int_equal(kp_conn_sent_alert(p.conn[to]), 10);
        assert_int_equal(pair_proved(&p, to), a->proved);
        assert_int_equal(p.heard[to].len, 0);
    }
    pair_close(&p);
    return a->done;
}

/* How many records a side has before, and as, its last of the handshake: ClientHello (another one),
 * CCS, Finished; HelloRetryRequest, ServerHello, CCS, EncryptedExtensions, Finished, then a ticket.
 */
static size_t handshake_records(enum kp_role from, unsigned way)
{
    size_t more = way & RETRIED ? 1 : 0;

    return from == KP_CLIENT ? 3 + more : 4 + more;
}

static void test_ccs_dropped(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (unsigned way = 0; way < WAYS; way++) {
            for (size_t n = 0; n < handshake_records((enum kp_role)from, way); n++) {
                struct at_record a = {
                    .from = (enum kp_role)from, .n = n, .type = KP_CCS, .body = {1}, .len = 1};
                /* A server has no ClientHello yet. */
                bool early = from == KP_CLIENT && n == 0;
                assert_true(disturb(&a, way, early ? KP_E_UNEXPECTED : 0));
            }
        }
    }
}

static void test_ccs_of_other_bytes(void **state)
{
    static const struct {
        uint8_t body[2];
        size_t len;
    } wrong[] = {{{0}, 1}, {{2}, 1}, {{1, 1}, 2}, {{0}, 0}};

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
            for (unsigned way = 0; way < WAYS; way++) {
                size_t n = from == KP_CLIENT ? 1 : 0;
                for (; n < handshake_records((enum kp_role)from, way); n++) {
                    struct at_record a = {
                        .from = (enum kp_role)from, .n = n, .type = KP_CCS, .len = wrong[i].len};
                    memcpy(a.body, wrong[i].body, 2);
                    assert_true(disturb(&a, way, KP_E_UNEXPECTED));
                }
            }
        }
    }
}

/* Both sides have one of their own to drop, but for the client that was refused one. */
static void test_ccs_flood(void **state)
{
    enum { TOLERATED = 8 };

    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (unsigned times = TOLERATED - 1; times <= TOLERATED; times++) {
            struct at_record a = {.from = (enum kp_role)from,
                                  .n = 1,
                                  .times = times,
                                  .type = KP_CCS,
                                  .body = {1},
                                  .len = 1};
            assert_true(disturb(&a, 0, times < TOLERATED ? 0 : KP_E_FLOOD));
        }
    }
}

/* After the peer's Finished, in the clear and sealed; and in the middle of a message. */
static void test_ccs_late(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (int sealed = 0; sealed <= 1; sealed++) {
            struct pair p;
            begin(&p, 0);
            go_on(&p, 0);
            assert_both_proved(&p);
            if (sealed)
                pair13_seal(&p, (enum kp_role)from, KP_CCS, "\x01", 1, 0);
            else
                pair_inject(&p, (enum kp_role)from, "\x14\x03\x03\x00\x01\x01", 6);
            pair_run(&p);
            assert_ended(&p, other_role((enum kp_role)from), KP_E_UNEXPECTED, 10);
            pair_close(&p);
        }
    }
}

/* A sealed one in the handshake is none that may be dropped: RFC 8446 5. */
static void test_ccs_sealed_early(void **state)
{
    struct pair p;

    (void)state;
    for (int type = KP_CCS; type <= KP_APPLICATION; type += KP_APPLICATION - KP_CCS) {
        begin(&p, 0);
        p.cut[KP_SERVER] = true;
        go_on(&p, 0);
        pair13_seal_early(&p, KP_CLIENT, (uint8_t)type, "\x01", 1);
        pair_run(&p);
        assert_ended(&p, KP_SERVER, KP_E_UNEXPECTED, 10);
        assert_int_equal(p.heard[KP_SERVER].len, 0);
        pair_close(&p);
    }
}

/* ---- Application data and other messages ------------------------------------------------------
 */

/* Before there are keys it is out of place; where they are it doesn't open. */
static void test_application_data_early(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (unsigned way = 0; way < WAYS; way++) {
            size_t without_keys = way & RETRIED ? 3 : 1;
            for (size_t n = 0; n < without_keys; n++) {
                struct at_record a = {.from = (enum kp_role)from,
                                      .n = n,
                                      .type = KP_APPLICATION,
                                      .body = "GET /",
                                      .len = 5};
                assert_true(disturb(&a, way, KP_E_UNEXPECTED));
            }
        }
    }
}

/* Honest records in the clear, one by one replaced by every other message. */
static void test_messages_replaced(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (unsigned way = 0; way < WAYS; way++) {
            size_t hellos = way & RETRIED ? 2 : 1;
            for (size_t i = 0; i < hellos; i++) {
                for (unsigned type = 0; type < 26; type++) {
                    /* HelloRetryRequest is followed by CCS. */
                    struct at_record a = {.from = (enum kp_role)from,
                                          .n = i == 0 ? 0 : 2,
                                          .replace = true,
                                          .type = KP_HANDSHAKE,
                                          .body = {(uint8_t)type},
                                          .len = 4};
                    if (type == (from == KP_CLIENT ? KP_CLIENT_HELLO : KP_SERVER_HELLO) ||
                        (type == KP_HELLO_REQUEST && from == KP_SERVER && i == 0))
                        continue;
                    assert_true(disturb(&a, way, KP_E_UNEXPECTED));
                }
            }
        }
    }
}

/* The sealed ones: EncryptedExtensions, the server's Finished, the client's. */
static void replace(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    const uint8_t *instead = r->arg; /* which message, its type */

    if (r->seen == instead[0])
        bytes_add(out, (const uint8_t[]){instead[1], 0, 0, 0}, 4);
    else
        bytes_add(out, message, len);
}

static void test_sealed_replaced(void **state)
{
    static const uint8_t honest[2][2] = {{KP_FINISHED, 0}, {KP_ENCRYPTED_EXTENSIONS, KP_FINISHED}};

    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (uint8_t n = 0; n < (from == KP_CLIENT ? 1 : 2); n++) {
            for (unsigned type = 0; type < 256; type++) {
                uint8_t instead[] = {n, (uint8_t)type};
                struct rewrite r = {.from = (enum kp_role)from, .message = replace, .arg = instead};
                struct pair p;
                if (type == honest[from][n])
                    continue;
                begin(&p, RESUMED);
                p.edit = edit_rewrite;
                p.edit_arg = &r;
                go_on(&p, RESUMED);
                assert_ended(&p, other_role((enum kp_role)from), KP_E_UNEXPECTED, 10);
                rewrite_clear(&r);
                pair_close(&p);
            }
        }
    }
}

/* ---- Nothing is taken from the caller before the proof ----------------------------------------
 */

static void refuse_app_in(struct pair *p, enum kp_role role)
{
    size_t used = 7;

    assert_false(pair_proved(p, role));
    assert_int_equal(kp_conn_state(p->conn[role]) & KP_APP_IN, 0);
    assert_int_equal(kp_app_in(p->conn[role], (const uint8_t *)"x", 1, &used), KP_E_ARGUMENT);
    assert_int_equal(used, 0);
    assert_int_equal(kp_app_in_end(p->conn[role]), KP_E_ARGUMENT);
    assert_int_equal(kp_conn_key_update(p->conn[role], true), KP_E_ARGUMENT);
    assert_int_equal(kp_conn_export(p->conn[role], "EXPORTER-x", 10, NULL, 0, (uint8_t[1]){0}, 1),
                     KP_E_ARGUMENT);
    assert_null(kp_conn_session(p->conn[role]));
}

/* A server whose whole flight is out and who waits for Finished: no 0.5-RTT data. */
static void test_no_half_round_trip(void **state)
{
    (void)state;
    for (unsigned way = 0; way < WAYS; way++) {
        struct at_record last = {.from = KP_CLIENT, .times = 0, .replace = true};
        struct pair p;
        last.n = handshake_records(KP_CLIENT, way) - 1;
        begin(&p, way);
        refuse_app_in(&p, KP_CLIENT);
        refuse_app_in(&p, KP_SERVER);
        p.edit = edit_at_record;
        p.edit_arg = &last;
        go_on(&p, way);
        assert_true(last.done);
        assert_true(pair_proved(&p, KP_CLIENT));
        refuse_app_in(&p, KP_SERVER);
        /* What the client says by now comes before its Finished: it can't be opened. */
        assert_true(pair_say(&p, KP_CLIENT, "early", 5));
        assert_ended(&p, KP_SERVER, way & RESUMED ? KP_E_RECORD_MAC : KP_E_PROOF, 20);
        assert_int_equal(p.heard[KP_SERVER].len, 0);
        pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ccs_dropped),        cmocka_unit_test(test_ccs_of_other_bytes),
        cmocka_unit_test(test_ccs_flood),          cmocka_unit_test(test_ccs_late),
        cmocka_unit_test(test_ccs_sealed_early),   cmocka_unit_test(test_application_data_early),
        cmocka_unit_test(test_messages_replaced),  cmocka_unit_test(test_sealed_replaced),
        cmocka_unit_test(test_no_half_round_trip),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
