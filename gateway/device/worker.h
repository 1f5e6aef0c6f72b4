/*
 * One worker of `serve`: a thread with its own loop, its share of the listeners and its clients.
 * Other threads speak to it by kp_worker_tell alone.
 */
#ifndef KP_DEVICE_WORKER_H
#define KP_DEVICE_WORKER_H

#include <stdatomic.h>

#include "../net/listener.h"
#include "client.h"
#include "counters.h"
#include "credentials.h"
#include "front_door.h"
#include "guesses.h"

/* With so large a part of --max-handshakes in progress new clients of TLS 1.3 show with a cookie
 * that they hear us before anything is computed for them. */
#define KP_BUSY_PART 4

/* What there can be too little of; see room.h. */
enum kp_lack {
    KP_LACK_PLACES,      /* --max-connections: a newcomer gave way */
    KP_LACK_PROVED,      /* and all were proved: one at rest did */
    KP_LACK_BUSY,        /* and none was at rest: new ones wait */
    KP_LACK_SOURCE,      /* --max-per-source */
    KP_LACK_HANDSHAKES,  /* --max-handshakes */
    KP_LACK_DESCRIPTORS, /* of the process or the system */
    KP_LACK_MEMORY,      /* or whatever else the system hadn't for accept() */
    KP_LACK_ARITHMETIC,  /* places in the queue of the handshakes' */
    KP_LACK_REQUESTS,    /* --max-requests */
    KP_LACKS,
};

struct kp_lacking {
    atomic_size_t count;        /* how many times it was so */
    atomic_size_t told;         /* the count in the last line about it */
    atomic_size_t number;       /* how many there were the last time, of what its line tells */
    atomic_uint_least64_t said; /* uv_hrtime of the last line */
};

enum kp_worker_word {
    KP_WORKER_RELOAD = 1, /* new credentials and rules can be taken */
    KP_WORKER_DRAIN = 2,  /* take no more connections, end when the last is done */
    KP_WORKER_STOP = 4,   /* end now */
    KP_WORKER_LEASED = 8, /* the state of guesses has been written */
};

/* What the workers share; all of it outlives them. */
struct kp_workshop {
    const struct kp_front_settings *settings;
    uv_mutex_t lock; /* of rules, which one thread writes and workers copy */
    struct kp_front_rules rules;
    struct kp_credentials *credentials;
    const int *listeners; /* settings->door_count sockets */
    unsigned tls_port;    /* of the password TLS, as told to clients; 0: none */
    unsigned other_port;  /* of the other TLS; 0: none */
    struct kp_counters counters;
    atomic_size_t connections;
    atomic_size_t handshakes; /* in progress */
    atomic_size_t requests;   /* at the upstream; no WebSockets */
    atomic_size_t gave_way;   /* connections that made room for others */
    struct kp_lacking lacks[KP_LACKS];
    struct kp_sources sources;
    struct kp_guesses *guesses;
    void (*left)(void *arg); /* a worker has ended; called on its thread */
    void *arg;
};

/* A listener, and what becomes of those who come by it. */
struct kp_door {
    struct kp_listener listener; /* first */
    struct kp_door_rules rules;
};

struct kp_worker {
    struct kp_loop loop;
    struct kp_workshop *shop;
    struct kp_front_rules rules; /* a copy of the shop's */
    struct kp_door *doors;       /* settings->door_count */
    struct kp_clients newcomers; /* have proved nothing; the oldest first */
    struct kp_clients others;    /* proved, or on their way out */
    struct kp_store *store;
    struct kp_context *context;
    uv_thread_t thread;
    uv_async_t wake;
    uv_timer_t drain;
    atomic_uint words;
    unsigned number; /* from 0 */
    bool draining;
    bool leaving;
};

/* Starts the thread.  0 or a negative uv error: nothing is running. */
int kp_worker_start(struct kp_worker *worker, struct kp_workshop *shop, unsigned number);
/* Any thread, until kp_worker_join. */
void kp_worker_tell(struct kp_worker *worker, enum kp_worker_word word);
/* Waits for the thread's end and frees what it had. */
void kp_worker_join(struct kp_worker *worker);
/* Whether there are so many handshakes in progress that the next client must show a cookie. */
bool kp_worker_is_busy(const struct kp_worker *worker);
/* A request is to go to the upstream.  false: there are --max-requests, or half of them for who has
 * proved nothing; else it is one of them until it is answered. */
bool kp_worker_takes_request(struct kp_worker *worker, bool proved);
void kp_worker_request_done(struct kp_worker *worker);
/* On its own thread: a connection couldn't be taken; error: of uv. */
void kp_worker_has_no_room(struct kp_worker *worker, int error);
/* On its own thread: the last connection may have gone. */
void kp_worker_look_around(struct kp_worker *worker);

#endif
