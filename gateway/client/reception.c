/* What becomes of a request at the loopback face: see reception.h. */
#include "reception.h"

#include <string.h>

#include "hub_inside.h"

/* One request and its answer. */
struct asked {
    struct kp_hub *hub;
    const struct kp_http_head *head;
    struct kp_page page;
    struct kp_received *out;
    bool inherits; /* its site does */
};

static void answer(struct asked *a, enum kp_page_kind kind)
{
    a->out->status = kp_page_of(&a->out->answer, &a->page, kind);
}

static bool is_get(const struct kp_http_head *head)
{
    return kp_slice_is(head->method, "GET") || kp_slice_is(head->method, "HEAD");
}

static bool begins(struct kp_slice text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && memcmp(text.at, word, len) == 0;
}

/* ---- One-time links ---------------------------------------------------------------------- */

/* SameSite=Strict: a redirect that another site began is still that site's, and the cookie which it
 * set would not come back by it. */
static bool came_from_nowhere(const struct kp_http_head *head)
{
    struct kp_slice site;
    return !kp_http_head_find(head, "Sec-Fetch-Site", &site) || kp_slice_is(site, "none");
}

static void take_link(struct asked *a, struct kp_pass *pass)
{
    uint8_t token[KP_GUARD_SECRET_LEN];
    char mark[KP_SITE_MARK_LEN];
    struct kp_out clearing = {.at = NULL};
    struct kp_slice path;
    if (!kp_guard_link(a->head, token, &path) || !kp_pass_use(pass, kp_loop_seconds(), token)) {
        answer(a, KP_PAGE_LINK_USED);
        return;
    }
    if (a->inherits && !kp_guard_knows(a->head, pass->secret)) {
        kp_rewrite_clear(&clearing, a->head, path);
        a->page.more = &clearing;
    }
    kp_site_mark(pass, mark);
    if (came_from_nowhere(a->head))
        a->out->status = kp_page_see(&a->out->answer, &a->page, path, mark);
    else
        a->out->status = kp_page_go_on(&a->out->answer, &a->page, path, mark);
    a->page.more = NULL;
    kp_out_free(&clearing);
    explicit_bzero(mark, sizeof mark);
    explicit_bzero(token, sizeof token);
}

/* Whether it may go on; else it is answered. */
static bool is_let_in(struct asked *a, const char *own, struct kp_pass *pass)
{
    switch (kp_guard_judge(a->head, own, pass->secret)) {
    case KP_GUARD_PASS:
        return true;
    case KP_GUARD_PASS_MARK:
        a->out->mark = true;
        return true;
    case KP_GUARD_LINK:
        take_link(a, pass);
        return false;
    case KP_GUARD_NO_SECRET:
        answer(a, is_get(a->head) ? KP_PAGE_NO_SECRET_GET : KP_PAGE_NO_SECRET);
        return false;
    case KP_GUARD_FOREIGN:
        answer(a, KP_PAGE_FOREIGN);
        return false;
    case KP_GUARD_WORKER:
        answer(a, KP_PAGE_WORKER);
        return false;
    case KP_GUARD_ASTRAY:
        break;
    }
    answer(a, KP_PAGE_ASTRAY);
    return false;
}

/* ---- keyplate.localhost ------------------------------------------------------------------ */

static void add_row(void *owner, const struct kp_site_facts *facts)
{
    kp_page_list_row(owner, facts);
}

static void list(struct asked *a)
{
    struct kp_page_list page;
    char why[KP_WORD_LEN];
    int error;
    kp_page_list_begin(&page, &a->page);
    error = kp_hub_each(a->hub, add_row, &page, why);
    a->out->status = kp_page_list_end(&page, &a->out->answer, error != 0 ? why : NULL);
}

static void open_device(struct asked *a, const char *name)
{
    char link[KP_HUB_LINK_LEN];
    if (kp_hub_link(a->hub, name, "/", link))
        a->out->status = kp_page_see_other(&a->out->answer, &a->page, link);
    else
        answer(a, KP_PAGE_NOT_FOUND);
}

static const struct kp_slice list_path = {"/", 1};

static void log_out(struct asked *a, const char *name)
{
    if (kp_hub_logout(a->hub, name))
        a->out->status = kp_page_see(&a->out->answer, &a->page, list_path, NULL);
    else
        answer(a, KP_PAGE_NOT_FOUND);
}

static void forget(struct asked *a, const char *name)
{
    char why[KP_WORD_LEN];
    int result = kp_hub_forget(a->hub, name, why);
    struct kp_page_list page;
    if (result == 0) {
        a->out->status = kp_page_see(&a->out->answer, &a->page, list_path, NULL);
    } else if (result > 0) {
        answer(a, KP_PAGE_NOT_FOUND);
    } else {
        kp_page_list_begin(&page, &a->page);
        a->out->status = kp_page_list_end(&page, &a->out->answer, why);
    }
}

static const struct {
    const char *path; /* and then the device's name */
    void (*run)(struct asked *a, const char *name);
} actions[] = {
    {KP_GUARD_PATH "open?name=", open_device},
    {KP_GUARD_PATH "logout?name=", log_out},
    {KP_GUARD_PATH "forget?name=", forget},
};

/* Whether it was one. */
static bool act(struct asked *a)
{
    struct kp_slice target = a->head->target;
    char name[KP_SAVED_NAME_LEN];
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        size_t len = strlen(actions[i].path);
        if (!begins(target, actions[i].path) || target.len - len >= sizeof name)
            continue;
        memcpy(name, target.at + len, target.len - len);
        name[target.len - len] = '\0';
        if (!kp_saved_name_is_right(name))
            return false;
        if (kp_slice_is(a->head->method, "POST"))
            actions[i].run(a, name);
        else
            answer(a, KP_PAGE_METHOD);
        return true;
    }
    return false;
}

static void receive_list(struct asked *a)
{
    if (!is_let_in(a, a->hub->own, &a->hub->pass) || act(a))
        return;
    if (is_get(a->head) && kp_slice_is(a->head->target, "/"))
        list(a);
    else
        answer(a, KP_PAGE_NOT_FOUND);
}

/* ---- Devices ----------------------------------------------------------------------------- */

static void receive_stranger(struct asked *a, const struct kp_site *site)
{
    const struct kp_trouble trouble = {.stranger = true};
    struct kp_out clearing = {.at = NULL};
    kp_rewrite_clear(&clearing, a->head, a->head->target);
    a->page.more = &clearing;
    a->out->status = kp_page_of_trouble(&a->out->answer, &a->page, &trouble, site->where);
    a->page.more = NULL;
    kp_out_free(&clearing);
}

static void receive_site(struct asked *a, struct kp_site *site)
{
    a->inherits = site->inherits;
    if (site->state == KP_SITE_OUT)
        answer(a, site->was_in                   ? KP_PAGE_LOGGED_OUT
                  : kp_hub_has_saved(site->name) ? KP_PAGE_NOT_IN
                                                 : KP_PAGE_NOBODY);
    else if (site->state == KP_SITE_PROVING)
        answer(a, KP_PAGE_PROVING);
    else if (!is_let_in(a, site->names.own, &site->pass))
        return;
    else if (begins(a->head->target, KP_GUARD_PATH))
        answer(a, KP_PAGE_NOT_FOUND);
    else if (site->state == KP_SITE_STRANGER)
        receive_stranger(a, site);
    else
        a->out->site = site;
}

enum kp_language kp_receive_language(const struct kp_hub *hub, const struct kp_http_head *head)
{
    struct kp_slice accepted;
    if (head == NULL || !kp_http_head_find(head, "Accept-Language", &accepted))
        return hub->language;
    return kp_language_accepted(accepted.at, accepted.len, hub->language);
}

void kp_receive(struct kp_hub *hub, const struct kp_http_head *head, enum kp_peer peer, bool closes,
                struct kp_received *out)
{
    char name[KP_SAVED_NAME_LEN];
    struct asked a = {.hub = hub, .head = head, .out = out};
    struct kp_site *site;
    *out = (struct kp_received){.site = NULL};
    a.page = (struct kp_page){.language = kp_receive_language(hub, head), .closes = closes};
    if (peer != KP_PEER_PERSON) {
        answer(&a, KP_PAGE_OTHER_USER);
        return;
    }
    if (!kp_guard_name(head, hub->face.port, name)) {
        answer(&a, KP_PAGE_ASTRAY);
        return;
    }
    if (strcmp(name, KP_SAVED_RESERVED) == 0) {
        receive_list(&a);
        return;
    }
    a.page.name = name;
    site = kp_hub_site(hub, name);
    if (site != NULL)
        receive_site(&a, site);
    else
        answer(&a, kp_hub_has_saved(name) ? KP_PAGE_NOT_IN : KP_PAGE_NOBODY);
}
