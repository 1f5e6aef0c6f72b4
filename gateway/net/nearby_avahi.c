/*
 * What is near, by Avahi: see nearby.h.  A device is seen once by each interface and protocol
 * (sightings); what is best of them is shown in its slot, where the loop fetches it.
 */
#include <stdlib.h>
#include <string.h>

#include "avahi.h"
#include "nearby_text.h"

#define SIGHTINGS_MAX (4 * KP_NEARBY_MAX)
#define TRIES 3    /* to resolve one */
#define TXT_MAX 32 /* items that are looked at */

enum news { NO_NEWS, CHANGED, GONE };

/* The lock's. */
struct slot {
    unsigned held; /* by sightings */
    bool told;     /* the loop knows it */
    enum news news;
    struct kp_near near;
};

/* The thread's. */
struct sighting {
    struct sighting *next;
    struct kp_nearby *nearby;
    struct slot *slot;
    AvahiIfIndex interface;
    AvahiProtocol protocol;
    AvahiServiceResolver *resolver; /* NULL: it was given up */
    unsigned tries;
    bool answered; /* once at least */
    int goodness;  /* of its address; 0: it has none */
    struct kp_near near;
};

struct kp_nearby {
    struct kp_avahi avahi; /* first */
    const struct kp_nearby_hooks *hooks;
    void *owner;
    bool over; /* the loop's: no hook any more */

    /* The lock's. */
    struct slot slots[KP_NEARBY_MAX];
    bool settled;
    bool settled_told; /* the loop's */
    char why[128];     /* "": it works */

    /* The thread's. */
    AvahiServiceBrowser *browser;
    struct sighting *sightings;
    size_t sighting_count;
    bool worked;
    bool missed;   /* the daemon wasn't there at first */
    bool complete; /* what was there at first is in sightings */
    bool news;     /* for the loop */
};

bool kp_nearby_is_built(void)
{
    return true;
}

bool kp_nearby_load(void)
{
    return kp_avahi_library() != NULL;
}

/* ---- Slots ------------------------------------------------------------------------------- */

static bool is_free(const struct slot *slot)
{
    return slot->held == 0 && !slot->told && slot->news == NO_NEWS;
}

/* One that has the name, else a free one, which gets it; NULL: there are too many. */
static struct slot *hold_slot(struct kp_nearby *n, const struct kp_near *near)
{
    struct slot *found = NULL;
    uv_mutex_lock(&n->avahi.lock);
    for (size_t i = 0; i < KP_NEARBY_MAX; i++) {
        struct slot *slot = &n->slots[i];
        if (!is_free(slot) && strcmp(slot->near.name, near->name) == 0) {
            found = slot;
            break;
        }
        if (found == NULL && is_free(slot))
            found = slot;
    }
    if (found != NULL && is_free(found))
        found->near = *near;
    if (found != NULL)
        found->held++;
    uv_mutex_unlock(&n->avahi.lock);
    return found;
}

static const struct sighting *best_of(const struct kp_nearby *n, const struct slot *slot)
{
    const struct sighting *best = NULL;
    for (const struct sighting *s = n->sightings; s != NULL; s = s->next)
        if (s->slot == slot && s->goodness > 0 && (best == NULL || s->goodness > best->goodness))
            best = s;
    return best;
}

static bool is_same(const struct kp_near *a, const struct kp_near *b)
{
    return strcmp(a->id, b->id) == 0 && a->versions == b->versions &&
           strcmp(a->path, b->path) == 0 && strcmp(a->host_name, b->host_name) == 0 &&
           kp_host_is_same(&a->host, &b->host);
}

/* Shows what is known of a slot now. */
static void show(struct kp_nearby *n, struct slot *slot)
{
    const struct sighting *best = best_of(n, slot);
    uv_mutex_lock(&n->avahi.lock);
    if (best != NULL && (slot->news == GONE || !slot->told || !is_same(&best->near, &slot->near))) {
        slot->near = best->near;
        slot->news = CHANGED;
        n->news = true;
    } else if (best == NULL && slot->told) {
        slot->news = GONE;
        n->news = true;
    } else if (best == NULL) {
        slot->news = NO_NEWS;
    }
    uv_mutex_unlock(&n->avahi.lock);
}

/* ---- Sightings --------------------------------------------------------------------------- */

static void end_resolver(struct sighting *s)
{
    if (s->resolver != NULL)
        s->nearby->avahi.call->service_resolver_free(s->resolver);
    s->resolver = NULL;
}

static void drop(struct kp_nearby *n, struct sighting **at)
{
    struct sighting *s = *at;
    struct slot *slot = s->slot;
    *at = s->next;
    end_resolver(s);
    free(s);
    n->sighting_count--;
    show(n, slot);
    uv_mutex_lock(&n->avahi.lock);
    slot->held--;
    uv_mutex_unlock(&n->avahi.lock);
}

static int take_address(struct sighting *s, const AvahiAddress *address, unsigned port)
{
    if (address->proto == AVAHI_PROTO_INET)
        return kp_near_take_v4(&s->near, (const uint8_t *)&address->data.ipv4.address, port);
    return kp_near_take_v6(&s->near, address->data.ipv6.address, (unsigned)s->interface, port);
}

static void take_txt(struct kp_near *near, const AvahiStringList *txt)
{
    kp_near_begin_text(near);
    for (size_t i = 0; i < TXT_MAX && txt != NULL; i++, txt = txt->next)
        kp_near_take_text(near, (const char *)txt->text, txt->size);
}

static bool resolve(struct sighting *s);

static void resolved(AvahiServiceResolver *resolver, AvahiIfIndex interface, AvahiProtocol protocol,
                     AvahiResolverEvent event, const char *name, const char *type,
                     const char *domain, const char *host_name, const AvahiAddress *address,
                     uint16_t port, AvahiStringList *txt, AvahiLookupResultFlags flags, void *arg)
{
    struct sighting *s = arg;
    (void)resolver;
    (void)interface;
    (void)protocol;
    (void)name;
    (void)type;
    (void)domain;
    (void)flags;
    s->answered = true;
    s->goodness = 0;
    if (event == AVAHI_RESOLVER_FOUND && address != NULL && host_name != NULL) {
        kp_near_take_host_name(&s->near, host_name);
        take_txt(&s->near, txt);
        s->goodness = take_address(s, address, port);
    } else {
        end_resolver(s);
        (void)resolve(s);
    }
    show(s->nearby, s->slot);
}

/* It stays, and tells of changes. */
static bool resolve(struct sighting *s)
{
    struct kp_avahi *a = &s->nearby->avahi;
    if (s->tries++ == TRIES)
        return false;
    s->resolver =
        a->call->service_resolver_new(a->client, s->interface, s->protocol, s->near.name,
                                      KP_NEARBY_TYPE, "local", s->protocol, 0, resolved, s);
    return s->resolver != NULL;
}

static struct sighting **find(struct kp_nearby *n, AvahiIfIndex interface, AvahiProtocol protocol,
                              const char *name)
{
    struct sighting **at = &n->sightings;
    while (*at != NULL && ((*at)->interface != interface || (*at)->protocol != protocol ||
                           strcmp((*at)->near.name, name) != 0))
        at = &(*at)->next;
    return at;
}

static void sighted(struct kp_nearby *n, AvahiIfIndex interface, AvahiProtocol protocol,
                    const char *name)
{
    struct sighting **end = find(n, interface, protocol, name);
    struct sighting *s;
    if (*end != NULL || n->sighting_count == SIGHTINGS_MAX)
        return;
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return;
    s->nearby = n;
    s->interface = interface;
    s->protocol = protocol;
    if (kp_near_take_name(&s->near, name))
        s->slot = hold_slot(n, &s->near);
    if (s->slot == NULL) {
        free(s);
        return;
    }
    *end = s;
    n->sighting_count++;
    if (!resolve(s))
        drop(n, end);
}

static void browsed(AvahiServiceBrowser *browser, AvahiIfIndex interface, AvahiProtocol protocol,
                    AvahiBrowserEvent event, const char *name, const char *type, const char *domain,
                    AvahiLookupResultFlags flags, void *arg)
{
    struct kp_nearby *n = arg;
    (void)browser;
    (void)type;
    (void)domain;
    (void)flags;
    if (event == AVAHI_BROWSER_NEW) {
        sighted(n, interface, protocol, name);
    } else if (event == AVAHI_BROWSER_REMOVE) {
        struct sighting **at = find(n, interface, protocol, name);
        if (*at != NULL)
            drop(n, at);
    } else if (event == AVAHI_BROWSER_ALL_FOR_NOW) {
        n->complete = true;
    } else if (event == AVAHI_BROWSER_FAILURE) {
        n->avahi.broken = true;
    }
}

/* ---- The thread -------------------------------------------------------------------------- */

static void arrived(struct kp_avahi *a)
{
    struct kp_nearby *n = (struct kp_nearby *)a;
    n->worked = true;
    if (n->browser == NULL)
        n->browser = a->call->service_browser_new(a->client, AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC,
                                                  KP_NEARBY_TYPE, "local", 0, browsed, n);
    if (n->browser == NULL)
        a->broken = true;
}

static void awaited(struct kp_avahi *a)
{
    struct kp_nearby *n = (struct kp_nearby *)a;
    n->missed = !n->worked;
    a->broken = a->broken || n->missed;
}

static void flush(struct kp_nearby *n)
{
    if (n->news)
        kp_avahi_tell(&n->avahi);
    n->news = false;
}

static void leave(struct kp_avahi *a)
{
    struct kp_nearby *n = (struct kp_nearby *)a;
    while (n->sightings != NULL)
        drop(n, &n->sightings);
    if (n->browser != NULL)
        a->call->service_browser_free(n->browser);
    n->browser = NULL;
    flush(n);
}

static bool parted(struct kp_avahi *a, const char *why)
{
    struct kp_nearby *n = (struct kp_nearby *)a;
    if (n->worked)
        return true;
    if (n->missed)
        why = "Avahi (avahi-daemon) isn't running on this computer";
    uv_mutex_lock(&a->lock);
    (void)snprintf(n->why, sizeof n->why, "%s", why);
    uv_mutex_unlock(&a->lock);
    kp_avahi_tell(a);
    return false;
}

/* Those that nobody answers for are waited for once, five seconds. */
static void work(struct kp_avahi *a)
{
    struct kp_nearby *n = (struct kp_nearby *)a;
    bool waits = !n->complete;
    for (const struct sighting *s = n->sightings; s != NULL && !waits; s = s->next)
        waits = !s->answered;
    if (!waits && !n->settled) {
        uv_mutex_lock(&a->lock);
        n->settled = true;
        uv_mutex_unlock(&a->lock);
        n->news = true;
    }
    flush(n);
}

/* ---- The loop ---------------------------------------------------------------------------- */

/* The next piece of news; false: there is none. */
static bool fetch(struct kp_nearby *n, struct kp_near *near, enum news *news)
{
    *news = NO_NEWS;
    uv_mutex_lock(&n->avahi.lock);
    for (size_t i = 0; i < KP_NEARBY_MAX && *news == NO_NEWS; i++) {
        struct slot *slot = &n->slots[i];
        if (slot->news == NO_NEWS)
            continue;
        *news = slot->news;
        *near = slot->near;
        slot->news = NO_NEWS;
        slot->told = *news == CHANGED;
    }
    uv_mutex_unlock(&n->avahi.lock);
    return *news != NO_NEWS;
}

static void tell_end(struct kp_nearby *n)
{
    char why[sizeof n->why];
    bool settled;
    uv_mutex_lock(&n->avahi.lock);
    settled = n->settled;
    memcpy(why, n->why, sizeof why);
    uv_mutex_unlock(&n->avahi.lock);
    if (settled && !n->settled_told) {
        n->settled_told = true;
        n->hooks->settled(n->owner);
    }
    if (why[0] != '\0' && !n->over) {
        n->over = true;
        n->hooks->failed(n->owner, why);
    }
}

/* A hook may stop it: the memory stays until its handle is closed. */
static void hear(struct kp_avahi *a)
{
    struct kp_nearby *n = (struct kp_nearby *)a;
    struct kp_near near;
    enum news news;
    while (!n->over && fetch(n, &near, &news)) {
        if (news == CHANGED)
            n->hooks->found(n->owner, &near);
        else
            n->hooks->lost(n->owner, near.name);
    }
    if (!n->over)
        tell_end(n);
}

static void destroy(struct kp_avahi *a)
{
    free(a);
}

int kp_nearby_start(struct kp_nearby **out, struct kp_loop *loop,
                    const struct kp_nearby_hooks *hooks, void *owner)
{
    static const struct kp_avahi_job job = {arrived, awaited, leave, parted, work, hear, destroy};
    struct kp_nearby *n = calloc(1, sizeof *n);
    int error;
    *out = NULL;
    if (n == NULL)
        return UV_ENOMEM;
    n->hooks = hooks;
    n->owner = owner;
    error = kp_avahi_start(&n->avahi, &loop->uv, &job);
    if (error == 0)
        *out = n;
    return error;
}

void kp_nearby_stop(struct kp_nearby *n)
{
    if (n == NULL)
        return;
    n->over = true;
    kp_avahi_stop(&n->avahi);
}
