/*
 * SRP-6a as TLS uses it (RFC 5054, RFC 2945): arithmetic only.  Knows no message and no record.
 *
 *      x = SHA1(salt | SHA1(name | ":" | password))    v = g^x        k = SHA1(N | PAD(g))
 *      A = g^a     B = k v + g^b                       u = SHA1(PAD(A) | PAD(B))
 *      S = (A v^u)^b = (B - k g^x)^(a + u x)           all modulo N
 *
 * Every public value is a residue: the length of N, big-endian, padded with zeros (PAD of RFC 5054
 * 2.1).  Secret: password, inner, x, a, b, v, S.
 */
#ifndef KP_PAKE_SRP_H
#define KP_PAKE_SRP_H

#include "crypto/provider.h"
#include "pake/srp_groups.h"

#define KP_SRP_INNER_LEN 20    /* SHA1(name ":" password) */
#define KP_SRP_EXPONENT_LEN 32 /* bytes of a and b: 256 bits, RFC 5054 3.1 */

/* A group made ready.  Immutable, shared by threads. */
struct kp_srp_group;
/* server: also prepares the table for g^b. */
int kp_srp_group_new(struct kp_srp_group **out, const struct kp_crypto *crypto,
                     const struct kp_srp_group_id *id, bool server) KP_MUST_CHECK;
void kp_srp_group_free(struct kp_srp_group *group);
const struct kp_srp_group_id *kp_srp_group_identity(const struct kp_srp_group *group);
size_t kp_srp_len(const struct kp_srp_group *group); /* bytes of N */
const struct kp_mod *kp_srp_mod(const struct kp_srp_group *group);

/* SHA1(name ":" password). */
int kp_srp_inner(const struct kp_crypto *crypto, struct kp_span name, struct kp_span password,
                 uint8_t out[static KP_SRP_INNER_LEN]) KP_MUST_CHECK;
/* v of a salt and an inner hash: kp_srp_len() bytes. */
int kp_srp_make_verifier(const struct kp_srp_group *group, const struct kp_crypto *crypto,
                         struct kp_span salt, const uint8_t inner[static KP_SRP_INNER_LEN],
                         uint8_t *v) KP_MUST_CHECK;
/* v of nobody's password, for simulated users: g to a secret random power. */
int kp_srp_fake_verifier(const struct kp_srp_group *group, const struct kp_crypto *crypto,
                         uint8_t *v) KP_MUST_CHECK;

/* A user's v made ready for handshakes: k v, and with table a table for v^u.  Borrows the group.
 * KP_E_SHARE: v is not in 1..N-1. */
struct kp_srp_verifier;
int kp_srp_verifier_new(struct kp_srp_verifier **out, const struct kp_srp_group *group,
                        const uint8_t *v, size_t v_len, bool table) KP_MUST_CHECK;
void kp_srp_verifier_free(struct kp_srp_verifier *verifier);
const struct kp_srp_group *kp_srp_verifier_group(const struct kp_srp_verifier *verifier);
/* v as kp_srp_len() bytes: secret. */
const uint8_t *kp_srp_verifier_value(const struct kp_srp_verifier *verifier);

/* Server.  b: fresh random bytes.  B has kp_srp_len() bytes. */
int kp_srp_server_share(const struct kp_srp_verifier *verifier,
                        const uint8_t b[static KP_SRP_EXPONENT_LEN], uint8_t *big_b) KP_MUST_CHECK;
/* A is a residue (kp_mod_residue checked it).  S has kp_srp_len() bytes. */
int kp_srp_server_secret(const struct kp_srp_verifier *verifier, const struct kp_crypto *crypto,
                         const uint8_t b[static KP_SRP_EXPONENT_LEN], const uint8_t *big_a,
                         const uint8_t *big_b, uint8_t *s) KP_MUST_CHECK;

/* Client.  a: fresh random bytes. */
int kp_srp_client_share(const struct kp_srp_group *group,
                        const uint8_t a[static KP_SRP_EXPONENT_LEN], uint8_t *big_a) KP_MUST_CHECK;
int kp_srp_client_secret(const struct kp_srp_group *group, const struct kp_crypto *crypto,
                         const uint8_t a[static KP_SRP_EXPONENT_LEN],
                         const uint8_t inner[static KP_SRP_INNER_LEN], struct kp_span salt,
                         const uint8_t *big_a, const uint8_t *big_b, uint8_t *s) KP_MUST_CHECK;

#endif
