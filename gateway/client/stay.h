/*
 * One login at a device, from the first password handshake until it is left: the login and its
 * tickets, what is learned of the device, and whether it is still the one that was meant.  Nothing
 * of it outlives it.  Whose pages it serves is site.h's business.
 */
#ifndef KP_CLIENT_STAY_H
#define KP_CLIENT_STAY_H

#include "device_session.h"
#include "id_reader.h"
#include "prover.h"
#include "remember.h"

enum kp_stay_end {
    KP_STAY_PROVED,
    KP_STAY_TROUBLE,     /* stay->device.trouble's kind: told by trouble */
    KP_STAY_STRANGER,    /* it proved the password, but it is another device than the one meant */
    KP_STAY_NO_PASSWORD, /* none was given, and the keyring has none: why */
};

struct kp_stay;

struct kp_stay_hooks {
    /* Once: what came of the first handshake.  trouble: with KP_STAY_TROUBLE alone; why: with
     * KP_STAY_NO_PASSWORD, or NULL. */
    void (*settled)(struct kp_stay *stay, enum kp_stay_end end, const struct kp_trouble *trouble,
                    const char *why);
    /* After KP_STAY_PROVED: a password handshake failed.  No more connections but by ticket. */
    void (*refused)(struct kp_stay *stay, const struct kp_trouble *trouble);
    /* After KP_STAY_PROVED: it turned out to be another device.  No more connections at all. */
    void (*estranged)(struct kp_stay *stay);
    /* What is known of it has changed. */
    void (*learned)(struct kp_stay *stay);
    /* Each connection that was proved: for --verbose. */
    void (*connected)(struct kp_stay *stay, const struct kp_info *info);
};

struct kp_stay {
    struct kp_device device;           /* first */
    const struct kp_stay_hooks *hooks; /* NULL once it is left */
    void *owner;
    const struct kp_teller *teller; /* borrowed, until it is left: not for threads */
    enum kp_language language;      /* the teller's */
    struct kp_target target;
    struct kp_text user;
    struct kp_text password; /* until the login is made of it, or it is in the keyring */
    struct kp_context *context;
    struct kp_context *tls13; /* offers nothing less; NULL: context is the only one */
    struct kp_login *login;
    struct kp_prover *prover;
    struct kp_id_reader *reader;
    struct kp_remember remember;
    uv_work_t work;    /* one at a time: making the login, or saving */
    char why[256];     /* of the keyring */
    uint16_t due;      /* the version of a full handshake that is still to be looked at; 0: none */
    uint16_t version;  /* of the last one */
    const char *pake;  /* static, of the last one without a ticket; NULL: SRP */
    const char *suite; /* static */
    uint64_t since;    /* seconds since 1970 of the first proof */
    int error;         /* of making the login */
    bool keeps_password; /* it goes into the keyring once it is proved */
    bool working, no_password, proved, settled, ask_later, stranger, closed;
    bool forgotten;                     /* see kp_stay_forget */
    bool keeping;                       /* keep_work is on its way */
    uv_work_t keep_work;                /* the password into the keyring */
    char kept_id[KP_DEVICE_ID_MAX + 1]; /* the device's there */
};

struct kp_stay_plan {
    struct kp_loop *loop;
    const struct kp_target *target;
    const struct kp_text *user;
    const struct kp_text *password; /* len 0: the keyring's */
    const char *name;               /* what a new device is saved as */
    const struct kp_teller *teller;
    bool keeps_password;
};

/* All of the plan is copied.  NULL: no memory.  Goes on by itself until hooks->settled. */
struct kp_stay *kp_stay_begin(const struct kp_stay_plan *plan, const struct kp_stay_hooks *hooks,
                              void *owner);
/* Keys are wiped now, and no hook is called any more; no attempt at stay->device may be left but
 * its own.  It frees itself on the loop.  NULL is fine. */
void kp_stay_leave(struct kp_stay *stay);
/* Before that: what it may be saving just now is removed again.  NULL is fine. */
void kp_stay_forget(struct kp_stay *stay);

#endif
