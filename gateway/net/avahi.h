/*
 * A thread that speaks with Avahi, for nearby_avahi.c and beacon_avahi.c: the library's functions,
 * the connection to its daemon, and the ways between the thread and the loop.
 */
#ifndef KP_NET_AVAHI_H
#define KP_NET_AVAHI_H

#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-client/publish.h>
#include <avahi-common/alternative.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/simple-watch.h>
#include <stdbool.h>
#include <uv.h>

/* What is used of the library, which may not be there. */
#define KP_AVAHI_CALLS(X)                                                                          \
    X(alternative_service_name)                                                                    \
    X(client_errno)                                                                                \
    X(client_free)                                                                                 \
    X(client_new)                                                                                  \
    X(entry_group_add_service_strlst)                                                              \
    X(entry_group_commit)                                                                          \
    X(entry_group_free)                                                                            \
    X(entry_group_new)                                                                             \
    X(entry_group_reset)                                                                           \
    X(free)                                                                                        \
    X(service_browser_free)                                                                        \
    X(service_browser_new)                                                                         \
    X(service_resolver_free)                                                                       \
    X(service_resolver_new)                                                                        \
    X(simple_poll_free)                                                                            \
    X(simple_poll_get)                                                                             \
    X(simple_poll_iterate)                                                                         \
    X(simple_poll_new)                                                                             \
    X(simple_poll_wakeup)                                                                          \
    X(strerror)                                                                                    \
    X(string_list_add_pair)                                                                        \
    X(string_list_free)

struct kp_avahi_calls {
#define KP_AVAHI_FIELD(name) __typeof__(avahi_##name) *(name);
    KP_AVAHI_CALLS(KP_AVAHI_FIELD)
#undef KP_AVAHI_FIELD
};

/* NULL: the library isn't there.  Any thread. */
const struct kp_avahi_calls *kp_avahi_library(void);

struct kp_avahi;

struct kp_avahi_job {
    /* All but the last two on the thread. */

    /* Avahi's daemon is there (and its host name is settled), or is waited for. */
    void (*arrived)(struct kp_avahi *avahi);
    void (*awaited)(struct kp_avahi *avahi);
    /* The connection is going away: what hangs on it is to be given back. */
    void (*leave)(struct kp_avahi *avahi);
    /* It is gone, or couldn't be had: why.  Whether it is to be tried again. */
    bool (*parted)(struct kp_avahi *avahi, const char *why);
    /* After each turn, while the daemon is there. */
    void (*work)(struct kp_avahi *avahi);
    /* On the loop: there are news (kp_avahi_tell). */
    void (*hear)(struct kp_avahi *avahi);
    /* The last one of thread and loop has let go: frees it.  Either thread. */
    void (*destroy)(struct kp_avahi *avahi);
};

/* Part of an allocation of the job's, at its beginning. */
struct kp_avahi {
    uv_async_t news; /* first */
    uv_mutex_t lock; /* of stopped, poll, holders, and what of the job's both touch */
    const struct kp_avahi_job *job;
    const struct kp_avahi_calls *call;
    AvahiSimplePoll *poll;
    AvahiClient *client;
    AvahiClientState state;
    bool fresh;  /* the state hasn't been handled */
    bool broken; /* the connection is to be given up; set by the job, too */
    bool stopped;
    unsigned holders;
};

/* 0 or a negative uv error: then destroy is called, at once or by the loop. */
int kp_avahi_start(struct kp_avahi *avahi, uv_loop_t *loop, const struct kp_avahi_job *job);
/* On the loop: hear isn't called any more; the memory goes when the thread has ended. */
void kp_avahi_stop(struct kp_avahi *avahi);
/* Has hear called.  On the thread, the lock not held. */
void kp_avahi_tell(struct kp_avahi *avahi);
/* Has work called.  On the loop, the lock not held. */
void kp_avahi_wake(struct kp_avahi *avahi);
/* What the last call on the connection failed of. */
const char *kp_avahi_trouble(const struct kp_avahi *avahi);

#endif
