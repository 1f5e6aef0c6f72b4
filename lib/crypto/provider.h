/*
 * The one door to cryptographic primitives.  Nothing outside lib/crypto includes a crypto library;
 * another library is another set of .c files behind this header and those that stand on it: aead.h,
 * curve.h, exchange.h and kdf.h.
 *
 * Numbers are big-endian bytes of a stated length.  All functions that return int give 0 or a
 * negative enum kp_error (KP_E_MEMORY, KP_E_CRYPTO).  _free wipes what is secret; NULL is fine.
 */
#ifndef KP_CRYPTO_PROVIDER_H
#define KP_CRYPTO_PROVIDER_H

#include <keyplate/keyplate.h>

#define KP_SHA1_LEN 20
#define KP_SHA256_LEN 32
#define KP_SHA384_LEN 48
#define KP_HASH_MAX 48
#define KP_AES_BLOCK 16
#define KP_AES_KEY_MAX 32
#define KP_GCM_KEY_LEN 32
#define KP_GCM_NONCE_LEN 12
#define KP_GCM_TAG_LEN 16

/* A run of bytes that somebody else owns. */
struct kp_span {
    const uint8_t *data;
    size_t len;
};

/* Algorithms looked up once, and the random source: shared by threads, immutable. */
struct kp_crypto;
int kp_crypto_new(struct kp_crypto **out, kp_random_fn *random, void *random_arg) KP_MUST_CHECK;
void kp_crypto_free(struct kp_crypto *crypto);

int kp_random(const struct kp_crypto *crypto, uint8_t *out, size_t len) KP_MUST_CHECK;

/* ---- Hashes ------------------------------------------------------------------------------ */

enum kp_hash_id { KP_HASH_SHA1, KP_HASH_SHA256, KP_HASH_SHA384 };

size_t kp_hash_len(enum kp_hash_id id);
/* out: kp_hash_len(id) bytes of the hash of all parts, one after the other. */
int kp_digest(const struct kp_crypto *crypto, enum kp_hash_id id, const struct kp_span *parts,
              size_t count, uint8_t *out) KP_MUST_CHECK;
/* HMAC (RFC 2104) over all parts; key secret. */
int kp_hmac(const struct kp_crypto *crypto, enum kp_hash_id id, struct kp_span key,
            const struct kp_span *parts, size_t count, uint8_t *out) KP_MUST_CHECK;

/* A hash that goes on. */
struct kp_hash;
int kp_hash_new(struct kp_hash **out, const struct kp_crypto *crypto,
                enum kp_hash_id id) KP_MUST_CHECK;
int kp_hash_update(struct kp_hash *hash, const uint8_t *data, size_t len) KP_MUST_CHECK;
/* The digest so far; the hash can go on. */
int kp_hash_peek(const struct kp_hash *hash, uint8_t *out) KP_MUST_CHECK;
/* The same as if data had been there too. */
int kp_hash_peek_with(const struct kp_hash *hash, const uint8_t *data, size_t len,
                      uint8_t *out) KP_MUST_CHECK;
void kp_hash_free(struct kp_hash *hash);

/* ---- Records ----------------------------------------------------------------------------- */

/* An HMAC key made ready for many messages. */
struct kp_mac;
int kp_mac_new(struct kp_mac **out, const struct kp_crypto *crypto, enum kp_hash_id id,
               struct kp_span key) KP_MUST_CHECK;
int kp_mac_run(struct kp_mac *mac, const struct kp_span *parts, size_t count,
               uint8_t *out) KP_MUST_CHECK;
/* The same hash, another key (not NULL). */
int kp_mac_rekey(struct kp_mac *mac, struct kp_span key) KP_MUST_CHECK;
size_t kp_mac_len(const struct kp_mac *mac); /* bytes of out */
void kp_mac_free(struct kp_mac *mac);

/* AES-CBC without padding, one direction.  key.len 16 or 32. */
struct kp_cbc;
int kp_cbc_new(struct kp_cbc **out, const struct kp_crypto *crypto, struct kp_span key,
               bool encrypt) KP_MUST_CHECK;
/* A new IV (16 bytes), then runs that continue from block to block; len a multiple of 16; out and
 * in the same or apart. */
int kp_cbc_start(struct kp_cbc *cbc, const uint8_t iv[static KP_AES_BLOCK]) KP_MUST_CHECK;
int kp_cbc_run(struct kp_cbc *cbc, const uint8_t *in, size_t len, uint8_t *out) KP_MUST_CHECK;
void kp_cbc_free(struct kp_cbc *cbc);

/* AES-256-GCM in one call.  seal: out has len + 16 bytes.  open: len counts the tag;
 * KP_E_RECORD_MAC when it doesn't verify, and out is wiped. */
int kp_gcm_seal(const struct kp_crypto *crypto, const uint8_t key[static KP_GCM_KEY_LEN],
                const uint8_t nonce[static KP_GCM_NONCE_LEN], struct kp_span ad, const uint8_t *in,
                size_t len, uint8_t *out) KP_MUST_CHECK;
int kp_gcm_open(const struct kp_crypto *crypto, const uint8_t key[static KP_GCM_KEY_LEN],
                const uint8_t nonce[static KP_GCM_NONCE_LEN], struct kp_span ad, const uint8_t *in,
                size_t len, uint8_t *out) KP_MUST_CHECK;

/* ---- Arithmetic modulo an odd number ------------------------------------------------------- */

#define KP_MOD_MAX 1024 /* bytes: 8192 bits */

/* A modulus made ready; immutable, shared by threads.  Every residue below is exactly
 * kp_mod_len() bytes, big-endian, and less than the modulus. */
struct kp_mod;
int kp_mod_new(struct kp_mod **out, const uint8_t *modulus, size_t len) KP_MUST_CHECK;
void kp_mod_free(struct kp_mod *mod);
size_t kp_mod_len(const struct kp_mod *mod);

/* Pads in[len] to a residue.  KP_E_SHARE when it is 0, not less than the modulus, or longer: out is
 * then not to be used.  Time depends on len alone, if that isn't more than kp_mod_len(). */
int kp_mod_residue(const struct kp_mod *mod, const uint8_t *in, size_t len,
                   uint8_t *out) KP_MUST_CHECK;
/* out = base ^ exponent.  Exponent and base secret: time depends on their lengths alone. */
int kp_mod_exp(const struct kp_mod *mod, const uint8_t *base, const uint8_t *exponent,
               size_t exponent_len, uint8_t *out) KP_MUST_CHECK;
int kp_mod_mul(const struct kp_mod *mod, const uint8_t *a, const uint8_t *b,
               uint8_t *out) KP_MUST_CHECK;
int kp_mod_add(const struct kp_mod *mod, const uint8_t *a, const uint8_t *b,
               uint8_t *out) KP_MUST_CHECK;
int kp_mod_sub(const struct kp_mod *mod, const uint8_t *a, const uint8_t *b,
               uint8_t *out) KP_MUST_CHECK;
/* out = a * base ^ exponent; the exponent is public and a table for it may be NULL. */
struct kp_comb;
int kp_mod_mul_exp_public(const struct kp_mod *mod, const uint8_t *a, const uint8_t *base,
                          const struct kp_comb *table, const uint8_t *exponent, size_t exponent_len,
                          uint8_t *out) KP_MUST_CHECK;

/* A table of powers of one base, for exponents of up to 8 * exponent_len bits. */
int kp_comb_new(struct kp_comb **out, const struct kp_mod *mod, const uint8_t *base,
                size_t exponent_len) KP_MUST_CHECK;
void kp_comb_free(struct kp_comb *table);
size_t kp_comb_bytes(const struct kp_comb *table); /* memory it holds */
/* out = base ^ exponent, exponent secret: every entry of a row is read whatever the digit is. */
int kp_comb_exp(const struct kp_comb *table, const uint8_t *exponent, size_t exponent_len,
                uint8_t *out) KP_MUST_CHECK;

/* Integers: out[out_len] = a + b * c, all secret.  KP_E_CRYPTO when it doesn't fit. */
int kp_int_mul_add(struct kp_span a, struct kp_span b, struct kp_span c, uint8_t *out,
                   size_t out_len) KP_MUST_CHECK;

#endif
