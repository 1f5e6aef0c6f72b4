/* Heads through the loopback face: see rewrite.h. */
#include "rewrite.h"

#include "../http/fields.h"
#include "rewrite_values.h"

/* Where a cookie of the browser's can be from: so many folders of a path, so long, are tried. */
#define PATHS_MAX 16
#define PATH_LEN_MAX 256
#define EXPIRED_MAX 64 /* cookies */

static bool is_secret(struct kp_slice name)
{
    return kp_slice_is(name, KP_GUARD_COOKIE);
}

/* One without = is a name to some, and a value to others. */
static bool is_secret_pair(const struct kp_cookie_pair *pair)
{
    return is_secret(pair->name.len > 0 ? pair->name : pair->text);
}

/* ---- Requests ---------------------------------------------------------------------------- */

static void put_origin(struct kp_out *out, struct kp_slice name, struct kp_slice value,
                       const struct kp_names *names)
{
    struct kp_slice rest;
    if (!kp_rewrite_is_face(names, value, &rest) || rest.len > 0) {
        kp_http_put_as_it_came(out, name, value);
        return;
    }
    kp_http_put_begin(out, "Origin");
    kp_out_word(out, "https://");
    kp_out_word(out, names->device);
    kp_http_put_end(out);
}

static void put_referer(struct kp_out *out, struct kp_slice value, const struct kp_names *names)
{
    size_t len = strlen(KP_GUARD_PATH);
    struct kp_slice rest;
    if (!kp_rewrite_is_face(names, value, &rest) ||
        (rest.len >= len && memcmp(rest.at, KP_GUARD_PATH, len) == 0))
        return;
    kp_http_put_begin(out, "Referer");
    kp_out_word(out, "https://");
    kp_out_word(out, names->device);
    kp_out_text(out, rest);
    kp_http_put_end(out);
}

static void put_browsers_cookies(struct kp_out *out, const struct kp_http_head *head,
                                 struct kp_slice list, const struct kp_jar *jar, uint64_t now,
                                 bool *any)
{
    struct kp_cookie_pair pair;
    while (kp_cookie_next(&list, &pair)) {
        if (is_secret_pair(&pair) || kp_jar_has(jar, pair.name, head->target, now))
            continue;
        if (*any)
            kp_out_word(out, "; ");
        kp_out_text(out, pair.text);
        *any = true;
    }
}

/* Sec-Fetch-Site: a browser would leave SameSite=Strict out. */
static bool comes_from_elsewhere(const struct kp_http_head *head)
{
    struct kp_slice name, value;
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        if (kp_slice_is(name, "Sec-Fetch-Site") && !kp_slice_is(value, "same-origin") &&
            !kp_slice_is(value, "none"))
            return true;
    }
    return false;
}

/* RFC 6265 5.4: one field. */
static void put_cookies(struct kp_out *out, const struct kp_http_head *head,
                        const struct kp_jar *jar, uint64_t now)
{
    struct kp_slice name, value;
    size_t before = out->len;
    bool any = false;
    kp_http_put_begin(out, "Cookie");
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        if (kp_slice_is(name, "Cookie"))
            put_browsers_cookies(out, head, value, jar, now, &any);
    }
    kp_jar_put(jar, out, head->target, now, comes_from_elsewhere(head), &any);
    if (any)
        kp_http_put_end(out);
    else if (!out->failed)
        out->len = before;
}

static void put_request_field(struct kp_out *out, struct kp_slice name, struct kp_slice value,
                              const struct kp_names *names)
{
    if (kp_slice_is(name, "Origin"))
        put_origin(out, name, value, names);
    else if (kp_slice_is(name, "Referer"))
        put_referer(out, value, names);
    else if (!kp_slice_is(name, "Cookie") && !kp_slice_is(name, KP_GUARD_FIELD))
        kp_http_put_as_it_came(out, name, value);
}

void kp_rewrite_request(struct kp_out *out, const struct kp_http_head *head,
                        const struct kp_names *names, const struct kp_jar *jar, uint64_t now)
{
    struct kp_http_named named;
    struct kp_slice name, value;
    kp_http_put_request_line(out, head, 0);
    kp_http_put_word(out, "Host", names->device);
    kp_http_put_request_framing(out, head);
    if (head->websocket)
        kp_http_put_upgrade(out);
    kp_http_named_find(&named, head);
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        if (!kp_http_ends_here(&named, i, name) && !kp_http_is_ours_to_say(head, name))
            put_request_field(out, name, value, names);
    }
    put_cookies(out, head, jar, now);
    kp_http_put_via(out, head);
    kp_http_put_end(out);
}

/* ---- Cookies that the browser is to forget ----------------------------------------------- */

/* A path with a semicolon can't be said, but then it is the request's folder, which needn't be. */
static void put_expired(struct kp_out *out, struct kp_slice name, struct kp_slice path)
{
    kp_http_put_begin(out, "Set-Cookie");
    kp_out_text(out, name);
    kp_out_word(out, "=; ");
    if (memchr(path.at, ';', path.len) == NULL) {
        kp_out_word(out, "Path=");
        kp_out_text(out, path);
        kp_out_word(out, "; ");
    }
    kp_out_word(out, "Max-Age=0; Secure");
    kp_http_put_end(out);
}

/* "/", and of "/a/b" also "/a", "/a/" and the whole. */
static void put_expired_everywhere(struct kp_out *out, struct kp_slice name, struct kp_slice target)
{
    const char *query = memchr(target.at, '?', target.len);
    size_t len = query != NULL ? (size_t)(query - target.at) : target.len;
    size_t count = 1;
    put_expired(out, name, (struct kp_slice){"/", 1});
    for (size_t i = 2; i <= len && i <= PATH_LEN_MAX && count < PATHS_MAX; i++) {
        if (i == len || target.at[i] == '/' || target.at[i - 1] == '/') {
            put_expired(out, name, (struct kp_slice){target.at, i});
            count++;
        }
    }
}

static void put_all_expired(struct kp_out *out, const struct kp_http_head *asked,
                            struct kp_slice path)
{
    struct kp_slice name, list;
    struct kp_cookie_pair pair;
    size_t count = 0;
    for (size_t i = 0; i < asked->count; i++) {
        kp_http_head_field(asked, i, &name, &list);
        while (kp_slice_is(name, "Cookie") && count < EXPIRED_MAX && kp_cookie_next(&list, &pair)) {
            if (pair.name.len == 0 || is_secret(pair.name))
                continue;
            put_expired_everywhere(out, pair.name, path);
            count++;
        }
    }
}

/* Not "cookies": that would take what the same answer sets. */
void kp_rewrite_clear(struct kp_out *out, const struct kp_http_head *asked, struct kp_slice path)
{
    kp_http_put_word(out, "Clear-Site-Data", "\"cache\", \"storage\"");
    put_all_expired(out, asked, path);
}

static bool has_sent(const struct kp_http_head *asked, struct kp_slice cookie)
{
    struct kp_slice name, list;
    struct kp_cookie_pair pair;
    for (size_t i = 0; i < asked->count; i++) {
        kp_http_head_field(asked, i, &name, &list);
        while (kp_slice_is(name, "Cookie") && kp_cookie_next(&list, &pair))
            if (pair.name.len == cookie.len && memcmp(pair.name.at, cookie.at, cookie.len) == 0)
                return true;
    }
    return false;
}

/* ---- Clear-Site-Data --------------------------------------------------------------------- */

static bool is_cookies(struct kp_slice type)
{
    return kp_slice_is(type, "\"cookies\"") || kp_slice_is(type, "\"*\"");
}

static bool clears_cookies(const struct kp_http_head *head)
{
    return kp_http_head_lists(head, "Clear-Site-Data", "\"cookies\"") ||
           kp_http_head_lists(head, "Clear-Site-Data", "\"*\"");
}

static void put_clearing(struct kp_out *out, struct kp_slice value)
{
    struct kp_slice type;
    size_t before = out->len;
    const char *between = "";
    kp_http_put_begin(out, "Clear-Site-Data");
    while (kp_slice_next(&value, &type)) {
        if (kp_slice_is(type, "\"cookies\""))
            continue;
        kp_out_word(out, between);
        if (is_cookies(type))
            kp_out_word(out, "\"cache\", \"clientHints\", \"executionContexts\", "
                             "\"prefetchCache\", \"prerenderCache\", \"storage\"");
        else
            kp_out_text(out, type);
        between = ", ";
    }
    if (between[0] != '\0')
        kp_http_put_end(out);
    else if (!out->failed)
        out->len = before;
}

/* ---- Set-Cookie -------------------------------------------------------------------------- */

static bool is_domain(const struct kp_cookie_pair *part)
{
    return kp_slice_is(part->name.len > 0 ? part->name : part->text, "Domain");
}

static void put_for_browser(struct kp_out *out, struct kp_slice value)
{
    struct kp_cookie_pair part;
    kp_http_put_begin(out, "Set-Cookie");
    (void)kp_cookie_part(&value, &part);
    kp_out_text(out, part.text);
    while (kp_cookie_part(&value, &part)) {
        if (part.text.len == 0 || is_domain(&part))
            continue;
        kp_out_word(out, "; ");
        kp_out_text(out, part.text);
    }
    kp_http_put_end(out);
}

/* One of that name and path that the browser has would come back when the jar's is gone. */
static void expire_namesake(struct kp_out *out, struct kp_slice value,
                            const struct kp_rewrite_back *back)
{
    struct kp_set_cookie c;
    if (!kp_set_cookie_read(&c, value, back->now) || c.name.len == 0 || is_secret(c.name) ||
        !has_sent(back->asked, c.name))
        return;
    put_expired(out, c.name, c.path.len > 0 ? c.path : kp_cookie_folder(back->asked->target));
}

static void put_set_cookie(struct kp_out *out, struct kp_slice value,
                           const struct kp_rewrite_back *back)
{
    if (kp_jar_take(back->jar, value, back->asked->target, back->now))
        expire_namesake(out, value, back);
    else
        put_for_browser(out, value);
}

/* ---- Responses --------------------------------------------------------------------------- */

enum kind { PLAIN, URL, REFRESH, LINK, POLICY, ORIGIN, COOKIE, CLEARING, CACHING, DROPPED };

static enum kind kind_of(struct kp_slice name)
{
    static const struct {
        const char *name;
        enum kind kind;
    } rows[] = {
        {"Location", URL},
        {"Content-Location", URL},
        {"Refresh", REFRESH},
        {"Link", LINK},
        {"Content-Security-Policy", POLICY},
        {"Content-Security-Policy-Report-Only", POLICY},
        {"Access-Control-Allow-Origin", ORIGIN},
        {"Set-Cookie", COOKIE},
        {"Clear-Site-Data", CLEARING},
        {"Cache-Control", CACHING},
        {"Expires", CACHING},
        {"Pragma", CACHING},
        {"Strict-Transport-Security", DROPPED},
        {"Public-Key-Pins", DROPPED},
        {"Public-Key-Pins-Report-Only", DROPPED},
        {"Expect-CT", DROPPED},
        {"Alt-Svc", DROPPED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (kp_slice_is(name, rows[i].name))
            return rows[i].kind;
    return PLAIN;
}

/* Where nothing is left of a value, its field isn't written. */
static void put_value(struct kp_out *out, enum kind kind, struct kp_slice name,
                      struct kp_slice value, const struct kp_names *names)
{
    typedef void rewrite_fn(struct kp_out *, const struct kp_names *, struct kp_slice);
    static rewrite_fn *const rewrites[] = {
        [URL] = kp_rewrite_url,       [REFRESH] = kp_rewrite_refresh, [LINK] = kp_rewrite_link,
        [POLICY] = kp_rewrite_policy, [ORIGIN] = kp_rewrite_origin,
    };
    size_t before = out->len, start;
    kp_out_text(out, name);
    kp_out_add(out, ": ", 2);
    start = out->len;
    rewrites[kind](out, names, value);
    if (out->len > start || value.len == 0)
        kp_http_put_end(out);
    else if (!out->failed)
        out->len = before;
}

/* What a browser may use without asking again: style sheets, scripts and fonts, which show nothing
 * by themselves. */
static bool may_be_kept(const struct kp_http_head *head)
{
    static const char *const types[] = {
        "text/css", "text/javascript",  "application/javascript", "application/x-javascript",
        "font/",    "application/font-"};
    struct kp_slice type;
    if (!kp_http_head_find(head, "Content-Type", &type))
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t len = strlen(types[i]);
        if (type.len >= len && kp_slice_same(type.at, types[i], len))
            return true;
    }
    return false;
}

static void put_caching(struct kp_out *out, const struct kp_http_head *head)
{
    kp_http_put_word(out, "Cache-Control",
                     kp_http_head_lists(head, "Cache-Control", "no-store") ? "no-store"
                                                                           : "no-cache");
}

static void put_response_field(struct kp_out *out, struct kp_slice name, struct kp_slice value,
                               const struct kp_rewrite_back *back, bool interim, bool keeps)
{
    enum kind kind = kind_of(name);
    if (kind == PLAIN || (kind == CACHING && keeps)) {
        kp_http_put_as_it_came(out, name, value);
    } else if (kind == COOKIE) {
        if (!interim)
            put_set_cookie(out, value, back);
    } else if (kind == CLEARING) {
        if (!interim)
            put_clearing(out, value);
    } else if (kind != DROPPED && kind != CACHING) {
        put_value(out, kind, name, value, back->names);
    }
}

static void put_response_fields(struct kp_out *out, const struct kp_http_head *head, bool interim,
                                bool keeps, const struct kp_rewrite_back *back)
{
    struct kp_http_named named;
    struct kp_slice name, value;
    kp_http_named_find(&named, head);
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        if (!kp_http_ends_here(&named, i, name))
            put_response_field(out, name, value, back, interim, keeps);
    }
}

void kp_rewrite_response(struct kp_out *out, const struct kp_http_head *head,
                         const struct kp_http_back *how, const struct kp_rewrite_back *back)
{
    bool interim = kp_http_is_interim(head, how);
    bool keeps = interim || how->tunnel || may_be_kept(head);
    kp_http_put_status_line(out, head);
    if (!interim && clears_cookies(head)) {
        kp_jar_clear(back->jar);
        put_all_expired(out, back->asked, back->asked->target);
    }
    if (!interim && back->clears)
        kp_rewrite_clear(out, back->asked, back->asked->target);
    put_response_fields(out, head, interim, keeps, back);
    if (!keeps)
        put_caching(out, head);
    kp_http_put_response_framing(out, head, how);
    if (how->cookie != NULL && !interim)
        kp_http_put_word(out, "Set-Cookie", how->cookie);
    if (back->mark != NULL && !interim)
        kp_http_put_word(out, "Set-Cookie", back->mark);
    kp_http_put_end(out);
}
