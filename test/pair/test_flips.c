/*
 * Proves: a flight with any one byte changed never ends in a proof for the side that got it, never
 * hangs or crashes it, and no plaintext of a changed record is handed out.
 *
 * Exempt is one byte of each side, with any value: the minor version in the header of its first
 * record.  RFC 5246 E.1: "TLS servers MUST accept any value {03,XX} (including {03,00}) as the
 * record layer version number for ClientHello", and clients do the same for the record of the
 * ServerHello that settles the version.  No MAC and no transcript covers record headers before
 * ChangeCipherSpec.  All other record headers must say {03,03}.
 */
#include "cm.h"

#include "harness.h"

#include <string.h>

static const uint8_t masks[] = {0x01, 0x80, 0xFF};
static struct world w;
static struct kp_session *session;

static int open_world(void **state)
{
    struct pair p;

    (void)state;
    world_open(&w, 2048, NULL, NULL);
    pair_handshake(&p, &w, START, 1);
    session = kp_conn_session(p.conn[KP_CLIENT]);
    pair_close(&p);
    return session == NULL;
}

static int close_world(void **state)
{
    (void)state;
    kp_session_free(session);
    world_close(&w);
    return 0;
}

/* ---- Flights ------------------------------------------------------------------------------- */

/* Where the last flight of a handshake begins, and whose it is. */
struct flights {
    enum kp_role last;
    size_t last_start;
    size_t total[2];
};

static void edit_note(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                      struct bytes *out)
{
    struct flights *f = p->edit_arg;

    if (out->len == 0 || f->last != from)
        f->last_start = out->len;
    f->last = from;
    bytes_add(out, record, len);
}

static struct flights measure(bool resumed)
{
    struct flights f = {0};
    struct pair p;

    pair_open(&p, &w, START, 42);
    p.edit = edit_note;
    p.edit_arg = &f;
    pair_connect(&p, w.login, resumed ? session : NULL, "host.example");
    pair_run(&p);
    must(pair_proved(&p, KP_CLIENT) && pair_proved(&p, KP_SERVER));
    f.total[KP_CLIENT] = p.wire[KP_CLIENT].len;
    f.total[KP_SERVER] = p.wire[KP_SERVER].len;
    pair_close(&p);
    return f;
}

static void flip_one(const struct flights *f, bool resumed, enum kp_role from, size_t at,
                     uint8_t mask)
{
    enum kp_role to = from == KP_CLIENT ? KP_SERVER : KP_CLIENT;
    bool exempt = at == 2;
    struct pair p;

    pair_open(&p, &w, START, 42);
    p.flip.on = true;
    p.flip.from = from;
    p.flip.at = at;
    p.flip.mask = mask;
    pair_connect(&p, w.login, resumed ? session : NULL, "host.example");
    pair_run(&p);
    bool last = from == f->last && at >= f->last_start;
    if (pair_proved(&p, to) != exempt)
        fail_msg("%s: byte %zu of role %d with %02x", resumed ? "resumed" : "full", at, from, mask);
    if (pair_proved(&p, from) != (exempt || last))
        fail_msg("%s: sender, byte %zu of role %d with %02x", resumed ? "resumed" : "full", at,
                 from, mask);
    pair_end(&p);
    assert_int_not_equal(pair_error(&p, to), 0);
    assert_int_equal(p.heard[KP_CLIENT].len + p.heard[KP_SERVER].len, 0);
    pair_close(&p);
}

static void flip_all(bool resumed)
{
    struct flights f = measure(resumed);

    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (size_t at = 0; at < f.total[from]; at++) {
            for (size_t m = 0; m < COUNT(masks); m++)
                flip_one(&f, resumed, (enum kp_role)from, at, masks[m]);
        }
    }
}

static void test_full(void **state)
{
    (void)state;
    flip_all(false);
}

static void test_resumed(void **state)
{
    (void)state;
    flip_all(true);
}

/* ---- Application records ----------------------------------------------------------------------
 */

static void flip_application(enum kp_role from, const char *said, size_t at, uint8_t mask)
{
    enum kp_role to = from == KP_CLIENT ? KP_SERVER : KP_CLIENT;
    struct pair p;

    pair_open(&p, &w, START, 43);
    pair_connect(&p, NULL, session, NULL);
    pair_run(&p);
    size_t start = p.wire[from].len;
    p.flip.on = true;
    p.flip.from = from;
    p.flip.at = start + at;
    p.flip.mask = mask;
    assert_true(pair_say(&p, from, said, strlen(said)));
    assert_int_equal(p.wire[from].len - start, KP_HEADER_LEN + 16 + 48 + 20);
    assert_int_equal(p.heard[to].len, 0);
    int err = pair_error(&p, to);
    /* Type, version, length (more: waits; less: the MAC), and all that the MAC covers. */
    if (at == 0)
        assert_true(err == KP_E_UNEXPECTED || err == KP_E_RECORD_MAC);
    else if (at == 1 || at == 2)
        assert_int_equal(err, KP_E_VERSION);
    else if (at >= KP_HEADER_LEN)
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
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (size_t at = 0; at < KP_HEADER_LEN + 16 + 48 + 20; at++) {
            for (size_t m = 0; m < COUNT(masks); m++)
                flip_application((enum kp_role)from, said, at, masks[m]);
        }
    }
}

/* A record twice, two records in the other order, one left out: the sequence number is MACed. */
static void test_order(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct bytes first = {0};
        struct bytes second = {0};
        struct pair p;
        pair_open(&p, &w, START, 44);
        pair_connect(&p, NULL, session, NULL);
        pair_run(&p);
        size_t at = p.wire[KP_CLIENT].len;
        p.cut[KP_CLIENT] = true;
        assert_true(pair_say(&p, KP_CLIENT, "one", 3));
        bytes_add(&first, p.wire[KP_CLIENT].data + at, p.wire[KP_CLIENT].len - at);
        at = p.wire[KP_CLIENT].len;
        assert_true(pair_say(&p, KP_CLIENT, "two", 3));
        bytes_add(&second, p.wire[KP_CLIENT].data + at, p.wire[KP_CLIENT].len - at);
        p.wire[KP_CLIENT].len = p.given[KP_CLIENT];
        p.cut[KP_CLIENT] = false;
        if (kind == 0)
            pair_inject(&p, KP_CLIENT, first.data, first.len);
        pair_inject(&p, KP_CLIENT, kind == 0 ? first.data : second.data, second.len);
        pair_run(&p);
        assert_int_equal(pair_error(&p, KP_SERVER), KP_E_RECORD_MAC);
        assert_int_equal(kp_conn_sent_alert(p.conn[KP_SERVER]), 20);
        assert_int_equal(p.heard[KP_SERVER].len, kind == 0 ? 3 : 0);
        bytes_free(&first);
        bytes_free(&second);
        pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_resumed),
        cmocka_unit_test(test_application),
        cmocka_unit_test(test_order),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
