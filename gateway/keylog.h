/*
 * --keylog FILE: the secrets of connections in the NSS format, for looking into one's own traffic.
 * Exists in builds with -Dkeylog=true alone; in others these do nothing.
 */
#ifndef KP_GATEWAY_KEYLOG_H
#define KP_GATEWAY_KEYLOG_H

#include <keyplate/keyplate.h>

#include <stdio.h>

struct kp_keylog {
    FILE *file; /* NULL: none */
};

/* Appends to path (made 0600); NULL: none.  0, or a negative errno. */
int kp_keylog_open(struct kp_keylog *keylog, const char *path);
void kp_keylog_close(struct kp_keylog *keylog);
/* What goes into struct kp_settings, with the keylog itself as its argument; NULL when closed. */
kp_keylog_fn *kp_keylog_function(const struct kp_keylog *keylog);

#endif
