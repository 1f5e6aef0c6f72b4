/* A name and a port: see authority.h. */
#include "authority.h"

#include <string.h>

#define PORT_DIGITS 5

static bool is_in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~' || c == '%';
}

static bool is_in_brackets(char c)
{
    return is_in_name(c) || c == ':';
}

static size_t span(struct kp_slice text, size_t from, bool (*is_in)(char))
{
    while (from < text.len && is_in(text.at[from]))
        from++;
    return from;
}

/* The length of the name with its brackets; 0: it has none. */
static size_t name_len(struct kp_slice text)
{
    size_t end;
    if (text.len == 0 || text.at[0] != '[')
        return span(text, 0, is_in_name);
    end = span(text, 1, is_in_brackets);
    return end > 1 && end < text.len && text.at[end] == ']' ? end + 1 : 0;
}

/* What follows the name: nothing, ":", or ":PORT"; RFC 3986 3.2.3 lets a port be empty. */
static bool read_port(unsigned *port, const char *at, size_t len)
{
    *port = 0;
    if (len == 0)
        return true;
    if (at[0] != ':' || len > 1 + PORT_DIGITS)
        return false;
    for (size_t i = 1; i < len; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        *port = *port * 10 + (unsigned)(at[i] - '0');
    }
    return *port <= 65535 && (len == 1 || *port > 0);
}

bool kp_http_authority_read(struct kp_http_authority *out, struct kp_slice text)
{
    size_t len = name_len(text);
    out->name = (struct kp_slice){text.at, len};
    return len > 0 && read_port(&out->port, text.at + len, text.len - len);
}
