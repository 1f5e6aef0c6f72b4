/* The authority of a URL and the value of Host (RFC 3986 3.2, RFC 9110 7.2): a name and a port. */
#ifndef KP_HTTP_AUTHORITY_H
#define KP_HTTP_AUTHORITY_H

#include "text.h"

struct kp_http_authority {
    struct kp_slice name; /* an IPv6 address with its brackets */
    unsigned port;        /* 0: none */
};

/* false: it is empty, has a user before an @, or has signs that no host's name has and that mean
 * something to those who read it out of a list or a URL. */
bool kp_http_authority_read(struct kp_http_authority *out, struct kp_slice text);

#endif
