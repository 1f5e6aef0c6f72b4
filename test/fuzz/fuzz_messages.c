/*
 * The other messages: which (1 byte), then a body.  What is parsed is built again, byte for byte,
 * where nothing of it is passed over.
 */
#include "fuzz.h"

#include "message/message13.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static bool server_key_exchange(struct kp_reader *r, struct kp_builder *b)
{
    struct kp_srp_params params;

    if (kp_server_key_exchange_parse(r, &params) != 0)
        return false;
    (void)kp_srp_group_by_value(params.n.data, params.n.len, params.g.data, params.g.len);
    kp_server_key_exchange_build(b, &params);
    return true;
}

static bool client_key_exchange(struct kp_reader *r, struct kp_builder *b)
{
    struct kp_span a;

    if (kp_client_key_exchange_parse(r, &a) != 0)
        return false;
    kp_client_key_exchange_build(b, a);
    return true;
}

static bool new_ticket(struct kp_reader *r, struct kp_builder *b)
{
    struct kp_new_ticket ticket;

    if (kp_new_ticket_parse(r, &ticket) != 0)
        return false;
    kp_new_ticket_build(b, &ticket);
    return true;
}

static bool finished(struct kp_reader *r, struct kp_builder *b)
{
    const uint8_t *verify_data;

    if (kp_finished_parse(r, &verify_data) != 0)
        return false;
    kp_put_bytes(b, verify_data, KP_VERIFY_LEN);
    return true;
}

static bool empty(struct kp_reader *r, struct kp_builder *b)
{
    (void)b;
    return kp_empty_parse(r) == 0;
}

/* ---- TLS 1.3 --------------------------------------------------------------------------------- */

static bool new_ticket13(struct kp_reader *r, struct kp_builder *b)
{
    struct kp_new_ticket13 ticket;
    const uint8_t *end = r->data + r->left;

    if (kp_new_ticket13_parse(r, &ticket) != 0)
        return false;
    must(ticket.ticket.len > 0);
    kp_new_ticket13_build(b, &ticket);
    /* Its extensions are passed over. */
    return ticket.ticket.data + ticket.ticket.len + 2 == end;
}

static bool key_update(struct kp_reader *r, struct kp_builder *b)
{
    bool asked;

    if (kp_key_update_parse(r, &asked) != 0)
        return false;
    kp_put_u8(b, asked);
    return true;
}

static bool finished48(struct kp_reader *r, struct kp_builder *b)
{
    const uint8_t *verify_data;

    if (kp_finished13_parse(r, 48, &verify_data) != 0)
        return false;
    kp_put_bytes(b, verify_data, 48);
    return true;
}

/* In the order of our rows it comes out as it went in: compared are two rounds. */
static bool encrypted_extensions(struct kp_reader *r, struct kp_builder *b)
{
    struct kp_extensions ext;
    struct kp_extensions again;
    struct kp_reader second;

    if (kp_extensions_parse(r, KP_IN_ENCRYPTED, &ext) != 0)
        return false;
    must((ext.present & ~(uint32_t)(KP_EXT_SERVER_NAME | KP_EXT_ALPN | KP_EXT_RECORD_SIZE_LIMIT |
                                    KP_EXT_GROUPS)) == 0);
    ext.present &= ~(uint32_t)KP_EXT_GROUPS;
    kp_extensions_build(b, KP_IN_ENCRYPTED, &ext);
    kp_reader_init(&second, b->data, b->len);
    must(kp_extensions_parse(&second, KP_IN_ENCRYPTED, &again) == 0);
    must(again.present == ext.present && again.record_size_limit == ext.record_size_limit);
    must(again.alpn.len == ext.alpn.len);
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool (*const kinds[])(struct kp_reader *, struct kp_builder *) = {server_key_exchange,
                                                                             client_key_exchange,
                                                                             new_ticket,
                                                                             finished,
                                                                             empty,
                                                                             new_ticket13,
                                                                             key_update,
                                                                             finished48,
                                                                             encrypted_extensions};
    const size_t count = sizeof(kinds) / sizeof(kinds[0]);
    static uint8_t again[300000];
    uint8_t kind = fuzz_byte(&data, &size);
    struct kp_builder b;
    struct kp_reader r;

    kp_reader_init(&r, data, size);
    kp_builder_init(&b, again, sizeof(again));
    if (!kinds[kind % count](&r, &b))
        return 0;
    must(!b.failed && b.len == size && (size == 0 || memcmp(again, data, size) == 0));
    return 0;
}
