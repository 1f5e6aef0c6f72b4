/* The pages that the loopback face itself shows: see pages.h.  The list is page_list.c's. */
#include "pages.h"

#include <stdio.h>
#include <string.h>

#include "page_put.h"

#define NONE KP_WORDS /* no sentence */

/* ---- Without anything more --------------------------------------------------------------- */

/* A title and up to two paragraphs. */
struct simple {
    const char *status;
    enum kp_word title, what, to_do;
    const char *fields, *refresh; /* of kp_page_frame */
};

#define FORBIDDEN "403 Forbidden"
#define NOT_FOUND "404 Not Found"
#define UNAVAILABLE "503 Service Unavailable"
#define SOON "Retry-After: 2\r\n"
/* "storage" takes service workers along: nothing of the device's pages is at work any more. */
#define CLEARED "Clear-Site-Data: \"cache\", \"cookies\", \"storage\"\r\n"

static const struct simple simple[KP_PAGES] = {
    [KP_PAGE_LOGGED_OUT] = {FORBIDDEN, KP_W_PAGE_LOGGED_OUT, KP_W_PAGE_LOGGED_OUT_WHAT,
                            KP_W_PAGE_LOG_IN_AGAIN, CLEARED, NULL},
    [KP_PAGE_NOT_IN] = {FORBIDDEN, KP_W_PAGE_NOT_IN, KP_W_PAGE_NOT_IN_WHAT, KP_W_PAGE_TO_GET_IN,
                        NULL, NULL},
    [KP_PAGE_PROVING] = {UNAVAILABLE, KP_W_PAGE_PROVING, KP_W_PAGE_PROVING_WHAT, NONE, SOON, "2;url=/"},
    [KP_PAGE_BAD_ANSWER] = {"502 Bad Gateway", KP_W_PAGE_BAD_ANSWER, KP_W_PAGE_BAD_ANSWER_WHAT,
                            KP_W_PAGE_BAD_ANSWER_DO, NULL, NULL},
    [KP_PAGE_LATE] = {"504 Gateway Timeout", KP_W_PAGE_LATE, KP_W_PAGE_LATE_WHAT, KP_W_PAGE_LATE_DO,
                      NULL, NULL},
    [KP_PAGE_NO_SECRET] = {FORBIDDEN, KP_W_PAGE_NO_SECRET, KP_W_PAGE_NO_SECRET_WHAT,
                           KP_W_PAGE_TO_GET_IN, NULL, NULL},
    [KP_PAGE_NO_SECRET_GET] = {FORBIDDEN, KP_W_PAGE_NO_SECRET, KP_W_PAGE_NO_SECRET_WHAT,
                               KP_W_PAGE_TO_GET_IN, NULL, NULL},
    [KP_PAGE_FOREIGN] = {FORBIDDEN, KP_W_PAGE_FOREIGN, KP_W_PAGE_FOREIGN_WHAT, KP_W_PAGE_FOREIGN_DO,
                         NULL, NULL},
    [KP_PAGE_WORKER] = {FORBIDDEN, KP_W_PAGE_WORKER, KP_W_PAGE_WORKER_WHAT, NONE, NULL, NULL},
    [KP_PAGE_OTHER_USER] = {FORBIDDEN, KP_W_PAGE_OTHER_USER, KP_W_PAGE_OTHER_USER_WHAT, NONE, NULL,
                            NULL},
    [KP_PAGE_ASTRAY] = {"421 Misdirected Request", KP_W_PAGE_ASTRAY, KP_W_PAGE_ASTRAY_WHAT,
                        KP_W_PAGE_ASTRAY_ELSE, NULL, NULL},
    [KP_PAGE_NOBODY] = {"421 Misdirected Request", KP_W_PAGE_NOBODY, KP_W_PAGE_NOBODY_WHAT, NONE,
                        NULL, NULL},
    [KP_PAGE_NOT_FOUND] = {NOT_FOUND, KP_W_PAGE_NOT_FOUND, KP_W_PAGE_NOT_FOUND_WHAT, NONE, NULL,
                           NULL},
    [KP_PAGE_METHOD] = {"405 Method Not Allowed", KP_W_PAGE_METHOD, KP_W_PAGE_METHOD_WHAT, NONE,
                        "Allow: POST\r\n", NULL},
    [KP_PAGE_LINK_USED] = {FORBIDDEN, KP_W_PAGE_LINK_USED, KP_W_PAGE_LINK_USED_WHAT,
                           KP_W_PAGE_TO_GET_IN, NULL, NULL},
    [KP_PAGE_FULL] = {UNAVAILABLE, KP_W_PAGE_FULL, KP_W_PAGE_FULL_WHAT, NONE, SOON, NULL},
};

static enum kp_word first_page(const struct kp_page *page)
{
    return page->name != NULL ? KP_W_PAGE_GO_TO_FIRST : KP_W_PAGE_GO_TO_LIST;
}

static unsigned put_simple(struct kp_out *out, const struct kp_page *page, const struct simple *is,
                           struct kp_out *main)
{
    const struct kp_page_frame frame = {
        .status = is->status, .title = is->title, .fields = is->fields, .refresh = is->refresh};
    return kp_page_put(out, page, &frame, main);
}

unsigned kp_page_of(struct kp_out *out, const struct kp_page *page, enum kp_page_kind kind)
{
    const struct simple *is = &simple[kind];
    struct kp_out main = {.at = NULL};
    kp_page_put_para(&main, page, is->what, NONE);
    if (is->to_do != NONE)
        kp_page_put_para(&main, page, is->to_do, NONE);
    if (kind == KP_PAGE_NO_SECRET_GET)
        kp_page_put_para(&main, page, KP_W_PAGE_NO_SECRET_LINK, NONE);
    if (kind == KP_PAGE_NO_SECRET_GET || kind == KP_PAGE_FOREIGN || kind == KP_PAGE_NOT_FOUND)
        kp_page_put_link(&main, page, "/", first_page(page));
    return put_simple(out, page, is, &main);
}

static const struct simple malformed = {
    "400 Bad Request", KP_W_PAGE_MALFORMED, KP_W_PAGE_MALFORMED_WHAT, NONE, NULL, NULL};
static const struct simple too_long = {"431 Request Header Fields Too Large",
                                       KP_W_PAGE_TOO_LONG,
                                       KP_W_PAGE_TOO_LONG_WHAT,
                                       NONE,
                                       NULL,
                                       NULL};
static const struct simple unsupported = {
    "501 Not Implemented", KP_W_PAGE_UNSUPPORTED, KP_W_PAGE_UNSUPPORTED_WHAT, NONE, NULL, NULL};
static const struct simple version = {
    "505 HTTP Version Not Supported", KP_W_PAGE_VERSION, KP_W_PAGE_VERSION_WHAT, NONE, NULL, NULL};

static const struct simple *of_problem(enum kp_http_problem problem)
{
    switch (problem) {
    case KP_HTTP_TOO_LONG:
        return &too_long;
    case KP_HTTP_NO_MEMORY:
        return &simple[KP_PAGE_FULL];
    case KP_HTTP_UNSUPPORTED:
        return &unsupported;
    case KP_HTTP_VERSION:
        return &version;
    case KP_HTTP_FINE:
    case KP_HTTP_MALFORMED:
    case KP_HTTP_CUT:
        break;
    }
    return &malformed;
}

unsigned kp_page_of_problem(struct kp_out *out, const struct kp_page *page,
                            enum kp_http_problem problem)
{
    const struct simple *is = of_problem(problem);
    struct kp_out main = {.at = NULL};
    kp_page_put_para(&main, page, is->what, NONE);
    return put_simple(out, page, is, &main);
}

/* ---- Of a device's connection ------------------------------------------------------------ */

/* As a sentence of its own: with a capital where it doesn't begin with the address. */
static void put_sentence(struct kp_out *main, char *text, const char *where)
{
    if (text[0] >= 'a' && text[0] <= 'z' && strncmp(text, where, strlen(where)) != 0)
        text[0] = (char)(text[0] - 'a' + 'A');
    kp_out_word(main, "<p>");
    kp_page_put_text(main, text);
    kp_out_word(main, ".</p>\n");
}

static void put_why(struct kp_out *main, const struct kp_page *page,
                    const struct kp_trouble *trouble, const char *where)
{
    char text[KP_WORD_LEN];
    kp_explain(trouble, where, page->language, text, sizeof text);
    put_sentence(main, text, where);
}

/* The other reason for a failed proof, which somebody who has the right password has to know. */
static void put_more(struct kp_out *main, const struct kp_page *page,
                     const struct kp_trouble *trouble)
{
    const struct kp_offered *offered = &trouble->offered;
    char more[KP_EXPLAIN_MORE_LEN], id[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)];
    if (kp_explain_more(trouble, page->language, more) == NULL)
        return;
    if (offered->id_given || offered->name == NULL)
        kp_word(more, sizeof more, page->language, KP_W_PAGE_REFUSED_ID, "id",
                kp_text_escape(id, offered->id, strlen(offered->id)), NULL);
    put_sentence(main, more, "\n");
}

/* Calm first: most often somebody has changed it.  What a failed proof can mean stands last. */
static enum kp_word put_refused(struct kp_out *main, const struct kp_page *page,
                                const struct kp_trouble *trouble)
{
    kp_page_put_para(main, page, KP_W_PAGE_REFUSED_DO, NONE);
    put_more(main, page, trouble);
    kp_page_put_para(main, page, KP_W_PAGE_REFUSED_ELSE, NONE);
    return KP_W_PAGE_REFUSED;
}

static enum kp_word put_stranger(struct kp_out *main, const struct kp_page *page,
                                 const struct kp_trouble *trouble, const char *where)
{
    kp_out_word(main, "<div class=\"risk\">");
    put_why(main, page, trouble, where);
    kp_page_put_para(main, page, KP_W_PAGE_STRANGER_NOTHING_SENT, NONE);
    kp_out_word(main, "</div>\n");
    kp_page_put_para(main, page, KP_W_PAGE_STRANGER_DO, NONE);
    kp_page_put_para(main, page, KP_W_PAGE_STRANGER_ELSE, NONE);
    return KP_W_PAGE_STRANGER;
}

static enum kp_word put_trouble(struct kp_out *main, const struct kp_page *page,
                                const struct kp_trouble *trouble, const char *where)
{
    if (trouble->stranger)
        return put_stranger(main, page, trouble, where);
    if (kp_trouble_is_proof(trouble))
        return put_refused(main, page, trouble);
    put_why(main, page, trouble, where);
    if (trouble->committed) {
        kp_page_put_para(main, page, KP_W_PAGE_BROKE_OFF_DO, NONE);
        return KP_W_PAGE_BROKE_OFF;
    }
    kp_page_put_para(main, page, KP_W_PAGE_UNREACHED_DO, NONE);
    kp_page_put_link(main, page, "", KP_W_PAGE_AGAIN);
    return KP_W_PAGE_UNREACHED;
}

unsigned kp_page_of_trouble(struct kp_out *out, const struct kp_page *page,
                            const struct kp_trouble *trouble, const char *where)
{
    struct kp_out main = {.at = NULL};
    struct kp_page_frame frame = {.status = "502 Bad Gateway"};
    frame.title = put_trouble(&main, page, trouble, where);
    return kp_page_put(out, page, &frame, &main);
}

/* ---- Going on ---------------------------------------------------------------------------- */

static bool has_control(struct kp_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return true;
    return false;
}

/* A reference that begins with two slashes is of another host (RFC 3986 4.2), and browsers take a
 * backslash for a slash and drop tabs and line ends. */
static bool stays_here(struct kp_slice path)
{
    if (path.len == 0 || path.at[0] != '/' || has_control(path))
        return false;
    return path.len == 1 || (path.at[1] != '/' && path.at[1] != '\\');
}

/* What is in no URL is written %XX. */
static void put_url(struct kp_out *out, struct kp_slice path)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.at[i], code[4];
        if (c > ' ' && c < 0x7f && strchr("\"<>\\", c) == NULL) {
            kp_out_add(out, &c, 1);
        } else {
            (void)snprintf(code, sizeof code, "%%%02X", (unsigned)(unsigned char)c);
            kp_out_word(out, code);
        }
    }
}

/* NUL-terminated, and right for a field; HTML has still to escape it. */
static void make_url(struct kp_out *url, struct kp_slice path)
{
    if (stays_here(path))
        put_url(url, path);
    else
        kp_out_word(url, "/");
    kp_out_add(url, "", 1);
}

unsigned kp_page_see(struct kp_out *out, const struct kp_page *page, struct kp_slice path,
                     const char *cookie)
{
    struct kp_out url = {.at = NULL};
    unsigned status = 303;
    make_url(&url, path);
    out->failed = out->failed || url.failed;
    if (!out->failed)
        status = kp_page_put_redirect(out, page, (struct kp_slice){url.at, url.len - 1}, cookie);
    kp_out_free(&url);
    return status;
}

/* refresh: "0;url=" and HREF.  A path that begins with a slash isn't taken for a quoted one, HTML
 * 4.2.5.3. */
static unsigned put_go_on(struct kp_out *out, const struct kp_page *page, const char *refresh,
                          const char *href, const char *cookie)
{
    const struct kp_page_frame frame = {
        .status = "200 OK", .title = KP_W_PAGE_OPENING, .refresh = refresh, .cookie = cookie};
    struct kp_out main = {.at = NULL};
    kp_page_put_link(&main, page, href, KP_W_PAGE_GO_ON);
    return kp_page_put(out, page, &frame, &main);
}

unsigned kp_page_go_on(struct kp_out *out, const struct kp_page *page, struct kp_slice path,
                       const char *cookie)
{
    static const char begin[] = "0;url=";
    struct kp_out url = {.at = NULL}, refresh = {.at = NULL};
    make_url(&url, path);
    kp_out_word(&refresh, begin);
    if (!url.failed)
        kp_page_put_text(&refresh, url.at);
    kp_out_add(&refresh, "", 1);
    out->failed = out->failed || url.failed || refresh.failed;
    if (!out->failed)
        put_go_on(out, page, refresh.at, refresh.at + strlen(begin), cookie);
    kp_out_free(&url);
    kp_out_free(&refresh);
    return 200;
}

unsigned kp_page_see_other(struct kp_out *out, const struct kp_page *page, const char *url)
{
    struct kp_slice location = {url, strlen(url)};
    if (has_control(location))
        location = (struct kp_slice){"/", 1};
    return kp_page_put_redirect(out, page, location, NULL);
}
