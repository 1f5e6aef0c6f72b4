/*
 * Hello extensions: one row each, build and parse side by side.  Unknown ones are passed over.
 */
#include "message/message.h"

#include <string.h>

/* An honest hello has about twenty; the list of seen ones is searched for each. */
#define EXTENSIONS_MAX 100

static struct kp_span rest_of(struct kp_reader *r)
{
    struct kp_span s = {r->data, r->left};

    kp_read_bytes(r, r->left);
    return s;
}

static int done(const struct kp_reader *r)
{
    return kp_reader_done(r) ? 0 : KP_E_DECODE;
}

static int parse_empty(struct kp_reader *r, struct kp_extensions *ext)
{
    (void)ext;
    return done(r);
}

static void build_empty(struct kp_builder *b, const struct kp_extensions *ext)
{
    (void)b;
    (void)ext;
}

/* ServerNameList with one host_name. */
static int parse_server_name(struct kp_reader *r, struct kp_extensions *ext)
{
    struct kp_reader list = kp_read_vector(r, 2, 1, 65535);
    uint8_t type = kp_read_u8(&list);
    struct kp_reader name = kp_read_vector(&list, 2, 1, 65535);

    if (list.failed || list.left > 0 || type != 0)
        return KP_E_DECODE;
    ext->server_name = rest_of(&name);
    if (ext->server_name.len > KP_SERVER_NAME_MAX ||
        memchr(ext->server_name.data, 0, ext->server_name.len) != NULL)
        return KP_E_ILLEGAL;
    return done(r);
}

static void build_server_name(struct kp_builder *b, const struct kp_extensions *ext)
{
    size_t list = kp_put_open(b, 2);
    kp_put_u8(b, 0);
    size_t name = kp_put_open(b, 2);
    kp_put_bytes(b, ext->server_name.data, ext->server_name.len);
    kp_put_close(b, name, 2);
    kp_put_close(b, list, 2);
}

static int parse_srp(struct kp_reader *r, struct kp_extensions *ext)
{
    struct kp_reader name = kp_read_vector(r, 1, 1, KP_NAME_MAX);

    ext->srp_name = rest_of(&name);
    return done(r);
}

static void build_srp(struct kp_builder *b, const struct kp_extensions *ext)
{
    size_t name = kp_put_open(b, 1);
    kp_put_bytes(b, ext->srp_name.data, ext->srp_name.len);
    kp_put_close(b, name, 1);
}

static int parse_alpn_list(struct kp_reader *r, struct kp_extensions *ext)
{
    struct kp_reader list = kp_read_vector(r, 2, 2, 65535);
    struct kp_reader walk = list;

    while (walk.left > 0)
        kp_read_vector(&walk, 1, 1, 255);
    if (walk.failed)
        return KP_E_DECODE;
    ext->alpn = rest_of(&list);
    return done(r);
}

static void build_alpn_list(struct kp_builder *b, const struct kp_extensions *ext)
{
    size_t list = kp_put_open(b, 2);
    kp_put_bytes(b, ext->alpn.data, ext->alpn.len);
    kp_put_close(b, list, 2);
}

/* RFC 7301 3.1: a server's list has exactly one name. */
static int parse_alpn_one(struct kp_reader *r, struct kp_extensions *ext)
{
    struct kp_reader list = kp_read_vector(r, 2, 2, 65535);
    struct kp_reader name = kp_read_vector(&list, 1, 1, 255);

    if (!kp_reader_done(&list))
        return KP_E_DECODE;
    ext->alpn = rest_of(&name);
    return done(r);
}

static void build_alpn_one(struct kp_builder *b, const struct kp_extensions *ext)
{
    size_t list = kp_put_open(b, 2);
    size_t name = kp_put_open(b, 1);
    kp_put_bytes(b, ext->alpn.data, ext->alpn.len);
    kp_put_close(b, name, 1);
    kp_put_close(b, list, 2);
}

/* RFC 8449 4: less than 64 is illegal_parameter. */
static int parse_record_size_limit(struct kp_reader *r, struct kp_extensions *ext)
{
    ext->record_size_limit = kp_read_u16(r);
    if (!kp_reader_done(r))
        return KP_E_DECODE;
    return ext->record_size_limit < 64 ? KP_E_ILLEGAL : 0;
}

static void build_record_size_limit(struct kp_builder *b, const struct kp_extensions *ext)
{
    kp_put_u16(b, ext->record_size_limit);
}

static int parse_ticket(struct kp_reader *r, struct kp_extensions *ext)
{
    ext->ticket = rest_of(r);
    return 0;
}

static void build_ticket(struct kp_builder *b, const struct kp_extensions *ext)
{
    kp_put_bytes(b, ext->ticket.data, ext->ticket.len);
}

static int parse_versions(struct kp_reader *r, struct kp_extensions *ext)
{
    struct kp_reader list = kp_read_vector(r, 1, 2, 254);

    ext->versions = rest_of(&list);
    return kp_reader_done(r) && ext->versions.len % 2 == 0 ? 0 : KP_E_DECODE;
}

/* RFC 5746 3.4, 3.6: in a first handshake renegotiated_connection is empty. */
static int parse_renegotiation(struct kp_reader *r, struct kp_extensions *ext)
{
    struct kp_reader old = kp_read_vector(r, 1, 0, 255);

    (void)ext;
    if (!kp_reader_done(r))
        return KP_E_DECODE;
    return old.left == 0 ? 0 : KP_E_RENEGOTIATION;
}

static void build_renegotiation(struct kp_builder *b, const struct kp_extensions *ext)
{
    (void)ext;
    kp_put_u8(b, 0);
}

typedef int parse_fn(struct kp_reader *r, struct kp_extensions *ext);
typedef void build_fn(struct kp_builder *b, const struct kp_extensions *ext);

struct row {
    uint16_t value;
    uint32_t bit;
    parse_fn *parse_client; /* NULL: passed over as unknown */
    build_fn *build_client;
    parse_fn *parse_server; /* NULL: a server must not send it */
    build_fn *build_server;
};

static const struct row rows[] = {
    {0, KP_EXT_SERVER_NAME, parse_server_name, build_server_name, parse_empty, build_empty},
    {12, KP_EXT_SRP, parse_srp, build_srp, NULL, NULL},
    {16, KP_EXT_ALPN, parse_alpn_list, build_alpn_list, parse_alpn_one, build_alpn_one},
    {22, KP_EXT_ETM, parse_empty, build_empty, parse_empty, build_empty},
    {23, KP_EXT_EMS, parse_empty, build_empty, parse_empty, build_empty},
    {28, KP_EXT_RECORD_SIZE_LIMIT, parse_record_size_limit, build_record_size_limit,
     parse_record_size_limit, build_record_size_limit},
    {35, KP_EXT_TICKET, parse_ticket, build_ticket, parse_empty, build_empty},
    {43, KP_EXT_VERSIONS, parse_versions, NULL, NULL, NULL},
    {0xFF01, KP_EXT_RENEGOTIATION, parse_renegotiation, build_renegotiation, parse_renegotiation,
     build_renegotiation},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct row *row_of(uint16_t value)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].value == value)
            return &rows[i];
    }
    return NULL;
}

static int parse_one(uint16_t value, struct kp_reader *body, enum kp_message_type hello,
                     struct kp_extensions *out)
{
    const struct row *row = row_of(value);
    parse_fn *parse = NULL;

    if (row != NULL)
        parse = hello == KP_CLIENT_HELLO ? row->parse_client : row->parse_server;
    /* RFC 5246 7.4.1.4: a client refuses what it can't have offered. */
    if (parse == NULL)
        return hello == KP_CLIENT_HELLO ? 0 : KP_E_EXTENSION;
    out->present |= row->bit;
    return parse(body, out);
}

int kp_extensions_parse(struct kp_reader *r, enum kp_message_type hello, struct kp_extensions *out)
{
    uint16_t seen[EXTENSIONS_MAX];
    size_t count = 0;

    memset(out, 0, sizeof(*out));
    if (kp_reader_done(r))
        return 0;
    struct kp_reader block = kp_read_vector(r, 2, 0, 65535);
    while (!block.failed && block.left > 0) {
        uint16_t value = kp_read_u16(&block);
        struct kp_reader body = kp_read_vector(&block, 2, 0, 65535);
        if (block.failed || count == EXTENSIONS_MAX)
            return KP_E_DECODE;
        for (size_t i = 0; i < count; i++) {
            if (seen[i] == value)
                return KP_E_DECODE;
        }
        seen[count++] = value;
        int err = parse_one(value, &body, hello, out);
        if (err != 0)
            return err;
    }
    return !block.failed && kp_reader_done(r) ? 0 : KP_E_DECODE;
}

void kp_extensions_build(struct kp_builder *b, enum kp_message_type hello,
                         const struct kp_extensions *ext)
{
    size_t block = kp_put_open(b, 2);

    for (size_t i = 0; i < ROWS; i++) {
        build_fn *build = hello == KP_CLIENT_HELLO ? rows[i].build_client : rows[i].build_server;
        if ((ext->present & rows[i].bit) == 0 || build == NULL)
            continue;
        kp_put_u16(b, rows[i].value);
        size_t body = kp_put_open(b, 2);
        build(b, ext);
        kp_put_close(b, body, 2);
    }
    kp_put_close(b, block, 2);
}
