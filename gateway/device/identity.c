/*
 * Who was proved: see identity.h.  The PROXY protocol is HAProxy's doc/proxy-protocol.txt,
 * sections 2.2 and 2.2.5.
 *
 *      12 bytes signature | 0x21 version 2, PROXY | family | length | addresses | TLVs
 */
#include "identity.h"

#include <string.h>

#include "../net/sock.h"

#define VERSION_TLS13 0x0304

enum {
    VERSION_PROXY = 0x21,
    TCP4 = 0x11,
    TCP6 = 0x21,
    UNSPEC = 0x00,
    TYPE_SSL = 0x20,
    SUBTYPE_VERSION = 0x21,
    SUBTYPE_CN = 0x22,
    SUBTYPE_CIPHER = 0x23,
    CLIENT_SSL = 0x01,       /* the client came over TLS */
    CLIENT_CERT_SESS = 0x04, /* it showed who it is, now or earlier in this session */
};

static const uint8_t signature[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                      0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

struct out {
    uint8_t *data;
    size_t len;
    bool failed;
};

static void put(struct out *o, const void *data, size_t len)
{
    if (o->failed || len > KP_PROXY2_MAX - o->len) {
        o->failed = true;
        return;
    }
    if (len > 0)
        memcpy(o->data + o->len, data, len);
    o->len += len;
}

static void put_u8(struct out *o, unsigned value)
{
    put(o, &(uint8_t){(uint8_t)value}, 1);
}

static void put_u16(struct out *o, size_t value)
{
    put_u8(o, (unsigned)(value >> 8) & 0xff);
    put_u8(o, (unsigned)value & 0xff);
}

/* Sets the 16 bits before what was written since mark to its length. */
static void close_length(struct out *o, size_t mark)
{
    size_t len = o->len - mark;
    if (o->failed)
        return;
    o->data[mark - 2] = (uint8_t)(len >> 8);
    o->data[mark - 1] = (uint8_t)len;
}

static void put_tlv(struct out *o, unsigned type, const void *value, size_t len)
{
    put_u8(o, type);
    put_u16(o, len);
    put(o, value, len);
}

static unsigned family(const union kp_inet *client, const union kp_inet *local)
{
    if (client->any.sa_family != local->any.sa_family)
        return UNSPEC;
    if (client->any.sa_family == AF_INET)
        return TCP4;
    return client->any.sa_family == AF_INET6 ? TCP6 : UNSPEC;
}

static void put_addresses(struct out *o, unsigned kind, const union kp_inet *client,
                          const union kp_inet *local)
{
    if (kind == TCP4) {
        put(o, &client->v4.sin_addr, 4);
        put(o, &local->v4.sin_addr, 4);
        put(o, &client->v4.sin_port, 2);
        put(o, &local->v4.sin_port, 2);
    } else if (kind == TCP6) {
        put(o, &client->v6.sin6_addr, 16);
        put(o, &local->v6.sin6_addr, 16);
        put(o, &client->v6.sin6_port, 2);
        put(o, &local->v6.sin6_port, 2);
    }
}

/* "verify" 0: what the client showed was verified.  lighttpd 1.4.69 reads it, and each sub-TLV,
 * through structs that it doesn't pack: it looks for the first sub-TLV three bytes too late, so an
 * empty one of type 0 stands there, which every reader skips. */
static void put_ssl(struct out *o, const struct kp_info *info)
{
    size_t mark;
    put_u8(o, TYPE_SSL);
    put_u16(o, 0);
    mark = o->len;
    put_u8(o, CLIENT_SSL | CLIENT_CERT_SESS);
    put_u16(o, 0);
    put_u16(o, 0);
    put_tlv(o, 0, NULL, 0);
    put_tlv(o, SUBTYPE_VERSION, info->version_name, strlen(info->version_name));
    put_tlv(o, SUBTYPE_CN, info->user, info->user_len);
    put_tlv(o, SUBTYPE_CIPHER, info->suite_name, strlen(info->suite_name));
    close_length(o, mark);
}

size_t kp_identity_proxy2(uint8_t out[KP_PROXY2_MAX], const union kp_inet *client, int fd,
                          const struct kp_info *info)
{
    struct out o = {.data = out};
    union kp_inet local;
    unsigned kind;
    kp_sock_local(fd, &local);
    kind = family(client, &local);
    put(&o, signature, sizeof signature);
    put_u8(&o, VERSION_PROXY);
    put_u8(&o, kind);
    put_u16(&o, 0);
    put_addresses(&o, kind, client, &local);
    if (info != NULL)
        put_ssl(&o, info);
    close_length(&o, sizeof signature + 4);
    return o.failed ? 0 : o.len;
}

void kp_identity_say(struct kp_identity *out, const union kp_inet *client, int fd,
                     const struct kp_info *info)
{
    union kp_inet local;
    kp_sock_local(fd, &local);
    out->said = (struct kp_http_identity){
        .user = {info->user, info->user_len},
        .proof = info->version == VERSION_TLS13 ? "spake2plus" : "srp",
        .protocol = info->version_name,
        .suite = info->suite_name,
        .address = kp_inet_name(client, out->address),
        .ipv6 = client->any.sa_family == AF_INET6,
        .port = kp_inet_port(&local),
    };
}
