/*
 * Finished (RFC 5246 7.4.9, RFC 8446 4.4.4), NewSessionTicket (RFC 5077 3.3, RFC 8446 4.6.1),
 * KeyUpdate (RFC 8446 4.6.3), and messages with nothing in them.
 */
#include "message/message13.h"

int kp_finished_parse(struct kp_reader *r, const uint8_t **verify_data)
{
    *verify_data = kp_read_bytes(r, KP_VERIFY_LEN);
    return kp_reader_done(r) ? 0 : KP_E_DECODE;
}

int kp_new_ticket_parse(struct kp_reader *r, struct kp_new_ticket *out)
{
    out->lifetime = kp_read_u32(r);
    struct kp_reader ticket = kp_read_vector(r, 2, 0, 65535);
    out->ticket = (struct kp_span){ticket.data, ticket.left};
    return kp_reader_done(r) ? 0 : KP_E_DECODE;
}

void kp_new_ticket_build(struct kp_builder *b, const struct kp_new_ticket *ticket)
{
    kp_put_u32(b, ticket->lifetime);
    size_t mark = kp_put_open(b, 2);
    kp_put_bytes(b, ticket->ticket.data, ticket->ticket.len);
    kp_put_close(b, mark, 2);
}

int kp_empty_parse(struct kp_reader *r)
{
    return kp_reader_done(r) ? 0 : KP_E_DECODE;
}

int kp_finished13_parse(struct kp_reader *r, size_t len, const uint8_t **verify_data)
{
    *verify_data = kp_read_bytes(r, len);
    return kp_reader_done(r) ? 0 : KP_E_DECODE;
}

/* Its extensions say nothing that we use (early_data alone is defined). */
int kp_new_ticket13_parse(struct kp_reader *r, struct kp_new_ticket13 *out)
{
    out->lifetime = kp_read_u32(r);
    out->age_add = kp_read_u32(r);
    struct kp_reader nonce = kp_read_vector(r, 1, 0, 255);
    struct kp_reader ticket = kp_read_vector(r, 2, 1, 65535);
    struct kp_reader extensions = kp_read_vector(r, 2, 0, 65534);
    out->nonce = (struct kp_span){nonce.data, nonce.left};
    out->ticket = (struct kp_span){ticket.data, ticket.left};
    while (!extensions.failed && extensions.left > 0) {
        kp_read_u16(&extensions);
        kp_read_vector(&extensions, 2, 0, 65535);
    }
    return !extensions.failed && kp_reader_done(r) ? 0 : KP_E_DECODE;
}

void kp_new_ticket13_build(struct kp_builder *b, const struct kp_new_ticket13 *ticket)
{
    kp_put_u32(b, ticket->lifetime);
    kp_put_u32(b, ticket->age_add);
    size_t mark = kp_put_open(b, 1);
    kp_put_bytes(b, ticket->nonce.data, ticket->nonce.len);
    kp_put_close(b, mark, 1);
    mark = kp_put_open(b, 2);
    kp_put_bytes(b, ticket->ticket.data, ticket->ticket.len);
    kp_put_close(b, mark, 2);
    kp_put_u16(b, 0);
}

/* "If an implementation receives any other value, it MUST terminate the connection with an
 * illegal_parameter alert." */
int kp_key_update_parse(struct kp_reader *r, bool *asked)
{
    uint8_t request = kp_read_u8(r);

    *asked = request == 1;
    if (!kp_reader_done(r))
        return KP_E_DECODE;
    return request <= 1 ? 0 : KP_E_ILLEGAL;
}
