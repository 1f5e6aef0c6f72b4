/*
 * The record layer.
 */
#include "record/record.h"

#include "base/bytes.h"

#include <string.h>

void kp_record_init(struct kp_record_layer *l, size_t buffer_len)
{
    memset(l, 0, sizeof(*l));
    kp_protect_none(&l->read);
    kp_protect_none(&l->write);
    l->buffer_len = (uint32_t)buffer_len;
    l->send_limit = KP_RECORD_MAX;
    l->recv_limit = KP_RECORD_MAX;
}

void kp_record_clear(struct kp_record_layer *l)
{
    kp_protect_clear(&l->read);
    kp_protect_clear(&l->write);
    /* The last record may have been opened where it stood. */
    kp_buffer_free(&l->in, true);
    kp_buffer_free(&l->out, false);
}

int kp_record_next(const struct kp_record_layer *l, struct kp_record *r)
{
    struct kp_reader reader;

    if (kp_buffer_used(&l->in) < KP_HEADER_LEN)
        return 0;
    r->header = kp_buffer_data(&l->in);
    kp_reader_init(&reader, r->header, KP_HEADER_LEN);
    r->type = kp_read_u8(&reader);
    uint16_t version = kp_read_u16(&reader);
    r->len = kp_read_u16(&reader);
    if (r->type < KP_CCS || r->type > KP_APPLICATION)
        return KP_E_UNEXPECTED;
    /* RFC 5246 E.1: before a version is negotiated, any {03,XX} is taken. */
    if (l->version == 0 || l->tls13 ? version >> 8 != 3 : version != l->version)
        return KP_E_VERSION;
    if (r->len > KP_RECORD_MAX + KP_EXPANSION_MAX)
        return KP_E_OVERFLOW;
    return kp_buffer_used(&l->in) >= KP_HEADER_LEN + r->len ? 1 : 0;
}

int kp_record_open(struct kp_record_layer *l, const struct kp_record *r, uint8_t *out,
                   const uint8_t **at, size_t *len, uint8_t *type)
{
    uint8_t *fragment = l->in.data + l->in.start + KP_HEADER_LEN;
    bool protected = l->read.key_len != 0;
    int err;

    if (out == NULL)
        out = fragment;
    /* RFC 8449 4: the limit is one of TLSInnerPlaintext, its type and its padding. */
    if (l->tls13 && protected && r->len > l->recv_limit + 1u + KP_AEAD_TAG_LEN)
        return KP_E_OVERFLOW;
    err = l->read.ops->open(&l->read, r->header, fragment, r->len, out, len, type);
    kp_buffer_taken(&l->in, KP_HEADER_LEN + r->len);
    if (err != 0)
        return err;
    *at = out;
    return *len > (protected ? l->recv_limit : KP_RECORD_MAX) ? KP_E_OVERFLOW : 0;
}

const uint8_t *kp_record_take(struct kp_record_layer *l, const struct kp_record *r)
{
    const uint8_t *fragment = r->header + KP_HEADER_LEN;

    kp_buffer_taken(&l->in, KP_HEADER_LEN + r->len);
    return fragment;
}

int kp_record_write_ccs(struct kp_record_layer *l)
{
    size_t room;
    int err = kp_buffer_reserve(&l->out, KP_HEADER_LEN + 1, 0);

    if (err != 0)
        return err;
    uint8_t *record = kp_buffer_tail(&l->out, &room);
    kp_record_header_put(record, KP_CCS, l->version, 1);
    record[KP_HEADER_LEN] = 1;
    kp_buffer_added(&l->out, KP_HEADER_LEN + 1);
    return 0;
}

static int write_one(struct kp_record_layer *l, uint8_t type, const uint8_t *data, size_t len)
{
    size_t whole = KP_HEADER_LEN + l->write.ops->sealed_len(&l->write, len);
    /* The first ClientHello goes out as {03,01}: some servers stumble over more. */
    uint16_t version = l->version != 0 ? l->version : 0x0301;
    size_t room;
    int err = kp_buffer_reserve(&l->out, whole, 0);

    if (err == 0)
        err =
            l->write.ops->seal(&l->write, type, version, data, len, kp_buffer_tail(&l->out, &room));
    if (err == 0)
        kp_buffer_added(&l->out, whole);
    return err;
}

int kp_record_write(struct kp_record_layer *l, uint8_t type, const uint8_t *data, size_t len)
{
    size_t records = len / l->send_limit + 1;
    int err = kp_buffer_reserve(&l->out, len + records * (KP_HEADER_LEN + 64), 0);

    while (err == 0 && len > 0) {
        size_t n = len < l->send_limit ? len : l->send_limit;
        err = write_one(l, type, data, n);
        data += n;
        len -= n;
    }
    return err;
}

size_t kp_record_room(const struct kp_record_layer *l)
{
    size_t used = kp_buffer_used(&l->out);

    return used < l->buffer_len ? l->buffer_len - used : 0;
}

void kp_record_rest(struct kp_record_layer *l)
{
    kp_buffer_rest(&l->in, true);
    kp_buffer_rest(&l->out, false);
    if (l->warm)
        return;
    if (l->in.data == NULL)
        l->read.ops->rest(&l->read);
    if (l->out.data == NULL)
        l->write.ops->rest(&l->write);
}
