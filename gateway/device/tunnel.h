/*
 * One client of `serve`: handshake, the upstream it gets when it is proved, bytes both ways, the
 * log line at its end.  Belongs to one worker.
 */
#ifndef KP_DEVICE_TUNNEL_H
#define KP_DEVICE_TUNNEL_H

#include "../net/relay.h"
#include "well_known.h"
#include "worker.h"

struct kp_tunnel {
    struct kp_relay relay; /* first */
    struct kp_worker *worker;
    struct kp_tunnel *next;
    struct kp_tunnel **at; /* the pointer that points here */
    struct kp_tunnels *list;
    struct kp_store *store;           /* what the handshake borrows from; NULL afterwards */
    const struct kp_context *context; /* that it began with: to compare */
    const char *why;                  /* why our side ended it, or NULL */
    union kp_inet client;
    uint64_t born;       /* uv_now */
    uint8_t binding[32]; /* of the credential that it goes by */
    bool bound;
    bool answered; /* by us: no byte of it went to the upstream */
    bool shaking;  /* it is one of the worker's handshakes */
    struct kp_well_known page;
};

/* Takes over fd and looks after itself; logs when it can't. */
void kp_tunnel_begin(struct kp_worker *worker, int fd, const union kp_inet *client);
/* Moves it to another list of its worker. */
void kp_tunnel_move(struct kp_tunnel *tunnel, struct kp_tunnels *to);
/* The worker has other credentials: ends it at once if its user's changed or is gone. */
void kp_tunnel_recheck(struct kp_tunnel *tunnel);
bool kp_tunnel_is_proved(const struct kp_tunnel *tunnel);
/* Ends it at once; why is static. */
void kp_tunnel_stop(struct kp_tunnel *tunnel, const char *why);

#endif
