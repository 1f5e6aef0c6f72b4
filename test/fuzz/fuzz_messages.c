/*
 * The other messages: which (1 byte), then a body.  What is parsed is built again, byte for byte.
 */
#include "fuzz.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool (*const kinds[])(struct kp_reader *, struct kp_builder *) = {
        server_key_exchange, client_key_exchange, new_ticket, finished, empty};
    static uint8_t again[300000];
    uint8_t kind = fuzz_byte(&data, &size);
    struct kp_builder b;
    struct kp_reader r;

    kp_reader_init(&r, data, size);
    kp_builder_init(&b, again, sizeof(again));
    if (!kinds[kind % 5](&r, &b))
        return 0;
    must(!b.failed && b.len == size && (size == 0 || memcmp(again, data, size) == 0));
    return 0;
}
