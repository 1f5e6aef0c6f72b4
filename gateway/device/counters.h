/*
 * What `serve` counts, of all workers, and how Prometheus reads it.  No label has a value that a
 * stranger can choose, and no number is a secret.
 */
#ifndef KP_DEVICE_COUNTERS_H
#define KP_DEVICE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "../http/text.h"

typedef atomic_uint_least64_t kp_count;

/* How a handshake ended. */
enum kp_shake {
    KP_SHAKE_PROVED,  /* the password */
    KP_SHAKE_RESUMED, /* a ticket */
    KP_SHAKE_FAILED,  /* one guess at the password that wasn't proved */
    KP_SHAKE_REFUSED, /* it offered nothing that is taken here: kp_counters.refused tells what */
    KP_SHAKE_BROKEN,  /* it went away, fell silent or made way */
    KP_SHAKE_COUNT,
};

/* The version of TLS, as far as there is one. */
enum kp_shake_version { KP_SHAKE_12, KP_SHAKE_13, KP_SHAKE_NONE, KP_SHAKE_VERSIONS };

enum kp_refused {
    KP_REFUSED_PLAIN_HTTP,
    KP_REFUSED_NO_TLS,
    KP_REFUSED_VERSION,
    KP_REFUSED_NO_PASSWORD,
    KP_REFUSED_NO_SCHEME,
    KP_REFUSED_OFFER, /* groups, suites, extensions that are missing */
    KP_REFUSED_TICKET,
    KP_REFUSED_NO_ROOM, /* descriptors or memory */
    KP_REFUSED_NOT,     /* it isn't; and how many there are */
};

/* The words of the log's events. */
enum kp_failure {
    KP_FAILURE_UPSTREAM_DOWN,
    KP_FAILURE_BAD_ANSWER,
    KP_FAILURE_BAD_REQUEST,
    KP_FAILURE_BUSY, /* --max-requests */
    KP_FAILURE_FAILED,
    KP_FAILURE_CUT, /* either side ended in the middle */
    KP_FAILURE_COUNT,
};

#define KP_COUNTED_LACKS 9 /* as enum kp_lack of worker.h */

/* --max-connections and its kin. */
enum kp_limit {
    KP_LIMIT_CONNECTIONS,
    KP_LIMIT_PER_SOURCE,
    KP_LIMIT_HANDSHAKES,
    KP_LIMIT_REQUESTS,
    KP_COUNTED_LIMITS,
};

struct kp_counters {
    kp_count connections_total;
    kp_count handshakes[KP_SHAKE_VERSIONS][KP_SHAKE_COUNT];
    kp_count guesses_granted, guesses_refused;
    kp_count refused[KP_REFUSED_NOT];
    kp_count requests[5]; /* by status: 1xx to 5xx */
    kp_count failures[KP_FAILURE_COUNT];
    kp_count upstream_connections;
    kp_count bytes_in, bytes_out; /* of clients whose connection ended, without TLS's own */
    /* What others count already: set before they are written. */
    kp_count connections, gave_way;
    kp_count lacks[KP_COUNTED_LACKS];
    kp_count users, loads, failed_loads;
    kp_count lines_dropped;
    kp_count limits[KP_COUNTED_LIMITS];
};

/* Of the process: what can't be told is left out. */
struct kp_counters_process {
    bool knows_fds, knows_memory, knows_start;
    uint64_t fds, memory, start; /* bytes; seconds since 1970 */
};

static inline void kp_counted(kp_count *count)
{
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

static inline void kp_counted_more(kp_count *count, uint64_t more)
{
    atomic_fetch_add_explicit(count, more, memory_order_relaxed);
}

static inline void kp_counted_less(kp_count *count)
{
    atomic_fetch_sub_explicit(count, 1, memory_order_relaxed);
}

/* An answer of that status; one that is no status of HTTP counts as nothing. */
void kp_counters_request(struct kp_counters *counters, unsigned status);

/* One word for a refusal, of counters and log lines. */
const char *kp_counters_refused(enum kp_refused why);

/* All of it in Prometheus text format 0.0.4. */
void kp_counters_write(struct kp_out *out, const struct kp_counters *counters,
                       const struct kp_counters_process *process);

#endif
