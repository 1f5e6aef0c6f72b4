/*
 * Bringing browsers over: what becomes of a connection, by the port that it came to and by what its
 * first bytes say.  A table; knows no connection.
 *
 *                   password TLS   other TLS    plain HTTP
 *      strict
 *        --listen        serve       refuse      tell: this port speaks TLS
 *        --http-listen     -           -         explain
 *      sniff
 *        --listen        serve       refuse      tell
 *        --http-listen     -           -         lead on, or notice with a way to the plain page
 *      dual
 *        --listen, 1st   serve       refuse      tell
 *        --listen, more  serve        pass       tell
 *        --http-listen     -           -         lead on to the 1st, or to the 2nd
 *      same-port
 *        --listen        serve        pass       tell
 *        --http-listen     -           -         lead on
 *
 * Password TLS is never passed: a ClientHello that offers a password stays here.
 */
#ifndef KP_DEVICE_TRANSITION_H
#define KP_DEVICE_TRANSITION_H

#include <stdbool.h>
#include <stdint.h>

enum kp_transition { KP_STRICT, KP_SNIFF, KP_DUAL, KP_SAME_PORT };

/* What a port is for; a port can be both. */
enum kp_door_kind {
    KP_DOOR_TLS = 1,   /* --listen */
    KP_DOOR_OTHER = 2, /* --listen, from the second on, in dual: the traditional one */
    KP_DOOR_PLAIN = 4, /* --http-listen */
};

/* What is done with plain HTTP. */
enum kp_plain_way {
    KP_WAY_TELL,    /* that the port speaks TLS: 400 */
    KP_WAY_EXPLAIN, /* nothing of the device is here, and how it is reached */
    KP_WAY_NOTICE,  /* a browser that can is led on; another may go on to the plain page */
    KP_WAY_LEAD,    /* each browser is led on to the TLS that it can */
};

struct kp_door_rules {
    bool tls;      /* password TLS is served */
    bool passes;   /* other TLS is passed on; else it is refused */
    uint8_t plain; /* enum kp_plain_way */
};

struct kp_door_rules kp_transition_rules(enum kp_transition mode, unsigned kind);
/* Whether the first bytes decide. */
bool kp_transition_sorts(const struct kp_door_rules *rules);

#endif
