/*
 * Proves: after the proof plaintext of any size gets through both ways whole and in order, however
 * it is delivered and limited; ends are told apart: close_notify of each side, and a cut wire; a
 * connection at rest holds no buffer.
 */
#include "cm.h"

#include "harness.h"

#include <stdlib.h>
#include <string.h>

static struct world w;
static struct kp_session *session;
static uint8_t *content;

#define CONTENT 200000

static int open_world(void **state)
{
    struct seeded s;
    struct pair p;

    (void)state;
    world_open(&w, 2048, NULL, NULL);
    pair_handshake(&p, &w, START, 1);
    session = kp_conn_session(p.conn[KP_CLIENT]);
    pair_close(&p);
    content = malloc(CONTENT);
    must(content != NULL);
    seeded_start(&s, 5);
    seeded_random(&s, content, CONTENT);
    return session == NULL;
}

static int close_world(void **state)
{
    (void)state;
    free(content);
    kp_session_free(session);
    world_close(&w);
    return 0;
}

static void open_resumed(struct pair *p, struct world *in)
{
    pair_open(p, in, START + 1, 9);
    pair_connect(p, in == &w ? NULL : in->login, in == &w ? session : NULL, NULL);
    pair_run(p);
    must(pair_proved(p, KP_CLIENT) && pair_proved(p, KP_SERVER));
}

static void assert_at_rest(const struct pair *p)
{
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        const struct kp_conn *c = p->conn[role];
        assert_null(c->handshake);
        assert_null(c->records.in.data);
        assert_null(c->records.out.data);
        assert_null(c->app.data);
        assert_null(c->records.read.cbc);
        assert_null(c->records.read.mac);
        assert_null(c->records.write.cbc);
        assert_null(c->records.write.mac);
    }
}

/* ---- Sizes
 * --------------------------------------------------------------------------------------- */

static const size_t sizes[] = {0,     1,     2,     15,    16,    17,    255,   256,   4096,
                               16383, 16384, 16385, 18000, 18437, 18438, 32768, 49153, 100000};

static void both_ways(struct pair *p, size_t len)
{
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        enum kp_role to = from == KP_CLIENT ? KP_SERVER : KP_CLIENT;
        size_t before = p->heard[to].len;
        assert_true(pair_say(p, (enum kp_role)from, content, len));
        assert_int_equal(p->heard[to].len - before, len);
        if (len > 0)
            assert_memory_equal(p->heard[to].data + before, content, len);
    }
    assert_at_rest(p);
}

static void test_sizes(void **state)
{
    static const size_t chunks[] = {0, 1, 7, 1000, 16405};

    (void)state;
    for (size_t c = 0; c < COUNT(chunks); c++) {
        struct pair p;
        open_resumed(&p, &w);
        p.chunk = chunks[c];
        for (size_t i = 0; i < COUNT(sizes); i++)
            both_ways(&p, sizes[i]);
        pair_close(&p);
    }
}

/* Each of a few hundred lengths: every padding. */
static void test_lengths(void **state)
{
    struct pair p;

    (void)state;
    open_resumed(&p, &w);
    for (size_t len = 1; len < 300; len++)
        both_ways(&p, len);
    pair_close(&p);
}

/* Both at once, neither listening for a while. */
static void test_crossing(void **state)
{
    struct pair p;
    size_t said[2] = {0, 0};

    (void)state;
    open_resumed(&p, &w);
    for (int round = 0; round < 100 && said[0] + said[1] < 2 * CONTENT; round++) {
        p.deaf[KP_CLIENT] = round % 3 == 0;
        p.deaf[KP_SERVER] = round % 5 == 0;
        for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
            size_t used;
            assert_int_equal(
                kp_app_in(p.conn[from], content + said[from], CONTENT - said[from], &used), 0);
            said[from] += used;
        }
        pair_run(&p);
    }
    p.deaf[KP_CLIENT] = p.deaf[KP_SERVER] = false;
    pair_run(&p);
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        assert_int_equal(said[role], CONTENT);
        assert_int_equal(p.heard[role].len, CONTENT);
        assert_memory_equal(p.heard[role].data, content, CONTENT);
    }
    assert_at_rest(&p);
    pair_close(&p);
}

/* ---- Back-pressure
 * --------------------------------------------------------------------------------- */

/* What a deaf hearer holds is bounded, and nothing of it is lost. */
static void test_deaf(void **state)
{
    struct pair p;

    (void)state;
    open_resumed(&p, &w);
    p.deaf[KP_SERVER] = true;
    p.window = 1;
    bool all = pair_say(&p, KP_CLIENT, content, CONTENT);
    assert_false(all);
    unsigned s = kp_conn_state(p.conn[KP_SERVER]);
    assert_true((s & KP_APP_OUT) != 0);
    assert_int_equal(s & KP_WIRE_IN, 0);
    assert_int_equal(kp_conn_state(p.conn[KP_CLIENT]) & KP_APP_IN, 0);
    size_t bound = w.context[KP_SERVER]->buffer_len;
    assert_true(kp_buffer_used(&p.conn[KP_SERVER]->app) <= bound);
    assert_true(p.conn[KP_SERVER]->app.capacity <= 2 * bound);
    assert_true(p.conn[KP_SERVER]->records.in.capacity <= bound);
    assert_true(p.conn[KP_CLIENT]->records.out.capacity <= 2 * bound);
    p.deaf[KP_SERVER] = false;
    pair_run(&p);
    size_t heard = p.heard[KP_SERVER].len;
    assert_true(heard > KP_RECORD_MAX);
    assert_memory_equal(p.heard[KP_SERVER].data, content, heard);
    assert_true((kp_conn_state(p.conn[KP_CLIENT]) & KP_APP_IN) != 0);
    assert_at_rest(&p);
    pair_close(&p);
}

/* ---- record_size_limit, RFC 8449
 * ------------------------------------------------------------------ */

/* The longest record of application data in the wire from `from` on. */
static size_t longest(const struct bytes *wire, size_t start)
{
    size_t found = 0;

    for (size_t at = start; at < wire->len;) {
        size_t len = (size_t)(wire->data[at + 3] << 8 | wire->data[at + 4]);
        found = len > found ? len : found;
        at += KP_HEADER_LEN + len;
    }
    return found;
}

static size_t sealed(size_t plain)
{
    return 16 + (plain / 16 + 1) * 16 + 20;
}

static void test_limits(void **state)
{
    const struct kp_settings small = {.record_size_limit = 512};
    const struct kp_settings odd = {.record_size_limit = 1021};
    struct world other;
    struct pair p;

    (void)state;
    world_open(&other, 2048, &small, &odd);
    open_resumed(&p, &other);
    size_t start[2] = {p.wire[0].len, p.wire[1].len};
    for (size_t i = 0; i < COUNT(sizes); i++)
        both_ways(&p, sizes[i]);
    assert_int_equal(longest(&p.wire[KP_CLIENT], start[KP_CLIENT]), sealed(1021));
    assert_int_equal(longest(&p.wire[KP_SERVER], start[KP_SERVER]), sealed(512));
    /* One byte more than was asked for. */
    p.conn[KP_CLIENT]->records.send_limit = 1022;
    assert_true(pair_say(&p, KP_CLIENT, content, 1022));
    assert_int_equal(pair_error(&p, KP_SERVER), KP_E_OVERFLOW);
    assert_int_equal(kp_conn_sent_alert(p.conn[KP_SERVER]), 22);
    pair_close(&p);
    open_resumed(&p, &other);
    p.conn[KP_SERVER]->records.send_limit = 513;
    assert_true(pair_say(&p, KP_SERVER, content, 513));
    assert_int_equal(pair_error(&p, KP_CLIENT), KP_E_OVERFLOW);
    assert_int_equal(kp_conn_sent_alert(p.conn[KP_CLIENT]), 22);
    pair_close(&p);
    world_close(&other);
}

/* A peer that doesn't know the extension was asked for nothing: it may fill its records. */
static void test_limit_not_negotiated(void **state)
{
    const struct kp_settings small = {.record_size_limit = 512};
    struct world other;
    struct pair p;

    (void)state;
    world_open(&other, 2048, NULL, &small);
    pair_open(&p, &other, START, 9);
    pair_connect(&p, other.login, NULL, NULL);
    pair_hello_without(&p, 28);
    pair_run(&p);
    assert_true(pair_proved(&p, KP_SERVER));
    assert_true(pair_proved(&p, KP_CLIENT));
    assert_true(pair_say(&p, KP_CLIENT, content, KP_RECORD_MAX));
    assert_int_equal(pair_error(&p, KP_SERVER), 0);
    assert_int_equal(p.heard[KP_SERVER].len, KP_RECORD_MAX);
    pair_close(&p);
    world_close(&other);
}

static void test_limit_64(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p, &w, START, 9);
    pair_connect(&p, w.login, NULL, NULL);
    pair_hello_without(&p, 28);
    pair_hello_with(&p, 28, "\x00\x40", 2);
    pair_run(&p);
    assert_true(pair_proved(&p, KP_CLIENT));
    size_t start = p.wire[KP_SERVER].len;
    both_ways(&p, 100000);
    assert_int_equal(longest(&p.wire[KP_SERVER], start), sealed(64));
    pair_close(&p);
}

/* 2^14 bytes and no more, RFC 5246 6.2.1; and a fragment of at most 2^14 + 2048. */
static void test_overflow(void **state)
{
    static uint8_t plain[KP_RECORD_MAX + 1];
    static uint8_t record[KP_HEADER_LEN + KP_RECORD_MAX + 2048];
    struct pair p;

    (void)state;
    open_resumed(&p, &w);
    struct kp_protect *write = &p.conn[KP_CLIENT]->records.write;
    must(write->ops->seal(write, KP_APPLICATION, KP_TLS12, plain, sizeof(plain), record) == 0);
    pair_inject(&p, KP_CLIENT, record, KP_HEADER_LEN + sealed(sizeof(plain)));
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_SERVER), KP_E_OVERFLOW);
    assert_int_equal(p.heard[KP_SERVER].len, 0);
    pair_close(&p);

    open_resumed(&p, &w);
    pair_inject(&p, KP_CLIENT, "\x17\x03\x03\x48\x01", 5);
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_SERVER), KP_E_OVERFLOW);
    assert_int_equal(kp_conn_sent_alert(p.conn[KP_SERVER]), 22);
    pair_close(&p);
}

/* ---- Ends
 * ---------------------------------------------------------------------------------------- */

static unsigned state_of(const struct pair *p, enum kp_role role)
{
    return kp_conn_state(p->conn[role]);
}

static void test_half_close(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        enum kp_role to = from == KP_CLIENT ? KP_SERVER : KP_CLIENT;
        struct pair p;
        size_t used;
        open_resumed(&p, &w);
        assert_true(pair_say(&p, (enum kp_role)from, "last", 4));
        assert_int_equal(kp_app_in_end(p.conn[from]), 0);
        assert_int_equal(kp_app_in_end(p.conn[from]), 0);
        assert_int_equal(kp_app_in(p.conn[from], content, 1, &used), KP_E_ARGUMENT);
        assert_int_equal(state_of(&p, (enum kp_role)from) & KP_APP_IN, 0);
        p.deaf[to] = true;
        pair_run(&p);
        assert_true((state_of(&p, to) & KP_PEER_ENDED) != 0);
        /* The other half goes on. */
        assert_true(pair_say(&p, to, content, 100000));
        assert_int_equal(p.heard[from].len, 100000);
        assert_int_equal(state_of(&p, to) & KP_CLOSED, 0);
        assert_int_equal(kp_app_in_end(p.conn[to]), 0);
        pair_run(&p);
        for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
            assert_true((state_of(&p, (enum kp_role)role) & KP_CLOSED) != 0);
            assert_int_equal(pair_error(&p, (enum kp_role)role), 0);
            assert_int_equal(kp_wire_in_end(p.conn[role]), 0);
        }
        pair_close(&p);
    }
}

/* close_notify behind bytes that nobody took yet: the end shows when they are gone. */
static void test_end_behind_data(void **state)
{
    struct pair p;

    (void)state;
    open_resumed(&p, &w);
    p.deaf[KP_CLIENT] = true;
    assert_true(pair_say(&p, KP_SERVER, "rest", 4));
    assert_int_equal(kp_app_in_end(p.conn[KP_SERVER]), 0);
    pair_run(&p);
    assert_int_equal(kp_wire_in_end(p.conn[KP_CLIENT]), 0);
    assert_int_equal(state_of(&p, KP_CLIENT) & (KP_PEER_ENDED | KP_APP_OUT), KP_APP_OUT);
    p.deaf[KP_CLIENT] = false;
    pair_run(&p);
    assert_int_equal(state_of(&p, KP_CLIENT) & (KP_PEER_ENDED | KP_APP_OUT), KP_PEER_ENDED);
    assert_int_equal(p.heard[KP_CLIENT].len, 4);
    pair_close(&p);
}

/* What comes behind close_notify is nothing. */
static void test_after_end(void **state)
{
    struct pair p;

    (void)state;
    open_resumed(&p, &w);
    assert_int_equal(kp_app_in_end(p.conn[KP_CLIENT]), 0);
    pair_run(&p);
    pair_inject(&p, KP_CLIENT, "GET / HTTP/1.1\r\n\r\n", 18);
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_SERVER), 0);
    assert_int_equal(p.heard[KP_SERVER].len, 0);
    assert_null(p.conn[KP_SERVER]->records.in.data);
    pair_close(&p);
}

static void test_truncation(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct pair p;
        open_resumed(&p, &w);
        if (kind > 0)
            assert_true(pair_say(&p, KP_SERVER, content, 5000));
        if (kind == 2)
            pair_inject(&p, KP_SERVER, "\x17\x03\x03\x01", 4);
        pair_run(&p);
        assert_int_equal(kp_wire_in_end(p.conn[KP_CLIENT]), KP_E_TRUNCATED);
        assert_int_equal(pair_error(&p, KP_CLIENT), KP_E_TRUNCATED);
        assert_int_equal(state_of(&p, KP_CLIENT) & KP_PEER_ENDED, 0);
        assert_true((state_of(&p, KP_CLIENT) & KP_CLOSED) != 0);
        assert_int_equal(kp_conn_sent_alert(p.conn[KP_CLIENT]), -1);
        pair_close(&p);
    }
}

/* In a handshake, before every byte of either side. */
static void test_truncated_handshake(void **state)
{
    struct pair p;

    (void)state;
    open_resumed(&p, &w);
    size_t total[2] = {p.wire[0].len, p.wire[1].len};
    pair_close(&p);
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        enum kp_role to = from == KP_CLIENT ? KP_SERVER : KP_CLIENT;
        for (size_t keep = 0; keep + 1 < total[from]; keep++) {
            pair_open(&p, &w, START + 1, 9);
            pair_connect(&p, NULL, session, NULL);
            p.limit[from] = keep + 1;
            pair_run(&p);
            assert_int_equal(pair_error(&p, to), 0);
            assert_false(pair_proved(&p, to));
            assert_int_equal(kp_wire_in_end(p.conn[to]), KP_E_TRUNCATED);
            pair_close(&p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_crossing),
        cmocka_unit_test(test_deaf),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_limit_not_negotiated),
        cmocka_unit_test(test_limit_64),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_end_behind_data),
        cmocka_unit_test(test_after_end),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_truncated_handshake),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
