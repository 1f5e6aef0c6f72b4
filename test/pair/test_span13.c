/*
 * Proves, by connections of TLS 1.3: nothing stands between the parts of a message, and no message,
 * and none of its parts, stands behind the last one under a key (RFC 8446 5.1).
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

/* What is put behind or between: a record's type and content, or a message. */
struct put {
    enum kp_role from;
    uint8_t type;
    uint8_t body[8];
    size_t len;
};

/* ---- Interleaved, and across a change of keys -------------------------------------------------
 */

static void edit_split(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                       struct bytes *out)
{
    const struct put *a = p->edit_arg;
    size_t half = (len - KP_HEADER_LEN) / 2;

    if (from != a->from || record[0] != KP_HANDSHAKE) {
        bytes_add(out, record, len);
        return;
    }
    bytes_record(out, KP_HANDSHAKE, KP_TLS12, record + KP_HEADER_LEN, half);
    bytes_record(out, a->type, KP_TLS12, a->body, a->len);
    bytes_record(out, KP_HANDSHAKE, KP_TLS12, record + KP_HEADER_LEN + half,
                 len - KP_HEADER_LEN - half);
}

static void test_interleaved(void **state)
{
    static const uint8_t types[] = {KP_CCS, KP_APPLICATION};

    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        for (size_t i = 0; i < COUNT(types); i++) {
            for (unsigned way = 0; way < WAYS; way++) {
                struct put a = {
                    .from = (enum kp_role)from, .type = types[i], .body = {1}, .len = 1};
                struct pair p;
                begin(&p, way);
                p.edit = edit_split;
                p.edit_arg = &a;
                go_on(&p, way);
                assert_ended(&p, other_role((enum kp_role)from), KP_E_UNEXPECTED, 10);
                pair_close(&p);
            }
        }
    }
}

/* CCS between the parts of a sealed message. */
static void split_finished(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    struct bytes *first = r->arg;

    if (message[0] != KP_FINISHED) {
        bytes_add(out, message, len);
        return;
    }
    seal13(&r->seal, KP_HANDSHAKE, message, 7, 0, first);
    bytes_record(first, KP_CCS, KP_TLS12, "\x01", 1);
    bytes_add(out, message + 7, len - 7);
}

static void edit_split_sealed(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                              struct bytes *out)
{
    struct rewrite *r = p->edit_arg;
    struct bytes *first = r->arg;
    struct bytes rest = {0};

    edit_rewrite(p, from, record, len, &rest);
    bytes_add(out, first->data, first->len);
    bytes_add(out, rest.data, rest.len);
    bytes_free(first);
    bytes_free(&rest);
}

static void test_ccs_in_sealed_message(void **state)
{
    (void)state;
    for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
        struct bytes first = {0};
        struct rewrite r = {.from = (enum kp_role)from, .message = split_finished, .arg = &first};
        struct pair p;
        begin(&p, 0);
        p.edit = edit_split_sealed;
        p.edit_arg = &r;
        go_on(&p, 0);
        assert_ended(&p, other_role((enum kp_role)from), KP_E_UNEXPECTED, 10);
        rewrite_clear(&r);
        pair_close(&p);
    }
}

/* ---- Across a change of keys ---------------------------------------------------------------- */

/* Behind the last message under one key: a part of another, or a whole one. */
static void append(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    const struct put *a = r->arg;

    bytes_add(out, message, len);
    if (message[0] == a->type)
        bytes_add(out, a->body, a->len);
}

static void test_span_key_change(void **state)
{
    static const struct {
        enum kp_role from;
        uint8_t behind;
    } places[] = {{KP_CLIENT, KP_CLIENT_HELLO},
                  {KP_CLIENT, KP_FINISHED},
                  {KP_SERVER, KP_SERVER_HELLO},
                  {KP_SERVER, KP_FINISHED}};
    static const size_t lens[] = {1, 4, 5};

    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        for (size_t n = 0; n < COUNT(lens); n++) {
            for (unsigned way = 0; way <= RESUMED; way++) {
                struct put a = {.type = places[i].behind, .len = lens[n]};
                struct rewrite r = {
                    .from = places[i].from, .message = append, .hello = append, .arg = &a};
                struct pair p;
                /* A message that could well come next. */
                memcpy(a.body, "\x18\x00\x00\x01\x00", 5);
                if (places[i].behind == KP_SERVER_HELLO)
                    memcpy(a.body, "\x08\x00\x00\x02\x00", 5);
                begin(&p, way);
                p.edit = edit_rewrite;
                p.edit_arg = &r;
                go_on(&p, way);
                assert_ended(&p, other_role(places[i].from), KP_E_UNEXPECTED, 10);
                assert_false(pair_proved(&p, other_role(places[i].from)));
                rewrite_clear(&r);
                pair_close(&p);
            }
        }
    }
}

/* EncryptedExtensions, as it will come, already behind ServerHello in the clear; the sealed one and
 * what stands between are left out.  Finished covers the same messages: the place alone is wrong.
 */
static const uint8_t extensions[] = {KP_ENCRYPTED_EXTENSIONS, 0, 0, 8, 0, 6, 0, 28, 0, 2, 0x40, 1};

static void behind_hello(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    (void)r;
    bytes_add(out, message, len);
    bytes_add(out, extensions, sizeof(extensions));
}

static void leave_out(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    if (r->seen == 0)
        must(len == sizeof(extensions) && memcmp(message, extensions, len) == 0);
    else
        bytes_add(out, message, len);
}

static void no_record(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    (void)r;
    (void)message;
    (void)len;
    (void)out;
}

static void test_extensions_in_the_clear(void **state)
{
    struct rewrite r = {
        .from = KP_SERVER, .hello = behind_hello, .message = leave_out, .record = no_record};
    struct pair p;

    (void)state;
    begin(&p, 0);
    p.edit = edit_rewrite;
    p.edit_arg = &r;
    go_on(&p, 0);
    assert_int_equal(r.seen, 2);
    assert_ended(&p, KP_CLIENT, KP_E_UNEXPECTED, 10);
    rewrite_clear(&r);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interleaved),
        cmocka_unit_test(test_ccs_in_sealed_message),
        cmocka_unit_test(test_span_key_change),
        cmocka_unit_test(test_extensions_in_the_clear),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
