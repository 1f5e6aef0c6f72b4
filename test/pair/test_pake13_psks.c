/*
 * Proves: of the tickets in a ClientHello a server of TLS 1.3 takes the first of the first four
 * that is its own, and names its place; a list that is malformed, out of place or without its modes
 * is refused (RFC 8446 4.2.9, 4.2.11).
 */
#include "checks.h"

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

/* A hello with others' tickets in front of ours, and each binder right. */
static void set_tickets(struct pair *p, size_t others)
{
    struct kp_schedule13 schedule = {0};
    uint8_t hash[KP_HASH_MAX];
    uint8_t binder[KP_HASH_MAX] = {0};

    must(kp_schedule13_start(&schedule, w.world.crypto, KP_HASH_SHA256,
                             (struct kp_span){session->master, 32}) == 0);
    for (int final = 0; final <= 1; final++) {
        uint8_t body[1000];
        struct kp_builder b;
        kp_builder_init(&b, body, sizeof(body));
        size_t list = kp_put_open(&b, 2);
        for (size_t i = 0; i <= others; i++) {
            size_t identity = kp_put_open(&b, 2);
            kp_put_bytes(&b, i < others ? (const uint8_t *)"another's" : session->ticket,
                         i < others ? 9 : session->ticket_len);
            kp_put_close(&b, identity, 2);
            kp_put_u32(&b, 0);
        }
        kp_put_close(&b, list, 2);
        size_t before = b.len;
        list = kp_put_open(&b, 2);
        for (size_t i = 0; i <= others; i++) {
            kp_put_u8(&b, 32);
            kp_put_bytes(&b, binder, 32);
        }
        kp_put_close(&b, list, 2);
        must(!b.failed);
        pair_hello_without(p, 41);
        pair_hello_with(p, 41, body, b.len);
        const struct kp_transcript *t = &p->conn[KP_CLIENT]->handshake->transcript;
        const struct kp_span covered = {t->early, t->early_len - (b.len - before)};
        must(kp_digest(w.world.crypto, KP_HASH_SHA256, &covered, 1, hash) == 0);
        must(kp_tls13_binder(&schedule, hash, binder) == 0);
    }
    kp_schedule13_clear(&schedule);
}

/* The first four are tried, and the one that is taken is named by its place. */
static void test_places(void **state)
{
    (void)state;
    for (size_t others = 0; others < 6; others++) {
        struct pair p;
        pair13_open(&p, &w, START + 1, 3);
        pair_connect(&p, w.world.login, session, NULL);
        set_tickets(&p, others);
        p.cut[KP_SERVER] = true;
        pair_run(&p);
        assert_int_equal(pair_error(&p, KP_SERVER), 0);
        assert_int_equal(info_of(&p, KP_SERVER).resumed, others < 4);
        assert_int_equal(info_of(&p, KP_SERVER).password_used, others >= 4);
        if (others < 4)
            assert_int_equal(p.conn[KP_SERVER]->handshake->t13.psk_index, others);
        p.cut[KP_SERVER] = false;
        pair_run(&p);
        /* The client showed one alone. */
        if (others == 0)
            assert_both_proved(&p);
        else if (others < 4)
            assert_ended(&p, KP_CLIENT, KP_E_ILLEGAL, 47);
        pair_close(&p);
    }
}

static void test_bad_lists(void **state)
{
#define ID "\x00\x04name\x00\x00\x00\x00"
#define MAC                                                                                        \
    "\x20"                                                                                         \
    "0123456789abcdefghijklmnopqrstuv"
    static const struct {
        const char *name;
        const char *body;
        size_t len;
        uint16_t behind; /* another extension */
        bool no_modes;
        int error;
        int alert;
    } cases[] = {
        {"another's", "\x00\x0A" ID "\x00\x21" MAC, 2 + 10 + 2 + 33, 0, false, 0, -1},
        {"not the last", "\x00\x0A" ID "\x00\x21" MAC, 2 + 10 + 2 + 33, 0x5A5A, false, KP_E_ILLEGAL,
         47},
        {"without modes", "\x00\x0A" ID "\x00\x21" MAC, 2 + 10 + 2 + 33, 0, true, KP_E_MISSING,
         109},
        {"more identities", "\x00\x14" ID ID "\x00\x21" MAC, 2 + 20 + 2 + 33, 0, false,
         KP_E_ILLEGAL, 47},
        {"more binders", "\x00\x0A" ID "\x00\x42" MAC MAC, 2 + 10 + 2 + 66, 0, false, KP_E_ILLEGAL,
         47},
        {"no identities", "\x00\x00\x00\x21" MAC, 2 + 2 + 33, 0, false, KP_E_DECODE, 50},
        {"no binders", "\x00\x0A" ID "\x00\x00", 2 + 10 + 2, 0, false, KP_E_DECODE, 50},
        {"an empty identity", "\x00\x10\x00\x00\x00\x00\x00\x00" ID "\x00\x42" MAC MAC,
         2 + 16 + 2 + 66, 0, false, KP_E_DECODE, 50},
        {"cut", "\x00\x0A" ID "\x00\x21" MAC, 2 + 10 + 2 + 32, 0, false, KP_E_DECODE, 50},
        {"trailing", "\x00\x0A" ID "\x00\x21" MAC, 2 + 10 + 2 + 34, 0, false, KP_E_DECODE, 50},
        {"empty", "", 0, 0, false, KP_E_DECODE, 50},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair p;
        pair13_open(&p, &w, START + 1, 3);
        pair_connect(&p, w.world.login, NULL, NULL);
        pair_hello_with(&p, 41, cases[i].body, cases[i].len);
        if (cases[i].behind != 0)
            pair_hello_with(&p, cases[i].behind, "", 0);
        if (cases[i].no_modes)
            pair_hello_without(&p, 45);
        pair_run(&p);
        if (pair_error(&p, KP_SERVER) != cases[i].error ||
            kp_conn_sent_alert(p.conn[KP_SERVER]) != cases[i].alert)
            fail_msg("%s: %d, %d", cases[i].name, pair_error(&p, KP_SERVER),
                     kp_conn_sent_alert(p.conn[KP_SERVER]));
        pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_bad_lists),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
