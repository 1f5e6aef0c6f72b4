/*
 * Proves, for TLS 1.3: after the proof a client takes tickets and KeyUpdate, a server KeyUpdate,
 * and neither anything else; tickets come in any number, in pieces, and are ignored where they say
 * so; floods of what carries nothing end; alerts count by their description, whatever their level.
 */
#include "checks.h"
#include "seal13.h"

#include <stdlib.h>

static struct world13 w;

/* Records in a row that carry nothing. */
#define TOLERATED 8

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

/* So many records from `from` after the handshake, by hand; the error of who gets them. */
static int after(enum kp_role from, uint8_t type, const void *data, size_t len, unsigned times,
                 int *alert)
{
    enum kp_role to = other_role(from);
    struct pair p;

    open_proved(&p);
    /* The sender goes on, whatever is said to it. */
    p.cut[to] = true;
    while (times-- > 0)
        pair13_seal(&p, from, type, data, len, 0);
    pair_run(&p);
    p.cut[to] = false;
    int err = pair_error(&p, to);
    *alert = kp_conn_sent_alert(p.conn[to]);
    if (err == 0)
        assert_talks(&p);
    pair_close(&p);
    return err;
}

static void assert_after(enum kp_role from, uint8_t type, const void *data, size_t len,
                         unsigned times, int error, int expected)
{
    int alert;
    int got = after(from, type, data, len, times, &alert);

    if (got != error || alert != expected)
        fail_msg("type %u, %zu bytes, %u times from role %d: error %d alert %d", type, len, times,
                 from, got, alert);
}

/* ---- Messages ------------------------------------------------------------------------------ */

static void test_other_messages(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (unsigned type = 0; type < 256; type++) {
            const uint8_t message[5] = {(uint8_t)type, 0, 0, 1, 0};
            bool its =
                type == KP_KEY_UPDATE || (type == KP_NEW_SESSION_TICKET && from == KP_SERVER);
            if (its)
                continue;
            assert_after((enum kp_role)from, KP_HANDSHAKE, message, 5, 1, KP_E_UNEXPECTED, 10);
            /* On its first byte. */
            assert_after((enum kp_role)from, KP_HANDSHAKE, message, 1, 1, KP_E_UNEXPECTED, 10);
        }
    }
}

/* Renegotiation is no more: whole requests, too. */
static void test_renegotiation(void **state)
{
    static const uint8_t hello_request[4] = {0};
    uint8_t finished[4 + 32] = {KP_FINISHED, 0, 0, 32};
    struct bytes hello = {0};
    struct pair p;

    (void)state;
    open_proved(&p);
    size_t len = (size_t)(p.wire[KP_CLIENT].data[3] << 8 | p.wire[KP_CLIENT].data[4]);
    bytes_add(&hello, p.wire[KP_CLIENT].data + KP_HEADER_LEN, len);
    pair_close(&p);
    assert_after(KP_CLIENT, KP_HANDSHAKE, hello.data, hello.len, 1, KP_E_UNEXPECTED, 10);
    assert_after(KP_SERVER, KP_HANDSHAKE, hello_request, 4, 1, KP_E_UNEXPECTED, 10);
    for (int from = KP_CLIENT; from <= KP_SERVER; from++)
        assert_after((enum kp_role)from, KP_HANDSHAKE, finished, 36, 1, KP_E_UNEXPECTED, 10);
    bytes_free(&hello);
}

/* Records in the clear have no place any more. */
static void test_in_the_clear(void **state)
{
    static const uint8_t records[][9] = {{KP_ALERT, 3, 3, 0, 2, 2, 40},
                                         {KP_ALERT, 3, 3, 0, 2, 1, 0},
                                         {KP_HANDSHAKE, 3, 3, 0, 4, KP_NEW_SESSION_TICKET, 0, 0, 0},
                                         {KP_CCS, 3, 3, 0, 1, 1}};

    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (size_t i = 0; i < COUNT(records); i++) {
            struct pair p;
            open_proved(&p);
            pair_inject(&p, (enum kp_role)from, records[i], KP_HEADER_LEN + records[i][4]);
            pair_run(&p);
            assert_ended(&p, other_role((enum kp_role)from), KP_E_UNEXPECTED, 10);
            pair_close(&p);
        }
    }
}

/* ---- Tickets ------------------------------------------------------------------------------- */

struct ticket {
    uint32_t lifetime;
    size_t nonce_len;
    size_t len;
    uint8_t fill;
};

static void put_ticket(struct bytes *out, const struct ticket *t)
{
    static uint8_t body[40000];
    static uint8_t bytes[40000];
    struct kp_builder b;

    memset(bytes, t->fill, sizeof(bytes));
    const struct kp_new_ticket13 message = {t->lifetime, 5, {bytes, t->nonce_len}, {bytes, t->len}};
    kp_builder_init(&b, body, sizeof(body));
    kp_put_u8(&b, KP_NEW_SESSION_TICKET);
    size_t mark = kp_put_open(&b, 3);
    kp_new_ticket13_build(&b, &message);
    kp_put_close(&b, mark, 3);
    must(!b.failed);
    bytes_add(out, body, b.len);
}

static void seal_message(struct pair *p, const struct bytes *message, size_t piece)
{
    for (size_t at = 0; at < message->len; at += piece) {
        size_t n = message->len - at < piece ? message->len - at : piece;
        pair13_seal(p, KP_SERVER, KP_HANDSHAKE, message->data + at, n, 0);
    }
    pair_run(p);
}

/* The newest is the session; in pieces, many in a record, long ones. */
static void test_many_tickets(void **state)
{
    struct bytes two = {0};
    struct pair p;

    (void)state;
    open_proved(&p);
    for (uint8_t i = 0; i < 100; i++) {
        static const size_t pieces[] = {1, 3, 100, 16384};
        const struct ticket t = {1000u + i, i % 3, i % 4 == 3 ? 16000 : 30, i};
        struct bytes message = {0};
        put_ticket(&message, &t);
        seal_message(&p, &message, i % 4 == 3 ? 5000 : pieces[i % 4]);
        bytes_free(&message);
        struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
        assert_non_null(session);
        assert_int_equal(session->ticket_len, t.len);
        assert_int_equal(session->ticket[0], i);
        assert_int_equal(session->lifetime, t.lifetime);
        assert_int_equal(session->version, KP_TLS13);
        assert_int_equal(session->age_add, 5);
        assert_int_equal(session->received, START);
        assert_int_equal(session->name_len, strlen(ALICE));
        kp_session_free(session);
        assert_null(p.conn[KP_CLIENT]->post.data);
        assert_null(p.conn[KP_CLIENT]->app.data);
    }
    /* Two and a part of a third, then its rest; each nonce has its own secret. */
    put_ticket(&two, &(struct ticket){7, 1, 20, 1});
    put_ticket(&two, &(struct ticket){8, 2, 20, 2});
    put_ticket(&two, &(struct ticket){9, 3, 20, 3});
    pair13_seal(&p, KP_SERVER, KP_HANDSHAKE, two.data, two.len - 10, 0);
    pair_run(&p);
    struct kp_session *second = kp_conn_session(p.conn[KP_CLIENT]);
    assert_int_equal(second->lifetime, 8);
    pair13_seal(&p, KP_SERVER, KP_HANDSHAKE, two.data + two.len - 10, 10, 0);
    pair_run(&p);
    struct kp_session *third = kp_conn_session(p.conn[KP_CLIENT]);
    assert_int_equal(third->lifetime, 9);
    assert_memory_not_equal(second->master, third->master, 32);
    kp_session_free(second);
    kp_session_free(third);
    bytes_free(&two);
    assert_talks(&p);
    pair_close(&p);
}

static void test_ticket_lifetimes(void **state)
{
    static const struct {
        uint32_t said;
        uint32_t kept;
    } cases[] = {{1, 1}, {604800, 604800}, {604801, 604800}, {UINT32_MAX, 604800}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bytes message = {0};
        struct pair p;
        open_proved(&p);
        put_ticket(&message, &(struct ticket){cases[i].said, 1, 20, 1});
        seal_message(&p, &message, 16384);
        struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
        assert_int_equal(session->lifetime, cases[i].kept);
        kp_session_free(session);
        bytes_free(&message);
        pair_close(&p);
    }
}

/* Those that are not kept: of lifetime 0; any with BoringSSL's form, or where none are wanted. */
static void test_ignored_tickets(void **state)
{
    const struct kp_settings settings[] = {
        {.role = KP_CLIENT}, {.pake = KP_PAKE_BORINGSSL}, {.no_tickets = true}};
    struct world13 kept = w;

    (void)state;
    for (size_t i = 0; i < COUNT(settings); i++) {
        struct bytes message = {0};
        put_ticket(&message, &(struct ticket){i == 0 ? 0 : 100, 1, 20, 1});
        world13_open(&w, &settings[i], NULL);
        for (unsigned times = TOLERATED; times <= TOLERATED + 1; times++) {
            struct pair p;
            open_proved(&p);
            struct kp_session *before = kp_conn_session(p.conn[KP_CLIENT]);
            assert_int_equal(before != NULL, i == 0);
            for (unsigned n = 0; n < times; n++)
                seal_message(&p, &message, 20);
            if (times > TOLERATED) {
                assert_ended(&p, KP_CLIENT, KP_E_FLOOD, 10);
            } else {
                struct kp_session *now = kp_conn_session(p.conn[KP_CLIENT]);
                assert_ptr_equal(now, before);
                kp_session_free(now);
                assert_talks(&p);
            }
            kp_session_free(before);
            pair_close(&p);
        }
        world13_close(&w);
        bytes_free(&message);
    }
    w = kept;
}

static void test_bad_tickets(void **state)
{
    static const struct {
        const char *message;
        size_t len;
        int error;
        int alert;
    } cases[] = {
        /* No ticket in it; cut; trailing; extensions cut. */
        {"\x04\0\0\x0D\0\0\0\1\0\0\0\0\0\0\0\0\0", 17, KP_E_DECODE, 50},
        {"\x04\0\0\x0C\0\0\0\1\0\0\0\0\0\0\1x", 16, KP_E_DECODE, 50},
        {"\x04\0\0\x0F\0\0\0\1\0\0\0\0\0\0\1x\0\0\0", 19, KP_E_DECODE, 50},
        {"\x04\0\0\x0F\0\0\0\1\0\0\0\0\0\0\1x\0\1\0", 19, KP_E_DECODE, 50},
        {"\x04\0\0\0", 4, KP_E_DECODE, 50},
        {"\x04\0\x40\x01", 4, KP_E_TOO_LONG, 47},
        {"\x04\xFF\xFF\xFF", 4, KP_E_TOO_LONG, 47},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_after(KP_SERVER, KP_HANDSHAKE, cases[i].message, cases[i].len, 1, cases[i].error,
                     cases[i].alert);
    /* An unknown extension is passed over. */
    assert_after(KP_SERVER, KP_HANDSHAKE, "\x04\0\0\x12\0\0\0\1\0\0\0\0\0\0\1x\0\4\x5A\x5A\0\0", 22,
                 1, 0, -1);
    /* The longest, and what is in hand of it stays bounded. */
    struct bytes message = {0};
    struct pair p;
    open_proved(&p);
    put_ticket(&message, &(struct ticket){1, 0, 16384 - 4 - 4 - 1 - 2 - 2, 1});
    assert_int_equal(message.len, 4 + 16384);
    seal_message(&p, &message, 1000);
    struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
    assert_int_equal(session->ticket_len, 16384 - 13);
    kp_session_free(session);
    bytes_free(&message);
    pair_close(&p);
}

/* ---- Floods, alerts ------------------------------------------------------------------------ */

static void test_floods(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        enum kp_role role = (enum kp_role)from;
        assert_after(role, KP_APPLICATION, "", 0, TOLERATED, 0, -1);
        assert_after(role, KP_APPLICATION, "", 0, TOLERATED + 1, KP_E_FLOOD, 10);
        assert_after(role, KP_ALERT, "\x01\x5A", 2, TOLERATED, 0, -1);
        assert_after(role, KP_ALERT, "\x02\x5A", 2, TOLERATED + 1, KP_E_FLOOD, 10);
    }
}

static void test_no_flood(void **state)
{
    struct pair p;

    (void)state;
    open_proved(&p);
    for (unsigned i = 0; i < 100; i++) {
        pair13_seal(&p, KP_CLIENT, KP_APPLICATION, "", 0, i);
        pair13_seal(&p, KP_CLIENT, KP_ALERT, "\x01\x5A", 2, 0);
        pair13_seal(&p, KP_CLIENT, KP_APPLICATION, "x", 1, 0);
    }
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_SERVER), 0);
    assert_int_equal(p.heard[KP_SERVER].len, 100);
    assert_talks(&p);
    pair_close(&p);
}

/* RFC 8446 6: but for close_notify and user_canceled each is fatal, and is answered by none. */
static void test_alerts(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        enum kp_role to = other_role((enum kp_role)from);
        for (unsigned level = 1; level <= 2; level++) {
            static const uint8_t numbers[] = {10, 20, 40, 47, 80, 100, 112, 255};
            for (size_t i = 0; i < COUNT(numbers); i++) {
                const uint8_t body[2] = {(uint8_t)level, numbers[i]};
                struct pair p;
                open_proved(&p);
                pair13_seal(&p, (enum kp_role)from, KP_ALERT, body, 2, 0);
                pair_run(&p);
                assert_ended(&p, to, KP_E_PEER_ALERT, -1);
                assert_int_equal(kp_conn_peer_alert(p.conn[to]), numbers[i]);
                pair_close(&p);
            }
        }
        assert_after((enum kp_role)from, KP_ALERT, "\x01", 1, 1, KP_E_DECODE, 50);
        assert_after((enum kp_role)from, KP_ALERT, "\x01\x00\x01", 3, 1, KP_E_DECODE, 50);
        /* RFC 8446 5.4: no empty ones, nor empty fragments of messages. */
        assert_after((enum kp_role)from, KP_ALERT, "", 0, 1, KP_E_UNEXPECTED, 10);
        assert_after((enum kp_role)from, KP_HANDSHAKE, "", 0, 1, KP_E_UNEXPECTED, 10);
    }
}

/* RFC 8446 6.2: what failed is forgotten, ticket and secrets; what was merely cut keeps its ticket.
 */
static void test_forgotten(void **state)
{
    static const union kp_kept nothing;
    uint8_t out[16];

    (void)state;
    for (int cut = 0; cut <= 1; cut++) {
        struct pair p;
        open_proved(&p);
        struct kp_conn *client = p.conn[KP_CLIENT];
        must(kp_conn_export(client, "EXPORTER-x", 10, NULL, 0, out, sizeof(out)) == 0);
        if (cut)
            assert_int_equal(kp_wire_in_end(client), KP_E_TRUNCATED);
        else
            pair13_seal(&p, KP_SERVER, KP_ALERT, "\x02\x28", 2, 0);
        pair_run(&p);
        assert_int_not_equal(kp_conn_error(client), 0);
        struct kp_session *session = kp_conn_session(client);
        assert_int_equal(session != NULL, cut);
        kp_session_free(session);
        assert_int_equal(kp_conn_export(client, "EXPORTER-x", 10, NULL, 0, out, sizeof(out)),
                         KP_E_ARGUMENT);
        assert_memory_equal(&client->outcome.kept, &nothing, sizeof(nothing));
        pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_messages),   cmocka_unit_test(test_renegotiation),
        cmocka_unit_test(test_in_the_clear),     cmocka_unit_test(test_many_tickets),
        cmocka_unit_test(test_ticket_lifetimes), cmocka_unit_test(test_ignored_tickets),
        cmocka_unit_test(test_bad_tickets),      cmocka_unit_test(test_floods),
        cmocka_unit_test(test_no_flood),         cmocka_unit_test(test_alerts),
        cmocka_unit_test(test_forgotten),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
