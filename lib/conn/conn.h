/*
 * A connection: the record layer, the handshake while it lasts, and what came of it.
 */
#ifndef KP_CONN_CONN_H
#define KP_CONN_CONN_H

#include "handshake/post13.h"

struct kp_conn {
    struct kp_context *context;
    struct kp_handshake *handshake; /* NULL before kp_conn_connect and after the end */
    struct kp_record_layer records;
    struct kp_buffer app;  /* plaintext for the caller; secret */
    struct kp_buffer post; /* TLS 1.3: a message after the handshake that is there in part */
    struct kp_outcome outcome;
    int error; /* the first, latched */
    int16_t peer_alert;
    int16_t sent_alert;
    uint32_t update_left; /* bytes on wire out up to the end of our last KeyUpdate there; 0: none */
    uint8_t suspended;    /* enum kp_suspend; 0 when not */
    uint8_t tolerated;    /* empty records, warnings and refused renegotiations in a row */
    uint8_t updates;      /* the peer's KeyUpdates in a row */
    bool sniffed;         /* the first bytes were TLS */
    bool proved;
    bool peer_ended; /* close_notify came */
    bool we_ended;   /* close_notify was sent */
};

/* TLS 1.3: KeyUpdate, and our next keys. */
int kp_conn_update(struct kp_conn *c, bool ask) KP_MUST_CHECK;
/* Latches err, sends its alert, wipes what is not needed to send it.  Returns err. */
int kp_conn_fail(struct kp_conn *c, int err);
/* Takes whole records off wire in until bytes, the caller or room for plaintext are missing. */
int kp_conn_process(struct kp_conn *c) KP_MUST_CHECK;

#endif
