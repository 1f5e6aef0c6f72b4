/*
 * The PROXY protocol's version 2 header (section 2.2 of its specification): how a gateway in front
 * tells this device who is at the other end of a connection. Knows bytes only, no sockets.
 */
#include "proxy2.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

#define FIXED_LEN 16
#define TYPE_SSL 0x20
#define SSL_VERSION 0x21
#define SSL_CN 0x22
#define SSL_CIPHER 0x23
#define CLIENT_SSL 0x01

static const uint8_t signature[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                      0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

/* A bounded reader over the rest of the header. */
struct span {
    const uint8_t *p;
    size_t len;
};

struct tlv {
    uint8_t type;
    struct span value;
};

/* Takes one TLV off the front; false when what is left is cut. */
static bool take_tlv(struct span *from, struct tlv *tlv)
{
    if (from->len < 3)
        return false;
    size_t len = (size_t)from->p[1] << 8 | from->p[2];
    if (len > from->len - 3)
        return false;
    *tlv = (struct tlv){from->p[0], {from->p + 3, len}};
    from->p += 3 + len;
    from->len -= 3 + len;
    return true;
}

/* Copies a value that has to be text; false when it is too long or not printable. */
static bool copy_text(struct span value, char *out, size_t size)
{
    if (value.len >= size || memchr(value.p, 0, value.len))
        return false;
    memcpy(out, value.p, value.len);
    out[value.len] = '\0';
    return demo_text_is_printable(out);
}

/*
 * PP2_TYPE_SSL. The user counts only if the proxy says both that the client came over TLS and that
 * its proof was checked. "verify will be zero if the client presented a certificate and it was
 * successfully verified": here the password's proof stands for the certificate's.
 */
static const char *read_ssl(struct span value, struct demo_proxy2 *out)
{
    if (value.len < 5)
        return "its TLS part is too short";
    bool checked =
        (value.p[0] & CLIENT_SSL) && !(value.p[1] | value.p[2] | value.p[3] | value.p[4]);
    bool named = false;
    struct span rest = {value.p + 5, value.len - 5};
    struct tlv sub;
    while (rest.len) {
        if (!take_tlv(&rest, &sub))
            return "its TLS part is cut";
        bool ok = true;
        if (sub.type == SSL_CN)
            named = ok = copy_text(sub.value, out->user, sizeof out->user);
        else if (sub.type == SSL_VERSION)
            ok = copy_text(sub.value, out->version, sizeof out->version);
        else if (sub.type == SSL_CIPHER)
            ok = copy_text(sub.value, out->cipher, sizeof out->cipher);
        if (!ok)
            return "a text in its TLS part is too long or not UTF-8";
    }
    out->proved = checked && named && out->user[0];
    if (!out->proved)
        out->user[0] = out->version[0] = out->cipher[0] = '\0';
    return NULL;
}

static const char *read_tlvs(struct span rest, struct demo_proxy2 *out)
{
    struct tlv tlv;
    bool seen = false;
    while (rest.len) {
        if (!take_tlv(&rest, &tlv))
            return "its additions are cut";
        if (tlv.type != TYPE_SSL)
            continue;
        if (seen)
            return "it has two TLS parts";
        seen = true;
        const char *why = read_ssl(tlv.value, out);
        if (why)
            return why;
    }
    return NULL;
}

static size_t address_len(uint8_t family)
{
    switch (family >> 4) {
    case 1:
        return 12;
    case 2:
        return 36;
    case 3:
        return 216;
    default:
        return 0;
    }
}

static void read_source(uint8_t family, const uint8_t *p, struct demo_proxy2 *out)
{
    char ip[INET6_ADDRSTRLEN] = "";
    if (family >> 4 == 1) {
        inet_ntop(AF_INET, p, ip, sizeof ip);
        snprintf(out->source, sizeof out->source, "%s:%d", ip, p[8] << 8 | p[9]);
    } else if (family >> 4 == 2) {
        inet_ntop(AF_INET6, p, ip, sizeof ip);
        snprintf(out->source, sizeof out->source, "[%s]:%d", ip, p[32] << 8 | p[33]);
    } else if (family >> 4 == 3) {
        char path[109] = "";
        memcpy(path, p, 108);
        if (demo_text_is_printable(path))
            snprintf(out->source, sizeof out->source, "unix:%s", path);
    }
}

static const char *read_proxied(uint8_t family, struct span rest, struct demo_proxy2 *out)
{
    if (family >> 4 > 3 || (family & 15) > 2)
        return "its address family is unknown";
    size_t len = address_len(family);
    if (rest.len < len)
        return "its addresses are cut";
    read_source(family, rest.p, out);
    return read_tlvs((struct span){rest.p + len, rest.len - len}, out);
}

int demo_proxy2_parse(const uint8_t *bytes, size_t len, struct demo_proxy2 *out, const char **why)
{
    size_t shown = len < sizeof signature ? len : sizeof signature;
    *why = "it does not begin with the version 2 signature";
    if (memcmp(bytes, signature, shown) != 0)
        return -1;
    *why = "its version or command is unknown";
    if (len > 12 && bytes[12] != 0x20 && bytes[12] != 0x21)
        return -1;
    if (len < FIXED_LEN)
        return 0;
    size_t rest = (size_t)bytes[14] << 8 | bytes[15];
    *why = "it is too long";
    if (rest > DEMO_PROXY2_LEN - FIXED_LEN)
        return -1;
    if (len < FIXED_LEN + rest)
        return 0;
    struct demo_proxy2 found = {0};
    /* A LOCAL connection is the proxy's own: whatever addresses follow are to be discarded. */
    *why = bytes[12] == 0x21
               ? read_proxied(bytes[13], (struct span){bytes + FIXED_LEN, rest}, &found)
               : NULL;
    if (*why)
        return -1;
    *out = found;
    return (int)(FIXED_LEN + rest);
}
