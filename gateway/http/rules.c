/* What a head has to be, and what follows from it: see rules.h. */
#include "rules.h"

#include <string.h>

#include "authority.h"

static enum kp_http_problem malformed(const char **why, const char *clause)
{
    *why = clause;
    return KP_HTTP_MALFORMED;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9110 5.6.2. */
static bool is_token(struct kp_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !is_digit(c) && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return text.len > 0;
}

/* ---- The start line ---------------------------------------------------------------------- */

/* "HTTP/1.1", RFC 9112 2.3. */
#define VERSION_LEN 8

static bool is_version(const char *at)
{
    return memcmp(at, "HTTP/", 5) == 0 && is_digit(at[5]) && at[6] == '.' && is_digit(at[7]);
}

static enum kp_http_problem judge_version(const char *version, char last, const char **why)
{
    if (version[5] == '1' && version[7] <= last)
        return KP_HTTP_FINE;
    *why = "its version of HTTP isn't 1.0 or 1.1";
    return KP_HTTP_VERSION;
}

static size_t count_spaces(struct kp_slice line)
{
    size_t spaces = 0;
    for (size_t i = 0; i < line.len; i++)
        spaces += line.at[i] == ' ' || line.at[i] == '\t';
    return spaces;
}

/* The version behind METHOD SP target SP, each of one byte at least, or NULL. */
static const char *request_version(struct kp_slice line, const char *first_space)
{
    const char *version = line.at + (line.len > VERSION_LEN + 3 ? line.len - VERSION_LEN : 0);
    if (version - first_space < 3 || version[-1] != ' ' || !is_version(version))
        return NULL;
    return version;
}

/* Two spaces and no more: RFC 9112 3 has who splits at any blanks read another request. */
static enum kp_http_problem request_line(struct kp_slice line, const char **why)
{
    const char *space = memchr(line.at, ' ', line.len);
    size_t spaces = count_spaces(line);
    const char *version;
    if (space == NULL || !is_token((struct kp_slice){line.at, (size_t)(space - line.at)}))
        return malformed(why, "its first line doesn't begin with a method");
    if (spaces == 1 && space[1] == '/') {
        *why = "it is HTTP/0.9";
        return KP_HTTP_VERSION;
    }
    version = request_version(line, space);
    if (spaces != 2 || version == NULL)
        return malformed(why, "its first line isn't one of HTTP");
    return judge_version(version, '1', why);
}

static enum kp_http_problem status_line(struct kp_slice line, const char **why)
{
    const char *status = line.at + VERSION_LEN;
    if (line.len < VERSION_LEN + 4 || !is_version(line.at) || status[0] != ' ' ||
        status[1] == '0' || !is_digit(status[1]) || !is_digit(status[2]) || !is_digit(status[3]) ||
        (line.len > VERSION_LEN + 4 && status[4] != ' '))
        return malformed(why, "its first line isn't one of HTTP");
    return judge_version(line.at, '9', why);
}

enum kp_http_problem kp_http_rules_start(const struct kp_http_built *built, const char **why)
{
    struct kp_slice line = kp_http_built_start_line(built);
    return built->head.kind == KP_HTTP_REQUEST ? request_line(line, why) : status_line(line, why);
}

/* ---- The target -------------------------------------------------------------------------- */

/* RFC 3986 has none of these in a path or a query, and a fragment isn't sent. */
static bool has_only_target_signs(struct kp_slice target)
{
    for (size_t i = 0; i < target.len; i++)
        if (target.at[i] <= ' ' || target.at[i] >= 0x7f || target.at[i] == '#')
            return false;
    return true;
}

/* The length of "http://" or "https://"; 0: it is neither. */
static size_t scheme_len(struct kp_slice target)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t len = strlen(schemes[i]);
        if (target.len >= len && kp_slice_is((struct kp_slice){target.at, len}, schemes[i]))
            return len;
    }
    return 0;
}

/* A target has to begin with a slash: the one before the authority makes room for it. */
static struct kp_slice with_slash(struct kp_http_built *built, struct kp_slice *host,
                                  struct kp_slice rest)
{
    size_t at = (size_t)(host->at - built->text.at);
    char *slash = built->text.at + at + host->len - 1;
    memmove(built->text.at + at - 1, host->at, host->len);
    *slash = '/';
    host->at--;
    return (struct kp_slice){slash, rest.len + 1};
}

/* RFC 9112 3.2.2: an authority here counts, and Host doesn't. */
static enum kp_http_problem split_absolute(struct kp_http_built *built, const char **why)
{
    struct kp_http_head *head = &built->head;
    size_t scheme = scheme_len(head->target);
    struct kp_slice host = {head->target.at + scheme, 0};
    struct kp_slice rest;
    struct kp_http_authority authority;
    if (scheme == 0)
        return malformed(why, "its target is neither a path nor a URL of http or https");
    while (scheme + host.len < head->target.len && strchr("/?", host.at[host.len]) == NULL)
        host.len++;
    if (!kp_http_authority_read(&authority, host))
        return malformed(why, "its target's authority isn't a host and a port");
    rest = (struct kp_slice){host.at + host.len, head->target.len - scheme - host.len};
    head->target = rest.len > 0 && rest.at[0] == '/' ? rest : with_slash(built, &host, rest);
    head->host = host;
    return KP_HTTP_FINE;
}

static enum kp_http_problem check_target(struct kp_http_built *built, const char **why)
{
    struct kp_http_head *head = &built->head;
    if (kp_slice_is(head->method, "CONNECT"))
        return malformed(why, "CONNECT is for proxies");
    if (!has_only_target_signs(head->target))
        return malformed(why, "its target has a sign that no target has");
    if (head->target.at[0] == '/')
        return KP_HTTP_FINE;
    if (!kp_slice_is(head->target, "*"))
        return split_absolute(built, why);
    return kp_slice_is(head->method, "OPTIONS")
               ? KP_HTTP_FINE
               : malformed(why, "its target is *, and its method isn't OPTIONS");
}

/* ---- The fields -------------------------------------------------------------------------- */

/* How many fields have that name; *value is the last one's. */
static unsigned count_fields(const struct kp_http_head *head, const char *name,
                             struct kp_slice *value)
{
    unsigned count = 0;
    for (size_t i = 0; i < head->count; i++) {
        struct kp_slice found, now;
        kp_http_head_field(head, i, &found, &now);
        if (kp_slice_is(found, name)) {
            *value = now;
            count++;
        }
    }
    return count;
}

/* RFC 9112 3.2. */
static enum kp_http_problem check_host(struct kp_http_built *built, const char **why)
{
    struct kp_http_head *head = &built->head;
    struct kp_http_authority authority;
    struct kp_slice host = {"", 0};
    unsigned count = count_fields(head, "host", &host);
    if (count > 1)
        return malformed(why, "it has Host twice");
    if (count == 0 && head->minor > 0)
        return malformed(why, "it has no Host");
    if (host.len > 0 && !kp_http_authority_read(&authority, host))
        return malformed(why, "its Host isn't a host and a port");
    if (head->host.len == 0)
        head->host = host;
    return KP_HTTP_FINE;
}

static bool read_length(uint64_t *length, struct kp_slice text)
{
    *length = 0;
    for (size_t i = 0; i < text.len; i++)
        if (!is_digit(text.at[i]) || __builtin_mul_overflow(*length, 10, length) ||
            __builtin_add_overflow(*length, (unsigned)(text.at[i] - '0'), length))
            return false;
    return text.len > 0;
}

/* RFC 9112 6.3 would let the same length stand twice; nobody who means well writes it so. */
static enum kp_http_problem check_length(struct kp_http_built *built, const char **why)
{
    struct kp_http_head *head = &built->head;
    struct kp_slice value = {"", 0};
    unsigned count = count_fields(head, "content-length", &value);
    if (count > 1)
        return malformed(why, "it has Content-Length twice");
    head->has_length = count > 0;
    if (count > 0 && !read_length(&head->length, value))
        return malformed(why, "its Content-Length isn't a number");
    return KP_HTTP_FINE;
}

/* What the codings of all fields make, as one list. */
struct codings {
    unsigned fields;
    unsigned count;
    unsigned chunked;
    bool last_chunked;
    bool plain;  /* the one field is "chunked" and no more */
    bool broken; /* an element is no coding, or chunked has parameters, RFC 9112 7.1 */
};

static void add_coding(struct codings *codings, struct kp_slice element)
{
    const char *end = memchr(element.at, ';', element.len);
    struct kp_slice name = element;
    if (end != NULL)
        name.len = (size_t)(end - element.at);
    while (name.len > 0 && strchr(" \t", name.at[name.len - 1]) != NULL)
        name.len--;
    codings->count++;
    codings->last_chunked = kp_slice_is(name, "chunked");
    codings->chunked += codings->last_chunked;
    codings->broken |= !is_token(name) || (codings->last_chunked && end != NULL);
}

static struct codings read_codings(const struct kp_http_head *head)
{
    struct codings codings = {0};
    for (size_t i = 0; i < head->count; i++) {
        struct kp_slice name, value, element;
        kp_http_head_field(head, i, &name, &value);
        if (!kp_slice_is(name, "transfer-encoding"))
            continue;
        codings.fields++;
        codings.plain = codings.fields == 1 && kp_slice_is(value, "chunked");
        while (kp_slice_next(&value, &element))
            add_coding(&codings, element);
    }
    return codings;
}

/* RFC 9112 6.1: beside a length, or of a sender of HTTP/1.0, it is a sign of an attack. */
static enum kp_http_problem check_coding(struct kp_http_built *built, const char **why)
{
    struct kp_http_head *head = &built->head;
    struct codings codings = read_codings(head);
    if (codings.fields == 0)
        return KP_HTTP_FINE;
    if (head->has_length)
        return malformed(why, "it has Content-Length and Transfer-Encoding");
    if (head->minor == 0)
        return malformed(why, "it has Transfer-Encoding in HTTP/1.0");
    built->chunked = codings.plain;
    if (codings.plain)
        return KP_HTTP_FINE;
    if (head->kind == KP_HTTP_RESPONSE || codings.broken || codings.count == 0 ||
        codings.chunked > 1 || (codings.chunked == 1 && !codings.last_chunked) ||
        codings.count == codings.chunked)
        return malformed(why, "its Transfer-Encoding isn't chunked alone");
    *why = "its Transfer-Encoding is another than chunked";
    return KP_HTTP_UNSUPPORTED;
}

/* ---- What follows ------------------------------------------------------------------------ */

static bool is_without_body(const struct kp_http_head *head, bool bodiless)
{
    return head->kind == KP_HTTP_RESPONSE &&
           (bodiless || head->status < 200 || head->status == 204 || head->status == 304);
}

/* RFC 9112 6.3. */
static enum kp_http_framing framing_of(const struct kp_http_built *built, bool bodiless)
{
    const struct kp_http_head *head = &built->head;
    if (is_without_body(head, bodiless))
        return KP_HTTP_NO_BODY;
    if (built->chunked)
        return KP_HTTP_CHUNKED;
    if (head->has_length)
        return head->length > 0 ? KP_HTTP_LENGTH : KP_HTTP_NO_BODY;
    return head->kind == KP_HTTP_RESPONSE ? KP_HTTP_UNTIL_END : KP_HTTP_NO_BODY;
}

static bool persists(const struct kp_http_head *head)
{
    if (head->framing == KP_HTTP_UNTIL_END || kp_http_head_lists(head, "connection", "close"))
        return false;
    return head->minor > 0 || kp_http_head_lists(head, "connection", "keep-alive");
}

static bool is_websocket(const struct kp_http_head *head)
{
    struct kp_slice value;
    /* RFC 9110 7.8: Upgrade in HTTP/1.0 is to be ignored. */
    return head->minor > 0 && count_fields(head, "upgrade", &value) == 1 &&
           kp_slice_is(value, "websocket") && kp_http_head_lists(head, "connection", "upgrade");
}

static void conclude(struct kp_http_built *built, bool bodiless)
{
    struct kp_http_head *head = &built->head;
    head->framing = (uint8_t)framing_of(built, bodiless);
    head->persists = persists(head);
    head->websocket = head->framing == KP_HTTP_NO_BODY && is_websocket(head);
    head->expects = head->kind == KP_HTTP_REQUEST && head->minor > 0 &&
                    kp_http_head_lists(head, "expect", "100-continue");
}

enum kp_http_problem kp_http_rules_head(struct kp_http_built *built, bool bodiless,
                                        const char **why)
{
    static const struct {
        enum kp_http_problem (*check)(struct kp_http_built *, const char **);
        bool of_requests;
    } rules[] = {
        {check_target, true}, {check_host, true}, {check_length, false}, {check_coding, false}};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        enum kp_http_problem problem = KP_HTTP_FINE;
        if (!rules[i].of_requests || built->head.kind == KP_HTTP_REQUEST)
            problem = rules[i].check(built, why);
        if (problem != KP_HTTP_FINE)
            return problem;
    }
    conclude(built, bodiless);
    return KP_HTTP_FINE;
}
