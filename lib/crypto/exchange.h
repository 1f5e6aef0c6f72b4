/*
 * Key agreement for TLS 1.3's key_share (RFC 8446 4.2.8).  Part of the provider: see provider.h.
 *
 * The client makes an offer, the server answers it, the client finishes: in Diffie-Hellman both
 * shares are alike, with a KEM they are not, and the server needs the offer before it has a share.
 * Groups are NamedGroup numbers.  Secrets: what a kp_exchange holds, and the agreed secret.
 */
#ifndef KP_CRYPTO_EXCHANGE_H
#define KP_CRYPTO_EXCHANGE_H

#include "crypto/provider.h"

#define KP_GROUP_SECP256R1 0x0017
#define KP_GROUP_X25519 0x001d
#define KP_GROUP_X25519MLKEM768 0x11ec

/* Of any group above. */
#define KP_EXCHANGE_SHARE_MAX 1216
#define KP_EXCHANGE_SECRET_MAX 64

struct kp_exchange_lens {
    size_t offer;  /* the client's share */
    size_t answer; /* the server's */
    size_t secret;
};
/* false: the group is not known, or the crypto library doesn't have it: not to be offered. */
bool kp_exchange_lens(const struct kp_crypto *crypto, uint16_t group, struct kp_exchange_lens *out);

/* The client's half, between its offer and the server's answer. */
struct kp_exchange;
/* offer: lens.offer bytes.  KP_E_ARGUMENT: no such group. */
int kp_exchange_new(struct kp_exchange **out, const struct kp_crypto *crypto, uint16_t group,
                    uint8_t *offer) KP_MUST_CHECK;
uint16_t kp_exchange_group(const struct kp_exchange *exchange);
/* The answer as it came (hostile); secret: lens.secret bytes.  KP_E_ILLEGAL: wrong length, not a
 * point, or of small order. */
int kp_exchange_finish(const struct kp_exchange *exchange, const struct kp_crypto *crypto,
                       struct kp_span answer, uint8_t *secret) KP_MUST_CHECK;
void kp_exchange_free(struct kp_exchange *exchange);

/* The server's whole part, with a key of its own for each.  The offer as it came (hostile); errors
 * as above. */
int kp_exchange_answer(const struct kp_crypto *crypto, uint16_t group, struct kp_span offer,
                       uint8_t *answer, uint8_t *secret) KP_MUST_CHECK;

#endif
