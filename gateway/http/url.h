/*
 * URLs in fields, read as browsers read them (the URL Standard), who take more than RFC 3986 has:
 * a backslash for a slash, any number of slashes, a user before an @.  Whoever asks where one leads
 * has to know where a browser would go.
 */
#ifndef KP_HTTP_URL_H
#define KP_HTTP_URL_H

#include "authority.h"

enum kp_http_scheme {
    KP_URL_NONE, /* "//host": that of the page */
    KP_URL_HTTP,
    KP_URL_HTTPS,
};

struct kp_http_url {
    uint8_t scheme; /* enum kp_http_scheme */
    bool relative;  /* "https:path", which on a page of https is its path: rest; there is no host */
    bool named;     /* to is there: the host could be read */
    struct kp_http_authority to;
    struct kp_slice rest; /* behind the authority: "", or from a slash, ? or # on */
};

/* text has no tabs and no space around it, as part of a page of https.  false: it is of another
 * scheme, or a mere path. */
bool kp_http_url_read(struct kp_http_url *out, struct kp_slice text);
/* What is behind the authority of a URL, as a path: it begins with one slash and no more, as "//"
 * would be another authority (RFC 3986 4.2). */
void kp_http_url_put_path(struct kp_out *out, struct kp_slice rest);

#endif
