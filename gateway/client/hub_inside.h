/*
 * The inside of the hub: for hub.c and reception.c alone.
 */
#ifndef KP_CLIENT_HUB_INSIDE_H
#define KP_CLIENT_HUB_INSIDE_H

#include "face.h"
#include "site.h"

struct kp_hub {
    struct kp_face face;
    struct kp_loop *loop;
    struct kp_crypto *crypto;
    struct kp_site *sites; /* by age, the youngest first */
    struct kp_hub_watch *watches;
    struct kp_site_hooks site_hooks;
    struct kp_pass pass;          /* of the list of devices */
    char own[KP_GUARD_OWN_LEN];   /* "keyplate.localhost:PORT" */
    struct kp_saved_device entry; /* whose facts were asked for last */
    char where[KP_HOST_TEXT_LEN]; /* of it */
    enum kp_language language;
    bool other_port; /* the person's own one is taken */
    bool closing;
};

/* NULL: it wasn't used since the hub began. */
struct kp_site *kp_hub_site(const struct kp_hub *hub, const char *name);
/* Whether a device of that name is saved. */
bool kp_hub_has_saved(const char *name);

#endif
