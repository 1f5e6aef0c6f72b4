/*
 * Cookies as text: Cookie taken apart, and Set-Cookie read as RFC 6265 5.2 and its successor have
 * browsers read it.  Keeps nothing.
 */
#ifndef KP_CLIENT_COOKIE_H
#define KP_CLIENT_COOKIE_H

#include "../http/text.h"

#define KP_COOKIE_MAX 4096 /* bytes of name and value together: RFC 6265 6.1 */

struct kp_cookie_pair {
    struct kp_slice name; /* empty: the whole is the value, as browsers send those without a name */
    struct kp_slice value;
    struct kp_slice text; /* both, as they came */
};

/* Takes the next pair off a Cookie field (RFC 6265 4.2).  false: none is left. */
bool kp_cookie_next(struct kp_slice *list, struct kp_cookie_pair *pair);
/* Takes the next attribute, or first of all the pair itself, off a Set-Cookie field: what is
 * between semicolons, without the space around it.  It may be empty.  false: none is left. */
bool kp_cookie_part(struct kp_slice *field, struct kp_cookie_pair *part);

struct kp_set_cookie {
    struct kp_slice name, value;
    struct kp_slice path; /* begins with a slash; len 0: not said, so the request's folder */
    uint64_t expires;     /* seconds since 1970; 0: it is to be removed, UINT64_MAX: not said */
    bool http_only;
    bool secure;
    bool strict; /* SameSite=Strict */
    bool domain;
};

/* false: browsers ignore it, for its control characters, its length, being empty, or a prefix of
 * its name that promises more than its attributes keep. */
bool kp_set_cookie_read(struct kp_set_cookie *out, struct kp_slice field, uint64_t now);
/* RFC 6265 5.1.1.  false: it is no date.  Those before 1970 are 0. */
bool kp_cookie_date(uint64_t *seconds, struct kp_slice text);

/* The folder of a request's target: RFC 6265 5.1.4. */
struct kp_slice kp_cookie_folder(struct kp_slice target);
/* Whether a cookie of that path goes with a request to target, ibidem. */
bool kp_cookie_path_matches(struct kp_slice path, struct kp_slice target);

#endif
