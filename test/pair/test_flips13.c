/*
 * Proves, for TLS 1.3: a flight with any one byte changed never ends in a proof for the side that
 * got it, never hangs or crashes it, ends in an error of the peer's making, and no plaintext of a
 * changed record is handed out; in both forms, resumed, and with a HelloRetryRequest.
 *
 * Exempt is the minor version in the header of a record in the clear: RFC 8446 5.1 says of
 * legacy_record_version that it "MUST be ignored for all purposes".
 */
#include "checks.h"

static const uint8_t masks[] = {0x01, 0x80, 0xFF};
static struct world13 w;
static struct kp_session *session;

enum { RESUMED = 1, RETRIED = 2 };

/* ---- Flights ------------------------------------------------------------------------------- */

struct flights {
    size_t total[2];      /* bytes up to the client's Finished */
    size_t last_start;    /* of the client's last flight */
    bool exempt[2][5000]; /* by sender and place */
};

static void edit_note(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                      struct bytes *out)
{
    struct flights *f = p->edit_arg;

    if (!pair_proved(p, KP_SERVER)) {
        must(out->len + len <= COUNT(f->exempt[0]));
        if (record[0] != KP_APPLICATION)
            f->exempt[from][out->len + 2] = true;
        f->total[from] = out->len + len;
        if (from == KP_SERVER)
            f->last_start = p->wire[KP_CLIENT].len;
    }
    bytes_add(out, record, len);
}

static void begin(struct pair *p, unsigned way)
{
    pair13_open(p, &w, START, 42);
    if (way & RETRIED)
        must(kp_conn_ask_cookie(p->conn[KP_SERVER]) == 0);
}

static void go_on(struct pair *p, unsigned way)
{
    pair_connect(p, way & RESUMED ? NULL : w.world.login, way & RESUMED ? session : NULL,
                 "host.example");
    pair_run(p);
}

static void flip_one(const struct flights *f, unsigned way, enum kp_role from, size_t at,
                     uint8_t mask)
{
    enum kp_role to = other_role(from);
    bool exempt = f->exempt[from][at];
    struct pair p;

    begin(&p, way);
    p.flip.on = true;
    p.flip.from = from;
    p.flip.at = at;
    p.flip.mask = mask;
    go_on(&p, way);
    bool last = from == KP_CLIENT && at >= f->last_start;
    if (pair_proved(&p, to) != exempt || pair_proved(&p, from) != (exempt || last))
        fail_msg("way %u: byte %zu of role %d with %02x: %d %d", way, at, from, mask,
                 pair_error(&p, KP_CLIENT), pair_error(&p, KP_SERVER));
    pair_end(&p);
    int err = pair_error(&p, to);
    /* The peer's doing, not ours: no internal error. */
    assert_true(exempt ? err == KP_E_TRUNCATED : err <= KP_E_DECODE);
    assert_int_not_equal(kp_conn_sent_alert(p.conn[to]), 80);
    assert_int_equal(p.heard[KP_CLIENT].len + p.heard[KP_SERVER].len, 0);
    pair_close(&p);
}

static void flip_all(unsigned way)
{
    static struct flights f;
    struct pair p;

    memset(&f, 0, sizeof(f));
    begin(&p, way);
    p.edit = edit_note;
    p.edit_arg = &f;
    go_on(&p, way);
    assert_both_proved(&p);
    pair_close(&p);
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        assert_true(f.total[from] > 200);
        for (size_t at = 0; at < f.total[from]; at++) {
            for (size_t m = 0; m < COUNT(masks); m++)
                flip_one(&f, way, (enum kp_role)from, at, masks[m]);
        }
    }
}

static void test_ietf(void **state)
{
    (void)state;
    world13_open(&w, NULL, NULL);
    flip_all(0);
    world13_close(&w);
}

static void test_boringssl(void **state)
{
    (void)state;
    open_form(&w, KP_PAKE_BORINGSSL, KP_USE_TLS13);
    flip_all(0);
    flip_all(RETRIED);
    world13_close(&w);
}

static void test_resumed(void **state)
{
    (void)state;
    world13_open(&w, NULL, NULL);
    session = fresh_session(&w);
    flip_all(RESUMED);
    flip_all(RESUMED | RETRIED);
    kp_session_free(session);
    world13_close(&w);
}

/* ---- Records after the proof ------------------------------------------------------------------
 */

static void flip_application(enum kp_role from, const char *said, size_t at, uint8_t mask)
{
    enum kp_role to = other_role(from);
    struct pair p;

    pair13_handshake(&p, &w, START, 43);
    size_t start = p.wire[from].len;
    p.flip.on = true;
    p.flip.from = from;
    p.flip.at = start + at;
    p.flip.mask = mask;
    assert_true(pair_say(&p, from, said, strlen(said)));
    assert_int_equal(p.wire[from].len - start, KP_HEADER_LEN + strlen(said) + 1 + KP_AEAD_TAG_LEN);
    assert_int_equal(p.heard[to].len, 0);
    int err = pair_error(&p, to);
    if (at == 0)
        assert_true(err == KP_E_UNEXPECTED);
    else if (at == 1)
        assert_int_equal(err, KP_E_VERSION);
    else if (at == 2 || at >= KP_HEADER_LEN)
        assert_int_equal(err, KP_E_RECORD_MAC);
    pair_end(&p);
    assert_int_not_equal(pair_error(&p, to), 0);
    assert_int_equal(p.heard[to].len, 0);
    pair_close(&p);
}

static void test_application(void **state)
{
    static const char said[] = "PUT /setpoint HTTP/1.1 with some body.";

    (void)state;
    world13_open(&w, NULL, NULL);
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (size_t at = 0; at < KP_HEADER_LEN + strlen(said) + 1 + KP_AEAD_TAG_LEN; at++) {
            for (size_t m = 0; m < COUNT(masks); m++)
                flip_application((enum kp_role)from, said, at, masks[m]);
        }
    }
    world13_close(&w);
}

/* A record twice, two in the other order, one left out. */
static void test_order(void **state)
{
    (void)state;
    world13_open(&w, NULL, NULL);
    for (int kind = 0; kind < 3; kind++) {
        struct bytes record[2] = {{0}};
        struct pair p;
        pair13_handshake(&p, &w, START, 44);
        p.cut[KP_CLIENT] = true;
        for (int i = 0; i < 2; i++) {
            size_t at = p.wire[KP_CLIENT].len;
            assert_true(pair_say(&p, KP_CLIENT, i ? "two" : "one", 3));
            bytes_add(&record[i], p.wire[KP_CLIENT].data + at, p.wire[KP_CLIENT].len - at);
        }
        p.wire[KP_CLIENT].len = p.given[KP_CLIENT];
        p.cut[KP_CLIENT] = false;
        if (kind == 0)
            pair_inject(&p, KP_CLIENT, record[0].data, record[0].len);
        if (kind == 1)
            pair_inject(&p, KP_CLIENT, record[1].data, record[1].len);
        pair_inject(&p, KP_CLIENT, record[kind == 2].data, record[0].len);
        pair_run(&p);
        assert_ended(&p, KP_SERVER, KP_E_RECORD_MAC, 20);
        assert_int_equal(p.heard[KP_SERVER].len, kind == 0 ? 3 : 0);
        bytes_free(&record[0]);
        bytes_free(&record[1]);
        pair_close(&p);
    }
    world13_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ietf),    cmocka_unit_test(test_boringssl),
        cmocka_unit_test(test_resumed), cmocka_unit_test(test_application),
        cmocka_unit_test(test_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
