/*
 * Who the connections are of, over all workers: how many each source has that prove nothing, and
 * how many each user has from there; and which of them is the next to give way.  A source is an
 * IPv4 address, or the first 64 bits of an IPv6 one.  Knows no socket and no protocol.
 *
 * A table behind one lock, with an entry for each who has a connection now: it can't outgrow them.
 * Every step takes about the same time, however many there are; more only with the workers.
 */
#ifndef KP_DEVICE_SOURCES_H
#define KP_DEVICE_SOURCES_H

#include "../net/address.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* What a connection counts as. */
enum kp_crowd {
    KP_CROWD_WAITING, /* proved nothing: plain HTTP, other TLS, not known yet */
    KP_CROWD_SHAKING, /* a handshake */
    KP_CROWD_PROVED,  /* of a user */
    KP_CROWDS,
};

/* Sources are ordered by how many they have: exactly below 16, then by powers of two. */
#define KP_CROWD_LEVELS 36

struct kp_source;

/* Who has connections of a crowd at a worker, in the order of how many they have of all workers. */
struct kp_ranks {
    struct {
        struct kp_source *first, **end; /* who came to the level first leads */
    } levels[KP_CROWD_LEVELS];
    uint64_t used; /* which levels have any: a bit each */
};

/* A connection's place; part of what it is for. */
struct kp_member {
    struct kp_member *next,
        **at;                 /* of its source, crowd and worker: the one that came first leads */
    struct kp_source *source; /* NULL: it doesn't count */
    uint8_t crowd;            /* enum kp_crowd */
};

struct kp_sources {
    uv_mutex_t lock;
    struct kp_source **buckets;
    size_t bucket_count; /* a power of two */
    unsigned workers;
    uint64_t seed;                       /* so that nobody can choose who shares a bucket */
    struct kp_ranks (*ranks)[KP_CROWDS]; /* of each worker */
    size_t counts[KP_CROWDS];
};

/* For about so many connections.  0 or a negative uv error. */
int kp_sources_open(struct kp_sources *sources, unsigned workers, size_t connections);
/* All have left. */
void kp_sources_close(struct kp_sources *sources);

/* What takes turns with others: see kp_loop_in_turn. */
uint32_t kp_sources_turn(const struct kp_sources *sources, const union kp_inet *from);

/* The member is the worker's, which alone may call these for it.  0, or UV_ENOMEM. */
int kp_sources_enter(struct kp_sources *sources, struct kp_member *member, unsigned worker,
                     const union kp_inet *from, enum kp_crowd crowd);
/* From now on it counts in that crowd, as the youngest; with a name: as that user's, from there.
 * Without memory for another entry it stays with its source. */
void kp_sources_move(struct kp_sources *sources, struct kp_member *member, unsigned worker,
                     enum kp_crowd crowd, const char *name, size_t name_len);
/* Twice is fine. */
void kp_sources_leave(struct kp_sources *sources, struct kp_member *member, unsigned worker);

/* How many of that address have proved nothing, of all workers. */
size_t kp_sources_newcomers(struct kp_sources *sources, const union kp_inet *from);
/* The worker's oldest of that address and crowd, or NULL. */
struct kp_member *kp_sources_own(struct kp_sources *sources, unsigned worker,
                                 const union kp_inet *from, enum kp_crowd crowd);

/* Whether anybody has proved nothing, at any worker. */
bool kp_sources_have_newcomers(struct kp_sources *sources);

/* A source with connections at a worker: its oldest one there; those behind it are its others. */
struct kp_head {
    struct kp_member *first;
    size_t count; /* of all workers */
};
/* Up to `most` sources with connections of that crowd at the worker: those first who have most of
 * all workers, as KP_CROWD_LEVELS tells.  How many were found. */
size_t kp_sources_most(struct kp_sources *sources, unsigned worker, enum kp_crowd crowd,
                       struct kp_head *out, size_t most);

#endif
