/*
 * How many guesses at passwords are judged.  Knows no connection, and not which names there are.
 */
#include "creds/throttle.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define BURST_MIN 4
#define BLOCK 4     /* tokens leased at a time: of a source, a name, a pair */
#define BLOCK_ALL 8 /* of all */
#define CHARGES_MAX 3
#define PREFIX_LEN 8 /* bytes of an IPv6 address that are a source */
/* A lease that was written is its place's for so long: who waits for it comes back within that.
 * Callers' clocks may go by seconds. */
#define HOLD_S 3
/* Threads read the clock before they have the lock: what is late by less is no clock gone back. */
#define LATE_MS 10000
/* More than any debt or exemption: sums of times stay far from their end. */
#define STEP_MAX_MS (KP_THROTTLE_BURST_MAX * (uint64_t)KP_THROTTLE_SECONDS_MAX * 1000)

/* An exemption that is in a state is good enough for so long: a restart may take that off it. */
#define RENEW_MS UINT64_C(86400000)

/* Debts that a guess adds to, each with its limit. */
struct charges {
    struct kp_throttle_place *source;
    struct kp_throttle_debt *debt[CHARGES_MAX];
    const struct kp_throttle_limit *limit[CHARGES_MAX];
    size_t count;
};

/* ---- Time and debts ------------------------------------------------------------------------ */

/* A clock that goes back stands still for us, and goes on from there: nobody waits longer for it,
 * or less. */
void kp_throttle_tick(struct kp_throttle *throttle, uint64_t now_ms)
{
    if (!throttle->started)
        throttle->clock = now_ms;
    throttle->started = true;
    if (now_ms > throttle->clock) {
        uint64_t step = now_ms - throttle->clock;
        throttle->now += step < STEP_MAX_MS ? step : STEP_MAX_MS;
        throttle->clock = now_ms;
    } else if (throttle->clock - now_ms > LATE_MS) {
        throttle->clock = now_ms;
    }
}

uint64_t kp_throttle_ahead(const struct kp_throttle *throttle, uint64_t time)
{
    return time > throttle->now ? time - throttle->now : 0;
}

/* debt NULL: of a place that there isn't yet. */
static uint64_t owed(const struct kp_throttle *throttle, const struct kp_throttle_debt *debt)
{
    return debt != NULL ? kp_throttle_ahead(throttle, debt->full_at) : 0;
}

static bool has_token(const struct kp_throttle *throttle, const struct kp_throttle_debt *debt,
                      const struct kp_throttle_limit *limit, bool clean)
{
    uint64_t usable = limit->whole - (clean ? 0 : limit->reserved);
    return owed(throttle, debt) + limit->token <= usable;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

bool kp_throttle_covers(const struct kp_throttle *throttle, const struct kp_throttle_debt *debt,
                        const struct kp_throttle_limit *limit, uint64_t tokens)
{
    uint64_t then = owed(throttle, debt) + tokens * limit->token;
    return smaller(then, limit->whole) <= debt->lease * (uint64_t)1000;
}

bool kp_throttle_covers_source(const struct kp_throttle *throttle,
                               const struct kp_throttle_place *source, uint64_t tokens)
{
    const struct kp_throttle_limit *limit = &throttle->source;
    uint64_t debt = smaller(owed(throttle, &source->debt), limit->whole);
    uint64_t failures = smaller(tokens, (limit->whole - debt) / limit->token);
    uint64_t then =
        kp_throttle_ahead(throttle, source->clean_at) + failures * KP_THROTTLE_FORGIVE_MS;
    return kp_throttle_covers(throttle, &source->debt, limit, tokens) &&
           smaller(then, KP_THROTTLE_FORGIVE_MAX_MS) <= source->clean_lease * (uint64_t)1000;
}

/* ---- Tables -------------------------------------------------------------------------------- */

static struct kp_throttle_place *find(struct kp_throttle_place *places, size_t count, uint64_t tag)
{
    for (size_t i = 0; i < count; i++) {
        if (places[i].tag == tag)
            return &places[i];
    }
    return NULL;
}

/* What is lost when a place is given away: nothing, a past, somebody's turn, or failures. */
static uint64_t worth(const struct kp_throttle *throttle, const struct kp_throttle_place *place)
{
    const struct kp_throttle_debt *debt = &place->debt;
    if (place->tag == 0)
        return 0;
    return 1 + owed(throttle, debt) + kp_throttle_ahead(throttle, place->clean_at) +
           (debt->asking || debt->asked || debt->promised);
}

/* Whether somebody waits for its lease, or has hardly had time to use it.  Newcomers who took each
 * other's places then would wait for ever, all of them. */
static bool is_held(const struct kp_throttle *throttle, const struct kp_throttle_place *place)
{
    const struct kp_throttle_debt *debt = &place->debt;
    uint16_t age = (uint16_t)(throttle->now / 1000 - debt->promised_s);
    return debt->asking || debt->asked || (debt->promised && age < HOLD_S);
}

/* Whether a is the better one to give away. */
static bool is_cheaper(const struct kp_throttle *throttle, const struct kp_throttle_place *a,
                       const struct kp_throttle_place *b)
{
    uint64_t of_a = worth(throttle, a), of_b = worth(throttle, b);
    return of_a < of_b || (of_a == of_b && !is_held(throttle, a) && is_held(throttle, b));
}

/* The place of a tag; if it has none, the one of the least worth becomes it.  NULL: that one is
 * held, and this one's turn comes later. */
static struct kp_throttle_place *claim(const struct kp_throttle *throttle,
                                       struct kp_throttle_place *places, size_t count, uint64_t tag)
{
    struct kp_throttle_place *place = find(places, count, tag);
    if (place != NULL)
        return place;
    place = &places[0];
    for (size_t i = 1; i < count; i++) {
        if (is_cheaper(throttle, &places[i], place))
            place = &places[i];
    }
    if (is_held(throttle, place))
        return NULL;
    *place = (struct kp_throttle_place){.tag = tag};
    return place;
}

static struct kp_throttle_pair *find_pair(struct kp_throttle *throttle, uint64_t source,
                                          uint64_t name)
{
    for (size_t i = 0; i < KP_THROTTLE_PAIRS; i++) {
        struct kp_throttle_pair *pair = &throttle->tables.pairs[i];
        if (pair->source == source && pair->name == name && pair->until > throttle->now)
            return pair;
    }
    return NULL;
}

/* The pair; if there is none, the one that was proved longest ago becomes it, of the same name when
 * that has its share. */
static struct kp_throttle_pair *claim_pair(struct kp_throttle *throttle, uint64_t source,
                                           uint64_t name)
{
    struct kp_throttle_pair *pair = find_pair(throttle, source, name);
    struct kp_throttle_pair *oldest = throttle->tables.pairs;
    struct kp_throttle_pair *of_name = NULL;
    size_t count = 0;
    if (pair != NULL)
        return pair;
    for (pair = oldest; pair < throttle->tables.pairs + KP_THROTTLE_PAIRS; pair++) {
        if (pair->until < oldest->until)
            oldest = pair;
        if (pair->name != name || pair->until <= throttle->now)
            continue;
        count++;
        if (of_name == NULL || pair->until < of_name->until)
            of_name = pair;
    }
    pair = count >= KP_THROTTLE_PAIRS_OF_NAME ? of_name : oldest;
    *pair = (struct kp_throttle_pair){.source = source, .name = name};
    return pair;
}

/* ---- Tags ---------------------------------------------------------------------------------- */

static int make_tag(struct kp_throttle *throttle, char kind, const void *data, size_t len,
                    uint64_t *out)
{
    const struct kp_span parts[] = {{(const uint8_t *)&kind, 1}, {data, len}};
    uint8_t digest[KP_SHA256_LEN];
    int error = kp_mac_run(throttle->mac, parts, 2, digest);
    *out = 0;
    for (size_t i = 0; error == 0 && i < sizeof *out; i++)
        *out = *out << 8 | digest[i];
    if (error == 0 && *out == 0)
        *out = 1;
    kp_wipe(digest, sizeof digest);
    return error;
}

static int source_tag(struct kp_throttle *throttle, const uint8_t source[KP_SOURCE_LEN],
                      uint64_t *out)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (memcmp(source, mapped, sizeof mapped) == 0)
        return make_tag(throttle, '4', source + sizeof mapped, 4, out);
    return make_tag(throttle, '6', source, PREFIX_LEN, out);
}

/* ---- New and gone -------------------------------------------------------------------------- */

static int set_limit(struct kp_throttle_limit *out, struct kp_bucket bucket, uint32_t burst,
                     uint32_t seconds, uint32_t block)
{
    if (bucket.burst != 0)
        burst = bucket.burst;
    if (bucket.seconds != 0)
        seconds = bucket.seconds;
    if (burst < BURST_MIN || burst > KP_THROTTLE_BURST_MAX || seconds > KP_THROTTLE_SECONDS_MAX)
        return KP_E_ARGUMENT;
    out->token = seconds * (uint64_t)1000;
    out->whole = burst * out->token;
    out->reserved = burst / 4 * out->token;
    out->block = (block < burst ? block : burst) * out->token;
    return 0;
}

static int set_limits(struct kp_throttle *throttle, const struct kp_throttle_settings *settings)
{
    int error = set_limit(&throttle->source, settings->source, 16, 60, BLOCK);
    if (error == 0)
        error = set_limit(&throttle->name, settings->name, 32, 300, BLOCK);
    if (error == 0)
        error = set_limit(&throttle->all, settings->all, 64, 60, BLOCK_ALL);
    throttle->leased = settings->leased;
    return error;
}

static int ready_key(struct kp_throttle *throttle, const struct kp_throttle_settings *settings)
{
    const struct kp_span key = {throttle->tables.key, sizeof throttle->tables.key};
    int error = kp_crypto_new(&throttle->crypto, settings->random, settings->random_arg);
    if (error == 0)
        error = kp_random(throttle->crypto, throttle->tables.key, sizeof throttle->tables.key);
    if (error == 0)
        error = kp_mac_new(&throttle->mac, throttle->crypto, KP_HASH_SHA256, key);
    return error;
}

int kp_throttle_new(struct kp_throttle **out, const struct kp_throttle_settings *settings)
{
    struct kp_throttle *throttle = calloc(1, sizeof *throttle);
    *out = NULL;
    if (throttle == NULL)
        return KP_E_MEMORY;
    if (pthread_mutex_init(&throttle->lock, NULL) != 0) {
        free(throttle);
        return KP_E_MEMORY;
    }
    int error = set_limits(throttle, settings);
    if (error == 0)
        error = ready_key(throttle, settings);
    if (error != 0)
        kp_throttle_free(throttle);
    else
        *out = throttle;
    return error;
}

void kp_throttle_free(struct kp_throttle *throttle)
{
    if (throttle == NULL)
        return;
    kp_mac_free(throttle->mac);
    kp_crypto_free(throttle->crypto);
    pthread_mutex_destroy(&throttle->lock);
    kp_free_secret(throttle, sizeof *throttle);
}

/* ---- Guesses ------------------------------------------------------------------------------- */

static void add_charge(struct charges *charges, struct kp_throttle_debt *debt,
                       const struct kp_throttle_limit *limit)
{
    charges->debt[charges->count] = debt;
    charges->limit[charges->count] = limit;
    charges->count++;
}

/* Asks for a lease of each that hasn't so many tokens left.  Whether there is one. */
static bool ask(const struct kp_throttle *throttle, const struct charges *charges, uint64_t tokens)
{
    bool asked = false;
    for (size_t i = 0; throttle->leased && i < charges->count; i++) {
        struct kp_throttle_debt *debt = charges->debt[i];
        bool covered = debt == &charges->source->debt
                           ? kp_throttle_covers_source(throttle, charges->source, tokens)
                           : kp_throttle_covers(throttle, debt, charges->limit[i], tokens);
        debt->asking = debt->asking || !covered;
        asked = asked || !covered;
    }
    return asked;
}

static void spend(const struct kp_throttle *throttle, const struct charges *charges)
{
    for (size_t i = 0; i < charges->count; i++) {
        struct kp_throttle_debt *debt = charges->debt[i];
        debt->full_at = throttle->now + owed(throttle, debt) + charges->limit[i]->token;
        debt->promised = false;
    }
}

/* Whether every bucket that counts has a token for it.  Nothing is changed yet. */
static bool has_tokens(struct kp_throttle *throttle, const struct kp_guess *guess,
                       const struct kp_throttle_pair *pair)
{
    const struct kp_throttle_place *source =
        find(throttle->tables.sources, KP_THROTTLE_SOURCES, guess->source);
    const struct kp_throttle_place *name =
        find(throttle->tables.names, KP_THROTTLE_NAMES, guess->name);
    const struct kp_throttle_debt *of_source = source != NULL ? &source->debt : NULL;
    const struct kp_throttle_debt *of_name = name != NULL ? &name->debt : NULL;
    bool clean = source == NULL || source->clean_at <= throttle->now;
    if (!has_token(throttle, of_source, &throttle->source, true))
        return false;
    if (pair != NULL)
        return has_token(throttle, &pair->debt, &throttle->name, true);
    return has_token(throttle, of_name, &throttle->name, clean) &&
           has_token(throttle, &throttle->tables.all, &throttle->all, clean);
}

/* A failure until it is proved. */
static void blame(const struct kp_throttle *throttle, struct kp_throttle_place *source)
{
    uint64_t rest = kp_throttle_ahead(throttle, source->clean_at) + KP_THROTTLE_FORGIVE_MS;
    source->clean_at =
        throttle->now + (rest < KP_THROTTLE_FORGIVE_MAX_MS ? rest : KP_THROTTLE_FORGIVE_MAX_MS);
}

static void absolve(const struct kp_throttle *throttle, struct kp_throttle_place *source)
{
    uint64_t rest = kp_throttle_ahead(throttle, source->clean_at);
    source->clean_at =
        throttle->now + (rest > KP_THROTTLE_FORGIVE_MS ? rest - KP_THROTTLE_FORGIVE_MS : 0);
}

static enum kp_verdict judge(struct kp_throttle *throttle, struct kp_guess *guess)
{
    struct kp_throttle_tables *tables = &throttle->tables;
    struct kp_throttle_pair *pair = find_pair(throttle, guess->source, guess->name);
    struct kp_throttle_place *source, *name = NULL;
    struct charges charges = {.count = 0};
    if (!has_tokens(throttle, guess, pair))
        return KP_GUESS_REFUSED;
    guess->exempt = pair != NULL;
    guess->lease = throttle->leased;
    source = claim(throttle, tables->sources, KP_THROTTLE_SOURCES, guess->source);
    if (pair == NULL)
        name = claim(throttle, tables->names, KP_THROTTLE_NAMES, guess->name);
    if (pair == NULL && (source == NULL || name == NULL))
        return KP_GUESS_LEASE;
    charges.source = source;
    if (source != NULL)
        add_charge(&charges, &source->debt, &throttle->source);
    if (pair != NULL) {
        add_charge(&charges, &pair->debt, &throttle->name);
    } else {
        add_charge(&charges, &name->debt, &throttle->name);
        add_charge(&charges, &tables->all, &throttle->all);
    }
    /* Who is exempt never waits: that would tell that there is such a name.  If it was wrong, it
     * is written soon: see is_behind. */
    if (pair == NULL && ask(throttle, &charges, 1)) {
        (void)ask(throttle, &charges, KP_THROTTLE_SPARE);
        return KP_GUESS_LEASE;
    }
    spend(throttle, &charges);
    if (source != NULL)
        blame(throttle, source);
    guess->lease = pair == NULL && ask(throttle, &charges, KP_THROTTLE_SPARE);
    guess->granted = true;
    return KP_GUESS_GRANTED;
}

enum kp_verdict kp_throttle_take(struct kp_throttle *throttle, const uint8_t source[KP_SOURCE_LEN],
                                 const char *name, size_t len, uint64_t now_ms,
                                 struct kp_guess *out)
{
    enum kp_verdict verdict = KP_GUESS_REFUSED;
    *out = (struct kp_guess){.granted = false};
    pthread_mutex_lock(&throttle->lock);
    kp_throttle_tick(throttle, now_ms);
    throttle->active_at = throttle->now;
    if (source_tag(throttle, source, &out->source) == 0 &&
        make_tag(throttle, 'n', name, len, &out->name) == 0)
        verdict = judge(throttle, out);
    pthread_mutex_unlock(&throttle->lock);
    return verdict;
}

/* One token back.  What time gave back already, or what is forgotten, isn't given twice. */
static void give_back(const struct kp_throttle *throttle, struct kp_throttle_debt *debt,
                      const struct kp_throttle_limit *limit)
{
    uint64_t rest = owed(throttle, debt);
    if (debt == NULL)
        return;
    rest = rest > limit->token ? rest - limit->token : 0;
    debt->full_at = throttle->now + rest;
    /* A state is whole seconds: less than one too many is none. */
    debt->loose = debt->loose || debt->lease * (uint64_t)1000 >= rest + 1000;
}

static void give_back_of(struct kp_throttle *throttle, struct kp_throttle_place *places,
                         size_t count, uint64_t tag, const struct kp_throttle_limit *limit)
{
    struct kp_throttle_place *place = find(places, count, tag);
    if (place == NULL)
        return;
    give_back(throttle, &place->debt, limit);
    absolve(throttle, place);
}

static void give_all_back(struct kp_throttle *throttle, const struct kp_guess *guess)
{
    struct kp_throttle_tables *tables = &throttle->tables;
    struct kp_throttle_pair *pair = find_pair(throttle, guess->source, guess->name);
    give_back_of(throttle, tables->sources, KP_THROTTLE_SOURCES, guess->source, &throttle->source);
    if (!guess->exempt) {
        give_back_of(throttle, tables->names, KP_THROTTLE_NAMES, guess->name, &throttle->name);
        give_back(throttle, &tables->all, &throttle->all);
    } else if (pair != NULL) {
        give_back(throttle, &pair->debt, &throttle->name);
    }
}

static void exempt(struct kp_throttle *throttle, const struct kp_guess *guess)
{
    struct kp_throttle_pair *pair = claim_pair(throttle, guess->source, guess->name);
    uint64_t until = throttle->now + KP_THROTTLE_EXEMPT_SECONDS * (uint64_t)1000;
    if (until - pair->until >= RENEW_MS)
        pair->debt.unwritten = true;
    pair->until = until;
}

void kp_throttle_proved(struct kp_throttle *throttle, struct kp_guess *guess, uint64_t now_ms)
{
    if (!guess->granted)
        return;
    guess->granted = false;
    pthread_mutex_lock(&throttle->lock);
    kp_throttle_tick(throttle, now_ms);
    throttle->active_at = throttle->now;
    give_all_back(throttle, guess);
    exempt(throttle, guess);
    pthread_mutex_unlock(&throttle->lock);
}

void kp_throttle_spend(struct kp_throttle *throttle, uint64_t now_ms)
{
    pthread_mutex_lock(&throttle->lock);
    kp_throttle_tick(throttle, now_ms);
    throttle->tables.all.full_at = throttle->now + throttle->all.whole;
    pthread_mutex_unlock(&throttle->lock);
}

uint32_t kp_throttle_wait(struct kp_throttle *throttle, const uint8_t source[KP_SOURCE_LEN],
                          uint64_t now_ms)
{
    const struct kp_throttle_place *place = NULL;
    uint64_t tag;
    pthread_mutex_lock(&throttle->lock);
    kp_throttle_tick(throttle, now_ms);
    if (source_tag(throttle, source, &tag) == 0)
        place = find(throttle->tables.sources, KP_THROTTLE_SOURCES, tag);
    uint64_t wanted = owed(throttle, place != NULL ? &place->debt : NULL) + throttle->source.token;
    uint64_t wait = wanted > throttle->source.whole ? wanted - throttle->source.whole : 0;
    pthread_mutex_unlock(&throttle->lock);
    return (uint32_t)((wait + 999) / 1000);
}
