/*
 * The key schedule of TLS 1.2 with PRF SHA-256: RFC 5246 5, 6.3, 7.4.9 and 8.1; RFC 7627 4.
 */
#ifndef KP_KEY_KEYS12_H
#define KP_KEY_KEYS12_H

#include "crypto/provider.h"

#define KP_MASTER_LEN 48
#define KP_RANDOM_LEN 32
#define KP_VERIFY_LEN 12
#define KP_MAC_KEY_LEN 20 /* HMAC-SHA1 of both suites */

/* out[out_len] = PRF(secret, label, seed parts). */
int kp_prf12(const struct kp_crypto *crypto, struct kp_span secret, const char *label,
             const struct kp_span *seed, size_t count, uint8_t *out, size_t out_len) KP_MUST_CHECK;

/* The extended master secret: session_hash covers the handshake up to ClientKeyExchange. */
int kp_master12(const struct kp_crypto *crypto, struct kp_span premaster,
                const uint8_t session_hash[static KP_SHA256_LEN],
                uint8_t master[static KP_MASTER_LEN]) KP_MUST_CHECK;

/* One direction's keys; secret. */
struct kp_keys12 {
    uint8_t mac[KP_MAC_KEY_LEN];
    uint8_t key[KP_AES_KEY_MAX];
};

/* key_len: 16 or 32.  Explicit IVs: the key block has none (RFC 5246 6.3). */
int kp_key_block12(const struct kp_crypto *crypto, const uint8_t master[static KP_MASTER_LEN],
                   const uint8_t client_random[static KP_RANDOM_LEN],
                   const uint8_t server_random[static KP_RANDOM_LEN], size_t key_len,
                   struct kp_keys12 *client, struct kp_keys12 *server) KP_MUST_CHECK;

/* RFC 5705 4.  label: 1 to KP_EXPORT_LABEL_MAX bytes; context NULL: none, which differs from an
 * empty one. */
#define KP_EXPORT_LABEL_MAX 249 /* what TLS 1.3 can take */
int kp_export12(const struct kp_crypto *crypto, const uint8_t master[static KP_MASTER_LEN],
                const uint8_t client_random[static KP_RANDOM_LEN],
                const uint8_t server_random[static KP_RANDOM_LEN], struct kp_span label,
                const struct kp_span *context, uint8_t *out, size_t out_len) KP_MUST_CHECK;

/* verify_data of Finished; from_client says whose. */
int kp_verify_data12(const struct kp_crypto *crypto, const uint8_t master[static KP_MASTER_LEN],
                     bool from_client, const uint8_t transcript[static KP_SHA256_LEN],
                     uint8_t out[static KP_VERIFY_LEN]) KP_MUST_CHECK;

#endif
