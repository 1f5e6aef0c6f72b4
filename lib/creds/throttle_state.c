/*
 * The throttle's state as text, out and in.  The format stands in throttle.h.
 */
#include "creds/throttle.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define MAGIC "keyplate-throttle 1\n"
#define TAG_DIGITS 16
#define DEBT_MAX (KP_THROTTLE_BURST_MAX * (uint64_t)KP_THROTTLE_SECONDS_MAX)

_Static_assert(40 * KP_THROTTLE_SOURCES + 32 * KP_THROTTLE_NAMES + 60 * KP_THROTTLE_PAIRS + 120 <
                   KP_THROTTLE_STATE_MAX,
               "a full state fits");

/* ---- Out ----------------------------------------------------------------------------------- */

/* What is called for every bucket. */
typedef void visit_fn(struct kp_throttle *throttle, struct kp_throttle_debt *debt,
                      const struct kp_throttle_limit *limit);

static void visit_all(struct kp_throttle *throttle, visit_fn *visit)
{
    struct kp_throttle_tables *tables = &throttle->tables;
    visit(throttle, &tables->all, &throttle->all);
    for (size_t i = 0; i < KP_THROTTLE_SOURCES; i++)
        visit(throttle, &tables->sources[i].debt, &throttle->source);
    for (size_t i = 0; i < KP_THROTTLE_NAMES; i++)
        visit(throttle, &tables->names[i].debt, &throttle->name);
    for (size_t i = 0; i < KP_THROTTLE_PAIRS; i++)
        visit(throttle, &tables->pairs[i].debt, &throttle->name);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool quiet(const struct kp_throttle *throttle)
{
    return throttle->resting || throttle->now - throttle->active_at >= KP_THROTTLE_QUIET_MS;
}

/* What is to be written.  A lease is lowered before the text is anywhere, and raised only when it
 * is on the disk: whichever of the two states a restart finds, no more was spent.  While there are
 * guesses, nobody's lease is lowered below a block: who guesses again needn't wait. */
static void draft(struct kp_throttle *throttle, struct kp_throttle_debt *debt,
                  const struct kp_throttle_limit *limit)
{
    uint64_t owed = smaller(kp_throttle_ahead(throttle, debt->full_at), limit->whole);
    uint64_t ahead = smaller(owed + limit->block, limit->whole);
    uint64_t wanted = debt->asking && !throttle->resting ? ahead : owed;
    if (quiet(throttle))
        debt->promised = false;
    else
        wanted = larger(wanted, smaller(ahead, debt->lease * (uint64_t)1000));
    /* A whole bucket is whole seconds. */
    debt->writing = (uint32_t)((wanted + 999) / 1000);
    debt->in_writing = true;
    debt->lease = (uint32_t)smaller(debt->lease, debt->writing);
    debt->loose = wanted >= owed + 1000;
    debt->asked = debt->asking;
    debt->asking = false;
    debt->unwritten = false;
}

static void raise_lease(struct kp_throttle *throttle, struct kp_throttle_debt *debt,
                        const struct kp_throttle_limit *limit)
{
    (void)limit;
    if (!debt->in_writing)
        return;
    debt->lease = debt->writing;
    if (debt->asked)
        debt->promised_s = (uint16_t)(throttle->now / 1000);
    debt->promised = debt->promised || debt->asked;
    debt->in_writing = false;
    debt->asked = false;
}

struct writer {
    char *out;
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(w->out + w->len, KP_THROTTLE_STATE_MAX - w->len, format, args);
    va_end(args);
    if (len > 0)
        w->len += (size_t)len;
}

/* What is leased counts as failures, too. */
static uint32_t seconds_to_clean(const struct kp_throttle *throttle,
                                 const struct kp_throttle_place *source)
{
    uint64_t owed = kp_throttle_ahead(throttle, source->debt.full_at);
    uint64_t leased = source->debt.writing * (uint64_t)1000;
    uint64_t token = throttle->source.token;
    uint64_t tokens = leased > owed ? (leased - owed + token - 1) / token : 0;
    uint64_t rest = kp_throttle_ahead(throttle, source->clean_at) + tokens * KP_THROTTLE_FORGIVE_MS;
    return (uint32_t)((smaller(rest, KP_THROTTLE_FORGIVE_MAX_MS) + 999) / 1000);
}

/* As of the debts, and after them. */
static void draft_failures(struct kp_throttle *throttle)
{
    for (size_t i = 0; i < KP_THROTTLE_SOURCES; i++) {
        struct kp_throttle_place *source = &throttle->tables.sources[i];
        source->clean_writing = seconds_to_clean(throttle, source);
        source->clean_lease = (uint32_t)smaller(source->clean_lease, source->clean_writing);
    }
}

static void put_sources(struct writer *w, const struct kp_throttle *throttle)
{
    for (size_t i = 0; i < KP_THROTTLE_SOURCES; i++) {
        const struct kp_throttle_place *source = &throttle->tables.sources[i];
        if (source->tag != 0 && (source->debt.writing > 0 || source->clean_writing > 0))
            put(w, "source %016" PRIx64 " %" PRIu32 " %" PRIu32 "\n", source->tag,
                source->debt.writing, source->clean_writing);
    }
}

static void put_names(struct writer *w, const struct kp_throttle *throttle)
{
    for (size_t i = 0; i < KP_THROTTLE_NAMES; i++) {
        const struct kp_throttle_place *name = &throttle->tables.names[i];
        if (name->tag != 0 && name->debt.writing > 0)
            put(w, "name %016" PRIx64 " %" PRIu32 "\n", name->tag, name->debt.writing);
    }
}

static void put_pairs(struct writer *w, const struct kp_throttle *throttle)
{
    for (size_t i = 0; i < KP_THROTTLE_PAIRS; i++) {
        const struct kp_throttle_pair *pair = &throttle->tables.pairs[i];
        uint64_t exempt = kp_throttle_ahead(throttle, pair->until) / 1000;
        if (exempt > 0)
            put(w, "pair %016" PRIx64 " %016" PRIx64 " %" PRIu32 " %" PRIu64 "\n", pair->source,
                pair->name, pair->debt.writing, exempt);
    }
}

size_t kp_throttle_state(struct kp_throttle *throttle, uint64_t now_ms,
                         char out[KP_THROTTLE_STATE_MAX])
{
    const struct kp_throttle_tables *tables = &throttle->tables;
    struct writer w = {.out = out};
    pthread_mutex_lock(&throttle->lock);
    kp_throttle_tick(throttle, now_ms);
    visit_all(throttle, draft);
    draft_failures(throttle);
    put(&w, MAGIC "key ");
    for (size_t i = 0; i < sizeof tables->key; i++)
        put(&w, "%02x", tables->key[i]);
    put(&w, "\nall %" PRIu32 "\n", tables->all.writing);
    put_sources(&w, throttle);
    put_names(&w, throttle);
    put_pairs(&w, throttle);
    pthread_mutex_unlock(&throttle->lock);
    return w.len;
}

void kp_throttle_rest(struct kp_throttle *throttle)
{
    pthread_mutex_lock(&throttle->lock);
    throttle->resting = true;
    pthread_mutex_unlock(&throttle->lock);
}

void kp_throttle_stored(struct kp_throttle *throttle)
{
    struct kp_throttle_place *sources = throttle->tables.sources;
    pthread_mutex_lock(&throttle->lock);
    for (size_t i = 0; i < KP_THROTTLE_SOURCES; i++) {
        if (sources[i].debt.in_writing)
            sources[i].clean_lease = sources[i].clean_writing;
    }
    visit_all(throttle, raise_lease);
    pthread_mutex_unlock(&throttle->lock);
}

/* Whether there are guesses that the state knows nothing of: of who is exempt. */
static bool is_behind(const struct kp_throttle *throttle)
{
    const struct kp_throttle_tables *tables = &throttle->tables;
    bool found = false;
    for (size_t i = 0; i < KP_THROTTLE_SOURCES; i++)
        found = found || (tables->sources[i].tag != 0 &&
                          !kp_throttle_covers_source(throttle, &tables->sources[i], 0));
    for (size_t i = 0; i < KP_THROTTLE_PAIRS; i++)
        found = found || !kp_throttle_covers(throttle, &tables->pairs[i].debt, &throttle->name, 0);
    return found;
}

static bool is_loose(const struct kp_throttle *throttle)
{
    const struct kp_throttle_tables *tables = &throttle->tables;
    bool found = tables->all.loose;
    for (size_t i = 0; i < KP_THROTTLE_SOURCES; i++)
        found = found || tables->sources[i].debt.loose;
    for (size_t i = 0; i < KP_THROTTLE_NAMES; i++)
        found = found || tables->names[i].debt.loose;
    for (size_t i = 0; i < KP_THROTTLE_PAIRS; i++)
        found = found || tables->pairs[i].debt.loose || tables->pairs[i].debt.unwritten;
    return found;
}

bool kp_throttle_unsettled(struct kp_throttle *throttle, uint64_t now_ms)
{
    pthread_mutex_lock(&throttle->lock);
    kp_throttle_tick(throttle, now_ms);
    bool found =
        throttle->leased && (is_behind(throttle) || (quiet(throttle) && is_loose(throttle)));
    pthread_mutex_unlock(&throttle->lock);
    return found;
}

/* ---- In ------------------------------------------------------------------------------------ */

struct parser {
    const struct kp_throttle *throttle;
    struct kp_throttle_tables *tables;
    const char *at;
    size_t left;
    bool failed;
    size_t sources, names, pairs; /* so many were read */
};

/* Takes word if it stands here. */
static bool take_word(struct parser *p, const char *word)
{
    size_t len = strlen(word);
    if (p->failed || p->left < len || memcmp(p->at, word, len) != 0)
        return false;
    p->at += len;
    p->left -= len;
    return true;
}

static void expect(struct parser *p, const char *word)
{
    if (!take_word(p, word))
        p->failed = true;
}

static char take_char(struct parser *p)
{
    if (p->failed || p->left == 0) {
        p->failed = true;
        return '\0';
    }
    p->left--;
    return *p->at++;
}

/* As many lower-case digits, up to 16. */
static uint64_t take_hex(struct parser *p, size_t digits)
{
    uint64_t value = 0;
    while (digits-- > 0) {
        char c = take_char(p);
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        else
            p->failed = true;
    }
    return value;
}

static uint64_t take_tag(struct parser *p)
{
    uint64_t tag = take_hex(p, TAG_DIGITS);
    if (tag == 0)
        p->failed = true;
    return tag;
}

/* Decimal digits as we write them, from min to max, and end behind them. */
static uint64_t take_number(struct parser *p, uint64_t min, uint64_t max, char end)
{
    uint64_t value = 0;
    const char *start = p->at;
    char c;
    while ((c = take_char(p)) >= '0' && c <= '9' && value <= max)
        value = value * 10 + (uint64_t)(c - '0');
    if (p->failed || c != end || value < min || value > max || p->at == start + 1 ||
        (*start == '0' && value > 0) || (value == 0 && p->at != start + 2))
        p->failed = true;
    return value;
}

/* A debt as it was written, but never more than a bucket can owe now. */
static void take_debt(struct parser *p, const struct kp_throttle_limit *limit, uint64_t min,
                      char end, struct kp_throttle_debt *out)
{
    uint64_t ms = take_number(p, min, DEBT_MAX, end) * 1000;
    out->full_at = p->throttle->now + smaller(ms, limit->whole);
    out->lease = (uint32_t)(smaller(ms, limit->whole) / 1000);
}

/* Behind those that were read, unless it is one too many or there twice. */
static void add_place(struct parser *p, const struct kp_throttle_place *place,
                      struct kp_throttle_place *places, size_t max, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        p->failed = p->failed || places[i].tag == place->tag;
    if (p->failed || *count == max)
        p->failed = true;
    else
        places[(*count)++] = *place;
}

static void take_source(struct parser *p)
{
    struct kp_throttle_place place = {.tag = take_tag(p)};
    expect(p, " ");
    take_debt(p, &p->throttle->source, 0, ' ', &place.debt);
    place.clean_lease = (uint32_t)take_number(p, 0, KP_THROTTLE_FORGIVE_MAX_MS / 1000, '\n');
    place.clean_at = p->throttle->now + place.clean_lease * (uint64_t)1000;
    add_place(p, &place, p->tables->sources, KP_THROTTLE_SOURCES, &p->sources);
}

static void take_name(struct parser *p)
{
    struct kp_throttle_place place = {.tag = take_tag(p)};
    expect(p, " ");
    take_debt(p, &p->throttle->name, 1, '\n', &place.debt);
    add_place(p, &place, p->tables->names, KP_THROTTLE_NAMES, &p->names);
}

static void take_pair(struct parser *p)
{
    struct kp_throttle_pair *pairs = p->tables->pairs;
    struct kp_throttle_pair pair = {.source = take_tag(p)};
    size_t of_name = 0;
    expect(p, " ");
    pair.name = take_tag(p);
    expect(p, " ");
    take_debt(p, &p->throttle->name, 0, ' ', &pair.debt);
    pair.until =
        p->throttle->now + take_number(p, 1, KP_THROTTLE_EXEMPT_SECONDS, '\n') * (uint64_t)1000;
    for (size_t i = 0; i < p->pairs; i++) {
        of_name += pairs[i].name == pair.name;
        p->failed = p->failed || (pairs[i].name == pair.name && pairs[i].source == pair.source);
    }
    if (p->failed || p->pairs == KP_THROTTLE_PAIRS || of_name >= KP_THROTTLE_PAIRS_OF_NAME)
        p->failed = true;
    else
        pairs[p->pairs++] = pair;
}

static int parse(struct parser *p)
{
    struct kp_throttle_tables *tables = p->tables;
    expect(p, MAGIC "key ");
    for (size_t i = 0; i < sizeof tables->key; i++)
        tables->key[i] = (uint8_t)take_hex(p, 2);
    expect(p, "\nall ");
    take_debt(p, &p->throttle->all, 0, '\n', &tables->all);
    while (take_word(p, "source "))
        take_source(p);
    while (take_word(p, "name "))
        take_name(p);
    while (take_word(p, "pair "))
        take_pair(p);
    return p->failed || p->left > 0 ? KP_E_SYNTAX : 0;
}

/* Under the lock.  Everything that can fail comes before the first change. */
static int restore(struct kp_throttle *throttle, struct kp_throttle_tables *tables,
                   const char *text, size_t len)
{
    struct parser p = {.throttle = throttle, .tables = tables, .at = text, .left = len};
    struct kp_mac *mac = NULL;
    int error = len < KP_THROTTLE_STATE_MAX ? parse(&p) : KP_E_SYNTAX;
    if (error == 0)
        error = kp_mac_new(&mac, throttle->crypto, KP_HASH_SHA256,
                           (struct kp_span){tables->key, sizeof tables->key});
    if (error != 0)
        return error;
    kp_mac_free(throttle->mac);
    throttle->mac = mac;
    throttle->tables = *tables;
    return 0;
}

int kp_throttle_restore(struct kp_throttle *throttle, const char *text, size_t len, uint64_t now_ms)
{
    struct kp_throttle_tables *tables = calloc(1, sizeof *tables);
    if (tables == NULL)
        return KP_E_MEMORY;
    pthread_mutex_lock(&throttle->lock);
    kp_throttle_tick(throttle, now_ms);
    int error = restore(throttle, tables, text, len);
    pthread_mutex_unlock(&throttle->lock);
    kp_free_secret(tables, sizeof *tables);
    return error;
}
