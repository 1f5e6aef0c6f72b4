/*
 * What a worker keeps of every connection, whatever it speaks: a place in one of its lists, and how
 * it is ended from outside.
 */
#ifndef KP_DEVICE_CLIENT_H
#define KP_DEVICE_CLIENT_H

#include "../net/address.h"
#include "sources.h"

#include <stdbool.h>
#include <stdint.h>

struct kp_client;
struct kp_worker;

struct kp_clients {
    struct kp_client *first;
    struct kp_client **end; /* where the next one goes */
};

/* What a proved connection does just now. */
enum kp_doing {
    KP_DOES_WORK,  /* something that would be missed, or it ends already */
    KP_DOES_REST,  /* it waits for its next request */
    KP_DOES_CARRY, /* bytes whose meaning isn't known here */
};

/* What the worker asks of a connection; none of them frees it at once. */
struct kp_client_kind {
    /* Ends it now; why is static. */
    void (*stop)(struct kp_client *client, const char *why);
    /* The server is about to stop: ends it when what is in progress is done. */
    void (*drain)(struct kp_client *client);
    /* Other credentials are in force. */
    void (*recheck)(struct kp_client *client);
    /* The state of guesses was written: what waited for it can ask again.  NULL: never waits. */
    void (*leased)(struct kp_client *client);
    /* The next two are for who has proved something; NULL: it never makes room.  since: uv_now of
     * its last byte either way. */
    enum kp_doing (*doing)(struct kp_client *client, uint64_t *since);
    /* KP_DOES_REST alone: closes it at once, in order; why is static. */
    void (*yield)(struct kp_client *client, const char *why);
    uint8_t crowd; /* enum kp_crowd: what it counts as from its beginning */
};

struct kp_client {
    const struct kp_client_kind *kind;
    struct kp_worker *worker;
    struct kp_client *next;
    struct kp_client **at;   /* the pointer that points here */
    struct kp_member member; /* of its source */
    union kp_inet from;
    bool newcomer; /* which of the worker's lists it is in */
    bool gave_way; /* it ends for want of room */
    uint64_t born; /* uv_now */
};

void kp_clients_init(struct kp_clients *list);
/* It is one of the worker's newcomers, and counts from now on. */
void kp_client_enter(struct kp_client *client, const struct kp_client_kind *kind,
                     struct kp_worker *worker, const union kp_inet *from);
/* To the end of newcomers or others. */
void kp_client_move(struct kp_client *client, struct kp_clients *to);
/* It is one of the worker's others, and counts as that user's. */
void kp_client_proved(struct kp_client *client, const char *user, size_t user_len);
/* Its handshake is over and it wasn't proved: it counts as one that waits. */
void kp_client_failed(struct kp_client *client);
/* It is about to end: one of the others, who makes room for nobody any more. */
void kp_client_discount(struct kp_client *client);
/* It is closed, and may be freed. */
void kp_client_leave(struct kp_client *client);

#endif
