/*
 * Proves, for TLS 1.3: keys change both ways, asked for and not, by themselves under load, and data
 * goes on; a KeyUpdate that is malformed, not the last of its record, or one too many ends the
 * connection; requests of a peer that doesn't read make nothing grow (RFC 8446 4.6.3, 5.1); exports
 * are alike on both sides of both versions (7.5, RFC 5705).
 */
#include "checks.h"
#include "seal13.h"

#include <stdlib.h>

static struct world13 w;

#define UPDATES_MAX 32

static int open_world(void **state)
{
    (void)state;
    world13_open(&w, NULL, NULL);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world13_close(&w);
    return 0;
}

static void open_proved(struct pair *p)
{
    pair13_handshake(p, &w, START, 9);
    must(pair_proved(p, KP_CLIENT) && pair_proved(p, KP_SERVER));
}

/* The traffic secrets of both directions as one side has them. */
struct secrets {
    uint8_t of[2][KP_HASH_MAX]; /* by sender */
};

static struct secrets secrets_of(const struct pair *p, enum kp_role role)
{
    const struct kp_outcome *o = &p->conn[role]->outcome;
    struct secrets s;

    memcpy(s.of[KP_CLIENT], o->kept.tls13.client, KP_HASH_MAX);
    memcpy(s.of[KP_SERVER], o->kept.tls13.server, KP_HASH_MAX);
    return s;
}

/* Both sides agree; the direction has, or hasn't, another secret than before. */
static void assert_changed(const struct pair *p, const struct secrets *before, bool client,
                           bool server)
{
    const bool changed[2] = {client, server};
    struct secrets ours = secrets_of(p, KP_CLIENT);
    struct secrets theirs = secrets_of(p, KP_SERVER);

    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        assert_memory_equal(ours.of[from], theirs.of[from], 32);
        assert_int_equal(memcmp(ours.of[from], before->of[from], 32) != 0, changed[from]);
    }
}

/* ---- KeyUpdate ----------------------------------------------------------------------------- */

static void test_update(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (int ask = 0; ask <= 1; ask++) {
            struct pair p;
            open_proved(&p);
            for (int times = 0; times < 5; times++) {
                struct secrets before = secrets_of(&p, KP_CLIENT);
                assert_int_equal(kp_conn_key_update(p.conn[from], ask), 0);
                pair_run(&p);
                assert_changed(&p, &before, from == KP_CLIENT || ask, from == KP_SERVER || ask);
                assert_talks(&p);
            }
            pair_close(&p);
        }
    }
}

/* Both at once, each asking; and several before anything was sent: one answer does. */
static void test_crossing(void **state)
{
    struct pair p;

    (void)state;
    open_proved(&p);
    struct secrets before = secrets_of(&p, KP_CLIENT);
    assert_int_equal(kp_conn_key_update(p.conn[KP_CLIENT], true), 0);
    assert_int_equal(kp_conn_key_update(p.conn[KP_SERVER], true), 0);
    pair_run(&p);
    assert_changed(&p, &before, true, true);
    assert_talks(&p);
    size_t wire = p.wire[KP_SERVER].len;
    for (int i = 0; i < 5; i++)
        assert_int_equal(kp_conn_key_update(p.conn[KP_CLIENT], true), 0);
    p.cut[KP_SERVER] = true;
    p.window = 1;
    pair_run(&p);
    p.cut[KP_SERVER] = false;
    pair_run(&p);
    assert_true(p.wire[KP_SERVER].len - wire <= 2 * (KP_HEADER_LEN + 5 + 1 + KP_AEAD_TAG_LEN));
    p.window = 0;
    assert_talks(&p);
    pair_close(&p);
}

/* A request is answered even when our last KeyUpdate has gone out already and data has not. */
static void test_answer_behind_data(void **state)
{
    static uint8_t data[10000];
    enum { UPDATE = KP_HEADER_LEN + 5 + 1 + KP_AEAD_TAG_LEN };
    struct pair p;
    size_t used;
    size_t len;

    (void)state;
    open_proved(&p);
    struct kp_conn *server = p.conn[KP_SERVER];
    assert_int_equal(kp_conn_key_update(server, false), 0);
    assert_int_equal(kp_app_in(server, data, sizeof(data), &used), 0);
    const uint8_t *wire = kp_wire_out(server, &len);
    assert_true(len > UPDATE);
    pair_inject(&p, KP_SERVER, wire, UPDATE);
    kp_wire_out_done(server, UPDATE);
    struct secrets before = secrets_of(&p, KP_SERVER);
    assert_int_equal(kp_conn_key_update(p.conn[KP_CLIENT], true), 0);
    p.window = 1;
    p.cut[KP_SERVER] = true;
    /* The client's request alone moves. */
    pair_inject(&p, KP_SERVER, "", 0);
    pair_run(&p);
    struct secrets after = secrets_of(&p, KP_SERVER);
    assert_memory_not_equal(before.of[KP_SERVER], after.of[KP_SERVER], 32);
    p.cut[KP_SERVER] = false;
    p.window = 0;
    pair_run(&p);
    assert_int_equal(p.heard[KP_CLIENT].len, sizeof(data));
    assert_talks(&p);
    pair_close(&p);
}

static void test_when(void **state)
{
    const struct kp_settings tls12 = {.versions = KP_USE_TLS12};
    struct world13 kept = w;
    struct pair p;

    (void)state;
    open_proved(&p);
    assert_int_equal(kp_app_in_end(p.conn[KP_CLIENT]), 0);
    assert_int_equal(kp_conn_key_update(p.conn[KP_CLIENT], true), KP_E_ARGUMENT);
    /* Who has ended reads on, and answers no more. */
    assert_int_equal(kp_conn_key_update(p.conn[KP_SERVER], true), 0);
    size_t wire = p.wire[KP_CLIENT].len;
    pair_run(&p);
    assert_int_equal(p.wire[KP_CLIENT].len - wire, KP_HEADER_LEN + 2 + 1 + KP_AEAD_TAG_LEN);
    assert_true(pair_say(&p, KP_SERVER, "more", 4));
    assert_int_equal(p.heard[KP_CLIENT].len, 4);
    pair_close(&p);
    world13_open(&w, &tls12, NULL);
    open_proved(&p);
    assert_int_equal(kp_conn_key_update(p.conn[KP_CLIENT], true), KP_E_ARGUMENT);
    assert_int_equal(kp_conn_key_update(p.conn[KP_SERVER], false), KP_E_ARGUMENT);
    assert_talks(&p);
    pair_close(&p);
    world13_close(&w);
    w = kept;
}

/* What a side seals as KeyUpdate changes its own keys too, when it is one. */
static void seal_update(struct pair *p, enum kp_role from, bool ask)
{
    must(kp_conn_key_update(p->conn[from], ask) == 0);
}

static void test_flood(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (unsigned times = UPDATES_MAX; times <= UPDATES_MAX + 1; times++) {
            struct pair p;
            open_proved(&p);
            for (unsigned i = 0; i < times; i++) {
                /* Other things that carry nothing don't start the count again. */
                if (i % 8 == 0)
                    pair13_seal(&p, (enum kp_role)from, KP_APPLICATION, "", 0, 0);
                seal_update(&p, (enum kp_role)from, i % 2);
                pair_run(&p);
            }
            if (times > UPDATES_MAX)
                assert_ended(&p, other_role((enum kp_role)from), KP_E_FLOOD, 10);
            else
                assert_talks(&p);
            pair_close(&p);
        }
    }
}

/* With data in between it is none. */
static void test_no_flood(void **state)
{
    struct pair p;

    (void)state;
    open_proved(&p);
    for (unsigned i = 0; i < 5 * UPDATES_MAX; i++) {
        seal_update(&p, KP_CLIENT, i % 6 == 0);
        assert_true(pair_say(&p, KP_CLIENT, "x", 1));
    }
    assert_talks(&p);
    pair_close(&p);
}

static void test_peer_that_does_not_read(void **state)
{
    struct pair p;

    (void)state;
    open_proved(&p);
    p.window = 1;
    p.cut[KP_SERVER] = true;
    /* One byte waits on the wire: from now on the server's wire out stays where it is. */
    pair_inject(&p, KP_SERVER, "", 1);
    size_t most = 0;
    for (unsigned i = 0; i < 1000; i++) {
        size_t used;
        seal_update(&p, KP_CLIENT, true);
        assert_int_equal(kp_app_in(p.conn[KP_CLIENT], (const uint8_t *)"x", 1, &used), 0);
        pair_run(&p);
        size_t len;
        (void)kp_wire_out(p.conn[KP_SERVER], &len);
        most = len > most ? len : most;
    }
    assert_int_equal(pair_error(&p, KP_SERVER), 0);
    assert_int_equal(p.heard[KP_SERVER].len, 1000);
    assert_int_equal(most, KP_HEADER_LEN + 5 + 1 + KP_AEAD_TAG_LEN);
    pair_close(&p);
}

/* ---- Wrong ones ---------------------------------------------------------------------------- */

static void test_malformed(void **state)
{
    static const struct {
        const char *message;
        size_t len;
        int error;
        int alert;
    } cases[] = {
        {"\x18\x00\x00\x01\x02", 5, KP_E_ILLEGAL, 47},
        {"\x18\x00\x00\x01\xFF", 5, KP_E_ILLEGAL, 47},
        {"\x18\x00\x00\x00", 4, KP_E_DECODE, 50},
        {"\x18\x00\x00\x02\x00\x00", 6, KP_E_DECODE, 50},
        {"\x18\x00\x00\x02", 4, KP_E_DECODE, 50},
        {"\x18\xFF\xFF\xFF", 4, KP_E_DECODE, 50},
        /* Something behind it in its record: it would be read with other keys. */
        {"\x18\x00\x00\x01\x00\x18", 6, KP_E_UNEXPECTED, 10},
        {"\x18\x00\x00\x01\x00\x18\x00\x00\x01\x00", 10, KP_E_UNEXPECTED, 10},
        {"\x18\x00\x00\x01\x01\x04", 6, KP_E_UNEXPECTED, 10},
    };

    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            struct pair p;
            open_proved(&p);
            pair13_seal(&p, (enum kp_role)from, KP_HANDSHAKE, cases[i].message, cases[i].len, 0);
            pair_run(&p);
            assert_ended(&p, other_role((enum kp_role)from), cases[i].error, cases[i].alert);
            pair_close(&p);
        }
    }
}

/* In records of a byte each, with padding: it is whole when its last byte is there. */
static void test_fragments(void **state)
{
    static const uint8_t message[] = {KP_KEY_UPDATE, 0, 0, 1, 0};

    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        enum kp_role to = other_role((enum kp_role)from);
        struct pair p;
        open_proved(&p);
        for (size_t i = 0; i < sizeof(message); i++) {
            pair13_seal(&p, (enum kp_role)from, KP_HANDSHAKE, message + i, 1, i);
            pair_run(&p);
        }
        assert_int_equal(pair_error(&p, to), 0);
        assert_null(p.conn[to]->post.data);
        /* The sender's keys are what its KeyUpdate says; by hand here. */
        struct secrets s = secrets_of(&p, to);
        struct secrets ours = secrets_of(&p, (enum kp_role)from);
        assert_memory_not_equal(s.of[from], ours.of[from], 32);
        pair_close(&p);
        /* Other content in the middle. */
        for (uint8_t type = KP_ALERT; type <= KP_APPLICATION; type += KP_APPLICATION - KP_ALERT) {
            open_proved(&p);
            pair13_seal(&p, (enum kp_role)from, KP_HANDSHAKE, message, 3, 0);
            pair13_seal(&p, (enum kp_role)from, type, "\x01\x5A", 2, 0);
            pair_run(&p);
            assert_ended(&p, to, KP_E_UNEXPECTED, 10);
            assert_int_equal(p.heard[to].len, 0);
            pair_close(&p);
        }
    }
}

/* ---- By themselves, under load --------------------------------------------------------------- */

static void test_automatic(void **state)
{
    enum { CONTENT = 600000 };
    const struct kp_settings settings = {.key_update_records = 3, .record_size_limit = 600};
    struct world13 kept = w;
    uint8_t *content = malloc(CONTENT);
    struct seeded random;
    struct pair p;
    size_t said[2] = {0, 0};

    (void)state;
    must(content != NULL);
    seeded_start(&random, 5);
    seeded_random(&random, content, CONTENT);
    world13_open(&w, &settings, &settings);
    open_proved(&p);
    struct secrets last = secrets_of(&p, KP_CLIENT);
    unsigned changes = 0;
    while (said[0] + said[1] < 2 * CONTENT) {
        for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
            size_t left = CONTENT - said[from];
            size_t used;
            assert_int_equal(
                kp_app_in(p.conn[from], content + said[from], left < 3000 ? left : 3000, &used), 0);
            said[from] += used;
            /* As many as one call seals, and those that the limit allows before it. */
            assert_true(p.conn[from]->records.write.sequence <= 3 + 6);
        }
        pair_run(&p);
        struct secrets now = secrets_of(&p, KP_CLIENT);
        changes += memcmp(&now, &last, sizeof(now)) != 0;
        last = now;
    }
    assert_true(changes > 100);
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        assert_int_equal(pair_error(&p, (enum kp_role)role), 0);
        assert_int_equal(p.heard[role].len, CONTENT);
        assert_memory_equal(p.heard[role].data, content, CONTENT);
    }
    pair_close(&p);
    world13_close(&w);
    w = kept;
    free(content);
}

/* ---- Exports ------------------------------------------------------------------------------- */

#define LABEL "EXPORTER-keyplate-test"

static int export(const struct pair *p, enum kp_role role, const char *label, const void *context,
                  size_t context_len, uint8_t out[static 32])
{
    return kp_conn_export(p->conn[role], label, strlen(label), context, context_len, out, 32);
}

static void both_export(const struct pair *p, const char *label, const void *context,
                        size_t context_len, uint8_t out[static 32])
{
    uint8_t other[32];

    assert_int_equal(export(p, KP_CLIENT, label, context, context_len, out), 0);
    assert_int_equal(export(p, KP_SERVER, label, context, context_len, other), 0);
    assert_memory_equal(out, other, 32);
}

static void test_exports(void **state)
{
    static const char *const reserved[] = {"client finished", "server finished", "master secret",
                                           "extended master secret", "key expansion"};
    static uint8_t most[KP_EXPORT_LEN_MAX + 1];
    static char label[251];
    struct world13 kept = w;

    (void)state;
    memset(label, 'l', sizeof(label));
    for (unsigned versions = KP_USE_TLS12; versions <= KP_USE_TLS13; versions++) {
        const struct kp_settings settings = {.versions = versions};
        uint8_t out[6][32];
        struct pair p;
        world13_open(&w, &settings, NULL);
        open_proved(&p);
        both_export(&p, LABEL, NULL, 0, out[0]);
        both_export(&p, LABEL, "", 0, out[1]);
        both_export(&p, LABEL, "context", 7, out[2]);
        both_export(&p, LABEL "2", NULL, 0, out[3]);
        both_export(&p, LABEL, "\0", 1, out[4]);
        for (size_t i = 1; i < 5; i++) {
            /* RFC 8446 7.5: no context is an empty one there. */
            bool same = i == 1 && versions == KP_USE_TLS13;
            assert_int_equal(memcmp(out[0], out[i], 32) == 0, same);
        }
        for (size_t i = 0; i < COUNT(reserved); i++)
            assert_int_equal(export(&p, KP_CLIENT, reserved[i], NULL, 0, out[5]), KP_E_ARGUMENT);
        const struct kp_conn *c = p.conn[KP_CLIENT];
        assert_int_equal(kp_conn_export(c, LABEL, 0, NULL, 0, out[5], 32), KP_E_ARGUMENT);
        assert_int_equal(kp_conn_export(c, label, 250, NULL, 0, out[5], 32), KP_E_ARGUMENT);
        assert_int_equal(kp_conn_export(c, label, 249, NULL, 0, out[5], 32), 0);
        assert_int_equal(kp_conn_export(c, LABEL, 22, most, UINT16_MAX + 1u, out[5], 32),
                         KP_E_ARGUMENT);
        assert_int_equal(kp_conn_export(c, LABEL, 22, NULL, 0, most, sizeof(most)), KP_E_ARGUMENT);
        assert_int_equal(kp_conn_export(c, LABEL, 22, NULL, 0, most, sizeof(most) - 1), 0);
        /* Of TLS 1.3 the length takes part, of TLS 1.2 the beginning is the same. */
        assert_int_equal(memcmp(most, out[0], 32) == 0, versions == KP_USE_TLS12);
        if (versions == KP_USE_TLS13) {
            must(kp_conn_key_update(p.conn[KP_CLIENT], true) == 0);
            pair_run(&p);
        }
        both_export(&p, LABEL, NULL, 0, out[5]);
        assert_memory_equal(out[5], out[0], 32);
        struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
        pair_close(&p);
        /* A resumed connection has its own. */
        pair13_open(&p, &w, START + 1, 10);
        pair_connect(&p, NULL, session, NULL);
        pair_run(&p);
        both_export(&p, LABEL, NULL, 0, out[5]);
        assert_memory_not_equal(out[5], out[0], 32);
        pair_close(&p);
        kp_session_free(session);
        world13_close(&w);
    }
    w = kept;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_crossing),
        cmocka_unit_test(test_answer_behind_data),
        cmocka_unit_test(test_when),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_no_flood),
        cmocka_unit_test(test_peer_that_does_not_read),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_automatic),
        cmocka_unit_test(test_exports),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
