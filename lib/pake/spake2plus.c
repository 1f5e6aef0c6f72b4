/*
 * SPAKE2+ over P-256: arithmetic only.  Knows no message and no record.
 */
#include "pake/spake2plus.h"

#include "base/secret.h"
#include "crypto/kdf.h"

#include <stdlib.h>
#include <string.h>

#define SCRYPT_N 32768
#define SCRYPT_R 8
#define SCRYPT_P 1
/* 64 bits more than n has: RFC 9383 3.2, so that the bias is negligible. */
#define STRETCHED_LEN 40
#define LENGTH_LEN 8
#define FIELDS 10 /* of TT */

/* RFC 9383 4, P256, uncompressed. */
static const uint8_t big_m[KP_POINT_LEN] = {
    0x04, 0x88, 0x6e, 0x2f, 0x97, 0xac, 0xe4, 0x6e, 0x55, 0xba, 0x9d, 0xd7, 0x24,
    0x25, 0x79, 0xf2, 0x99, 0x3b, 0x64, 0xe1, 0x6e, 0xf3, 0xdc, 0xab, 0x95, 0xaf,
    0xd4, 0x97, 0x33, 0x3d, 0x8f, 0xa1, 0x2f, 0x5f, 0xf3, 0x55, 0x16, 0x3e, 0x43,
    0xce, 0x22, 0x4e, 0x0b, 0x0e, 0x65, 0xff, 0x02, 0xac, 0x8e, 0x5c, 0x7b, 0xe0,
    0x94, 0x19, 0xc7, 0x85, 0xe0, 0xca, 0x54, 0x7d, 0x55, 0xa1, 0x2e, 0x2d, 0x20};
static const uint8_t big_n[KP_POINT_LEN] = {
    0x04, 0xd8, 0xbb, 0xd6, 0xc6, 0x39, 0xc6, 0x29, 0x37, 0xb0, 0x4d, 0x99, 0x7f,
    0x38, 0xc3, 0x77, 0x07, 0x19, 0xc6, 0x29, 0xd7, 0x01, 0x4d, 0x49, 0xa2, 0x4b,
    0x4f, 0x98, 0xba, 0xa1, 0x29, 0x2b, 0x49, 0x07, 0xd6, 0x0a, 0xa6, 0xbf, 0xad,
    0xe4, 0x50, 0x08, 0xa6, 0x36, 0x33, 0x7f, 0x51, 0x68, 0xc6, 0x4d, 0x9b, 0xd3,
    0x60, 0x34, 0x80, 0x8c, 0xd5, 0x64, 0x49, 0x0b, 0x1e, 0x65, 0x6e, 0xdb, 0xe7};

struct kp_spake2plus_verifier {
    uint8_t w0[KP_SCALAR_LEN];
    struct kp_point *w0_m;
    struct kp_point *w0_n;
    struct kp_point *l;
};

static struct kp_span span(const uint8_t *data, size_t len)
{
    return (struct kp_span){data, len};
}

static struct kp_span text(const char *s)
{
    return span((const uint8_t *)s, strlen(s));
}

/* The length before every field of TT and of scrypt's input: little-endian. */
static void put_length(uint8_t out[static LENGTH_LEN], size_t len)
{
    for (size_t i = 0; i < LENGTH_LEN; i++)
        out[i] = (uint8_t)((uint64_t)len >> (8 * i));
}

/* ---- Registration ------------------------------------------------------------------------ */

static uint8_t *put_field(uint8_t *at, struct kp_span field)
{
    put_length(at, field.len);
    at += LENGTH_LEN;
    if (field.len > 0)
        memcpy(at, field.data, field.len);
    return at + field.len;
}

/* RFC 9383 3.2: the password and both names, each with its length, and no salt. */
static int stretch(struct kp_span password, const struct kp_spake2plus_names *names,
                   uint8_t out[static 2 * STRETCHED_LEN])
{
    size_t len = 3 * LENGTH_LEN + password.len + names->prover.len + names->verifier.len;
    uint8_t *input = malloc(len);

    if (input == NULL)
        return KP_E_MEMORY;
    put_field(put_field(put_field(input, password), names->prover), names->verifier);
    int err = kp_scrypt(span(input, len), span(NULL, 0), SCRYPT_N, SCRYPT_R, SCRYPT_P, out,
                        2 * STRETCHED_LEN);
    kp_free_secret(input, len);
    return err;
}

int kp_spake2plus_stretch(const struct kp_crypto *crypto, struct kp_span password,
                          const struct kp_spake2plus_names *names, struct kp_spake2plus_secret *out)
{
    uint8_t stretched[2 * STRETCHED_LEN];
    int err = stretch(password, names, stretched);

    if (err == 0)
        err = kp_scalar_reduce(crypto, stretched, STRETCHED_LEN, out->w0);
    if (err == 0)
        err = kp_scalar_reduce(crypto, stretched + STRETCHED_LEN, STRETCHED_LEN, out->w1);
    kp_wipe(stretched, sizeof(stretched));
    return err;
}

int kp_spake2plus_make_l(const struct kp_crypto *crypto, const uint8_t w1[static KP_SCALAR_LEN],
                         uint8_t out[static KP_POINT_LEN])
{
    return kp_point_base_mul(crypto, w1, NULL, out);
}

/* scalar * M or scalar * N, prepared. */
static int prepare(struct kp_point **out, const struct kp_crypto *crypto,
                   const uint8_t constant[static KP_POINT_LEN],
                   const uint8_t scalar[static KP_SCALAR_LEN])
{
    struct kp_point *point;
    int err = kp_point_new(&point, crypto, constant, KP_POINT_LEN);

    *out = NULL;
    if (err == 0)
        err = kp_point_new_mul(out, crypto, point, scalar);
    kp_point_free(point);
    return err;
}

int kp_spake2plus_verifier_new(struct kp_spake2plus_verifier **out, const struct kp_crypto *crypto,
                               const uint8_t w0[static KP_SCALAR_LEN],
                               const uint8_t l[static KP_POINT_LEN])
{
    struct kp_spake2plus_verifier *v = calloc(1, sizeof(*v));
    int err = KP_E_SHARE;

    *out = NULL;
    if (v == NULL)
        return KP_E_MEMORY;
    memcpy(v->w0, w0, KP_SCALAR_LEN);
    if (kp_scalar_valid(w0))
        err = kp_point_new(&v->l, crypto, l, KP_POINT_LEN);
    if (err == 0)
        err = prepare(&v->w0_m, crypto, big_m, w0);
    if (err == 0)
        err = prepare(&v->w0_n, crypto, big_n, w0);
    if (err == 0)
        *out = v;
    else
        kp_spake2plus_verifier_free(v);
    return err == KP_E_ILLEGAL ? KP_E_SHARE : err;
}

int kp_spake2plus_verifier_fake(struct kp_spake2plus_verifier **out, const struct kp_crypto *crypto)
{
    struct kp_spake2plus_secret secret;
    uint8_t l[KP_POINT_LEN];
    int err = kp_scalar_random(crypto, secret.w0);

    *out = NULL;
    if (err == 0)
        err = kp_scalar_random(crypto, secret.w1);
    if (err == 0)
        err = kp_spake2plus_make_l(crypto, secret.w1, l);
    if (err == 0)
        err = kp_spake2plus_verifier_new(out, crypto, secret.w0, l);
    kp_wipe(&secret, sizeof(secret));
    kp_wipe(l, sizeof(l));
    return err;
}

void kp_spake2plus_verifier_free(struct kp_spake2plus_verifier *v)
{
    if (v == NULL)
        return;
    kp_point_free(v->w0_m);
    kp_point_free(v->w0_n);
    kp_point_free(v->l);
    kp_free_secret(v, sizeof(*v));
}

/* ---- Keys -------------------------------------------------------------------------------- */

/* What a run works with on either side. */
struct run {
    const struct kp_crypto *crypto;
    const struct kp_spake2plus_names *names;
    const uint8_t *share_p;
    const uint8_t *share_v;
    const uint8_t *w0;
    uint8_t z[KP_POINT_LEN];
    uint8_t v[KP_POINT_LEN];
};

/* K_main, RFC 9383 3.3: the hash of TT, each field after its length. */
static int make_main(const struct run *run, uint8_t out[static KP_SHA256_LEN])
{
    const struct kp_span fields[FIELDS] = {
        run->names->context,
        run->names->prover,
        run->names->verifier,
        span(big_m, KP_POINT_LEN),
        span(big_n, KP_POINT_LEN),
        span(run->share_p, KP_POINT_LEN),
        span(run->share_v, KP_POINT_LEN),
        span(run->z, KP_POINT_LEN),
        span(run->v, KP_POINT_LEN),
        span(run->w0, KP_SCALAR_LEN),
    };
    uint8_t lengths[FIELDS][LENGTH_LEN];
    struct kp_span parts[2 * FIELDS];

    for (size_t i = 0; i < FIELDS; i++) {
        put_length(lengths[i], fields[i].len);
        parts[2 * i] = span(lengths[i], LENGTH_LEN);
        parts[2 * i + 1] = fields[i];
    }
    return kp_digest(run->crypto, KP_HASH_SHA256, parts, 2 * FIELDS, out);
}

static int confirm(struct kp_mac *mac, const uint8_t key[static KP_SHA256_LEN],
                   const uint8_t share[static KP_POINT_LEN],
                   uint8_t out[static KP_SPAKE2PLUS_CONFIRM_LEN])
{
    const struct kp_span covered = span(share, KP_POINT_LEN);
    int err = kp_mac_rekey(mac, span(key, KP_SHA256_LEN));

    return err == 0 ? kp_mac_run(mac, &covered, 1, out) : err;
}

/* The key schedule of RFC 9383 3.4, from K_main. */
static int expand_main(const struct run *run, struct kp_mac *mac,
                       const uint8_t main_key[static KP_SHA256_LEN],
                       struct kp_spake2plus_keys *keys)
{
    const struct kp_span for_confirm = text("ConfirmationKeys");
    const struct kp_span for_shared = text("SharedKey");
    uint8_t extracted[KP_SHA256_LEN];
    uint8_t pair[2 * KP_SHA256_LEN]; /* K_confirmP, K_confirmV */
    struct kp_span key = span(extracted, sizeof(extracted));
    int err = kp_hkdf_extract(mac, span(NULL, 0), span(main_key, KP_SHA256_LEN), extracted);

    if (err == 0)
        err = kp_hkdf_expand(mac, key, &for_confirm, 1, pair, sizeof(pair));
    if (err == 0)
        err = kp_hkdf_expand(mac, key, &for_shared, 1, keys->shared, sizeof(keys->shared));
    if (err == 0)
        err = confirm(mac, pair, run->share_v, keys->confirm_p);
    if (err == 0)
        err = confirm(mac, pair + KP_SHA256_LEN, run->share_p, keys->confirm_v);
    kp_wipe(extracted, sizeof(extracted));
    kp_wipe(pair, sizeof(pair));
    return err;
}

static int make_keys(const struct run *run, struct kp_spake2plus_keys *keys)
{
    uint8_t main_key[KP_SHA256_LEN];
    struct kp_mac *mac = NULL;
    int err = make_main(run, main_key);

    if (err == 0)
        err = kp_mac_new(&mac, run->crypto, KP_HASH_SHA256, span(main_key, sizeof(main_key)));
    if (err == 0)
        err = expand_main(run, mac, main_key, keys);
    kp_mac_free(mac);
    kp_wipe(main_key, sizeof(main_key));
    return err;
}

/* ---- Runs -------------------------------------------------------------------------------- */

int kp_spake2plus_verifier_run(const struct kp_spake2plus_verifier *verifier,
                               const struct kp_crypto *crypto,
                               const struct kp_spake2plus_names *names,
                               const uint8_t y[static KP_SCALAR_LEN], struct kp_span share_p,
                               uint8_t share_v[static KP_POINT_LEN],
                               struct kp_spake2plus_keys *keys)
{
    struct run run = {crypto, names, share_p.data, share_v, verifier->w0, {0}, {0}};
    struct kp_point *difference;
    int err = kp_point_new_minus(&difference, crypto, share_p.data, share_p.len, verifier->w0_m);

    if (err == 0)
        err = kp_point_base_mul(crypto, y, verifier->w0_n, share_v);
    if (err == 0)
        err = kp_point_mul(crypto, difference, y, run.z);
    if (err == 0)
        err = kp_point_mul(crypto, verifier->l, y, run.v);
    if (err == 0)
        err = make_keys(&run, keys);
    kp_point_free(difference);
    kp_wipe(&run, sizeof(run));
    return err;
}

int kp_spake2plus_prover_share(const struct kp_crypto *crypto,
                               const struct kp_spake2plus_secret *secret,
                               const uint8_t x[static KP_SCALAR_LEN],
                               uint8_t share_p[static KP_POINT_LEN])
{
    struct kp_point *w0_m;
    int err = prepare(&w0_m, crypto, big_m, secret->w0);

    if (err == 0)
        err = kp_point_base_mul(crypto, x, w0_m, share_p);
    kp_point_free(w0_m);
    return err;
}

int kp_spake2plus_prover_finish(const struct kp_crypto *crypto,
                                const struct kp_spake2plus_secret *secret,
                                const struct kp_spake2plus_names *names,
                                const uint8_t x[static KP_SCALAR_LEN],
                                const uint8_t share_p[static KP_POINT_LEN], struct kp_span share_v,
                                struct kp_spake2plus_keys *keys)
{
    struct run run = {crypto, names, share_p, share_v.data, secret->w0, {0}, {0}};
    struct kp_point *difference = NULL;
    struct kp_point *w0_n;
    int err = prepare(&w0_n, crypto, big_n, secret->w0);

    if (err == 0)
        err = kp_point_new_minus(&difference, crypto, share_v.data, share_v.len, w0_n);
    if (err == 0)
        err = kp_point_mul(crypto, difference, x, run.z);
    if (err == 0)
        err = kp_point_mul(crypto, difference, secret->w1, run.v);
    if (err == 0)
        err = make_keys(&run, keys);
    kp_point_free(difference);
    kp_point_free(w0_n);
    kp_wipe(&run, sizeof(run));
    return err;
}
