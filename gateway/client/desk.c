/* One client of the hub and its messages: see desk.h. */
#include "desk_inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "../keyring.h"
#include "base/secret.h"

/* ---- Answers ----------------------------------------------------------------------------- */

static void send_out(struct kp_desk *desk, struct kp_json *json)
{
    if (!json->out.failed && !desk->broken)
        desk->hooks->send(desk->owner, json->out.at, json->out.len);
    kp_out_free(&json->out);
}

void kp_desk_begin(struct kp_json *json, int id)
{
    *json = (struct kp_json){.more = false};
    kp_json_begin(json, NULL, '{');
    kp_json_number(json, "id", (uint64_t)id);
    kp_json_bool(json, "ok", true);
}

void kp_desk_send(struct kp_desk *desk, struct kp_json *json, int id)
{
    char text[KP_WORD_LEN];
    enum kp_word word = json->out.failed ? KP_W_OUT_OF_MEMORY : KP_W_DESK_LONG;
    kp_json_end(json, '}');
    if (!json->out.failed && json->out.len <= KP_DESK_OUT_MAX) {
        send_out(desk, json);
        return;
    }
    kp_out_free(&json->out);
    kp_desk_refuse(desk, id, "failed", kp_word(text, sizeof text, desk->language, word, NULL), NULL,
                   KP_DESK_NO_STATUS);
}

void kp_desk_refuse(struct kp_desk *desk, int id, const char *error, const char *text,
                    const char *more, int status)
{
    struct kp_json json = {.more = false};
    kp_json_begin(&json, NULL, '{');
    kp_json_number(&json, "id", (uint64_t)id);
    kp_json_bool(&json, "ok", false);
    kp_json_text(&json, "error", error);
    kp_json_text(&json, "text", text);
    if (more != NULL && more[0] != '\0')
        kp_json_text(&json, "more", more);
    if (status != KP_DESK_NO_STATUS)
        kp_json_number(&json, "status", (uint64_t)status);
    kp_json_end(&json, '}');
    send_out(desk, &json);
}

static void misused(struct kp_desk *desk, int id, const char *text)
{
    kp_desk_refuse(desk, id, "misused", text, NULL, KP_DESK_NO_STATUS);
}

static void failed(struct kp_desk *desk, int id, const char *text)
{
    kp_desk_refuse(desk, id, "failed", text, NULL, KP_DESK_NO_STATUS);
}

static void failed_word(struct kp_desk *desk, int id, enum kp_word word)
{
    char text[KP_WORD_LEN];
    failed(desk, id, kp_word(text, sizeof text, desk->language, word, NULL));
}

static void done(struct kp_desk *desk, int id)
{
    struct kp_json json;
    kp_desk_begin(&json, id);
    kp_desk_send(desk, &json, id);
}

/* ---- Devices ----------------------------------------------------------------------------- */

void kp_desk_versions(struct kp_json *json, const char *key, unsigned versions)
{
    kp_json_begin(json, key, '[');
    if ((versions & KP_USE_TLS12) != 0)
        kp_json_text(json, NULL, "1.2");
    if ((versions & KP_USE_TLS13) != 0)
        kp_json_text(json, NULL, "1.3");
    kp_json_end(json, ']');
}

static const char *state_name(uint8_t state)
{
    static const char *const names[] = {
        [KP_SITE_OUT] = "out",         [KP_SITE_PROVING] = "proving",   [KP_SITE_IN] = "in",
        [KP_SITE_REFUSED] = "refused", [KP_SITE_STRANGER] = "stranger",
    };
    return state < sizeof names / sizeof names[0] ? names[state] : "out";
}

static void put_time(struct kp_json *json, const char *key, uint64_t seconds)
{
    if (seconds != 0)
        kp_json_number(json, key, seconds);
    else
        kp_json_null(json, key);
}

void kp_desk_facts(const struct kp_desk *desk, struct kp_json *json, const char *key,
                   const struct kp_site_facts *facts)
{
    char origin[KP_SAVED_NAME_LEN + 40];
    (void)snprintf(origin, sizeof origin, "http://%s.localhost:%u", facts->name, desk->port);
    kp_json_begin(json, key, '{');
    kp_json_text(json, "name", facts->name);
    kp_json_text(json, "where", facts->where);
    kp_json_text(json, "user", facts->user);
    kp_json_text(json, "device_id", facts->id);
    kp_json_text(json, "state", state_name(facts->state));
    if (facts->broke_off)
        kp_json_bool(json, "broke_off", true);
    kp_json_text(json, "protocol", facts->protocol);
    kp_json_text(json, "proof", facts->proof);
    kp_json_text(json, "suite", facts->suite);
    put_time(json, "since", facts->since);
    put_time(json, "seen", facts->seen);
    kp_desk_versions(json, "versions", facts->versions);
    kp_json_bool(json, "saved", facts->saved);
    if (desk->port != 0)
        kp_json_text(json, "origin", origin);
    kp_json_end(json, '}');
}

struct listing {
    const struct kp_desk *desk;
    struct kp_json json;
};

static void list_one(void *owner, const struct kp_site_facts *facts)
{
    struct listing *listing = owner;
    kp_desk_facts(listing->desk, &listing->json, NULL, facts);
}

static void list(struct kp_desk *desk, struct kp_message *m)
{
    char why[KP_WORD_LEN] = "";
    struct listing listing = {.desk = desk};
    int result;
    kp_desk_begin(&listing.json, m->id);
    kp_json_begin(&listing.json, "devices", '[');
    result = kp_hub_each(desk->hub, list_one, &listing, why);
    kp_json_end(&listing.json, ']');
    if (result != 0)
        kp_json_text(&listing.json, "text", why);
    kp_desk_send(desk, &listing.json, m->id);
}

static void state(struct kp_desk *desk, struct kp_message *m)
{
    const char *name = kp_message_text(m, "name");
    struct kp_site_facts facts;
    struct kp_json json;
    if (!kp_hub_facts(desk->hub, name, &facts)) {
        failed_word(desk, m->id, KP_W_DESK_NO_SUCH);
        return;
    }
    kp_desk_begin(&json, m->id);
    kp_desk_facts(desk, &json, "device", &facts);
    kp_desk_send(desk, &json, m->id);
}

/* ---- Links, and out ---------------------------------------------------------------------- */

/* A path of the device's site: what goes into a link, and into a redirect. */
static bool is_path(const char *path)
{
    if (path[0] != '/' || path[1] == '/' || path[1] == '\\' || strlen(path) >= KP_LINK_PATH_LEN)
        return false;
    for (const char *c = path; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
            return false;
    return true;
}

static void link_to(struct kp_desk *desk, struct kp_message *m)
{
    const char *name = kp_message_text(m, "name");
    const char *path = kp_message_text(m, "path");
    char link[KP_HUB_LINK_LEN];
    char secret[65];
    struct kp_json json;
    if (path != NULL && !is_path(path)) {
        misused(desk, m->id, "path has to begin with one slash, and to be written as in a URL");
        return;
    }
    if (!kp_hub_link(desk->hub, name, path != NULL ? path : "/", link) ||
        !kp_hub_secret(desk->hub, name, secret)) {
        failed_word(desk, m->id, KP_W_DESK_NOT_IN);
        return;
    }
    kp_desk_begin(&json, m->id);
    kp_json_text(&json, "link", link);
    kp_json_text(&json, "secret", secret);
    kp_desk_send(desk, &json, m->id);
    kp_wipe(link, sizeof link);
    kp_wipe(secret, sizeof secret);
}

static void list_link(struct kp_desk *desk, struct kp_message *m)
{
    char link[KP_HUB_LINK_LEN];
    struct kp_json json;
    kp_hub_list_link(desk->hub, link);
    kp_desk_begin(&json, m->id);
    kp_json_text(&json, "link", link);
    kp_desk_send(desk, &json, m->id);
    kp_wipe(link, sizeof link);
}

static void logout(struct kp_desk *desk, struct kp_message *m)
{
    const char *name = kp_message_text(m, "name");
    bool all = kp_message_bool(m, "all", false);
    if (all == (name != NULL)) {
        misused(desk, m->id, m->fault[0] != '\0' ? m->fault : "it needs either name or all");
        return;
    }
    if (all)
        kp_hub_logout_all(desk->hub);
    else if (!kp_hub_logout(desk->hub, name)) {
        failed_word(desk, m->id, KP_W_DESK_NO_SUCH);
        return;
    }
    kp_desk_hold_sweep(desk->hub);
    done(desk, m->id);
}

static void forget(struct kp_desk *desk, struct kp_message *m)
{
    char why[KP_WORD_LEN] = "";
    int result = kp_hub_forget(desk->hub, kp_message_text(m, "name"), why);
    if (result > 0) {
        failed_word(desk, m->id, KP_W_DESK_NO_SUCH);
        return;
    }
    kp_desk_hold_sweep(desk->hub);
    if (result == 0)
        done(desk, m->id);
    else
        failed(desk, m->id, why);
}

/* ---- The first request ------------------------------------------------------------------- */

static void welcome(struct kp_desk *desk, int id)
{
    struct kp_json json;
    kp_desk_begin(&json, id);
    kp_json_number(&json, "protocol", KP_DESK_PROTOCOL);
    kp_json_text(&json, "version", KP_VERSION);
    kp_json_number(&json, "port", desk->port);
    kp_json_bool(&json, "own_port", kp_hub_port(desk->hub) == KP_HUB_PORT_OWN);
    kp_json_bool(&json, "keyring", kp_keyring_is_built());
    kp_json_bool(&json, "nearby", kp_nearby_is_built());
    kp_desk_send(desk, &json, id);
}

static void hello(struct kp_desk *desk, struct kp_message *m)
{
    static const char *const clients[] = {"browser", "app", "open", NULL};
    static const char *const languages[] = {"en", "de", NULL};
    int protocol = kp_message_number(m, "protocol", 0, 1000000, -1);
    int language = kp_message_word(m, "language", languages);
    bool lasting = kp_message_bool(m, "lasting", false);
    if (protocol >= 0 && protocol != KP_DESK_PROTOCOL) {
        kp_desk_refuse(desk, m->id, "protocol", "this version speaks protocol 1", NULL,
                       KP_DESK_NO_STATUS);
        return;
    }
    (void)kp_message_word(m, "client", clients);
    if (m->fault[0] != '\0' || desk->greeted) {
        misused(desk, m->id, m->fault[0] != '\0' ? m->fault : "hello comes once");
        return;
    }
    desk->greeted = true;
    desk->lasting = lasting;
    if (language >= 0)
        desk->language = language == 1 ? KP_GERMAN : KP_ENGLISH;
    welcome(desk, m->id);
}

/* ---- All requests ------------------------------------------------------------------------ */

static const struct row {
    const char *type;
    void (*take)(struct kp_desk *desk, struct kp_message *message);
    const char *needs[3]; /* members that have to be there */
} rows[] = {
    {"hello", hello, {"protocol", "client", "lasting"}},
    {"list", list, {NULL}},
    {"state", state, {"name"}},
    {"find", kp_desk_find, {"device"}},
    {"add", kp_desk_find, {"device"}},
    {"probe", kp_desk_probe, {"device"}},
    {"login", kp_desk_login, {"device"}},
    {"link", link_to, {"name"}},
    {"list-link", list_link, {NULL}},
    {"logout", logout, {NULL}},
    {"forget", forget, {"name"}},
    {"discover", kp_desk_discover, {NULL}},
    {"watch", kp_desk_watch, {"nearby"}},
};

static const struct row *row_of(struct kp_message *m)
{
    const char *type = kp_message_text(m, "type");
    for (size_t i = 0; type != NULL && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].type, type) == 0)
            return &rows[i];
    return NULL;
}

/* Every member that any request can have, so that a wrong kind is told before anything is done. */
static void check_kinds(struct kp_message *m)
{
    static const char *const texts[] = {"name", "device", "device_id", "user", "tls",
                                        "pake", "path",   "password",  NULL};
    static const char *const bools[] = {"all",     "nearby", "no_save", "remember",
                                        "lasting", "check",  NULL};
    for (size_t i = 0; texts[i] != NULL; i++)
        (void)kp_message_text(m, texts[i]);
    for (size_t i = 0; bools[i] != NULL; i++)
        (void)kp_message_bool(m, bools[i], false);
}

static bool is_waiting(const struct kp_desk *desk, int id)
{
    for (const struct kp_desk_request *r = desk->requests; r != NULL; r = r->next)
        if (r->id == id)
            return true;
    return false;
}

/* What is wrong with it, or NULL. */
static const char *judge(const struct kp_desk *desk, struct kp_message *m, const struct row *row)
{
    if (m->fault[0] != '\0')
        return m->fault;
    if (row == NULL)
        return "there is no such type of request";
    for (size_t i = 0; i < 3 && row->needs[i] != NULL; i++)
        kp_message_needs(m, row->needs[i]);
    check_kinds(m);
    if (m->fault[0] != '\0')
        return m->fault;
    if (!desk->greeted && row->take != hello)
        return "hello comes first";
    return is_waiting(desk, m->id) ? "a request of that id waits for its answer" : NULL;
}

void kp_desk_take(struct kp_desk *desk, const char *text, size_t len)
{
    struct kp_message message;
    const struct row *row;
    const char *fault;
    if (desk->broken)
        return;
    if (len > KP_DESK_IN_MAX || !kp_message_read(&message, text, len)) {
        desk->broken = true;
        desk->hooks->broken(desk->owner, "a message isn't JSON with an id");
        return;
    }
    row = row_of(&message);
    fault = judge(desk, &message, row);
    if (fault != NULL)
        misused(desk, message.id, fault);
    else
        row->take(desk, &message);
    kp_message_clear(&message);
}

/* ---- Requests that take time ------------------------------------------------------------- */

struct kp_desk_request *kp_desk_request_new(struct kp_desk *desk, int id)
{
    char text[KP_WORD_LEN];
    struct kp_desk_request *r;
    if (desk->request_count == KP_DESK_REQUESTS) {
        kp_word(text, sizeof text, desk->language, KP_W_DESK_MANY, NULL);
        kp_desk_refuse(desk, id, "busy", text, NULL, KP_DESK_NO_STATUS);
        return NULL;
    }
    r = calloc(1, sizeof *r);
    if (r == NULL || uv_timer_init(&desk->loop->uv, &r->timer) != 0) {
        free(r);
        failed_word(desk, id, KP_W_OUT_OF_MEMORY);
        return NULL;
    }
    r->desk = desk;
    r->id = id;
    r->login.owner = r;
    r->next = desk->requests;
    desk->requests = r;
    desk->request_count++;
    return r;
}

static void unlink_request(struct kp_desk_request *r)
{
    struct kp_desk_request **at = &r->desk->requests;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    r->desk->request_count--;
}

void kp_desk_request_end(struct kp_desk_request *r)
{
    unlink_request(r);
    kp_nearby_stop(r->nearby);
    kp_probe_stop(r->probe);
    if (r->logging_in)
        kp_hub_login_drop(r->desk->hub, &r->login);
    kp_text_clear(&r->login.user);
    kp_text_clear(&r->login.password);
    kp_text_clear(&r->password);
    free(r->seen);
    uv_close((uv_handle_t *)&r->timer, (uv_close_cb)free);
}

/* ---- Events ------------------------------------------------------------------------------ */

static void changed(struct kp_hub_watch *watch, const struct kp_site_facts *facts)
{
    struct kp_desk *desk = (struct kp_desk *)(void *)watch;
    struct kp_json json = {.more = false};
    if (!desk->greeted)
        return;
    kp_json_begin(&json, NULL, '{');
    kp_json_text(&json, "event", "state");
    kp_desk_facts(desk, &json, "device", facts);
    kp_json_end(&json, '}');
    send_out(desk, &json);
}

static void said(struct kp_hub_watch *watch, const char *name, enum kp_tell_level level,
                 const char *sentence)
{
    static const char *const levels[] = {
        [KP_TELL_NOTE] = "note", [KP_TELL_WARNING] = "warning", [KP_TELL_FAILURE] = "failure"};
    struct kp_desk *desk = (struct kp_desk *)(void *)watch;
    struct kp_json json = {.more = false};
    if (!desk->greeted)
        return;
    kp_json_begin(&json, NULL, '{');
    kp_json_text(&json, "event", "said");
    kp_json_text(&json, "name", name);
    kp_json_text(&json, "level", levels[level]);
    kp_json_text(&json, "text", sentence);
    kp_json_end(&json, '}');
    send_out(desk, &json);
}

/* ---- Life -------------------------------------------------------------------------------- */

struct kp_desk *kp_desk_new(struct kp_loop *loop, struct kp_hub *hub,
                            const struct kp_desk_hooks *hooks, void *owner)
{
    struct kp_desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        return NULL;
    kp_message_wipe_all();
    desk->watch.changed = changed;
    desk->watch.said = said;
    desk->loop = loop;
    desk->hub = hub;
    desk->hooks = hooks;
    desk->owner = owner;
    desk->port = kp_hub_port_number(hub);
    desk->language = kp_language_of_person();
    kp_hub_watch(hub, &desk->watch);
    return desk;
}

void kp_desk_free(struct kp_desk *desk)
{
    if (desk == NULL)
        return;
    desk->broken = true; /* nothing more is sent */
    kp_hub_unwatch(desk->hub, &desk->watch);
    while (desk->requests != NULL)
        kp_desk_request_end(desk->requests);
    kp_nearby_stop(desk->near);
    kp_desk_hold_end(desk);
    free(desk);
}
