/*
 * The keyplate:// link of a label, written: the one place.  What may stand in it, and how it is
 * read, is client/link.h's; this is also in builds without the client.  Knows no file.
 */
#ifndef KP_GATEWAY_LABEL_LINK_H
#define KP_GATEWAY_LABEL_LINK_H

#include <keyplate/keyplate.h>

#define KP_LABEL_LINK_HOST_MAX 270
/* Bytes of any link, with its NUL. */
#define KP_LABEL_LINK_LEN (3 * (KP_DEVICE_ID_MAX + KP_NAME_MAX) + KP_LABEL_LINK_HOST_MAX + 64)

/* Texts are NUL-terminated UTF-8. */
struct kp_label_link {
    const char *id;
    const char *user;
    const char *host;     /* HOST or HOST:PORT as kp_host_split_url takes it; NULL or "": none */
    const char *password; /* a label's; NULL: not in the link, as it should be */
};

/* Secret if it has the password in it.  KP_E_TOO_LONG: out is "". */
int kp_label_link(char out[static KP_LABEL_LINK_LEN],
                  const struct kp_label_link *link) KP_MUST_CHECK;

#endif
