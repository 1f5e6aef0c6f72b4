/* Who the connections are of: see sources.h. */
#include "sources.h"

#include <stdlib.h>
#include <string.h>

#define NAMED 0x8000000000000000u /* of a user's key: sources' own keys of ours never have it */

/* A worker's own connections of a source and a crowd. */
struct line {
    struct kp_member *first, **end; /* which the worker alone touches */
    struct kp_source *next, **at;   /* of its level, while there are any */
};

struct kp_source {
    struct kp_source *next; /* of its bucket */
    uint64_t key;
    size_t members;
    size_t counts[KP_CROWDS];
    struct line here[][KP_CROWDS]; /* of each worker */
};

/* ---- Names ------------------------------------------------------------------------------- */

/* The finish of splitmix64 (public domain, S. Vigna): each bit of x changes half of what comes. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t first_eight(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* Of IPv6 the first half; of IPv4 the second of ::ffff:a.b.c.d, which is free for it: nobody has an
 * address of 0:ffff::/32. */
static uint64_t key_of(const union kp_inet *from)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t six[16];
    kp_inet_six(from, six);
    return first_eight(memcmp(six, mapped, sizeof mapped) == 0 ? six + 8 : six);
}

static uint64_t key_of_user(const struct kp_sources *s, uint64_t source, const char *name,
                            size_t len)
{
    uint64_t key = mix(s->seed ^ source);
    for (size_t i = 0; i < len; i++)
        key = mix(key ^ (uint8_t)name[i]) + i;
    return key | NAMED;
}

uint32_t kp_sources_turn(const struct kp_sources *s, const union kp_inet *from)
{
    return (uint32_t)mix(s->seed ^ key_of(from));
}

/* ---- Levels ------------------------------------------------------------------------------ */

/* 1 to 15, then powers of two.  0: nobody. */
static unsigned level_of(size_t count)
{
    unsigned level = 12;
    if (count < 16)
        return (unsigned)count;
    for (; count > 1; count >>= 1)
        level++;
    return level < KP_CROWD_LEVELS ? level : KP_CROWD_LEVELS - 1;
}

static void take_off_level(struct kp_sources *s, struct kp_source *e, unsigned worker,
                           unsigned crowd)
{
    unsigned level = level_of(e->counts[crowd]);
    struct kp_ranks *ranks = &s->ranks[worker][crowd];
    struct line *line = &e->here[worker][crowd];
    *line->at = line->next;
    if (line->next != NULL)
        line->next->here[worker][crowd].at = line->at;
    else
        ranks->levels[level].end = line->at;
    if (ranks->levels[level].first == NULL)
        ranks->used &= ~(1ull << level);
}

static void put_on_level(struct kp_sources *s, struct kp_source *e, unsigned worker, unsigned crowd)
{
    unsigned level = level_of(e->counts[crowd]);
    struct kp_ranks *ranks = &s->ranks[worker][crowd];
    struct line *line = &e->here[worker][crowd];
    line->next = NULL;
    line->at = ranks->levels[level].end;
    *line->at = e;
    ranks->levels[level].end = &line->next;
    ranks->used |= 1ull << level;
}

static void count(struct kp_sources *s, struct kp_source *e, unsigned crowd, bool more)
{
    size_t now = e->counts[crowd];
    size_t then = more ? now + 1 : now - 1;
    bool moves = level_of(now) != level_of(then);
    for (unsigned w = 0; moves && w < s->workers; w++)
        if (e->here[w][crowd].first != NULL)
            take_off_level(s, e, w, crowd);
    e->counts[crowd] = then;
    for (unsigned w = 0; moves && w < s->workers; w++)
        if (e->here[w][crowd].first != NULL)
            put_on_level(s, e, w, crowd);
    s->counts[crowd] = more ? s->counts[crowd] + 1 : s->counts[crowd] - 1;
}

/* ---- The table --------------------------------------------------------------------------- */

static void empty(struct kp_ranks *ranks)
{
    for (size_t i = 0; i < KP_CROWD_LEVELS; i++)
        ranks->levels[i].end = &ranks->levels[i].first;
}

int kp_sources_open(struct kp_sources *s, unsigned workers, size_t connections)
{
    memset(s, 0, sizeof *s);
    s->workers = workers;
    s->bucket_count = 64;
    while (s->bucket_count < connections / 4 && s->bucket_count < 65536)
        s->bucket_count *= 2;
    if (uv_random(NULL, NULL, &s->seed, sizeof s->seed, 0, NULL) != 0)
        s->seed = uv_hrtime();
    s->buckets = calloc(s->bucket_count, sizeof(void *));
    s->ranks = calloc(workers, sizeof *s->ranks);
    if (s->buckets != NULL && s->ranks != NULL && uv_mutex_init(&s->lock) == 0) {
        for (unsigned w = 0; w < workers; w++)
            for (unsigned c = 0; c < KP_CROWDS; c++)
                empty(&s->ranks[w][c]);
        return 0;
    }
    free(s->buckets);
    free(s->ranks);
    s->buckets = NULL;
    return UV_ENOMEM;
}

void kp_sources_close(struct kp_sources *s)
{
    if (s->buckets == NULL)
        return;
    free(s->buckets);
    free(s->ranks);
    s->buckets = NULL;
    uv_mutex_destroy(&s->lock);
}

static struct kp_source **bucket_of(struct kp_sources *s, uint64_t key)
{
    return &s->buckets[mix(s->seed ^ key) & (s->bucket_count - 1)];
}

static struct kp_source *find(struct kp_sources *s, uint64_t key)
{
    struct kp_source *e = *bucket_of(s, key);
    while (e != NULL && e->key != key)
        e = e->next;
    return e;
}

static struct kp_source *find_or_make(struct kp_sources *s, uint64_t key)
{
    struct kp_source *e = find(s, key);
    struct kp_source **bucket = bucket_of(s, key);
    if (e != NULL)
        return e;
    e = calloc(1, sizeof *e + s->workers * sizeof e->here[0]);
    if (e == NULL)
        return NULL;
    e->key = key;
    for (unsigned w = 0; w < s->workers; w++)
        for (unsigned c = 0; c < KP_CROWDS; c++)
            e->here[w][c].end = &e->here[w][c].first;
    e->next = *bucket;
    *bucket = e;
    return e;
}

static void forget(struct kp_sources *s, struct kp_source *e)
{
    struct kp_source **at = bucket_of(s, e->key);
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    free(e);
}

/* ---- Members ----------------------------------------------------------------------------- */

static void line_up(struct kp_sources *s, struct kp_member *m, unsigned worker)
{
    struct line *line = &m->source->here[worker][m->crowd];
    bool is_first = line->first == NULL;
    m->next = NULL;
    m->at = line->end;
    *m->at = m;
    line->end = &m->next;
    if (is_first)
        put_on_level(s, m->source, worker, m->crowd);
}

static void step_out(struct kp_sources *s, struct kp_member *m, unsigned worker)
{
    struct line *line = &m->source->here[worker][m->crowd];
    *m->at = m->next;
    if (m->next != NULL)
        m->next->at = m->at;
    else
        line->end = m->at;
    if (line->first == NULL)
        take_off_level(s, m->source, worker, m->crowd);
}

static void join(struct kp_sources *s, struct kp_member *m, unsigned worker, struct kp_source *e,
                 enum kp_crowd crowd)
{
    m->source = e;
    m->crowd = (uint8_t)crowd;
    e->members++;
    count(s, e, crowd, true);
    line_up(s, m, worker);
}

static void part(struct kp_sources *s, struct kp_member *m, unsigned worker)
{
    struct kp_source *e = m->source;
    step_out(s, m, worker);
    count(s, e, m->crowd, false);
    m->source = NULL;
    if (--e->members == 0)
        forget(s, e);
}

int kp_sources_enter(struct kp_sources *s, struct kp_member *m, unsigned worker,
                     const union kp_inet *from, enum kp_crowd crowd)
{
    struct kp_source *e;
    m->source = NULL;
    uv_mutex_lock(&s->lock);
    e = find_or_make(s, key_of(from));
    if (e != NULL)
        join(s, m, worker, e, crowd);
    uv_mutex_unlock(&s->lock);
    return e != NULL ? 0 : UV_ENOMEM;
}

void kp_sources_move(struct kp_sources *s, struct kp_member *m, unsigned worker,
                     enum kp_crowd crowd, const char *name, size_t name_len)
{
    struct kp_source *e = NULL;
    if (m->source == NULL)
        return;
    uv_mutex_lock(&s->lock);
    if (name != NULL)
        e = find_or_make(s, key_of_user(s, m->source->key, name, name_len));
    if (e == NULL)
        e = m->source;
    e->members++; /* so that it stays when its only one parts */
    part(s, m, worker);
    join(s, m, worker, e, crowd);
    e->members--;
    uv_mutex_unlock(&s->lock);
}

void kp_sources_leave(struct kp_sources *s, struct kp_member *m, unsigned worker)
{
    if (m->source == NULL)
        return;
    uv_mutex_lock(&s->lock);
    part(s, m, worker);
    uv_mutex_unlock(&s->lock);
}

/* ---- Questions --------------------------------------------------------------------------- */

size_t kp_sources_newcomers(struct kp_sources *s, const union kp_inet *from)
{
    const struct kp_source *e;
    size_t found = 0;
    uv_mutex_lock(&s->lock);
    e = find(s, key_of(from));
    if (e != NULL)
        found = e->counts[KP_CROWD_WAITING] + e->counts[KP_CROWD_SHAKING];
    uv_mutex_unlock(&s->lock);
    return found;
}

struct kp_member *kp_sources_own(struct kp_sources *s, unsigned worker, const union kp_inet *from,
                                 enum kp_crowd crowd)
{
    const struct kp_source *e;
    struct kp_member *found = NULL;
    uv_mutex_lock(&s->lock);
    e = find(s, key_of(from));
    if (e != NULL)
        found = e->here[worker][crowd].first;
    uv_mutex_unlock(&s->lock);
    return found;
}

bool kp_sources_have_newcomers(struct kp_sources *s)
{
    bool have;
    uv_mutex_lock(&s->lock);
    have = s->counts[KP_CROWD_WAITING] + s->counts[KP_CROWD_SHAKING] > 0;
    uv_mutex_unlock(&s->lock);
    return have;
}

size_t kp_sources_most(struct kp_sources *s, unsigned worker, enum kp_crowd crowd,
                       struct kp_head *out, size_t most)
{
    const struct kp_ranks *ranks = &s->ranks[worker][crowd];
    size_t found = 0;
    uv_mutex_lock(&s->lock);
    for (unsigned level = KP_CROWD_LEVELS - 1; level > 0 && ranks->used != 0; level--)
        for (const struct kp_source *e = ranks->levels[level].first; e != NULL && found < most;
             e = e->here[worker][crowd].next)
            out[found++] = (struct kp_head){e->here[worker][crowd].first, e->counts[crowd]};
    uv_mutex_unlock(&s->lock);
    return found;
}
