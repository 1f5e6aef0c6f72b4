/*
 * Handshake messages: code points, and the bodies that are built and parsed here.  Parsed structs
 * point into the message; they own nothing.  Parsers give 0 or one KP_E_* and accept no trailing
 * byte.
 */
#ifndef KP_MESSAGE_MESSAGE_H
#define KP_MESSAGE_MESSAGE_H

#include "base/bytes.h"
#include "crypto/provider.h"
#include "key/keys12.h"

#define KP_MESSAGE_HEADER_LEN 4
#define KP_TLS12 0x0303
#define KP_TLS13 0x0304
#define KP_SESSION_ID_MAX 32

/* HandshakeType, RFC 5246 7.4 and RFC 5077 3.3. */
enum kp_message_type {
    KP_HELLO_REQUEST = 0,
    KP_CLIENT_HELLO = 1,
    KP_SERVER_HELLO = 2,
    KP_NEW_SESSION_TICKET = 4,
    KP_SERVER_KEY_EXCHANGE = 12,
    KP_SERVER_HELLO_DONE = 14,
    KP_CLIENT_KEY_EXCHANGE = 16,
    KP_FINISHED = 20,
};

/* Cipher suites, RFC 5054 2.7; signalling values, RFC 5746 3.3 and RFC 7507 2. */
enum kp_suite_value {
    KP_SRP_SHA_AES128 = 0xC01D,
    KP_SRP_SHA_AES256 = 0xC020,
    KP_RENEGOTIATION_SCSV = 0x00FF,
    KP_FALLBACK_SCSV = 0x5600,
};

struct kp_suite {
    uint16_t value;
    uint8_t key_len;
    enum kp_hash_id hash; /* of PRF and transcript */
    const char *name;     /* as OpenSSL prints it */
};

/* Ours, best first; NULL behind the last. */
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
};

struct kp_extensions {
    uint32_t present;           /* kp_extension_bit */
    struct kp_span server_name; /* host_name */
    struct kp_span srp_name;
    struct kp_span alpn;     /* ProtocolNameList without its length; in ServerHello: the one name */
    struct kp_span ticket;   /* ClientHello */
    struct kp_span versions; /* ClientHello: the list, two bytes each */
    uint16_t record_size_limit;
};

/* The extensions block, from its length on, to the end of r (none at all is fine).  hello is
 * KP_CLIENT_HELLO or KP_SERVER_HELLO. */
int kp_extensions_parse(struct kp_reader *r, enum kp_message_type hello,
                        struct kp_extensions *out) KP_MUST_CHECK;
void kp_extensions_build(struct kp_builder *b, enum kp_message_type hello,
                         const struct kp_extensions *ext);

/* ---- Hellos ------------------------------------------------------------------------------ */

struct kp_client_hello {
    uint16_t version;
    struct kp_span random; /* 32 */
    struct kp_span session_id;
    struct kp_span suites;
    bool null_compression;
    struct kp_extensions ext;
};

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
    struct kp_extensions ext;
};

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
