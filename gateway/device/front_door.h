/*
 * `keyplate serve`: listening sockets, workers that share them, the credentials they go by, and the
 * signals that reload and end them.  One thread runs this; each worker has its own.
 */
#ifndef KP_DEVICE_FRONT_DOOR_H
#define KP_DEVICE_FRONT_DOOR_H

#include <keyplate/keyplate.h>

#include "../log.h"
#include "identity.h"
#include "proxy.h"
#include "transition.h"

#define KP_DRAIN_MS 10000 /* what running connections get after SIGTERM */

/* What a changed configuration can change while it runs, for connections that are there too: their
 * next request, their next wait.  Versions, and what is told of a user, stay as they began. */
struct kp_front_rules {
    struct kp_proxy_terms terms;       /* of those who are proved, and the upstream of all */
    struct kp_proxy_terms plain_terms; /* of those who come by plain HTTP */
    struct kp_address other_tls;       /* --other-tls; len 0: none */
    bool http;                         /* --http on: requests are understood */
    uint8_t identity;                  /* enum kp_identity_kind */
    unsigned versions;                 /* KP_USE_* of --tls */
    unsigned pake;                     /* KP_PAKE_* of --pake */
    uint32_t handshake_ms;
    size_t max_connections;
    size_t max_per_source; /* connections that have proved nothing, of all workers */
    size_t max_handshakes; /* in progress, of all workers */
    size_t max_requests;   /* at the upstream, of all workers */
    bool access_log;       /* a line for each request */
    struct kp_log log;
};

/* An address to listen on. */
struct kp_front_address {
    struct kp_address address;
    unsigned kind; /* enum kp_door_kind, of which there may be several */
};

struct kp_front_settings {
    const struct kp_front_address *doors;
    size_t door_count;
    enum kp_transition transition;
    const char *words; /* the device's own, for pages of plain HTTP; NULL: none */
    const char *credentials;
    const char *throttle_file; /* NULL: the credentials' path and .throttle */
    const char *run_as;        /* NULL: the owner of the credentials */
    struct kp_address metrics; /* len 0: none */
    bool advertise;            /* says on the network where it is */
    bool check;                /* look at everything, open nothing for clients, and end */
    unsigned workers;
    struct kp_front_rules rules;
    /* SIGHUP: reads them afresh.  Negative: says in why, and nothing changes. */
    int (*reread)(void *arg, struct kp_front_rules *out, char *why, size_t why_len);
    void *reread_arg;
    bool configured; /* there is a configuration file; else only the upstream is looked up again */
    kp_keylog_fn *keylog; /* NULL: none; called by any worker */
    void *keylog_arg;
};

/* Runs until a signal ends it.  0, or -1 with one sentence in why when it couldn't start. */
int kp_front_door_run(const struct kp_front_settings *settings, char *why, size_t why_len);

#endif
