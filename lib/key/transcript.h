/*
 * The handshake transcript: the one running hash over handshake messages, headers included.  Until
 * the suite (and so the hash) is known, messages are kept as they are.
 */
#ifndef KP_KEY_TRANSCRIPT_H
#define KP_KEY_TRANSCRIPT_H

#include "crypto/provider.h"

struct kp_transcript {
    struct kp_hash *hash; /* NULL until chosen */
    uint8_t *early;       /* messages before that; ours */
    size_t early_len;
};

/* A zeroed struct is empty. */
int kp_transcript_add(struct kp_transcript *t, const uint8_t *data, size_t len) KP_MUST_CHECK;
/* Once. */
int kp_transcript_choose(struct kp_transcript *t, const struct kp_crypto *crypto,
                         enum kp_hash_id id) KP_MUST_CHECK;
/* The hash so far, after it was chosen. */
int kp_transcript_peek(const struct kp_transcript *t, uint8_t *out) KP_MUST_CHECK;
/* As if the beginning of a message, data, had been added: what a PSK's binder covers (RFC 8446
 * 4.2.11.2).  id: the hash, chosen or not. */
int kp_transcript_peek_with(const struct kp_transcript *t, const struct kp_crypto *crypto,
                            enum kp_hash_id id, const uint8_t *data, size_t len,
                            uint8_t *out) KP_MUST_CHECK;
/* Begins anew with a message_hash in the place of the first ClientHello, whose hash is given
 * (RFC 8446 4.4.1). */
int kp_transcript_restart(struct kp_transcript *t, const struct kp_crypto *crypto,
                          enum kp_hash_id id, const uint8_t *hash) KP_MUST_CHECK;
void kp_transcript_clear(struct kp_transcript *t);

#endif
