/* What the pages are made of: see page_put.h. */
#include "page_put.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../notice.h"

static const char style[] =
    ":root{color-scheme:light dark;--paper:#fff;--ink:#17201f;--soft:#56635f;--line:#d5dedb;"
    "--accent:#0f766e;--on:#fff;--risk:#b42318;--tint:#fdf1ef}"
    "@media(prefers-color-scheme:dark){:root{--paper:#121817;--ink:#e7eeec;--soft:#a3b1ad;"
    "--line:#33403d;--accent:#5ccfc1;--on:#06201d;--risk:#ff9c8f;--tint:#2b1916}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--paper);color:var(--ink);"
    "font:1.0625rem/1.55 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif;"
    "overflow-wrap:anywhere}"
    "header{border-bottom:1px solid var(--line);border-top:.25rem solid var(--accent);"
    "padding:.7rem 1.25rem;color:var(--soft);font-size:.95rem}"
    "header b{color:var(--accent)}"
    "main{max-width:38rem;margin:0 auto;padding:1.25rem 1.25rem 3rem}"
    "h1{font-size:1.6rem;line-height:1.25;margin:1.2rem 0 1rem;text-wrap:balance}"
    "h2{font-size:1.15rem;line-height:1.3;margin:0;display:flex;flex-wrap:wrap;gap:.2rem .7rem;"
    "align-items:baseline}"
    "p{margin:.8rem 0}"
    "a{color:var(--accent)}"
    "code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;"
    "border:1px solid var(--line);border-radius:.3rem;padding:.08rem .35rem;"
    "-webkit-box-decoration-break:clone;box-decoration-break:clone}"
    ".risk{border-left:.3rem solid var(--risk);background:var(--tint);padding:.1rem 1rem;"
    "border-radius:.3rem;margin:1rem 0}"
    "section{border:1px solid var(--line);border-radius:.6rem;padding:1rem 1.1rem;margin:1rem 0}"
    ".state{font-size:.9rem;font-weight:400;color:var(--soft)}"
    ".in{color:var(--accent)}.bad{color:var(--risk)}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .9rem;margin:.6rem 0;"
    "font-size:.95rem}dt{color:var(--soft)}dd{margin:0}"
    "@media(max-width:26rem){dl{grid-template-columns:1fr}dd{margin:0 0 .3rem}}"
    ".acts{display:flex;flex-wrap:wrap;gap:.6rem;align-items:center;margin-top:.8rem}"
    "button,summary{font:inherit;font-size:1rem;line-height:1.3;border-radius:.4rem;"
    "padding:.45rem 1rem;cursor:pointer;border:1px solid var(--line);background:transparent;"
    "color:var(--ink)}"
    "summary{border-color:transparent;color:var(--soft);text-decoration:underline;"
    "text-underline-offset:.2em;padding:.45rem .2rem}"
    "button.main{background:var(--accent);border-color:var(--accent);color:var(--on)}"
    "button.last{border-color:var(--risk);color:var(--risk)}"
    "details[open]{flex-basis:100%}"
    "a:focus-visible,button:focus-visible,summary:focus-visible"
    "{outline:3px solid var(--accent);outline-offset:3px}";
/* base64(SHA-256(style)): the unit test prints it when it is out of date. */
#define STYLE_HASH "Qj4ZZWPTzOdJpRStm7+hZ6cbyjVVn+FeIeTzwQKb4u8="

/* ---- Text -------------------------------------------------------------------------------- */

/* NULL: the character stands for itself. */
static const char *entity(char c)
{
    switch (c) {
    case '\001': /* KP_PAGE_CODE */
        return "<code>";
    case '\002': /* KP_PAGE_CODE_END */
        return "</code>";
    default:
        return (unsigned char)c < 0x20 || c == 0x7f ? "" : kp_notice_entity(c);
    }
}

void kp_page_put_text(struct kp_out *html, const char *text)
{
    for (; *text != '\0'; text++) {
        const char *as = entity(*text);
        if (as != NULL)
            kp_out_word(html, as);
        else
            kp_out_add(html, text, 1);
    }
}

#define COMMAND_LEN (KP_SAVED_NAME_LEN + 40)

static void command(char out[COMMAND_LEN], const char *command, const char *name)
{
    (void)snprintf(out, COMMAND_LEN, KP_PAGE_CODE "keyplate %s %.63s" KP_PAGE_CODE_END, command,
                   name[0] != '\0' ? name : "NAME");
}

void kp_page_put_word(struct kp_out *html, const struct kp_page *page, enum kp_word word)
{
    char text[KP_WORD_LEN], open[COMMAND_LEN], forget[COMMAND_LEN];
    const char *name = page->name != NULL ? page->name : "";
    char size[8];
    (void)snprintf(size, sizeof size, "%d", KP_HTTP_HEAD_MAX / 1024);
    command(open, "open", name);
    command(forget, "devices forget", name);
    kp_page_put_text(html, kp_word(text, sizeof text, page->language, word, "name", name, "open",
                                   open, "forget", forget, "size", size, NULL));
}

void kp_page_put_para(struct kp_out *html, const struct kp_page *page, enum kp_word word,
                      enum kp_word second)
{
    kp_out_word(html, "<p>");
    kp_page_put_word(html, page, word);
    if (second != KP_WORDS) {
        kp_out_word(html, ". ");
        kp_page_put_word(html, page, second);
    }
    kp_out_word(html, ".</p>\n");
}

void kp_page_put_link(struct kp_out *html, const struct kp_page *page, const char *href,
                      enum kp_word word)
{
    kp_out_word(html, "<p><a href=\"");
    kp_out_word(html, href);
    kp_out_word(html, "\">");
    kp_page_put_word(html, page, word);
    kp_out_word(html, "</a></p>\n");
}

/* ---- The page ---------------------------------------------------------------------------- */

static void put_html_head(struct kp_out *html, const struct kp_page *page,
                          const struct kp_page_frame *frame)
{
    kp_out_word(html, "<!DOCTYPE html>\n<html lang=\"");
    kp_out_word(html, kp_language_tag(page->language));
    kp_out_word(html, "\"><head><meta charset=\"utf-8\">"
                      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    if (frame->refresh != NULL) {
        kp_out_word(html, "<meta http-equiv=\"refresh\" content=\"");
        kp_out_word(html, frame->refresh);
        kp_out_word(html, "\">");
    }
    kp_out_word(html, "<title>");
    kp_page_put_word(html, page, frame->title);
    kp_out_word(html, " - Keyplate</title><style>");
    kp_out_word(html, style);
    kp_out_word(html, "</style></head>\n");
}

static void put_html(struct kp_out *html, const struct kp_page *page,
                     const struct kp_page_frame *frame, const struct kp_out *main)
{
    put_html_head(html, page, frame);
    kp_out_word(html, "<body><header><b>Keyplate</b>");
    if (page->name != NULL) {
        kp_out_word(html, " &middot; ");
        kp_page_put_text(html, page->name);
    }
    kp_out_word(html, "</header><main><h1>");
    kp_page_put_word(html, page, frame->title);
    kp_out_word(html, "</h1>\n");
    kp_out_add(html, main->at, main->len);
    kp_out_word(html, "</main></body></html>\n");
    html->failed = html->failed || main->failed;
}

/* ---- The head ---------------------------------------------------------------------------- */

/* What would end the field early is left out whole. */
static void put_cookie(struct kp_out *out, const char *cookie)
{
    if (cookie == NULL || strpbrk(cookie, "\r\n") != NULL)
        return;
    kp_out_word(out, "Set-Cookie: ");
    kp_out_word(out, cookie);
    kp_out_word(out, "\r\n");
}

static void put_head(struct kp_out *out, const struct kp_page *page, const char *status, size_t len)
{
    kp_out_word(out, "HTTP/1.1 ");
    kp_out_word(out, status);
    kp_out_word(out, "\r\nContent-Length: ");
    kp_out_number(out, len);
    kp_out_word(out, "\r\nCache-Control: no-store\r\n"
                     "X-Content-Type-Options: nosniff\r\n"
                     "X-Frame-Options: DENY\r\n"
                     "Cross-Origin-Opener-Policy: same-origin\r\n"
                     "Cross-Origin-Resource-Policy: same-origin\r\n");
    if (page->closes)
        kp_out_word(out, "Connection: close\r\n");
    if (page->more != NULL) {
        kp_out_add(out, page->more->at, page->more->len);
        out->failed |= page->more->failed;
    }
}

/* A form's Origin would be "null" under no-referrer, Fetch 3.2.  Chromium holds form-action against
 * redirects, too. */
static const char locked[] = "Referrer-Policy: no-referrer\r\n"
                             "Content-Security-Policy: default-src 'none'; style-src "
                             "'sha256-" STYLE_HASH "'; form-action 'none'; "
                             "frame-ancestors 'none'; base-uri 'none'\r\n";
static const char with_forms[] =
    "Referrer-Policy: same-origin\r\n"
    "Content-Security-Policy: default-src 'none'; style-src "
    "'sha256-" STYLE_HASH "'; form-action 'self' http://*.localhost:*; "
    "frame-ancestors 'none'; base-uri 'none'\r\n";

unsigned kp_page_put(struct kp_out *out, const struct kp_page *page,
                     const struct kp_page_frame *frame, struct kp_out *main)
{
    struct kp_out html = {.at = NULL};
    put_html(&html, page, frame, main);
    put_head(out, page, frame->status, html.len);
    kp_out_word(out, "Content-Type: text/html; charset=utf-8\r\nContent-Language: ");
    kp_out_word(out, kp_language_tag(page->language));
    kp_out_word(out, "\r\n");
    kp_out_word(out, frame->forms ? with_forms : locked);
    put_cookie(out, frame->cookie);
    if (frame->fields != NULL)
        kp_out_word(out, frame->fields);
    kp_out_word(out, "\r\n");
    kp_out_add(out, html.at, html.len);
    out->failed = out->failed || html.failed;
    kp_out_free(&html);
    kp_out_free(main);
    return (unsigned)strtoul(frame->status, NULL, 10);
}

unsigned kp_page_put_redirect(struct kp_out *out, const struct kp_page *page,
                              struct kp_slice location, const char *cookie)
{
    put_head(out, page, "303 See Other", 0);
    kp_out_word(out, "Referrer-Policy: no-referrer\r\nLocation: ");
    kp_out_text(out, location);
    kp_out_word(out, "\r\n");
    put_cookie(out, cookie);
    kp_out_word(out, "\r\n");
    return 303;
}
