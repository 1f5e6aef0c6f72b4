/*
 * Heads as they go on through the loopback face: the browser is at http://NAME.localhost:PORT, the
 * device believes itself at https://HOST[:PORT], and each gets to see its own.  Written from what
 * was parsed, hop by hop (RFC 9110 7.6).  Bodies are nobody's business.
 */
#ifndef KP_CLIENT_REWRITE_H
#define KP_CLIENT_REWRITE_H

#include "../http/forward.h"
#include "guard.h"
#include "jar.h"

/* Both ends of a device's face. */
struct kp_names {
    char own[KP_GUARD_OWN_LEN];    /* "heating.localhost:28443", where the browser is */
    char device[KP_HOST_TEXT_LEN]; /* "192.168.1.1", "[fe80::1]:8443": the Host of the device,
                                    * without the port if that is 443, and without a zone */
};

/* A request for the device, which keeps its connection whatever body follows.
 *   - Host is the device's; Origin and Referer that name the face name the device, another Referer
 *     is left out, and so is one with a path of ours (KP_GUARD_PATH)
 *   - the secret is in neither Cookie, whatever the case of its name, nor KP_GUARD_FIELD; the jar's
 *     cookies are added, and hide the browser's of their names
 *   - what could be taken for a word on who the client is (http/claims.h) is left out
 *   - Sec-Fetch-* stay */
void kp_rewrite_request(struct kp_out *out, const struct kp_http_head *head,
                        const struct kp_names *names, const struct kp_jar *jar, uint64_t now);

/* A response for the browser, as kp_http_forward_response would (how->keep, chunks, tunnel,
 * cookie), and:
 *   - Location, Content-Location, Refresh, Link: URLs of the device (https of its host and port, or
 *     http of its host at any port) become paths; those without a scheme say https, as that is what
 *     they mean; others stay
 *   - Set-Cookie: HttpOnly ones go into the jar, and expire what the browser has of that name; of
 *     the others Domain is left out, Secure, SameSite, Path, expiry and prefixes stay; one by the
 *     name of the secret is dropped, and so are those that browsers ignore, and all of an interim
 *     response
 *   - Content-Security-Policy (and -Report-Only): sources that name the device name the face, with
 *     http: and ws: for https: and wss:; beside those that allow others too (https:, wss:,
 *     *.local) the face is added; upgrade-insecure-requests and block-all-mixed-content are left
 *     out
 *   - Access-Control-Allow-Origin of the device becomes the face's
 *   - Cache-Control, Expires and Pragma: but for style sheets, scripts and fonts a browser has to
 * ask before it shows again what it kept (no-cache; no-store stays): it would show it, too, when
 *     nobody is logged in any more
 *   - Strict-Transport-Security, Public-Key-Pins, Expect-CT, Alt-Svc are left out
 *   - Clear-Site-Data: "cookies" and "*" must not take the secret: the jar is cleared, the cookies
 *     that the request had are expired one by one, at the paths that they can have come from, and
 *     the other types stay.  That is before any Set-Cookie of the same response.
 */
struct kp_rewrite_back {
    const struct kp_names *names;
    struct kp_jar *jar;
    const struct kp_http_head *asked; /* the request as the browser sent it */
    uint64_t now;
    const char *mark; /* a Set-Cookie value to add for our own sake, or NULL */
    bool clears;      /* what the browser has is another device's: see kp_rewrite_clear */
};
void kp_rewrite_response(struct kp_out *out, const struct kp_http_head *head,
                         const struct kp_http_back *how, const struct kp_rewrite_back *back);

/* Adds the fields by which a browser forgets what it keeps of this origin: all but the cookies at
 * once, and those that came with asked at "/" and at path and its folders. */
void kp_rewrite_clear(struct kp_out *out, const struct kp_http_head *asked, struct kp_slice path);

#endif
