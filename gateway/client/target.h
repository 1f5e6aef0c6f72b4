/*
 * Which device a person means, and what is known of it before anything is sent: from what was
 * typed, its link, and the devices that are remembered.
 *
 * A word that is a remembered device's name means that device, though a host may have the same
 * name; an address means what is at it, whoever was there.  A device is known by its id first, then
 * by its address.
 */
#ifndef KP_CLIENT_TARGET_H
#define KP_CLIENT_TARGET_H

#include "explain.h"
#include "link.h"
#include "saved.h"
#include "words.h"

/* What was given; texts are borrowed and may be NULL but for text. */
struct kp_target_wish {
    const char *text; /* an address, a link, or a saved name */
    const char *user;
    const char *device_id;
    const char *tls;  /* "1.2", "1.3", "any" */
    const char *pake; /* "ietf", "boringssl" */
    bool no_save;     /* neither read nor write what is remembered */
    bool asks_user;   /* a person can be asked for the user's name afterwards */
};

struct kp_target {
    struct kp_link link;           /* its host is set when it was found */
    char where[KP_HOST_TEXT_LEN];  /* the host, for people */
    char id[KP_DEVICE_ID_MAX + 1]; /* "": not known */
    char user[KP_NAME_MAX + 1];    /* "": not known */
    struct kp_saved_device saved;  /* the entry as it was; its name is "" when there is none */
    struct kp_offered offered;     /* its versions and pake are for kp_settings; its texts are the
                                    * target's own, so a copy is made by kp_target_copy */
    bool saves;
    bool sought; /* kp_target_put: its address is only somebody's word */
};

enum kp_target_result {
    KP_TARGET_FOUND,
    KP_TARGET_NOWHERE, /* only the id is known: the address has to be looked for (kp_target_put).
                        * All else is set; why: for who can't look */
    KP_TARGET_MISUSED, /* what was typed is wrong: why */
    KP_TARGET_FAILED,  /* why */
};

/* Reads the file of remembered devices.  A label's password typed in a wrong place is refused and
 * never repeated. */
enum kp_target_result kp_target_find(struct kp_target *target, const struct kp_target_wish *wish,
                                     enum kp_language language, char why[KP_WORD_LEN]);
/* Of KP_TARGET_NOWHERE, or of a device that has moved: it is tried at host.  Nothing of that is
 * saved before TLS 1.3 proves its id. */
void kp_target_put(struct kp_target *target, const struct kp_host *host);
void kp_target_copy(struct kp_target *out, const struct kp_target *target);

/* The id for a login: NULL when TLS 1.3 isn't offered. */
const char *kp_target_login_id(const struct kp_target *target);

#endif
