/*
 * One device, as a client reaches it: its address, the login, the ticket, and the rules about
 * guesses.  A device may be an impostor who learns one guess at the password from each password
 * handshake, so
 *   - with a ticket, connections only try to resume, which tells nothing of the password; but one
 *     at a time, of TLS 1.3, offers both, so that a ticket that is refused costs no second round:
 *     it counts as the password handshake that it may become;
 *   - at most one password handshake runs at a time, for all who wait;
 *   - after one that may have cost a guess and failed, none starts until the person has acted
 *     (kp_device_retry).
 * A ticket of TLS 1.3 comes after the proof, with what is read next: those who wait for the
 * password handshake are let go when it is there, or one of them after KP_DEVICE_TICKET_MS without
 * it. It knows what to dial with; the connections are their owners'.
 */
#ifndef KP_CLIENT_DEVICE_SESSION_H
#define KP_CLIENT_DEVICE_SESSION_H

#include "explain.h"

#define KP_DEVICE_ADDRESSES 8
#define KP_DEVICE_DEADLINE_MS 10000 /* of a connection until it is proved */
#define KP_DEVICE_TICKET_MS 300     /* what a ticket gets to come after the proof */

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
    bool ticket_only;           /* the owner's: it never uses the password, and fails instead */
    bool by_password;           /* else by ticket */
    bool both;                  /* by ticket, the password being offered, too */
    bool waiting;               /* in one of the lists */
};

struct kp_device {
    struct kp_loop *loop;
    struct kp_context *context;
    struct kp_host host;
    struct kp_address addresses[KP_DEVICE_ADDRESSES];
    size_t address_count; /* 0: not looked up yet */
    uv_getaddrinfo_t lookup;
    const struct kp_login *login;  /* borrowed */
    struct kp_session *session;    /* or NULL */
    bool session13;                /* it is of TLS 1.3 */
    struct kp_attempt *unresolved; /* wait for addresses */
    struct kp_attempt *queue;      /* wait for the password handshake */
    struct kp_attempt *proving;    /* has it */
    struct kp_trouble trouble;     /* when halted: why */
    uv_timer_t ticket_timer;
    void (*on_halt)(struct kp_device *device); /* after a failed proof; may be NULL */
    /* Told of each proved connection, before those who wait are let go; may be NULL. */
    void (*on_proved)(struct kp_device *device, const struct kp_info *info);
    void *owner;
    bool looking;
    bool halted;
    bool awaits_ticket; /* of a password handshake that is proved */
    bool closing, timer_closed;
    void (*closed)(struct kp_device *device);
    struct kp_offered offered; /* for kp_trouble: set by the owner, and by kp_device_keep_tls13 */
};

/* The loop must be there. */
void kp_device_init(struct kp_device *device, struct kp_loop *loop, struct kp_context *context,
                    const struct kp_host *host, const struct kp_login *login);
/* It has proved the password by TLS 1.3: from now on it is dialled with context, which offers
 * nothing less, and by no ticket of TLS 1.2. */
void kp_device_keep_tls13(struct kp_device *device, struct kp_context *context);
/* Forgets the ticket.  No attempt may be left.  The memory must live until the loop is closed. */
void kp_device_clear(struct kp_device *device);
/* The same on a loop that goes on: closed is called on it, never from in here, when nothing of the
 * device is needed any more. */
void kp_device_close(struct kp_device *device, void (*closed)(struct kp_device *device));

/* Wants a connection: sooner or later dial or failed. */
void kp_device_want(struct kp_device *device, struct kp_attempt *attempt);
/* It waits no more; an attempt that dials is ended by its owner. */
void kp_device_drop(struct kp_device *device, struct kp_attempt *attempt);
/* The attempt's connection is proved: takes its ticket if there is one, and lets others go. */
void kp_device_proved(struct kp_device *device, struct kp_attempt *attempt,
                      const struct kp_conn *conn);
/* After that: the connection has a new ticket (kp_secure_hooks.ticket). */
void kp_device_ticket(struct kp_device *device, const struct kp_conn *conn);
/* It ended before the proof; its connection's memory is free to be dialled with again: this dials,
 * waits or fails. */
void kp_device_ended(struct kp_device *device, struct kp_attempt *attempt,
                     const struct kp_trouble *trouble);
/* No more connections until kp_device_retry: those who wait fail with trouble, and so do those who
 * come.  The ticket is forgotten. */
void kp_device_halt(struct kp_device *device, const struct kp_trouble *trouble);
/* The person has acted: password handshakes may start again, with login; but not with a stranger,
 * who knows the password. */
void kp_device_retry(struct kp_device *device, const struct kp_login *login);

#endif
