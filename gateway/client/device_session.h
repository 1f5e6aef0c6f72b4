/*
 * One device, as a client reaches it: its address, the login, the ticket, and the rules about
 * guesses.  A device may be an impostor who learns one guess at the password from each password
 * handshake, so
 *   - with a ticket, connections only try to resume, which tells nothing of the password;
 *   - at most one password handshake runs at a time, for all who wait;
 *   - after one that may have cost a guess and failed, none starts until the person has acted
 *     (kp_device_retry).
 * It knows what to dial with; the connections are their owners'.
 */
#ifndef KP_CLIENT_DEVICE_SESSION_H
#define KP_CLIENT_DEVICE_SESSION_H

#include "explain.h"

#define KP_DEVICE_ADDRESSES 8
#define KP_DEVICE_DEADLINE_MS 10000 /* of a connection until it is proved */

struct kp_device;

/* A wish for a connection. */
struct kp_attempt {
    struct kp_attempt *next;
    struct kp_device *device;
    /* Dials; 0, or a negative error when it can't even start.  The owner sets the deadline, and
     * tells by kp_device_proved or kp_device_ended how it went. */
    int (*dial)(struct kp_attempt *attempt, const struct kp_address *address,
                const struct kp_secure_offer *offer);
    /* There will be no connection. */
    void (*failed)(struct kp_attempt *attempt, const struct kp_trouble *trouble);
    struct kp_session *session; /* what it resumes with: its own reference, or NULL */
    uint8_t address;            /* index of the one that is tried */
    bool by_password;           /* else by ticket */
    bool waiting;               /* in one of the lists */
};

struct kp_device {
    struct kp_loop *loop;
    struct kp_context *context;
    struct kp_host host;
    struct kp_address addresses[KP_DEVICE_ADDRESSES];
    size_t address_count; /* 0: not looked up yet */
    uv_getaddrinfo_t lookup;
    const struct kp_login *login;              /* borrowed */
    struct kp_session *session;                /* or NULL */
    struct kp_attempt *unresolved;             /* wait for addresses */
    struct kp_attempt *queue;                  /* wait for the password handshake */
    struct kp_attempt *proving;                /* has it */
    struct kp_trouble trouble;                 /* when halted: why */
    void (*on_halt)(struct kp_device *device); /* after a failed proof; may be NULL */
    void *owner;
    bool looking;
    bool halted;
};

void kp_device_init(struct kp_device *device, struct kp_loop *loop, struct kp_context *context,
                    const struct kp_host *host, const struct kp_login *login);
/* Forgets the ticket.  No attempt may be left. */
void kp_device_clear(struct kp_device *device);
/* "heating.local" or "192.0.2.7:4433", for people; returns text. */
const char *kp_device_name(const struct kp_device *device, char *text, size_t len);

/* Wants a connection: sooner or later dial or failed. */
void kp_device_want(struct kp_device *device, struct kp_attempt *attempt);
/* It waits no more; an attempt that dials is ended by its owner. */
void kp_device_drop(struct kp_device *device, struct kp_attempt *attempt);
/* The attempt's connection is proved: takes its ticket, and lets others go. */
void kp_device_proved(struct kp_device *device, struct kp_attempt *attempt,
                      const struct kp_conn *conn);
/* It ended before the proof; its connection's memory is free to be dialled with again: this dials,
 * waits or fails. */
void kp_device_ended(struct kp_device *device, struct kp_attempt *attempt,
                     const struct kp_trouble *trouble);
/* The person has acted: password handshakes may start again, with login. */
void kp_device_retry(struct kp_device *device, const struct kp_login *login);

#endif
