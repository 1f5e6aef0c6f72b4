/*
 * The bodies of extensions that TLS 1.2 has, those too that it shares with TLS 1.3.
 */
#include "message/extension_rows.h"

#include <string.h>

struct kp_span kp_rest_of(struct kp_reader *r)
{
    struct kp_span s = {r->data, r->left};

    kp_read_bytes(r, r->left);
    return s;
}

static int done(const struct kp_reader *r)
{
    return kp_reader_done(r) ? 0 : KP_E_DECODE;
}

int kp_parse_empty(struct kp_reader *r, struct kp_extensions *ext)
{
    (void)ext;
    return done(r);
}

void kp_build_empty(struct kp_builder *b, const struct kp_extensions *ext)
{
    (void)b;
    (void)ext;
}

/* ServerNameList with one host_name. */
int kp_parse_server_name(struct kp_reader *r, struct kp_extensions *ext)
{
    struct kp_reader list = kp_read_vector(r, 2, 1, 65535);
    uint8_t type = kp_read_u8(&list);
    struct kp_reader name = kp_read_vector(&list, 2, 1, 65535);

    if (list.failed || list.left > 0 || type != 0)
        return KP_E_DECODE;
    ext->server_name = kp_rest_of(&name);
    if (ext->server_name.len > KP_SERVER_NAME_MAX ||
        memchr(ext->server_name.data, 0, ext->server_name.len) != NULL)
        return KP_E_ILLEGAL;
    return done(r);
}

void kp_build_server_name(struct kp_builder *b, const struct kp_extensions *ext)
{
    size_t list = kp_put_open(b, 2);
    kp_put_u8(b, 0);
    size_t name = kp_put_open(b, 2);
    kp_put_bytes(b, ext->server_name.data, ext->server_name.len);
    kp_put_close(b, name, 2);
    kp_put_close(b, list, 2);
}

int kp_parse_srp(struct kp_reader *r, struct kp_extensions *ext)
{
    struct kp_reader name = kp_read_vector(r, 1, 1, KP_NAME_MAX);

    ext->srp_name = kp_rest_of(&name);
    return done(r);
}

void kp_build_srp(struct kp_builder *b, const struct kp_extensions *ext)
{
    size_t name = kp_put_open(b, 1);
    kp_put_bytes(b, ext->srp_name.data, ext->srp_name.len);
    kp_put_close(b, name, 1);
}

int kp_parse_alpn_list(struct kp_reader *r, struct kp_extensions *ext)
{
    struct kp_reader list = kp_read_vector(r, 2, 2, 65535);
    struct kp_reader walk = list;

    while (walk.left > 0)
        kp_read_vector(&walk, 1, 1, 255);
    if (walk.failed)
        return KP_E_DECODE;
    ext->alpn = kp_rest_of(&list);
    return done(r);
}

void kp_build_alpn_list(struct kp_builder *b, const struct kp_extensions *ext)
{
    size_t list = kp_put_open(b, 2);
    kp_put_bytes(b, ext->alpn.data, ext->alpn.len);
    kp_put_close(b, list, 2);
}

/* RFC 7301 3.1: a server's list has exactly one name. */
int kp_parse_alpn_one(struct kp_reader *r, struct kp_extensions *ext)
{
    struct kp_reader list = kp_read_vector(r, 2, 2, 65535);
    struct kp_reader name = kp_read_vector(&list, 1, 1, 255);

    if (!kp_reader_done(&list))
        return KP_E_DECODE;
    ext->alpn = kp_rest_of(&name);
    return done(r);
}

void kp_build_alpn_one(struct kp_builder *b, const struct kp_extensions *ext)
{
    size_t list = kp_put_open(b, 2);
    size_t name = kp_put_open(b, 1);
    kp_put_bytes(b, ext->alpn.data, ext->alpn.len);
    kp_put_close(b, name, 1);
    kp_put_close(b, list, 2);
}

/* RFC 8449 4: less than 64 is illegal_parameter. */
int kp_parse_record_size_limit(struct kp_reader *r, struct kp_extensions *ext)
{
    ext->record_size_limit = kp_read_u16(r);
    if (!kp_reader_done(r))
        return KP_E_DECODE;
    return ext->record_size_limit < 64 ? KP_E_ILLEGAL : 0;
}

void kp_build_record_size_limit(struct kp_builder *b, const struct kp_extensions *ext)
{
    kp_put_u16(b, ext->record_size_limit);
}

int kp_parse_ticket(struct kp_reader *r, struct kp_extensions *ext)
{
    ext->ticket = kp_rest_of(r);
    return 0;
}

void kp_build_ticket(struct kp_builder *b, const struct kp_extensions *ext)
{
    kp_put_bytes(b, ext->ticket.data, ext->ticket.len);
}

/* RFC 5746 3.4, 3.6: in a first handshake renegotiated_connection is empty. */
int kp_parse_renegotiation(struct kp_reader *r, struct kp_extensions *ext)
{
    struct kp_reader old = kp_read_vector(r, 1, 0, 255);

    (void)ext;
    if (!kp_reader_done(r))
        return KP_E_DECODE;
    return old.left == 0 ? 0 : KP_E_RENEGOTIATION;
}

void kp_build_renegotiation(struct kp_builder *b, const struct kp_extensions *ext)
{
    (void)ext;
    kp_put_u8(b, 0);
}
