/* The list of devices: see pages.h. */
#include "pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "page_put.h"

void kp_page_list_begin(struct kp_page_list *list, const struct kp_page *page)
{
    *list = (struct kp_page_list){.page = *page};
}

/* ---- Times ------------------------------------------------------------------------------- */

static void put_count(struct kp_out *html, const struct kp_page *page, enum kp_word word,
                      uint64_t count)
{
    char text[KP_WORD_LEN], digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRIu64, count);
    kp_page_put_text(html, kp_word(text, sizeof text, page->language, word, "count", digits, NULL));
}

static void put_ago(struct kp_out *html, const struct kp_page *page, uint64_t seconds)
{
    uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
    if (minutes == 0)
        kp_page_put_word(html, page, KP_W_LIST_NOW);
    else if (hours == 0)
        put_count(html, page, KP_W_LIST_MINUTES, minutes);
    else if (days == 0)
        put_count(html, page, KP_W_LIST_HOURS, hours);
    else if (days == 1)
        kp_page_put_word(html, page, KP_W_LIST_DAY);
    else
        put_count(html, page, KP_W_LIST_DAYS, days);
}

/* A clock that went back makes it just now. */
static void put_time(struct kp_out *html, const struct kp_page *page, uint64_t when)
{
    uint64_t now = (uint64_t)time(NULL);
    time_t seconds = (time_t)when;
    char text[40];
    struct tm utc;
    put_ago(html, page, when < now ? now - when : 0);
    if (gmtime_r(&seconds, &utc) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc) == 0)
        return;
    kp_out_word(html, " (");
    kp_out_word(html, text);
    kp_out_word(html, ")");
}

/* ---- Rows -------------------------------------------------------------------------------- */

static void put_term(struct kp_out *html, const struct kp_page *page, enum kp_word word)
{
    kp_out_word(html, "<dt>");
    kp_page_put_word(html, page, word);
    kp_out_word(html, "</dt><dd>");
}

static void put_fact(struct kp_out *html, const struct kp_page *page, enum kp_word word,
                     const char *text, size_t len)
{
    char escaped[KP_TEXT_ESCAPED_MAX(KP_HOST_TEXT_LEN)];
    put_term(html, page, word);
    kp_page_put_text(html, kp_text_escape(escaped, text, strnlen(text, len)));
    kp_out_word(html, "</dd>");
}

static void put_moment(struct kp_out *html, const struct kp_page *page, enum kp_word word,
                       uint64_t when)
{
    if (when == 0)
        return;
    put_term(html, page, word);
    put_time(html, page, when);
    kp_out_word(html, "</dd>");
}

static void put_facts(struct kp_out *html, const struct kp_page *page,
                      const struct kp_site_facts *facts)
{
    bool in = facts->state == KP_SITE_IN;
    kp_out_word(html, "<dl>");
    put_fact(html, page, KP_W_LIST_ADDRESS, facts->where, KP_HOST_TEXT_LEN);
    if (facts->user[0] != '\0')
        put_fact(html, page, KP_W_LIST_USER, facts->user, KP_NAME_MAX);
    if (in && facts->protocol != NULL)
        put_fact(html, page, KP_W_LIST_PROTOCOL, facts->protocol, KP_NAME_MAX);
    if (in)
        put_moment(html, page, KP_W_LIST_SINCE, facts->since);
    else
        put_moment(html, page, KP_W_LIST_SEEN, facts->seen);
    kp_out_word(html, "</dl>");
}

/* What a state is called, and the class that colours it. */
static const struct {
    enum kp_word word;
    const char *class;
} states[] = {
    [KP_SITE_OUT] = {KP_W_STATE_OUT, "state"},
    [KP_SITE_PROVING] = {KP_W_STATE_PROVING, "state"},
    [KP_SITE_IN] = {KP_W_STATE_IN, "state in"},
    [KP_SITE_REFUSED] = {KP_W_STATE_REFUSED, "state bad"},
    [KP_SITE_STRANGER] = {KP_W_STATE_STRANGER, "state bad"},
};

/* action: "open".  what: the button's class.  The name is in its label for who can't see where the
 * button stands. */
static void put_form(struct kp_out *html, const struct kp_page *page, const char *action,
                     const char *class, enum kp_word label)
{
    kp_out_word(html, "<form method=\"post\" action=\"/.keyplate/");
    kp_out_word(html, action);
    kp_out_word(html, "?name=");
    kp_page_put_text(html, page->name);
    kp_out_word(html, "\"><button class=\"");
    kp_out_word(html, class);
    kp_out_word(html, "\" title=\"");
    kp_page_put_text(html, page->name);
    kp_out_word(html, "\">");
    kp_page_put_word(html, page, label);
    kp_out_word(html, "</button></form>");
}

static void put_forget(struct kp_out *html, const struct kp_page *page)
{
    kp_out_word(html, "<details><summary>");
    kp_page_put_word(html, page, KP_W_LIST_FORGET);
    kp_out_word(html, "</summary>");
    kp_page_put_para(html, page, KP_W_LIST_FORGET_WHAT, KP_WORDS);
    put_form(html, page, "forget", "last", KP_W_LIST_FORGET_YES);
    kp_out_word(html, "</details>");
}

static void put_acts(struct kp_out *html, const struct kp_page *page,
                     const struct kp_site_facts *facts)
{
    bool is_used = facts->state != KP_SITE_OUT;
    kp_out_word(html, "<div class=\"acts\">");
    if (facts->state == KP_SITE_IN)
        put_form(html, page, "open", "main", KP_W_LIST_OPEN);
    if (is_used)
        put_form(html, page, "logout", "", KP_W_LIST_LOG_OUT);
    if (facts->saved || !is_used)
        put_forget(html, page);
    kp_out_word(html, "</div>");
}

void kp_page_list_row(struct kp_page_list *list, const struct kp_site_facts *facts)
{
    struct kp_page page = list->page;
    struct kp_out *html = &list->rows;
    page.name = facts->name;
    list->count++;
    kp_out_word(html, "<section><h2>");
    kp_page_put_text(html, facts->name);
    kp_out_word(html, " <span class=\"");
    kp_out_word(html, states[facts->state].class);
    kp_out_word(html, "\">");
    kp_page_put_word(html, &page, states[facts->state].word);
    kp_out_word(html, "</span></h2>");
    put_facts(html, &page, facts);
    if (facts->saved && (facts->state == KP_SITE_OUT || facts->state == KP_SITE_REFUSED))
        kp_page_put_para(html, &page, KP_W_LIST_HOW_IN, KP_WORDS);
    put_acts(html, &page, facts);
    kp_out_word(html, "</section>\n");
}

/* ---- The page ---------------------------------------------------------------------------- */

static void put_empty(struct kp_out *html, const struct kp_page *page)
{
    char text[KP_WORD_LEN];
    kp_page_put_para(html, page, KP_W_LIST_EMPTY, KP_WORDS);
    kp_out_word(html, "<p>");
    kp_page_put_text(html, kp_word(text, sizeof text, page->language, KP_W_LIST_EMPTY_DO, "open",
                                   KP_PAGE_CODE "keyplate open ADDRESS" KP_PAGE_CODE_END, NULL));
    kp_out_word(html, ".</p>\n");
}

unsigned kp_page_list_end(struct kp_page_list *list, struct kp_out *out, const char *fault)
{
    static const struct kp_page_frame frame = {
        .status = "200 OK", .title = KP_W_LIST, .forms = true};
    struct kp_out main = {.at = NULL};
    if (fault != NULL) {
        kp_out_word(&main, "<div class=\"risk\"><p>");
        kp_page_put_text(&main, fault);
        kp_out_word(&main, ".</p></div>\n");
    }
    if (list->count == 0 && fault == NULL)
        put_empty(&main, &list->page);
    kp_out_add(&main, list->rows.at, list->rows.len);
    main.failed = main.failed || list->rows.failed;
    kp_out_free(&list->rows);
    return kp_page_put(out, &list->page, &frame, &main);
}
