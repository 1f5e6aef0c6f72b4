/*
 * ServerKeyExchange and ClientKeyExchange of SRP (RFC 5054 2.8.2, 2.8.3).
 */
#include "message/message.h"

static struct kp_span span_of(struct kp_reader r)
{
    return (struct kp_span){r.data, r.left};
}

static void put_vector(struct kp_builder *b, struct kp_span s, unsigned length_bytes)
{
    size_t mark = kp_put_open(b, length_bytes);
    kp_put_bytes(b, s.data, s.len);
    kp_put_close(b, mark, length_bytes);
}

int kp_server_key_exchange_parse(struct kp_reader *r, struct kp_srp_params *out)
{
    out->n = span_of(kp_read_vector(r, 2, 1, 65535));
    out->g = span_of(kp_read_vector(r, 2, 1, 65535));
    out->salt = span_of(kp_read_vector(r, 1, 1, KP_SALT_MAX));
    out->b = span_of(kp_read_vector(r, 2, 1, 65535));
    return kp_reader_done(r) ? 0 : KP_E_DECODE;
}

void kp_server_key_exchange_build(struct kp_builder *b, const struct kp_srp_params *params)
{
    put_vector(b, params->n, 2);
    put_vector(b, params->g, 2);
    put_vector(b, params->salt, 1);
    put_vector(b, params->b, 2);
}

int kp_client_key_exchange_parse(struct kp_reader *r, struct kp_span *a)
{
    *a = span_of(kp_read_vector(r, 2, 1, 65535));
    return kp_reader_done(r) ? 0 : KP_E_DECODE;
}

void kp_client_key_exchange_build(struct kp_builder *b, struct kp_span a)
{
    put_vector(b, a, 2);
}
