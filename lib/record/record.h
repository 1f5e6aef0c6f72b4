/*
 * The record layer (RFC 5246 6.2): cuts what is written into records, and finds records in what
 * came off the wire.  Knows content types, not what is in them.
 */
#ifndef KP_RECORD_RECORD_H
#define KP_RECORD_RECORD_H

#include "record/buffer.h"
#include "record/protect.h"

#define KP_RECORD_WIRE_MAX (KP_HEADER_LEN + KP_RECORD_MAX + KP_EXPANSION_MAX)

struct kp_record_layer {
    struct kp_buffer in;  /* from the wire */
    struct kp_buffer out; /* for the wire */
    struct kp_protect read;
    struct kp_protect write;
    uint32_t buffer_len;
    uint16_t version;    /* of record headers; 0 until negotiated */
    bool warm;           /* contexts are kept while nothing is in flight */
    bool tls13;          /* the version in the peer's headers says nothing (RFC 8446 5.1) */
    uint16_t send_limit; /* plaintext bytes a record of ours may hold */
    uint16_t recv_limit; /* the same for the peer's protected ones; less than 2^14 only when both
                            sides sent record_size_limit (RFC 8449 4).  In TLS 1.3 padding counts,
                            too; the type byte, which counts there, is not in this number */
};

/* A record in layer->in, not yet opened. */
struct kp_record {
    uint8_t type;
    const uint8_t *header;
    size_t len; /* of the fragment */
};

void kp_record_init(struct kp_record_layer *l, size_t buffer_len);
void kp_record_clear(struct kp_record_layer *l);

/* 1: a whole record, described in *r; 0: more bytes are needed; negative: refused.  The header is
 * judged as soon as it is there. */
int kp_record_next(const struct kp_record_layer *l, struct kp_record *r) KP_MUST_CHECK;
/* Opens it to out, which has r->len bytes, and takes it off layer->in.  out may be NULL: where it
 * stands (*at then points there, valid until layer->in changes). */
int kp_record_open(struct kp_record_layer *l, const struct kp_record *r, uint8_t *out,
                   const uint8_t **at, size_t *len, uint8_t *type) KP_MUST_CHECK;

/* Takes it off as it stands, whatever protection there is: for the two kinds of record that TLS 1.3
 * leaves in the clear (a ChangeCipherSpec, an alert of a client that has no keys yet). */
const uint8_t *kp_record_take(struct kp_record_layer *l, const struct kp_record *r);

/* ChangeCipherSpec in the clear, whatever protection there is (RFC 8446 D.4). */
int kp_record_write_ccs(struct kp_record_layer *l) KP_MUST_CHECK;
/* Seals len bytes as records of one type behind layer->out. */
int kp_record_write(struct kp_record_layer *l, uint8_t type, const uint8_t *data,
                    size_t len) KP_MUST_CHECK;
/* Bytes of plaintext that can be written before layer->out holds more than buffer_len. */
size_t kp_record_room(const struct kp_record_layer *l);
/* Gives back buffers and, unless layer->warm, contexts that nothing is in. */
void kp_record_rest(struct kp_record_layer *l);

#endif
