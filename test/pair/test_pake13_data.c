/*
 * Proves, for TLS 1.3: after the proof plaintext of any size gets through both ways whole and in
 * order; padding is taken and counts (RFC 8446 5.4, RFC 8449 4); limits hold both ways, with the
 * type byte; ends are told apart: close_notify of each side, and a cut wire; a connection at rest
 * holds no buffer.
 */
#include "checks.h"
#include "seal13.h"

#include <stdlib.h>

#define CONTENT 200000

static struct world13 w;
static uint8_t *content;

static int open_world(void **state)
{
    struct seeded s;

    (void)state;
    world13_open(&w, NULL, NULL);
    content = malloc(CONTENT);
    must(content != NULL);
    seeded_start(&s, 5);
    seeded_random(&s, content, CONTENT);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    free(content);
    world13_close(&w);
    return 0;
}

static void open_proved(struct pair *p, struct world13 *in)
{
    pair13_handshake(p, in, START, 9);
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
        assert_null(c->post.data);
        assert_null(c->records.read.aead);
        assert_null(c->records.write.aead);
    }
}

static void both_ways(struct pair *p, size_t len)
{
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        enum kp_role to = other_role((enum kp_role)from);
        size_t before = p->heard[to].len;
        assert_true(pair_say(p, (enum kp_role)from, content, len));
        assert_int_equal(p->heard[to].len - before, len);
        if (len > 0)
            assert_memory_equal(p->heard[to].data + before, content, len);
    }
    assert_at_rest(p);
}

static const size_t sizes[] = {0,     1,     2,     15,    255,   256,   4096,  16383,
                               16384, 16385, 18000, 18437, 18438, 32768, 49153, 100000};

static void test_sizes(void **state)
{
    static const size_t chunks[] = {0, 1, 7, 1000, 16405};

    (void)state;
    for (size_t c = 0; c < COUNT(chunks); c++) {
        struct pair p;
        open_proved(&p, &w);
        p.chunk = chunks[c];
        for (size_t i = 0; i < COUNT(sizes); i++)
            both_ways(&p, sizes[i]);
        pair_close(&p);
    }
}

/* What a deaf hearer holds is bounded, and nothing of it is lost, new keys in between or not. */
static void test_deaf(void **state)
{
    struct pair p;
    size_t said = 0;

    (void)state;
    open_proved(&p, &w);
    p.deaf[KP_SERVER] = true;
    p.window = 1;
    for (int i = 0; i < 40; i++) {
        size_t used;
        assert_int_equal(kp_app_in(p.conn[KP_CLIENT], content + said, 9000, &used), 0);
        said += used;
        if (used > 0)
            assert_int_equal(kp_conn_key_update(p.conn[KP_CLIENT], true), 0);
        pair_run(&p);
    }
    unsigned s = kp_conn_state(p.conn[KP_SERVER]);
    assert_true((s & KP_APP_OUT) != 0);
    assert_int_equal(s & KP_WIRE_IN, 0);
    size_t bound = w.world.context[KP_SERVER]->buffer_len;
    assert_true(kp_buffer_used(&p.conn[KP_SERVER]->app) <= bound);
    assert_true(p.conn[KP_SERVER]->app.capacity <= 2 * bound);
    p.deaf[KP_SERVER] = false;
    p.window = 0;
    pair_run(&p);
    assert_int_equal(p.heard[KP_SERVER].len, said);
    assert_memory_equal(p.heard[KP_SERVER].data, content, said);
    assert_talks(&p);
    assert_at_rest(&p);
    pair_close(&p);
}

/* ---- Padding ------------------------------------------------------------------------------- */

static void test_padding(void **state)
{
    static const size_t zeros[] = {0, 1, 2, 100, 16384 - 5};

    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        enum kp_role to = other_role((enum kp_role)from);
        struct pair p;
        open_proved(&p, &w);
        for (size_t i = 0; i < COUNT(zeros); i++) {
            size_t before = p.heard[to].len;
            pair13_seal(&p, (enum kp_role)from, KP_APPLICATION, "he\0lo", 5, zeros[i]);
            pair_run(&p);
            assert_int_equal(p.heard[to].len - before, 5);
            assert_memory_equal(p.heard[to].data + before, "he\0lo", 5);
        }
        /* Nothing but padding behind the type, of the longest kind. */
        pair13_seal(&p, (enum kp_role)from, KP_APPLICATION, "", 0, 16384);
        pair_run(&p);
        assert_talks(&p);
        assert_at_rest(&p);
        /* One byte more than TLSInnerPlaintext may have. */
        pair13_seal(&p, (enum kp_role)from, KP_APPLICATION, "hello", 5, 16384 - 4);
        pair_run(&p);
        assert_ended(&p, to, KP_E_OVERFLOW, 22);
        pair_close(&p);
    }
}

/* RFC 8446 5.4: no type at all. */
static void test_only_zeros(void **state)
{
    static const size_t zeros[] = {0, 1, 50};

    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (size_t i = 0; i < COUNT(zeros); i++) {
            struct pair p;
            open_proved(&p, &w);
            pair13_seal(&p, (enum kp_role)from, 0, "", 0, zeros[i]);
            pair_run(&p);
            assert_ended(&p, other_role((enum kp_role)from), KP_E_UNEXPECTED, 10);
            pair_close(&p);
        }
    }
}

static void test_inner_types(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (unsigned type = 1; type < 256; type++) {
            struct pair p;
            if (type >= KP_ALERT && type <= KP_APPLICATION)
                continue;
            open_proved(&p, &w);
            pair13_seal(&p, (enum kp_role)from, (uint8_t)type, "\x01", 1, 0);
            pair_run(&p);
            assert_ended(&p, other_role((enum kp_role)from), KP_E_UNEXPECTED, 10);
            assert_int_equal(p.heard[KP_CLIENT].len + p.heard[KP_SERVER].len, 0);
            pair_close(&p);
        }
    }
}

/* ---- record_size_limit, RFC 8449 --------------------------------------------------------------
 */

/* The longest fragment in the wire from `start` on. */
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

/* A limit counts content, type and padding; the tag comes on top. */
static void test_limits(void **state)
{
    static const uint16_t limits[2][2] = {{512, 1021}, {16384, 513}};

    (void)state;
    for (size_t i = 0; i < COUNT(limits); i++) {
        const struct kp_settings client = {.record_size_limit = limits[i][0]};
        const struct kp_settings server = {.record_size_limit = limits[i][1]};
        struct world13 other;
        world13_open(&other, &client, &server);
        for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
            enum kp_role to = other_role((enum kp_role)from);
            uint16_t limit = limits[i][to];
            struct pair p;
            open_proved(&p, &other);
            size_t start = p.wire[from].len;
            for (size_t n = 0; n < COUNT(sizes); n++)
                both_ways(&p, sizes[n]);
            /* Without a limit of ours 2^14 bytes of content are said as 2^14 + 1. */
            size_t inner = limit == 16384 ? 16385u : limit;
            assert_int_equal(longest(&p.wire[from], start), inner + KP_AEAD_TAG_LEN);
            pair13_seal(&p, (enum kp_role)from, KP_APPLICATION, content, inner - 1, 0);
            pair13_seal(&p, (enum kp_role)from, KP_APPLICATION, content, 10, inner - 11);
            pair_run(&p);
            assert_int_equal(pair_error(&p, to), 0);
            struct bytes *heard = &p.heard[to];
            size_t before = heard->len;
            pair13_seal(&p, (enum kp_role)from, KP_APPLICATION, content, i ? 10 : inner,
                        i ? inner - 10 : 0);
            pair_run(&p);
            assert_ended(&p, to, KP_E_OVERFLOW, 22);
            assert_int_equal(heard->len, before);
            pair_close(&p);
        }
        world13_close(&other);
    }
}

/* The least that may be asked for: the handshake's sealed messages keep to it, too. */
static void test_limit_64(void **state)
{
    struct pair p;

    (void)state;
    pair13_open(&p, &w, START, 9);
    pair_connect(&p, w.world.login, NULL, NULL);
    pair_hello_without(&p, 28);
    pair_hello_with(&p, 28, "\x00\x40", 2);
    pair_run(&p);
    assert_both_proved(&p);
    size_t at = 0;
    while (p.wire[KP_SERVER].data[at] != KP_APPLICATION)
        at += KP_HEADER_LEN +
              (size_t)(p.wire[KP_SERVER].data[at + 3] << 8 | p.wire[KP_SERVER].data[at + 4]);
    both_ways(&p, 20000);
    assert_int_equal(longest(&p.wire[KP_SERVER], at), 64 + KP_AEAD_TAG_LEN);
    assert_true(info_of(&p, KP_CLIENT).ticket);
    pair_close(&p);
}

/* Who wasn't told of the limit may fill its records. */
static void test_limit_not_negotiated(void **state)
{
    const struct kp_settings small = {.record_size_limit = 512};
    struct world13 other;
    struct pair p;

    (void)state;
    world13_open(&other, NULL, &small);
    pair13_open(&p, &other, START, 9);
    pair_connect(&p, other.world.login, NULL, NULL);
    pair_hello_without(&p, 28);
    pair_run(&p);
    assert_both_proved(&p);
    both_ways(&p, KP_RECORD_MAX);
    size_t start = p.wire[KP_CLIENT].len;
    both_ways(&p, KP_RECORD_MAX);
    assert_int_equal(longest(&p.wire[KP_CLIENT], start), KP_RECORD_MAX + 1 + KP_AEAD_TAG_LEN);
    pair_close(&p);
    world13_close(&other);
}

/* On the header alone, as soon as it is there. */
static void test_overflow(void **state)
{
    static uint8_t record[KP_HEADER_LEN + KP_RECORD_MAX + 2048 + 1] = {KP_APPLICATION, 3, 3};
    static const size_t lens[] = {KP_RECORD_MAX + 18, KP_RECORD_MAX + 257, KP_RECORD_MAX + 2048,
                                  KP_RECORD_MAX + 2049};

    (void)state;
    for (size_t i = 0; i < COUNT(lens); i++) {
        struct pair p;
        open_proved(&p, &w);
        record[3] = (uint8_t)(lens[i] >> 8);
        record[4] = (uint8_t)lens[i];
        pair_inject(&p, KP_CLIENT, record, lens[i] > KP_RECORD_MAX + 2048 ? 5 : 5 + lens[i]);
        pair_run(&p);
        assert_ended(&p, KP_SERVER, KP_E_OVERFLOW, 22);
        pair_close(&p);
    }
}

/* ---- Ends ---------------------------------------------------------------------------------- */

static unsigned state_of(const struct pair *p, enum kp_role role)
{
    return kp_conn_state(p->conn[role]);
}

static void test_half_close(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        enum kp_role to = other_role((enum kp_role)from);
        struct pair p;
        size_t used;
        open_proved(&p, &w);
        assert_true(pair_say(&p, (enum kp_role)from, "last", 4));
        assert_int_equal(kp_app_in_end(p.conn[from]), 0);
        assert_int_equal(kp_app_in_end(p.conn[from]), 0);
        assert_int_equal(kp_app_in(p.conn[from], content, 1, &used), KP_E_ARGUMENT);
        assert_int_equal(state_of(&p, (enum kp_role)from) & KP_APP_IN, 0);
        pair_run(&p);
        assert_true((state_of(&p, to) & KP_PEER_ENDED) != 0);
        /* The other half goes on, with new keys. */
        assert_true(pair_say(&p, to, content, 100000));
        assert_int_equal(kp_conn_key_update(p.conn[to], false), 0);
        assert_true(pair_say(&p, to, content, 10));
        assert_int_equal(p.heard[from].len, 100010);
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

/* Whatever comes behind close_notify is nobody's. */
static void test_after_close(void **state)
{
    struct pair p;

    (void)state;
    open_proved(&p, &w);
    pair13_seal(&p, KP_CLIENT, KP_ALERT, "\x01\x00", 2, 0);
    pair13_seal(&p, KP_CLIENT, KP_APPLICATION, "late", 4, 0);
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_SERVER), 0);
    assert_int_equal(p.heard[KP_SERVER].len, 0);
    assert_true((state_of(&p, KP_SERVER) & KP_PEER_ENDED) != 0);
    pair_close(&p);
}

/* At each byte of the last records the wire is cut: never whole, never an end. */
static void test_truncation(void **state)
{
    size_t whole;
    struct pair p;

    (void)state;
    open_proved(&p, &w);
    size_t start = p.wire[KP_SERVER].len;
    must(pair_say(&p, KP_SERVER, "a body", 6));
    must(kp_app_in_end(p.conn[KP_SERVER]) == 0);
    pair_run(&p);
    whole = p.wire[KP_SERVER].len;
    pair_close(&p);
    for (size_t limit = start; limit <= whole; limit++) {
        open_proved(&p, &w);
        p.limit[KP_SERVER] = limit;
        must(pair_say(&p, KP_SERVER, "a body", 6));
        must(kp_app_in_end(p.conn[KP_SERVER]) == 0);
        pair_run(&p);
        int err = kp_wire_in_end(p.conn[KP_CLIENT]);
        assert_int_equal(err, limit == whole ? 0 : KP_E_TRUNCATED);
        assert_int_equal((state_of(&p, KP_CLIENT) & KP_PEER_ENDED) != 0, limit == whole);
        assert_true(p.heard[KP_CLIENT].len == 0 || p.heard[KP_CLIENT].len == 6);
        pair_close(&p);
    }
}

/* ---- ALPN ---------------------------------------------------------------------------------- */

static void test_alpn(void **state)
{
    static const char *const ours[] = {"h2", "http/1.1"};
    static const char *const theirs[] = {"http/1.1", "h2"};
    static const char *const other[] = {"imap"};
    const struct kp_settings client = {.alpn = ours, .alpn_count = 2};
    const struct kp_settings servers[] = {{.alpn = theirs, .alpn_count = 2},
                                          {.alpn = ours, .alpn_count = 2},
                                          {.alpn_count = 0},
                                          {.alpn = other, .alpn_count = 1}};
    static const char *const expected[] = {"http/1.1", "h2", NULL};

    (void)state;
    for (size_t i = 0; i < COUNT(servers); i++) {
        struct world13 it;
        struct pair p;
        world13_open(&it, &client, &servers[i]);
        pair13_handshake(&p, &it, START, 9);
        if (i == 3) {
            assert_ended(&p, KP_SERVER, KP_E_NO_ALPN, 120);
            assert_false(info_of(&p, KP_SERVER).password_used);
        } else {
            assert_both_proved(&p);
            for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
                const char *got = info_of(&p, (enum kp_role)role).alpn;
                assert_int_equal(got != NULL, expected[i] != NULL);
                if (got != NULL)
                    assert_string_equal(got, expected[i]);
            }
        }
        pair_close(&p);
        world13_close(&it);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),       cmocka_unit_test(test_deaf),
        cmocka_unit_test(test_padding),     cmocka_unit_test(test_only_zeros),
        cmocka_unit_test(test_inner_types), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_limit_64),    cmocka_unit_test(test_limit_not_negotiated),
        cmocka_unit_test(test_overflow),    cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_after_close), cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_alpn),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
