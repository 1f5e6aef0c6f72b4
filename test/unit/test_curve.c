/*
 * Proves: the provider's P-256 takes no point but an uncompressed one on the curve, computes what
 * the curve's published numbers say, and refuses the point at infinity; its scalars are always in
 * 1..n-1; X25519 and secp256r1 agree as RFC 7748 6.1 and RFC 5903 8.1 say, and refuse shares of
 * small order; X25519MLKEM768, where there is one, agrees with libcrypto's own.
 */
#include "cm.h"

#include "crypto/curve.h"
#include "crypto/exchange.h"
#include "hex.h"
#include "seeded.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define G                                                                                          \
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"                           \
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define MINUS_G                                                                                    \
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"                           \
    "b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf97c840ae0a"

static struct kp_crypto *crypto;
static struct seeded source;

/* What the random source gives first; then the seeded numbers. */
static uint8_t script[512];
static size_t script_len, script_at;
static bool broken;

static int scripted(void *arg, uint8_t *out, size_t len)
{
    if (broken)
        return -1;
    if (script_at + len > script_len)
        return seeded_random(arg, out, len);
    memcpy(out, script + script_at, len);
    script_at += len;
    return 0;
}

static void give(const char *text)
{
    script_at = 0;
    script_len = hex(text, script, sizeof(script));
}

static int open_crypto(void **state)
{
    (void)state;
    seeded_start(&source, 1);
    return kp_crypto_new(&crypto, scripted, &source);
}

static int close_crypto(void **state)
{
    (void)state;
    kp_crypto_free(crypto);
    return 0;
}

static void assert_hex(const uint8_t *got, size_t len, const char *expected)
{
    uint8_t bytes[256];

    assert_int_equal(hex(expected, bytes, sizeof(bytes)), len);
    assert_memory_equal(got, bytes, len);
}

static void small(unsigned value, uint8_t out[static KP_SCALAR_LEN])
{
    memset(out, 0, KP_SCALAR_LEN);
    out[KP_SCALAR_LEN - 2] = (uint8_t)(value >> 8);
    out[KP_SCALAR_LEN - 1] = (uint8_t)value;
}

/* ---- Scalars ------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    bool valid;
} scalars[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", false},
    {"0000000000000000000000000000000000000000000000000000000000000001", true},
    {"8000000000000000000000000000000000000000000000000000000000000000", true},
    {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", true},
    {ORDER, false},
    {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552", false},
    {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fd000000", false},
    {"fffffffeffffffffffffffffffffffffffffffffffffffffffffffffffffffff", true},
    {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", false},
};

static void test_valid(void **state)
{
    uint8_t scalar[KP_SCALAR_LEN];

    (void)state;
    for (size_t i = 0; i < COUNT(scalars); i++) {
        hex(scalars[i].text, scalar, sizeof(scalar));
        assert_int_equal(kp_scalar_valid(scalar), scalars[i].valid);
    }
    for (unsigned bit = 0; bit < 256; bit++) {
        memset(scalar, 0, sizeof(scalar));
        scalar[bit / 8] = (uint8_t)(1u << bit % 8);
        assert_true(kp_scalar_valid(scalar));
    }
}

static void test_random(void **state)
{
    uint8_t scalar[KP_SCALAR_LEN], first[KP_SCALAR_LEN];

    (void)state;
    /* What is not a scalar is drawn again. */
    give(ORDER "0000000000000000000000000000000000000000000000000000000000000000"
               "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
               "00000000000000000000000000000000000000000000000000000000000004d2");
    assert_int_equal(kp_scalar_random(crypto, scalar), 0);
    assert_hex(scalar, 32, "00000000000000000000000000000000000000000000000000000000000004d2");
    assert_int_equal(kp_scalar_random(crypto, first), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(kp_scalar_random(crypto, scalar), 0);
        assert_true(kp_scalar_valid(scalar));
        assert_memory_not_equal(scalar, first, sizeof(scalar));
    }
    /* A source that always says the same doesn't hang it. */
    script_at = 0;
    script_len = sizeof(script);
    memset(script, 0xff, sizeof(script));
    assert_int_equal(kp_scalar_random(crypto, scalar), KP_E_CRYPTO);
    broken = true;
    assert_int_equal(kp_scalar_random(crypto, scalar), KP_E_CRYPTO);
    broken = false;
}

static void test_reduce(void **state)
{
    static const struct {
        const char *in;
        const char *out; /* NULL: 0 */
    } cases[] = {
        {"", NULL},
        {"00", NULL},
        {ORDER, NULL},
        {"01", "0000000000000000000000000000000000000000000000000000000000000001"},
        {"0000000000000000ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552",
         "0000000000000000000000000000000000000000000000000000000000000001"},
        {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
         "fffffffe00000001431905529c0166cd22159165b6faae70f756a571fc632550"},
    };
    uint8_t in[65] = {1}, out[KP_SCALAR_LEN];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = hex(cases[i].in, in, sizeof(in));
        int err = kp_scalar_reduce(crypto, in, len, out);
        assert_int_equal(err, cases[i].out != NULL ? 0 : KP_E_CRYPTO);
        if (err == 0)
            assert_hex(out, sizeof(out), cases[i].out);
    }
    assert_int_equal(kp_scalar_reduce(crypto, in, 64, out), 0);
    assert_int_equal(kp_scalar_reduce(crypto, in, 65, out), KP_E_CRYPTO);
}

/* ---- Points off the wire ------------------------------------------------------------------- */

static int decode(const uint8_t *in, size_t len)
{
    struct kp_point *point;
    int err = kp_point_new(&point, crypto, in, len);

    assert_int_equal(point != NULL, err == 0);
    kp_point_free(point);
    return err;
}

static int decode_text(const char *text)
{
    uint8_t bytes[128];
    size_t len = hex(text, bytes, sizeof(bytes));

    return decode(bytes, len);
}

static void test_decode(void **state)
{
    static const char *const good[] = {
        G, MINUS_G,
        /* X is 0; Y is 5. */
        "040000000000000000000000000000000000000000000000000000000000000000"
        "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4",
        "04d7325d7646cd60d80a92738ceb345f844cffaf35841022cab176f692de8de1d7"
        "0000000000000000000000000000000000000000000000000000000000000005"};
    static const char *const bad[] = {
        /* The same two with p more. */
        "04ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
        "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4",
        "04d7325d7646cd60d80a92738ceb345f844cffaf35841022cab176f692de8de1d7"
        "ffffffff00000001000000000000000000000001000000000000000000000004",
        /* Compressed, infinity, nothing. */
        "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296", "00", "", "04",
        "040000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000"};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_int_equal(decode_text(good[i]), 0);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(decode_text(bad[i]), KP_E_ILLEGAL);
}

static void test_decode_variants(void **state)
{
    uint8_t bytes[KP_POINT_LEN + 1] = {0};

    (void)state;
    hex(G, bytes, sizeof(bytes));
    for (size_t len = 0; len <= sizeof(bytes); len++)
        assert_int_equal(decode(bytes, len), len == KP_POINT_LEN ? 0 : KP_E_ILLEGAL);
    /* Hybrid (06, 07) is as wrong as any other first byte. */
    for (unsigned first = 0; first < 256; first++) {
        bytes[0] = (uint8_t)first;
        assert_int_equal(decode(bytes, KP_POINT_LEN), first == 4 ? 0 : KP_E_ILLEGAL);
    }
    bytes[0] = 4;
    for (size_t bit = 8; bit < 8 * KP_POINT_LEN; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(decode(bytes, KP_POINT_LEN), KP_E_ILLEGAL);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* ---- Arithmetic ---------------------------------------------------------------------------- */

static void test_base(void **state)
{
    static const struct {
        const char *scalar;
        const char *point;
    } cases[] = {
        {"0000000000000000000000000000000000000000000000000000000000000001", G},
        {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", MINUS_G},
        {"000000000000000000000000000000000000000000000000018ebbb95eed0e13",
         "04339150844ec15234807fe862a86be77977dbfb3ae3d96f4c22795513aeaab82f"
         "b1c14ddfdc8ec1b2583f51e85a5eb3a155840f2034730e9b5ada38b674336a21"},
    };
    uint8_t scalar[KP_SCALAR_LEN], out[KP_POINT_LEN], g[KP_POINT_LEN];
    struct kp_point *point;

    (void)state;
    hex(G, g, sizeof(g));
    assert_int_equal(kp_point_new(&point, crypto, g, sizeof(g)), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        hex(cases[i].scalar, scalar, sizeof(scalar));
        assert_int_equal(kp_point_base_mul(crypto, scalar, NULL, out), 0);
        assert_hex(out, sizeof(out), cases[i].point);
        assert_int_equal(kp_point_mul(crypto, point, scalar, out), 0);
        assert_hex(out, sizeof(out), cases[i].point);
    }
    kp_point_free(point);
    kp_point_free(NULL);
}

/* scalar * G as a point of kp_point_new_mul. */
static struct kp_point *multiple(unsigned value)
{
    uint8_t scalar[KP_SCALAR_LEN], g[KP_POINT_LEN];
    struct kp_point *base, *point;

    small(value, scalar);
    hex(G, g, sizeof(g));
    assert_int_equal(kp_point_new(&base, crypto, g, sizeof(g)), 0);
    assert_int_equal(kp_point_new_mul(&point, crypto, base, scalar), 0);
    kp_point_free(base);
    return point;
}

static void base(unsigned value, uint8_t out[static KP_POINT_LEN])
{
    uint8_t scalar[KP_SCALAR_LEN];

    small(value, scalar);
    assert_int_equal(kp_point_base_mul(crypto, scalar, NULL, out), 0);
}

/* c (a G - b G) is (a - b) c G, and a G + b G is (a + b) G; for a = b too. */
static void test_sums(void **state)
{
    uint8_t a_bytes[KP_POINT_LEN], out[KP_POINT_LEN], expected[KP_POINT_LEN], scalar[KP_SCALAR_LEN];

    (void)state;
    for (unsigned a = 1; a < 12; a++) {
        for (unsigned b = 1; b < 12; b++) {
            struct kp_point *minus = multiple(b), *point;
            base(a, a_bytes);
            int err = kp_point_new_minus(&point, crypto, a_bytes, sizeof(a_bytes), minus);
            assert_int_equal(err, a == b ? KP_E_ILLEGAL : 0);
            assert_int_equal(point != NULL, a != b);
            if (a > b) {
                small(17, scalar);
                assert_int_equal(kp_point_mul(crypto, point, scalar, out), 0);
                base((a - b) * 17, expected);
                assert_memory_equal(out, expected, sizeof(out));
            }
            kp_point_free(point);
            small(a, scalar);
            assert_int_equal(kp_point_base_mul(crypto, scalar, minus, out), 0);
            base(a + b, expected);
            assert_memory_equal(out, expected, sizeof(out));
            kp_point_free(minus);
        }
    }
    base(20, out);
    assert_hex(out, sizeof(out),
               "0483a01a9378395bab9bcd6a0ad03cc56d56e6b19250465a94a234dc4c6b28da9a"
               "76e49b6de2f73234ae6a5eb9d612b75c9f2202bb6923f54ff8240aaa86f640b8");
}

static void test_infinity(void **state)
{
    uint8_t scalar[KP_SCALAR_LEN], out[KP_POINT_LEN];
    struct kp_point *one = multiple(1);

    (void)state;
    /* (n - 1) G + G. */
    hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", scalar, sizeof(scalar));
    assert_int_equal(kp_point_base_mul(crypto, scalar, one, out), KP_E_ILLEGAL);
    /* Never asked for, but not let through either: n G. */
    hex(ORDER, scalar, sizeof(scalar));
    assert_int_equal(kp_point_mul(crypto, one, scalar, out), KP_E_ILLEGAL);
    assert_int_equal(kp_point_base_mul(crypto, scalar, NULL, out), KP_E_ILLEGAL);
    /* A bad point has no difference. */
    struct kp_point *point;
    memset(out, 4, sizeof(out));
    assert_int_equal(kp_point_new_minus(&point, crypto, out, sizeof(out), one), KP_E_ILLEGAL);
    assert_null(point);
    broken = true;
    assert_int_equal(kp_point_new_mul(&point, crypto, one, scalar), KP_E_CRYPTO);
    broken = false;
    assert_null(point);
    kp_point_free(one);
}

/* ---- Key agreement ------------------------------------------------------------------------- */

/* Both sides with scripted keys, against published shares and secret. */
static void agree(uint16_t group, const char *client, const char *server, const char *offer_text,
                  const char *answer_text, const char *secret_text)
{
    uint8_t offer[KP_EXCHANGE_SHARE_MAX], answer[KP_EXCHANGE_SHARE_MAX];
    uint8_t ours[KP_EXCHANGE_SECRET_MAX], theirs[KP_EXCHANGE_SECRET_MAX];
    struct kp_exchange_lens lens;
    struct kp_exchange *exchange;

    assert_true(kp_exchange_lens(crypto, group, &lens));
    give(client);
    assert_int_equal(kp_exchange_new(&exchange, crypto, group, offer), 0);
    assert_int_equal(kp_exchange_group(exchange), group);
    assert_hex(offer, lens.offer, offer_text);
    give(server);
    assert_int_equal(
        kp_exchange_answer(crypto, group, (struct kp_span){offer, lens.offer}, answer, theirs), 0);
    assert_hex(answer, lens.answer, answer_text);
    assert_hex(theirs, lens.secret, secret_text);
    assert_int_equal(
        kp_exchange_finish(exchange, crypto, (struct kp_span){answer, lens.answer}, ours), 0);
    assert_hex(ours, lens.secret, secret_text);
    kp_exchange_free(exchange);
}

static void test_agreement(void **state)
{
    (void)state;
    /* RFC 7748 6.1. */
    agree(KP_GROUP_X25519, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
          "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
          "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
          "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
          "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    /* RFC 5903 8.1. */
    agree(
        KP_GROUP_SECP256R1, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
        "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
        "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252d61f1c45"
        "6fa3e59ab1f45b33accf5f58389e0577b8990bb3",
        "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e8157854c"
        "13c58d6aac23f046ada30f8353e74f33039872ab",
        "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
}

/* X25519 of a scalar and any share. */
static void x25519(const uint8_t scalar[static 32], const uint8_t share[static 32],
                   uint8_t secret[static 32])
{
    uint8_t answer[32];

    memcpy(script, scalar, 32);
    script_at = 0;
    script_len = 32;
    assert_int_equal(
        kp_exchange_answer(crypto, KP_GROUP_X25519, (struct kp_span){share, 32}, answer, secret),
        0);
}

/* RFC 7748 5.2: two single runs, and a thousand of which each feeds the next. */
static void test_x25519(void **state)
{
    static const char *const cases[][3] = {
        {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
         "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
         "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
        {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
         "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
         "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"}};
    uint8_t k[32], u[32] = {9}, out[32];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        hex(cases[i][0], k, sizeof(k));
        hex(cases[i][1], u, sizeof(u));
        x25519(k, u, out);
        assert_hex(out, sizeof(out), cases[i][2]);
    }
    memset(k, 0, sizeof(k));
    k[0] = 9;
    memcpy(u, k, sizeof(u));
    for (int i = 0; i < 1000; i++) {
        x25519(k, u, out);
        memcpy(u, k, sizeof(u));
        memcpy(k, out, sizeof(k));
        if (i == 0)
            assert_hex(k, 32, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
    assert_hex(k, 32, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

static int answer_to(uint16_t group, const uint8_t *offer, size_t len)
{
    uint8_t answer[KP_EXCHANGE_SHARE_MAX], secret[KP_EXCHANGE_SECRET_MAX];

    return kp_exchange_answer(crypto, group, (struct kp_span){offer, len}, answer, secret);
}

static int finish_with(uint16_t group, const uint8_t *answer, size_t len)
{
    uint8_t offer[KP_EXCHANGE_SHARE_MAX], secret[KP_EXCHANGE_SECRET_MAX];
    struct kp_exchange *exchange;

    assert_int_equal(kp_exchange_new(&exchange, crypto, group, offer), 0);
    int err = kp_exchange_finish(exchange, crypto, (struct kp_span){answer, len}, secret);
    kp_exchange_free(exchange);
    return err;
}

/* RFC 7748 6.1 and 7: 0, 1, the points of order 8, p - 1, p, p + 1, all give zeros. */
static void test_small_order(void **state)
{
    static const char *const shares[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
    uint8_t share[32];

    (void)state;
    for (size_t i = 0; i < COUNT(shares); i++) {
        hex(shares[i], share, sizeof(share));
        assert_int_equal(answer_to(KP_GROUP_X25519, share, sizeof(share)), KP_E_ILLEGAL);
        assert_int_equal(finish_with(KP_GROUP_X25519, share, sizeof(share)), KP_E_ILLEGAL);
    }
}

static void test_bad_shares(void **state)
{
    static const uint16_t groups[] = {KP_GROUP_X25519, KP_GROUP_SECP256R1};
    uint8_t share[KP_POINT_LEN + 1] = {0};
    struct kp_exchange_lens lens;

    (void)state;
    hex(G, share, sizeof(share));
    for (size_t i = 0; i < COUNT(groups); i++) {
        assert_true(kp_exchange_lens(crypto, groups[i], &lens));
        for (size_t len = 0; len <= sizeof(share); len++) {
            int expected = len == lens.offer ? 0 : KP_E_ILLEGAL;
            assert_int_equal(answer_to(groups[i], share, len), expected);
            assert_int_equal(finish_with(groups[i], share, len), expected);
        }
    }
    share[KP_POINT_LEN - 1] ^= 1;
    assert_int_equal(answer_to(KP_GROUP_SECP256R1, share, KP_POINT_LEN), KP_E_ILLEGAL);
    assert_int_equal(finish_with(KP_GROUP_SECP256R1, share, KP_POINT_LEN), KP_E_ILLEGAL);
    share[0] = 6;
    assert_int_equal(answer_to(KP_GROUP_SECP256R1, share, KP_POINT_LEN), KP_E_ILLEGAL);
}

/* Every group there is, with fresh keys; a number that is none has no lengths. */
static void test_groups(void **state)
{
    uint8_t offer[KP_EXCHANGE_SHARE_MAX], answer[KP_EXCHANGE_SHARE_MAX];
    uint8_t ours[KP_EXCHANGE_SECRET_MAX], theirs[KP_EXCHANGE_SECRET_MAX];
    struct kp_exchange_lens lens;
    struct kp_exchange *exchange;
    unsigned found = 0;

    (void)state;
    script_len = 0;
    for (unsigned group = 0; group < 65536; group++) {
        if (!kp_exchange_lens(crypto, (uint16_t)group, &lens)) {
            if (group % 257 == 0)
                assert_int_equal(kp_exchange_new(&exchange, crypto, (uint16_t)group, offer),
                                 KP_E_ARGUMENT);
            continue;
        }
        found++;
        assert_true(lens.offer <= sizeof(offer) && lens.answer <= sizeof(answer) &&
                    lens.secret <= sizeof(ours));
        assert_int_equal(kp_exchange_new(&exchange, crypto, (uint16_t)group, offer), 0);
        const struct kp_span said = {offer, lens.offer};
        assert_int_equal(kp_exchange_answer(crypto, (uint16_t)group, said, answer, theirs), 0);
        const struct kp_span heard = {answer, lens.answer};
        assert_int_equal(kp_exchange_finish(exchange, crypto, heard, ours), 0);
        assert_memory_equal(ours, theirs, lens.secret);
        kp_exchange_free(exchange);
        broken = true;
        assert_int_equal(kp_exchange_new(&exchange, crypto, (uint16_t)group, offer), KP_E_CRYPTO);
        assert_null(exchange);
        broken = false;
    }
    assert_true(found >= 2);
    assert_int_equal(answer_to(0, offer, 0), KP_E_ARGUMENT);
    kp_exchange_free(NULL);
}

/* ---- X25519MLKEM768, against libcrypto's own ------------------------------------------------- */

static EVP_PKEY_CTX *hybrid(void)
{
    EVP_PKEY_CTX *ctx;

    ERR_set_mark();
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "X25519MLKEM768", NULL);
    if (ctx != NULL && EVP_PKEY_keygen_init(ctx) != 1) {
        EVP_PKEY_CTX_free(ctx);
        ctx = NULL;
    }
    ERR_pop_to_mark();
    return ctx;
}

static void hybrid_as_server(const uint8_t *offer, size_t offer_len, uint8_t *answer,
                             uint8_t *secret)
{
    EVP_PKEY_CTX *ctx = hybrid();
    EVP_PKEY *own = NULL, *peer;
    size_t answer_len = KP_EXCHANGE_SHARE_MAX, secret_len = KP_EXCHANGE_SECRET_MAX;

    assert_int_equal(EVP_PKEY_generate(ctx, &own), 1);
    peer = EVP_PKEY_new();
    assert_int_equal(EVP_PKEY_copy_parameters(peer, own), 1);
    assert_int_equal(EVP_PKEY_set1_encoded_public_key(peer, offer, offer_len), 1);
    EVP_PKEY_CTX_free(ctx);
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, peer, NULL);
    assert_int_equal(EVP_PKEY_encapsulate_init(ctx, NULL), 1);
    assert_int_equal(EVP_PKEY_encapsulate(ctx, answer, &answer_len, secret, &secret_len), 1);
    assert_int_equal(secret_len, KP_EXCHANGE_SECRET_MAX);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(own);
}

static void hybrid_as_client(uint8_t *secret, uint8_t *ours, size_t offer_len)
{
    EVP_PKEY_CTX *ctx = hybrid();
    EVP_PKEY *own = NULL;
    uint8_t answer[KP_EXCHANGE_SHARE_MAX];
    size_t secret_len = KP_EXCHANGE_SECRET_MAX;
    unsigned char *offer = NULL;
    struct kp_exchange_lens lens;

    assert_int_equal(EVP_PKEY_generate(ctx, &own), 1);
    EVP_PKEY_CTX_free(ctx);
    assert_int_equal(EVP_PKEY_get1_encoded_public_key(own, &offer), offer_len);
    assert_true(kp_exchange_lens(crypto, KP_GROUP_X25519MLKEM768, &lens));
    assert_int_equal(kp_exchange_answer(crypto, KP_GROUP_X25519MLKEM768,
                                        (struct kp_span){offer, offer_len}, answer, ours),
                     0);
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    assert_int_equal(EVP_PKEY_decapsulate_init(ctx, NULL), 1);
    assert_int_equal(EVP_PKEY_decapsulate(ctx, secret, &secret_len, answer, lens.answer), 1);
    OPENSSL_free(offer);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(own);
}

static void test_hybrid(void **state)
{
    uint8_t offer[KP_EXCHANGE_SHARE_MAX], answer[KP_EXCHANGE_SHARE_MAX];
    uint8_t ours[KP_EXCHANGE_SECRET_MAX], theirs[KP_EXCHANGE_SECRET_MAX];
    struct kp_exchange_lens lens;
    struct kp_exchange *exchange;
    EVP_PKEY_CTX *ctx = hybrid();

    (void)state;
    EVP_PKEY_CTX_free(ctx);
    if (ctx == NULL) {
        print_message("no X25519MLKEM768 in this libcrypto (3.5 has it)\n");
        assert_false(kp_exchange_lens(crypto, KP_GROUP_X25519MLKEM768, &lens));
        skip();
    }
    script_len = 0;
    assert_true(kp_exchange_lens(crypto, KP_GROUP_X25519MLKEM768, &lens));
    assert_int_equal(kp_exchange_new(&exchange, crypto, KP_GROUP_X25519MLKEM768, offer), 0);
    hybrid_as_server(offer, lens.offer, answer, theirs);
    assert_int_equal(
        kp_exchange_finish(exchange, crypto, (struct kp_span){answer, lens.answer}, ours), 0);
    assert_memory_equal(ours, theirs, lens.secret);
    kp_exchange_free(exchange);
    hybrid_as_client(theirs, ours, lens.offer);
    assert_memory_equal(ours, theirs, lens.secret);
    /* An encapsulation key whose coefficients are not less than q (FIPS 203 7.2). */
    memset(offer, 0xFF, 1184);
    assert_int_equal(kp_exchange_answer(crypto, KP_GROUP_X25519MLKEM768,
                                        (struct kp_span){offer, lens.offer}, answer, ours),
                     KP_E_ILLEGAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_decode_variants),
        cmocka_unit_test(test_base),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_infinity),
        cmocka_unit_test(test_agreement),
        cmocka_unit_test(test_x25519),
        cmocka_unit_test(test_small_order),
        cmocka_unit_test(test_bad_shares),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_hybrid),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
