/*
 * Content-Security-Policy for the face: what it allows of the device it allows of the face.  See
 * rewrite_values.h.
 */
#include "rewrite_values.h"

static struct kp_slice behind(struct kp_slice text, size_t len)
{
    return (struct kp_slice){text.at + len, text.len - len};
}

static struct kp_slice first(struct kp_slice text, size_t len)
{
    return (struct kp_slice){text.at, len};
}

static bool ends_with(struct kp_slice text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && kp_slice_same(text.at + text.len - len, word, len);
}

/* Takes what is before the next of the signs; those are skipped. */
static struct kp_slice take(struct kp_slice *rest, const char *signs)
{
    struct kp_slice taken;
    while (rest->len > 0 && strchr(signs, rest->at[0]) != NULL)
        *rest = behind(*rest, 1);
    taken = first(*rest, 0);
    while (taken.len < rest->len && strchr(signs, taken.at[taken.len]) == NULL)
        taken.len++;
    *rest = behind(*rest, taken.len);
    return taken;
}

/* ---- Sources ----------------------------------------------------------------------------- */

/* CSP3 2.3.1: [scheme://]host[:port][path], or scheme: alone. */
struct source {
    struct kp_slice scheme, host, port, path;
};

static struct source split(struct kp_slice text)
{
    struct source source = {{"", 0}, {"", 0}, {"", 0}, {"", 0}};
    const char *mark = memmem(text.at, text.len, "://", 3);
    size_t len = 0;
    if (mark != NULL) {
        source.scheme = first(text, (size_t)(mark - text.at));
        text = behind(text, source.scheme.len + 3);
    } else if (ends_with(text, ":")) {
        source.scheme = first(text, text.len - 1);
        return source;
    }
    for (bool in_brackets = false; len < text.len; len++) {
        in_brackets = text.at[len] == '[' || (in_brackets && text.at[len] != ']');
        if (text.at[len] == '/' || (text.at[len] == ':' && !in_brackets))
            break;
    }
    source.host = first(text, len);
    text = behind(text, len);
    if (text.len > 0 && text.at[0] == ':') {
        len = 1;
        while (len < text.len && text.at[len] != '/')
            len++;
        source.port = first(behind(text, 1), len - 1);
        text = behind(text, len);
    }
    source.path = text;
    return source;
}

static bool is_plain(struct kp_slice scheme)
{
    return kp_slice_is(scheme, "http") || kp_slice_is(scheme, "ws");
}

static bool is_of_sockets(struct kp_slice scheme)
{
    return kp_slice_is(scheme, "ws") || kp_slice_is(scheme, "wss");
}

/* A number; 0: none is said.  false: it is neither, nor *, which is any. */
static bool read_port(unsigned *port, bool *any, struct kp_slice text)
{
    *port = 0;
    *any = kp_slice_is(text, "*");
    for (size_t i = 0; i < text.len && !*any; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || *port > 65535)
            return false;
        *port = *port * 10 + (unsigned)(text.at[i] - '0');
    }
    return true;
}

/* "*.local" and "*", which name others besides. */
static bool is_wild(const struct source *source)
{
    return source->host.len > 0 && source->host.at[0] == '*';
}

static bool names_device(const struct kp_names *names, const struct source *source)
{
    struct kp_slice host = source->host;
    struct kp_slice device = kp_rewrite_device(names).name;
    unsigned port;
    bool any;
    if (!read_port(&port, &any, source->port))
        return false;
    if (is_wild(source)) {
        host = behind(host, 1);
        if (device.len <= host.len ||
            !kp_slice_same(device.at + device.len - host.len, host.at, host.len))
            return false;
        host = device;
    }
    return kp_rewrite_is_device(names, host, port, any || is_plain(source->scheme));
}

static void put_face(struct kp_out *out, const struct kp_names *names, const struct source *source)
{
    if (source->scheme.len > 0)
        kp_out_word(out, is_of_sockets(source->scheme) ? "ws://" : "http://");
    kp_out_word(out, names->own);
    kp_out_text(out, source->path);
}

static bool is_secure(struct kp_slice scheme)
{
    return kp_slice_is(scheme, "https") || kp_slice_is(scheme, "wss");
}

static bool is_of_web(struct kp_slice scheme)
{
    return is_secure(scheme) || is_plain(scheme);
}

/* What allows others too is kept beside the face.  A page of http matches "http:", "ws:" and "*"
 * itself, but what is "https:" for the device isn't for the face. */
static void put_source(struct kp_out *out, const struct kp_names *names, struct kp_slice text)
{
    struct source source = split(text);
    bool alone = source.host.len == 0;
    bool named = alone ? is_secure(source.scheme)
                       : (source.scheme.len == 0 || is_of_web(source.scheme)) &&
                             !kp_slice_is(text, "*") && names_device(names, &source);
    if (!named || alone || is_wild(&source)) {
        kp_out_text(out, text);
        if (named)
            kp_out_word(out, " ");
    }
    if (named)
        put_face(out, names, &source);
}

/* ---- Directives -------------------------------------------------------------------------- */

/* Those of others are words, which may look like hosts. */
static bool has_sources(struct kp_slice name)
{
    static const char *const ends[] = {"-src",     "-src-elem",   "-src-attr", "frame-ancestors",
                                       "base-uri", "form-action", "report-uri"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_with(name, ends[i]))
            return true;
    return false;
}

/* The face is plain http, and would lose its own pages to them. */
static bool wants_https(struct kp_slice name)
{
    return kp_slice_is(name, "upgrade-insecure-requests") ||
           kp_slice_is(name, "block-all-mixed-content");
}

#define BLANKS " \t"

static void put_directive(struct kp_out *out, const struct kp_names *names, struct kp_slice name,
                          struct kp_slice rest)
{
    bool sources = has_sources(name);
    kp_out_text(out, name);
    for (;;) {
        struct kp_slice word = take(&rest, BLANKS);
        if (word.len == 0)
            return;
        kp_out_word(out, " ");
        if (sources)
            put_source(out, names, word);
        else
            kp_out_text(out, word);
    }
}

/* One policy: its directives.  between: what parts it from the policy before. */
static void put_policy(struct kp_out *out, const struct kp_names *names, struct kp_slice policy,
                       const char **between)
{
    while (policy.len > 0) {
        struct kp_slice directive = take(&policy, ";");
        struct kp_slice name = take(&directive, BLANKS);
        if (name.len == 0 || wants_https(name))
            continue;
        kp_out_word(out, *between);
        put_directive(out, names, name, directive);
        *between = "; ";
    }
}

void kp_rewrite_policy(struct kp_out *out, const struct kp_names *names, struct kp_slice value)
{
    const char *between = "";
    struct kp_slice policy;
    while (kp_slice_next(&value, &policy)) {
        put_policy(out, names, policy, &between);
        if (between[0] != '\0')
            between = ", ";
    }
}
