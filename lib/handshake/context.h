/*
 * What connections share: settings, primitives, ticket keys; and the client's login and session.
 */
#ifndef KP_HANDSHAKE_CONTEXT_H
#define KP_HANDSHAKE_CONTEXT_H

#include "crypto/provider.h"
#include "key/ticket.h"
#include "pake/spake2plus.h"
#include "pake/srp.h"

#include <stdatomic.h>

#define KP_ALPN_MAX 8

struct kp_context {
    atomic_uint references;
    enum kp_role role;
    bool count_guesses;
    bool defer_compute;
    bool no_tickets;
    uint8_t versions; /* KP_USE_*, never 0 */
    uint8_t pake;     /* KP_PAKE_*, never 0 */
    uint32_t key_update_records;
    uint16_t record_size_limit;
    size_t buffer_len;
    struct kp_crypto *crypto;
    uint8_t cookie_key[KP_SHA256_LEN]; /* server: of HelloRetryRequest's cookies; secret */
    struct kp_ticket_keys *tickets;    /* server with tickets, else NULL */
    uint8_t *device_id;                /* server */
    size_t device_id_len;
    uint8_t *alpn; /* ProtocolNameList body: names with a length byte each */
    size_t alpn_len;
    kp_keylog_fn *keylog;
    void *keylog_arg;
};

struct kp_login {
    struct kp_context *context;
    size_t name_len;
    char name[KP_NAME_MAX];
    uint8_t srp_inner[KP_SRP_INNER_LEN];    /* secret */
    struct kp_spake2plus_secret spake2plus; /* secret; of the device below */
    bool has_device;
    size_t device_id_len;
    uint8_t device_id[KP_DEVICE_ID_MAX];
};

struct kp_session {
    atomic_uint references;
    uint16_t version;
    uint16_t suite;
    uint8_t master[KP_MASTER_LEN]; /* secret; TLS 1.3: the PSK, of the suite's hash's length */
    uint64_t received;             /* now, TLS 1.3 */
    uint32_t lifetime;             /* seconds, TLS 1.3 */
    uint32_t age_add;              /* TLS 1.3 */
    size_t device_id_len;          /* TLS 1.3: of the device that the password was proved to */
    uint8_t device_id[KP_DEVICE_ID_MAX];
    size_t name_len;
    char name[KP_NAME_MAX];
    size_t ticket_len;
    uint8_t ticket[];
};

/* One reference; the ticket is copied, the rest is the caller's to fill. */
int kp_session_new(struct kp_session **out, struct kp_span ticket) KP_MUST_CHECK;

#endif
