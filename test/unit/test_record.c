/*
 * Proves: the record layer cuts, finds and bounds records as RFC 5246 6.2 says; buffers are given
 * back when nothing is in them, and wiped where they held secrets; CBC with encrypt-then-MAC opens
 * what it sealed and nothing else, whatever the padding is, with one error for all.
 */
#include "cm.h"

#include "record/record.h"
#include "seeded.h"

#include <stdlib.h>
#include <string.h>

static struct kp_crypto *crypto;
static struct seeded source;

static int open_crypto(void **state)
{
    (void)state;
    seeded_start(&source, 1);
    return kp_crypto_new(&crypto, seeded_random, &source);
}

static int close_crypto(void **state)
{
    (void)state;
    kp_crypto_free(crypto);
    return 0;
}

/* ---- Buffers ------------------------------------------------------------------------------- */

static void put(struct kp_buffer *b, const void *data, size_t len)
{
    size_t room;

    assert_int_equal(kp_buffer_reserve(b, len, 100), 0);
    uint8_t *tail = kp_buffer_tail(b, &room);
    assert_true(room >= len);
    memcpy(tail, data, len);
    kp_buffer_added(b, len);
}

static void test_buffer(void **state)
{
    struct kp_buffer b = {0};

    (void)state;
    assert_int_equal(kp_buffer_used(&b), 0);
    put(&b, "hello", 5);
    assert_int_equal(b.capacity, 100);
    kp_buffer_taken(&b, 2);
    assert_int_equal(kp_buffer_used(&b), 3);
    assert_memory_equal(kp_buffer_data(&b), "llo", 3);
    kp_buffer_rest(&b, true);
    assert_non_null(b.data);
    /* Moved to the front, then grown. */
    uint8_t more[97];
    memset(more, 'x', sizeof(more));
    put(&b, more, sizeof(more));
    assert_int_equal(b.capacity, 100);
    assert_memory_equal(kp_buffer_data(&b), "llox", 4);
    put(&b, more, sizeof(more));
    assert_int_equal(kp_buffer_used(&b), 3 + 2 * 97);
    assert_memory_equal(kp_buffer_data(&b), "llox", 4);
    kp_buffer_taken(&b, 197);
    kp_buffer_rest(&b, true);
    assert_null(b.data);
    assert_int_equal(b.capacity, 0);
    assert_true(kp_buffer_reserve(&b, (1u << 24) + 1, 0) < 0);
    kp_buffer_free(&b, true);
}

/* What stood behind the bytes that were moved to the front is wiped too. */
static void test_buffer_leaves_nothing(void **state)
{
    static const uint8_t zeros[100];
    struct kp_buffer b = {0};

    (void)state;
    uint8_t secret[90];
    memset(secret, 'S', sizeof(secret));
    put(&b, secret, 90);
    kp_buffer_taken(&b, 85);
    put(&b, "0123456789012345678901234567890123456789", 40);
    kp_buffer_taken(&b, 45);
    size_t capacity = b.capacity;
    uint8_t *data = b.data;
    assert_int_equal(b.end, 45);
    assert_memory_equal(data + 45, zeros, capacity - 45 < 45 ? capacity - 45 : 45);
    kp_buffer_free(&b, true);
}

/* ---- Layers -------------------------------------------------------------------------------- */

static void feed(struct kp_record_layer *l, const void *data, size_t len)
{
    size_t room;

    assert_int_equal(kp_buffer_reserve(&l->in, len, KP_RECORD_WIRE_MAX), 0);
    memcpy(kp_buffer_tail(&l->in, &room), data, len);
    kp_buffer_added(&l->in, len);
}

static int header(uint16_t settled, uint8_t type, uint16_t version, uint16_t len)
{
    const uint8_t bytes[] = {type, (uint8_t)(version >> 8), (uint8_t)version, (uint8_t)(len >> 8),
                             (uint8_t)len};
    struct kp_record_layer l;
    struct kp_record r;

    kp_record_init(&l, KP_RECORD_WIRE_MAX);
    l.version = settled;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        assert_int_equal(kp_record_next(&l, &r), 0);
        feed(&l, bytes + i, 1);
    }
    int result = kp_record_next(&l, &r);
    kp_record_clear(&l);
    return result;
}

static void test_headers(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        int expected = type >= 20 && type <= 23 ? 0 : KP_E_UNEXPECTED;
        assert_int_equal(header(0x0303, (uint8_t)type, 0x0303, 1), expected);
    }
    for (unsigned minor = 0; minor < 256; minor++) {
        uint16_t version = (uint16_t)(0x0300 + minor);
        assert_int_equal(header(0, KP_HANDSHAKE, version, 1), 0);
        assert_int_equal(header(0x0303, KP_HANDSHAKE, version, 1), minor == 3 ? 0 : KP_E_VERSION);
        uint16_t other = (uint16_t)(minor << 8 | 3);
        assert_int_equal(header(0, KP_HANDSHAKE, other, 1), minor == 3 ? 0 : KP_E_VERSION);
    }
    assert_int_equal(header(0x0303, KP_APPLICATION, 0x0303, 16384 + 2048), 0);
    assert_int_equal(header(0x0303, KP_APPLICATION, 0x0303, 16384 + 2049), KP_E_OVERFLOW);
    assert_int_equal(header(0x0303, KP_APPLICATION, 0x0303, 65535), KP_E_OVERFLOW);
    assert_int_equal(header(0x0303, KP_APPLICATION, 0x0303, 0), 1);
}

/* Plaintext of 2^14 and one more. */
static void test_plain_limit(void **state)
{
    static uint8_t data[KP_RECORD_MAX + 1];

    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        uint8_t head[KP_HEADER_LEN];
        struct kp_record_layer l;
        struct kp_record r;
        const uint8_t *at;
        size_t len;
        uint8_t type;
        kp_record_init(&l, KP_RECORD_WIRE_MAX);
        kp_record_header_put(head, KP_HANDSHAKE, 0x0303, KP_RECORD_MAX + over);
        feed(&l, head, sizeof(head));
        feed(&l, data, KP_RECORD_MAX + over);
        assert_int_equal(kp_record_next(&l, &r), 1);
        assert_int_equal(kp_record_open(&l, &r, NULL, &at, &len, &type), over ? KP_E_OVERFLOW : 0);
        kp_record_clear(&l);
    }
}

/* Whatever is written is cut into records of at most the limit, and comes back whole. */
static void test_cutting(void **state)
{
    static const uint16_t limits[] = {64, 65, 512, 1000, KP_RECORD_MAX};
    static uint8_t data[40000];

    (void)state;
    seeded_random(&source, data, sizeof(data));
    for (size_t i = 0; i < COUNT(limits); i++) {
        struct kp_record_layer l;
        size_t heard = 0;
        size_t records = 0;
        kp_record_init(&l, KP_RECORD_WIRE_MAX);
        l.version = 0x0303;
        l.send_limit = limits[i];
        assert_int_equal(kp_record_write(&l, KP_APPLICATION, data, sizeof(data)), 0);
        assert_int_equal(kp_record_room(&l), 0);
        feed(&l, kp_buffer_data(&l.out), kp_buffer_used(&l.out));
        struct kp_record r;
        while (kp_record_next(&l, &r) == 1) {
            const uint8_t *at;
            size_t len;
            uint8_t type;
            assert_int_equal(kp_record_open(&l, &r, NULL, &at, &len, &type), 0);
            assert_int_equal(type, KP_APPLICATION);
            assert_int_equal(len,
                             sizeof(data) - heard < limits[i] ? sizeof(data) - heard : limits[i]);
            assert_memory_equal(at, data + heard, len);
            heard += len;
            records++;
        }
        assert_int_equal(heard, sizeof(data));
        assert_int_equal(records, (sizeof(data) + limits[i] - 1) / limits[i]);
        kp_buffer_taken(&l.out, kp_buffer_used(&l.out));
        kp_record_rest(&l);
        assert_null(l.in.data);
        assert_null(l.out.data);
        kp_record_clear(&l);
    }
}

/* ---- CBC with encrypt-then-MAC
 * ----------------------------------------------------------------------- */

/* Both directions of one key. */
struct tunnel {
    struct kp_protect seal;
    struct kp_protect open;
    struct kp_keys12 keys;
    size_t key_len;
};

static void open_tunnel(struct tunnel *t, size_t key_len)
{
    memset(t, 0, sizeof(*t));
    seeded_random(&source, (uint8_t *)&t->keys, sizeof(t->keys));
    t->key_len = key_len;
    kp_protect_none(&t->seal);
    kp_protect_none(&t->open);
    kp_protect_cbc(&t->seal, crypto, &t->keys, key_len, true);
    kp_protect_cbc(&t->open, crypto, &t->keys, key_len, false);
}

static void close_tunnel(struct tunnel *t)
{
    kp_protect_clear(&t->seal);
    kp_protect_clear(&t->open);
}

static int open_record(struct tunnel *t, const uint8_t *record, size_t len, uint8_t *out,
                       size_t *out_len)
{
    uint8_t type = 0;
    int err = t->open.ops->open(&t->open, record, record + KP_HEADER_LEN, len - KP_HEADER_LEN, out,
                                out_len, &type);

    if (err == 0)
        assert_int_equal(type, record[0]);
    else
        assert_int_equal(err, KP_E_RECORD_MAC);
    return err;
}

#define SEALED_MAX (KP_HEADER_LEN + 16 + 400 + 20)

static size_t seal(struct tunnel *t, const uint8_t *data, size_t len, uint8_t *record)
{
    assert_int_equal(t->seal.ops->seal(&t->seal, KP_APPLICATION, 0x0303, data, len, record), 0);
    size_t sealed = t->seal.ops->sealed_len(&t->seal, len);
    assert_int_equal(record[3] << 8 | record[4], sealed);
    assert_int_equal(sealed, 16 + (len / 16 + 1) * 16 + 20);
    return KP_HEADER_LEN + sealed;
}

static void test_round_trip(void **state)
{
    static const size_t key_lens[] = {16, 32};
    uint8_t data[300], record[SEALED_MAX], out[SEALED_MAX];

    (void)state;
    seeded_random(&source, data, sizeof(data));
    for (size_t i = 0; i < COUNT(key_lens); i++) {
        struct tunnel t;
        open_tunnel(&t, key_lens[i]);
        for (size_t len = 0; len <= sizeof(data); len++) {
            size_t n = seal(&t, data, len, record);
            size_t got;
            assert_int_equal(open_record(&t, record, n, out, &got), 0);
            assert_int_equal(got, len);
            assert_memory_equal(out, data, len);
            /* Where it stands. */
            n = seal(&t, data, len, record);
            assert_int_equal(open_record(&t, record, n, record + KP_HEADER_LEN, &got), 0);
            assert_int_equal(got, len);
            assert_memory_equal(record + KP_HEADER_LEN, data, len);
            if (len % 7 == 0) {
                t.seal.ops->rest(&t.seal);
                t.open.ops->rest(&t.open);
                assert_null(t.seal.cbc);
                assert_null(t.open.mac);
            }
        }
        assert_int_equal(t.seal.sequence, 2 * 301);
        assert_int_equal(t.open.sequence, 2 * 301);
        close_tunnel(&t);
        assert_int_equal(t.seal.key_len, 0);
    }
}

/* Type, content, IV, MAC: each byte of what is covered, each bit. */
static void test_flips(void **state)
{
    uint8_t data[40], record[SEALED_MAX], out[SEALED_MAX];
    struct tunnel t;
    size_t got;

    (void)state;
    memset(data, 'd', sizeof(data));
    open_tunnel(&t, 32);
    size_t n = seal(&t, data, sizeof(data), record);
    for (size_t at = 0; at < n; at++) {
        if (at >= 1 && at < KP_HEADER_LEN)
            continue; /* version and length are the record layer's to judge */
        for (unsigned bit = 0; bit < 8; bit++) {
            record[at] ^= (uint8_t)(1u << bit);
            assert_int_equal(open_record(&t, record, n, out, &got), KP_E_RECORD_MAC);
            record[at] ^= (uint8_t)(1u << bit);
        }
    }
    /* Cut at each length, and one block more. */
    for (size_t len = KP_HEADER_LEN; len < n; len++)
        assert_int_equal(open_record(&t, record, len, out, &got), KP_E_RECORD_MAC);
    assert_int_equal(open_record(&t, record, n + 16, out, &got), KP_E_RECORD_MAC);
    assert_int_equal(t.open.sequence, 0);
    assert_int_equal(open_record(&t, record, n, out, &got), 0);
    /* Again: the sequence number went on. */
    assert_int_equal(open_record(&t, record, n, out, &got), KP_E_RECORD_MAC);
    close_tunnel(&t);
}

/* A record of any plaintext blocks (padding included) with a MAC that is right: what only a peer
 * with the keys can make. */
static size_t forge(struct tunnel *t, const uint8_t *blocks, size_t len, uint8_t *record)
{
    uint8_t *iv = record + KP_HEADER_LEN;
    uint8_t head[13] = {0};
    struct kp_cbc *cbc;

    memset(iv, 0x31, 16);
    kp_record_header_put(record, KP_APPLICATION, 0x0303, 16 + len + 20);
    assert_int_equal(kp_cbc_new(&cbc, crypto, (struct kp_span){t->keys.key, t->key_len}, true), 0);
    assert_int_equal(kp_cbc_start(cbc, iv), 0);
    assert_int_equal(kp_cbc_run(cbc, blocks, len, iv + 16), 0);
    kp_cbc_free(cbc);
    head[6] = (uint8_t)(t->open.sequence >> 8);
    head[7] = (uint8_t)t->open.sequence;
    head[8] = KP_APPLICATION;
    head[9] = head[10] = 3;
    head[11] = (uint8_t)((16 + len) >> 8);
    head[12] = (uint8_t)(16 + len);
    const struct kp_span parts[] = {{head, sizeof(head)}, {iv, 16 + len}};
    assert_int_equal(
        kp_hmac(crypto, KP_HASH_SHA1, (struct kp_span){t->keys.mac, 20}, parts, 2, iv + 16 + len),
        0);
    return KP_HEADER_LEN + 16 + len + 20;
}

/* RFC 5246 6.2.3.2: up to 255 bytes of padding, each of which says how many. */
static void test_padding(void **state)
{
    uint8_t blocks[272], record[SEALED_MAX], out[SEALED_MAX];
    struct tunnel t;
    size_t got;

    (void)state;
    open_tunnel(&t, 32);
    for (size_t len = 16; len <= sizeof(blocks); len += 16) {
        for (unsigned padding = 0; padding < 256; padding++) {
            bool fits = padding + 1 <= len;
            memset(blocks, 'c', len);
            for (size_t i = 0; i <= padding && i < len; i++)
                blocks[len - 1 - i] = (uint8_t)padding;
            size_t n = forge(&t, blocks, len, record);
            assert_int_equal(open_record(&t, record, n, out, &got), fits ? 0 : KP_E_RECORD_MAC);
            if (fits)
                assert_int_equal(got, len - padding - 1);
            if (!fits || padding == 0 || padding == 'c')
                continue;
            /* One byte of it wrong: the first, one inside, the last before the length. */
            size_t places[] = {len - 1 - padding, len - 1 - padding / 2, len - 2};
            for (size_t i = 0; i < COUNT(places); i++) {
                if (places[i] == len - 1)
                    continue;
                blocks[places[i]] ^= 0x40;
                n = forge(&t, blocks, len, record);
                assert_int_equal(open_record(&t, record, n, out, &got), KP_E_RECORD_MAC);
                blocks[places[i]] ^= 0x40;
            }
        }
    }
    close_tunnel(&t);
}

/* No block at all, with a MAC that is right. */
static void test_no_block(void **state)
{
    uint8_t record[SEALED_MAX], out[SEALED_MAX];
    uint8_t block[16] = {0};
    struct tunnel t;
    size_t got;

    (void)state;
    open_tunnel(&t, 16);
    size_t n = forge(&t, block, 0, record);
    assert_int_equal(open_record(&t, record, n, out, &got), KP_E_RECORD_MAC);
    close_tunnel(&t);
}

/* Every record has an IV of its own. */
static void test_fresh_iv(void **state)
{
    uint8_t first[SEALED_MAX], second[SEALED_MAX];
    struct tunnel t;

    (void)state;
    open_tunnel(&t, 32);
    seal(&t, (const uint8_t *)"same", 4, first);
    seal(&t, (const uint8_t *)"same", 4, second);
    assert_memory_not_equal(first + KP_HEADER_LEN, second + KP_HEADER_LEN, 16);
    close_tunnel(&t);
}

/* The sequence number never comes round: RFC 5246 6.1. */
static void test_sequence_end(void **state)
{
    uint8_t record[SEALED_MAX];
    struct tunnel t;

    (void)state;
    open_tunnel(&t, 32);
    t.seal.sequence = UINT64_MAX - 1;
    assert_int_equal(
        t.seal.ops->seal(&t.seal, KP_APPLICATION, 0x0303, (const uint8_t *)"x", 1, record), 0);
    assert_true(t.seal.ops->seal(&t.seal, KP_APPLICATION, 0x0303, (const uint8_t *)"x", 1, record) <
                0);
    close_tunnel(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer),       cmocka_unit_test(test_buffer_leaves_nothing),
        cmocka_unit_test(test_headers),      cmocka_unit_test(test_plain_limit),
        cmocka_unit_test(test_cutting),      cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_flips),        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_no_block),     cmocka_unit_test(test_fresh_iv),
        cmocka_unit_test(test_sequence_end),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
