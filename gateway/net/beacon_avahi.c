/* Being seen, by Avahi: see nearby.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avahi.h"
#include "creds/text.h"
#include "nearby_text.h"

#define RENAMES_MAX 30
#define WHAT_LEN 320
#define ID_MAX 252 /* of a TXT item's 255 bytes, RFC 6763 6.1 */

enum published { NOT_YET, WAITS, IS_SEEN, IS_TAKEN, FAILED };

struct kp_beacon {
    struct kp_avahi avahi; /* first */
    void (*told)(void *owner, bool works, const char *what);
    void *owner;
    bool over; /* the loop's */

    /* The lock's. */
    char id[KP_DEVICE_ID_MAX + 1];
    char path[KP_NEARBY_PATH_LEN];
    struct kp_beacon_plan plan; /* its texts are the two above */
    bool fresh_plan;
    char what[WHAT_LEN];
    bool works;
    bool fresh_what;

    /* The thread's. */
    char names[KP_BEACON_PORTS][KP_NEARBY_NAME_LEN];
    AvahiEntryGroup *group;
    enum published published;
    unsigned renames;
    char said[WHAT_LEN]; /* last */
};

/* ---- Telling ----------------------------------------------------------------------------- */

static void say(struct kp_beacon *b, bool works, const char *what)
{
    if (strcmp(b->said, what) == 0)
        return;
    (void)snprintf(b->said, sizeof b->said, "%s", what);
    uv_mutex_lock(&b->avahi.lock);
    (void)snprintf(b->what, sizeof b->what, "%s", what);
    b->works = works;
    b->fresh_what = true;
    uv_mutex_unlock(&b->avahi.lock);
    kp_avahi_tell(&b->avahi);
}

static void say_seen(struct kp_beacon *b)
{
    char what[WHAT_LEN], name[KP_TEXT_ESCAPED_MAX(KP_NEARBY_NAME_LEN)];
    (void)snprintf(what, sizeof what, "everybody on the network can see it as \"%s\"",
                   kp_text_escape(name, b->names[0], strlen(b->names[0])));
    say(b, true, what);
}

static void say_failed(struct kp_beacon *b, const char *why)
{
    char what[WHAT_LEN];
    (void)snprintf(what, sizeof what, "nobody on the network can see it: %.200s", why);
    say(b, false, what);
}

/* ---- What is said of the device ---------------------------------------------------------- */

static void choose_names(struct kp_beacon *b, const struct kp_beacon_plan *plan)
{
    for (size_t i = 0; i < plan->port_count; i++) {
        char id[KP_DEVICE_ID_MAX + 32];
        /* One name for each: two services of one name are one. */
        if (i == 0)
            (void)snprintf(id, sizeof id, "%s", plan->id);
        else
            (void)snprintf(id, sizeof id, "port %u of %s", plan->ports[i].port, plan->id);
        kp_near_write_name(b->names[i], id);
    }
    b->renames = 0;
}

/* All of them: they stay alike, and so each its own. */
static bool rename_all(struct kp_beacon *b, size_t count)
{
    if (b->renames++ == RENAMES_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        char *name = b->avahi.call->alternative_service_name(b->names[i]);
        if (name == NULL)
            return false;
        (void)snprintf(b->names[i], sizeof b->names[i], "%s", name);
        b->avahi.call->free(name);
    }
    return true;
}

static AvahiStringList *make_txt(const struct kp_avahi_calls *call,
                                 const struct kp_beacon_plan *plan)
{
    AvahiStringList *txt = NULL;
    /* Backwards: the first one of such a list is the one that came last. */
    txt = call->string_list_add_pair(txt, "path", plan->path);
    txt = call->string_list_add_pair(txt, "versions", kp_near_versions_text(plan->versions));
    if (strlen(plan->id) <= ID_MAX)
        txt = call->string_list_add_pair(txt, "id", plan->id);
    return call->string_list_add_pair(txt, "v", "1");
}

/* An AVAHI_ERR_*, or AVAHI_OK. */
static int add(struct kp_beacon *b, const struct kp_beacon_plan *plan, size_t i,
               AvahiStringList *txt)
{
    const struct kp_beacon_port *port = &plan->ports[i];
    AvahiProtocol protocol = port->v4 && port->v6 ? AVAHI_PROTO_UNSPEC
                             : port->v6           ? AVAHI_PROTO_INET6
                                                  : AVAHI_PROTO_INET;
    return b->avahi.call->entry_group_add_service_strlst(b->group, AVAHI_IF_UNSPEC, protocol, 0,
                                                         b->names[i], KP_NEARBY_TYPE, NULL, NULL,
                                                         (uint16_t)port->port, txt);
}

static int add_all(struct kp_beacon *b, const struct kp_beacon_plan *plan)
{
    const struct kp_avahi_calls *call = b->avahi.call;
    AvahiStringList *txt = make_txt(call, plan);
    int error = AVAHI_OK;
    for (size_t i = 0; i < plan->port_count && error == AVAHI_OK; i++)
        error = add(b, plan, i, txt);
    call->string_list_free(txt);
    return error == AVAHI_OK ? call->entry_group_commit(b->group) : error;
}

/* ---- Publishing -------------------------------------------------------------------------- */

static void group_changed(AvahiEntryGroup *group, AvahiEntryGroupState state, void *arg)
{
    struct kp_beacon *b = arg;
    (void)group;
    if (state == AVAHI_ENTRY_GROUP_ESTABLISHED)
        b->published = IS_SEEN;
    else if (state == AVAHI_ENTRY_GROUP_COLLISION)
        b->published = IS_TAKEN;
    else if (state == AVAHI_ENTRY_GROUP_FAILURE)
        b->published = FAILED;
}

static int publish_once(struct kp_beacon *b, const struct kp_beacon_plan *plan)
{
    const struct kp_avahi_calls *call = b->avahi.call;
    int error;
    if (b->group == NULL)
        b->group = call->entry_group_new(b->avahi.client, group_changed, b);
    if (b->group == NULL)
        return call->client_errno(b->avahi.client);
    error = call->entry_group_reset(b->group);
    b->published = WAITS; /* from here on it is group_changed's */
    return error == AVAHI_OK ? add_all(b, plan) : error;
}

static void publish(struct kp_beacon *b, const struct kp_beacon_plan *plan)
{
    int error = publish_once(b, plan);
    while (error == AVAHI_ERR_COLLISION && rename_all(b, plan->port_count))
        error = publish_once(b, plan);
    if (error == AVAHI_OK)
        return;
    b->published = FAILED;
    say_failed(b, b->avahi.call->strerror(error));
    /* Too many services, or publishing isn't allowed: that may end, but not soon. */
    b->avahi.broken = error == AVAHI_ERR_DISCONNECTED || error == AVAHI_ERR_DBUS_ERROR;
}

static bool take_plan(struct kp_beacon *b, struct kp_beacon_plan *plan,
                      char id[KP_DEVICE_ID_MAX + 1], char path[KP_NEARBY_PATH_LEN])
{
    bool fresh;
    uv_mutex_lock(&b->avahi.lock);
    fresh = b->fresh_plan;
    b->fresh_plan = false;
    *plan = b->plan;
    memcpy(id, b->id, sizeof b->id);
    memcpy(path, b->path, sizeof b->path);
    uv_mutex_unlock(&b->avahi.lock);
    plan->id = id;
    plan->path = path;
    return fresh;
}

static void work(struct kp_avahi *a)
{
    struct kp_beacon *b = (struct kp_beacon *)a;
    char id[KP_DEVICE_ID_MAX + 1], path[KP_NEARBY_PATH_LEN];
    struct kp_beacon_plan plan;
    bool fresh = take_plan(b, &plan, id, path);
    if (fresh)
        choose_names(b, &plan);
    if (fresh || b->published == NOT_YET)
        publish(b, &plan);
    while (b->published == IS_TAKEN && rename_all(b, plan.port_count))
        publish(b, &plan);
    if (b->published == IS_SEEN)
        say_seen(b);
    else if (b->published == IS_TAKEN)
        say_failed(b, "others have taken all its names");
}

/* ---- The connection ---------------------------------------------------------------------- */

/* A name of the computer that was taken comes back as another one: all is said again. */
static void arrived(struct kp_avahi *a)
{
    ((struct kp_beacon *)a)->published = NOT_YET;
}

static void awaited(struct kp_avahi *a)
{
    say_failed((struct kp_beacon *)a,
               "Avahi (avahi-daemon) isn't running on this computer; it is waited for");
}

static void leave(struct kp_avahi *a)
{
    struct kp_beacon *b = (struct kp_beacon *)a;
    if (b->group != NULL)
        a->call->entry_group_free(b->group);
    b->group = NULL;
    b->published = NOT_YET;
}

static bool parted(struct kp_avahi *a, const char *why)
{
    char what[200];
    (void)snprintf(what, sizeof what, "%.150s; it is tried again", why);
    say_failed((struct kp_beacon *)a, a->call != NULL ? what : why);
    return true;
}

/* ---- The loop ---------------------------------------------------------------------------- */

static void hear(struct kp_avahi *a)
{
    struct kp_beacon *b = (struct kp_beacon *)a;
    char what[WHAT_LEN];
    bool works, fresh;
    uv_mutex_lock(&a->lock);
    fresh = b->fresh_what;
    b->fresh_what = false;
    works = b->works;
    memcpy(what, b->what, sizeof what);
    uv_mutex_unlock(&a->lock);
    if (fresh && !b->over && b->told != NULL)
        b->told(b->owner, works, what);
}

static void destroy(struct kp_avahi *a)
{
    free(a);
}

static bool is_same(const struct kp_beacon *b, const struct kp_beacon_plan *plan)
{
    if (strcmp(b->id, plan->id) != 0 || strcmp(b->path, plan->path) != 0 ||
        b->plan.versions != plan->versions || b->plan.port_count != plan->port_count)
        return false;
    for (size_t i = 0; i < plan->port_count; i++) {
        const struct kp_beacon_port *one = &b->plan.ports[i], *other = &plan->ports[i];
        if (one->port != other->port || one->v4 != other->v4 || one->v6 != other->v6)
            return false;
    }
    return true;
}

static void put_plan(struct kp_beacon *b, const struct kp_beacon_plan *plan)
{
    b->plan = *plan;
    (void)snprintf(b->id, sizeof b->id, "%s", plan->id);
    (void)snprintf(b->path, sizeof b->path, "%s", plan->path);
    b->fresh_plan = true;
}

int kp_beacon_start(struct kp_beacon **out, uv_loop_t *loop, const struct kp_beacon_plan *plan,
                    void (*told)(void *owner, bool works, const char *what), void *owner)
{
    static const struct kp_avahi_job job = {arrived, awaited, leave, parted, work, hear, destroy};
    struct kp_beacon *b = calloc(1, sizeof *b);
    int error;
    *out = NULL;
    if (b == NULL)
        return UV_ENOMEM;
    b->told = told;
    b->owner = owner;
    put_plan(b, plan);
    error = kp_avahi_start(&b->avahi, loop, &job);
    if (error == 0)
        *out = b;
    return error;
}

void kp_beacon_change(struct kp_beacon *b, const struct kp_beacon_plan *plan)
{
    bool changed;
    uv_mutex_lock(&b->avahi.lock);
    changed = !is_same(b, plan);
    if (changed)
        put_plan(b, plan);
    uv_mutex_unlock(&b->avahi.lock);
    if (changed)
        kp_avahi_wake(&b->avahi);
}

void kp_beacon_stop(struct kp_beacon *b)
{
    if (b == NULL)
        return;
    b->over = true;
    kp_avahi_stop(&b->avahi);
}
