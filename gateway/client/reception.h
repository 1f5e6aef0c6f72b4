/*
 * What becomes of a request at the loopback face: a page of ours, or it goes to a device.
 */
#ifndef KP_CLIENT_RECEPTION_H
#define KP_CLIENT_RECEPTION_H

#include "../platform.h"
#include "pages.h"
#include "site.h"

struct kp_received {
    struct kp_site *site; /* whose device gets it; NULL: answer is the answer */
    bool mark;            /* the answer gives the browser its cookie */
    struct kp_out answer; /* whole; the caller's to free */
    unsigned status;      /* of it */
};

/* closes: the connection ends after an answer of ours.  peer: whose the connection is. */
void kp_receive(struct kp_hub *hub, const struct kp_http_head *head, enum kp_peer peer, bool closes,
                struct kp_received *out);
/* The language that the sender of that request reads. */
enum kp_language kp_receive_language(const struct kp_hub *hub, const struct kp_http_head *head);

#endif
