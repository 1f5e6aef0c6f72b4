/*
 * Whether a request of a browser at the loopback face may go to a device.  A page of any web site
 * can make the browser send requests to this computer: by a name of its own that leads here (DNS
 * rebinding), or across sites; and any program of this computer can send some.  So a request must
 * name its device exactly, bring the secret that only the browser which was let in has, and not
 * come from another site's page.  Judges heads that were parsed; knows no socket and changes
 * nothing.
 */
#ifndef KP_CLIENT_GUARD_H
#define KP_CLIENT_GUARD_H

#include "../http/head.h"
#include "saved.h"

#define KP_GUARD_SECRET_LEN 32 /* bytes; 64 hexadecimal digits, lower case, wherever it is text */
/* "heating.localhost:65535" and its NUL. */
#define KP_GUARD_OWN_LEN (KP_SAVED_NAME_LEN + 16)
/* The cookie that has the secret; the device never sees it, and can't set it. */
#define KP_GUARD_COOKIE "__Host-keyplate"
/* The field by which an extension may say the secret instead; the device never sees it. */
#define KP_GUARD_FIELD "X-Keyplate-Secret"
/* Paths that begin with it are ours, and never reach a device. */
#define KP_GUARD_PATH "/.keyplate/"
/* The path of a one-time link: this, 64 digits, and the path that it opens: "/.keyplate/open/T/".
 */
#define KP_GUARD_OPEN KP_GUARD_PATH "open/"

enum kp_guard_verdict {
    KP_GUARD_PASS,      /* to the device, or to our own page */
    KP_GUARD_PASS_MARK, /* the same; the secret came by the field: the answer sets the cookie */
    KP_GUARD_LINK,      /* a one-time link is used: see kp_guard_link */
    KP_GUARD_NO_SECRET, /* 403: it brings no secret, or a wrong or an old one */
    KP_GUARD_FOREIGN,   /* 403: another site's page makes the browser do it */
    KP_GUARD_WORKER,    /* 403: a page wants to install a service worker */
    KP_GUARD_ASTRAY,    /* 421: it is for another host */
};

/* Host as it has to be: "NAME.localhost:PORT", in any case of letters; without the port if that is
 * 80.  Writes NAME in lower case; false: it is none of ours (421).  Nothing is looked up. */
bool kp_guard_name(const struct kp_http_head *head, unsigned port, char name[KP_SAVED_NAME_LEN]);

/* own: "NAME.localhost:PORT" (the port always there) of the Host that kp_guard_name took; secret:
 * of that name.  Compared in constant time.
 *   - Sec-Fetch-Site, where a browser sends it, must be same-origin or none; another site
 *     (same-site too: another port of that name) may at most follow a link: GET or HEAD,
 *     Sec-Fetch-Mode navigate, Sec-Fetch-Dest document.
 *   - what a browser loads ahead (Sec-Purpose, Purpose, X-Moz) must be said to be same-origin: of
 *     what speculation rules of any page ask for it says "none".  The person's own going there
 *     follows, and is judged anew.
 *   - Origin, if there, must be http://OWN; "null" only beside Sec-Fetch-Site: same-origin.
 *   - a KP_GUARD_OPEN path with GET and, where said, navigate and document, is KP_GUARD_LINK,
 *     whatever site it came from, if it has no Origin; other KP_GUARD_PATH paths need all that
 *     others need.
 *   - what has a Service-Worker field, as browsers' requests for a service worker's script have, is
 *     KP_GUARD_WORKER: a worker would answer in our place, also after logging out, and also those
 *     who come without the secret.
 *   - the secret, last: in the cookie (RFC 6265 4.2) or in the field.  Either will do; several of
 *     one kind must all be right.  The field counts only where Sec-Fetch-Site is same-origin, none
 *     or not there: a link of another site is not let in by it, as it isn't by the cookie, which is
 *     SameSite=Strict.
 * Fields that are there twice and differ: the worse counts.  Host is compared once more, and must
 * be what an absolute target says, if there is one: else ASTRAY.  Values are taken in the one case
 * of letters that browsers write them in. */
enum kp_guard_verdict kp_guard_judge(const struct kp_http_head *head, const char *own,
                                     const uint8_t secret[KP_GUARD_SECRET_LEN]);
/* Whether the browser is let in already: it brings the secret. */
bool kp_guard_knows(const struct kp_http_head *head, const uint8_t secret[KP_GUARD_SECRET_LEN]);

/* Of KP_GUARD_LINK: its token, and the path that it opens ("/" at least, never "//" or "/\" at its
 * beginning: a redirect to it stays here; at head's text).  false: it isn't well-formed. */
bool kp_guard_link(const struct kp_http_head *head, uint8_t token[KP_GUARD_SECRET_LEN],
                   struct kp_slice *path);

/* 64 lower-case digits and a NUL. */
void kp_guard_hex(char out[2 * KP_GUARD_SECRET_LEN + 1], const uint8_t secret[KP_GUARD_SECRET_LEN]);

#endif
