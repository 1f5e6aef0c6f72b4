/*
 * Proves: what a peer speaks is told by its first bytes, in real hellos and in odd ones, however
 * they are cut, never wrongly before it can be told; and no hello with a mark of the password is
 * another server's.
 */
#include "cm.h"

#include "checks.h"

#include "key/ticket.h"
#include "message/message13.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD KP_FIRST_PASSWORD_TLS
#define OTHER_TLS KP_FIRST_OTHER_TLS

/* At the end of a block of its own, so that a sanitizer sees a read behind it. */
static enum kp_first tell(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len + 1);
    must(copy != NULL);
    if (len > 0)
        memcpy(copy + 1, bytes, len);
    enum kp_first first = kp_first_bytes(copy + 1, len);
    free(copy);
    return first;
}

/* It can be told when its last byte is there, and not before; what comes behind doesn't matter. */
static void assert_told(const struct bytes *b, enum kp_first expected)
{
    static const uint8_t more[2][3] = {{0xFF, 0xFF, 0xFF}, {0x16, 3, 1}};

    for (size_t len = 0; len < b->len; len++)
        assert_int_equal(tell(b->data, len), KP_FIRST_MORE);
    assert_int_equal(tell(b->data, b->len), expected);
    for (size_t i = 0; i < COUNT(more); i++) {
        struct bytes longer = {0};
        bytes_add(&longer, b->data, b->len);
        bytes_add(&longer, more[i], sizeof(more[i]));
        assert_int_equal(tell(longer.data, longer.len), expected);
        bytes_free(&longer);
    }
}

/* From some byte on it is `expected`, before that it can't be told. */
static void assert_becomes(const uint8_t *data, size_t len, enum kp_first expected)
{
    size_t at = 0;

    while (at < len && tell(data, at) == KP_FIRST_MORE)
        at++;
    for (; at <= len; at++)
        assert_int_equal(tell(data, at), expected);
}

/* ---- Real hellos --------------------------------------------------------------------------- */

/* One record cut into smaller ones. */
static void cut(const struct bytes *record, size_t piece, struct bytes *out)
{
    for (size_t at = KP_HEADER_LEN; at < record->len; at += piece) {
        size_t len = record->len - at < piece ? record->len - at : piece;
        bytes_record(out, KP_HANDSHAKE, 0x0301, record->data + at, len);
    }
}

static void assert_told_in_pieces(const struct bytes *record, enum kp_first expected)
{
    static const size_t pieces[] = {1, 7, 100};

    assert_told(record, expected);
    for (size_t i = 0; i < COUNT(pieces); i++) {
        struct bytes small = {0};
        cut(record, pieces[i], &small);
        assert_told(&small, expected);
        bytes_free(&small);
    }
}

static const char *data_folder;

static void read_file(const char *name, struct bytes *out)
{
    uint8_t bytes[8192];
    char path[1024];

    must(snprintf(path, sizeof(path), "%s/%s.bin", data_folder, name) < (int)sizeof(path));
    FILE *in = fopen(path, "rb");
    must(in != NULL);
    bytes_add(out, bytes, fread(bytes, 1, sizeof(bytes), in));
    must(fclose(in) == 0 && out->len > 100 && out->len < sizeof(bytes));
}

static void test_clients_of_others(void **state)
{
    static const struct {
        const char *name;
        enum kp_first expected;
    } files[] = {
        {"chromium", OTHER_TLS},
        {"firefox", OTHER_TLS},
        {"curl", OTHER_TLS},
        {"python", OTHER_TLS},
        {"gnutls", OTHER_TLS},
        {"openssl", OTHER_TLS},
        {"openssl_tls12", OTHER_TLS},
        {"openssl_every_cipher", OTHER_TLS},
        {"openssl_resumes_tls12", OTHER_TLS},
        {"openssl_resumes_tls13", OTHER_TLS},
        {"openssl_srp", PASSWORD},
        {"curl_srp", PASSWORD},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(files); i++) {
        struct bytes record = {0};
        read_file(files[i].name, &record);
        assert_told_in_pieces(&record, files[i].expected);
        bytes_free(&record);
    }
}

static void take_hello(struct pair *p, struct bytes *record)
{
    size_t len;
    const uint8_t *out = kp_wire_out(p->conn[KP_CLIENT], &len);

    bytes_add(record, out, len);
}

/* What our client offers with that, and the same cut. */
static void assert_ours(struct world *w, const struct kp_login *login,
                        const struct kp_session *session, uint32_t has, uint32_t lacks)
{
    struct kp_client_hello hello;
    struct bytes record = {0};
    const uint8_t *body;
    struct pair p;
    size_t len;

    pair_open(&p, w, START, 1);
    pair_connect(&p, login, session, "heating.local");
    take_hello(&p, &record);
    pair_hello(&p, &hello, &body, &len);
    assert_int_equal(hello.ext.present & (has | lacks), has);
    assert_told_in_pieces(&record, PASSWORD);
    bytes_free(&record);
    pair_close(&p);
}

static void test_our_client12(void **state)
{
    struct world w;
    struct pair p;

    (void)state;
    world_open(&w, 2048, NULL, NULL);
    pair_handshake(&p, &w, START, 1);
    struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
    must(session != NULL);
    pair_close(&p);
    assert_ours(&w, w.login, NULL, KP_EXT_SRP, 0);
    assert_ours(&w, w.login, session, KP_EXT_SRP | KP_EXT_TICKET, 0);
    assert_ours(&w, NULL, session, KP_EXT_TICKET, 0);
    kp_session_free(session);
    world_close(&w);
}

static void test_our_client13(void **state)
{
    static const struct kp_settings client[] = {{.versions = KP_USE_TLS13}, {.versions = 0}};
    struct world13 w;

    (void)state;
    for (size_t i = 0; i < COUNT(client); i++) {
        world13_open(&w, &client[i], NULL);
        struct kp_session *session = fresh_session(&w);
        assert_ours(&w.world, w.world.login, NULL, KP_EXT_PAKE, KP_EXT_PSK);
        assert_ours(&w.world, w.world.login, session, KP_EXT_PAKE | KP_EXT_PSK, 0);
        /* The ticket alone. */
        assert_ours(&w.world, NULL, session, KP_EXT_PSK, KP_EXT_PAKE | KP_EXT_SRP);
        kp_session_free(session);
        world13_close(&w);
    }
    /* The form that has no tickets. */
    open_form(&w, KP_PAKE_BORINGSSL, KP_USE_TLS13);
    assert_ours(&w.world, w.world.login, NULL, KP_EXT_PAKE, KP_EXT_PSK);
    world13_close(&w);
}

/* ---- Odd hellos ---------------------------------------------------------------------------- */

#define SUITES "\x13\x01\xC0\x2F"
#define SRP                                                                                        \
    "\0\x0C\0\x06\x05"                                                                             \
    "alice"
#define PAKE "\x8A\x3B\0\0"
#define TICKET_OF_OURS                                                                             \
    "KPT1"                                                                                         \
    "0123456789ab"
#define OURS "\0\x23\0\x14" TICKET_OF_OURS "rest"
#define PSK(head, identity) "\0\x29" head identity "\0\0\0\0"

struct text {
    const char *data;
    size_t len;
};

#define TEXT(bytes)                                                                                \
    {                                                                                              \
        bytes, sizeof(bytes) - 1                                                                   \
    }

/* Up to the extensions. */
static void put_start(struct kp_builder *b, uint16_t version, const char *suites, size_t len)
{
    kp_put_u16(b, version);
    kp_put_bytes(b, "0123456789abcdefghijklmnopqrstuv", KP_RANDOM_LEN);
    kp_put_u8(b, 0);
    kp_put_u16(b, (uint16_t)len);
    kp_put_bytes(b, suites, len);
    kp_put_u16(b, 0x0100);
}

static void record_of(const struct kp_builder *body, struct bytes *out)
{
    must(!body->failed);
    bytes_message(out, KP_CLIENT_HELLO, body->data, body->len);
}

static bool strict_takes(const struct kp_builder *body)
{
    struct kp_client_hello hello;
    struct kp_reader r;

    kp_reader_init(&r, body->data, body->len);
    return kp_client_hello_parse(&r, &hello) == 0;
}

static void assert_block(struct text block, bool strict, enum kp_first expected)
{
    struct bytes record = {0};
    struct kp_builder b;
    uint8_t body[2048];

    kp_builder_init(&b, body, sizeof(body));
    put_start(&b, KP_TLS12, SUITES, sizeof(SUITES) - 1);
    kp_put_u16(&b, (uint16_t)block.len);
    kp_put_bytes(&b, block.data, block.len);
    assert_int_equal(strict_takes(&b), strict);
    record_of(&b, &record);
    assert_told(&record, expected);
    bytes_free(&record);
}

static void test_extensions(void **state)
{
    static const struct {
        struct text block;
        bool strict; /* our own parser takes it */
        enum kp_first expected;
    } cases[] = {
        {TEXT(""), true, OTHER_TLS},
        {TEXT(SRP), true, PASSWORD},
        {TEXT("\0\x0C\0\0"), false, PASSWORD},
        {TEXT("\0\x0C\0\x03zzz"), false, PASSWORD},
        {TEXT(PAKE), true, PASSWORD},
        {TEXT("\x8A\x3B\0\x03zzz"), true, PASSWORD},
        {TEXT("\x0A\x0A\0\0" SRP "\x1A\x1A\0\1\0"), true, PASSWORD},
        {TEXT(PAKE "\0\x17\0\0\0\x17\0\0"), false, PASSWORD},
        /* Nothing to us, and refused by us. */
        {TEXT("\0\x17\0\0\0\x17\0\0"), false, OTHER_TLS},
        {TEXT("\0\x17\0\1\0"), false, OTHER_TLS},
        {TEXT("\0\0\0\0"), false, OTHER_TLS},
        {TEXT("\0\0\0\x04zzzz"), false, OTHER_TLS},
        {TEXT("\x0A\x0A\0\0\x0A\x0A\0\0"), false, OTHER_TLS},
        /* Tickets. */
        {TEXT(OURS), true, PASSWORD},
        {TEXT("\0\x23\0\x10" TICKET_OF_OURS), true, PASSWORD},
        {TEXT("\0\x23\0\x0FKPT10123456789a"), true, OTHER_TLS},
        {TEXT("\0\x23\0\x14KPT00123456789abrest"), true, OTHER_TLS},
        {TEXT("\0\x23\0\0"), true, OTHER_TLS},
        {TEXT(PSK("\0\x18\0\x16\0\x10", TICKET_OF_OURS)), true, PASSWORD},
        {TEXT(PSK("\0\x1F\0\x1D\0\x01x\1\2\3\4\0\x10", TICKET_OF_OURS)), true, PASSWORD},
        {TEXT(PSK("\0\x18\0\x16\0\x10", "KPT00123456789ab")), true, OTHER_TLS},
        /* Lists that end too early: the ticket is read, or isn't there. */
        {TEXT("\0\x29\0\x14\0\x12\0\x10" TICKET_OF_OURS), true, PASSWORD},
        {TEXT("\0\x29\0\x14\0\x13\0\x10" TICKET_OF_OURS), true, PASSWORD},
        {TEXT("\0\x29\0\x14\0\x12\0\x11" TICKET_OF_OURS), true, PASSWORD},
        {TEXT("\0\x29\0\0"), true, PASSWORD},
        /* What can't be read may be one of ours, and stays here to be refused. */
        {TEXT("\0\x29\0\1\0"), true, PASSWORD},
        {TEXT("\0\x29\0\3\0\1\0"), true, PASSWORD},
        {TEXT("\0\x29\0\7\0\5\0\1x\1\2"), true, PASSWORD},
        {TEXT("\0\x29\0\x0A\0\7\0\1x\1\2\3\4z"), true, OTHER_TLS},
        {TEXT("\0\x29\0\2\0\0"), true, OTHER_TLS},
        /* Marks in the wrong place are none. */
        {TEXT("\0\x2A\0\x10" TICKET_OF_OURS), true, OTHER_TLS},
        {TEXT("\0\0\0\x10\0\x0E\0\0\x0B\0\x0C\0\0.locall"), false, OTHER_TLS},
        /* Broken framing, with a mark and without. */
        {TEXT("\0\x17\0\1"), false, KP_FIRST_OTHER},
        {TEXT("\0\x17\0"), false, KP_FIRST_OTHER},
        {TEXT(SRP "\0"), false, KP_FIRST_OTHER},
        {TEXT(PAKE "\0\x17\0\1"), false, KP_FIRST_OTHER},
        {TEXT("\0\x0C\0\x07\x05"
              "alice"),
         false, KP_FIRST_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_block(cases[i].block, cases[i].strict, cases[i].expected);
}

/* More than our parser counts. */
static void test_many_extensions(void **state)
{
    uint8_t block[4 * 300 + sizeof(PAKE) - 1];

    (void)state;
    for (size_t i = 0; i < 300; i++)
        memcpy(block + 4 * i, (uint8_t[]){0x5A, (uint8_t)(i & 0x7F), 0, 0}, 4);
    assert_block((struct text){(char *)block, 4 * 300}, false, OTHER_TLS);
    memcpy(block + 4 * 300, PAKE, sizeof(PAKE) - 1);
    assert_block((struct text){(char *)block, sizeof(block)}, false, PASSWORD);
}

static void assert_bare(uint16_t version, const char *suites, size_t len, enum kp_first expected)
{
    struct bytes record = {0};
    struct kp_builder b;
    uint8_t body[200];

    kp_builder_init(&b, body, sizeof(body));
    put_start(&b, version, suites, len);
    record_of(&b, &record);
    assert_told(&record, expected);
    bytes_free(&record);
}

static void test_without_extensions(void **state)
{
    (void)state;
    assert_bare(0x0300, "\0\x2F", 2, OTHER_TLS);
    assert_bare(KP_TLS12, "\0\x2F\0\xFF", 4, OTHER_TLS);
    for (unsigned value = 0xC019; value <= 0xC023; value++) {
        const char last[] = {0, 0x2F, (char)(value >> 8), (char)value};
        const char lone[] = {(char)(value >> 8), (char)value, 0, 0x2F};
        enum kp_first expected = value >= 0xC01A && value <= 0xC022 ? PASSWORD : OTHER_TLS;
        assert_bare(0x0300, last, 4, expected);
        assert_bare(KP_TLS12, lone, 4, expected);
    }
    /* Two of them, not one in the middle. */
    assert_bare(KP_TLS12, "\x13\xC0\x1D\x01", 4, OTHER_TLS);
}

static void assert_body(const char *body, size_t len, enum kp_first expected)
{
    struct bytes record = {0};

    bytes_message(&record, KP_CLIENT_HELLO, body, len);
    assert_told(&record, expected);
    bytes_free(&record);
}

#define BODY(bytes) bytes, sizeof(bytes) - 1
#define HEAD                                                                                       \
    "\3\3"                                                                                         \
    "0123456789abcdefghijklmnopqrstuv"

static void test_broken_starts(void **state)
{
    (void)state;
    assert_body(BODY(HEAD "\0\0\2\xC0\x20\1\0"), PASSWORD);
    assert_body(BODY(HEAD "\0\0\2\xC0\x20\1\0\0\0"), PASSWORD);
    assert_body(BODY(HEAD "\0\0\2\xC0\x20\1\0\0\0z"), KP_FIRST_OTHER);
    assert_body(BODY(HEAD "\0\0\2\xC0\x20\1\0\0"), KP_FIRST_OTHER);
    assert_body(BODY(HEAD "\0\0\2\xC0\x20\1"), KP_FIRST_OTHER);
    assert_body(BODY(HEAD "\0\0\2\xC0\x20\0"), KP_FIRST_OTHER);
    assert_body(BODY(HEAD "\0\0\3\xC0\x20\0\1\0"), KP_FIRST_OTHER);
    assert_body(BODY(HEAD "\0\0\0\1\0"), KP_FIRST_OTHER);
    assert_body(BODY(HEAD "\x21"
                          "0123456789abcdefghijklmnopqrstuvw"
                          "\0\2\x13\1\1\0"),
                KP_FIRST_OTHER);
    assert_body(BODY("\3\3short"), KP_FIRST_OTHER);
    assert_body("", 0, KP_FIRST_OTHER);
}

/* ---- Long ones ----------------------------------------------------------------------------- */

/* A hello with a body of len bytes, in records of at most piece. */
static void long_hello(size_t len, size_t piece, bool ours, struct bytes *out)
{
    uint8_t *message = calloc(1, len + 4);
    struct bytes record = {0};
    struct kp_builder b;

    kp_builder_init(&b, message, len + 4);
    kp_put_u8(&b, KP_CLIENT_HELLO);
    kp_put_u24(&b, (uint32_t)len);
    put_start(&b, KP_TLS12, SUITES, sizeof(SUITES) - 1);
    kp_put_u16(&b, (uint16_t)(len - (b.len - 4) - 2));
    if (ours)
        kp_put_bytes(&b, PAKE, sizeof(PAKE) - 1);
    kp_put_u16(&b, 0xFAFA);
    kp_put_u16(&b, (uint16_t)(len - (b.len - 4) - 2));
    must(!b.failed);
    bytes_add(&record, "12345", KP_HEADER_LEN);
    bytes_add(&record, message, len + 4);
    cut(&record, piece, out);
    bytes_free(&record);
    free(message);
}

static void assert_long(size_t len, size_t piece, bool ours, enum kp_first expected)
{
    struct bytes wire = {0};

    long_hello(len, piece, ours, &wire);
    assert_int_equal(tell(wire.data, wire.len), expected);
    for (size_t at = wire.len - 1; expected != KP_FIRST_OTHER && at > 8; at -= at / 7 + 1)
        assert_int_equal(tell(wire.data, at), KP_FIRST_MORE);
    bytes_free(&wire);
}

static void test_long_hellos(void **state)
{
    (void)state;
    for (int ours = 0; ours < 2; ours++) {
        assert_long(KP_RECORD_MAX - 4, KP_RECORD_MAX, ours, ours ? PASSWORD : OTHER_TLS);
        assert_long(KP_RECORD_MAX - 4, KP_RECORD_MAX + 1, ours, ours ? PASSWORD : OTHER_TLS);
        assert_long(KP_HELLO_MAX, KP_RECORD_MAX, ours, ours ? PASSWORD : OTHER_TLS);
        assert_long(KP_HELLO_MAX, 16, ours, ours ? PASSWORD : OTHER_TLS);
        assert_long(KP_HELLO_MAX + 1, KP_RECORD_MAX, ours, KP_FIRST_OTHER);
        /* A record that is too long itself. */
        assert_long(KP_HELLO_MAX, KP_RECORD_MAX + 1, ours, KP_FIRST_OTHER);
        assert_long(60000, KP_RECORD_MAX, ours, KP_FIRST_OTHER);
        /* Cut too small to be there by KP_FIRST_MAX. */
        assert_long(8000, 1, ours, KP_FIRST_OTHER);
        assert_long(5000, 1, ours, ours ? PASSWORD : OTHER_TLS);
    }
}

/* Where the last record's fragment begins, which gets that many bytes more. */
static size_t lengthen_last(struct bytes *wire, size_t more)
{
    uint8_t behind[1000] = {KP_CLIENT_HELLO};
    uint8_t *header = wire->data;
    size_t len = (size_t)(header[3] << 8 | header[4]);

    while (header + KP_HEADER_LEN + len < wire->data + wire->len) {
        header += KP_HEADER_LEN + len;
        len = (size_t)(header[3] << 8 | header[4]);
    }
    must(more <= sizeof(behind) && len + more <= KP_RECORD_MAX);
    header[3] = (uint8_t)((len + more) >> 8);
    header[4] = (uint8_t)(len + more);
    size_t begins = (size_t)(header - wire->data) + KP_HEADER_LEN;
    bytes_add(wire, behind, more);
    return begins;
}

/* What stands behind a hello in its last record makes it none, as soon as that record's length and
 * the message's are there. */
static void assert_nothing_follows(size_t len, size_t piece, bool ours, size_t more)
{
    struct bytes wire = {0};

    long_hello(len, piece, ours, &wire);
    size_t told = lengthen_last(&wire, more);
    if (told == KP_HEADER_LEN)
        told += KP_MESSAGE_HEADER_LEN;
    assert_int_equal(tell(wire.data, told - 1), KP_FIRST_MORE);
    assert_int_equal(tell(wire.data, told), KP_FIRST_OTHER);
    if (len < 1000)
        assert_becomes(wire.data, wire.len, KP_FIRST_OTHER);
    assert_int_equal(tell(wire.data, wire.len), KP_FIRST_OTHER);
    bytes_free(&wire);
}

static void test_what_follows_in_its_record(void **state)
{
    (void)state;
    for (int ours = 0; ours < 2; ours++) {
        for (size_t more = 1; more <= 1000; more += 333) {
            assert_nothing_follows(60, KP_RECORD_MAX, ours, more);
            assert_nothing_follows(60, 63, ours, more);
            assert_nothing_follows(60, 1, ours, more);
            /* The longest, and more than there is room for. */
            assert_nothing_follows(KP_HELLO_MAX, KP_RECORD_MAX, ours, more);
        }
    }
}

/* A byte early it can't be told, and what comes after the limit doesn't matter. */
static void test_the_limit(void **state)
{
    struct bytes wire = {0};

    (void)state;
    long_hello(8000, 1, true, &wire);
    must(wire.len > KP_FIRST_MAX);
    assert_int_equal(tell(wire.data, KP_FIRST_MAX - 1), KP_FIRST_MORE);
    assert_int_equal(tell(wire.data, KP_FIRST_MAX), KP_FIRST_OTHER);
    assert_int_equal(tell(wire.data, wire.len), KP_FIRST_OTHER);
    bytes_free(&wire);
}

/* ---- Records and everything else --------------------------------------------------------------
 */

static void test_other_bytes(void **state)
{
    static const struct {
        struct text bytes;
        enum kp_first expected;
    } cases[] = {
        {TEXT(""), KP_FIRST_MORE},
        {TEXT("GET / HTTP/1.1\r\n"), KP_FIRST_HTTP},
        {TEXT("GET "), KP_FIRST_HTTP},
        {TEXT("POST /x HTTP/1.0\r\n"), KP_FIRST_HTTP},
        {TEXT("OPTIONS * HTTP/1.1\r\n"), KP_FIRST_HTTP},
        {TEXT("PROPFIND / HTTP/1.1\r\n"), KP_FIRST_HTTP},
        {TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), KP_FIRST_HTTP},
        {TEXT("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF /"), KP_FIRST_HTTP},
        {TEXT("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG /"), KP_FIRST_OTHER},
        {TEXT("GET"), KP_FIRST_MORE},
        {TEXT("GET\t/"), KP_FIRST_OTHER},
        {TEXT("get / HTTP/1.1\r\n"), KP_FIRST_OTHER},
        {TEXT(" GET / HTTP/1.1\r\n"), KP_FIRST_OTHER},
        {TEXT("HTTP/1.1 200 OK\r\n"), KP_FIRST_OTHER},
        {TEXT("SSH-2.0-OpenSSH_9.2\r\n"), KP_FIRST_OTHER},
        {TEXT("\0\0\0\0\0\0"), KP_FIRST_OTHER},
        /* SSLv2 */
        {TEXT("\x80\x2E\x01\x00\x02\x00\x15\x00\x00\x00\x10"), KP_FIRST_OTHER},
        {TEXT("\x80\x2E\x01\x03\x03\x00\x15\x00\x00\x00\x10"), KP_FIRST_OTHER},
        /* Records of other kinds, and such that aren't any. */
        {TEXT("\x15\x03\x01\x00\x02\x01\x00"), KP_FIRST_OTHER},
        {TEXT("\x17\x03\x03\x00\x01x"), KP_FIRST_OTHER},
        {TEXT("\x16\x02"), KP_FIRST_OTHER},
        {TEXT("\x16\x04\x03\x00\x01"), KP_FIRST_OTHER},
        {TEXT("\x16\x03\x01\x00\x00"), KP_FIRST_OTHER},
        {TEXT("\x16\x03\x01\x40\x01"), KP_FIRST_OTHER},
        {TEXT("\x16\x03\x01\x40\x00"), KP_FIRST_MORE},
        {TEXT("\x16\x03\x01\x00\x01\x02"), KP_FIRST_OTHER},
        {TEXT("\x16\x03\x01\x00\x04\x01\x00\x40\x01"), KP_FIRST_OTHER},
        {TEXT("\x16\x03\x01\x00\x04\x01\x00\x40\x00"), KP_FIRST_MORE},
        {TEXT("\x16\x03\x01\x00\x04\x01\x00\x00\x40\x15"), KP_FIRST_OTHER},
        {TEXT("\x16\x03\x01\x00\x04\x01\x00\x00\x40\x16\x02"), KP_FIRST_OTHER},
        {TEXT("\x16\x03\x01\x00\x04\x01\x00\x00\x40\x16\x03\x03\x00\x00"), KP_FIRST_OTHER},
        {TEXT("\x16\x03\x01\x00\x04\x01\x00\x00\x40\x16\x03\x03\x00\x01"), KP_FIRST_MORE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_becomes((const uint8_t *)cases[i].bytes.data, cases[i].bytes.len, cases[i].expected);
}

/* Whatever keys there are, or were: by the mark alone. */
static void test_tickets(void **state)
{
    (void)state;
    assert_true(kp_ticket_is_ours((const uint8_t *)TICKET_OF_OURS, 16));
    assert_true(kp_ticket_is_ours((const uint8_t *)TICKET_OF_OURS "more", 20));
    assert_false(kp_ticket_is_ours((const uint8_t *)TICKET_OF_OURS, 15));
    assert_false(kp_ticket_is_ours((const uint8_t *)"KPT20123456789ab", 16));
    assert_false(kp_ticket_is_ours(NULL, 0));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clients_of_others), cmocka_unit_test(test_our_client12),
        cmocka_unit_test(test_our_client13),      cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_many_extensions),   cmocka_unit_test(test_without_extensions),
        cmocka_unit_test(test_broken_starts),     cmocka_unit_test(test_long_hellos),
        cmocka_unit_test(test_the_limit),         cmocka_unit_test(test_what_follows_in_its_record),
        cmocka_unit_test(test_other_bytes),       cmocka_unit_test(test_tickets),
    };

    must(argc == 2);
    data_folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
