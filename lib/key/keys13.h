/*
 * The key schedule of TLS 1.3: RFC 8446 7.1 to 7.5, 4.4.4, 4.6.1 and 4.2.11.2.
 *
 *      0 or PSK  -> Early Secret     -> binder key
 *      (EC)DHE   -> Handshake Secret -> client and server handshake traffic secrets
 *      0         -> Master Secret    -> client and server application traffic secrets, exporter and
 *                                       resumption master secrets
 *
 * Where the RFC has the (EC)DHE shared secret stands what the caller gives: K_shared of a PAKE, one
 * of a group, or both one after the other.  A secret has the length of the suite's hash; every one
 * is secret, transcript hashes are not.
 *
 * Functions that take a mac key it anew: it lends its hash (the suite's) and nothing else.
 */
#ifndef KP_KEY_KEYS13_H
#define KP_KEY_KEYS13_H

#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "key/keys12.h"

/* Labels of Derive-Secret. */
#define KP_LABEL13_EXTERNAL_BINDER "ext binder"
#define KP_LABEL13_BINDER "res binder"
#define KP_LABEL13_CLIENT_HANDSHAKE "c hs traffic"
#define KP_LABEL13_SERVER_HANDSHAKE "s hs traffic"
#define KP_LABEL13_CLIENT_TRAFFIC "c ap traffic"
#define KP_LABEL13_SERVER_TRAFFIC "s ap traffic"
#define KP_LABEL13_EXPORTER "exp master"
#define KP_LABEL13_RESUMPTION "res master"

#define KP_EXPORT_MAX 8160 /* bytes of one export: 255 hashes of the shorter kind */

/* The schedule as far as it has got: Early, Handshake or Master Secret. */
struct kp_schedule13 {
    struct kp_mac *mac; /* NULL before _start and after _clear */
    uint8_t secret[KP_HASH_MAX];
    uint8_t empty[KP_HASH_MAX]; /* the hash of nothing */
};

/* Early Secret.  psk may be empty: then zeros.  A zeroed struct, or a cleared one; whatever comes
 * of it, _clear. */
int kp_schedule13_start(struct kp_schedule13 *s, const struct kp_crypto *crypto,
                        enum kp_hash_id hash, struct kp_span psk) KP_MUST_CHECK;
/* On to the next secret: with what stands for (EC)DHE to the Handshake Secret, with an empty input
 * (zeros) to the Master Secret. */
int kp_schedule13_next(struct kp_schedule13 *s, struct kp_span input) KP_MUST_CHECK;
/* Derive-Secret(secret, label, messages); transcript: their hash, NULL when there are none. */
int kp_schedule13_derive(const struct kp_schedule13 *s, const char *label,
                         const uint8_t *transcript, uint8_t *out) KP_MUST_CHECK;
void kp_schedule13_clear(struct kp_schedule13 *s);

/* One direction's record keys (7.3); secret. */
struct kp_keys13 {
    uint8_t key[KP_AEAD_KEY_MAX];
    uint8_t iv[KP_AEAD_NONCE_LEN];
};
int kp_traffic_keys13(struct kp_mac *mac, const uint8_t *secret, size_t key_len,
                      struct kp_keys13 *keys) KP_MUST_CHECK;
/* The traffic secret after a KeyUpdate (7.2), in place. */
int kp_traffic_next13(struct kp_mac *mac, uint8_t *secret) KP_MUST_CHECK;

/* verify_data of Finished (4.4.4) under a traffic secret, or a PSK's binder (4.2.11.2) under its
 * binder key: the hash's length. */
int kp_finished13(struct kp_mac *mac, const uint8_t *secret, const uint8_t *transcript,
                  uint8_t *out) KP_MUST_CHECK;

/* 7.5.  secret: the exporter master secret; label without "tls13 ", 1 to 249 bytes; a context that
 * is absent is an empty one.  out_len up to KP_EXPORT_MAX. */
int kp_export13(const struct kp_crypto *crypto, enum kp_hash_id hash, const uint8_t *secret,
                struct kp_span label, struct kp_span context, uint8_t *out,
                size_t out_len) KP_MUST_CHECK;
/* 4.6.1: a ticket's PSK, of the hash's length.  secret: the resumption master secret. */
int kp_resumption_psk13(struct kp_mac *mac, const uint8_t *secret, struct kp_span nonce,
                        uint8_t *psk) KP_MUST_CHECK;

#endif
