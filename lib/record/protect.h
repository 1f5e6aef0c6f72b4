/*
 * Record protection behind a vtable: one direction's keys, its sequence number and what it does to
 * a record.  Kinds: none (before ChangeCipherSpec), CBC with encrypt-then-MAC (TLS 1.2), and AEAD
 * (TLS 1.3).
 */
#ifndef KP_RECORD_PROTECT_H
#define KP_RECORD_PROTECT_H

#include "crypto/provider.h"
#include "key/keys12.h"
#include "key/keys13.h"

#define KP_HEADER_LEN 5
/* What protection may add to a plaintext: TLSCiphertext.length <= 2^14 + 2048, RFC 5246 6.2.3. */
#define KP_EXPANSION_MAX 2048

enum kp_content { KP_CCS = 20, KP_ALERT = 21, KP_HANDSHAKE = 22, KP_APPLICATION = 23 };

struct kp_protect;

struct kp_protect_ops {
    /* Bytes of a fragment that holds len bytes of plaintext. */
    size_t (*sealed_len)(const struct kp_protect *p, size_t len);
    /* Writes header and fragment to record; in and record don't overlap.  AEAD writes a header of
     * its own: type and version of every record are the same there. */
    int (*seal)(struct kp_protect *p, uint8_t type, uint16_t version, const uint8_t *in, size_t len,
                uint8_t *record);
    /* Opens a fragment of len bytes to out (room for len bytes; the same place or apart).  Gives
     * the plaintext's length and content type.  KP_E_RECORD_MAC for whatever is wrong; AEAD:
     * KP_E_RECORD_MAC for what doesn't verify, KP_E_OVERFLOW for what is longer than RFC 8446 5.2
     * allows, and KP_E_UNEXPECTED for an outer type other than application_data (a plaintext alert
     * or ChangeCipherSpec is the caller's to look at first), for nothing but zeros, for an inner
     * type that is not known, and for an empty handshake message or alert. */
    int (*open)(struct kp_protect *p, const uint8_t header[static KP_HEADER_LEN], const uint8_t *in,
                size_t len, uint8_t *out, size_t *out_len, uint8_t *type);
    /* Gives back what was borrowed for bytes in flight; keys and sequence number stay. */
    void (*rest)(struct kp_protect *p);
};

/* Secret: keys.  A zeroed struct needs kp_protect_none first. */
struct kp_protect {
    const struct kp_protect_ops *ops;
    const struct kp_crypto *crypto;
    uint64_t sequence;
    bool sealing;
    uint8_t key_len;
    uint8_t key[KP_AES_KEY_MAX];
    uint8_t mac_key[KP_MAC_KEY_LEN];
    struct kp_cbc *cbc;   /* borrowed */
    struct kp_mac *mac;   /* borrowed */
    struct kp_aead *aead; /* borrowed */
    uint8_t aead_id;
    uint8_t iv[KP_AEAD_NONCE_LEN];
};

void kp_protect_none(struct kp_protect *p);
/* AES-CBC and HMAC-SHA1, encrypt-then-MAC (RFC 7366).  key_len 16 or 32. */
void kp_protect_cbc(struct kp_protect *p, const struct kp_crypto *crypto,
                    const struct kp_keys12 *keys, size_t key_len, bool sealing);
/* AEAD of TLS 1.3.  The sequence number starts at 0. */
void kp_protect_aead(struct kp_protect *p, const struct kp_crypto *crypto, enum kp_aead_id id,
                     const struct kp_keys13 *keys, bool sealing);
/* Records under one key after which AES-GCM wants another (RFC 8446 5.5: 2^24.5). */
#define KP_AEAD_RECORDS_MAX (1u << 24)
/* Wipes keys, gives everything back, and protects nothing. */
void kp_protect_clear(struct kp_protect *p);

/* Writes the five bytes of a record header. */
void kp_record_header_put(uint8_t *out, uint8_t type, uint16_t version, size_t len);

#endif
