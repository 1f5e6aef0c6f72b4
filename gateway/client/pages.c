/* The pages that `open` itself shows: see pages.h. */
#include "pages.h"

#include <stdio.h>

/* A paragraph of what else a trouble can mean: an id's bytes are written by five each at most. */
#define MORE_LEN (5 * KP_DEVICE_ID_MAX + 450)

/* html: what comes under the title, as HTML. */
static void put(char page[KP_NOTICE_MAX], const char *status, const char *title, const char *html)
{
    char body[KP_NOTICE_MAX - 512];
    snprintf(body, sizeof body,
             "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width\">"
             "<title>%s</title>"
             "<style>body{font:1.1em/1.5 sans-serif;max-width:34em;margin:3em auto;padding:0 1em}"
             "</style><h1>%s</h1>%s</html>\n",
             title, title, html);
    (void)kp_notice(page, status, 1, body);
}

static void put_more(char html[MORE_LEN], const struct kp_trouble *trouble)
{
    char more[KP_EXPLAIN_MORE_LEN], escaped[MORE_LEN - 16];
    html[0] = '\0';
    if (kp_explain_more(trouble, more) == NULL)
        return;
    kp_notice_escape(escaped, sizeof escaped, more);
    snprintf(html, MORE_LEN, "<p>%s.</p>", escaped);
}

void kp_page_of_trouble(char page[KP_NOTICE_MAX], const struct kp_trouble *trouble,
                        const char *where, bool asks)
{
    char why[600], escaped[1100], more[MORE_LEN], html[1500 + MORE_LEN];
    bool refused = kp_trouble_is_proof(trouble);
    const char *title = "The device can't be reached";
    const char *what = "Load this page again when that is put right: nothing has to be restarted "
                       "here.";
    if (refused)
        title = "The password was refused";
    else if (trouble->committed)
        title = "The device broke off";
    if (refused || trouble->committed)
        what =
            asks ? "The password is asked for again where <code>keyplate open</code> runs: answer "
                   "there, then load this page again. If nobody has changed the password, don't."
                 : "<code>keyplate open</code> has ended: start it again, with the new password "
                   "if it was changed. If nobody has changed it, don't.";
    if (trouble->stranger) {
        title = "This is another device";
        what = "Nothing more is sent to it. If the device was replaced, end <code>keyplate "
               "open</code> with Ctrl-C, forget the old one (<code>keyplate devices forget</code>) "
               "and start again; else someone may be in between.";
    }
    kp_explain(trouble, where, why, sizeof why);
    kp_notice_escape(escaped, sizeof escaped, why);
    put_more(more, trouble);
    snprintf(html, sizeof html, "<p>%s.</p>%s<p>%s</p>", escaped, more, what);
    put(page, "502 Bad Gateway", title, html);
}

void kp_page_of_refusal(char page[KP_NOTICE_MAX], enum kp_request_verdict verdict, const char *own)
{
    char html[1024];
    if (verdict == KP_REQUEST_LONG) {
        put(page, "431 Request Header Fields Too Large", "The request is too long",
            "<p>Its head has more than 16 KiB: it wasn't let through to the device.</p>");
    } else if (verdict == KP_REQUEST_FOREIGN) {
        snprintf(html, sizeof html,
                 "<p>Another web page made your browser send this to the device: it wasn't let "
                 "through.</p><p>If you meant it, do it on the device's own page: "
                 "<a href=\"http://%s/\">http://%s/</a></p>",
                 own, own);
        put(page, "403 Forbidden", "This came from another site", html);
    } else {
        snprintf(
            html, sizeof html,
            "<p>The device's page is at <a href=\"http://%s/\">http://%s/</a> and under no "
            "other name. This request was for another one: it wasn't let through.</p><p>If you "
            "didn't type that name, a web site tried to reach your device through your "
            "browser.</p>",
            own, own);
        put(page, "421 Misdirected Request", "This is not the device's address", html);
    }
}
