/*
 * Proves: a wrong password and an unknown name look the same on the wire; a simulated user is never
 * proved; what isn't TLS is named for what it is; the peer's alerts are told apart as people need
 * them to be.
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

/* ---- The wrong password
 * -------------------------------------------------------------------------- */

/* The records a side sent: types and lengths. */
static size_t shape(const struct bytes *wire, uint16_t *out, size_t max)
{
    size_t n = 0;

    for (size_t at = 0; at < wire->len && n + 2 <= max; n += 2) {
        size_t len = (size_t)(wire->data[at + 3] << 8 | wire->data[at + 4]);
        out[n] = wire->data[at];
        out[n + 1] = (uint16_t)len;
        at += KP_HEADER_LEN + len;
    }
    return n;
}

static void assert_refused(struct pair *p)
{
    static const uint8_t alert[] = {KP_ALERT, 3, 3, 0, 2, 2, 20};
    const struct bytes *wire = &p->wire[KP_SERVER];

    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        assert_int_equal(kp_conn_error(p->conn[role]), KP_E_PROOF);
        assert_int_equal(kp_conn_state(p->conn[role]), KP_CLOSED);
    }
    assert_int_equal(kp_conn_sent_alert(p->conn[KP_SERVER]), 20);
    assert_int_equal(kp_conn_peer_alert(p->conn[KP_SERVER]), -1);
    assert_int_equal(kp_conn_peer_alert(p->conn[KP_CLIENT]), 20);
    assert_int_equal(kp_conn_sent_alert(p->conn[KP_CLIENT]), -1);
    /* In plaintext: the server has not changed its cipher yet. */
    assert_true(wire->len > sizeof(alert));
    assert_memory_equal(wire->data + wire->len - sizeof(alert), alert, sizeof(alert));
    assert_null(kp_conn_session(p->conn[KP_CLIENT]));
}

static void test_wrong_and_unknown(void **state)
{
    uint16_t shapes[2][32];
    size_t counts[2];

    (void)state;
    /* B and A may be a byte shorter: the same seeds keep the lengths comparable, and 256 here. */
    for (int unknown = 0; unknown < 2; unknown++) {
        struct kp_info info;
        struct pair p;
        pair_open(&p, &w, START, 6);
        pair_connect(&p, unknown ? w.unknown : w.wrong, NULL, NULL);
        pair_run(&p);
        assert_refused(&p);
        kp_conn_info(p.conn[KP_SERVER], &info);
        assert_null(info.user);
        counts[unknown] = shape(&p.wire[KP_SERVER], shapes[unknown], 32);
        assert_int_equal(p.lookups, 1);
        pair_close(&p);
    }
    assert_int_equal(counts[0], counts[1]);
    assert_int_equal(counts[0], 8);
    assert_memory_equal(shapes[0], shapes[1], counts[0] * sizeof(shapes[0][0]));
}

/* With deferral: the same suspensions in the same order for both. */
static void test_same_work(void **state)
{
    const struct kp_settings settings = {.defer_compute = true};
    struct world deferred;

    (void)state;
    world_open(&deferred, 2048, &settings, &settings);
    for (int unknown = 0; unknown < 2; unknown++) {
        struct pair p;
        pair_open(&p, &deferred, START, 6);
        pair_connect(&p, unknown ? deferred.unknown : deferred.wrong, NULL, NULL);
        pair_run(&p);
        assert_int_equal(p.computes, 4);
        assert_int_equal(p.lookups, 1);
        assert_refused(&p);
        pair_close(&p);
    }
    world_close(&deferred);
}

/* A simulated credential with the right verifier: still no proof. */
static void test_simulated_never_proved(void **state)
{
    struct kp_credential credential = w.credential;
    struct pair p;

    (void)state;
    credential.srp_simulated = true;
    pair_open(&p, &w, START, 6);
    p.alice = &credential;
    pair_connect(&p, w.login, NULL, NULL);
    pair_run(&p);
    assert_refused(&p);
    assert_false(pair_proved(&p, KP_SERVER));
    pair_close(&p);
}

/* A server that has no verifier: it guesses a Finished.  The client says what it says for a wrong
 * password, and tells the server nothing else. */
static void edit_guess(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                       struct bytes *out)
{
    uint8_t garbage[16 + 16 + 20] = {9};

    (void)p;
    if (from == KP_SERVER && record[0] == KP_ALERT) {
        bytes_message(out, KP_NEW_SESSION_TICKET, "\0\0\0\0\0\0", 6);
        bytes_record(out, KP_CCS, KP_TLS12, "\x01", 1);
        bytes_record(out, KP_HANDSHAKE, KP_TLS12, garbage, sizeof(garbage));
        return;
    }
    bytes_add(out, record, len);
}

static void test_impostor(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p, &w, START, 6);
    p.alice = NULL;
    p.edit = edit_guess;
    pair_connect(&p, w.login, NULL, NULL);
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_CLIENT), KP_E_PROOF);
    assert_int_equal(kp_conn_sent_alert(p.conn[KP_CLIENT]), 20);
    assert_false(pair_proved(&p, KP_CLIENT));
    assert_null(kp_conn_session(p.conn[KP_CLIENT]));
    pair_close(&p);
}

/* ---- The client's guess
 * ---------------------------------------------------------------------------- */

static bool has_ccs(const struct bytes *wire)
{
    for (size_t at = 0; at < wire->len;) {
        if (wire->data[at] == KP_CCS)
            return true;
        at += KP_HEADER_LEN + (size_t)(wire->data[at + 3] << 8 | wire->data[at + 4]);
    }
    return false;
}

static bool password_used(const struct pair *p)
{
    struct kp_info info;

    kp_conn_info(p->conn[KP_CLIENT], &info);
    return info.password_used;
}

/* Cut anywhere: a guess is counted when, and only when, what checks it went out. */
static void test_guess_is_counted(void **state)
{
    size_t total;
    struct pair p;
    bool seen[2] = {false, false};

    (void)state;
    pair_handshake(&p, &w, START, 6);
    total = p.wire[KP_SERVER].len;
    pair_close(&p);
    for (size_t keep = 1; keep <= total; keep++) {
        pair_open(&p, &w, START, 6);
        p.limit[KP_SERVER] = keep;
        pair_connect(&p, w.login, NULL, NULL);
        pair_run(&p);
        (void)!kp_wire_in_end(p.conn[KP_CLIENT]);
        bool used = has_ccs(&p.wire[KP_CLIENT]);
        assert_int_equal(password_used(&p), used);
        seen[used] = true;
        pair_close(&p);
    }
    assert_true(seen[0] && seen[1]);
}

/* A malformed record behind the server's flight: proof and refusal leave together. */
static void edit_behind_flight(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                               struct bytes *out)
{
    (void)p;
    bytes_add(out, record, len);
    if (from == KP_SERVER && record[0] == KP_HANDSHAKE &&
        record[KP_HEADER_LEN] == KP_SERVER_HELLO_DONE)
        bytes_record(out, 99, KP_TLS12, "x", 1);
}

static void test_guess_of_a_failure(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p, &w, START, 6);
    p.edit = edit_behind_flight;
    pair_connect(&p, w.login, NULL, NULL);
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_CLIENT), KP_E_UNEXPECTED);
    assert_true(has_ccs(&p.wire[KP_CLIENT]));
    assert_true(password_used(&p));
    pair_close(&p);
    pair_open(&p, &w, START, 6);
    pair_connect(&p, w.wrong, NULL, NULL);
    pair_run(&p);
    assert_true(password_used(&p));
    pair_close(&p);
}

/* ---- What isn't TLS
 * ------------------------------------------------------------------------------ */

struct first_bytes {
    const char *bytes;
    size_t len;
    int error;
    int alert;
};

#define FIRST(text) (text), sizeof(text) - 1

static const struct first_bytes firsts[] = {
    {FIRST("GET / HTTP/1.1\r\n"), KP_E_HTTP, -1},
    {FIRST("HEAD / HTTP/1.1\r\n"), KP_E_HTTP, -1},
    {FIRST("POST /login HTTP/1.1\r\n"), KP_E_HTTP, -1},
    {FIRST("PUT /x HTTP/1.1\r\n"), KP_E_HTTP, -1},
    {FIRST("OPTIONS * HTTP/1.1\r\n"), KP_E_HTTP, -1},
    {FIRST("DELETE /x HTTP/1.1\r\n"), KP_E_HTTP, -1},
    {FIRST("CONNECT a:443 HTTP/1.1\r\n"), KP_E_HTTP, -1},
    {FIRST("PRI * HTTP/2.0\r\n"), KP_E_HTTP, -1},
    {FIRST("HTTP/1.1 400 Bad Request\r\n"), KP_E_HTTP, -1},
    {FIRST("HTTP/1.0 200 OK\r\n"), KP_E_HTTP, -1},
    {FIRST("\x80\x2E\x01\x00\x02\x00\x15\x00\x00\x00\x10"), KP_E_SSLV2, 70},
    {FIRST("\x80\x46\x01\x03\x01\x00\x2D\x00\x00\x00\x10"), KP_E_SSLV2, 70},
    {FIRST("\x80\x46\x01\x03\x03\x00\x2D\x00\x00\x00\x10"), KP_E_SSLV2, 70},
    {FIRST("SSH-2.0-OpenSSH_9.2\r\n"), KP_E_NOT_TLS, -1},
    {FIRST("220 mail.example ESMTP\r\n"), KP_E_NOT_TLS, -1},
    {FIRST("\0\0\0\0\0\0\0\0"), KP_E_NOT_TLS, -1},
    {FIRST("\xFF\xFF\xFF\xFF\xFF\xFF"), KP_E_NOT_TLS, -1},
    {FIRST("\x18\x03\x03\x00\x01\x00"), KP_E_UNEXPECTED, 10}, /* heartbeat */
    {FIRST("\x16\x02\x00\x00\x01\x00"), KP_E_VERSION, 70}, /* SSL 2 as a record */
    {FIRST("\x16\x04\x00\x00\x01\x00"), KP_E_VERSION, 70},
    {FIRST("\x16\xFE\xFD\x00\x01\x00"), KP_E_VERSION, 70},    /* DTLS 1.2 */
    {FIRST("\x16\x03\x01\x48\x01"), KP_E_OVERFLOW, 22},       /* on the header alone */
    {FIRST("\x16\x03\x01\x00\x00"), KP_E_DECODE, 50},         /* an empty fragment */
    {FIRST("\x15\x03\x01\x00\x02\x03\x28"), KP_E_DECODE, 50}, /* no such level */
    {FIRST("\x15\x03\x01\x00\x01\x02"), KP_E_DECODE, 50},
    {FIRST("\x15\x03\x01\x00\x00"), KP_E_DECODE, 50},
    {FIRST("\x15\x03\x01\x00\x04\x02\x28\x02\x28"), KP_E_DECODE, 50},
    {FIRST("\x17\x03\x03\x00\x01\x00"), KP_E_UNEXPECTED, 10},
    {FIRST("\x14\x03\x03\x00\x01\x01"), KP_E_UNEXPECTED, 10},
    {FIRST("\x15\x03\x03\x00\x02\x01\x00"), KP_E_TRUNCATED, -1}, /* close_notify at once */
};

static void say_first(const struct first_bytes *f, enum kp_role to, size_t chunk)
{
    struct pair p;

    pair_open(&p, &w, START, 6);
    if (to == KP_CLIENT)
        pair_connect(&p, w.login, NULL, NULL);
    p.cut[to] = true;
    p.chunk = chunk;
    pair_inject(&p, to == KP_CLIENT ? KP_SERVER : KP_CLIENT, f->bytes, f->len);
    pair_run(&p);
    if (pair_error(&p, to) != f->error || kp_conn_sent_alert(p.conn[to]) != f->alert)
        fail_msg("case %zu to %d: error %d, alert %d", (size_t)(f - firsts), to, pair_error(&p, to),
                 kp_conn_sent_alert(p.conn[to]));
    assert_true((kp_conn_state(p.conn[to]) & KP_CLOSED) != 0);
    pair_close(&p);
}

static void test_first_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(firsts); i++) {
        say_first(&firsts[i], KP_SERVER, 0);
        say_first(&firsts[i], KP_SERVER, 1);
        say_first(&firsts[i], KP_CLIENT, 0);
        say_first(&firsts[i], KP_CLIENT, 1);
    }
}

/* ---- The peer's alerts
 * ---------------------------------------------------------------------------- */

static int error_for_alert(int alert, bool after_hello, enum kp_role to)
{
    const uint8_t record[] = {KP_ALERT, 3, 3, 0, 2, 2, (uint8_t)alert};
    struct pair p;
    int err;

    pair_open(&p, &w, START, 6);
    pair_connect(&p, w.login, NULL, NULL);
    p.cut[KP_CLIENT] = true;
    if (to == KP_SERVER) {
        pair_inject(&p, KP_CLIENT, record, sizeof(record));
        p.cut[KP_CLIENT] = false;
    } else if (!after_hello) {
        pair_inject(&p, KP_SERVER, record, sizeof(record));
    } else {
        p.cut[KP_CLIENT] = false;
        p.cut[KP_SERVER] = true;
        pair_run(&p);
        /* ServerHello alone, then the alert. */
        p.wire[KP_SERVER].len = KP_HEADER_LEN + (size_t)p.wire[KP_SERVER].data[4];
        pair_inject(&p, KP_SERVER, record, sizeof(record));
        p.cut[KP_SERVER] = false;
    }
    pair_run(&p);
    err = pair_error(&p, to);
    if (to == KP_CLIENT)
        assert_int_equal(kp_conn_peer_alert(p.conn[to]), alert);
    assert_int_equal(kp_conn_sent_alert(p.conn[to]), -1);
    pair_close(&p);
    return err;
}

static void test_alerts(void **state)
{
    (void)state;
    for (int alert = 1; alert < 256; alert++) {
        int expected = KP_E_PEER_ALERT;
        if (alert == 40 || alert == 70 || alert == 71 || alert == 47 || alert == 109 ||
            alert == 110)
            expected = KP_E_NO_SRP_SERVER;
        if (alert == 115 || alert == 80)
            expected = KP_E_PROOF;
        assert_int_equal(error_for_alert(alert, false, KP_CLIENT), expected);
        assert_int_equal(error_for_alert(alert, true, KP_CLIENT), KP_E_PEER_ALERT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_and_unknown),
        cmocka_unit_test(test_same_work),
        cmocka_unit_test(test_simulated_never_proved),
        cmocka_unit_test(test_impostor),
        cmocka_unit_test(test_guess_is_counted),
        cmocka_unit_test(test_guess_of_a_failure),
        cmocka_unit_test(test_first_bytes),
        cmocka_unit_test(test_alerts),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
