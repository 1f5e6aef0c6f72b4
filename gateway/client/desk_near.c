/*
 * What is near, for the desk's clients: looking around for a while, and being told of what comes
 * and goes.  All of it is a hint of strangers.
 */
#include "desk_inside.h"

#include <stdio.h>
#include <stdlib.h>

#define SECONDS_USUAL 5
#define SECONDS_MOST 30

/* ---- Saved names ------------------------------------------------------------------------- */

struct naming {
    struct kp_desk_seen *seen;
    size_t count;
};

static void name_one(void *owner, const struct kp_site_facts *facts)
{
    const struct naming *naming = owner;
    for (size_t i = 0; i < naming->count; i++) {
        struct kp_desk_seen *seen = &naming->seen[i];
        if (seen->near.id[0] != '\0' && strcmp(seen->near.id, facts->id) == 0)
            (void)snprintf(seen->saved_name, sizeof seen->saved_name, "%s", facts->name);
    }
}

/* By their ids, which anybody may claim. */
static void name_all(struct kp_hub *hub, struct kp_desk_seen *seen, size_t count)
{
    struct naming naming = {seen, count};
    char why[KP_WORD_LEN];
    for (size_t i = 0; i < count; i++)
        seen[i].saved_name[0] = '\0';
    (void)kp_hub_each(hub, name_one, &naming, why);
}

static void put_seen(struct kp_json *json, const char *key, const struct kp_desk_seen *seen)
{
    const struct kp_near *near = &seen->near;
    kp_json_begin(json, key, '{');
    kp_json_text(json, "name", near->name);
    kp_json_text(json, "host", near->host.name);
    kp_json_text(json, "host_name", near->host_name);
    kp_json_number(json, "port", (uint64_t)strtoul(near->host.port, NULL, 10));
    kp_json_text(json, "id", near->id);
    kp_desk_versions(json, "versions", near->versions);
    kp_json_text(json, "path", near->path);
    kp_json_text(json, "saved_name", seen->saved_name);
    kp_json_end(json, '}');
}

/* ---- Looking around for a while ---------------------------------------------------------- */

static void over(uv_timer_t *timer)
{
    struct kp_desk_request *r = (struct kp_desk_request *)(void *)timer;
    kp_nearby_stop(r->nearby);
    r->nearby = NULL;
    r->looked(r);
}

/* Not at once: what looks around is stopped when it doesn't call us any more. */
static void end_soon(struct kp_desk_request *r)
{
    (void)uv_timer_start(&r->timer, over, 0, 0);
}

static struct kp_desk_seen *place_of(struct kp_desk_request *r, const char *name)
{
    for (size_t i = 0; i < r->seen_count; i++)
        if (strcmp(r->seen[i].near.name, name) == 0)
            return &r->seen[i];
    return NULL;
}

static struct kp_desk_seen *new_place(struct kp_desk_request *r)
{
    struct kp_desk_seen *grown;
    if (r->seen_count == KP_NEARBY_MAX)
        return NULL;
    grown = realloc(r->seen, (r->seen_count + 1) * sizeof *grown);
    if (grown == NULL)
        return NULL;
    r->seen = grown;
    return &r->seen[r->seen_count++];
}

static void found(void *owner, const struct kp_near *near)
{
    struct kp_desk_request *r = owner;
    struct kp_desk_seen *place = place_of(r, near->name);
    if (r->wanted != NULL && (strcmp(near->id, r->wanted) != 0 || r->seen_count > 0))
        return;
    if (place == NULL)
        place = new_place(r);
    if (place == NULL)
        return;
    *place = (struct kp_desk_seen){.near = *near};
    if (r->wanted != NULL)
        end_soon(r);
}

static void lost(void *owner, const char *name)
{
    struct kp_desk_request *r = owner;
    struct kp_desk_seen *place = place_of(r, name);
    if (place == NULL || r->wanted != NULL)
        return;
    r->seen_count--;
    *place = r->seen[r->seen_count];
}

static void settled(void *owner)
{
    (void)owner; /* some answer late */
}

static void cant(struct kp_desk_request *r, const char *why)
{
    r->cant_look = true;
    (void)snprintf(r->cant_why, sizeof r->cant_why, "%s", why);
    end_soon(r);
}

static void broke(void *owner, const char *why)
{
    cant(owner, why);
}

void kp_desk_look(struct kp_desk_request *r, const char *wanted, unsigned ms,
                  void (*looked)(struct kp_desk_request *request))
{
    static const struct kp_nearby_hooks hooks = {found, lost, settled, broke};
    int error;
    r->wanted = wanted;
    r->looked = looked;
    r->seen_count = 0;
    (void)uv_timer_start(&r->timer, over, ms, 0);
    error = kp_nearby_start(&r->nearby, r->desk->loop, &hooks, r);
    if (error == 0)
        return;
    r->nearby = NULL;
    cant(r, uv_strerror(error));
}

const char *kp_desk_not_near(const struct kp_desk_request *r, char text[KP_WORD_LEN])
{
    char id[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)];
    const char *wanted = r->wanted != NULL ? r->wanted : "";
    if (r->cant_look)
        return kp_word(text, KP_WORD_LEN, r->desk->language, KP_W_DESK_CANT_LOOK, "why",
                       r->cant_why, NULL);
    return kp_word(text, KP_WORD_LEN, r->desk->language, KP_W_DESK_NOT_NEAR, "id",
                   kp_text_escape(id, wanted, strlen(wanted)), NULL);
}

static void tell_seen(struct kp_desk_request *r)
{
    struct kp_desk *desk = r->desk;
    struct kp_json json;
    name_all(desk->hub, r->seen, r->seen_count);
    kp_desk_begin(&json, r->id);
    kp_json_begin(&json, "devices", '[');
    for (size_t i = 0; i < r->seen_count; i++)
        put_seen(&json, NULL, &r->seen[i]);
    kp_json_end(&json, ']');
    kp_desk_send(desk, &json, r->id);
}

static void discovered(struct kp_desk_request *r)
{
    char text[KP_WORD_LEN];
    if (r->cant_look && r->seen_count == 0)
        kp_desk_refuse(r->desk, r->id, "failed", kp_desk_not_near(r, text), NULL,
                       KP_DESK_NO_STATUS);
    else
        tell_seen(r);
    kp_desk_request_end(r);
}

void kp_desk_discover(struct kp_desk *desk, struct kp_message *m)
{
    int seconds = kp_message_number(m, "seconds", 1, SECONDS_MOST, SECONDS_USUAL);
    struct kp_desk_request *r;
    if (m->fault[0] != '\0') {
        kp_desk_refuse(desk, m->id, "misused", m->fault, NULL, KP_DESK_NO_STATUS);
        return;
    }
    r = kp_desk_request_new(desk, m->id);
    if (r != NULL)
        kp_desk_look(r, NULL, (unsigned)seconds * 1000, discovered);
}

/* ---- Events ------------------------------------------------------------------------------ */

static void send_event(struct kp_desk *desk, struct kp_json *json)
{
    kp_json_end(json, '}');
    if (!json->out.failed && !desk->broken)
        desk->hooks->send(desk->owner, json->out.at, json->out.len);
    kp_out_free(&json->out);
}

static void came(void *owner, const struct kp_near *near)
{
    struct kp_desk *desk = owner;
    struct kp_desk_seen seen = {.near = *near};
    struct kp_json json = {.more = false};
    name_all(desk->hub, &seen, 1);
    kp_json_begin(&json, NULL, '{');
    kp_json_text(&json, "event", "near");
    put_seen(&json, "device", &seen);
    send_event(desk, &json);
}

static void went(void *owner, const char *name)
{
    struct kp_json json = {.more = false};
    kp_json_begin(&json, NULL, '{');
    kp_json_text(&json, "event", "gone");
    kp_json_text(&json, "name", name);
    send_event(owner, &json);
}

static void stopped(void *owner, const char *why)
{
    struct kp_desk *desk = owner;
    char text[KP_WORD_LEN];
    kp_word(text, sizeof text, desk->language, KP_W_DESK_CANT_LOOK, "why", why, NULL);
    desk->watch.said(&desk->watch, NULL, KP_TELL_WARNING, text);
}

void kp_desk_watch(struct kp_desk *desk, struct kp_message *m)
{
    static const struct kp_nearby_hooks hooks = {came, went, settled, stopped};
    struct kp_json json;
    int error = 0;
    bool on = kp_message_bool(m, "nearby", false);
    kp_nearby_stop(desk->near);
    desk->near = NULL;
    if (on)
        error = kp_nearby_start(&desk->near, desk->loop, &hooks, desk);
    if (error != 0) {
        char text[KP_WORD_LEN];
        desk->near = NULL;
        kp_word(text, sizeof text, desk->language, KP_W_DESK_CANT_LOOK, "why", uv_strerror(error),
                NULL);
        kp_desk_refuse(desk, m->id, "failed", text, NULL, KP_DESK_NO_STATUS);
        return;
    }
    kp_desk_begin(&json, m->id);
    kp_desk_send(desk, &json, m->id);
}
