/*
 * Proves: the key schedule of TLS 1.3 gives the numbers of RFC 8448 3 (simple 1-RTT handshake:
 * every secret, key and Finished, and records sealed with them) and 4 (the PSK's binder), and those
 * of two whole handshakes authenticated by SPAKE2+, one with SHA-256 and one with SHA-384, which an
 * independent model made: secrets, both Finished, an export, and the records as they went over the
 * wire.
 */
#include "cm.h"

#include "handshakes13.h"
#include "hex.h"
#include "key/keys13.h"
#include "record/protect.h"

#include <string.h>

#define BYTES_MAX 512

static struct kp_crypto *crypto;

static int open_crypto(void **state)
{
    (void)state;
    return kp_crypto_new(&crypto, NULL, NULL);
}

static int close_crypto(void **state)
{
    (void)state;
    kp_crypto_free(crypto);
    return 0;
}

static void assert_hex(const uint8_t *got, size_t len, const char *expected)
{
    uint8_t bytes[BYTES_MAX];

    assert_int_equal(hex(expected, bytes, sizeof(bytes)), len);
    assert_memory_equal(got, bytes, len);
}

static struct kp_span text(const char *s)
{
    return (struct kp_span){(const uint8_t *)s, strlen(s)};
}

/* A secret that the schedule derives now. */
static void derive(const struct kp_schedule13 *s, const char *label, const uint8_t *transcript,
                   const char *expected, uint8_t *out)
{
    assert_int_equal(kp_schedule13_derive(s, label, transcript, out), 0);
    assert_hex(out, kp_mac_len(s->mac), expected);
}

static void finished(const struct kp_schedule13 *s, const uint8_t *secret,
                     const uint8_t *transcript, const char *expected)
{
    uint8_t out[KP_HASH_MAX];

    assert_int_equal(kp_finished13(s->mac, secret, transcript, out), 0);
    assert_hex(out, kp_mac_len(s->mac), expected);
}

/* One direction's protection; key and iv may be NULL: not published. */
static void protect(const struct kp_schedule13 *s, const uint8_t *secret, enum kp_aead_id aead,
                    const char *key, const char *iv, struct kp_protect *seal,
                    struct kp_protect *open)
{
    struct kp_keys13 keys;

    assert_int_equal(kp_traffic_keys13(s->mac, secret, kp_aead_key_len(aead), &keys), 0);
    if (key != NULL)
        assert_hex(keys.key, kp_aead_key_len(aead), key);
    if (iv != NULL)
        assert_hex(keys.iv, sizeof(keys.iv), iv);
    kp_protect_none(seal);
    kp_protect_none(open);
    kp_protect_aead(seal, crypto, aead, &keys, true);
    kp_protect_aead(open, crypto, aead, &keys, false);
}

/* Sealed it is these bytes; opened they are it. */
static void record(struct kp_protect *seal, struct kp_protect *open, uint8_t type,
                   const uint8_t *data, size_t len, const char *expected)
{
    uint8_t bytes[BYTES_MAX], out[BYTES_MAX], got_type;
    size_t got;
    size_t whole = KP_HEADER_LEN + seal->ops->sealed_len(seal, len);

    assert_int_equal(seal->ops->seal(seal, type, 0x0303, data, len, bytes), 0);
    assert_hex(bytes, whole, expected);
    assert_int_equal(open->ops->open(open, bytes, bytes + KP_HEADER_LEN, whole - KP_HEADER_LEN, out,
                                     &got, &got_type),
                     0);
    assert_int_equal(got_type, type);
    assert_int_equal(got, len);
    assert_memory_equal(out, data, len);
}

/* ---- RFC 8448 ------------------------------------------------------------------------------ */

static struct {
    uint8_t hellos[32];      /* ClientHello, ServerHello */
    uint8_t certificate[32]; /* .. CertificateVerify */
    uint8_t server[32];      /* .. the server's Finished */
    uint8_t client[32];      /* .. the client's Finished */
} transcripts;

static void load_transcripts(void)
{
    hex("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8", transcripts.hellos, 32);
    hex("edb7725fa7a3473b031ec8ef65a2485493900138a2b91291407d7951a06110ed", transcripts.certificate,
        32);
    hex("9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13", transcripts.server, 32);
    hex("209145a96ee8e2a122ff810047cc952684658d6049e86429426db87c54ad143d", transcripts.client, 32);
}

static void rfc8448_handshake(struct kp_schedule13 *s)
{
    static const uint8_t finished_head[] = {0x14, 0, 0, 0x20};
    uint8_t client[32], server[32], message[36];
    struct kp_protect seal, open;

    derive(s, KP_LABEL13_CLIENT_HANDSHAKE, transcripts.hellos,
           "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21", client);
    derive(s, KP_LABEL13_SERVER_HANDSHAKE, transcripts.hellos,
           "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38", server);
    finished(s, server, transcripts.certificate,
             "9b9b141d906337fbd2cbdce71df4deda4ab42c309572cb7fffee5454b78f0718");
    finished(s, client, transcripts.server,
             "a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce61");
    protect(s, server, KP_AEAD_AES_128_GCM, "3fce516009c21727d0f2e4e86ee403bc",
            "5d313eb2671276ee13000b30", &seal, &open);
    kp_protect_clear(&seal);
    kp_protect_clear(&open);
    protect(s, client, KP_AEAD_AES_128_GCM, "dbfaa693d1762c5b666af5d950258d01",
            "5bd3c71b836e0b76bb73265f", &seal, &open);
    memcpy(message, finished_head, sizeof(finished_head));
    assert_int_equal(kp_finished13(s->mac, client, transcripts.server, message + 4), 0);
    record(&seal, &open, KP_HANDSHAKE, message, sizeof(message),
           "170303003575ec4dc238cce60b298044a71e219c56cc77b0517fe9b93c7a4bfc44d87f38f80338ac98fc46"
           "deb384bd1caeacab6867d726c40546");
    kp_protect_clear(&seal);
    kp_protect_clear(&open);
}

static void rfc8448_data(struct kp_schedule13 *s)
{
    uint8_t secret[32], data[50];
    struct kp_protect seal, open;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)i;
    derive(s, KP_LABEL13_CLIENT_TRAFFIC, transcripts.server,
           "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5", secret);
    protect(s, secret, KP_AEAD_AES_128_GCM, "17422dda596ed5d9acd890e3c63f5051",
            "5b78923dee08579033e523d9", &seal, &open);
    record(&seal, &open, KP_APPLICATION, data, sizeof(data),
           "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a"
           "9a20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4");
    record(&seal, &open, KP_ALERT, (const uint8_t *)"\1\0", 2,
           "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3");
    kp_protect_clear(&seal);
    kp_protect_clear(&open);
    derive(s, KP_LABEL13_SERVER_TRAFFIC, transcripts.server,
           "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643", secret);
    protect(s, secret, KP_AEAD_AES_128_GCM, "9f02283b6c9c07efc26bb9f2ac92e356",
            "cf782b88dd83549aadf1e984", &seal, &open);
    /* Its first record under these keys was a ticket. */
    seal.sequence = open.sequence = 1;
    record(&seal, &open, KP_APPLICATION, data, sizeof(data),
           "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602d"
           "cb501a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d");
    kp_protect_clear(&seal);
    kp_protect_clear(&open);
}

static void test_rfc8448(void **state)
{
    struct kp_schedule13 s = {0};
    uint8_t ecdhe[32], out[32];

    (void)state;
    load_transcripts();
    hex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d", ecdhe, sizeof(ecdhe));
    assert_int_equal(kp_schedule13_start(&s, crypto, KP_HASH_SHA256, (struct kp_span){NULL, 0}), 0);
    assert_hex(s.secret, 32, "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a");
    assert_int_equal(kp_schedule13_next(&s, (struct kp_span){ecdhe, sizeof(ecdhe)}), 0);
    assert_hex(s.secret, 32, "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac");
    rfc8448_handshake(&s);
    assert_int_equal(kp_schedule13_next(&s, (struct kp_span){NULL, 0}), 0);
    assert_hex(s.secret, 32, "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919");
    rfc8448_data(&s);
    derive(&s, KP_LABEL13_EXPORTER, transcripts.server,
           "fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50", out);
    derive(&s, KP_LABEL13_RESUMPTION, transcripts.client,
           "7df235f2031d2a051287d02b0241b0bfdaf86cc856231f2d5aba46c434ec196c", out);
    kp_schedule13_clear(&s);
    assert_null(s.mac);
    kp_schedule13_clear(&s);
}

/* The PSK of 3's ticket, and its binder in 4's ClientHello. */
static void test_rfc8448_psk(void **state)
{
    struct kp_schedule13 s = {0};
    uint8_t secret[32], psk[32], hello[32];

    (void)state;
    hex("7df235f2031d2a051287d02b0241b0bfdaf86cc856231f2d5aba46c434ec196c", secret, 32);
    hex("63224b2e4573f2d3454ca84b9d009a04f6be9e05711a8396473aefa01e924a14", hello, 32);
    assert_int_equal(kp_schedule13_start(&s, crypto, KP_HASH_SHA256, (struct kp_span){NULL, 0}), 0);
    assert_int_equal(
        kp_resumption_psk13(s.mac, secret, (struct kp_span){(const uint8_t *)"\0\0", 2}, psk), 0);
    assert_hex(psk, 32, "4ecd0eb6ec3b4d87f5d6028f922ca4c5851a277fd41311c9e62d2c9492e1c4f3");
    kp_schedule13_clear(&s);
    assert_int_equal(kp_schedule13_start(&s, crypto, KP_HASH_SHA256, (struct kp_span){psk, 32}), 0);
    assert_hex(s.secret, 32, "9b2188e9b2fc6d64d71dc329900e20bb41915000f678aa839cbb797cb7d8332c");
    derive(&s, KP_LABEL13_BINDER, NULL,
           "69fe131a3bbad5d63c64eebcc30e395b9d8107726a13d074e389dbc8a4e47256", secret);
    finished(&s, secret, hello, "3add4fb2d8fdf822a0ca3cf7678ef5e88dae990141c5924d57bb6fa31b9e5f9d");
    kp_schedule13_clear(&s);
}

/* ---- Whole handshakes ---------------------------------------------------------------------- */

/* K_shared of the run in test_spake2plus.c; client random 00 to 1f, server random 20 to 3f. */
#define SHARED "4373bdc712f4dbf6ffc3545b94f07c72d89f2069ca9d562d185032e02821a8aa"

/* Messages one after the other, as the transcript and a record have them. */
struct messages {
    uint8_t bytes[BYTES_MAX];
    size_t len;
};

static void add(struct messages *m, const char *message)
{
    m->len += hex(message, m->bytes + m->len, sizeof(m->bytes) - m->len);
}

static void transcript(enum kp_hash_id hash, const struct messages *m, uint8_t *out)
{
    const struct kp_span part = {m->bytes, m->len};

    assert_int_equal(kp_digest(crypto, hash, &part, 1, out), 0);
}

static void hellos(const struct handshake *h, struct kp_schedule13 *s, struct messages *m)
{
    uint8_t shared[32], covered[KP_HASH_MAX];

    hex(SHARED, shared, sizeof(shared));
    add(m, h->client_hello);
    add(m, h->server_hello);
    transcript(h->hash, m, covered);
    assert_hex(covered, kp_hash_len(h->hash), h->hash_hellos);
    assert_int_equal(kp_schedule13_start(s, crypto, h->hash, (struct kp_span){NULL, 0}), 0);
    assert_hex(s->secret, kp_hash_len(h->hash), h->early_secret);
    assert_int_equal(kp_schedule13_next(s, (struct kp_span){shared, sizeof(shared)}), 0);
    assert_hex(s->secret, kp_hash_len(h->hash), h->handshake_secret);
}

/* The server's Finished covers EncryptedExtensions, the client's the server's too; each flight is
 * one record. */
static void flights(const struct handshake *h, struct kp_schedule13 *s, struct messages *m)
{
    uint8_t client[KP_HASH_MAX], server[KP_HASH_MAX], covered[KP_HASH_MAX];
    struct messages flight = {{0}, 0};
    struct kp_protect seal, open;

    transcript(h->hash, m, covered);
    derive(s, KP_LABEL13_CLIENT_HANDSHAKE, covered, h->client_handshake, client);
    derive(s, KP_LABEL13_SERVER_HANDSHAKE, covered, h->server_handshake, server);
    add(m, h->encrypted_extensions);
    transcript(h->hash, m, covered);
    finished(s, server, covered, h->server_finished + 8);
    add(m, h->server_finished);
    transcript(h->hash, m, covered);
    finished(s, client, covered, h->client_finished + 8);

    add(&flight, h->encrypted_extensions);
    add(&flight, h->server_finished);
    protect(s, server, h->aead, h->server_key, h->server_iv, &seal, &open);
    record(&seal, &open, KP_HANDSHAKE, flight.bytes, flight.len, h->server_record);
    kp_protect_clear(&seal);
    kp_protect_clear(&open);
    flight.len = 0;
    add(&flight, h->client_finished);
    protect(s, client, h->aead, h->client_key, h->client_iv, &seal, &open);
    record(&seal, &open, KP_HANDSHAKE, flight.bytes, flight.len, h->client_record);
    kp_protect_clear(&seal);
    kp_protect_clear(&open);
}

static void application(const struct handshake *h, struct kp_schedule13 *s,
                        const struct messages *m)
{
    uint8_t covered[KP_HASH_MAX], secret[KP_HASH_MAX], exported[32];
    const struct kp_span label = text("EXPORTER-peers-check");
    struct kp_protect seal, open;

    transcript(h->hash, m, covered);
    assert_int_equal(kp_schedule13_next(s, (struct kp_span){NULL, 0}), 0);
    assert_hex(s->secret, kp_hash_len(h->hash), h->master_secret);
    derive(s, KP_LABEL13_SERVER_TRAFFIC, covered, h->server_traffic, secret);
    derive(s, KP_LABEL13_CLIENT_TRAFFIC, covered, h->client_traffic, secret);
    protect(s, secret, h->aead, NULL, NULL, &seal, &open);
    record(&seal, &open, KP_APPLICATION, (const uint8_t *)"ping\n", 5, h->data_record);
    kp_protect_clear(&seal);
    kp_protect_clear(&open);
    derive(s, KP_LABEL13_EXPORTER, covered, h->exporter, secret);
    assert_int_equal(kp_export13(crypto, h->hash, secret, label, (struct kp_span){NULL, 0},
                                 exported, sizeof(exported)),
                     0);
    assert_hex(exported, sizeof(exported), h->exported);
}

static void test_handshakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(handshakes); i++) {
        struct kp_schedule13 s = {0};
        struct messages m = {{0}, 0};
        hellos(&handshakes[i], &s, &m);
        flights(&handshakes[i], &s, &m);
        application(&handshakes[i], &s, &m);
        kp_schedule13_clear(&s);
    }
}

/* ---- What has no published number: made of its definition ---------------------------------- */

/* RFC 8446 7.1's HkdfLabel, written out; 32 bytes of SHA-256 are one HMAC. */
static void expand_by_hand(const uint8_t *secret, const char *label, const uint8_t *context,
                           size_t context_len, uint8_t out[static 32])
{
    const uint8_t head[] = {0, 32, (uint8_t)strlen(label)};
    const uint8_t middle[] = {(uint8_t)context_len};
    const uint8_t one[] = {1};
    const struct kp_span parts[] = {
        {head, 3}, text(label), {middle, 1}, {context, context_len}, {one, 1}};

    assert_int_equal(
        kp_hmac(crypto, KP_HASH_SHA256, (struct kp_span){secret, 32}, parts, COUNT(parts), out), 0);
}

static void test_key_update(void **state)
{
    struct kp_schedule13 s = {0};
    uint8_t secret[32], expected[32];

    (void)state;
    assert_int_equal(kp_schedule13_start(&s, crypto, KP_HASH_SHA256, (struct kp_span){NULL, 0}), 0);
    hex("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5", secret, 32);
    for (int times = 0; times < 3; times++) {
        expand_by_hand(secret, "tls13 traffic upd", NULL, 0, expected);
        assert_int_equal(kp_traffic_next13(s.mac, secret), 0);
        assert_memory_equal(secret, expected, sizeof(secret));
    }
    kp_schedule13_clear(&s);
}

static void test_export(void **state)
{
    static uint8_t big[KP_EXPORT_MAX + 1];
    uint8_t secret[32] = {7}, derived[32], hash[32], out[32], expected[32];
    const struct kp_span context = text("what both sides said");
    const struct kp_span none = {NULL, 0};

    (void)state;
    assert_int_equal(kp_digest(crypto, KP_HASH_SHA256, NULL, 0, hash), 0);
    expand_by_hand(secret, "tls13 EXPORTER-test", hash, 32, derived);
    assert_int_equal(kp_digest(crypto, KP_HASH_SHA256, &context, 1, hash), 0);
    expand_by_hand(derived, "tls13 exporter", hash, 32, expected);
    assert_int_equal(
        kp_export13(crypto, KP_HASH_SHA256, secret, text("EXPORTER-test"), context, out, 32), 0);
    assert_memory_equal(out, expected, sizeof(out));
    /* A context that is not there is an empty one. */
    assert_int_equal(
        kp_export13(crypto, KP_HASH_SHA256, secret, text("EXPORTER-test"), none, out, 32), 0);
    assert_int_equal(
        kp_export13(crypto, KP_HASH_SHA256, secret, text("EXPORTER-test"), text(""), expected, 32),
        0);
    assert_memory_equal(out, expected, sizeof(out));
    assert_int_equal(
        kp_export13(crypto, KP_HASH_SHA256, secret, text("x"), none, big, KP_EXPORT_MAX), 0);
    assert_int_equal(
        kp_export13(crypto, KP_HASH_SHA256, secret, text("x"), none, big, KP_EXPORT_MAX + 1),
        KP_E_ARGUMENT);
    assert_int_equal(kp_export13(crypto, KP_HASH_SHA256, secret, none, none, out, 32),
                     KP_E_ARGUMENT);
    assert_int_equal(
        kp_export13(crypto, KP_HASH_SHA256, secret, (struct kp_span){big, 250}, none, out, 32),
        KP_E_ARGUMENT);
}

/* K_shared || (EC)DHE, of 64 bytes, is one input of the extraction. */
static void test_long_input(void **state)
{
    struct kp_schedule13 s = {0};
    uint8_t input[64], salt[32], hash[32], expected[32];
    const struct kp_span part = {input, sizeof(input)};

    (void)state;
    memset(input, 'k', 32);
    memset(input + 32, 'e', 32);
    assert_int_equal(kp_schedule13_start(&s, crypto, KP_HASH_SHA256, (struct kp_span){NULL, 0}), 0);
    assert_int_equal(kp_digest(crypto, KP_HASH_SHA256, NULL, 0, hash), 0);
    expand_by_hand(s.secret, "tls13 derived", hash, 32, salt);
    assert_int_equal(
        kp_hmac(crypto, KP_HASH_SHA256, (struct kp_span){salt, 32}, &part, 1, expected), 0);
    assert_int_equal(kp_schedule13_next(&s, part), 0);
    assert_memory_equal(s.secret, expected, 32);
    kp_schedule13_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc8448),    cmocka_unit_test(test_rfc8448_psk),
        cmocka_unit_test(test_handshakes), cmocka_unit_test(test_key_update),
        cmocka_unit_test(test_export),     cmocka_unit_test(test_long_input),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
