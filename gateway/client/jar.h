/*
 * The cookies of one device that its pages' scripts may not see (HttpOnly): they stay here, and the
 * browser, whose cookies every port of one name shares, never has them.  RFC 6265 (and its
 * successor's prefixes) for one host.  In memory only; knows no socket.
 */
#ifndef KP_CLIENT_JAR_H
#define KP_CLIENT_JAR_H

#include "cookie.h"

#define KP_JAR_COOKIES 180 /* RFC 6265 6.1 asks for 50 a domain; the oldest gives way */

struct kp_jar_cookie;

struct kp_jar {
    struct kp_jar_cookie *cookies; /* oldest first; values are secret.  NULL: never had one */
    size_t count;
};

/* Wipes and frees; an empty jar again. */
void kp_jar_clear(struct kp_jar *jar);

/* A Set-Cookie of the device for a request to path (the request's target), at now (seconds).  True:
 * it was HttpOnly and is kept (or removes what was kept), or it is ours to ignore: the browser must
 * not see it.  False: it is the browser's, and what it replaces here is gone.  Domain, which can
 * name the device or a part of the network around it, is as if it weren't there: what is here goes
 * to the device alone. */
bool kp_jar_take(struct kp_jar *jar, struct kp_slice set_cookie, struct kp_slice path,
                 uint64_t now);
/* Adds "a=b; c=d" of the cookies for path (longest paths first, then oldest: RFC 6265 5.4); *any:
 * whether something was there before, and afterwards whether there is.  foreign: another site's
 * link leads there, so those with SameSite=Strict stay. */
void kp_jar_put(const struct kp_jar *jar, struct kp_out *out, struct kp_slice path, uint64_t now,
                bool foreign, bool *any);
/* Whether it has a cookie of that name for path: then the browser's of that name isn't sent. */
bool kp_jar_has(const struct kp_jar *jar, struct kp_slice name, struct kp_slice path, uint64_t now);

#endif
