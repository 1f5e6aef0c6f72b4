/*
 * SPAKE2+ (RFC 9383) over P-256 with SHA-256, HKDF and HMAC: arithmetic only.  Knows no message and
 * no record.
 *
 *      w0, w1 of the password    L = w1 P
 *      X = x P + w0 M            Y = y P + w0 N
 *      Z = y (X - w0 M) = x (Y - w0 N)         V = y L = w1 (Y - w0 N)
 *      K_main = SHA256(TT), TT holding context, both names, M, N, X, Y, Z, V and w0
 *
 * The prover knows the password; the verifier has w0 and L.  X is shareP, Y is shareV: points as
 * they stand on the wire.  Secret: password, w0, w1, L, x, y, and all that is made of Z and V but
 * confirmV.
 */
#ifndef KP_PAKE_SPAKE2PLUS_H
#define KP_PAKE_SPAKE2PLUS_H

#include "crypto/curve.h"

#define KP_SPAKE2PLUS_CONFIRM_LEN 32
#define KP_SPAKE2PLUS_SHARED_LEN 32

/* What both sides must have alike besides the password.  Not secret; each may be empty. */
struct kp_spake2plus_names {
    struct kp_span context;
    struct kp_span prover;   /* client_identity in TLS: the user */
    struct kp_span verifier; /* server_identity in TLS: the device id */
};

/* ---- Registration ------------------------------------------------------------------------ */

/* What a prover needs of a password; secret. */
struct kp_spake2plus_secret {
    uint8_t w0[KP_SCALAR_LEN];
    uint8_t w1[KP_SCALAR_LEN];
};
/* scrypt, N = 32768, r = 8, p = 1: 32 MiB and a tenth of a second.  The context takes no part. */
int kp_spake2plus_stretch(const struct kp_crypto *crypto, struct kp_span password,
                          const struct kp_spake2plus_names *names,
                          struct kp_spake2plus_secret *out) KP_MUST_CHECK;
/* L = w1 P, which a verifier keeps beside w0. */
int kp_spake2plus_make_l(const struct kp_crypto *crypto, const uint8_t w1[static KP_SCALAR_LEN],
                         uint8_t out[static KP_POINT_LEN]) KP_MUST_CHECK;

/* ---- Runs -------------------------------------------------------------------------------- */

/* What a run ends with. */
struct kp_spake2plus_keys {
    uint8_t confirm_p[KP_SPAKE2PLUS_CONFIRM_LEN]; /* the prover's MAC over Y */
    uint8_t confirm_v[KP_SPAKE2PLUS_CONFIRM_LEN]; /* the verifier's MAC over X */
    uint8_t shared[KP_SPAKE2PLUS_SHARED_LEN];     /* K_shared */
};

/* A user's w0 and L made ready: w0 M, w0 N and L as points.  Immutable, shared by threads.  Must
 * not outlive the context. */
struct kp_spake2plus_verifier;
/* KP_E_SHARE: w0 is not in 1..n-1 or L is not a point. */
int kp_spake2plus_verifier_new(struct kp_spake2plus_verifier **out, const struct kp_crypto *crypto,
                               const uint8_t w0[static KP_SCALAR_LEN],
                               const uint8_t l[static KP_POINT_LEN]) KP_MUST_CHECK;
/* Of nobody's password, for simulated users: it does the work of a real one. */
int kp_spake2plus_verifier_fake(struct kp_spake2plus_verifier **out,
                                const struct kp_crypto *crypto) KP_MUST_CHECK;
void kp_spake2plus_verifier_free(struct kp_spake2plus_verifier *verifier);

/* The verifier's whole run.  y: fresh, of kp_scalar_random.  share_p as it came (hostile):
 * KP_E_ILLEGAL when it is not a point or is w0 M.  Gives Y and the keys. */
int kp_spake2plus_verifier_run(const struct kp_spake2plus_verifier *verifier,
                               const struct kp_crypto *crypto,
                               const struct kp_spake2plus_names *names,
                               const uint8_t y[static KP_SCALAR_LEN], struct kp_span share_p,
                               uint8_t share_v[static KP_POINT_LEN],
                               struct kp_spake2plus_keys *keys) KP_MUST_CHECK;

/* The prover's first half: X.  x: fresh, of kp_scalar_random. */
int kp_spake2plus_prover_share(const struct kp_crypto *crypto,
                               const struct kp_spake2plus_secret *secret,
                               const uint8_t x[static KP_SCALAR_LEN],
                               uint8_t share_p[static KP_POINT_LEN]) KP_MUST_CHECK;
/* Its second half.  share_v as it came (hostile): KP_E_ILLEGAL when it is not a point or is w0 N.
 * The caller compares confirm_v (kp_equal_secret) before anything else of keys is used. */
int kp_spake2plus_prover_finish(const struct kp_crypto *crypto,
                                const struct kp_spake2plus_secret *secret,
                                const struct kp_spake2plus_names *names,
                                const uint8_t x[static KP_SCALAR_LEN],
                                const uint8_t share_p[static KP_POINT_LEN], struct kp_span share_v,
                                struct kp_spake2plus_keys *keys) KP_MUST_CHECK;

#endif
