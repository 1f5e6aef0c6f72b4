/*
 * What a peer speaks: how (1 byte), then the first bytes of a connection as they are (0), or a
 * ClientHello's body, which is put into records of that many bytes (255: as few as can be).
 *
 * Checked besides crashes: what was told stays so; a hello that our strict parser takes is told by
 * what it finds; and one that our server would serve, or ask a name of, is never another's.
 */
#include "fuzz.h"

#include "key/ticket.h"
#include "world13.h"

#include <string.h>

static struct world13 world;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    world13_open(&world, NULL, NULL);
    return 0;
}

static void must_stay(const uint8_t *data, size_t size, enum kp_first first)
{
    size_t step = size < 2000 ? 1 : size / 500;

    for (size_t len = 0; len < size; len += step) {
        enum kp_first early = kp_first_bytes(data, len);
        must(early == KP_FIRST_MORE || early == first);
    }
    must(size < KP_FIRST_MAX || first != KP_FIRST_MORE);
}

static void must_be_what_the_parser_says(const uint8_t *body, size_t size, enum kp_first first)
{
    struct kp_client_hello hello;
    struct kp_reader r;

    kp_reader_init(&r, body, size);
    if (kp_client_hello_parse(&r, &hello) != 0)
        return;
    must(first == KP_FIRST_PASSWORD_TLS || first == KP_FIRST_OTHER_TLS);
    bool ours = (hello.ext.present & (KP_EXT_SRP | KP_EXT_PAKE)) != 0 ||
                kp_list_has(hello.suites, KP_SRP_SHA_AES128) ||
                kp_list_has(hello.suites, KP_SRP_SHA_AES256) ||
                kp_ticket_is_ours(hello.ext.ticket.data, hello.ext.ticket.len);
    must(!ours || first == KP_FIRST_PASSWORD_TLS);
}

/* What the server makes of the same bytes. */
static void must_suit_the_server(const uint8_t *data, size_t size, enum kp_first first)
{
    struct kp_conn *c;
    size_t room;

    must(kp_conn_new(&c, world.world.context[KP_SERVER], START) == 0);
    while (size > 0) {
        uint8_t *to = kp_wire_in_room(c, &room);
        size_t len = size < room ? size : room;
        if (len == 0)
            break;
        memcpy(to, data, len);
        (void)!kp_wire_in_done(c, len);
        data += len;
        size -= len;
    }
    if ((kp_conn_state(c) & KP_NEED_CREDENTIAL) || kp_conn_user(c, &room) != NULL)
        must(first != KP_FIRST_OTHER_TLS && first != KP_FIRST_HTTP && first != KP_FIRST_MORE);
    if (first == KP_FIRST_HTTP && kp_conn_error(c) != 0)
        must(kp_conn_error(c) == KP_E_HTTP);
    kp_conn_free(c);
}

static void put_records(struct bytes *out, const uint8_t *body, size_t size, size_t piece)
{
    struct bytes message = {0};
    const uint8_t head[4] = {KP_CLIENT_HELLO, (uint8_t)(size >> 16), (uint8_t)(size >> 8),
                             (uint8_t)size};

    bytes_add(&message, head, sizeof(head));
    bytes_add(&message, body, size);
    for (size_t at = 0; at < message.len; at += piece) {
        size_t len = message.len - at < piece ? message.len - at : piece;
        bytes_record(out, KP_HANDSHAKE, 0x0301, message.data + at, len);
    }
    bytes_free(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t how = fuzz_byte(&data, &size);
    struct bytes wire = {0};

    if (size > 65535)
        return 0;
    if (how == 0)
        bytes_add(&wire, data, size);
    else
        put_records(&wire, data, size, how == 255 ? KP_RECORD_MAX : how);
    enum kp_first first = kp_first_bytes(wire.data, wire.len);
    must_stay(wire.data, wire.len, first);
    if (how != 0 && size <= KP_HELLO_MAX && wire.len <= KP_FIRST_MAX)
        must_be_what_the_parser_says(data, size, first);
    must_suit_the_server(wire.data, wire.len, first);
    bytes_free(&wire);
    return 0;
}
