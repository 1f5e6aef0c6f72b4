/*
 * The provider, wrapped: see shim.h.
 */
#include "shim.h"

#include "crypto/aead.h"
#include "crypto/curve.h"
#include "crypto/exchange.h"
#include "crypto/kdf.h"
#include "key/keys12.h"

#include <stdlib.h>

static struct kp_span plain(struct kp_span s)
{
    return (struct kp_span){ct_copy(s.data, s.len), s.len};
}

/* The parts, copied, in an array that is a copy too. */
static const struct kp_span *plain_all(const struct kp_span *parts, size_t count)
{
    struct kp_span *all = (struct kp_span *)(uintptr_t)ct_copy(parts, count * sizeof(*parts));

    for (size_t i = 0; i < count; i++)
        all[i] = plain(parts[i]);
    return all;
}

/* ---- Random bytes ------------------------------------------------------------------------ */

/* Names of ticket keys, nonces, IVs and ticket_age_add go out as they are; everything else is an
 * exponent, a key or a seed, or is made public by whoever sends it. */
static bool public_random(size_t len)
{
    return len == 4 || len == KP_GCM_NONCE_LEN || len == KP_AES_BLOCK;
}

CT_WRAP(int, kp_random, const struct kp_crypto *crypto, uint8_t *out, size_t len)
{
    int err = __real_kp_random(crypto, out, len);

    if (!public_random(len))
        ct_secret(out, len);
    return err;
}

/* ---- Hashes ------------------------------------------------------------------------------ */

CT_WRAP(int, kp_digest, const struct kp_crypto *crypto, enum kp_hash_id id,
        const struct kp_span *parts, size_t count, uint8_t *out)
{
    unsigned mark = ct_copies();
    int err = __real_kp_digest(crypto, id, plain_all(parts, count), count, out);

    ct_secret(out, kp_hash_len(id));
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_hmac, const struct kp_crypto *crypto, enum kp_hash_id id, struct kp_span key,
        const struct kp_span *parts, size_t count, uint8_t *out)
{
    unsigned mark = ct_copies();

    ct_saw(CT_KEYS, key.data, key.len);
    int err = __real_kp_hmac(crypto, id, plain(key), plain_all(parts, count), count, out);
    ct_secret(out, kp_hash_len(id));
    ct_drop(mark);
    return err;
}

/* Of messages, which are public: so is the hash. */
CT_WRAP(int, kp_hash_update, struct kp_hash *hash, const uint8_t *data, size_t len)
{
    unsigned mark = ct_copies();
    int err = __real_kp_hash_update(hash, ct_copy(data, len), len);

    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_hash_peek_with, const struct kp_hash *hash, const uint8_t *data, size_t len,
        uint8_t *out)
{
    unsigned mark = ct_copies();
    int err = __real_kp_hash_peek_with(hash, ct_copy(data, len), len, out);

    ct_drop(mark);
    return err;
}

/* ---- MACs and ciphers -------------------------------------------------------------------- */

CT_WRAP(int, kp_mac_new, struct kp_mac **out, const struct kp_crypto *crypto, enum kp_hash_id id,
        struct kp_span key)
{
    unsigned mark = ct_copies();

    ct_saw(CT_KEYS, key.data, key.len);
    int err = __real_kp_mac_new(out, crypto, id, plain(key));
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_mac_rekey, struct kp_mac *mac, struct kp_span key)
{
    unsigned mark = ct_copies();

    ct_saw(CT_KEYS, key.data, key.len);
    int err = __real_kp_mac_rekey(mac, plain(key));
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_mac_run, struct kp_mac *mac, const struct kp_span *parts, size_t count,
        uint8_t *out)
{
    unsigned mark = ct_copies();
    int err = __real_kp_mac_run(mac, plain_all(parts, count), count, out);

    ct_secret(out, kp_mac_len(mac));
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_cbc_new, struct kp_cbc **out, const struct kp_crypto *crypto, struct kp_span key,
        bool encrypt)
{
    unsigned mark = ct_copies();

    ct_saw(CT_KEYS, key.data, key.len);
    int err = __real_kp_cbc_new(out, crypto, plain(key), encrypt);
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_cbc_start, struct kp_cbc *cbc, const uint8_t *iv)
{
    unsigned mark = ct_copies();
    int err = __real_kp_cbc_start(cbc, ct_copy(iv, KP_AES_BLOCK));

    ct_drop(mark);
    return err;
}

/* Padding is public once the MAC was right, which is checked first: RFC 7366 3.  The content stays
 * secret; and of a ciphertext, which is public, nobody minds. */
CT_WRAP(int, kp_cbc_run, struct kp_cbc *cbc, const uint8_t *in, size_t len, uint8_t *out)
{
    unsigned mark = ct_copies();

    ct_saw(CT_SEALED, in, len);
    int err = __real_kp_cbc_run(cbc, ct_copy(in, len), len, out);
    size_t padding = len > 0 ? out[len - 1] + 1u : 0;
    ct_secret(out, len);
    if (padding <= len)
        ct_public(out + len - padding, padding);
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_gcm_seal, const struct kp_crypto *crypto, const uint8_t *key, const uint8_t *nonce,
        struct kp_span ad, const uint8_t *in, size_t len, uint8_t *out)
{
    unsigned mark = ct_copies();

    ct_saw(CT_KEYS, key, KP_GCM_KEY_LEN);
    int err =
        __real_kp_gcm_seal(crypto, ct_copy(key, KP_GCM_KEY_LEN), ct_copy(nonce, KP_GCM_NONCE_LEN),
                           plain(ad), ct_copy(in, len), len, out);
    ct_drop(mark);
    return err;
}

/* A ticket's state: version, suite, time and name tell nothing; master secret and binding are
 * behind them. */
CT_WRAP(int, kp_gcm_open, const struct kp_crypto *crypto, const uint8_t *key, const uint8_t *nonce,
        struct kp_span ad, const uint8_t *in, size_t len, uint8_t *out)
{
    const size_t secret = KP_MASTER_LEN + KP_SHA256_LEN;
    unsigned mark = ct_copies();

    ct_saw(CT_KEYS, key, KP_GCM_KEY_LEN);
    int err =
        __real_kp_gcm_open(crypto, ct_copy(key, KP_GCM_KEY_LEN), ct_copy(nonce, KP_GCM_NONCE_LEN),
                           plain(ad), ct_copy(in, len), len, out);
    if (err == 0 && len >= secret + KP_GCM_TAG_LEN)
        ct_secret(out + len - KP_GCM_TAG_LEN - secret, secret);
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_aead_new, struct kp_aead **out, const struct kp_crypto *crypto, enum kp_aead_id id,
        const uint8_t *key, bool sealing)
{
    unsigned mark = ct_copies();

    ct_saw(CT_KEYS, key, kp_aead_key_len(id));
    int err = __real_kp_aead_new(out, crypto, id, ct_copy(key, kp_aead_key_len(id)), sealing);
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_aead_seal, struct kp_aead *aead, const uint8_t *nonce, struct kp_span ad,
        const struct kp_span *parts, size_t count, uint8_t *out)
{
    unsigned mark = ct_copies();

    for (size_t i = 0; i < count; i++)
        ct_saw(CT_SEALED, parts[i].data, parts[i].len);
    int err = __real_kp_aead_seal(aead, ct_copy(nonce, KP_AEAD_NONCE_LEN), plain(ad),
                                  plain_all(parts, count), count, out);
    ct_drop(mark);
    return err;
}

/* What is behind the content (its type, and zeros) is public; the content is not. */
CT_WRAP(int, kp_aead_open, struct kp_aead *aead, const uint8_t *nonce, struct kp_span ad,
        const uint8_t *in, size_t len, uint8_t *out)
{
    unsigned mark = ct_copies();
    int err = __real_kp_aead_open(aead, ct_copy(nonce, KP_AEAD_NONCE_LEN), plain(ad),
                                  ct_copy(in, len), len, out);
    size_t content = err == 0 ? len - KP_AEAD_TAG_LEN : 0;

    while (content > 0 && out[content - 1] == 0)
        content--;
    if (content > 0)
        ct_secret(out, content - 1);
    ct_drop(mark);
    return err;
}

/* ---- Key derivation ---------------------------------------------------------------------- */

/* HKDF is our own and is judged.  scrypt isn't: a small one does as well here. */
CT_WRAP(int, kp_scrypt, struct kp_span password, struct kp_span salt, uint32_t n, uint32_t r,
        uint32_t p, uint8_t *out, size_t out_len)
{
    unsigned mark = ct_copies();

    (void)n;
    ct_saw(CT_PASSWORDS, password.data, password.len);
    int err = __real_kp_scrypt(plain(password), plain(salt), 16, r, p, out, out_len);
    ct_secret(out, out_len);
    ct_drop(mark);
    return err;
}

/* ---- Arithmetic modulo N ------------------------------------------------------------------- */

CT_WRAP(int, kp_mod_exp, const struct kp_mod *mod, const uint8_t *base, const uint8_t *exponent,
        size_t exponent_len, uint8_t *out)
{
    unsigned mark = ct_copies();

    ct_saw(CT_EXPONENTS, exponent, exponent_len);
    int err = __real_kp_mod_exp(mod, ct_copy(base, kp_mod_len(mod)),
                                ct_copy(exponent, exponent_len), exponent_len, out);
    ct_secret(out, kp_mod_len(mod));
    ct_drop(mark);
    return err;
}

typedef int binary_fn(const struct kp_mod *mod, const uint8_t *a, const uint8_t *b, uint8_t *out);

static int binary(binary_fn *real, const struct kp_mod *mod, const uint8_t *a, const uint8_t *b,
                  uint8_t *out)
{
    size_t len = kp_mod_len(mod);
    unsigned mark = ct_copies();
    int err = real(mod, ct_copy(a, len), ct_copy(b, len), out);

    ct_secret(out, len);
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_mod_mul, const struct kp_mod *mod, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    return binary(__real_kp_mod_mul, mod, a, b, out);
}

CT_WRAP(int, kp_mod_add, const struct kp_mod *mod, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    return binary(__real_kp_mod_add, mod, a, b, out);
}

CT_WRAP(int, kp_mod_sub, const struct kp_mod *mod, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    return binary(__real_kp_mod_sub, mod, a, b, out);
}

CT_WRAP(int, kp_mod_mul_exp_public, const struct kp_mod *mod, const uint8_t *a, const uint8_t *base,
        const struct kp_comb *table, const uint8_t *exponent, size_t exponent_len, uint8_t *out)
{
    size_t len = kp_mod_len(mod);
    unsigned mark = ct_copies();
    int err = __real_kp_mod_mul_exp_public(mod, ct_copy(a, len), ct_copy(base, len), table,
                                           ct_copy(exponent, exponent_len), exponent_len, out);

    ct_secret(out, len);
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_comb_new, struct kp_comb **out, const struct kp_mod *mod, const uint8_t *base,
        size_t exponent_len)
{
    unsigned mark = ct_copies();
    int err = __real_kp_comb_new(out, mod, ct_copy(base, kp_mod_len(mod)), exponent_len);

    ct_drop(mark);
    return err;
}

/* The table is read by code of ours: it gets the exponent as secret as it is, and the crypto
 * library's part alone is spared (BN_lebin2bn, below). */
CT_WRAP(int, kp_comb_exp, const struct kp_comb *table, const uint8_t *exponent, size_t exponent_len,
        uint8_t *out)
{
    ct_saw(CT_EXPONENTS, exponent, exponent_len);
    int err = __real_kp_comb_exp(table, exponent, exponent_len, out);
    /* Of g to a secret power; the only caller makes a share of it. */
    return err;
}

struct bignum_st;
CT_WRAP(struct bignum_st *, BN_lebin2bn, const unsigned char *in, int len, struct bignum_st *to)
{
    unsigned mark = ct_copies();
    struct bignum_st *r = __real_BN_lebin2bn(ct_copy(in, (size_t)len), len, to);

    ct_drop(mark);
    return r;
}

CT_WRAP(int, kp_int_mul_add, struct kp_span a, struct kp_span b, struct kp_span c, uint8_t *out,
        size_t out_len)
{
    unsigned mark = ct_copies();
    int err = __real_kp_int_mul_add(plain(a), plain(b), plain(c), out, out_len);

    ct_secret(out, out_len);
    ct_drop(mark);
    return err;
}

/* ---- Points ------------------------------------------------------------------------------ */

/* That one draw was no scalar tells nothing of the next. */
CT_WRAP(int, kp_scalar_random, const struct kp_crypto *crypto, uint8_t *out)
{
    ct_aside(true);
    int err = __real_kp_scalar_random(crypto, out);
    ct_aside(false);
    ct_secret(out, KP_SCALAR_LEN);
    return err;
}

CT_WRAP(int, kp_scalar_reduce, const struct kp_crypto *crypto, const uint8_t *in, size_t len,
        uint8_t *out)
{
    unsigned mark = ct_copies();
    int err = __real_kp_scalar_reduce(crypto, ct_copy(in, len), len, out);

    ct_secret(out, KP_SCALAR_LEN);
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_point_new, struct kp_point **out, const struct kp_crypto *crypto, const uint8_t *in,
        size_t len)
{
    unsigned mark = ct_copies();
    int err = __real_kp_point_new(out, crypto, ct_copy(in, len), len);

    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_point_new_mul, struct kp_point **out, const struct kp_crypto *crypto,
        const struct kp_point *point, const uint8_t *scalar)
{
    unsigned mark = ct_copies();

    ct_saw(CT_SCALARS, scalar, KP_SCALAR_LEN);
    ct_aside(true);
    int err = __real_kp_point_new_mul(out, crypto, point, ct_copy(scalar, KP_SCALAR_LEN));
    ct_aside(false);
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_point_new_minus, struct kp_point **out, const struct kp_crypto *crypto,
        const uint8_t *in, size_t len, const struct kp_point *minus)
{
    unsigned mark = ct_copies();
    int err = __real_kp_point_new_minus(out, crypto, ct_copy(in, len), len, minus);

    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_point_base_mul, const struct kp_crypto *crypto, const uint8_t *scalar,
        const struct kp_point *plus, uint8_t *out)
{
    unsigned mark = ct_copies();

    ct_saw(CT_SCALARS, scalar, KP_SCALAR_LEN);
    int err = __real_kp_point_base_mul(crypto, ct_copy(scalar, KP_SCALAR_LEN), plus, out);
    ct_secret(out, KP_POINT_LEN);
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_point_mul, const struct kp_crypto *crypto, const struct kp_point *point,
        const uint8_t *scalar, uint8_t *out)
{
    unsigned mark = ct_copies();

    ct_saw(CT_SCALARS, scalar, KP_SCALAR_LEN);
    int err = __real_kp_point_mul(crypto, point, ct_copy(scalar, KP_SCALAR_LEN), out);
    ct_secret(out, KP_POINT_LEN);
    ct_drop(mark);
    return err;
}

/* ---- Key agreement: the provider's whole business, its shares public ------------------------- */

CT_WRAP(int, kp_exchange_new, struct kp_exchange **out, const struct kp_crypto *crypto,
        uint16_t group, uint8_t *offer)
{
    ct_aside(true);
    int err = __real_kp_exchange_new(out, crypto, group, offer);
    ct_aside(false);
    return err;
}

static void agreed(const struct kp_crypto *crypto, uint16_t group, uint8_t *secret)
{
    struct kp_exchange_lens lens;

    if (kp_exchange_lens(crypto, group, &lens))
        ct_secret(secret, lens.secret);
}

CT_WRAP(int, kp_exchange_finish, const struct kp_exchange *exchange, const struct kp_crypto *crypto,
        struct kp_span answer, uint8_t *secret)
{
    ct_aside(true);
    int err = __real_kp_exchange_finish(exchange, crypto, answer, secret);
    ct_aside(false);
    agreed(crypto, kp_exchange_group(exchange), secret);
    return err;
}

CT_WRAP(int, kp_exchange_answer, const struct kp_crypto *crypto, uint16_t group,
        struct kp_span offer, uint8_t *answer, uint8_t *secret)
{
    ct_aside(true);
    int err = __real_kp_exchange_answer(crypto, group, offer, answer, secret);
    ct_aside(false);
    agreed(crypto, group, secret);
    return err;
}
