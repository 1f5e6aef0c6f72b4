/*
 * Handshake messages: code points, and the bodies that are built and parsed here.  Parsed structs
 * point into the message; they own nothing.  Parsers give 0 or one KP_E_* and accept no trailing
 * byte.
 */
#ifndef KP_MESSAGE_MESSAGE_H
#define KP_MESSAGE_MESSAGE_H

#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/provider.h"
#include "key/keys12.h"

#define KP_MESSAGE_HEADER_LEN 4
#define KP_HELLO_MAX 16384 /* bytes of a hello's body that are read */
#define KP_SSL30 0x0300
#define KP_TLS12 0x0303
#define KP_TLS13 0x0304
#define KP_SESSION_ID_MAX 32

/* HandshakeType, RFC 5246 7.4, RFC 5077 3.3 and RFC 8446 4. */
enum kp_message_type {
    KP_HELLO_REQUEST = 0,
    KP_CLIENT_HELLO = 1,
    KP_SERVER_HELLO = 2, /* HelloRetryRequest too */
    KP_NEW_SESSION_TICKET = 4,
    KP_ENCRYPTED_EXTENSIONS = 8,
    KP_SERVER_KEY_EXCHANGE = 12,
    KP_SERVER_HELLO_DONE = 14,
    KP_CLIENT_KEY_EXCHANGE = 16,
    KP_FINISHED = 20,
    KP_KEY_UPDATE = 24,
    KP_MESSAGE_HASH = 254, /* in the transcript alone */
};

/* Cipher suites, RFC 5054 2.7 and RFC 8446 B.4; signalling values, RFC 5746 3.3 and RFC 7507 2. */
enum kp_suite_value {
    KP_AES_128_GCM_SHA256 = 0x1301,
    KP_AES_256_GCM_SHA384 = 0x1302,
    KP_CHACHA20_POLY1305_SHA256 = 0x1303,
    KP_SRP_SHA_AES128 = 0xC01D,
    KP_SRP_SHA_AES256 = 0xC020,
    KP_RENEGOTIATION_SCSV = 0x00FF,
    KP_FALLBACK_SCSV = 0x5600,
};

struct kp_suite {
    uint16_t value;
    uint16_t version;
    uint8_t key_len;
    enum kp_hash_id hash; /* of PRF or HKDF, and transcript */
    enum kp_aead_id aead; /* TLS 1.3 */
    const char *name;     /* as OpenSSL prints it */
};

/* Ours, best first of each version; NULL behind the last. */
const struct kp_suite *kp_suite_at(size_t index);
const struct kp_suite *kp_suite_by_value(uint16_t value);

/* ---- Extensions -------------------------------------------------------------------------- */

enum kp_extension_bit {
    KP_EXT_SERVER_NAME = 1u << 0,       /* RFC 6066 3 */
    KP_EXT_SRP = 1u << 1,               /* RFC 5054 2.8.1 */
    KP_EXT_ALPN = 1u << 2,              /* RFC 7301 3.1 */
    KP_EXT_ETM = 1u << 3,               /* RFC 7366 2 */
    KP_EXT_EMS = 1u << 4,               /* RFC 7627 5.1 */
    KP_EXT_RECORD_SIZE_LIMIT = 1u << 5, /* RFC 8449 4 */
    KP_EXT_TICKET = 1u << 6,            /* RFC 5077 3.2 */
    KP_EXT_VERSIONS = 1u << 7,          /* RFC 8446 4.2.1 */
    KP_EXT_RENEGOTIATION = 1u << 8,     /* RFC 5746 3.2 */
    /* TLS 1.3: RFC 8446 4.2, but for the PAKE's. */
    KP_EXT_GROUPS = 1u << 9,
    KP_EXT_SIGNATURES = 1u << 10,
    KP_EXT_PSK = 1u << 11,
    KP_EXT_COOKIE = 1u << 12,
    KP_EXT_PSK_MODES = 1u << 13,
    KP_EXT_KEY_SHARE = 1u << 14,
    KP_EXT_PAKE = 1u << 15,
};

/* What a server may answer in a ServerHello of each version. */
#define KP_EXT_SERVER12                                                                            \
    (KP_EXT_SERVER_NAME | KP_EXT_ALPN | KP_EXT_ETM | KP_EXT_EMS | KP_EXT_RECORD_SIZE_LIMIT |       \
     KP_EXT_TICKET | KP_EXT_RENEGOTIATION)
#define KP_EXT_SERVER13 (KP_EXT_VERSIONS | KP_EXT_PSK | KP_EXT_KEY_SHARE | KP_EXT_PAKE)

/* Where an extension stands. */
enum kp_place {
    KP_IN_CLIENT_HELLO = 1u << 0,
    KP_IN_SERVER_HELLO = 1u << 1, /* of either version */
    KP_IN_RETRY = 1u << 2,
    KP_IN_ENCRYPTED = 1u << 3, /* EncryptedExtensions */
};

struct kp_key_share {
    uint16_t group;
    struct kp_span key; /* HelloRetryRequest: none */
};

/* PAKEClientHello as far as it is used: one pair of names, and the message of our scheme. */
struct kp_pake_offer {
    struct kp_span client_identity;
    struct kp_span server_identity;
    struct kp_span share; /* of SPAKE2PLUS_V1; data NULL: the scheme is not there */
    bool unordered;       /* schemes that don't rise strictly */
};

/* One ticket as offered. */
struct kp_psk_offer {
    struct kp_span identity;
    uint32_t age;      /* obfuscated_ticket_age */
    size_t binder_len; /* bytes; built as zeros, at the very end of the message */
};

struct kp_extensions {
    uint32_t present;           /* kp_extension_bit */
    struct kp_span server_name; /* host_name */
    struct kp_span srp_name;
    struct kp_span alpn;     /* ProtocolNameList without its length; in ServerHello: the one name */
    struct kp_span ticket;   /* ClientHello */
    struct kp_span versions; /* ClientHello: the list, two bytes each */
    uint16_t record_size_limit;

    /* TLS 1.3.  A ClientHello's are kept as they came: message13.h parses them when TLS 1.3 is to
     * be spoken, so that what is wrong with them is nothing to TLS 1.2. */
    struct kp_span raw_groups;
    struct kp_span raw_key_share;
    struct kp_span raw_pake;
    struct kp_span raw_psk;
    struct kp_span raw_psk_modes;
    struct kp_span raw_cookie;
    bool psk_last; /* RFC 8446 4.2.11: nothing stands behind it */
    /* What is built into a ClientHello. */
    struct kp_span groups;
    struct kp_pake_offer pake_offer;
    struct kp_psk_offer psk_offer;
    /* What a ServerHello or HelloRetryRequest says, and a ClientHello of ours. */
    uint16_t version;
    uint16_t psk_index;
    struct kp_key_share key_share;
    struct kp_span cookie;
    uint16_t pake_scheme;
    struct kp_span pake_message;
};

/* The bit of what a client sends in an extension of that number; 0: unknown. */
uint32_t kp_extension_bit(uint16_t value);
/* The extensions block, from its length on, to the end of r (none at all is fine but in
 * EncryptedExtensions). */
int kp_extensions_parse(struct kp_reader *r, enum kp_place place,
                        struct kp_extensions *out) KP_MUST_CHECK;
void kp_extensions_build(struct kp_builder *b, enum kp_place place,
                         const struct kp_extensions *ext);

/* ---- Hellos ------------------------------------------------------------------------------ */

struct kp_client_hello {
    uint16_t version;
    struct kp_span random; /* 32 */
    struct kp_span session_id;
    struct kp_span suites;
    bool null_compression; /* is among those offered */
    bool only_null_compression;
    struct kp_span block; /* the extensions, one after the other */
    struct kp_extensions ext;
};

/* The part that every version has, up to the extensions block: block and ext stay empty. */
int kp_client_hello_start(struct kp_reader *r, struct kp_client_hello *out) KP_MUST_CHECK;
int kp_client_hello_parse(struct kp_reader *r, struct kp_client_hello *out) KP_MUST_CHECK;
void kp_client_hello_build(struct kp_builder *b, const struct kp_client_hello *hello);
/* Whether the list (of two-byte values, a versions list too) has it. */
bool kp_list_has(struct kp_span list, uint16_t value);

struct kp_server_hello {
    uint16_t version;
    struct kp_span random; /* 32 */
    struct kp_span session_id;
    uint16_t suite;
    uint8_t compression;
    bool retry; /* it is a HelloRetryRequest: its random says so (RFC 8446 4.1.3) */
    struct kp_extensions ext;
};

/* The random of a HelloRetryRequest. */
extern const uint8_t kp_retry_random[KP_RANDOM_LEN];

int kp_server_hello_parse(struct kp_reader *r, struct kp_server_hello *out) KP_MUST_CHECK;
void kp_server_hello_build(struct kp_builder *b, const struct kp_server_hello *hello);

/* ---- SRP exchange, RFC 5054 2.8.2 and 2.8.3 ------------------------------------------------ */

struct kp_srp_params {
    struct kp_span n;
    struct kp_span g;
    struct kp_span salt;
    struct kp_span b; /* B */
};

int kp_server_key_exchange_parse(struct kp_reader *r, struct kp_srp_params *out) KP_MUST_CHECK;
void kp_server_key_exchange_build(struct kp_builder *b, const struct kp_srp_params *params);
int kp_client_key_exchange_parse(struct kp_reader *r, struct kp_span *a) KP_MUST_CHECK;
void kp_client_key_exchange_build(struct kp_builder *b, struct kp_span a);

/* ---- The end of a handshake ---------------------------------------------------------------- */

int kp_finished_parse(struct kp_reader *r, const uint8_t **verify_data) KP_MUST_CHECK;

struct kp_new_ticket {
    uint32_t lifetime; /* seconds, a hint; 0: unsaid */
    struct kp_span ticket;
};

int kp_new_ticket_parse(struct kp_reader *r, struct kp_new_ticket *out) KP_MUST_CHECK;
void kp_new_ticket_build(struct kp_builder *b, const struct kp_new_ticket *ticket);
/* ServerHelloDone, HelloRequest: nothing in them. */
int kp_empty_parse(struct kp_reader *r) KP_MUST_CHECK;

#endif
