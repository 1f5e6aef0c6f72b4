/*
 * Proves, for a server of TLS 1.3: after its HelloRetryRequest the same ClientHello must come again
 * with the cookie and the share that were asked for; whatever else was changed, whatever cookie is
 * not this server's for this hello, ends the handshake before any arithmetic (RFC 8446 4.1.2,
 * 4.2.2).
 */
#include "checks.h"
#include "seal13.h"

static struct world13 w;
static struct kp_session *session;
static bool other_group; /* the server has X25519 not */

uint16_t __wrap_kp_tls13_group(const struct kp_crypto *crypto, size_t index);

uint16_t __wrap_kp_tls13_group(const struct kp_crypto *crypto, size_t index)
{
    static const uint16_t groups[] = {KP_GROUP_X25519, KP_GROUP_SECP256R1, 0};
    bool server = session != NULL && crypto == w.world.context[KP_SERVER]->crypto;

    index += server && other_group ? 1 : 0;
    return index < COUNT(groups) ? groups[index] : 0;
}

static const char *const protocols[] = {"http/1.1"};

static int open_world(void **state)
{
    const struct kp_settings both = {.alpn = protocols, .alpn_count = 1};

    (void)state;
    world13_open(&w, &both, &both);
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

static void run_with(struct pair *p, struct rewrite *r, const struct kp_session *with)
{
    pair13_open(p, &w, START, 6);
    p->edit = edit_rewrite;
    p->edit_arg = r;
    must(kp_conn_ask_cookie(p->conn[KP_SERVER]) == 0);
    pair_connect(p, w.world.login, with, "device.example");
    pair_run(p);
}

/* ---- A second ClientHello of other bytes ------------------------------------------------------
 */

struct hello_parts {
    struct kp_client_hello hello;
    size_t block; /* where the extensions begin, behind their length */
};

static void take_apart(const uint8_t *message, size_t len, struct hello_parts *parts)
{
    struct kp_reader r;

    kp_reader_init(&r, message + KP_MESSAGE_HEADER_LEN, len - KP_MESSAGE_HEADER_LEN);
    must(kp_client_hello_parse(&r, &parts->hello) == 0);
    parts->block = (size_t)(parts->hello.block.data - message);
}

/* Puts the message out with another block of extensions. */
static void put_block(const uint8_t *message, const struct hello_parts *parts,
                      const struct bytes *block, struct bytes *out)
{
    size_t body = parts->block - KP_MESSAGE_HEADER_LEN + block->len;
    const uint8_t head[] = {KP_CLIENT_HELLO, 0, (uint8_t)(body >> 8), (uint8_t)body};
    const uint8_t len[] = {(uint8_t)(block->len >> 8), (uint8_t)block->len};

    bytes_add(out, head, sizeof(head));
    bytes_add(out, message + sizeof(head), parts->block - sizeof(head) - 2);
    bytes_add(out, len, sizeof(len));
    bytes_add(out, block->data, block->len);
}

/* An extension's end in the block, from where it begins. */
static size_t extension_len(const uint8_t *at)
{
    return 4 + (size_t)(at[2] << 8 | at[3]);
}

enum change { LEFT_OUT, GROWN, FLIPPED, CHANGES };

struct spoil {
    uint16_t extension;
    enum change change;
    bool found;
};

static void spoil_extension(struct rewrite *r, const uint8_t *message, size_t len,
                            struct bytes *out)
{
    struct spoil *s = r->arg;
    struct hello_parts parts;
    struct bytes block = {0};

    if (r->hellos == 0) {
        bytes_add(out, message, len);
        return;
    }
    take_apart(message, len, &parts);
    for (const uint8_t *at = parts.hello.block.data; at < message + len; at += extension_len(at)) {
        size_t start = block.len;
        bool it = (uint16_t)(at[0] << 8 | at[1]) == s->extension;
        s->found |= it;
        if (it && s->change == LEFT_OUT)
            continue;
        bytes_add(&block, at, extension_len(at));
        if (it && s->change == GROWN) {
            bytes_add(&block, "x", 1);
            size_t grown = block.len - start - 4;
            block.data[start + 2] = (uint8_t)(grown >> 8);
            block.data[start + 3] = (uint8_t)grown;
        }
        if (it && s->change == FLIPPED && block.len > start + 4)
            block.data[block.len - 1] ^= 1;
    }
    put_block(message, &parts, &block, out);
    bytes_free(&block);
}

/* Of each that must be as it was: RFC 8446 4.1.2. */
static void test_changed_extension(void **state)
{
    static const uint16_t values[] = {0, 10, 12, 16, 22, 23, 28, 35, 43, 45, 0xFF01, 0x8a3b};

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        for (enum change change = LEFT_OUT; change < CHANGES; change++) {
            struct spoil s = {.extension = values[i], .change = change};
            struct rewrite r = {.from = KP_CLIENT, .hello = spoil_extension, .arg = &s};
            struct pair p;
            run_with(&p, &r, NULL);
            assert_true(s.found);
            int err = pair_error(&p, KP_SERVER);
            /* Those without a body have no bit to flip. */
            bool same =
                change == FLIPPED && (values[i] == 22 || values[i] == 23 || values[i] == 35);
            if (same)
                assert_both_proved(&p);
            else if (err != KP_E_ILLEGAL && err != KP_E_DECODE && err != KP_E_RENEGOTIATION)
                fail_msg("extension %u, change %d: %d", values[i], change, err);
            if (!same) {
                assert_false(pair_proved(&p, KP_SERVER));
                assert_int_equal(p.lookups, 0);
                assert_false(info_of(&p, KP_SERVER).password_used);
            }
            pair_close(&p);
        }
    }
}

/* One more, and two in another order. */
static void add_extension(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    const int *kind = r->arg;
    struct hello_parts parts;
    struct bytes block = {0};

    if (r->hellos == 0) {
        bytes_add(out, message, len);
        return;
    }
    take_apart(message, len, &parts);
    const uint8_t *at = parts.hello.block.data;
    size_t first = extension_len(at);
    size_t second = extension_len(at + first);
    if (*kind == 0)
        bytes_add(&block, "\x5A\x5A\x00\x00", 4);
    if (*kind == 1)
        bytes_add(&block, at + first, second);
    bytes_add(&block, at, first);
    if (*kind != 1)
        bytes_add(&block, at + first, second);
    bytes_add(&block, at + first + second, parts.hello.block.len - first - second);
    put_block(message, &parts, &block, out);
    bytes_free(&block);
}

static void test_added_and_moved(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct rewrite r = {.from = KP_CLIENT, .hello = add_extension, .arg = &kind};
        struct pair p;
        run_with(&p, &r, NULL);
        assert_ended(&p, KP_SERVER, KP_E_ILLEGAL, 47);
        pair_close(&p);
    }
}

/* A bit in each byte in front of the extensions: version, random, session id, suites, compression.
 */
static void flip_fixed(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    const size_t *at = r->arg;

    bytes_add(out, message, len);
    if (r->hellos == 1)
        out->data[*at] ^= 0x01;
}

static void test_changed_fields(void **state)
{
    size_t fields = 2 + 32 + 1 + 32 + 2 + 5 * 2 + 2;

    (void)state;
    for (size_t i = 0; i < fields; i++) {
        size_t at = KP_MESSAGE_HEADER_LEN + i;
        struct rewrite r = {.from = KP_CLIENT, .hello = flip_fixed, .arg = &at};
        struct pair p;
        run_with(&p, &r, NULL);
        int err = pair_error(&p, KP_SERVER);
        if (err != KP_E_ILLEGAL && err != KP_E_DECODE)
            fail_msg("byte %zu: %d", at, err);
        assert_int_equal(p.lookups, 0);
        pair_close(&p);
    }
}

/* ---- Cookies ------------------------------------------------------------------------------- */

struct cookie_change {
    size_t flip; /* bit, from 1 on */
    long grow;
    const struct bytes *instead;
    size_t len; /* of the honest one */
};

static void change_cookie(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    struct cookie_change *c = r->arg;
    struct hello_parts parts;
    struct bytes block = {0};
    struct bytes cookie = {0};

    if (r->hellos == 0) {
        bytes_add(out, message, len);
        return;
    }
    take_apart(message, len, &parts);
    for (const uint8_t *at = parts.hello.block.data; at < message + len; at += extension_len(at)) {
        if (at[0] != 0 || at[1] != 44) {
            bytes_add(&block, at, extension_len(at));
            continue;
        }
        c->len = extension_len(at) - 6;
        bytes_add(&cookie, at + 6, c->len);
        if (c->flip > 0)
            cookie.data[(c->flip - 1) / 8] ^= (uint8_t)(1u << (c->flip - 1) % 8);
        for (long i = 0; i < c->grow; i++)
            bytes_add(&cookie, "", 1);
        cookie.len -= c->grow < 0 ? (size_t)-c->grow : 0;
        const struct bytes *value = c->instead != NULL ? c->instead : &cookie;
        const uint8_t head[] = {0,
                                44,
                                (uint8_t)((value->len + 2) >> 8),
                                (uint8_t)(value->len + 2),
                                (uint8_t)(value->len >> 8),
                                (uint8_t)value->len};
        bytes_add(&block, head, sizeof(head));
        bytes_add(&block, value->data, value->len);
    }
    put_block(message, &parts, &block, out);
    bytes_free(&block);
    bytes_free(&cookie);
}

static size_t with_cookie(struct cookie_change *c, int error, int alert)
{
    struct rewrite r = {.from = KP_CLIENT, .hello = change_cookie, .arg = c};
    struct pair p;

    run_with(&p, &r, NULL);
    assert_ended(&p, KP_SERVER, error, alert);
    assert_int_equal(p.lookups, error == 0 ? 1 : 0);
    pair_close(&p);
    return c->len;
}

static void test_forged_cookie(void **state)
{
    struct cookie_change honest = {0};

    (void)state;
    size_t len = with_cookie(&honest, 0, -1);
    assert_int_equal(len, 2 + 2 + 32 + 32 + 32);
    for (size_t bit = 1; bit <= 8 * len; bit += 3) {
        struct cookie_change c = {.flip = bit};
        with_cookie(&c, KP_E_ILLEGAL, 47);
    }
    for (long grow = -(long)len + 1; grow < 40; grow++) {
        struct cookie_change c = {.grow = grow};
        if (grow != 0)
            with_cookie(&c, KP_E_ILLEGAL, 47);
    }
    struct cookie_change none = {.grow = -(long)len};
    with_cookie(&none, KP_E_DECODE, 50);
}

static void test_no_cookie(void **state)
{
    struct spoil s = {.extension = 44, .change = LEFT_OUT};
    struct rewrite r = {.from = KP_CLIENT, .hello = spoil_extension, .arg = &s};
    struct pair p;

    (void)state;
    run_with(&p, &r, NULL);
    assert_true(s.found);
    assert_ended(&p, KP_SERVER, KP_E_MISSING, 109);
    pair_close(&p);
}

/* The cookie that a HelloRetryRequest gave. */
static void learn_cookie(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    struct kp_server_hello hello;
    struct kp_reader reader;

    bytes_add(out, message, len);
    kp_reader_init(&reader, message + KP_MESSAGE_HEADER_LEN, len - KP_MESSAGE_HEADER_LEN);
    if (r->hellos > 0 || kp_server_hello_parse(&reader, &hello) != 0)
        return;
    must(hello.retry);
    bytes_add(r->arg, hello.ext.cookie.data, hello.ext.cookie.len);
}

/* A good one of this server for another hello, and one of another server for this very hello. */
static void test_foreign_cookie(void **state)
{
    const struct kp_settings both = {.alpn = protocols, .alpn_count = 1};

    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct bytes cookie = {0};
        struct rewrite r = {.from = KP_SERVER, .hello = learn_cookie, .arg = &cookie};
        struct world13 other;
        struct pair p;
        if (kind == 1) {
            world13_open(&other, &both, &both);
            /* Worlds are alike but for this: a server's key is its own. */
            other.world.context[KP_SERVER]->cookie_key[31] ^= 1;
            pair13_open(&p, &other, START, 6);
        } else {
            pair13_open(&p, &w, START, kind == 0 ? 61 : 6);
        }
        p.edit = edit_rewrite;
        p.edit_arg = &r;
        must(kp_conn_ask_cookie(p.conn[KP_SERVER]) == 0);
        pair_connect(&p, kind == 1 ? other.world.login : w.world.login, NULL, "device.example");
        pair_run(&p);
        assert_both_proved(&p);
        pair_close(&p);
        if (kind == 1)
            world13_close(&other);
        /* The last kind: this server's, of another connection with the very same hello. */
        struct cookie_change c = {.instead = &cookie};
        with_cookie(&c, kind == 2 ? 0 : KP_E_ILLEGAL, kind == 2 ? -1 : 47);
        bytes_free(&cookie);
    }
}

/* Nobody makes a server answer with a second one. */
static void test_one_retry(void **state)
{
    struct rewrite r = {.from = KP_CLIENT};
    struct pair p;

    (void)state;
    run_with(&p, &r, session);
    assert_both_proved(&p);
    size_t hellos = 0;
    for (size_t at = 0; at < p.wire[KP_SERVER].len;) {
        const uint8_t *record = p.wire[KP_SERVER].data + at;
        hellos += record[0] == KP_HANDSHAKE && record[5] == KP_SERVER_HELLO;
        at += KP_HEADER_LEN + (size_t)(record[3] << 8 | record[4]);
    }
    assert_int_equal(hellos, 2);
    pair_close(&p);
}

/* ---- The share that was asked for -------------------------------------------------------------
 */

struct shares {
    int kind; /* 0: as it is; 1: the first one's again; 2: both; 3: none; 4: another */
    struct bytes first;
};

static void change_shares(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    struct shares *s = r->arg;
    struct hello_parts parts;
    struct bytes block = {0};
    struct bytes list = {0};

    take_apart(message, len, &parts);
    const struct kp_span ours = parts.hello.ext.raw_key_share;
    if (r->hellos == 0) {
        bytes_add(&s->first, ours.data + 2, ours.len - 2);
        bytes_add(out, message, len);
        return;
    }
    if (s->kind == 0 || s->kind == 2 || s->kind == 4)
        bytes_add(&list, ours.data + 2, ours.len - 2);
    if (s->kind == 4)
        list.data[list.len - 1] ^= 1;
    if (s->kind == 1 || s->kind == 2)
        bytes_add(&list, s->first.data, s->first.len);
    for (const uint8_t *at = parts.hello.block.data; at < message + len; at += extension_len(at)) {
        if (at[0] != 0 || at[1] != 51) {
            bytes_add(&block, at, extension_len(at));
            continue;
        }
        const uint8_t head[] = {0,
                                51,
                                (uint8_t)((list.len + 2) >> 8),
                                (uint8_t)(list.len + 2),
                                (uint8_t)(list.len >> 8),
                                (uint8_t)list.len};
        bytes_add(&block, head, sizeof(head));
        bytes_add(&block, list.data, list.len);
    }
    put_block(message, &parts, &block, out);
    bytes_free(&block);
    bytes_free(&list);
}

/* That one alone: RFC 8446 4.2.8. */
static void test_asked_group(void **state)
{
    (void)state;
    other_group = true;
    for (int kind = 0; kind < 4; kind++) {
        struct shares s = {.kind = kind};
        struct rewrite r = {.from = KP_CLIENT, .hello = change_shares, .arg = &s};
        struct pair p;
        pair13_open(&p, &w, START, 6);
        p.edit = edit_rewrite;
        p.edit_arg = &r;
        pair_connect(&p, w.world.login, NULL, NULL);
        pair_run(&p);
        assert_int_equal(r.hellos, 2);
        if (kind == 0) {
            assert_both_proved(&p);
            assert_int_equal(info_of(&p, KP_SERVER).group, KP_GROUP_SECP256R1);
        } else {
            assert_ended(&p, KP_SERVER, KP_E_ILLEGAL, 47);
            assert_int_equal(p.lookups, 0);
        }
        bytes_free(&s.first);
        pair_close(&p);
    }
    other_group = false;
}

/* RFC 8446 4.1.2: only where another was asked for may it change. */
static void test_share_beside_cookie(void **state)
{
    (void)state;
    for (int kind = 0; kind < 5; kind += 4) {
        struct shares s = {.kind = kind};
        struct rewrite r = {.from = KP_CLIENT, .hello = change_shares, .arg = &s};
        struct pair p;
        pair13_open(&p, &w, START, 6);
        p.edit = edit_rewrite;
        p.edit_arg = &r;
        must(kp_conn_ask_cookie(p.conn[KP_SERVER]) == 0);
        pair_connect(&p, w.world.login, NULL, NULL);
        pair_run(&p);
        if (kind == 0)
            assert_both_proved(&p);
        else
            assert_ended(&p, KP_SERVER, KP_E_ILLEGAL, 47);
        bytes_free(&s.first);
        pair_close(&p);
    }
}

/* ---- Tickets in the second ClientHello --------------------------------------------------------
 */

/* It may leave the ticket out, then the PAKE follows; what the binder covers is the whole of it. */
static void test_ticket_left_out(void **state)
{
    struct spoil s = {.extension = 41, .change = LEFT_OUT};
    struct rewrite r = {.from = KP_CLIENT, .hello = spoil_extension, .arg = &s};
    struct pair p;

    (void)state;
    run_with(&p, &r, session);
    assert_true(s.found);
    /* The client's transcript has it, so that it does not end well: but with the password. */
    assert_true(info_of(&p, KP_SERVER).password_used);
    assert_false(info_of(&p, KP_SERVER).resumed);
    pair_close(&p);
}

static void test_binder_covers_retry(void **state)
{
    struct spoil s = {.extension = 41, .change = FLIPPED};
    struct rewrite r = {.from = KP_CLIENT, .hello = spoil_extension, .arg = &s};
    struct pair p;

    (void)state;
    run_with(&p, &r, session);
    assert_ended(&p, KP_SERVER, KP_E_BINDER, 51);
    assert_int_equal(p.lookups, 1);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changed_extension),   cmocka_unit_test(test_added_and_moved),
        cmocka_unit_test(test_changed_fields),      cmocka_unit_test(test_forged_cookie),
        cmocka_unit_test(test_no_cookie),           cmocka_unit_test(test_foreign_cookie),
        cmocka_unit_test(test_one_retry),           cmocka_unit_test(test_asked_group),
        cmocka_unit_test(test_share_beside_cookie), cmocka_unit_test(test_ticket_left_out),
        cmocka_unit_test(test_binder_covers_retry),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
