/*
 * Authenticated encryption with a key that is set once (RFC 5116, RFC 8439).  Part of the provider:
 * see provider.h.
 */
#ifndef KP_CRYPTO_AEAD_H
#define KP_CRYPTO_AEAD_H

#include "crypto/provider.h"

#define KP_AEAD_KEY_MAX 32
#define KP_AEAD_NONCE_LEN 12
#define KP_AEAD_TAG_LEN 16

enum kp_aead_id { KP_AEAD_AES_128_GCM, KP_AEAD_AES_256_GCM, KP_AEAD_CHACHA20_POLY1305 };

size_t kp_aead_key_len(enum kp_aead_id id);
/* Whether the crypto library has it: AES-GCM always. */
bool kp_aead_available(const struct kp_crypto *crypto, enum kp_aead_id id);

/* One direction of one key.  key: kp_aead_key_len() bytes.  KP_E_CRYPTO when it isn't available. */
struct kp_aead;
int kp_aead_new(struct kp_aead **out, const struct kp_crypto *crypto, enum kp_aead_id id,
                const uint8_t *key, bool sealing) KP_MUST_CHECK;
/* Seals all parts, one after the other: out has 16 bytes more than they.  A nonce is never used
 * twice: the caller's duty.  out may be where a single part stands, else apart. */
int kp_aead_seal(struct kp_aead *aead, const uint8_t nonce[static KP_AEAD_NONCE_LEN],
                 struct kp_span ad, const struct kp_span *parts, size_t count,
                 uint8_t *out) KP_MUST_CHECK;
/* len counts the tag; out has len - 16 bytes, the same place or apart.  KP_E_RECORD_MAC when it
 * doesn't verify, and out is wiped. */
int kp_aead_open(struct kp_aead *aead, const uint8_t nonce[static KP_AEAD_NONCE_LEN],
                 struct kp_span ad, const uint8_t *in, size_t len, uint8_t *out) KP_MUST_CHECK;
void kp_aead_free(struct kp_aead *aead);

#endif
