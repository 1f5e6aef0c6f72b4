/*
 * TLS 1.3 after the handshake: new keys, and tickets (RFC 8446 4.6).
 */
#ifndef KP_HANDSHAKE_POST13_H
#define KP_HANDSHAKE_POST13_H

#include "handshake/handshake.h"

/* Borrowed from the connection for the length of a call. */
struct kp_post13 {
    struct kp_context *context;
    struct kp_record_layer *records;
    struct kp_outcome *outcome;
    struct kp_buffer *partial; /* a message that is there in part */
};

enum kp_post13_event {
    KP_POST_NOTHING,    /* more bytes are needed */
    KP_POST_IGNORED,    /* a ticket that is not kept */
    KP_POST_TICKET,     /* outcome->session is a new one */
    KP_POST_NEW_KEYS,   /* the peer has changed its keys */
    KP_POST_ASKED_KEYS, /* and wants us to change ours */
};

/* Takes a record's content.  *event: of its last message. */
int kp_post13_receive(const struct kp_post13 *post, const uint8_t *data, size_t len,
                      enum kp_post13_event *event) KP_MUST_CHECK;
/* Sends KeyUpdate and changes our keys. */
int kp_post13_update(const struct kp_post13 *post, bool ask) KP_MUST_CHECK;

#endif
