/* The client gateway of one person: see hub.h. */
#include "hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../keyring.h"
#include "hub_inside.h"
#include "own_port.h"
#include "saved_file.h"
#include "visitor.h"

/* ---- What happens ------------------------------------------------------------------------ */

void kp_hub_watch(struct kp_hub *hub, struct kp_hub_watch *watch)
{
    watch->next = hub->watches;
    hub->watches = watch;
}

void kp_hub_unwatch(struct kp_hub *hub, struct kp_hub_watch *watch)
{
    for (struct kp_hub_watch **at = &hub->watches; *at != NULL; at = &(*at)->next) {
        if (*at == watch) {
            *at = watch->next;
            return;
        }
    }
}

static void changed(struct kp_site *site)
{
    struct kp_hub *hub = site->owner;
    struct kp_site_facts facts;
    struct kp_hub_watch *next;
    if (hub->closing)
        return;
    kp_site_facts(site, &facts);
    for (struct kp_hub_watch *watch = hub->watches; watch != NULL; watch = next) {
        next = watch->next;
        watch->changed(watch, &facts);
    }
}

static void said(struct kp_site *site, enum kp_tell_level level, const char *sentence)
{
    struct kp_hub *hub = site->owner;
    struct kp_hub_watch *next;
    if (hub->closing)
        return;
    for (struct kp_hub_watch *watch = hub->watches; watch != NULL; watch = next) {
        next = watch->next;
        watch->said(watch, site->name, level, sentence);
    }
}

/* ---- Life -------------------------------------------------------------------------------- */

static int bind_own(struct kp_hub *hub)
{
    unsigned own = kp_own_port_read();
    int error = own != 0 ? kp_face_bind(&hub->face, own) : 0;
    if (own != 0 && error == 0)
        return 0;
    hub->other_port = own != 0;
    error = kp_face_bind(&hub->face, 0);
    if (error == 0 && own == 0)
        kp_own_port_write(hub->face.port);
    return error;
}

static int bind_face(struct kp_hub *hub, const struct kp_address *listen, char why[KP_WORD_LEN])
{
    char at[KP_ADDRESS_TEXT_LEN] = "127.0.0.1";
    int error = listen == NULL ? bind_own(hub) : kp_face_bind(&hub->face, kp_address_port(listen));
    if (error == 0)
        return 0;
    if (listen != NULL)
        kp_address_text(listen, at);
    if (error == UV_EADDRINUSE)
        kp_word(why, KP_WORD_LEN, hub->language, KP_W_PORT_TAKEN, "at", at, NULL);
    else
        kp_word(why, KP_WORD_LEN, hub->language, KP_W_CANT_LISTEN, "at", at, "why",
                uv_strerror(error), NULL);
    return -1;
}

static int prepare(struct kp_hub *hub, const struct kp_hub_plan *plan, char why[KP_WORD_LEN])
{
    kp_word(why, KP_WORD_LEN, hub->language, KP_W_OUT_OF_MEMORY, NULL);
    if (kp_crypto_new(&hub->crypto, NULL, NULL) != 0 ||
        kp_pass_renew(&hub->pass, hub->crypto) != 0)
        return -1;
    if (plan->faceless)
        return 0;
    if (bind_face(hub, plan->listen, why) != 0)
        return -1;
    (void)snprintf(hub->own, sizeof hub->own, "%s.localhost:%u", KP_SAVED_RESERVED, hub->face.port);
    return kp_face_start(&hub->face) == 0 ? 0 : -1;
}

/* For want of descriptors: a browser opens another connection when it needs one. */
static bool starved(struct kp_loop *loop)
{
    struct kp_hub *hub = loop->owner;
    return kp_visitor_give_way(&hub->face);
}

int kp_hub_new(struct kp_hub **out, const struct kp_hub_plan *plan, char why[KP_WORD_LEN])
{
    struct kp_hub *hub = calloc(1, sizeof *hub);
    *out = hub;
    if (hub == NULL) {
        kp_word(why, KP_WORD_LEN, plan->language, KP_W_OUT_OF_MEMORY, NULL);
        return -1;
    }
    hub->loop = plan->loop;
    hub->language = plan->language;
    hub->site_hooks =
        (struct kp_site_hooks){.changed = changed, .said = said, .verbose = plan->verbose};
    hub->loop->owner = hub;
    hub->loop->starved = starved;
    hub->face.loop = plan->loop;
    hub->face.hub = hub;
    hub->face.fds[0] = hub->face.fds[1] = -1;
    if (prepare(hub, plan, why) == 0)
        return 0;
    kp_hub_close(hub);
    return -1;
}

unsigned kp_hub_port_number(const struct kp_hub *hub)
{
    return hub->face.port;
}

enum kp_hub_port kp_hub_port(const struct kp_hub *hub)
{
    return hub->other_port ? KP_HUB_PORT_OTHER : KP_HUB_PORT_OWN;
}

void kp_hub_close(struct kp_hub *hub)
{
    hub->closing = true;
    kp_face_stop(&hub->face);
    while (hub->sites != NULL) {
        struct kp_site *site = hub->sites;
        hub->sites = site->next;
        kp_site_free(site);
    }
    kp_pass_clear(&hub->pass);
    hub->loop->starved = NULL;
}

void kp_hub_free(struct kp_hub *hub)
{
    if (hub == NULL)
        return;
    kp_crypto_free(hub->crypto);
    free(hub);
}

/* ---- Which device ------------------------------------------------------------------------ */

struct kp_site *kp_hub_site(const struct kp_hub *hub, const char *name)
{
    struct kp_site *site = hub->sites;
    while (site != NULL && strcmp(site->name, name) != 0)
        site = site->next;
    return site;
}

bool kp_hub_has_saved(const char *name)
{
    struct kp_saved saved;
    struct kp_file_error error;
    bool there = kp_saved_load(&saved, &error) == 0 && kp_saved_by_name(&saved, name) != NULL;
    kp_saved_clear(&saved);
    return there;
}

/* Whether they are one device, as far as is known. */
static bool is_of(const struct kp_site *site, const struct kp_target *target)
{
    if (target->id[0] != '\0' && site->id[0] != '\0')
        return strcmp(target->id, site->id) == 0;
    return kp_host_is_same(&site->host, &target->link.host);
}

static struct kp_site *find(const struct kp_hub *hub, const struct kp_target *target)
{
    struct kp_site *named =
        target->saved.name[0] != '\0' ? kp_hub_site(hub, target->saved.name) : NULL;
    if (named != NULL)
        return named;
    for (struct kp_site *site = hub->sites; site != NULL; site = site->next)
        if (is_of(site, target))
            return site;
    return NULL;
}

/* A name that neither a saved device nor one that is used has. */
static int choose_name(const struct kp_hub *hub, const struct kp_target *target,
                       char name[KP_SAVED_NAME_LEN])
{
    struct kp_saved saved = {NULL, 0};
    struct kp_file_error error;
    struct kp_saved_device *more;
    (void)!kp_saved_load(&saved, &error); /* that it can't be read was said, if it matters */
    more = realloc(saved.devices, (saved.count + KP_HUB_SITES) * sizeof *more);
    if (more == NULL) {
        kp_saved_clear(&saved);
        return -1;
    }
    saved.devices = more;
    for (const struct kp_site *site = hub->sites; site != NULL; site = site->next) {
        memset(&more[saved.count], 0, sizeof *more);
        memcpy(more[saved.count++].name, site->name, sizeof site->name);
    }
    kp_saved_choose_name(&saved, &target->link.host, name);
    kp_saved_clear(&saved);
    return 0;
}

/* Whether there is room for one more: if need be, the oldest that nobody is logged in to says so no
 * longer. */
static bool make_room(struct kp_hub *hub)
{
    struct kp_site **out = NULL, *gone;
    unsigned number = 0;
    for (struct kp_site **at = &hub->sites; *at != NULL; at = &(*at)->next) {
        number++;
        if ((*at)->stay == NULL && (*at)->trying == NULL && (*at)->login == NULL)
            out = at;
    }
    if (number < KP_HUB_SITES || out == NULL)
        return number < KP_HUB_SITES;
    gone = *out;
    *out = gone->next;
    kp_site_free(gone);
    return true;
}

static struct kp_site *site_for(struct kp_hub *hub, const struct kp_target *target)
{
    char name[KP_SAVED_NAME_LEN];
    struct kp_site *site = find(hub, target);
    if (site != NULL || !make_room(hub))
        return site;
    memcpy(name, target->saved.name, sizeof name);
    if (name[0] == '\0' && choose_name(hub, target, name) != 0)
        return NULL;
    site = kp_site_new(hub->loop, hub->crypto, name, hub->face.port, hub->language,
                       &hub->site_hooks, hub);
    if (site == NULL)
        return NULL;
    site->next = hub->sites;
    hub->sites = site;
    return site;
}

/* ---- Logging in and out ------------------------------------------------------------------ */

static void say_busy(struct kp_task *task)
{
    struct kp_hub_login *login =
        (struct kp_hub_login *)(void *)((char *)task - offsetof(struct kp_hub_login, task));
    char why[KP_WORD_LEN];
    const struct kp_hub_login_done what = {
        .result = KP_LOGIN_BUSY,
        .why = kp_word(why, sizeof why, kp_language_of_person(), KP_W_LOGIN_BUSY, "where",
                       login->target.where, NULL),
    };
    login->done(login, &what);
}

void kp_hub_login(struct kp_hub *hub, struct kp_hub_login *login)
{
    struct kp_site *site = site_for(hub, &login->target);
    login->site = NULL;
    memset(&login->task, 0, sizeof login->task);
    if (site != NULL && site->login == NULL && site->trying == NULL) {
        kp_site_login(site, login);
        return;
    }
    kp_text_clear(&login->password);
    login->task.run = say_busy;
    kp_loop_later(hub->loop, &login->task);
}

void kp_hub_login_drop(struct kp_hub *hub, struct kp_hub_login *login)
{
    if (login->site != NULL)
        kp_site_login_drop(login->site);
    else
        kp_loop_forget(hub->loop, &login->task);
    login->site = NULL;
}

bool kp_hub_logout(struct kp_hub *hub, const char *name)
{
    struct kp_site *site = kp_hub_site(hub, name);
    if (site == NULL || (site->stay == NULL && site->trying == NULL))
        return false;
    kp_site_logout(site);
    return true;
}

void kp_hub_logout_all(struct kp_hub *hub)
{
    for (struct kp_site *site = hub->sites; site != NULL; site = site->next)
        kp_site_logout(site);
}

/* ---- Forgetting -------------------------------------------------------------------------- */

struct forgetting {
    uv_work_t work; /* first */
    char id[KP_DEVICE_ID_MAX + 1];
};

/* The keyring may ask the person first, for minutes. */
static void forget_password(uv_work_t *work)
{
    struct forgetting *f = (struct forgetting *)(void *)work;
    char why[KP_KEYRING_WHY_LEN];
    (void)kp_keyring_forget(f->id, NULL, why);
}

static void forgotten(uv_work_t *work, int error)
{
    (void)error;
    free(work);
}

static void forget_in_keyring(struct kp_hub *hub, const char *id)
{
    struct forgetting *f = id[0] != '\0' && kp_keyring_is_built() ? calloc(1, sizeof *f) : NULL;
    if (f == NULL)
        return;
    (void)snprintf(f->id, sizeof f->id, "%s", id);
    if (uv_queue_work(&hub->loop->uv, &f->work, forget_password, forgotten) != 0)
        free(f);
}

struct removal {
    const char *name;
    char id[KP_DEVICE_ID_MAX + 1];
    bool there;
};

static int remove_saved(struct kp_saved *saved, void *arg, struct kp_file_error *error)
{
    struct removal *removal = arg;
    struct kp_saved_device *device = kp_saved_by_name(saved, removal->name);
    (void)error;
    if (device == NULL)
        return 0;
    removal->there = true;
    memcpy(removal->id, device->id, sizeof removal->id);
    kp_saved_remove(saved, device);
    return 1;
}

/* id: of the device, if it isn't known yet. */
static bool forget_site(struct kp_hub *hub, const char *name, char id[KP_DEVICE_ID_MAX + 1])
{
    for (struct kp_site **at = &hub->sites; *at != NULL; at = &(*at)->next) {
        struct kp_site *site = *at;
        if (strcmp(site->name, name) != 0)
            continue;
        if (id[0] == '\0' && site->was_in) /* else it is what somebody said of it */
            memcpy(id, site->id, sizeof site->id);
        kp_stay_forget(site->stay);
        kp_site_logout(site);
        *at = site->next;
        kp_site_free(site);
        return true;
    }
    return false;
}

/* It may be in by another name: one that it had before. */
static void log_out_of(struct kp_hub *hub, const char *id)
{
    for (struct kp_site *site = hub->sites; site != NULL; site = site->next)
        if (id[0] != '\0' && strcmp(site->id, id) == 0)
            kp_site_logout(site);
}

int kp_hub_forget(struct kp_hub *hub, const char *name, char why[KP_WORD_LEN])
{
    struct removal removal = {.name = name};
    struct kp_file_error error = {""};
    bool used;
    if (kp_saved_change(remove_saved, &removal, &error) < 0) {
        (void)snprintf(why, KP_WORD_LEN, "%s", error.why);
        return -1;
    }
    used = forget_site(hub, name, removal.id);
    log_out_of(hub, removal.id);
    forget_in_keyring(hub, removal.id);
    return used || removal.there ? 0 : 1;
}

/* ---- Links ------------------------------------------------------------------------------- */

bool kp_hub_link(struct kp_hub *hub, const char *name, const char *path, char out[KP_HUB_LINK_LEN])
{
    struct kp_site *site = kp_hub_site(hub, name);
    return site != NULL && site->stay != NULL && hub->face.port != 0 &&
           kp_site_link(site, path, out) == 0;
}

void kp_hub_list_link(struct kp_hub *hub, char out[KP_HUB_LINK_LEN])
{
    if (kp_site_write_link(&hub->pass, hub->crypto, hub->own, "/", out) != 0)
        (void)snprintf(out, KP_HUB_LINK_LEN, "http://%s/", hub->own);
}

bool kp_hub_secret(struct kp_hub *hub, const char *name, char out[65])
{
    struct kp_site *site = kp_hub_site(hub, name);
    if (site == NULL || site->stay == NULL || hub->face.port == 0)
        return false;
    kp_guard_hex(out, site->pass.secret);
    return true;
}

/* ---- What is known ----------------------------------------------------------------------- */

static void facts_of_entry(const struct kp_saved_device *entry, char where[KP_HOST_TEXT_LEN],
                           struct kp_site_facts *facts)
{
    *facts = (struct kp_site_facts){
        .name = entry->name,
        .where = kp_host_text(&entry->host, "443", where),
        .user = entry->user,
        .id = entry->id,
        .seen = entry->seen,
        .versions = entry->versions,
        .state = KP_SITE_OUT,
        .saved = true,
    };
}

/* One that is used, with what is saved of it; one of them may be NULL. */
static void facts_of(const struct kp_site *site, const struct kp_saved_device *entry,
                     char where[KP_HOST_TEXT_LEN], struct kp_site_facts *facts)
{
    if (site == NULL || (site->where[0] == '\0' && entry != NULL)) {
        facts_of_entry(entry, where, facts);
        return;
    }
    kp_site_facts(site, facts);
    if (entry == NULL) {
        facts->saved = false;
        return;
    }
    facts->saved = true;
    facts->seen = entry->seen;
    facts->versions |= entry->versions;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What was tried once, in vain, and isn't saved is no device of anybody's. */
static bool is_worth_telling(const struct kp_site *site)
{
    return site->was_in || site->state != KP_SITE_OUT;
}

static int each(struct kp_hub *hub, const struct kp_saved *saved,
                void (*one)(void *owner, const struct kp_site_facts *facts), void *owner)
{
    size_t used = 0;
    const char **names = calloc(saved->count + KP_HUB_SITES, sizeof *names);
    char where[KP_HOST_TEXT_LEN];
    struct kp_site_facts facts;
    if (names == NULL)
        return -1;
    for (size_t i = 0; i < saved->count; i++)
        names[used++] = saved->devices[i].name;
    for (const struct kp_site *site = hub->sites; site != NULL; site = site->next)
        if (kp_saved_by_name(saved, site->name) == NULL && is_worth_telling(site))
            names[used++] = site->name;
    qsort(names, used, sizeof *names, by_name);
    for (size_t i = 0; i < used; i++) {
        facts_of(kp_hub_site(hub, names[i]), kp_saved_by_name(saved, names[i]), where, &facts);
        one(owner, &facts);
    }
    free(names);
    return 0;
}

int kp_hub_each(struct kp_hub *hub, void (*one)(void *owner, const struct kp_site_facts *facts),
                void *owner, char why[KP_WORD_LEN])
{
    struct kp_saved saved;
    struct kp_file_error error = {""};
    int result = kp_saved_load(&saved, &error);
    if (result != 0)
        (void)snprintf(why, KP_WORD_LEN, "%s", error.why);
    if (each(hub, &saved, one, owner) != 0) {
        kp_word(why, KP_WORD_LEN, hub->language, KP_W_OUT_OF_MEMORY, NULL);
        result = -1;
    }
    kp_saved_clear(&saved);
    return result != 0 ? -1 : 0;
}

bool kp_hub_facts(struct kp_hub *hub, const char *name, struct kp_site_facts *facts)
{
    const struct kp_site *site = kp_hub_site(hub, name);
    struct kp_saved saved;
    struct kp_file_error error;
    const struct kp_saved_device *entry =
        kp_saved_load(&saved, &error) == 0 ? kp_saved_by_name(&saved, name) : NULL;
    if (entry != NULL)
        hub->entry = *entry;
    kp_saved_clear(&saved);
    if (site == NULL && entry == NULL)
        return false;
    facts_of(site, entry != NULL ? &hub->entry : NULL, hub->where, facts);
    return true;
}
