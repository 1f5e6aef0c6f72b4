/*
 * A client of the password TLS, whatever it carries: its handshake, the credentials it is proved
 * by, and what the log says of it.  guest_http.c and guest_bytes.c are the two kinds.
 */
#ifndef KP_DEVICE_GUEST_H
#define KP_DEVICE_GUEST_H

#include "../net/secure_stream.h"
#include "client.h"
#include "worker.h"

enum kp_guest_end {
    KP_GUEST_STAYS,
    KP_GUEST_DONE,      /* both sides said that they were done */
    KP_GUEST_SECURE,    /* the secure side failed: secure->error */
    KP_GUEST_UPSTREAM,  /* the upstream broke the connection: upstream_error */
    KP_GUEST_CUT,       /* in the middle of a request or an answer, which was logged */
    KP_GUEST_LEFT,      /* the client ended in the middle of a request */
    KP_GUEST_UNREACHED, /* the upstream couldn't be connected to: upstream_error */
    KP_GUEST_TIMEOUT,
    KP_GUEST_STOPPED, /* by us: why */
};

struct kp_guest {
    struct kp_client client; /* first */
    struct kp_secure *secure;
    struct kp_store *store;           /* what the handshake borrows from; NULL afterwards */
    const struct kp_context *context; /* that it began with: to compare */
    const char *why;                  /* why our side ended it, or NULL */
    int upstream_error;               /* uv error */
    uint8_t end;                      /* enum kp_guest_end */
    uint8_t binding[32];              /* of the credential that it goes by */
    bool bound;
    bool answered; /* by us, to bytes that went to no upstream */
    bool shaking;  /* it is one of the worker's handshakes */
    bool waits;    /* for a lease */
    bool refused;  /* its guess was not judged */
    struct kp_guess guess;
};

/* Both take over fd, of which first[first_len] was read already, and look after themselves; they
 * log when they can't. */
void kp_guest_http_begin(struct kp_worker *worker, int fd, const union kp_inet *from,
                         const uint8_t *first, size_t first_len);
void kp_guest_bytes_begin(struct kp_worker *worker, int fd, const union kp_inet *from,
                          const uint8_t *first, size_t first_len);

/* ---- For the two kinds ------------------------------------------------------------------- */

/* secure has been accepted: the guest enters, and the handshake begins. */
void kp_guest_begin(struct kp_guest *guest, const struct kp_client_kind *kind,
                    struct kp_worker *worker, const union kp_inet *from, struct kp_secure *secure);
/* hooks->credential of the secure stream. */
int kp_guest_credential(struct kp_guest *guest);
/* hooks->guess of the secure stream. */
bool kp_guest_guess(struct kp_guest *guest);
/* kind->leased. */
void kp_guest_leased(struct kp_client *client);
/* hooks->proved.  false: its credential is of yesterday; guest->why says so. */
bool kp_guest_proved(struct kp_guest *guest);
bool kp_guest_is_proved(const struct kp_guest *guest);
/* Whether other credentials put it out: guest->why is set then. */
bool kp_guest_is_stale(struct kp_guest *guest);
/* Plain HTTP came to the TLS port: says so, past the engine. */
void kp_guest_say_no_tls(struct kp_guest *guest);
/* Once, when its end is set: the log. */
void kp_guest_over(struct kp_guest *guest, enum kp_guest_end end);
/* The stream is closed. */
void kp_guest_leave(struct kp_guest *guest);

#endif
