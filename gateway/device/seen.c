/* `serve --advertise`: see seen.h. */
#include "seen.h"

#include <stdlib.h>
#include <string.h>

#include "../net/nearby.h"
#include "../net/sock.h"
#include "creds/store.h"

struct kp_seen {
    struct kp_workshop *shop;
    struct kp_beacon *beacon;
    struct kp_store *store;
    struct kp_context *context;
    char id[KP_DEVICE_ID_MAX + 1];
};

static void complain(const struct kp_workshop *shop, const char *why)
{
    kp_log_say(&shop->rules.log, KP_LOG_WARNING, "advertise",
               "nobody on the network can see it: %s", why);
}

/* ---- What is said ------------------------------------------------------------------------ */

static void add_port(struct kp_beacon_plan *plan, const struct kp_address *bound)
{
    unsigned port = kp_address_port(bound);
    size_t i = 0;
    while (i < plan->port_count && plan->ports[i].port != port)
        i++;
    if (i == KP_BEACON_PORTS)
        return;
    if (i == plan->port_count)
        plan->ports[plan->port_count++] = (struct kp_beacon_port){.port = port};
    if (bound->where.ss_family == AF_INET6)
        plan->ports[i].v6 = true;
    else
        plan->ports[i].v4 = true;
}

/* Those where the password TLS is spoken, and that others can come to. */
static void find_ports(const struct kp_workshop *shop, struct kp_beacon_plan *plan)
{
    const struct kp_front_settings *s = shop->settings;
    for (size_t i = 0; i < s->door_count; i++) {
        struct kp_address bound;
        if (kp_transition_rules(s->transition, s->doors[i].kind).tls &&
            kp_sock_bound(shop->listeners[i], &bound) == 0 && !kp_address_is_loopback(&bound))
            add_port(plan, &bound);
    }
}

/* As /.well-known/keyplate says it: see kp_hint_now. */
static unsigned versions_of(const struct kp_seen *seen)
{
    unsigned versions = seen->shop->rules.versions;
    return versions == (KP_USE_TLS12 | KP_USE_TLS13) && kp_store_prefers_tls12(seen->store)
               ? KP_USE_TLS12
               : versions;
}

static void make_plan(struct kp_seen *seen, struct kp_beacon_plan *plan)
{
    const uint8_t *id;
    size_t len;
    kp_credentials_take(seen->shop->credentials, &seen->store, &seen->context);
    id = kp_store_device_id(seen->store, &len);
    memset(plan, 0, sizeof *plan);
    len = len < sizeof seen->id ? len : 0;
    memcpy(seen->id, id, len);
    seen->id[len] = '\0';
    plan->id = seen->id;
    plan->versions = versions_of(seen);
    plan->path = "/";
    find_ports(seen->shop, plan);
}

static void told(void *owner, bool works, const char *what)
{
    const struct kp_seen *seen = owner;
    kp_log_say(&seen->shop->rules.log, works ? KP_LOG_INFO : KP_LOG_WARNING, "advertise", "%s",
               what);
}

/* ---- Its life ---------------------------------------------------------------------------- */

void kp_seen_prepare(const struct kp_front_settings *settings)
{
    if (settings->advertise)
        (void)kp_nearby_load(); /* if it isn't there, that is said later */
}

static int start(struct kp_seen *seen, uv_loop_t *loop)
{
    struct kp_beacon_plan plan;
    int error;
    make_plan(seen, &plan);
    if (plan.port_count == 0) {
        complain(seen->shop, "it listens on loopback addresses only");
        return -1;
    }
    error = kp_beacon_start(&seen->beacon, loop, &plan, told, seen);
    if (error == UV_ENOTSUP)
        complain(seen->shop, "this build knows no Avahi");
    else if (error != 0)
        complain(seen->shop, uv_strerror(error));
    return error;
}

struct kp_seen *kp_seen_start(uv_loop_t *loop, struct kp_workshop *shop)
{
    struct kp_seen *seen = shop->settings->advertise ? calloc(1, sizeof *seen) : NULL;
    if (seen == NULL)
        return NULL;
    seen->shop = shop;
    if (start(seen, loop) == 0)
        return seen;
    kp_seen_stop(seen);
    return NULL;
}

void kp_seen_look(struct kp_seen *seen)
{
    struct kp_beacon_plan plan;
    if (seen == NULL)
        return;
    make_plan(seen, &plan);
    kp_beacon_change(seen->beacon, &plan);
}

void kp_seen_stop(struct kp_seen *seen)
{
    if (seen == NULL)
        return;
    kp_beacon_stop(seen->beacon);
    kp_store_free(seen->store);
    kp_context_free(seen->context);
    free(seen);
}
