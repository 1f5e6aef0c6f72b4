/*
 * Finished (RFC 5246 7.4.9), NewSessionTicket (RFC 5077 3.3), and messages with nothing in them.
 */
#include "message/message.h"

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
