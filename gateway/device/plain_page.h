/*
 * The two small pages that port 80 of a device has of ours: an explanation, where nothing of the
 * device is served over plain HTTP, and a notice, in front of what is served there all the same.
 * Whoever is in between can rewrite them, so they have no form and ask for nothing, and what they
 * tell is a hint.  Words only: knows no connection.
 */
#ifndef KP_DEVICE_PLAIN_PAGE_H
#define KP_DEVICE_PLAIN_PAGE_H

#include <keyplate/keyplate.h>

#include "../http/text.h"

/* The notice's way on is a link to what was asked for, with "?" (with "&", if there is a "?"
 * already) and this at its end: cut off again, that is the very target. */
#define KP_PLAIN_WAY_ON "keyplate-plain=1"

enum kp_plain_kind {
    KP_PLAIN_EXPLAINS, /* how to get in */
    KP_PLAIN_NOTICE,   /* and a way on to the unprotected page */
};

struct kp_plain_page {
    enum kp_plain_kind kind;
    bool plain;             /* text/plain, for who doesn't accept text/html; without words */
    bool head_only;         /* the answer to HEAD */
    const char *words;      /* from kp_plain_words_read (plain_words.h); NULL: ours */
    struct kp_slice host;   /* that the visitor asked for, with its port; anything, or empty */
    struct kp_slice target; /* likewise, in origin-form: what isn't is taken for "/".  The way on is
                             * a GET, so "/" is better after another method */
    unsigned versions;      /* KP_USE_* */
    unsigned port;          /* of keyed TLS */
    const uint8_t *id;      /* the device's; none with id_len 0 */
    size_t id_len;
};

/* Adds a whole HTTP/1.1 response, 403 and "Connection: close": neither page is what was asked for.
 * All that comes from the visitor is made harmless here; an address is shown only if it can be
 * typed into a shell as it is.  Without memory out has failed. */
void kp_plain_page_write(struct kp_out *out, const struct kp_plain_page *page);

#endif
