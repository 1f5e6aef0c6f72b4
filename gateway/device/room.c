/* Who gives way to whom: see room.h. */
#include "room.h"

#define COMPLAIN_NS 10000000000u /* one line in ten seconds about each lack */
#define LOOKED_AT 64             /* connections, for one that rests */
#define USERS 8                  /* who have most, of whom one is looked for */

/* ---- The log ----------------------------------------------------------------------------- */

static const struct {
    enum kp_log_level level;
    const char *event, *message, *number;
} lines[KP_LACKS] = {
    [KP_LACK_PLACES] = {KP_LOG_WARNING, "full",
                        "there are --max-connections: the oldest that has proved nothing gives way "
                        "to a new one",
                        "connections"},
    [KP_LACK_PROVED] = {KP_LOG_WARNING, "full",
                        "there are --max-connections, all of them proved: one at rest gives way to "
                        "a new one",
                        "connections"},
    [KP_LACK_BUSY] = {KP_LOG_WARNING, "full",
                      "there are --max-connections, and all of them work: new ones wait",
                      "connections"},
    [KP_LACK_SOURCE] = {KP_LOG_WARNING, "full",
                        "one address has --max-per-source that have proved nothing: its oldest "
                        "gives way to its new one",
                        "most"},
    [KP_LACK_HANDSHAKES] = {KP_LOG_WARNING, "full",
                            "there are --max-handshakes in progress: the oldest of the address "
                            "with most gives way to a new one",
                            "most"},
    [KP_LACK_DESCRIPTORS] = {KP_LOG_ERROR, "full",
                             "there are no file descriptors left: new connections wait, or others "
                             "give way to them (raise the limit with ulimit -n or LimitNOFILE=, or "
                             "lower --max-connections)",
                             "connections"},
    [KP_LACK_MEMORY] = {KP_LOG_ERROR, "full",
                        "the system lacks memory for new connections: they wait for a moment",
                        "connections"},
    [KP_LACK_ARITHMETIC] = {KP_LOG_WARNING, "busy",
                            "too many handshakes wait for their arithmetic: the youngest of the "
                            "address with most of them is closed",
                            "waiting"},
    [KP_LACK_REQUESTS] = {KP_LOG_WARNING, "busy",
                          "there are --max-requests at the upstream: another got a 503 page",
                          "most"},
};

static size_t number_of(const struct kp_worker *w, enum kp_lack what)
{
    switch (what) {
    case KP_LACK_SOURCE:
        return w->rules.max_per_source;
    case KP_LACK_HANDSHAKES:
        return w->rules.max_handshakes;
    case KP_LACK_REQUESTS:
        return w->rules.max_requests;
    case KP_LACK_ARITHMETIC:
        return w->loop.strangers;
    default:
        return atomic_load(&w->shop->connections);
    }
}

static void say(const struct kp_workshop *shop, const struct kp_log *log, enum kp_lack what)
{
    const struct kp_lacking *lack = &shop->lacks[what];
    struct kp_log_line line;
    kp_log_begin(&line, log, lines[what].level, lines[what].event, lines[what].message);
    kp_log_number(&line, lines[what].number, atomic_load(&lack->number));
    kp_log_number(&line, "times", atomic_load(&lack->count));
    kp_log_end(&line);
}

/* Whether a line is due, which the caller then writes. */
static bool is_due(struct kp_lacking *lack)
{
    uint_least64_t last = atomic_load(&lack->said);
    uint64_t now = uv_hrtime();
    if ((last != 0 && now - last < COMPLAIN_NS) ||
        !atomic_compare_exchange_strong(&lack->said, &last, now))
        return false;
    atomic_store(&lack->told, atomic_load(&lack->count));
    return true;
}

void kp_room_lacks(struct kp_worker *w, enum kp_lack what)
{
    struct kp_lacking *lack = &w->shop->lacks[what];
    atomic_fetch_add(&lack->count, 1);
    atomic_store(&lack->number, number_of(w, what));
    if (is_due(lack))
        say(w->shop, &w->rules.log, what);
}

void kp_room_catch_up(struct kp_workshop *shop)
{
    for (size_t i = 0; i < KP_LACKS; i++)
        if (atomic_load(&shop->lacks[i].count) != atomic_load(&shop->lacks[i].told) &&
            is_due(&shop->lacks[i]))
            say(shop, &shop->rules.log, (enum kp_lack)i);
}

/* ---- Who has proved nothing -------------------------------------------------------------- */

static struct kp_client *client_of(struct kp_member *member)
{
    return (struct kp_client *)(void *)((char *)member - offsetof(struct kp_client, member));
}

static void count(struct kp_worker *w, struct kp_client *c)
{
    atomic_fetch_add(&w->shop->gave_way, 1);
    c->gave_way = true;
    kp_client_discount(c);
}

static void gives_way(struct kp_worker *w, struct kp_client *c, const char *why)
{
    count(w, c);
    c->kind->stop(c, why);
}

static struct kp_client *older(struct kp_member *a, struct kp_member *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? client_of(a) : b != NULL ? client_of(b) : NULL;
    return client_of(a)->born <= client_of(b)->born ? client_of(a) : client_of(b);
}

/* Without memory for its source a newcomer isn't in the table: it goes when nobody else is there.
 */
static struct kp_client *newcomer_of_most(struct kp_worker *w)
{
    struct kp_head waits = {0}, shakes = {0};
    (void)kp_sources_most(&w->shop->sources, w->number, KP_CROWD_WAITING, &waits, 1);
    (void)kp_sources_most(&w->shop->sources, w->number, KP_CROWD_SHAKING, &shakes, 1);
    if (waits.first == NULL && shakes.first == NULL)
        return w->newcomers.first;
    if (waits.count == shakes.count)
        return older(waits.first, shakes.first);
    return client_of(waits.count > shakes.count ? waits.first : shakes.first);
}

/* ---- Who is proved ----------------------------------------------------------------------- */

/* Who has been at rest for longest so far. */
struct rested {
    struct kp_client *client;
    uint64_t since;
    bool tunnels;
};

static void consider(const struct kp_worker *w, struct kp_client *c, bool has_most,
                     struct rested *best)
{
    uint64_t since = 0, now = uv_now(&w->loop.uv);
    enum kp_doing doing = c->kind->doing == NULL ? KP_DOES_WORK : c->kind->doing(c, &since);
    bool tunnels = doing == KP_DOES_CARRY;
    if (doing == KP_DOES_WORK)
        return;
    if (tunnels && now - since < (has_most ? KP_TUNNEL_RESTS_SOON_MS : KP_TUNNEL_RESTS_MS))
        return;
    if (best->client == NULL || (best->tunnels && !tunnels) ||
        (best->tunnels == tunnels && since < best->since))
        *best = (struct rested){c, since, tunnels};
}

static void look_among(const struct kp_worker *w, const struct kp_head *head, struct rested *best)
{
    bool has_most = head->count > w->rules.max_connections / 2;
    struct kp_member *m = head->first;
    for (unsigned i = 0; i < LOOKED_AT && m != NULL; i++, m = m->next)
        consider(w, client_of(m), has_most, best);
}

/* Whoever was looked at in vain is looked at last the next time. */
static void look_among_all(struct kp_worker *w, struct rested *best)
{
    struct kp_client *c = w->others.first;
    for (unsigned i = 0; i < LOOKED_AT && c != NULL && best->client == NULL; i++) {
        struct kp_client *next = c->next;
        consider(w, c, false, best);
        if (best->client == NULL)
            kp_client_move(c, &w->others);
        c = next;
    }
}

static struct rested at_rest(struct kp_worker *w)
{
    struct kp_head users[USERS];
    struct rested best = {NULL, 0, false};
    size_t count = kp_sources_most(&w->shop->sources, w->number, KP_CROWD_PROVED, users, USERS);
    for (size_t i = 0; i < count && (best.client == NULL || best.tunnels); i++)
        look_among(w, &users[i], &best);
    if (best.client == NULL)
        look_among_all(w, &best);
    return best;
}

static bool one_at_rest_yields(struct kp_worker *w)
{
    static const char why[] = "it was at rest and gave way to a new connection";
    struct rested best = at_rest(w);
    if (best.client == NULL)
        return false;
    count(w, best.client);
    if (best.tunnels)
        best.client->kind->stop(best.client, why);
    else
        best.client->kind->yield(best.client, why);
    return true;
}

/* ---- Room -------------------------------------------------------------------------------- */

bool kp_room_is_full(const struct kp_worker *w)
{
    return atomic_load(&w->shop->connections) >= w->rules.max_connections;
}

/* Whether those who should give way are at other workers, and there is room until they do. */
static bool is_others_turn(const struct kp_worker *w)
{
    return w->newcomers.first == NULL && kp_sources_have_newcomers(&w->shop->sources) &&
           atomic_load(&w->shop->connections) <
               w->rules.max_connections + w->shop->settings->workers;
}

bool kp_room_can_be_made(struct kp_worker *w)
{
    return w->newcomers.first != NULL || is_others_turn(w) || at_rest(w).client != NULL;
}

void kp_room_for_one(struct kp_worker *w, enum kp_lack what)
{
    if (!is_others_turn(w))
        (void)kp_room_make(w, what);
}

bool kp_room_make(struct kp_worker *w, enum kp_lack what)
{
    struct kp_client *newcomer = newcomer_of_most(w);
    if (newcomer == NULL) {
        kp_room_lacks(w, what == KP_LACK_PLACES ? KP_LACK_PROVED : what);
        return one_at_rest_yields(w);
    }
    kp_room_lacks(w, what);
    gives_way(w, newcomer, "it had proved nothing yet and gave way to a new connection");
    return true;
}

void kp_room_of_source(struct kp_worker *w, const union kp_inet *from)
{
    struct kp_sources *s = &w->shop->sources;
    struct kp_client *oldest;
    if (kp_sources_newcomers(s, from) < w->rules.max_per_source)
        return;
    kp_room_lacks(w, KP_LACK_SOURCE);
    oldest = older(kp_sources_own(s, w->number, from, KP_CROWD_WAITING),
                   kp_sources_own(s, w->number, from, KP_CROWD_SHAKING));
    if (oldest != NULL)
        gives_way(w, oldest, "it had proved nothing yet and gave way to a new one of its address");
}

void kp_room_of_handshakes(struct kp_worker *w)
{
    struct kp_head most = {0};
    if (atomic_load(&w->shop->handshakes) < w->rules.max_handshakes ||
        kp_sources_most(&w->shop->sources, w->number, KP_CROWD_SHAKING, &most, 1) == 0)
        return;
    kp_room_lacks(w, KP_LACK_HANDSHAKES);
    gives_way(w, client_of(most.first),
              "it had proved nothing yet and gave way to a new handshake (--max-handshakes)");
}
