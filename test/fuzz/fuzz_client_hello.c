/*
 * ClientHello: a body.  What is parsed is built and parsed again to the same; what is kept for TLS
 * 1.3 is parsed as a server does then, and stays within the message.
 */
#include "fuzz_hello.h"

static struct world world;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    world_open(&world, 2048, NULL, NULL);
    return 0;
}

/* Those that are built from other fields than they are parsed to. */
#define LATE                                                                                       \
    ((uint32_t)(KP_EXT_GROUPS | KP_EXT_SIGNATURES | KP_EXT_PSK | KP_EXT_COOKIE |                   \
                KP_EXT_PSK_MODES | KP_EXT_KEY_SHARE | KP_EXT_PAKE))

static void must_be_in(struct kp_span part, const uint8_t *data, size_t size)
{
    must(part.len == 0 || (part.data >= data && part.data + part.len <= data + size));
}

static void parse_tickets(const struct kp_extensions *ext, const uint8_t *data, size_t size)
{
    struct kp_psk_list list;
    struct kp_span identity;
    struct kp_span binder;

    if (kp_psk_list_parse(ext->raw_psk, &list) != 0)
        return;
    /* A binder covers what lies before the list of them. */
    must(list.binders_len >= KP_PSK_BINDERS_LEN(32) && list.binders_len < size);
    must(!ext->psk_last || ext->raw_psk.data + ext->raw_psk.len == data + size);
    while (kp_psk_list_next(&list, &identity, &binder)) {
        must_be_in(identity, data, size);
        must_be_in(binder, data, size);
        must(identity.len > 0 && binder.len >= 32);
    }
}

static void parse_late(const struct kp_client_hello *hello, const uint8_t *data, size_t size)
{
    const struct kp_extensions *ext = &hello->ext;
    uint8_t fixed[KP_SHA256_LEN];
    struct kp_pake_offer offer;
    struct kp_span span = {NULL, 0};
    bool dhe;

    must(kp_retry13_fixed(world.crypto, hello, 0, fixed) == 0);
    if (ext->present & KP_EXT_PSK)
        parse_tickets(ext, data, size);
    if ((ext->present & KP_EXT_PSK_MODES) && kp_psk_modes_parse(ext->raw_psk_modes, &dhe) == 0)
        must(ext->raw_psk_modes.len >= 2);
    if ((ext->present & KP_EXT_COOKIE) && kp_cookie_parse(ext->raw_cookie, &span) == 0) {
        struct kp_retry13 retry;
        must_be_in(span, data, size);
        (void)!kp_retry13_open(world.context[KP_SERVER], span, &retry);
    }
    if ((ext->present & KP_EXT_PAKE) && kp_pake_offer_parse(ext->raw_pake, &offer) == 0) {
        must_be_in(offer.client_identity, data, size);
        must_be_in(offer.server_identity, data, size);
        must_be_in(offer.share, data, size);
    }
    if ((ext->present & KP_EXT_GROUPS) && kp_groups_parse(ext->raw_groups, &span) == 0 &&
        (ext->present & KP_EXT_KEY_SHARE) && kp_key_shares_check(ext->raw_key_share, span) == 0) {
        for (size_t i = 0; i + 1 < span.len; i += 2) {
            uint16_t group = (uint16_t)(span.data[i] << 8 | span.data[i + 1]);
            must_be_in(kp_key_share_find(ext->raw_key_share, group), data, size);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t again[140000];
    struct kp_client_hello hello;
    struct kp_client_hello second;
    struct kp_builder b;
    struct kp_reader r;

    kp_reader_init(&r, data, size);
    if (kp_client_hello_parse(&r, &hello) != 0)
        return 0;
    (void)kp_list_has(hello.suites, KP_FALLBACK_SCSV);
    parse_late(&hello, data, size);
    hello.ext.present &= ~LATE;
    kp_builder_init(&b, again, sizeof(again));
    kp_client_hello_build(&b, &hello);
    must(!b.failed);
    kp_reader_init(&r, again, b.len);
    must(kp_client_hello_parse(&r, &second) == 0);
    must(second.version == hello.version && second.null_compression);
    must_same(second.random, hello.random);
    must_same(second.session_id, hello.session_id);
    must_same(second.suites, hello.suites);
    must_same_extensions(&second.ext, &hello.ext);
    return 0;
}
