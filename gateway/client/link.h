/*
 * What a person gives to `keyplate open` and `connect`: a link or a bare address.
 *
 *      https://[NAME@]HOST[:PORT][/PATH]        HOST[:PORT][/PATH]
 *      keyplate://ID[@HOST[:PORT]]/?v=1[&user=NAME]        as on labels
 *
 * Of a keyplate:// link, ID and NAME are percent-encoded UTF-8; what isn't a letter, a digit or one
 * of -._~!$'()*,; is written %XX (a plus too: forms take it for a space).  v=1 means that the keys
 * are these two, once each: another key is refused, as whoever adds one raises v.
 */
#ifndef KP_CLIENT_LINK_H
#define KP_CLIENT_LINK_H

#include <keyplate/keyplate.h>

#include "../net/address.h"

#define KP_LINK_PATH_LEN 2048

struct kp_link {
    struct kp_host host;           /* name "": the link has none, only an id */
    char user[KP_NAME_MAX + 1];    /* "": none is named */
    char id[KP_DEVICE_ID_MAX + 1]; /* the device id in NFC; "": none */
    char path[KP_LINK_PATH_LEN]; /* from the first slash on: path, query, fragment; "/" at least */
};

/* 0, or -1 with *why: one sentence without a full stop, which never repeats what was given (it may
 * hold a password). */
int kp_link_parse(struct kp_link *out, const char *text, const char **why) KP_MUST_CHECK;

#endif
