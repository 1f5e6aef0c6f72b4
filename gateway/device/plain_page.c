/* The pages of port 80: see plain_page.h. */
#include "plain_page.h"

#include <stdio.h>
#include <string.h>

#include "../net/address.h"
#include "../notice.h"
#include "well_known.h"

/* ---- What comes from outside ------------------------------------------------------------- */

/* As HTML, or as plain text for a terminal. */
static void put_char(struct kp_out *out, bool plain, char c)
{
    const char *as = plain ? NULL : kp_notice_entity(c);
    if ((unsigned char)c < 0x20 || c == 0x7f)
        as = "?";
    if (as != NULL)
        kp_out_word(out, as);
    else
        kp_out_add(out, &c, 1);
}

static void put_escaped(struct kp_out *out, bool plain, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        put_char(out, plain, text[i]);
}

/* Browsers strip tabs and newlines, and take a backslash for a slash; a # would take the rest out
 * of the request. */
static bool is_of_target(char c)
{
    return c > ' ' && c < 0x7f && strchr("\"<>\\#", c) == NULL;
}

/* As a reference on this host: it begins with one slash.  "//evil.example/" would be on another
 * one, RFC 3986 4.2; "/.//evil.example/" is that path on this one, 5.2.4. */
static void put_way_on(struct kp_out *out, const struct kp_plain_page *page)
{
    struct kp_slice target = page->target;
    bool query = false;
    if (target.len == 0 || target.at[0] != '/')
        target = (struct kp_slice){"/", 1};
    if (target.len > 1 && target.at[1] == '/')
        kp_out_word(out, "/.");
    for (size_t i = 0; i < target.len; i++) {
        char code[4];
        query = query || target.at[i] == '?';
        if (is_of_target(target.at[i])) {
            put_char(out, page->plain, target.at[i]);
        } else {
            snprintf(code, sizeof code, "%%%02X", (unsigned)(unsigned char)target.at[i]);
            kp_out_word(out, code);
        }
    }
    kp_out_word(out, !query ? "?" : page->plain ? "&" : "&amp;");
    kp_out_word(out, KP_PLAIN_WAY_ON);
}

/* People copy it into a shell: kp_host_split lets nothing pass that means something there.  What
 * begins with a hyphen would be an option. */
static bool is_host(const struct kp_plain_page *page, struct kp_host *host)
{
    const char *why;
    return page->host.len > 0 && page->host.at[0] != '-' &&
           kp_host_split(host, page->host.at, page->host.len, "80", &why) == 0;
}

/* For `keyplate open`. */
static void put_address(struct kp_out *out, const struct kp_plain_page *page)
{
    struct kp_host host;
    char text[KP_HOST_TEXT_LEN];
    if (!is_host(page, &host))
        snprintf(host.name, sizeof host.name, "ADDRESS");
    snprintf(host.port, sizeof host.port, "%u", page->port & 0xffff);
    kp_host_text(&host, "443", text);
    put_escaped(out, page->plain, text, strlen(text));
}

/* What the visitor came by. */
static void put_origin(struct kp_out *out, const struct kp_plain_page *page)
{
    struct kp_host host;
    char text[KP_HOST_TEXT_LEN];
    if (!is_host(page, &host))
        return;
    kp_out_word(out, "http://");
    kp_out_word(out, kp_host_text(&host, "80", text));
}

static const char *versions_text(unsigned versions)
{
    switch (versions) {
    case KP_USE_TLS12:
        return "TLS 1.2";
    case KP_USE_TLS13:
        return "TLS 1.3";
    default:
        return "TLS 1.2 and 1.3";
    }
}

static void put_hint(struct kp_out *out, const struct kp_plain_page *page)
{
    kp_out_word(out, versions_text(page->versions));
    kp_out_word(out, " with a password, port ");
    kp_out_number(out, page->port);
    if (page->id_len == 0)
        return;
    kp_out_word(out, page->plain ? ", device id " : ", device id <code>");
    put_escaped(out, page->plain, (const char *)page->id, page->id_len);
    if (!page->plain)
        kp_out_word(out, "</code>");
}

/* ---- As HTML ----------------------------------------------------------------------------- */

static const char style[] =
    ":root{color-scheme:light dark}"
    "body{font:1.05em/1.5 system-ui,sans-serif;max-width:34em;margin:1.5em auto;padding:0 1em;"
    "overflow-wrap:anywhere}"
    "h1{font-size:1.5em;line-height:1.25;text-wrap:balance}"
    "h2{font-size:1.15em;margin:1.6em 0 .4em}p{margin:.6em 0}"
    ".risk{border-left:.3em solid #c60;padding-left:.8em;margin:1em 0}"
    "pre{border:1px solid #888;border-radius:.3em;padding:.6em .8em;white-space:pre-wrap}"
    "code{font-family:ui-monospace,monospace}img{max-width:100%}"
    ".small{font-size:.85em;border-top:1px solid #888;margin-top:2em;padding-top:.6em}";
/* base64(SHA-256(style)): the unit test prints it when it is out of date. */
#define STYLE_HASH "eMQQBCT3wtIBmKzRrFutoKFPqoRv1bKh5QVYaw0OFok="

static const char *title(const struct kp_plain_page *page)
{
    return page->kind == KP_PLAIN_NOTICE ? "The page you asked for is not protected"
                                         : "This device shows nothing over plain HTTP";
}

static const char *way_in_title(const struct kp_plain_page *page)
{
    return page->kind == KP_PLAIN_NOTICE ? "The protected way" : "How to get in";
}

static const char explains[] =
    "<p>Your browser came by plain HTTP. Anyone on the network can read and change what comes that "
    "way, and read a password that is typed into it. That is why the device's own page isn't shown "
    "here.</p>"
    "<p>The device shows it only over a connection that is secured with the password on its "
    "label.</p>";

static const char warns[] =
    "<p>Your browser came by plain HTTP. It can't use what this device has instead: a connection "
    "that is secured with the password on its label.</p>";

/* Whatever the device's own words say. */
static const char risk[] = "<p class=\"risk\"><strong>Over plain HTTP, anyone on the network can "
                           "read and change the page, and "
                           "read the password that you type into it.</strong></p>";

static const char way_in[] =
    "<p>The link on the device's label, which begins with <code>keyplate://</code>, can be given "
    "in "
    "place of the address.</p>"
    "<p>No certificate warning appears then: the password proves the device to you, and you to the "
    "device. Get Keyplate from a place that you trust, not from a link on a page like this.</p>";

static const char caution[] =
    "<h2>About this page</h2>"
    "<p><strong>This page never asks for a password.</strong> It came by plain HTTP as well: "
    "anyone in between can fake it. Nothing on it proves anything, and no link on it does.</p>";

static void put_html_head(struct kp_out *out, const struct kp_plain_page *page)
{
    char json[KP_WELL_KNOWN_JSON_MAX];
    size_t len = kp_well_known_json(json, page->versions, page->port, page->id, page->id_len);
    kp_out_word(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                     "<meta name=\"keyplate\" content=\"");
    put_escaped(out, false, json, len);
    kp_out_word(out, "\"><title>");
    kp_out_word(out, title(page));
    kp_out_word(out, "</title><style>");
    kp_out_word(out, style);
    kp_out_word(out, "</style></head>\n");
}

static void put_html(struct kp_out *out, const struct kp_plain_page *page)
{
    bool notice = page->kind == KP_PLAIN_NOTICE;
    put_html_head(out, page);
    kp_out_word(out, "<body><h1>");
    kp_out_word(out, title(page));
    kp_out_word(out, "</h1>\n<section>");
    kp_out_word(out, page->words != NULL ? page->words : notice ? warns : explains);
    kp_out_word(out, "</section>");
    if (notice)
        kp_out_word(out, risk);
    kp_out_word(out, "\n<h2>");
    kp_out_word(out, way_in_title(page));
    kp_out_word(out, "</h2><p>On a computer that has Keyplate, in a terminal:</p>"
                     "<pre><code>keyplate open ");
    put_address(out, page);
    kp_out_word(out, "</code></pre>");
    kp_out_word(out, way_in);
    if (notice) {
        kp_out_word(out, "\n<h2>The unprotected way</h2><p><a href=\"");
        put_way_on(out, page);
        kp_out_word(out, "\">Go on to the unprotected page</a>. Anyone on the network can see and "
                         "change what you do there, passwords included.</p>");
    }
    kp_out_word(out, "\n");
    kp_out_word(out, caution);
    kp_out_word(out, "\n<p class=\"small\">For programs, not proved either: ");
    put_hint(out, page);
    kp_out_word(out, "</p></body></html>\n");
}

/* ---- As plain text ----------------------------------------------------------------------- */

static const char text_explains[] =
    "\n\nYou came by plain HTTP. Anyone on the network can read and change what comes\n"
    "that way, and read a password that is sent. So the device's own page isn't\n"
    "shown here, only over a connection that is secured with the password on its\n"
    "label.\n";

static const char text_warns[] =
    "\n\nYou came by plain HTTP. Anyone on the network can read and change what comes\n"
    "that way, and read the password that you send. The device also has a\n"
    "connection that is secured with the password on its label.\n";

static const char text_way_in[] =
    "\n\nThe link on the device's label (keyplate://) can be given in place of the\n"
    "address. No certificate warning appears then: the password proves the device\n"
    "to you, and you to the device. Get Keyplate from a place that you trust.\n";

static const char text_caution[] =
    "\nThis page never asks for a password. It came by plain HTTP as well: anyone\n"
    "in between can fake it. Nothing on it proves anything, and no link on it does.\n";

static void put_plain(struct kp_out *out, const struct kp_plain_page *page)
{
    bool notice = page->kind == KP_PLAIN_NOTICE;
    kp_out_word(out, title(page));
    kp_out_word(out, notice ? text_warns : text_explains);
    kp_out_word(out, "\n");
    kp_out_word(out, way_in_title(page));
    kp_out_word(out, ", on a computer that has Keyplate:\n\n    keyplate open ");
    put_address(out, page);
    kp_out_word(out, text_way_in);
    if (notice) {
        kp_out_word(out,
                    "\nThe unprotected way, seen and changed by anyone on the network:\n\n    ");
        put_origin(out, page);
        put_way_on(out, page);
        kp_out_word(out, "\n");
    }
    kp_out_word(out, text_caution);
    kp_out_word(out, "\nFor programs, not proved either:\n");
    put_hint(out, page);
    kp_out_word(out, "\n");
}

/* ---- The response ------------------------------------------------------------------------ */

/* The policy holds for the device's own words too, should kp_plain_words_read miss something. */
static const char fields[] =
    "Cache-Control: no-store\r\n"
    "Vary: X-Keyplate, Cookie\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'sha256-" STYLE_HASH
    "'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "Link: </.well-known/keyplate>; rel=\"keyplate\"\r\n"
    "Connection: close\r\n"
    "\r\n";

void kp_plain_page_write(struct kp_out *out, const struct kp_plain_page *page)
{
    struct kp_out body = {.at = NULL};
    if (page->plain)
        put_plain(&body, page);
    else
        put_html(&body, page);
    kp_out_word(out, "HTTP/1.1 403 Forbidden\r\nContent-Type: ");
    kp_out_word(out, page->plain ? "text/plain" : "text/html");
    kp_out_word(out, "; charset=utf-8\r\nContent-Length: ");
    kp_out_number(out, body.len);
    kp_out_word(out, "\r\n");
    kp_out_word(out, fields);
    if (!page->head_only)
        kp_out_add(out, body.at, body.len);
    out->failed = out->failed || body.failed;
    kp_out_free(&body);
}
