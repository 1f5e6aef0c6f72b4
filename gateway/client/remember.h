/*
 * What a client learns of a device from a proved connection: whether it is the one that was meant,
 * and what is saved of it.
 */
#ifndef KP_CLIENT_REMEMBER_H
#define KP_CLIENT_REMEMBER_H

#include "target.h"
#include "tell.h"
#include "told.h"

/* One target's; lives as long as it is used. */
struct kp_remember {
    const struct kp_target *target;
    const struct kp_text *user;          /* that was proved */
    char name[KP_SAVED_NAME_LEN];        /* the owner's: what a new device is saved as if that is
                                          * free; "": a name is chosen */
    char id[KP_DEVICE_ID_MAX + 1];       /* the one that the device must have; "": any */
    char told[KP_DEVICE_ID_MAX + 1];     /* what it said of itself; "": nothing yet */
    char stranger[KP_DEVICE_ID_MAX + 1]; /* what another device said of itself */
    unsigned versions;                   /* KP_USE_*: spoken, or told over a proved connection */
    bool id_proved;                      /* by TLS 1.3 */
    bool proved;
    /* What came of saving. */
    enum { KP_KEPT_NOTHING, KP_KEPT_NEW, KP_KEPT_MOVED, KP_KEPT_ELSEWHERE, KP_KEPT_FAILED } kept;
    struct kp_saved_device entry;
    int error; /* of KP_KEPT_FAILED: KP_E_* of the list, or 0: of the file, and why says it */
    char why[512];
};

void kp_remember_init(struct kp_remember *remember, const struct kp_target *target,
                      const struct kp_text *user);

/* A full handshake was proved. */
void kp_remember_proved(struct kp_remember *remember, const struct kp_info *info);
/* Whether it is worth to ask the device what it is. */
bool kp_remember_asks(const struct kp_remember *remember);
/* What it said over a proved connection (NULL: nothing; why says why).  False: it is another device
 * than the one that was meant, and nothing is saved: kp_remember_alarm tells it. */
bool kp_remember_told(struct kp_remember *remember, const struct kp_told *told, const char *why,
                      const struct kp_teller *teller);

/* Tells loudly of the other device that answered.  sent: bytes that may have reached it, or NULL
 * when none were sent by the person's hand. */
void kp_remember_alarm(const struct kp_remember *remember, const uint64_t *sent,
                       const struct kp_teller *teller);

/* Saves what was learned, if there is something new; may block, on any thread, and says nothing. */
void kp_remember_save(struct kp_remember *remember);
/* Then says what came of it. */
void kp_remember_tell(struct kp_remember *remember, const struct kp_teller *teller);

#endif
