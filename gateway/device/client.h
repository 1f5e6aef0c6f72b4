/*
 * What a worker keeps of every connection, whatever it speaks: a place in one of its lists, and how
 * it is ended from outside.
 */
#ifndef KP_DEVICE_CLIENT_H
#define KP_DEVICE_CLIENT_H

#include "../net/address.h"

#include <stdint.h>

struct kp_client;
struct kp_worker;

struct kp_clients {
    struct kp_client *first;
    struct kp_client **end; /* where the next one goes */
};

/* What the worker asks of a connection; none of them frees it at once. */
struct kp_client_kind {
    /* Ends it now; why is static. */
    void (*stop)(struct kp_client *client, const char *why);
    /* The server is about to stop: ends it when what is in progress is done. */
    void (*drain)(struct kp_client *client);
    /* Other credentials are in force. */
    void (*recheck)(struct kp_client *client);
};

struct kp_client {
    const struct kp_client_kind *kind;
    struct kp_worker *worker;
    struct kp_client *next;
    struct kp_client **at; /* the pointer that points here */
    struct kp_clients *list;
    union kp_inet from;
    uint64_t born; /* uv_now */
};

void kp_clients_init(struct kp_clients *list);
/* It is one of the worker's newcomers, and counts from now on. */
void kp_client_enter(struct kp_client *client, const struct kp_client_kind *kind,
                     struct kp_worker *worker, const union kp_inet *from);
void kp_client_move(struct kp_client *client, struct kp_clients *to);
/* It is closed, and may be freed. */
void kp_client_leave(struct kp_client *client);

#endif
