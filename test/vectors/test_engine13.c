/*
 * Proves: the engine says, byte for byte, what the two whole handshakes of handshakes13.h say, as a
 * server and as a client: with the same random numbers it makes the same hellos, Finished and
 * records, takes the other side's, and exports the same.
 *
 * Left out is what the engine does otherwise by choice.  As a server it has a record for each
 * message, where the model put EncryptedExtensions and Finished into one: compared with the
 * messages sealed one by one under the model's keys.  As a client it always has a session id and
 * offers all its suites: compared are random and pake of its ClientHello, then the model's is put
 * in its place.
 */
#include "cm.h"

#include "hex.h"

#include "handshakes13.h"
#include "harness.h"

#include <string.h>

#define LABEL "EXPORTER-peers-check"
#define CLIENT_RANDOM "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SERVER_RANDOM "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
#define X "d1232c8e8693d02368976c174e2088851b8365d0d79a9eee709c6a05a2fad539"
#define Y "717a72348a182085109c8d3917d6c43d59b224dc6a7fc4f0483232fa6516d8b3"
#define W0 "a14fd4e781c5230e49ce16d1e899792905ee81c1cfa7d96277b403cba6260c40"
#define L                                                                                          \
    "040466fa7e50874f069029dcf3ab5a196a173cf85269fc9b87b4403186e258f737"                           \
    "6850aa3eb6df8fcc1648b6c4d55f670d84f67324def4363fb5e6838a19357b29"
#define USER "admin"
#define PASSWORD "kestrel-4711"
#define DEVICE "device.example"

/* ---- A random source that gives what is written down ------------------------------------------
 */

struct script {
    const char *draws[4]; /* hex, one for each call; then noise */
    size_t calls;
};

static int draw(void *arg, uint8_t *out, size_t len)
{
    struct script *s = arg;
    const char *text = s->calls < COUNT(s->draws) ? s->draws[s->calls] : NULL;

    memset(out, (int)(0x40 + s->calls), len);
    s->calls++;
    if (text != NULL)
        must(hex(text, out, len) == len);
    return 0;
}

/* ---- The wire ------------------------------------------------------------------------------ */

static void feed(struct kp_conn *c, const void *data, size_t len)
{
    size_t room;
    uint8_t *at = kp_wire_in_room(c, &room);

    must(room >= len);
    memcpy(at, data, len);
    int err = kp_wire_in_done(c, len);
    if (err != 0)
        fail_msg("%s", kp_error_text(err));
}

static void feed_hex(struct kp_conn *c, const char *text)
{
    uint8_t data[1024];

    feed(c, data, hex(text, data, sizeof(data)));
}

/* A message in the clear, in a record of that version. */
static void feed_message(struct kp_conn *c, uint16_t version, const char *text)
{
    uint8_t data[1024];
    struct bytes record = {0};

    bytes_record(&record, KP_HANDSHAKE, version, data, hex(text, data, sizeof(data)));
    feed(c, record.data, record.len);
    bytes_free(&record);
}

/* Takes wire out's next record. */
static void take(struct kp_conn *c, struct bytes *out)
{
    size_t len;
    const uint8_t *data = kp_wire_out(c, &len);

    must(len >= KP_HEADER_LEN);
    size_t whole = KP_HEADER_LEN + (size_t)(data[3] << 8 | data[4]);
    must(len >= whole);
    out->len = 0;
    bytes_add(out, data, whole);
    kp_wire_out_done(c, whole);
}

static void assert_bytes(const struct bytes *got, const char *expected)
{
    uint8_t data[1024];

    assert_int_equal(got->len, hex(expected, data, sizeof(data)));
    assert_memory_equal(got->data, data, got->len);
}

static void assert_export(const struct kp_conn *c, const struct handshake *h)
{
    uint8_t expected[32];
    uint8_t out[32];

    hex(h->exported, expected, sizeof(expected));
    assert_int_equal(kp_conn_export(c, LABEL, strlen(LABEL), NULL, 0, out, sizeof(out)), 0);
    assert_memory_equal(out, expected, sizeof(out));
}

/* ---- As a server --------------------------------------------------------------------------- */

static void open_server(struct kp_context **context, struct script *script)
{
    const struct kp_settings settings = {.role = KP_SERVER,
                                         .device_id = (const uint8_t *)DEVICE,
                                         .device_id_len = strlen(DEVICE),
                                         .random = draw,
                                         .random_arg = script};

    must(kp_context_new(context, &settings) == 0);
}

/* What the server's two messages are, sealed one by one under the model's keys. */
static void seal_flight(const struct kp_crypto *crypto, const struct handshake *h,
                        struct bytes out[2])
{
    const char *const messages[] = {h->encrypted_extensions, h->server_finished};
    struct kp_protect seal;
    struct kp_keys13 keys;

    hex(h->server_key, keys.key, sizeof(keys.key));
    hex(h->server_iv, keys.iv, sizeof(keys.iv));
    kp_protect_none(&seal);
    kp_protect_aead(&seal, crypto, h->aead, &keys, true);
    for (int i = 0; i < 2; i++) {
        uint8_t message[100];
        uint8_t record[200];
        size_t len = hex(messages[i], message, sizeof(message));
        must(seal.ops->seal(&seal, KP_HANDSHAKE, KP_TLS12, message, len, record) == 0);
        bytes_add(&out[i], record, KP_HEADER_LEN + seal.ops->sealed_len(&seal, len));
    }
    kp_protect_clear(&seal);
}

static void server_flight(struct kp_conn *c, const struct kp_crypto *crypto,
                          const struct handshake *h)
{
    struct bytes expected[2] = {{0}};
    struct bytes record = {0};
    uint8_t hello[1024];

    take(c, &record);
    assert_int_equal(record.data[0], KP_HANDSHAKE);
    size_t len = hex(h->server_hello, hello, sizeof(hello));
    assert_int_equal(record.len - KP_HEADER_LEN, len);
    assert_memory_equal(record.data + KP_HEADER_LEN, hello, len);
    /* No session id, no ChangeCipherSpec. */
    seal_flight(crypto, h, expected);
    for (int i = 0; i < 2; i++) {
        take(c, &record);
        assert_int_equal(record.len, expected[i].len);
        assert_memory_equal(record.data, expected[i].data, record.len);
        bytes_free(&expected[i]);
    }
    bytes_free(&record);
    assert_int_equal(kp_conn_state(c), KP_HANDSHAKING | KP_WIRE_IN);
}

static void run_server(const struct handshake *h)
{
    /* The cookie key comes first, then the hello's random, then y. */
    struct script script = {.draws = {NULL, SERVER_RANDOM, Y}};
    struct kp_spake2plus_verifier *verifier;
    struct kp_credential credential = {.salt_len = 16};
    struct kp_context *context;
    struct kp_crypto *crypto;
    struct kp_conn *c;
    uint8_t w0[KP_SCALAR_LEN];
    uint8_t l[KP_POINT_LEN];
    size_t len;

    must(kp_crypto_new(&crypto, NULL, NULL) == 0);
    must(hex(W0, w0, sizeof(w0)) == sizeof(w0) && hex(L, l, sizeof(l)) == sizeof(l));
    must(kp_spake2plus_verifier_new(&verifier, crypto, w0, l) == 0);
    credential.spake2plus = verifier;
    open_server(&context, &script);
    must(kp_conn_new(&c, context, START) == 0);
    feed_message(c, 0x0301, h->client_hello);
    assert_int_equal(kp_conn_state(c), KP_HANDSHAKING | KP_NEED_CREDENTIAL);
    const char *user = kp_conn_user(c, &len);
    assert_int_equal(len, strlen(USER));
    assert_memory_equal(user, USER, len);
    assert_int_equal(kp_conn_credential(c, &credential), 0);
    server_flight(c, crypto, h);
    feed_hex(c, h->client_record);
    assert_int_equal(kp_conn_state(c), KP_PROVED | KP_WIRE_IN | KP_APP_IN);
    feed_hex(c, h->data_record);
    const uint8_t *said = kp_app_out(c, &len);
    assert_int_equal(len, 5);
    assert_memory_equal(said, "ping\n", 5);
    assert_export(c, h);
    kp_conn_free(c);
    kp_context_free(context);
    kp_spake2plus_verifier_free(verifier);
    kp_crypto_free(crypto);
}

static void test_server(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(handshakes); i++)
        run_server(&handshakes[i]);
}

/* ---- As a client --------------------------------------------------------------------------- */

/* Its random, and the whole of its pake extension. */
static void compare_hello(struct kp_conn *c, const struct handshake *h)
{
    uint8_t expected[1024];
    struct kp_client_hello theirs;
    struct kp_client_hello ours;
    struct bytes record = {0};
    struct kp_reader r;

    take(c, &record);
    kp_reader_init(&r, record.data + KP_HEADER_LEN + 4, record.len - KP_HEADER_LEN - 4);
    must(kp_client_hello_parse(&r, &ours) == 0);
    size_t len = hex(h->client_hello, expected, sizeof(expected));
    kp_reader_init(&r, expected + 4, len - 4);
    must(kp_client_hello_parse(&r, &theirs) == 0);
    assert_memory_equal(ours.random.data, theirs.random.data, KP_RANDOM_LEN);
    assert_int_equal(ours.ext.raw_pake.len, theirs.ext.raw_pake.len);
    assert_memory_equal(ours.ext.raw_pake.data, theirs.ext.raw_pake.data, theirs.ext.raw_pake.len);
    assert_int_equal(ours.ext.present, KP_EXT_VERSIONS | KP_EXT_PAKE);
    bytes_free(&record);
}

/* As if it had said this. */
static void put_hello(struct kp_conn *c, const char *message)
{
    struct kp_transcript *t = &c->handshake->transcript;
    uint8_t data[1024];

    kp_transcript_clear(t);
    must(kp_transcript_add(t, data, hex(message, data, sizeof(data))) == 0);
    c->handshake->session_id_len = 0;
}

static void run_client(const struct handshake *h, const struct kp_login *login,
                       struct kp_context *context, struct script *script)
{
    struct bytes record = {0};
    struct kp_conn *c;
    size_t used;

    script->calls = 0;
    must(kp_conn_new(&c, context, START) == 0);
    must(kp_conn_connect(c, login, NULL, NULL) == 0);
    compare_hello(c, h);
    put_hello(c, h->client_hello);
    feed_message(c, KP_TLS12, h->server_hello);
    take(c, &record);
    assert_bytes(&record, "140303000101");
    assert_int_equal(kp_conn_state(c), KP_HANDSHAKING | KP_WIRE_IN);
    feed_hex(c, h->server_record);
    take(c, &record);
    assert_bytes(&record, h->client_record);
    assert_int_equal(kp_conn_state(c), KP_PROVED | KP_WIRE_IN | KP_APP_IN);
    must(kp_app_in(c, (const uint8_t *)"ping\n", 5, &used) == 0 && used == 5);
    take(c, &record);
    assert_bytes(&record, h->data_record);
    assert_export(c, h);
    bytes_free(&record);
    kp_conn_free(c);
}

static void test_client(void **state)
{
    /* x, a blind for its multiplication, then the hello's random. */
    struct script script = {.draws = {X, NULL, CLIENT_RANDOM}};
    const struct kp_settings settings = {.role = KP_CLIENT,
                                         .versions = KP_USE_TLS13,
                                         .pake = KP_PAKE_BORINGSSL,
                                         .random = draw,
                                         .random_arg = &script};
    const uint8_t *password = (const uint8_t *)PASSWORD;
    struct kp_context *context;
    struct kp_login *login;

    (void)state;
    must(kp_context_new(&context, &settings) == 0);
    must(kp_login_new(&login, context, USER, strlen(USER), password, strlen(PASSWORD)) == 0);
    must(kp_login_device(login, password, strlen(PASSWORD), (const uint8_t *)DEVICE,
                         strlen(DEVICE)) == 0);
    for (size_t i = 0; i < COUNT(handshakes); i++)
        run_client(&handshakes[i], login, context, &script);
    kp_login_free(login);
    kp_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server),
        cmocka_unit_test(test_client),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
