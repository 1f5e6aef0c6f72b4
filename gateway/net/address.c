/* Addresses as people type them: see address.h.  Knows no socket. */
#include "address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

static int fail(const char **why, const char *text)
{
    *why = text;
    return -1;
}

/* connects: with a default port it is an address to connect to, where 0 is none. */
static int take_port(struct kp_host *out, const char *text, size_t len, bool connects,
                     const char **why)
{
    const char *range =
        connects ? "the port is a number from 1 to 65535" : "the port is a number from 0 to 65535";
    unsigned long port = 0;
    if (len == 0 || len > 5)
        return fail(why, range);
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return fail(why, range);
        port = port * 10 + (unsigned long)(text[i] - '0');
    }
    if (port > 65535)
        return fail(why, range);
    snprintf(out->port, sizeof out->port, "%lu", port);
    return 0;
}

/* The bytes of host names and numeric addresses: they are shown to people as they are. */
static bool is_of_address(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(".-_:%", c) != NULL);
}

static int take_name(struct kp_host *out, const char *text, size_t len, const char **why)
{
    if (len == 0)
        return fail(why, "the address is missing");
    if (len >= sizeof out->name)
        return fail(why, "the address is too long");
    for (size_t i = 0; i < len; i++)
        if (!is_of_address(text[i]))
            return fail(why, "the address holds a character that no address has");
    memcpy(out->name, text, len);
    out->name[len] = '\0';
    return 0;
}

static int split_brackets(struct kp_host *out, const char *text, size_t len,
                          const char *default_port, const char **why)
{
    const char *close = memchr(text, ']', len);
    struct in6_addr v6;
    size_t inner, rest;
    if (close == NULL)
        return fail(why, "an IPv6 address ends with ]");
    inner = (size_t)(close - text) - 1;
    rest = len - inner - 2;
    if (take_name(out, text + 1, inner, why) != 0)
        return -1;
    if (strchr(out->name, '%') == NULL && inet_pton(AF_INET6, out->name, &v6) != 1)
        return fail(why, "between [ and ] stands no IPv6 address");
    if (rest > 0 && close[1] == ':')
        return take_port(out, close + 2, rest - 1, default_port != NULL, why);
    if (rest > 0)
        return fail(why, "after ] comes :PORT");
    if (default_port == NULL)
        return fail(why, "the port is missing");
    return take_port(out, default_port, strlen(default_port), true, why);
}

/* Without brackets: no port can follow. */
static int take_bare_v6(struct kp_host *out, const char *text, size_t len, const char *default_port,
                        const char **why)
{
    struct in6_addr v6;
    if (take_name(out, text, len, why) != 0)
        return -1;
    if (strchr(out->name, '%') == NULL && inet_pton(AF_INET6, out->name, &v6) != 1)
        return fail(why, "this is no IPv6 address; one with a port is written [ADDRESS]:PORT");
    return take_port(out, default_port, strlen(default_port), true, why);
}

int kp_host_split(struct kp_host *out, const char *text, size_t len, const char *default_port,
                  const char **why)
{
    const char *colon = memchr(text, ':', len);
    size_t host;
    if (len > 0 && text[0] == '[')
        return split_brackets(out, text, len, default_port, why);
    if (colon != NULL && memchr(colon + 1, ':', len - (size_t)(colon - text) - 1) != NULL) {
        if (default_port == NULL)
            return fail(why, "an IPv6 address with a port is written [ADDRESS]:PORT");
        return take_bare_v6(out, text, len, default_port, why);
    }
    if (colon == NULL && default_port == NULL)
        return fail(why, len > 0 && strspn(text, "0123456789") >= len
                             ? "the address is missing: ADDR:PORT"
                             : "the port is missing");
    host = colon != NULL ? (size_t)(colon - text) : len;
    if (take_name(out, text, host, why) != 0)
        return -1;
    if (colon != NULL)
        return take_port(out, colon + 1, len - host - 1, default_port != NULL, why);
    return take_port(out, default_port, strlen(default_port), true, why);
}

int kp_host_split_url(struct kp_host *out, const char *text, size_t len, const char *default_port,
                      const char **why)
{
    char plain[KP_HOST_TEXT_LEN];
    const char *zone = len > 0 && text[0] == '[' ? memchr(text, '%', len) : NULL;
    size_t before = zone != NULL ? (size_t)(zone - text) + 1 : 0;
    /* What is %25 alone is the zone of that number. */
    if (zone == NULL || len - before < 4 || len >= sizeof plain ||
        memcmp(text + before, "25", 2) != 0 || text[before + 2] == ']')
        return kp_host_split(out, text, len, default_port, why);
    memcpy(plain, text, before);
    memcpy(plain + before, text + before + 2, len - before - 2);
    return kp_host_split(out, plain, len - 2, default_port, why);
}

bool kp_host_has_no_port(const struct kp_host *host)
{
    return strcmp(host->port, "0") == 0;
}

bool kp_host_is_numeric(const struct kp_host *host)
{
    struct in6_addr v6;
    struct in_addr v4;
    return strchr(host->name, ':') != NULL || inet_pton(AF_INET, host->name, &v4) == 1 ||
           inet_pton(AF_INET6, host->name, &v6) == 1;
}

/* Names are compared without their case and the dot of the root, RFC 1034 3.1. */
static bool is_same_name(const char *a, const char *b)
{
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    a_len -= a_len > 1 && a[a_len - 1] == '.';
    b_len -= b_len > 1 && b[b_len - 1] == '.';
    return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

bool kp_host_is_same(const struct kp_host *a, const struct kp_host *b)
{
    struct in6_addr one, other;
    if (strcmp(a->port, b->port) != 0)
        return false;
    if (is_same_name(a->name, b->name))
        return true;
    return strchr(a->name, ':') != NULL && strchr(b->name, ':') != NULL &&
           inet_pton(AF_INET6, a->name, &one) == 1 && inet_pton(AF_INET6, b->name, &other) == 1 &&
           memcmp(&one, &other, sizeof one) == 0;
}

const char *kp_host_text(const struct kp_host *host, const char *usual, char text[KP_HOST_TEXT_LEN])
{
    bool v6 = strchr(host->name, ':') != NULL;
    bool bare = usual != NULL && strcmp(host->port, usual) == 0;
    snprintf(text, KP_HOST_TEXT_LEN, "%s%s%s%s%s", v6 ? "[" : "", host->name, v6 ? "]" : "",
             bare ? "" : ":", bare ? "" : host->port);
    return text;
}

static int look_up(struct kp_address *out, const char *text, int flags, const char **why)
{
    struct kp_host host;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
    struct addrinfo *found = NULL;
    if (kp_host_split(&host, text, strlen(text), NULL, why) != 0)
        return -1;
    if (getaddrinfo(host.name, host.port, &hints, &found) != 0 || found == NULL)
        return fail(why, flags != 0 ? "a numeric address is needed, as 0.0.0.0:443 or [::]:443"
                                    : "there is no host of this name");
    memset(out, 0, sizeof *out);
    memcpy(&out->where, found->ai_addr, found->ai_addrlen);
    out->len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

int kp_address_parse(struct kp_address *out, const char *text, const char **why)
{
    return look_up(out, text, AI_NUMERICHOST, why);
}

int kp_address_find(struct kp_address *out, const char *text, const char **why)
{
    struct sockaddr_un *path = (struct sockaddr_un *)&out->where;
    if (strncmp(text, "unix:", 5) != 0)
        return look_up(out, text, 0, why);
    memset(out, 0, sizeof *out);
    if (text[5] == '\0')
        return fail(why, "after unix: comes the path of a socket");
    if (strlen(text + 5) >= sizeof path->sun_path)
        return fail(why, "the path of a unix socket has at most 107 bytes");
    path->sun_family = AF_UNIX;
    memcpy(path->sun_path, text + 5, strlen(text + 5) + 1);
    out->len = sizeof *path;
    return 0;
}

bool kp_address_is_loopback(const struct kp_address *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->where;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->where;
    if (address->where.ss_family == AF_INET)
        return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    return address->where.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

bool kp_address_is_unix(const struct kp_address *address)
{
    return address->where.ss_family == AF_UNIX;
}

static const char *inet_text(const struct sockaddr *any, char text[KP_ADDRESS_TEXT_LEN])
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)any;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)any;
    char host[INET6_ADDRSTRLEN] = "?";
    if (any->sa_family == AF_INET) {
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(text, KP_ADDRESS_TEXT_LEN, "%s:%u", host, ntohs(v4->sin_port));
    } else if (any->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(text, KP_ADDRESS_TEXT_LEN, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        snprintf(text, KP_ADDRESS_TEXT_LEN, "unknown");
    }
    return text;
}

const char *kp_inet_text(const union kp_inet *inet, char text[KP_ADDRESS_TEXT_LEN])
{
    return inet_text(&inet->any, text);
}

const char *kp_address_text(const struct kp_address *address, char text[KP_ADDRESS_TEXT_LEN])
{
    const struct sockaddr_un *path = (const struct sockaddr_un *)&address->where;
    if (!kp_address_is_unix(address))
        return inet_text((const struct sockaddr *)&address->where, text);
    snprintf(text, KP_ADDRESS_TEXT_LEN, "unix:%s", path->sun_path);
    return text;
}

const char *kp_inet_name(const union kp_inet *inet, char text[KP_ADDRESS_TEXT_LEN])
{
    const void *where = inet->any.sa_family == AF_INET6 ? (const void *)&inet->v6.sin6_addr
                                                        : (const void *)&inet->v4.sin_addr;
    if ((inet->any.sa_family != AF_INET && inet->any.sa_family != AF_INET6) ||
        inet_ntop(inet->any.sa_family, where, text, KP_ADDRESS_TEXT_LEN) == NULL)
        snprintf(text, KP_ADDRESS_TEXT_LEN, "unknown");
    return text;
}

void kp_inet_six(const union kp_inet *inet, uint8_t out[16])
{
    memset(out, 0, 16);
    if (inet->any.sa_family == AF_INET6) {
        memcpy(out, &inet->v6.sin6_addr, 16);
    } else if (inet->any.sa_family == AF_INET) {
        out[10] = out[11] = 0xff;
        memcpy(out + 12, &inet->v4.sin_addr, 4);
    }
}

unsigned kp_inet_port(const union kp_inet *inet)
{
    if (inet->any.sa_family == AF_INET6)
        return ntohs(inet->v6.sin6_port);
    return inet->any.sa_family == AF_INET ? ntohs(inet->v4.sin_port) : 0;
}

unsigned kp_address_port(const struct kp_address *address)
{
    union kp_inet inet = {.any.sa_family = AF_UNSPEC};
    if (address->len <= sizeof inet)
        memcpy(&inet, &address->where, address->len);
    return kp_inet_port(&inet);
}

/* Bound to all addresses of its family; those of this machine are all taken for loopback's. */
static bool is_any(const struct kp_address *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&address->where;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&address->where;
    return address->where.ss_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr)
                                                : v4->sin_addr.s_addr == htonl(INADDR_ANY);
}

bool kp_address_reaches(const struct kp_address *address, const struct kp_address *bound)
{
    char a[KP_ADDRESS_TEXT_LEN], b[KP_ADDRESS_TEXT_LEN];
    if (address->where.ss_family != bound->where.ss_family || kp_address_is_unix(bound) ||
        kp_address_port(address) != kp_address_port(bound))
        return false;
    return (is_any(bound) && (kp_address_is_loopback(address) || is_any(address))) ||
           strcmp(kp_address_text(address, a), kp_address_text(bound, b)) == 0;
}
