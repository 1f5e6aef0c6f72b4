/*
 * What a peer speaks, by its first bytes.  Of a ClientHello it looks for what makes it ours, and at
 * nothing else: what is odd in it is for the server that gets it to refuse.
 */
#include "conn/first.h"

#include "key/ticket.h"
#include "message/message13.h"
#include "record/protect.h"

#define METHOD_MAX 32

/* Of RFC 5054 2.7, all: those that we don't speak as well are nothing to another server. */
#define SRP_SUITE_FIRST 0xC01A
#define SRP_SUITE_LAST 0xC022

enum kp_first kp_first_request(const uint8_t *bytes, size_t len)
{
    size_t letters = 0;

    while (letters < len && bytes[letters] >= 'A' && bytes[letters] <= 'Z')
        letters++;
    if (letters > METHOD_MAX)
        return KP_FIRST_OTHER;
    if (letters == len)
        return KP_FIRST_MORE;
    return letters > 0 && bytes[letters] == ' ' ? KP_FIRST_HTTP : KP_FIRST_OTHER;
}

/* ---- The marks of a password -------------------------------------------------------------- */

static bool has_srp_suite(struct kp_span suites)
{
    struct kp_reader r;

    kp_reader_init(&r, suites.data, suites.len);
    while (r.left > 0) {
        uint16_t value = kp_read_u16(&r);
        if (value >= SRP_SUITE_FIRST && value <= SRP_SUITE_LAST)
            return true;
    }
    return false;
}

static bool is_our_ticket(const struct kp_reader *body)
{
    return !body->failed && kp_ticket_is_ours(body->data, body->left);
}

/* PskIdentity, RFC 8446 4.2.11: identity and age.  What can't be read may have one: it stays here
 * too, to be refused. */
static bool has_our_ticket(struct kp_reader *body)
{
    struct kp_reader list = kp_read_vector(body, 2, 0, 65535);

    while (!list.failed && list.left > 0) {
        struct kp_reader identity = kp_read_vector(&list, 2, 0, 65535);
        if (is_our_ticket(&identity))
            return true;
        (void)kp_read_u32(&list);
    }
    return list.failed;
}

static bool is_mark(uint16_t value, struct kp_reader *body)
{
    switch (kp_extension_bit(value)) {
    case KP_EXT_SRP:
    case KP_EXT_PAKE:
        return true;
    case KP_EXT_TICKET:
        return is_our_ticket(body);
    case KP_EXT_PSK:
        return has_our_ticket(body);
    default:
        return false;
    }
}

/* ---- A ClientHello ------------------------------------------------------------------------ */

/* The table's parser refuses bodies that may be another server's business: here the block is only
 * walked. */
static enum kp_first judge_hello(struct kp_reader *r)
{
    struct kp_client_hello hello;

    if (kp_client_hello_start(r, &hello) != 0)
        return KP_FIRST_OTHER;
    bool marked = has_srp_suite(hello.suites);
    struct kp_reader block = {NULL, 0, false};
    if (r->left > 0)
        block = kp_read_vector(r, 2, 0, 65535);
    while (!block.failed && block.left > 0) {
        uint16_t value = kp_read_u16(&block);
        struct kp_reader body = kp_read_vector(&block, 2, 0, 65535);
        marked = marked || is_mark(value, &body);
    }
    if (block.failed || !kp_reader_done(r))
        return KP_FIRST_OTHER;
    return marked ? KP_FIRST_PASSWORD_TLS : KP_FIRST_OTHER_TLS;
}

/* expected: how many bytes the message has when its last record has come whole. */
static enum kp_first judge_message(const struct kp_builder *message, size_t expected)
{
    struct kp_reader r;

    if (message->len == 0)
        return KP_FIRST_MORE;
    kp_reader_init(&r, message->data, message->len);
    if (kp_read_u8(&r) != KP_CLIENT_HELLO)
        return KP_FIRST_OTHER;
    size_t len = kp_read_u24(&r);
    if (r.failed)
        return KP_FIRST_MORE;
    /* Nothing may stand behind it: another hello, say. */
    if (len > KP_HELLO_MAX || expected > KP_MESSAGE_HEADER_LEN + len)
        return KP_FIRST_OTHER;
    if (r.left < len)
        return KP_FIRST_MORE;
    kp_reader_init(&r, r.data, len);
    return judge_hello(&r);
}

/* ---- The records that it stands in ---------------------------------------------------------- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Adds what is there of the next record's fragment to the message. */
static enum kp_first take_record(struct kp_reader *wire, struct kp_builder *message)
{
    if (wire->data[0] != KP_HANDSHAKE || (wire->left > 1 && wire->data[1] != 3))
        return KP_FIRST_OTHER;
    (void)kp_read_bytes(wire, 3);
    size_t len = kp_read_u16(wire);
    if (wire->failed)
        return KP_FIRST_MORE;
    /* RFC 5246 6.2.1: no empty fragments of this type. */
    if (len == 0 || len > KP_RECORD_MAX)
        return KP_FIRST_OTHER;
    size_t expected = message->len + len;
    len = least(len, wire->left);
    /* What stands behind the message is cut off, if it doesn't fit. */
    kp_put_bytes(message, wire->data, least(len, message->capacity - message->len));
    (void)kp_read_bytes(wire, len);
    return judge_message(message, expected);
}

static enum kp_first judge_records(const uint8_t *bytes, size_t len)
{
    uint8_t space[KP_MESSAGE_HEADER_LEN + KP_HELLO_MAX];
    struct kp_builder message;
    struct kp_reader wire;
    enum kp_first first = KP_FIRST_MORE;

    kp_builder_init(&message, space, sizeof(space));
    kp_reader_init(&wire, bytes, len);
    while (first == KP_FIRST_MORE && wire.left > 0)
        first = take_record(&wire, &message);
    return first;
}

enum kp_first kp_first_bytes(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return KP_FIRST_MORE;
    if (bytes[0] != KP_HANDSHAKE)
        return kp_first_request(bytes, len);
    enum kp_first first = judge_records(bytes, least(len, KP_FIRST_MAX));
    return first == KP_FIRST_MORE && len >= KP_FIRST_MAX ? KP_FIRST_OTHER : first;
}
