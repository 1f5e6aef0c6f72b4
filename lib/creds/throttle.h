/*
 * The inside of the throttle of guesses: only for throttle*.c and their tests.  The contract stands
 * in keyplate.h.
 *
 * A bucket is kept by when it is full again (GCRA): what it lacks until then is its debt, in
 * milliseconds, and a token is so many of them.  Time is the throttle's own: it goes on with the
 * caller's clock, and never back.
 *
 * The text of the state, in this order, each line ended by a newline:
 *
 *      keyplate-throttle 1
 *      key HEX                             of the tags: 32 bytes
 *      all SECONDS                         a debt, as are all SECONDS
 *      source TAG SECONDS SECONDS          and until its failures are forgiven; each tag 16 hex
 *                                          digits, lower case
 *      name TAG SECONDS
 *      pair SOURCE-TAG NAME-TAG SECONDS SECONDS-OF-EXEMPTION
 */
#ifndef KP_CREDS_THROTTLE_H
#define KP_CREDS_THROTTLE_H

#include <pthread.h>

#include "crypto/provider.h"

#define KP_THROTTLE_SOURCES 512
#define KP_THROTTLE_NAMES 256
#define KP_THROTTLE_PAIRS 128
#define KP_THROTTLE_PAIRS_OF_NAME 8
#define KP_THROTTLE_KEY_LEN 32
#define KP_THROTTLE_BURST_MAX 10000
#define KP_THROTTLE_SECONDS_MAX 86400
#define KP_THROTTLE_EXEMPT_SECONDS (30u * 86400)
#define KP_THROTTLE_QUIET_MS 3000
#define KP_THROTTLE_SPARE 2                 /* tokens: with fewer leased, more are asked for */
#define KP_THROTTLE_FORGIVE_MS 900000       /* for each failure, until a source is clean again */
#define KP_THROTTLE_FORGIVE_MAX_MS 86400000 /* for all of them */

/* A bucket's settings, in milliseconds of debt. */
struct kp_throttle_limit {
    uint64_t token;
    uint64_t whole;    /* the debt of an empty bucket */
    uint64_t reserved; /* for sources that are clean */
    uint64_t block;    /* what is leased at a time, at most whole */
};

struct kp_throttle_debt {
    uint64_t full_at;    /* past: the bucket is full */
    uint32_t lease;      /* seconds of debt: a restart, whenever, would take it for no less */
    uint32_t writing;    /* the same in the state that is being written, if in_writing */
    uint16_t promised_s; /* our time in seconds, its low bits, when it was promised */
    bool in_writing : 1;
    bool asking : 1;    /* a guess waits for a lease, or the next one would */
    bool asked : 1;     /* it asked for what is being written */
    bool promised : 1;  /* it was leased, and not yet used: not to be lowered before */
    bool unwritten : 1; /* a pair: its exemption is in no state yet */
    bool loose : 1;     /* the state says more than it has to */
};

/* A source or a name.  Tag 0: free. */
struct kp_throttle_place {
    uint64_t tag;
    uint64_t clean_at; /* of a source: when its failures are forgiven, long after they are paid */
    uint32_t clean_lease;   /* seconds until then, and in the state that is being written: as of */
    uint32_t clean_writing; /* a debt */
    struct kp_throttle_debt debt;
};

/* A name that was proved from a source.  Source 0: free. */
struct kp_throttle_pair {
    uint64_t source;
    uint64_t name;
    uint64_t until;
    struct kp_throttle_debt debt;
};

struct kp_throttle_tables {
    uint8_t key[KP_THROTTLE_KEY_LEN];
    struct kp_throttle_debt all;
    struct kp_throttle_place sources[KP_THROTTLE_SOURCES];
    struct kp_throttle_place names[KP_THROTTLE_NAMES];
    struct kp_throttle_pair pairs[KP_THROTTLE_PAIRS];
};

/* 43 KB, nearly all of it tables: nothing is allocated later, but while an old state is read. */
struct kp_throttle {
    pthread_mutex_t lock;
    struct kp_crypto *crypto;
    struct kp_mac *mac; /* of the tables' key */
    struct kp_throttle_limit source;
    struct kp_throttle_limit name; /* and of a pair */
    struct kp_throttle_limit all;
    bool leased;
    bool resting;       /* no guess follows */
    bool started;       /* clock is known */
    uint64_t clock;     /* the caller's, at its latest */
    uint64_t now;       /* our time */
    uint64_t active_at; /* of the last guess or proof */
    struct kp_throttle_tables tables;
};

/* Under the lock: goes on to the time of the caller's clock. */
void kp_throttle_tick(struct kp_throttle *throttle, uint64_t now_ms);
/* The milliseconds from now to a time; 0 when it is past. */
uint64_t kp_throttle_ahead(const struct kp_throttle *throttle, uint64_t time);
/* Whether so many tokens more, or all that the bucket can have, can be spent before a state is
 * written. */
bool kp_throttle_covers(const struct kp_throttle *throttle, const struct kp_throttle_debt *debt,
                        const struct kp_throttle_limit *limit, uint64_t tokens);
/* The same of a source, and of the failures that come with them. */
bool kp_throttle_covers_source(const struct kp_throttle *throttle,
                               const struct kp_throttle_place *source, uint64_t tokens);

#endif
