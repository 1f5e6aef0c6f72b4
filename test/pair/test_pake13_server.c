/*
 * Proves: what a client of TLS 1.3 takes of ServerHello, HelloRetryRequest and EncryptedExtensions
 * and what it refuses, with the error and the alert that RFC 8446, the draft and BoringSSL name;
 * and that its second ClientHello repeats the first.
 */
#include "checks.h"
#include "seal13.h"

static struct world13 w;
static struct kp_session *session;

static const char *const protocols[] = {"http/1.1"};

static void open_as(unsigned form, unsigned versions)
{
    const struct kp_settings client = {
        .pake = form, .versions = versions, .alpn = protocols, .alpn_count = 1};
    const struct kp_settings server = {.alpn = protocols, .alpn_count = 1};

    world13_open(&w, &client, &server);
    session = form == KP_PAKE_IETF ? fresh_session(&w) : NULL;
}

static void close_it(void)
{
    kp_session_free(session);
    session = NULL;
    world13_close(&w);
}

/* ---- A hello of the server's, changed ------------------------------------------------------- */

struct hello_change {
    size_t which; /* of the server's hellos; from 0 */
    bool retry;   /* is to be a HelloRetryRequest */
    uint32_t without;
    uint32_t with;
    uint16_t version;
    uint16_t selected;
    uint16_t suite;
    uint16_t group;
    const char *cookie;
    uint8_t compression;
    bool other_session_id;
    uint16_t scheme;
    long pake_len;   /* more or fewer bytes of its message */
    size_t pake_bit; /* to flip in it, from 1 on */
    long share_len;
    uint16_t psk_index;
    uint16_t raw; /* an extension of that number, with raw_len bytes */
    size_t raw_len;
    bool twice; /* the first extension two times */
    bool trailing;
};

static void change_hello(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    static uint8_t pake[200];
    static uint8_t share[2000];
    static uint8_t body[4000];
    const struct hello_change *c = r->arg;
    struct kp_server_hello hello;
    struct kp_reader reader;
    struct kp_builder b;

    if (r->hellos != c->which) {
        bytes_add(out, message, len);
        return;
    }
    kp_reader_init(&reader, message + 4, len - 4);
    must(kp_server_hello_parse(&reader, &hello) == 0);
    hello.ext.present = (hello.ext.present & ~c->without) | c->with;
    if (c->retry && !hello.retry)
        hello.random = (struct kp_span){kp_retry_random, KP_RANDOM_LEN};
    hello.retry |= c->retry;
    if (hello.retry)
        hello.ext.present &= KP_EXT_VERSIONS | KP_EXT_COOKIE | KP_EXT_KEY_SHARE;
    hello.version = c->version != 0 ? c->version : hello.version;
    hello.ext.version = c->selected != 0 ? c->selected : KP_TLS13;
    hello.suite = c->suite != 0 ? c->suite : hello.suite;
    hello.compression = c->compression;
    if (c->group != 0)
        hello.ext.key_share.group = c->group == 0xFFFF ? 0 : c->group;
    if (c->cookie != NULL)
        hello.ext.cookie = (struct kp_span){(const uint8_t *)c->cookie, strlen(c->cookie)};
    if (c->other_session_id)
        hello.session_id = (struct kp_span){kp_retry_random, 32};
    hello.ext.pake_scheme = c->scheme != 0 ? c->scheme : KP_SPAKE2PLUS_V1;
    memset(pake, 0, sizeof(pake));
    memset(share, 1, sizeof(share));
    if (hello.ext.pake_message.len > 0)
        memcpy(pake, hello.ext.pake_message.data, hello.ext.pake_message.len);
    if (c->pake_bit > 0)
        pake[(c->pake_bit - 1) / 8] ^= (uint8_t)(1u << (c->pake_bit - 1) % 8);
    hello.ext.pake_message =
        (struct kp_span){pake, (size_t)((long)hello.ext.pake_message.len + c->pake_len)};
    if (hello.ext.key_share.key.len > 0)
        memcpy(share, hello.ext.key_share.key.data, hello.ext.key_share.key.len);
    hello.ext.key_share.key =
        (struct kp_span){share, (size_t)((long)hello.ext.key_share.key.len + c->share_len)};
    hello.ext.alpn = (struct kp_span){(const uint8_t *)"http/1.1", 8};
    if (c->psk_index > 0)
        hello.ext.psk_index = c->psk_index;

    kp_builder_init(&b, body, sizeof(body));
    kp_put_u8(&b, KP_SERVER_HELLO);
    size_t mark = kp_put_open(&b, 3);
    kp_server_hello_build(&b, &hello);
    size_t block = 4 + 2 + 32 + 1 + hello.session_id.len + 3;
    size_t ext_len = b.len - block - 2;
    if (c->raw != 0) {
        kp_put_u16(&b, c->raw);
        kp_put_u16(&b, (uint16_t)c->raw_len);
        for (size_t i = 0; i < c->raw_len; i++)
            kp_put_u8(&b, 0);
    }
    if (c->twice) {
        size_t first = 4 + (size_t)(body[block + 4] << 8 | body[block + 5]);
        kp_put_bytes(&b, body + block + 2, first);
    }
    ext_len = b.len - block - 2;
    body[block] = (uint8_t)(ext_len >> 8);
    body[block + 1] = (uint8_t)ext_len;
    if (c->trailing)
        kp_put_u8(&b, 0);
    kp_put_close(&b, mark, 3);
    must(!b.failed);
    bytes_add(out, body, b.len);
}

struct server_case {
    const char *name;
    unsigned form; /* 0: each */
    bool resumed;
    bool ask; /* a HelloRetryRequest comes first */
    struct hello_change change;
    int error;
    int alert;
};

static void run_case(const struct server_case *t, unsigned form)
{
    struct hello_change change = t->change;
    struct rewrite r = {.from = KP_SERVER, .hello = change_hello, .arg = &change};
    struct pair p;

    pair13_open(&p, &w, START, 8);
    if (t->ask)
        must(kp_conn_ask_cookie(p.conn[KP_SERVER]) == 0);
    p.edit = edit_rewrite;
    p.edit_arg = &r;
    pair_connect(&p, w.world.login, t->resumed ? session : NULL, NULL);
    pair_run(&p);
    assert_true(r.hellos > t->change.which);
    if (pair_error(&p, KP_CLIENT) != t->error || kp_conn_sent_alert(p.conn[KP_CLIENT]) != t->alert)
        fail_msg("%s, form %u: error %d alert %d", t->name, form, pair_error(&p, KP_CLIENT),
                 kp_conn_sent_alert(p.conn[KP_CLIENT]));
    assert_false(pair_proved(&p, KP_CLIENT));
    assert_false(pair_proved(&p, KP_SERVER));
    /* What it refuses before its arithmetic has told nobody anything of the password. */
    if (t->error != KP_E_PROOF && t->change.pake_bit == 0 && t->change.share_len == 0)
        assert_false(info_of(&p, KP_CLIENT).password_used);
    pair_close(&p);
}

static void run_cases(const struct server_case *cases, size_t count)
{
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        for (unsigned versions = KP_USE_TLS13; versions <= 3; versions++) {
            open_as(form, versions);
            for (size_t i = 0; i < count; i++) {
                if (cases[i].form == 0 || cases[i].form == form)
                    run_case(&cases[i], form);
            }
            close_it();
        }
    }
}

#define IETF KP_PAKE_IETF
#define BORING KP_PAKE_BORINGSSL

static void test_server_hello(void **state)
{
    static const struct server_case cases[] = {
        {"legacy version 0301", 0, 0, 0, {.version = 0x0301}, KP_E_ILLEGAL, 47},
        {"legacy version 0304", 0, 0, 0, {.version = 0x0304}, KP_E_ILLEGAL, 47},
        {"selected 0303", 0, 0, 0, {.selected = 0x0303}, KP_E_ILLEGAL, 47},
        {"selected 7f1c", 0, 0, 0, {.selected = 0x7F1C}, KP_E_ILLEGAL, 47},
        {"session id", 0, 0, 0, {.other_session_id = true}, KP_E_ILLEGAL, 47},
        {"compression", 0, 0, 0, {.compression = 1}, KP_E_ILLEGAL, 47},
        {"suite of TLS 1.2", 0, 0, 0, {.suite = 0xC020}, KP_E_SUITE, 47},
        {"unknown suite", 0, 0, 0, {.suite = 0x1304}, KP_E_SUITE, 47},
        {"unknown extension", 0, 0, 0, {.raw = 0x5A5A}, KP_E_EXTENSION, 110},
        {"ALPN in the clear", 0, 0, 0, {.with = KP_EXT_ALPN}, KP_E_EXTENSION, 110},
        {"record_size_limit in the clear", IETF, 0, 0, {.raw = 28, .raw_len = 2}, KP_E_ILLEGAL, 47},
        {"cookie in ServerHello", 0, 0, 0, {.raw = 44, .raw_len = 3}, KP_E_EXTENSION, 110},
        {"pake twice", 0, 0, 0, {.twice = true}, KP_E_ILLEGAL, 47},
        {"trailing bytes", 0, 0, 0, {.trailing = true}, KP_E_DECODE, 50},
        {"no pake", 0, 0, 0, {.without = KP_EXT_PAKE}, KP_E_NO_SRP_SERVER, 109},
        {"another scheme", IETF, 0, 0, {.scheme = 0x7D97}, KP_E_ILLEGAL, 47},
        {"another scheme", BORING, 0, 0, {.scheme = 0x7D97}, KP_E_DECODE, 50},
        {"pake a byte short", 0, 0, 0, {.pake_len = -1}, KP_E_ILLEGAL, 47},
        {"pake a byte long", 0, 0, 0, {.pake_len = 1}, KP_E_ILLEGAL, 47},
        {"pake empty", 0, 0, 0, {.pake_len = -97}, KP_E_ILLEGAL, 47},
        {"pake without confirmation", 0, 0, 0, {.pake_len = -32}, KP_E_ILLEGAL, 47},
        {"share compressed", 0, 0, 0, {.pake_bit = 2}, KP_E_ILLEGAL, 47},
        {"share off the curve", 0, 0, 0, {.pake_bit = 8 * 40}, KP_E_ILLEGAL, 47},
        {"confirmation", IETF, 0, 0, {.pake_bit = 8 * 66}, KP_E_PROOF, 51},
        {"confirmation", BORING, 0, 0, {.pake_bit = 8 * 66}, KP_E_PROOF, 47},
        {"confirmation's last bit", IETF, 0, 0, {.pake_bit = 8 * 97}, KP_E_PROOF, 51},
        {"no key_share", IETF, 0, 0, {.without = KP_EXT_KEY_SHARE}, KP_E_MISSING, 109},
        {"another group", IETF, 0, 0, {.group = 0x0017}, KP_E_ILLEGAL, 47},
        {"key_share", BORING, 0, 0, {.raw = 51, .raw_len = 36}, KP_E_DECODE, 50},
        {"key_share a byte short", IETF, 0, 0, {.share_len = -1}, KP_E_ILLEGAL, 47},
        {"key_share a byte long", IETF, 0, 0, {.share_len = 1}, KP_E_ILLEGAL, 47},
        {"a ticket that was not shown", 0, 0, 0, {.with = KP_EXT_PSK}, KP_E_EXTENSION, 110},
        {"the second ticket", IETF, 1, 0, {.psk_index = 1}, KP_E_ILLEGAL, 47},
        {"ticket and pake", IETF, 1, 0, {.with = KP_EXT_PAKE}, KP_E_ILLEGAL, 47},
        {"ticket without key_share", IETF, 1, 0, {.without = KP_EXT_KEY_SHARE}, KP_E_ILLEGAL, 47},
        {"ticket of another hash", IETF, 1, 0, {.suite = 0x1302}, KP_E_ILLEGAL, 47},
        {"neither ticket nor pake", IETF, 1, 0, {.without = KP_EXT_PSK}, KP_E_NO_SRP_SERVER, 109},
    };

    (void)state;
    run_cases(cases, COUNT(cases));
}

#define COOKIE .with = KP_EXT_COOKIE, .cookie = "a cookie"

static void test_hello_retry_request(void **state)
{
    static const struct server_case cases[] = {
        {"nothing asked for",
         0,
         0,
         0,
         {.retry = true, .without = KP_EXT_KEY_SHARE},
         KP_E_ILLEGAL,
         47},
        {"the group that is there", IETF, 0, 0, {.retry = true}, KP_E_ILLEGAL, 47},
        {"a group that wasn't offered",
         IETF,
         0,
         0,
         {.retry = true, .group = 0x0018},
         KP_E_ILLEGAL,
         47},
        {"group 0", IETF, 0, 0, {.retry = true, .group = 0xFFFF}, KP_E_ILLEGAL, 47},
        {"cookie and the group that is there",
         IETF,
         0,
         0,
         {.retry = true, COOKIE},
         KP_E_ILLEGAL,
         47},
        {"a group", BORING, 0, 0, {.retry = true, .raw = 51, .raw_len = 2}, KP_E_EXTENSION, 110},
        {"an empty cookie", 0, 0, 0, {.retry = true, .raw = 44, .raw_len = 2}, KP_E_DECODE, 50},
        {"pake", 0, 0, 0, {.retry = true, .raw = 0x8a3b, .raw_len = 101}, KP_E_EXTENSION, 110},
        {"pre_shared_key", 0, 0, 0, {.retry = true, .raw = 41, .raw_len = 2}, KP_E_EXTENSION, 110},
        {"unknown extension", 0, 0, 0, {.retry = true, .raw = 0x5A5A}, KP_E_EXTENSION, 110},
        {"no version", 0, 0, 1, {.without = KP_EXT_VERSIONS}, KP_E_MISSING, 109},
        {"another version", 0, 0, 1, {.selected = 0x0303}, KP_E_ILLEGAL, 47},
        {"legacy version", 0, 0, 1, {.version = 0x0302}, KP_E_ILLEGAL, 47},
        {"session id", 0, 0, 1, {.other_session_id = true}, KP_E_ILLEGAL, 47},
        {"compression", 0, 0, 1, {.compression = 1}, KP_E_ILLEGAL, 47},
        {"suite", 0, 0, 1, {.suite = 0xC01D}, KP_E_SUITE, 47},
        {"trailing", 0, 0, 1, {.trailing = true}, KP_E_DECODE, 50},
        /* And what comes after it. */
        {"a second one", 0, 0, 1, {.which = 1, .retry = true, COOKIE}, KP_E_UNEXPECTED, 10},
        {"another suite then", 0, 0, 1, {.which = 1, .suite = 0x1303}, KP_E_ILLEGAL, 47},
        {"another version then", 0, 0, 1, {.which = 1, .selected = 0x0303}, KP_E_ILLEGAL, 47},
        {"no version then", 0, 0, 1, {.which = 1, .without = KP_EXT_VERSIONS}, KP_E_ILLEGAL, 47},
        {"another group then", IETF, 0, 1, {.which = 1, .group = 0x0017}, KP_E_ILLEGAL, 47},
        {"no pake then", 0, 0, 1, {.which = 1, .without = KP_EXT_PAKE}, KP_E_NO_SRP_SERVER, 109},
        {"confirmation then", IETF, 0, 1, {.which = 1, .pake_bit = 8 * 66}, KP_E_PROOF, 51},
    };

    (void)state;
    run_cases(cases, COUNT(cases));
}

/* A ticket that doesn't go with the suite that is asked for is left out: RFC 8446 4.1.4. */
static void test_retry_of_other_hash(void **state)
{
    (void)state;
    for (int with_login = 0; with_login <= 1; with_login++) {
        struct hello_change change = {.suite = 0x1302};
        struct rewrite r = {.from = KP_SERVER, .hello = change_hello, .arg = &change};
        struct kp_client_hello second;
        struct pair p;
        open_as(KP_PAKE_IETF, 0);
        pair13_open(&p, &w, START, 8);
        must(kp_conn_ask_cookie(p.conn[KP_SERVER]) == 0);
        p.edit = edit_rewrite;
        p.edit_arg = &r;
        pair_connect(&p, with_login ? w.world.login : NULL, session, NULL);
        size_t first = 0;
        p.limit[KP_CLIENT] = 0;
        pair_run(&p);
        if (!with_login) {
            assert_ended(&p, KP_CLIENT, KP_E_TICKET_REFUSED, 90);
        } else {
            /* ClientHello, CCS, ClientHello. */
            const uint8_t *wire = p.wire[KP_CLIENT].data;
            first = KP_HEADER_LEN + (size_t)(wire[3] << 8 | wire[4]);
            const uint8_t *record = wire + first + KP_HEADER_LEN + 1;
            struct kp_reader reader;
            assert_int_equal(record[5], KP_CLIENT_HELLO);
            kp_reader_init(&reader, record + 9, (size_t)(record[3] << 8 | record[4]) - 4);
            must(kp_client_hello_parse(&reader, &second) == 0);
            assert_int_equal(second.ext.present & KP_EXT_PSK, 0);
            assert_int_equal(second.ext.present & KP_EXT_PAKE, KP_EXT_PAKE);
        }
        pair_close(&p);
        close_it();
    }
}

/* ---- The second ClientHello ----------------------------------------------------------------- */

static void keep_hello(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out)
{
    struct bytes *kept = r->arg;

    bytes_add(out, message, len);
    if (r->hellos < 2)
        bytes_add(&kept[r->hellos], message, len);
}

/* As the first, and the cookie: nothing else has changed, the PAKE's share least of all. */
static void test_second_hello(void **state)
{
    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        struct bytes kept[2] = {{0}};
        struct rewrite r = {.from = KP_CLIENT, .hello = keep_hello, .arg = kept};
        struct kp_client_hello hello[2];
        struct pair p;
        open_as(form, 0);
        pair13_open(&p, &w, START, 8);
        must(kp_conn_ask_cookie(p.conn[KP_SERVER]) == 0);
        p.edit = edit_rewrite;
        p.edit_arg = &r;
        pair_connect(&p, w.world.login, NULL, "device.example");
        pair_run(&p);
        assert_both_proved(&p);
        for (int i = 0; i < 2; i++) {
            struct kp_reader reader;
            kp_reader_init(&reader, kept[i].data + 4, kept[i].len - 4);
            must(kp_client_hello_parse(&reader, &hello[i]) == 0);
        }
        assert_memory_equal(hello[0].random.data, hello[1].random.data, 32);
        assert_memory_equal(hello[0].session_id.data, hello[1].session_id.data, 32);
        assert_int_equal(hello[0].ext.present | KP_EXT_COOKIE, hello[1].ext.present);
        assert_int_equal(hello[0].ext.raw_pake.len, hello[1].ext.raw_pake.len);
        assert_memory_equal(hello[0].ext.raw_pake.data, hello[1].ext.raw_pake.data,
                            hello[0].ext.raw_pake.len);
        if (form == KP_PAKE_IETF)
            assert_memory_equal(hello[0].ext.raw_key_share.data, hello[1].ext.raw_key_share.data,
                                hello[0].ext.raw_key_share.len);
        assert_int_equal(hello[1].ext.raw_cookie.len, 2 + 100);
        bytes_free(&kept[0]);
        bytes_free(&kept[1]);
        pair_close(&p);
        close_it();
    }
}

/* ---- EncryptedExtensions ------------------------------------------------------------------------
 */

struct extensions_case {
    const char *name;
    unsigned form; /* 0: each */
    const char *body;
    size_t len;
    int error; /* 0: not this message's fault */
    int alert;
};

static void change_extensions(struct rewrite *r, const uint8_t *message, size_t len,
                              struct bytes *out)
{
    const struct extensions_case *t = r->arg;

    if (message[0] != KP_ENCRYPTED_EXTENSIONS) {
        bytes_add(out, message, len);
        return;
    }
    const uint8_t head[] = {KP_ENCRYPTED_EXTENSIONS, 0, 0, (uint8_t)t->len};
    bytes_add(out, head, sizeof(head));
    bytes_add(out, t->body, t->len);
}

#define BODY(bytes) (bytes), sizeof(bytes) - 1

static void test_encrypted_extensions(void **state)
{
    static const struct extensions_case cases[] = {
        /* Well formed: it is Finished then that tells of the change. */
        {"none", 0, BODY("\x00\x00"), KP_E_FINISHED, 51},
        {"supported_groups", IETF, BODY("\x00\x08\x00\x0A\x00\x04\x00\x02\x00\x1D"), KP_E_FINISHED,
         51},
        {"server_name that wasn't sent", 0, BODY("\x00\x04\x00\x00\x00\x00"), KP_E_EXTENSION, 110},
        {"supported_groups", BORING, BODY("\x00\x08\x00\x0A\x00\x04\x00\x02\x00\x1D"),
         KP_E_EXTENSION, 110},
        {"record_size_limit of 63", IETF, BODY("\x00\x06\x00\x1C\x00\x02\x00\x3F"), KP_E_ILLEGAL,
         47},
        {"a protocol that wasn't offered", 0, BODY("\x00\x09\x00\x10\x00\x05\x00\x03\x02h2"),
         KP_E_ILLEGAL, 47},
        {"two protocols", 0, BODY("\x00\x0C\x00\x10\x00\x08\x00\x06\x02h2\x02h3"), KP_E_DECODE, 50},
        {"pake", 0, BODY("\x00\x04\x8A\x3B\x00\x00"), KP_E_EXTENSION, 110},
        {"early_data", 0, BODY("\x00\x04\x00\x2A\x00\x00"), KP_E_EXTENSION, 110},
        {"key_share", 0, BODY("\x00\x04\x00\x33\x00\x00"), KP_E_EXTENSION, 110},
        {"supported_versions", 0, BODY("\x00\x06\x00\x2B\x00\x02\x03\x04"), KP_E_EXTENSION, 110},
        {"encrypt_then_mac", 0, BODY("\x00\x04\x00\x16\x00\x00"), KP_E_EXTENSION, 110},
        {"unknown", 0, BODY("\x00\x04\x5A\x5A\x00\x00"), KP_E_EXTENSION, 110},
        {"no list", 0, "", 0, KP_E_DECODE, 50},
        {"cut", 0, BODY("\x00\x04\x00\x0A\x00"), KP_E_DECODE, 50},
        {"trailing", 0, BODY("\x00\x00\x00"), KP_E_DECODE, 50},
    };

    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        open_as(form, KP_USE_TLS13);
        for (size_t i = 0; i < COUNT(cases); i++) {
            struct extensions_case t = cases[i];
            struct rewrite r = {.from = KP_SERVER, .message = change_extensions, .arg = &t};
            struct pair p;
            if (t.form != 0 && t.form != form)
                continue;
            pair13_open(&p, &w, START, 8);
            p.edit = edit_rewrite;
            p.edit_arg = &r;
            pair_connect(&p, w.world.login, NULL, NULL);
            pair_run(&p);
            if (pair_error(&p, KP_CLIENT) != t.error ||
                kp_conn_sent_alert(p.conn[KP_CLIENT]) != t.alert)
                fail_msg("%s, form %u: error %d alert %d", t.name, form, pair_error(&p, KP_CLIENT),
                         kp_conn_sent_alert(p.conn[KP_CLIENT]));
            /* Sealed by now: the server reads it. */
            assert_int_equal(kp_conn_peer_alert(p.conn[KP_SERVER]), t.alert);
            assert_false(pair_proved(&p, KP_SERVER));
            rewrite_clear(&r);
            pair_close(&p);
        }
        close_it();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_hello),         cmocka_unit_test(test_hello_retry_request),
        cmocka_unit_test(test_retry_of_other_hash),  cmocka_unit_test(test_second_hello),
        cmocka_unit_test(test_encrypted_extensions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
