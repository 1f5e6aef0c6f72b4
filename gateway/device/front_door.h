/*
 * `keyplate serve`: listening sockets, workers that share them, the credentials they go by, and the
 * signals that reload and end them.  One thread runs this; each worker has its own.
 */
#ifndef KP_DEVICE_FRONT_DOOR_H
#define KP_DEVICE_FRONT_DOOR_H

#include <keyplate/keyplate.h>

#include "../log.h"
#include "../net/address.h"

#define KP_DRAIN_MS 10000 /* what running connections get after SIGTERM */

/* What a changed configuration can change while it runs; what a connection began with stays. */
struct kp_front_rules {
    struct kp_address upstream;
    bool proxy2;       /* --identity proxy-v2 */
    unsigned versions; /* KP_USE_* of --tls */
    unsigned pake;     /* KP_PAKE_* of --pake */
    uint32_t handshake_ms;
    uint32_t idle_ms; /* 0: none */
    size_t max_connections;
    struct kp_log log;
};

struct kp_front_settings {
    const struct kp_address *listen;
    size_t listen_count;
    const char *credentials;
    unsigned workers;
    struct kp_front_rules rules;
    /* SIGHUP: reads them afresh.  Negative: it said why, and nothing changes. */
    int (*reread)(void *arg, struct kp_front_rules *out);
    void *reread_arg;
    bool configured; /* there is a configuration file; else only the upstream is looked up again */
    kp_keylog_fn *keylog; /* NULL: none; called by any worker */
    void *keylog_arg;
};

/* Runs until a signal ends it.  0, or -1 with one sentence in why when it couldn't start. */
int kp_front_door_run(const struct kp_front_settings *settings, char *why, size_t why_len);

#endif
