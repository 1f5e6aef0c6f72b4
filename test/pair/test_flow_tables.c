/*
 * Proves: every row of every flow takes its own message and no other; what is too long is refused
 * on its header; ChangeCipherSpec has its rows in TLS 1.2 and none in TLS 1.3; HelloRequest is
 * ignored where TLS 1.2 is negotiated and nowhere else; every flow ends.
 */
#include "cm.h"

#include "harness.h"

#include <stdio.h>
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

/* ---- The tables ---------------------------------------------------------------------------- */

static const struct flow {
    const char *name;
    enum kp_role role;
    const struct kp_step *rows;
    uint16_t version; /* 0: not chosen yet */
    uint32_t facts;
    bool goes_on; /* in another table */
} flows[] = {
    {"begin server", KP_SERVER, kp_flow_server, 0, 0, true},
    {"server", KP_SERVER, kp_flow12_server, KP_TLS12, 0, false},
    {"server resumed", KP_SERVER, kp_flow12_server_resumed, KP_TLS12, 0, false},
    {"begin client 1.2", KP_CLIENT, kp_flow_client, 0, KP_FACT_OFFER12, true},
    {"begin client both", KP_CLIENT, kp_flow_client, 0, KP_FACT_OFFER12 | KP_FACT_OFFER13, true},
    {"begin client 1.3", KP_CLIENT, kp_flow_client, 0, KP_FACT_OFFER13, true},
    {"client full", KP_CLIENT, kp_flow12_client_full, KP_TLS12, KP_FACT_OFFER12, false},
    {"client resumed", KP_CLIENT, kp_flow12_client_resumed, KP_TLS12, KP_FACT_OFFER12, false},
    {"server 1.3", KP_SERVER, kp_flow13_server, KP_TLS13, 0, false},
    {"server 1.3 retry", KP_SERVER, kp_flow13_server_retry, KP_TLS13, KP_FACT_RETRIED, true},
    {"client 1.3", KP_CLIENT, kp_flow13_client, KP_TLS13, KP_FACT_OFFER13, false},
    {"client 1.3 of both", KP_CLIENT, kp_flow13_client, KP_TLS13, KP_FACT_OFFER12 | KP_FACT_OFFER13,
     false},
    {"client 1.3 retry", KP_CLIENT, kp_flow13_client_retry, KP_TLS13,
     KP_FACT_OFFER12 | KP_FACT_OFFER13, true},
};

/* A handshake that stands at one row, with nothing behind it. */
struct standing {
    struct kp_record_layer records;
    struct kp_outcome outcome;
    struct kp_handshake *hs;
};

static void stand(struct standing *s, const struct flow *f, const struct kp_step *row)
{
    memset(s, 0, sizeof(*s));
    kp_record_init(&s->records, KP_RECORD_WIRE_MAX);
    must(kp_handshake_new(&s->hs, w.context[f->role], &s->records, &s->outcome, START) == 0);
    s->hs->step = row;
    s->hs->facts = row->when | f->facts;
    s->outcome.version = f->version;
}

static void stand_clear(struct standing *s)
{
    kp_handshake_free(s->hs);
    kp_outcome_clear(&s->outcome);
    kp_record_clear(&s->records);
}

static int feed_header(struct standing *s, unsigned type, size_t len)
{
    const uint8_t head[4] = {(uint8_t)type, (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                             (uint8_t)len};

    must(kp_handshake_feed(s->hs, head, sizeof(head)) == 0);
    return kp_handshake_drive(s->hs);
}

static const struct kp_step *each_row(const struct flow *f, size_t i)
{
    return f->rows[i].kind == KP_STEP_END ? NULL : &f->rows[i];
}

static bool receives(const struct kp_step *row)
{
    return row->kind == KP_STEP_RECV || row->kind == KP_STEP_CCS_RECV;
}

/* RFC 5246 7.4.1.1; TLS 1.3 has no such message. */
static bool ignores_hello_request(const struct flow *f)
{
    return f->role == KP_CLIENT && (f->facts & KP_FACT_OFFER12) != 0 && f->version != KP_TLS13;
}

static void test_tables_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(flows); i++) {
        const struct kp_step *row;
        size_t n = 0;
        while ((row = each_row(&flows[i], n)) != NULL) {
            assert_int_equal(row->recv != NULL, row->kind == KP_STEP_RECV);
            assert_int_equal(row->send != NULL, row->kind == KP_STEP_SEND);
            assert_int_equal(row->act != NULL,
                             row->kind != KP_STEP_RECV && row->kind != KP_STEP_SEND);
            assert_true(row->max <= KP_RECORD_MAX);
            /* RFC 8446 5: ChangeCipherSpec changes nothing there. */
            if (flows[i].version == KP_TLS13)
                assert_true(row->kind != KP_STEP_CCS_RECV && row->kind != KP_STEP_CCS_SEND);
            assert_true(++n < 32);
        }
        /* Nothing is taken and nothing sent behind the proof. */
        assert_true(flows[i].goes_on || n > 4);
    }
}

/* Where a flow ends nothing may be left of a record: it would span the change of keys. */
static void test_ends_clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(flows); i++) {
        struct standing s;
        size_t n = 0;
        while (each_row(&flows[i], n) != NULL)
            n++;
        stand(&s, &flows[i], &flows[i].rows[n]);
        assert_int_equal(kp_handshake_drive(s.hs), KP_FINISHED_FLOW);
        must(kp_handshake_feed(s.hs, (const uint8_t *)"\x04", 1) == 0);
        assert_int_equal(kp_handshake_drive(s.hs), KP_E_UNEXPECTED);
        stand_clear(&s);
    }
}

/* ---- Messages ------------------------------------------------------------------------------ */

static void wrong_types(const struct flow *f, const struct kp_step *row)
{
    for (unsigned type = 0; type < 256; type++) {
        struct standing s;
        if (row->kind == KP_STEP_RECV && type == (unsigned)row->message)
            continue;
        if (type == KP_HELLO_REQUEST && ignores_hello_request(f))
            continue;
        stand(&s, f, row);
        if (feed_header(&s, type, 0) != KP_E_UNEXPECTED)
            fail_msg("%s: message %u for %d", f->name, type, row->message);
        stand_clear(&s);
        /* On its first byte: its length is not waited for. */
        stand(&s, f, row);
        const uint8_t first = (uint8_t)type;
        must(kp_handshake_feed(s.hs, &first, 1) == 0);
        assert_int_equal(kp_handshake_drive(s.hs), KP_E_UNEXPECTED);
        stand_clear(&s);
    }
}

static void test_other_messages(void **state)
{
    unsigned rows13 = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(flows); i++) {
        const struct kp_step *row;
        for (size_t n = 0; (row = each_row(&flows[i], n)) != NULL; n++) {
            if (!receives(row))
                continue;
            wrong_types(&flows[i], row);
            rows13 += flows[i].version == KP_TLS13;
        }
    }
    /* Finished, ClientHello; twice EncryptedExtensions and Finished; ServerHello. */
    assert_int_equal(rows13, 7);
}

static void test_too_long(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(flows); i++) {
        const struct kp_step *row;
        for (size_t n = 0; (row = each_row(&flows[i], n)) != NULL; n++) {
            struct standing s;
            if (row->kind != KP_STEP_RECV)
                continue;
            stand(&s, &flows[i], row);
            assert_int_equal(feed_header(&s, row->message, row->max + 1), KP_E_TOO_LONG);
            stand_clear(&s);
            stand(&s, &flows[i], row);
            assert_int_equal(feed_header(&s, row->message, 0xFFFFFF), KP_E_TOO_LONG);
            stand_clear(&s);
            if (row->max > 0) {
                stand(&s, &flows[i], row);
                assert_int_equal(feed_header(&s, row->message, row->max), KP_SUSPEND_INPUT);
                assert_true(kp_handshake_partial(s.hs));
                stand_clear(&s);
            }
        }
    }
}

/* ---- ChangeCipherSpec ---------------------------------------------------------------------- */

static void ccs_at(const struct flow *f, const struct kp_step *row)
{
    bool place = row->kind == KP_STEP_CCS_RECV;
    struct standing s;

    stand(&s, f, row);
    if (!place)
        assert_int_equal(kp_handshake_ccs(s.hs, (const uint8_t *)"\x01", 1), KP_E_UNEXPECTED);
    else
        assert_int_equal(kp_handshake_ccs(s.hs, (const uint8_t *)"\x02", 1), KP_E_ILLEGAL);
    stand_clear(&s);
    if (!place)
        return;
    stand(&s, f, row);
    assert_int_equal(kp_handshake_ccs(s.hs, (const uint8_t *)"\x01\x01", 2), KP_E_ILLEGAL);
    stand_clear(&s);
    /* A part of a message before it. */
    stand(&s, f, row);
    must(kp_handshake_feed(s.hs, (const uint8_t *)"\x14", 1) == 0);
    assert_int_equal(kp_handshake_ccs(s.hs, (const uint8_t *)"\x01", 1), KP_E_UNEXPECTED);
    stand_clear(&s);
}

static void test_ccs_out_of_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(flows); i++) {
        const struct kp_step *row;
        for (size_t n = 0; (row = each_row(&flows[i], n)) != NULL; n++)
            ccs_at(&flows[i], row);
    }
}

/* A client may get one as soon as TLS 1.3 was offered, a server when it was chosen. */
static void test_ccs_dropped(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(flows); i++) {
        const struct flow *f = &flows[i];
        struct standing s;
        stand(&s, f, f->rows);
        s.hs->facts = f->facts;
        assert_int_equal(kp_handshake_drops_ccs(s.hs),
                         f->version == KP_TLS13 ||
                             (f->version == 0 && (f->facts & KP_FACT_OFFER13) != 0));
        stand_clear(&s);
    }
}

/* ---- HelloRequest -------------------------------------------------------------------------- */

/* Ignored four times, not for ever. */
static void test_hello_requests(void **state)
{
    unsigned ignored = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(flows); i++) {
        const struct kp_step *row;
        for (size_t n = 0; (row = each_row(&flows[i], n)) != NULL; n++) {
            struct standing s;
            if (!receives(row))
                continue;
            stand(&s, &flows[i], row);
            if (!ignores_hello_request(&flows[i])) {
                assert_int_equal(feed_header(&s, KP_HELLO_REQUEST, 0), KP_E_UNEXPECTED);
                stand_clear(&s);
                continue;
            }
            ignored++;
            for (int times = 0; times < 4; times++)
                assert_int_equal(feed_header(&s, KP_HELLO_REQUEST, 0), KP_SUSPEND_INPUT);
            assert_int_equal(feed_header(&s, KP_HELLO_REQUEST, 0), KP_E_FLOOD);
            stand_clear(&s);
            stand(&s, &flows[i], row);
            assert_int_equal(feed_header(&s, KP_HELLO_REQUEST, 1),
                             row->kind == KP_STEP_RECV ? KP_E_DECODE : KP_E_UNEXPECTED);
            stand_clear(&s);
        }
    }
    assert_true(ignored > 8);
}

static void test_empty_fragment(void **state)
{
    struct standing s;

    (void)state;
    stand(&s, &flows[1], &kp_flow12_server[0]);
    assert_int_equal(kp_handshake_feed(s.hs, (const uint8_t *)"", 0), KP_E_DECODE);
    stand_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_end),       cmocka_unit_test(test_ends_clean),
        cmocka_unit_test(test_other_messages),   cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_ccs_out_of_place), cmocka_unit_test(test_ccs_dropped),
        cmocka_unit_test(test_hello_requests),   cmocka_unit_test(test_empty_fragment),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
