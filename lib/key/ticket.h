/*
 * Session tickets (RFC 5077): what a server seals into one, and the keys that seal them.
 *
 * Format: key name (16) | nonce (12) | AES-256-GCM(state) | tag (16), the name being additional
 * data.  A key name is "KPT1" and 12 random bytes: anybody can tell tickets of this library from
 * those of other servers, and a server its own when their key is gone.  State: version, suite, proof
 * time, user, master secret, and a binding: HMAC-SHA256 under the key's own MAC half over device id,
 * user, verifier binding, version, suite and proof time.  So a ticket dies with its key, with the
 * user's credential, and KP_TICKET_SECONDS after the password was proved.
 *
 * Keys live in memory only.  A key seals for ROTATE seconds and opens for a ticket's life after
 * that; then it is wiped.  Thread-safe.
 */
#ifndef KP_KEY_TICKET_H
#define KP_KEY_TICKET_H

#include "crypto/provider.h"
#include "key/keys12.h"

#define KP_TICKET_MAX 512 /* bytes of a ticket of ours: checked when it is made */

struct kp_ticket_keys;

int kp_ticket_keys_new(struct kp_ticket_keys **out, const struct kp_crypto *crypto,
                       struct kp_span device_id) KP_MUST_CHECK;
void kp_ticket_keys_free(struct kp_ticket_keys *keys);

/* Whether it was made by this library, on whichever machine and however long ago.  Goes by the
 * mark, which anybody can write.  By chance it is in one of 2^32 that others made. */
bool kp_ticket_is_ours(const uint8_t *ticket, size_t len);

/* What a ticket carries.  Secret: master. */
struct kp_ticket_state {
    uint16_t version;
    uint16_t suite;
    uint64_t proof_time; /* seconds, the caller's clock */
    uint8_t master[KP_MASTER_LEN];
    size_t user_len;
    char user[KP_NAME_MAX];
    uint8_t bound[KP_SHA256_LEN]; /* filled by seal and open, checked by _bound */
    uint8_t key_name[16];         /* which key, filled by open */
};
void kp_ticket_state_clear(struct kp_ticket_state *state);

/* ticket has KP_TICKET_MAX bytes; *len is set.  credential: kp_credential.binding. */
int kp_ticket_seal(struct kp_ticket_keys *keys, uint64_t now, const struct kp_ticket_state *state,
                   const uint8_t credential[static KP_SHA256_LEN], uint8_t *ticket,
                   size_t *len) KP_MUST_CHECK;
/* Opens what a client sent (hostile).  KP_E_NOT_FOUND: not ours, damaged, of a dead key, or too
 * old: go on with a full handshake.  The state is not to be used before kp_ticket_bound. */
int kp_ticket_open(struct kp_ticket_keys *keys, uint64_t now, const uint8_t *ticket, size_t len,
                   struct kp_ticket_state *state) KP_MUST_CHECK;
/* 0 when the state is bound to this credential; KP_E_NOT_FOUND when not. */
int kp_ticket_bound(struct kp_ticket_keys *keys, uint64_t now, const struct kp_ticket_state *state,
                    const uint8_t credential[static KP_SHA256_LEN]) KP_MUST_CHECK;

#endif
