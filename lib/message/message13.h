/*
 * What TLS 1.3 has beside message.h: the PAKE's code points, the late half of a ClientHello's
 * parsing, and messages of its own (RFC 8446 4, draft-ietf-tls-pake-02).
 */
#ifndef KP_MESSAGE_MESSAGE13_H
#define KP_MESSAGE_MESSAGE13_H

#include "message/message.h"

/* No code points are assigned yet: these are BoringSSL's private ones, for both forms. */
#define KP_PAKE_EXTENSION 0x8a3b
#define KP_SPAKE2PLUS_V1 0x7d96

#define KP_PSK_DHE_KE 1 /* PskKeyExchangeMode, RFC 8446 4.2.9 */

/* ---- A ClientHello's extensions: bodies as they came ---------------------------------------- */

/* Shares of other schemes are skipped, whatever is in them. */
int kp_pake_offer_parse(struct kp_span body, struct kp_pake_offer *out) KP_MUST_CHECK;
/* The list of groups, two bytes each. */
int kp_groups_parse(struct kp_span body, struct kp_span *list) KP_MUST_CHECK;
/* Shares that are well-formed, each for another group, and each group in the list. */
int kp_key_shares_check(struct kp_span body, struct kp_span groups) KP_MUST_CHECK;
/* The share for that group; data NULL: there is none.  After the check. */
struct kp_span kp_key_share_find(struct kp_span body, uint16_t group);
int kp_psk_modes_parse(struct kp_span body, bool *dhe) KP_MUST_CHECK;
int kp_cookie_parse(struct kp_span body, struct kp_span *cookie) KP_MUST_CHECK;

/* The tickets that were offered.  KP_E_ILLEGAL: not as many binders as identities. */
struct kp_psk_list {
    struct kp_reader identities;
    struct kp_reader binders;
    size_t binders_len; /* bytes of the message from the binders list's length on */
};
int kp_psk_list_parse(struct kp_span body, struct kp_psk_list *out) KP_MUST_CHECK;
/* Takes the next one off; false: there is no more. */
bool kp_psk_list_next(struct kp_psk_list *list, struct kp_span *identity, struct kp_span *binder);
/* Bytes at the end of a ClientHello that its binders stand in, one of that length. */
#define KP_PSK_BINDERS_LEN(binder_len) (2 + 1 + (binder_len))

/* ---- Messages ------------------------------------------------------------------------------ */

/* NewSessionTicket, RFC 8446 4.6.1. */
struct kp_new_ticket13 {
    uint32_t lifetime; /* seconds */
    uint32_t age_add;
    struct kp_span nonce;
    struct kp_span ticket; /* at least a byte */
};
int kp_new_ticket13_parse(struct kp_reader *r, struct kp_new_ticket13 *out) KP_MUST_CHECK;
void kp_new_ticket13_build(struct kp_builder *b, const struct kp_new_ticket13 *ticket);

/* KeyUpdate, RFC 8446 4.6.3. */
int kp_key_update_parse(struct kp_reader *r, bool *asked) KP_MUST_CHECK;

/* Finished of that many bytes. */
int kp_finished13_parse(struct kp_reader *r, size_t len, const uint8_t **verify_data) KP_MUST_CHECK;

#endif
