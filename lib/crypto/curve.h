/*
 * The curve P-256 (secp256r1), as SPAKE2+ needs it: secret scalars, points off the wire, and points
 * prepared once for many runs.  Part of the provider: see provider.h.
 *
 * A scalar is 32 bytes, big-endian, in 1..n-1, n being the group's order.  A point on the wire is
 * 65 bytes, uncompressed (SEC 1, 2.3.3): no other form is taken or made, and never the point at
 * infinity.  Every scalar and every prepared point is secret.
 */
#ifndef KP_CRYPTO_CURVE_H
#define KP_CRYPTO_CURVE_H

#include "crypto/provider.h"

#define KP_SCALAR_LEN 32
#define KP_POINT_LEN 65

/* A scalar from the context's random source, each with the same chance. */
int kp_scalar_random(const struct kp_crypto *crypto,
                     uint8_t out[static KP_SCALAR_LEN]) KP_MUST_CHECK;
/* Whether 32 bytes are a scalar, in constant time. */
bool kp_scalar_valid(const uint8_t in[static KP_SCALAR_LEN]);
/* in[len] modulo n; len up to 64.  KP_E_CRYPTO when that is 0. */
int kp_scalar_reduce(const struct kp_crypto *crypto, const uint8_t *in, size_t len,
                     uint8_t out[static KP_SCALAR_LEN]) KP_MUST_CHECK;

/* A point, decoded; immutable, shared by threads.  Must not outlive the context. */
struct kp_point;
/* From the wire (hostile).  KP_E_ILLEGAL: not 65 bytes, no 04 in front, a coordinate not less than
 * p, or not on the curve. */
int kp_point_new(struct kp_point **out, const struct kp_crypto *crypto, const uint8_t *in,
                 size_t len) KP_MUST_CHECK;
/* scalar * point, to be added to and subtracted from others. */
int kp_point_new_mul(struct kp_point **out, const struct kp_crypto *crypto,
                     const struct kp_point *point,
                     const uint8_t scalar[static KP_SCALAR_LEN]) KP_MUST_CHECK;
/* The point in[len] (as kp_point_new) - minus, which kp_point_new_mul made.  KP_E_ILLEGAL also when
 * that is infinity. */
int kp_point_new_minus(struct kp_point **out, const struct kp_crypto *crypto, const uint8_t *in,
                       size_t len, const struct kp_point *minus) KP_MUST_CHECK;
/* Wipes. */
void kp_point_free(struct kp_point *point);

/* out = scalar * G, + plus if that is not NULL.  KP_E_ILLEGAL when it is infinity. */
int kp_point_base_mul(const struct kp_crypto *crypto, const uint8_t scalar[static KP_SCALAR_LEN],
                      const struct kp_point *plus, uint8_t out[static KP_POINT_LEN]) KP_MUST_CHECK;
/* out = scalar * point. */
int kp_point_mul(const struct kp_crypto *crypto, const struct kp_point *point,
                 const uint8_t scalar[static KP_SCALAR_LEN],
                 uint8_t out[static KP_POINT_LEN]) KP_MUST_CHECK;

#endif
