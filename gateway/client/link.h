/*
 * What a person gives to `keyplate open`: a link or a bare address.
 */
#ifndef KP_CLIENT_LINK_H
#define KP_CLIENT_LINK_H

#include "../net/address.h"

#define KP_LINK_PATH_LEN 2048
#define KP_LINK_USER_LEN 256 /* with its NUL */

struct kp_link {
    struct kp_host host;
    char user[KP_LINK_USER_LEN]; /* "": none is named */
    char path[KP_LINK_PATH_LEN]; /* from the first slash on: path, query, fragment; "/" at least */
};

/* 0, or -1 with *why: one sentence without a full stop, which never repeats what was given (it may
 * hold a password). */
int kp_link_parse(struct kp_link *out, const char *text, const char **why);

#endif
