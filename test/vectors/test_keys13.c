/*
 * Proves: the key schedule of TLS 1.3 gives the numbers of RFC 8448 3 (simple 1-RTT handshake:
 * every secret, key and Finished, and records sealed with them) and 4 (the PSK's binder), and those
 * of two whole handshakes authenticated by SPAKE2+, one with SHA-256 and one with SHA-384, which an
 * independent model made: secrets, both Finished, an export, and the records as they went over the
 * wire.
 */
#include "cm.h"

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

static const struct handshake {
    enum kp_hash_id hash;
    enum kp_aead_id aead;
    const char *client_hello, *server_hello, *encrypted_extensions, *server_finished,
        *client_finished, *hash_hellos, *early_secret, *handshake_secret, *client_handshake,
        *server_handshake, *server_key, *server_iv, *client_key, *client_iv, *master_secret,
        *client_traffic, *server_traffic, *exporter, *server_record, *client_record, *data_record,
        *exported;
} handshakes[] = {
    {
        .hash = KP_HASH_SHA256,
        .aead = KP_AEAD_AES_128_GCM,
        .client_hello =
            "010000940303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00000213"
            "0101000069002b00030203048a3b005e000561646d696e000e6465766963652e6578616d706c6500457d"
            "960041041e00da4b487608fddc657b7847bd2316ae295c3a88e9c62f3fd2a484835ecc85d2d1ce9cd0b2"
            "54f6faf52dd5a5856a514d3d4b33559995f1d67856d120da7e9d",
        .server_hello =
            "020000970303202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f00130100"
            "006f8a3b00657d96006104f846f886121faf59a6630225283056b99f82b793e1c21ca83468dd434a109e"
            "d8462b2eb2279df2d1462e342095a56ff89de9045349b799769ce4f6e082eea5b14168577c51a2fa0558"
            "716e034d1c6544f2e7d3c2e4d23d5903bc41ecbd5f2596002b00020304",
        .encrypted_extensions = "080000020000",
        .server_finished =
            "14000020411d411f30a0445994c54860f10c91aeea4983b41996c913dc20ae13bfad7ba2",
        .client_finished =
            "14000020fdc0e9743922b21bd484cd3badfd1f305ab56db19d99f223b9ff899559743a3a",
        .hash_hellos = "2bf2f86c5c6caaea018cd07b0f48f1423b33961d140a765a5e179001f7344650",
        .early_secret = "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a",
        .handshake_secret = "4ab25c912fa02f64930c0322b69953ef7e7396ba36bca32e10c637d93a425bd2",
        .client_handshake = "c9c2a196e11836cf95b4c6249c0174d93f27780d2c855bc8b13c5865932c879e",
        .server_handshake = "1112218b24edb24499a6fafc4e9267e141434d2f666ffb8b303d4d63925a090b",
        .server_key = "7ec1c0a6713c76c38960e2b59e817507",
        .server_iv = "f0783634ac78d4bd53e7beb1",
        .client_key = "a68bea8ee224bcd79f435681e8cee9ff",
        .client_iv = "13a43ed43ec6a75c49a8085f",
        .master_secret = "94215a55c7480d996a34eaeec8794f4dd09dadaafeb35b7945b002919062c435",
        .client_traffic = "7edf025de8b8402628749ed49aa47c4ae9e72155b6c4109d61c789d2a8a32ea0",
        .server_traffic = "b49945444b591028c81780de1a23f47785a35a4fd2fe9f500f35dc943e7d5833",
        .exporter = "f83ec21a598e7ae63f336b18b11b8495f06ef0387a074780afe2566f0b489ad9",
        .server_record =
            "170303003b0ffdb3f79e2145299d23c2c88055ec8d3aad59a5aae799757c3b6217cf226e5e80411fd40c"
            "3aab87dbe573a839da94aee8669bcc9db96595ede570",
        .client_record =
            "1703030035d520a300c62947dfc153c9989b5bbea102bdc1b4170d2c42ab5ef3cc5f2c6a536e308c80cc"
            "f618b8e138e0d791280a240ef27ab2b4",
        .data_record = "1703030016e3e73195673055bde22f264a70c908376ad34425e8d0",
        .exported = "3ad88c2efe0c0bfdfcd8a731de422ea3994f80eb3a8c6f9b443e2337ff8817d1",
    },
    {
        .hash = KP_HASH_SHA384,
        .aead = KP_AEAD_AES_256_GCM,
        .client_hello =
            "010000940303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00000213"
            "0201000069002b00030203048a3b005e000561646d696e000e6465766963652e6578616d706c6500457d"
            "960041041e00da4b487608fddc657b7847bd2316ae295c3a88e9c62f3fd2a484835ecc85d2d1ce9cd0b2"
            "54f6faf52dd5a5856a514d3d4b33559995f1d67856d120da7e9d",
        .server_hello =
            "020000970303202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f00130200"
            "006f8a3b00657d96006104f846f886121faf59a6630225283056b99f82b793e1c21ca83468dd434a109e"
            "d8462b2eb2279df2d1462e342095a56ff89de9045349b799769ce4f6e082eea5b14168577c51a2fa0558"
            "716e034d1c6544f2e7d3c2e4d23d5903bc41ecbd5f2596002b00020304",
        .encrypted_extensions = "080000020000",
        .server_finished =
            "14000030e0577678b95fcec26dbc7917ee74599eeb0768bf0ff632f2e9a91222ee8f4957bc3c172cf215"
            "1d8cdcec911202b9e820",
        .client_finished =
            "14000030bae6bc64f9d41b2073581bcab1b5b5af53de0c210a8948c0b1e74abbd79d45f1dc7f453050aa"
            "2d1d74d4b869ff8754df",
        .hash_hellos =
            "313858596df7e6e3bcc97916e31fa4c229b9f182757aca5f5f4cd0d17ec7865097eaf66eddeeee78c2bf"
            "ef83a5eec847",
        .early_secret =
            "7ee8206f5570023e6dc7519eb1073bc4e791ad37b5c382aa10ba18e2357e716971f9362f2c2fe2a76bfd"
            "78dfec4ea9b5",
        .handshake_secret =
            "61c9d741dc38e42b77639c8838f853d663afa6b325dd2a252d15ef523d5be079b0deafab0a64d49f2d47"
            "dd26dd8bde0f",
        .client_handshake =
            "bf9e49513ddc0dd12364687f612f191b53ca9e411e447b78cace132a4fd3e4f9303038dc8ba47aae2371"
            "bca78ae225a4",
        .server_handshake =
            "5dbcc364c2af052c81a03c1710b936b1e2264140fef50c9e68ca2d324461f5361028e69d83752d40c5d5"
            "f5bd77706fef",
        .server_key = "4adc1425b02d4c9eeb9b5bd1ed75def348c6d13dc06a012962872203cf8c8193",
        .server_iv = "593c379698b074a6f11f1603",
        .client_key = "ab723ac6f9140c0904a9409f9842ad2ffbad04541020f0b0221e917055d02328",
        .client_iv = "125d57381c547aae79621271",
        .master_secret =
            "e09ec0e062ad88ff645e65c7f8a3424a518bba79bb8012904d9019abdb947fa676455b970795542eb66c"
            "04a2f161aebd",
        .client_traffic =
            "18a2edcb1c68e0acf617a2da3b69e4147c2c4c160d807de3d5ca1f09064fa7fb996efc26248c111b623b"
            "069ede75e6bc",
        .server_traffic =
            "d27aaa4bc2180d30e55ac6f4afb93fe2e0371546f92ff29bd99fc392af672bcdf86d1f4932574841f971"
            "8df15a4b896b",
        .exporter =
            "341ff63712a4657075e14108bc426edfa0ae51fc7290e1e1e3a8951784aa57e66d806dacc1bfb3496a90"
            "39a556c3c91e",
        .server_record =
            "170303004b7aa867f6e46ea90a51e15fc9af112762b64bb413c5a7d21f02e28409ab44eda9567e71be72"
            "6a836563e31ed0a9da064aab0dadb5f0b599c9f89427213bf9da49c15e311fa3df1c0d4598fc",
        .client_record =
            "170303004548411f777e4c527ba61cffb7c778398d22c746f50a266b7da3563889a77155e7994671fc62"
            "de2e275a77784e6b1448c6d3f3013b255833698250c2423a28b34bacb7e9d1f4",
        .data_record = "17030300165a52298b81b7013cb4368258834dc297d4ba94c996bb",
        .exported = "73237caeb7ced5c61e8aac4246ea29bc4e85e54c5ae5691b9dc70987ff52a204",
    },
};

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
