/* What desk.c stands on, faked: see fake_hub.h. */
#include "fake_hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyring.h"

struct kp_hub {
    int nothing;
};

struct fake fake;

struct kp_hub *fake_hub(void)
{
    static struct kp_hub hub;
    return &hub;
}

void fake_reset(void)
{
    memset(&fake, 0, sizeof fake);
    fake.found_versions = KP_USE_TLS12 | KP_USE_TLS13;
}

struct fake_device *fake_add(const char *name, const char *id, uint8_t state, bool saved)
{
    struct fake_device *device = &fake.devices[fake.count++];
    *device = (struct fake_device){.versions = KP_USE_TLS13, .state = state, .saved = saved};
    (void)snprintf(device->name, sizeof device->name, "%s", name);
    (void)snprintf(device->where, sizeof device->where, "192.0.2.%zu", fake.count);
    (void)snprintf(device->id, sizeof device->id, "%s", id);
    return device;
}

static struct fake_device *find(const char *name)
{
    for (size_t i = 0; i < fake.count; i++)
        if (strcmp(fake.devices[i].name, name) == 0)
            return &fake.devices[i];
    return NULL;
}

static struct kp_site_facts facts_of(const struct fake_device *device)
{
    bool in = device->state == KP_SITE_IN;
    return (struct kp_site_facts){
        .name = device->name,
        .where = device->where,
        .user = "admin",
        .id = device->id,
        .protocol = in ? "TLSv1.3" : NULL,
        .proof = in ? "spake2plus" : NULL,
        .suite = in ? "TLS_AES_128_GCM_SHA256" : NULL,
        .since = in ? 1700000000 : 0,
        .seen = device->saved ? 1600000000 : 0,
        .versions = device->versions,
        .state = device->state,
        .saved = device->saved,
    };
}

/* ---- The hub ----------------------------------------------------------------------------- */

unsigned kp_hub_port_number(const struct kp_hub *hub)
{
    (void)hub;
    return 4711;
}

enum kp_hub_port kp_hub_port(const struct kp_hub *hub)
{
    (void)hub;
    return KP_HUB_PORT_OWN;
}

void kp_hub_watch(struct kp_hub *hub, struct kp_hub_watch *watch)
{
    (void)hub;
    watch->next = fake.watches;
    fake.watches = watch;
}

void kp_hub_unwatch(struct kp_hub *hub, struct kp_hub_watch *watch)
{
    struct kp_hub_watch **at = &fake.watches;
    (void)hub;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
}

static void tell_changed(const struct fake_device *device)
{
    struct kp_site_facts facts = facts_of(device);
    for (struct kp_hub_watch *w = fake.watches; w != NULL; w = w->next)
        w->changed(w, &facts);
}

void kp_hub_login(struct kp_hub *hub, struct kp_hub_login *login)
{
    (void)hub;
    fake.login = login;
    fake.logins++;
    (void)snprintf(fake.user, sizeof fake.user, "%s", login->user.data);
    (void)snprintf(fake.password, sizeof fake.password, "%s",
                   login->password.len > 0 ? login->password.data : "");
    kp_host_text(&login->target.link.host, "443", fake.where);
    fake.versions = login->target.offered.versions;
    fake.remember = login->remember;
    kp_text_clear(&login->password);
}

void kp_hub_login_drop(struct kp_hub *hub, struct kp_hub_login *login)
{
    (void)hub;
    if (fake.login == login)
        fake.login = NULL;
    fake.drops++;
}

void fake_done(enum kp_login_result result, const char *name, const char *why, bool unreached)
{
    struct kp_hub_login *login = fake.login;
    struct kp_hub_login_done done = {.result = result, .why = why, .unreached = unreached};
    if (result == KP_LOGIN_PROVED) {
        struct fake_device *device = find(name);
        if (device == NULL)
            device = fake_add(name, "K7F3", KP_SITE_IN, false);
        device->state = KP_SITE_IN;
        done.facts = facts_of(device);
        tell_changed(device);
    }
    fake.login = NULL;
    login->done(login, &done);
}

bool kp_hub_logout(struct kp_hub *hub, const char *name)
{
    struct fake_device *device = find(name);
    (void)hub;
    if (device == NULL || device->state == KP_SITE_OUT)
        return false;
    device->state = KP_SITE_OUT;
    fake.logouts++;
    tell_changed(device);
    return true;
}

void kp_hub_logout_all(struct kp_hub *hub)
{
    for (size_t i = 0; i < fake.count; i++)
        (void)kp_hub_logout(hub, fake.devices[i].name);
}

int kp_hub_forget(struct kp_hub *hub, const char *name, char why[KP_WORD_LEN])
{
    struct fake_device *device = find(name);
    if (device == NULL)
        return 1;
    (void)kp_hub_logout(hub, name);
    (void)snprintf(why, KP_WORD_LEN, "the disk is full");
    return fake.forget;
}

static bool is_in(const char *name)
{
    return find(name) != NULL && find(name)->state == KP_SITE_IN;
}

bool kp_hub_link(struct kp_hub *hub, const char *name, const char *path, char out[KP_HUB_LINK_LEN])
{
    (void)hub;
    if (is_in(name))
        (void)snprintf(out, KP_HUB_LINK_LEN, "http://%s.localhost:4711/.keyplate/open/T%s", name,
                       path);
    return is_in(name);
}

void kp_hub_list_link(struct kp_hub *hub, char out[KP_HUB_LINK_LEN])
{
    (void)hub;
    (void)snprintf(out, KP_HUB_LINK_LEN, "http://keyplate.localhost:4711/.keyplate/open/T/");
}

bool kp_hub_secret(struct kp_hub *hub, const char *name, char out[65])
{
    (void)hub;
    memset(out, '7', 64);
    out[64] = '\0';
    return is_in(name);
}

int kp_hub_each(struct kp_hub *hub, void (*one)(void *owner, const struct kp_site_facts *facts),
                void *owner, char why[KP_WORD_LEN])
{
    (void)hub;
    for (size_t i = 0; i < fake.count; i++) {
        struct kp_site_facts facts = facts_of(&fake.devices[i]);
        one(owner, &facts);
    }
    if (fake.list_error != NULL)
        (void)snprintf(why, KP_WORD_LEN, "%s", fake.list_error);
    return fake.list_error != NULL ? -1 : 0;
}

bool kp_hub_facts(struct kp_hub *hub, const char *name, struct kp_site_facts *facts)
{
    (void)hub;
    if (find(name) != NULL)
        *facts = facts_of(find(name));
    return find(name) != NULL;
}

/* ---- Which device ------------------------------------------------------------------------ */

static void take(char *out, size_t len, const char *text)
{
    (void)snprintf(out, len, "%s", text != NULL ? text : "");
}

enum kp_target_result kp_target_find(struct kp_target *target, const struct kp_target_wish *wish,
                                     enum kp_language language, char why[KP_WORD_LEN])
{
    const struct fake_device *device = find(wish->text);
    (void)language;
    memset(target, 0, sizeof *target);
    (void)snprintf(why, KP_WORD_LEN, "that is wrong");
    take(target->user, sizeof target->user, wish->user);
    take(target->id, sizeof target->id, fake.found_id);
    take(target->link.path, sizeof target->link.path, "/page");
    target->offered.versions = fake.found_versions;
    if (fake.found == KP_TARGET_NOWHERE)
        return KP_TARGET_NOWHERE;
    take(target->link.host.name, sizeof target->link.host.name, "192.0.2.9");
    take(target->link.host.port, sizeof target->link.host.port, "443");
    if (device != NULL) {
        take(target->saved.name, sizeof target->saved.name, device->name);
        take(target->id, sizeof target->id, device->id);
        target->saved.versions = device->versions;
    }
    kp_host_text(&target->link.host, "443", target->where);
    return fake.found;
}

void kp_target_put(struct kp_target *target, const struct kp_host *host)
{
    target->link.host = *host;
    kp_host_text(host, "443", target->where);
}

/* ---- What is near ------------------------------------------------------------------------ */

bool kp_nearby_is_built(void)
{
    return true;
}

bool kp_keyring_is_built(void)
{
    return false;
}

/* A looker is its place in the table. */
int kp_nearby_start(struct kp_nearby **out, struct kp_loop *loop,
                    const struct kp_nearby_hooks *hooks, void *owner)
{
    (void)loop;
    for (size_t i = 0; i < 4 && fake.nearby_error == 0; i++) {
        if (fake.hooks[i] != NULL)
            continue;
        fake.hooks[i] = hooks;
        fake.owners[i] = owner;
        *out = (struct kp_nearby *)(void *)&fake.hooks[i];
        return 0;
    }
    return fake.nearby_error != 0 ? fake.nearby_error : UV_EBUSY;
}

void kp_nearby_stop(struct kp_nearby *nearby)
{
    if (nearby != NULL)
        *(const struct kp_nearby_hooks **)(void *)nearby = NULL;
}

unsigned fake_lookers(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < 4; i++)
        count += fake.hooks[i] != NULL;
    return count;
}

void fake_near(const char *name, const char *id, const char *host)
{
    struct kp_near near = {.versions = KP_USE_TLS13, .path = "/", .host_name = "x.local"};
    take(near.name, sizeof near.name, name);
    take(near.id, sizeof near.id, id);
    take(near.host.name, sizeof near.host.name, host);
    take(near.host.port, sizeof near.host.port, "8443");
    for (size_t i = 0; i < 4; i++)
        if (fake.hooks[i] != NULL)
            fake.hooks[i]->found(fake.owners[i], &near);
}

/* ---- What a device is -------------------------------------------------------------------- */

int kp_probe_start(struct kp_probe **slot, struct kp_loop *loop, const struct kp_host *host,
                   kp_probe_fn *done, void *owner)
{
    (void)loop;
    *slot = NULL;
    for (size_t i = 0; i < FAKE_PROBES && fake.probe_error == 0; i++) {
        if (fake.probes[i].slot != NULL)
            continue;
        fake.probes[i] = (struct fake_probe){slot, done, owner, *host};
        *slot = (struct kp_probe *)(void *)&fake.probes[i];
        return 0;
    }
    return fake.probe_error != 0 ? fake.probe_error : UV_EBUSY;
}

void kp_probe_stop(struct kp_probe *probe)
{
    struct fake_probe *p = (struct fake_probe *)(void *)probe;
    if (p == NULL)
        return;
    *p->slot = NULL;
    p->slot = NULL;
}

void fake_probed(const struct kp_probe_verdict *verdict, const struct kp_trouble *trouble)
{
    for (size_t i = 0; i < FAKE_PROBES; i++) {
        struct fake_probe *p = &fake.probes[i];
        if (p->slot == NULL)
            continue;
        kp_probe_stop(*p->slot);
        p->done(p->owner, verdict, trouble);
        return;
    }
}

unsigned fake_probing(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < FAKE_PROBES; i++)
        count += fake.probes[i].slot != NULL;
    return count;
}
