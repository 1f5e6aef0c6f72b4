/*
 * Proves: SPAKE2+ gives the numbers of RFC 9383 Appendix C (P256, SHA256, HKDF, HMAC) and those of
 * a second run whose registration is given too, which BoringSSL computes alike; whatever differs
 * between the sides makes their confirmations differ; shares that are no points, and those that
 * make Z infinite, are refused by both sides; a simulated user answers as a real one does.
 */
#include "cm.h"

#include "base/secret.h"
#include "hex.h"
#include "pake/spake2plus.h"
#include "seeded.h"

#include <string.h>

#define M                                                                                          \
    "04886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f"                           \
    "5ff355163e43ce224e0b0e65ff02ac8e5c7be09419c785e0ca547d55a12e2d20"
#define N                                                                                          \
    "04d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49"                           \
    "07d60aa6bfade45008a636337f5168c64d9bd36034808cd564490b1e656edbe7"

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

static struct kp_span text(const char *s)
{
    return (struct kp_span){(const uint8_t *)s, strlen(s)};
}

static void assert_hex(const uint8_t *got, size_t len, const char *expected)
{
    uint8_t bytes[128];

    assert_int_equal(hex(expected, bytes, sizeof(bytes)), len);
    assert_memory_equal(got, bytes, len);
}

/* x and y are the same in both. */
#define X "d1232c8e8693d02368976c174e2088851b8365d0d79a9eee709c6a05a2fad539"
#define Y "717a72348a182085109c8d3917d6c43d59b224dc6a7fc4f0483232fa6516d8b3"

static const struct vector {
    const char *context, *prover, *verifier;
    const char *password; /* NULL: w0 and w1 are where it starts */
    const char *w0, *w1, *l, *share_p, *share_v, *confirm_v, *confirm_p, *shared;
} vectors[] = {
    {"SPAKE2+-P256-SHA256-HKDF-SHA256-HMAC-SHA256 Test Vectors", "client", "server", NULL,
     "bb8e1bbcf3c48f62c08db243652ae55d3e5586053fca77102994f23ad95491b3",
     "7e945f34d78785b8a3ef44d0df5a1a97d6b3b460409a345ca7830387a74b1dba",
     "04eb7c9db3d9a9eb1f8adab81b5794c1f13ae3e225efbe91ea487425854c7fc00f00bfedcbd09b2400142d40a14f"
     "2064ef31dfaa903b91d1faea7093d835966efd",
     "04ef3bd051bf78a2234ec0df197f7828060fe9856503579bb1733009042c15c0c1de127727f418b5966afadfdd95"
     "a6e4591d171056b333dab97a79c7193e341727",
     "04c0f65da0d11927bdf5d560c69e1d7d939a05b0e88291887d679fcadea75810fb5cc1ca7494db39e82ff2f50665"
     "255d76173e09986ab46742c798a9a68437b048",
     "9747bcc4f8fe9f63defee53ac9b07876d907d55047e6ff2def2e7529089d3e68",
     "926cc713504b9b4d76c9162ded04b5493e89109f6d89462cd33adc46fda27527",
     "0c5f8ccd1413423a54f6c1fb26ff01534a87f893779c6e68666d772bfd91f3e7"},
    {"", "admin", "device.example", "kestrel-4711",
     "a14fd4e781c5230e49ce16d1e899792905ee81c1cfa7d96277b403cba6260c40",
     "924955f148417ddc6d2a5c390548da26b8f8743087956b9918180b6b589a93d4",
     "040466fa7e50874f069029dcf3ab5a196a173cf85269fc9b87b4403186e258f7376850aa3eb6df8fcc1648b6c4d5"
     "5f670d84f67324def4363fb5e6838a19357b29",
     "041e00da4b487608fddc657b7847bd2316ae295c3a88e9c62f3fd2a484835ecc85d2d1ce9cd0b254f6faf52dd5a5"
     "856a514d3d4b33559995f1d67856d120da7e9d",
     "04f846f886121faf59a6630225283056b99f82b793e1c21ca83468dd434a109ed8462b2eb2279df2d1462e342095"
     "a56ff89de9045349b799769ce4f6e082eea5b1",
     "4168577c51a2fa0558716e034d1c6544f2e7d3c2e4d23d5903bc41ecbd5f2596",
     "03d3dd966e4e0640468a6bfe92a7a0b74f8b4f47f5b7a2ee6eba138c877247c6",
     "4373bdc712f4dbf6ffc3545b94f07c72d89f2069ca9d562d185032e02821a8aa"},
};

/* What both sides start from. */
struct world {
    struct kp_spake2plus_names names;
    struct kp_spake2plus_secret secret;
    uint8_t l[KP_POINT_LEN];
    uint8_t x[KP_SCALAR_LEN];
    uint8_t y[KP_SCALAR_LEN];
    struct kp_spake2plus_verifier *verifier;
};

static void open_world(struct world *w, const struct vector *v)
{
    w->names = (struct kp_spake2plus_names){text(v->context), text(v->prover), text(v->verifier)};
    hex(v->w0, w->secret.w0, KP_SCALAR_LEN);
    hex(v->w1, w->secret.w1, KP_SCALAR_LEN);
    hex(X, w->x, sizeof(w->x));
    hex(Y, w->y, sizeof(w->y));
    assert_int_equal(kp_spake2plus_make_l(crypto, w->secret.w1, w->l), 0);
    assert_int_equal(kp_spake2plus_verifier_new(&w->verifier, crypto, w->secret.w0, w->l), 0);
}

static struct kp_span share(const uint8_t *bytes)
{
    return (struct kp_span){bytes, KP_POINT_LEN};
}

static void test_vectors(void **state)
{
    uint8_t share_p[KP_POINT_LEN], share_v[KP_POINT_LEN];
    struct kp_spake2plus_keys at_verifier, at_prover;

    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct world w;
        open_world(&w, v);
        assert_hex(w.l, sizeof(w.l), v->l);
        assert_int_equal(kp_spake2plus_prover_share(crypto, &w.secret, w.x, share_p), 0);
        assert_hex(share_p, sizeof(share_p), v->share_p);
        assert_int_equal(kp_spake2plus_verifier_run(w.verifier, crypto, &w.names, w.y,
                                                    share(share_p), share_v, &at_verifier),
                         0);
        assert_hex(share_v, sizeof(share_v), v->share_v);
        assert_hex(at_verifier.confirm_v, 32, v->confirm_v);
        assert_hex(at_verifier.confirm_p, 32, v->confirm_p);
        assert_hex(at_verifier.shared, 32, v->shared);
        assert_int_equal(kp_spake2plus_prover_finish(crypto, &w.secret, &w.names, w.x, share_p,
                                                     share(share_v), &at_prover),
                         0);
        assert_memory_equal(&at_prover, &at_verifier, sizeof(at_prover));
        kp_spake2plus_verifier_free(w.verifier);
    }
    kp_spake2plus_verifier_free(NULL);
}

static void test_registration(void **state)
{
    const struct vector *v = &vectors[1];
    struct kp_spake2plus_names names = {text(v->context), text(v->prover), text(v->verifier)};
    struct kp_spake2plus_secret secret;

    (void)state;
    assert_int_equal(kp_spake2plus_stretch(crypto, text(v->password), &names, &secret), 0);
    assert_hex(secret.w0, sizeof(secret.w0), v->w0);
    assert_hex(secret.w1, sizeof(secret.w1), v->w1);
    /* The context takes no part; where one name ends and the other begins does. */
    names.context = text("tls");
    assert_int_equal(kp_spake2plus_stretch(crypto, text(v->password), &names, &secret), 0);
    assert_hex(secret.w0, sizeof(secret.w0), v->w0);
    names.prover = text("admind");
    names.verifier = text("evice.example");
    assert_int_equal(kp_spake2plus_stretch(crypto, text(v->password), &names, &secret), 0);
    struct kp_spake2plus_secret other = secret;
    hex(v->w0, other.w0, sizeof(other.w0));
    assert_memory_not_equal(secret.w0, other.w0, sizeof(other.w0));
    /* Everything may be empty. */
    memset(&names, 0, sizeof(names));
    assert_int_equal(kp_spake2plus_stretch(crypto, text(""), &names, &secret), 0);
    assert_true(kp_scalar_valid(secret.w0));
    assert_true(kp_scalar_valid(secret.w1));
}

/* A run in which the prover is what `client` says and the verifier what `server` says. */
static bool agree(const struct world *client, const struct world *server)
{
    uint8_t share_p[KP_POINT_LEN], share_v[KP_POINT_LEN], x[KP_SCALAR_LEN], y[KP_SCALAR_LEN];
    struct kp_spake2plus_keys ours, theirs;

    assert_int_equal(kp_scalar_random(crypto, x), 0);
    assert_int_equal(kp_scalar_random(crypto, y), 0);
    assert_int_equal(kp_spake2plus_prover_share(crypto, &client->secret, x, share_p), 0);
    assert_int_equal(kp_spake2plus_verifier_run(server->verifier, crypto, &server->names, y,
                                                share(share_p), share_v, &theirs),
                     0);
    assert_int_equal(kp_spake2plus_prover_finish(crypto, &client->secret, &client->names, x,
                                                 share_p, share(share_v), &ours),
                     0);
    bool same = kp_equal_secret(&ours, &theirs, sizeof(ours));
    /* All of it, or none. */
    assert_int_equal(kp_equal_secret(ours.confirm_v, theirs.confirm_v, 32), same);
    assert_int_equal(kp_equal_secret(ours.confirm_p, theirs.confirm_p, 32), same);
    assert_int_equal(kp_equal_secret(ours.shared, theirs.shared, 32), same);
    return same;
}

static void test_agreement(void **state)
{
    struct world w, other;

    (void)state;
    open_world(&w, &vectors[1]);
    for (int i = 0; i < 20; i++)
        assert_true(agree(&w, &w));
    /* One thing different at a time. */
    other = w;
    other.secret.w0[31] ^= 1;
    assert_false(agree(&other, &w));
    other = w;
    other.secret.w1[31] ^= 1;
    assert_false(agree(&other, &w));
    other = w;
    other.names.context = text("tls");
    assert_false(agree(&other, &w));
    other = w;
    other.names.prover = text("Admin");
    assert_false(agree(&other, &w));
    other = w;
    other.names.verifier = text("device.example.");
    assert_false(agree(&other, &w));
    other = w;
    other.names.prover = text("admind");
    other.names.verifier = text("evice.example");
    assert_false(agree(&other, &w));
    /* Alike on both sides, the context is any. */
    other = w;
    other.names.context = text("tls");
    assert_true(agree(&other, &other));
    kp_spake2plus_verifier_free(w.verifier);
}

/* What each side says to the other's share. */
static int verifier_says(const struct world *w, struct kp_span share_p)
{
    uint8_t share_v[KP_POINT_LEN];
    struct kp_spake2plus_keys keys;

    return kp_spake2plus_verifier_run(w->verifier, crypto, &w->names, w->y, share_p, share_v,
                                      &keys);
}

static int prover_says(const struct world *w, struct kp_span share_v)
{
    uint8_t share_p[KP_POINT_LEN];
    struct kp_spake2plus_keys keys;

    assert_int_equal(kp_spake2plus_prover_share(crypto, &w->secret, w->x, share_p), 0);
    return kp_spake2plus_prover_finish(crypto, &w->secret, &w->names, w->x, share_p, share_v,
                                       &keys);
}

/* w0 M or w0 N. */
static void masked(const struct world *w, const char *constant, uint8_t out[static KP_POINT_LEN])
{
    struct kp_point *point;

    hex(constant, out, KP_POINT_LEN);
    assert_int_equal(kp_point_new(&point, crypto, out, KP_POINT_LEN), 0);
    assert_int_equal(kp_point_mul(crypto, point, w->secret.w0, out), 0);
    kp_point_free(point);
}

static void test_bad_shares(void **state)
{
    uint8_t bytes[KP_POINT_LEN + 1] = {0};
    struct world w;

    (void)state;
    open_world(&w, &vectors[0]);
    hex(vectors[0].share_p, bytes, sizeof(bytes));
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        const struct kp_span cut = {bytes, len};
        assert_int_equal(verifier_says(&w, cut), len == KP_POINT_LEN ? 0 : KP_E_ILLEGAL);
        assert_int_equal(prover_says(&w, cut), len == KP_POINT_LEN ? 0 : KP_E_ILLEGAL);
    }
    for (size_t at = 0; at < KP_POINT_LEN; at++) {
        bytes[at] ^= 1;
        assert_int_equal(verifier_says(&w, share(bytes)), KP_E_ILLEGAL);
        assert_int_equal(prover_says(&w, share(bytes)), KP_E_ILLEGAL);
        bytes[at] ^= 1;
    }
    /* Z would be infinite; the other side's constant does no harm. */
    masked(&w, M, bytes);
    assert_int_equal(verifier_says(&w, share(bytes)), KP_E_ILLEGAL);
    assert_int_equal(prover_says(&w, share(bytes)), 0);
    masked(&w, N, bytes);
    assert_int_equal(verifier_says(&w, share(bytes)), 0);
    assert_int_equal(prover_says(&w, share(bytes)), KP_E_ILLEGAL);
    kp_spake2plus_verifier_free(w.verifier);
}

static void test_bad_verifiers(void **state)
{
    static const char *const bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
    struct kp_spake2plus_verifier *verifier;
    struct world w;
    uint8_t w0[KP_SCALAR_LEN];

    (void)state;
    open_world(&w, &vectors[0]);
    kp_spake2plus_verifier_free(w.verifier);
    for (size_t i = 0; i < COUNT(bad); i++) {
        hex(bad[i], w0, sizeof(w0));
        assert_int_equal(kp_spake2plus_verifier_new(&verifier, crypto, w0, w.l), KP_E_SHARE);
        assert_null(verifier);
    }
    for (size_t at = 0; at < KP_POINT_LEN; at++) {
        w.l[at] ^= 1;
        assert_int_equal(kp_spake2plus_verifier_new(&verifier, crypto, w.secret.w0, w.l),
                         KP_E_SHARE);
        assert_null(verifier);
        w.l[at] ^= 1;
    }
}

/* Nobody's password opens it; its answers are points, and never the same. */
static void test_fake(void **state)
{
    uint8_t share_p[KP_POINT_LEN], share_v[2][KP_POINT_LEN], y[KP_SCALAR_LEN];
    struct kp_spake2plus_keys keys[2];
    struct world w, fake;
    struct kp_point *point;

    (void)state;
    open_world(&w, &vectors[1]);
    fake = w;
    assert_int_equal(kp_spake2plus_verifier_fake(&fake.verifier, crypto), 0);
    assert_false(agree(&w, &fake));
    assert_int_equal(kp_spake2plus_prover_share(crypto, &w.secret, w.x, share_p), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(kp_scalar_random(crypto, y), 0);
        assert_int_equal(kp_spake2plus_verifier_run(fake.verifier, crypto, &w.names, y,
                                                    share(share_p), share_v[i], &keys[i]),
                         0);
        assert_int_equal(kp_point_new(&point, crypto, share_v[i], KP_POINT_LEN), 0);
        kp_point_free(point);
    }
    assert_memory_not_equal(share_v[0], share_v[1], KP_POINT_LEN);
    assert_memory_not_equal(keys[0].confirm_v, keys[1].confirm_v, 32);
    /* It refuses what a real one refuses. */
    share_p[1] ^= 1;
    assert_int_equal(verifier_says(&fake, share(share_p)), KP_E_ILLEGAL);
    kp_spake2plus_verifier_free(fake.verifier);
    kp_spake2plus_verifier_free(w.verifier);
    source.fail_at = source.calls + 1;
    assert_int_equal(kp_spake2plus_verifier_fake(&fake.verifier, crypto), KP_E_CRYPTO);
    assert_null(fake.verifier);
    source.fail_at = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),       cmocka_unit_test(test_registration),
        cmocka_unit_test(test_agreement),     cmocka_unit_test(test_bad_shares),
        cmocka_unit_test(test_bad_verifiers), cmocka_unit_test(test_fake),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
