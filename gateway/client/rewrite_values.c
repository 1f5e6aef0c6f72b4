/* Values that name the device: see rewrite_values.h. */
#include "rewrite_values.h"

#include <arpa/inet.h>

#include "../http/url.h"

#define HTTPS_PORT 443
#define USUAL_PORT ":80"

static bool begins_with(struct kp_slice text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && kp_slice_same(text.at, word, len);
}

static struct kp_slice behind(struct kp_slice text, size_t len)
{
    return (struct kp_slice){text.at + len, text.len - len};
}

static struct kp_slice first(struct kp_slice text, size_t len)
{
    return (struct kp_slice){text.at, len};
}

static struct kp_slice of_word(const char *word)
{
    return (struct kp_slice){word, strlen(word)};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ---- The device's host ------------------------------------------------------------------- */

/* "[::1]" in any of its spellings. */
static bool read_six(struct in6_addr *out, struct kp_slice name)
{
    char text[INET6_ADDRSTRLEN];
    if (name.len < 2 || name.at[0] != '[' || name.len - 2 >= sizeof text)
        return false;
    memcpy(text, name.at + 1, name.len - 2);
    text[name.len - 2] = '\0';
    return inet_pton(AF_INET6, text, out) == 1;
}

/* A dot at the end of a name says that it is whole. */
static struct kp_slice without_dot(struct kp_slice name)
{
    return name.len > 1 && name.at[name.len - 1] == '.' ? first(name, name.len - 1) : name;
}

static bool is_same_host(struct kp_slice a, struct kp_slice b)
{
    struct in6_addr six_a, six_b;
    if (read_six(&six_a, a) && read_six(&six_b, b))
        return memcmp(&six_a, &six_b, sizeof six_a) == 0;
    a = without_dot(a);
    b = without_dot(b);
    return a.len == b.len && kp_slice_same(a.at, b.at, a.len);
}

struct kp_http_authority kp_rewrite_device(const struct kp_names *names)
{
    struct kp_http_authority device;
    if (!kp_http_authority_read(&device, of_word(names->device)))
        device = (struct kp_http_authority){{"", 0}, 0};
    if (device.port == 0)
        device.port = HTTPS_PORT;
    return device;
}

bool kp_rewrite_is_device(const struct kp_names *names, struct kp_slice host, unsigned port,
                          bool any_port)
{
    struct kp_http_authority device = kp_rewrite_device(names);
    return is_same_host(host, device.name) &&
           (any_port || (port != 0 ? port : HTTPS_PORT) == device.port);
}

/* Plain http leads around the protection at whatever port it asks for. */
static bool is_of_device(const struct kp_names *names, const struct kp_http_url *url)
{
    return url->named &&
           kp_rewrite_is_device(names, url->to.name, url->to.port, url->scheme == KP_URL_HTTP);
}

/* ---- The face's -------------------------------------------------------------------------- */

static struct kp_slice own_host(const struct kp_names *names)
{
    struct kp_slice own = of_word(names->own);
    size_t len = strlen(USUAL_PORT);
    bool usual = own.len > len && memcmp(own.at + own.len - len, USUAL_PORT, len) == 0;
    return usual ? first(own, own.len - len) : own;
}

void kp_rewrite_put_origin(struct kp_out *out, const struct kp_names *names)
{
    kp_out_word(out, "http://");
    kp_out_text(out, own_host(names));
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* A name that only begins as the face's does is another's. */
static bool is_at_authority(struct kp_slice text, struct kp_slice host, struct kp_slice *rest)
{
    if (text.len < host.len || !kp_slice_same(text.at, host.at, host.len))
        return false;
    *rest = behind(text, host.len);
    return rest->len == 0 || is_one_of(rest->at[0], "/?#");
}

bool kp_rewrite_is_face(const struct kp_names *names, struct kp_slice value, struct kp_slice *rest)
{
    static const char scheme[] = "http://";
    if (!begins_with(value, scheme))
        return false;
    value = behind(value, sizeof scheme - 1);
    return is_at_authority(value, of_word(names->own), rest) ||
           is_at_authority(value, own_host(names), rest);
}

/* ---- URLs -------------------------------------------------------------------------------- */

void kp_rewrite_origin(struct kp_out *out, const struct kp_names *names, struct kp_slice value)
{
    struct kp_http_url url;
    if (kp_http_url_read(&url, value) && !url.relative && url.scheme != KP_URL_NONE &&
        url.rest.len == 0 && is_of_device(names, &url))
        kp_rewrite_put_origin(out, names);
    else
        kp_out_text(out, value);
}

/* What was "https:x" on a page of https.  It mustn't begin with a scheme of its own. */
static void put_relative(struct kp_out *out, struct kp_slice rest)
{
    if (rest.len == 0 || !is_one_of(rest.at[0], "/\\?#"))
        kp_out_word(out, "./");
    kp_out_text(out, rest);
}

static void put_url(struct kp_out *out, const struct kp_names *names, struct kp_slice value)
{
    struct kp_http_url url;
    bool read = kp_http_url_read(&url, value);
    if (read && url.relative) {
        put_relative(out, url.rest);
    } else if (read && is_of_device(names, &url)) {
        kp_http_url_put_path(out, url.rest);
    } else {
        if (read && url.scheme == KP_URL_NONE)
            kp_out_word(out, "https:");
        kp_out_text(out, value);
    }
}

/* Browsers leave tabs out before they look for anything. */
static void put_without_tabs(struct kp_out *out, const struct kp_names *names,
                             struct kp_slice value)
{
    struct kp_out text = {0};
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] != '\t')
            kp_out_add(&text, value.at + i, 1);
    put_url(out, names, (struct kp_slice){text.len > 0 ? text.at : "", text.len});
    out->failed |= text.failed;
    kp_out_free(&text);
}

void kp_rewrite_url(struct kp_out *out, const struct kp_names *names, struct kp_slice value)
{
    while (value.len > 0 && is_blank(value.at[0]))
        value = behind(value, 1);
    while (value.len > 0 && is_blank(value.at[value.len - 1]))
        value.len--;
    if (value.len > 0 && memchr(value.at, '\t', value.len) != NULL)
        put_without_tabs(out, names, value);
    else
        put_url(out, names, value);
}

/* ---- Refresh ----------------------------------------------------------------------------- */

static size_t skip_blanks(struct kp_slice text, size_t at)
{
    while (at < text.len && is_blank(text.at[at]))
        at++;
    return at;
}

/* Behind the time and what parts it from the URL; 0: there is no URL. */
static size_t skip_time(struct kp_slice text)
{
    size_t digits = 0, at;
    while (digits < text.len &&
           ((text.at[digits] >= '0' && text.at[digits] <= '9') || text.at[digits] == '.'))
        digits++;
    at = skip_blanks(text, digits);
    if (digits == 0 || at == text.len)
        return 0;
    if (text.at[at] == ';' || text.at[at] == ',')
        at = skip_blanks(text, at + 1);
    else if (at == digits)
        return 0;
    return at;
}

/* Behind "url =", if that is there. */
static size_t skip_word(struct kp_slice text, size_t at)
{
    size_t equals;
    if (!begins_with(behind(text, at), "url"))
        return at;
    equals = skip_blanks(text, at + 3);
    return equals < text.len && text.at[equals] == '=' ? skip_blanks(text, equals + 1) : at;
}

/* The HTML Standard's "shared declarative refresh steps". */
void kp_rewrite_refresh(struct kp_out *out, const struct kp_names *names, struct kp_slice value)
{
    size_t at = skip_time(value), end = value.len;
    if (at == 0) {
        kp_out_text(out, value);
        return;
    }
    at = skip_word(value, at);
    if (at < value.len && (value.at[at] == '"' || value.at[at] == '\'')) {
        const char *quote = memchr(value.at + at + 1, value.at[at], value.len - at - 1);
        end = quote != NULL ? (size_t)(quote - value.at) : end;
        at++;
    }
    kp_out_text(out, first(value, at));
    kp_rewrite_url(out, names, first(behind(value, at), end - at));
    kp_out_text(out, behind(value, end));
}

/* ---- Link -------------------------------------------------------------------------------- */

void kp_rewrite_link(struct kp_out *out, const struct kp_names *names, struct kp_slice value)
{
    const char *begin, *end;
    while (value.len > 0 && (begin = memchr(value.at, '<', value.len)) != NULL &&
           (end = memchr(begin, '>', value.len - (size_t)(begin - value.at))) != NULL) {
        size_t before = (size_t)(begin + 1 - value.at);
        size_t len = (size_t)(end - begin - 1);
        kp_out_text(out, first(value, before));
        kp_rewrite_url(out, names, first(behind(value, before), len));
        value = behind(value, before + len);
    }
    kp_out_text(out, value);
}
