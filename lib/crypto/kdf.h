/*
 * Key derivation: HKDF (RFC 5869), TLS 1.3's use of it, and scrypt.  Part of the provider: see
 * provider.h.
 *
 * HKDF works on an HMAC of the caller's, which it keys anew as it needs: one for a whole key
 * schedule, never shared by threads.  Its hash is HKDF's hash; what key it had is lost.  Every
 * input key and every output is secret.
 */
#ifndef KP_CRYPTO_KDF_H
#define KP_CRYPTO_KDF_H

#include "crypto/provider.h"

/* out: the hash's length.  An empty salt stands for as many zeros (RFC 5869 2.2). */
int kp_hkdf_extract(struct kp_mac *mac, struct kp_span salt, struct kp_span input,
                    uint8_t *out) KP_MUST_CHECK;
/* info: up to 4 parts, one after the other.  out_len up to 255 times the hash's length. */
int kp_hkdf_expand(struct kp_mac *mac, struct kp_span key, const struct kp_span *info, size_t count,
                   uint8_t *out, size_t out_len) KP_MUST_CHECK;
/* HKDF-Expand-Label (RFC 8446 7.1).  label without "tls13 ", up to 249 bytes; context up to 255. */
int kp_hkdf_expand_label(struct kp_mac *mac, struct kp_span key, struct kp_span label,
                         struct kp_span context, uint8_t *out, size_t out_len) KP_MUST_CHECK;

/* RFC 7914.  Takes 128 * n * r bytes of memory meanwhile.  KP_E_MEMORY or KP_E_CRYPTO. */
int kp_scrypt(struct kp_span password, struct kp_span salt, uint32_t n, uint32_t r, uint32_t p,
              uint8_t *out, size_t out_len) KP_MUST_CHECK;

#endif
