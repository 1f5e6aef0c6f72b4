/*
 * The pages that the loopback face itself shows: each a whole HTTP answer in the reader's language,
 * without scripts, that nobody may keep or put into a frame, and none ever asks for a password.
 * Words only: knows no socket and no hub.
 *
 * Every function here adds one answer to out, and returns its status.  Where memory runs out
 * out->failed says so.  What a stranger chose (names, ids, addresses, paths, sentences) is given as
 * it is and escaped in here.
 */
#ifndef KP_CLIENT_PAGES_H
#define KP_CLIENT_PAGES_H

#include "../http/parser.h"
#include "explain.h"
#include "hub.h"
#include "words.h"

/* What all pages need to know.  Texts are borrowed. */
struct kp_page {
    enum kp_language language;
    const char *name;          /* the device's, "heating"; NULL: the page isn't of one */
    bool closes;               /* says Connection: close */
    const struct kp_out *more; /* more lines of the head; NULL: none */
};

/* ---- Without anything more --------------------------------------------------------------- */

enum kp_page_kind {
    /* They need page->name. */
    KP_PAGE_LOGGED_OUT, /* 403: it was in; what the browser keeps of it is cleared */
    KP_PAGE_NOT_IN,     /* 403: it is saved, but nobody has logged in */
    KP_PAGE_PROVING,    /* 503: somebody logs in just now; loads itself again */
    KP_PAGE_BAD_ANSWER, /* 502: the device's answer can't be read */
    KP_PAGE_LATE,       /* 504: it didn't answer in time */
    /* They don't; what they say of a device they say only with it. */
    KP_PAGE_NO_SECRET,     /* 403 of KP_GUARD_NO_SECRET, a request but GET */
    KP_PAGE_NO_SECRET_GET, /* 403 of GET: with a link to "/", which a click from here opens if only
                            * a link of another site kept the cookie back */
    KP_PAGE_FOREIGN,       /* 403 of KP_GUARD_FOREIGN */
    KP_PAGE_WORKER,        /* 403 of KP_GUARD_WORKER */
    KP_PAGE_OTHER_USER,    /* 403: another user of this computer asks */
    KP_PAGE_ASTRAY,        /* 421 of KP_GUARD_ASTRAY and of a Host that is none of ours */
    KP_PAGE_NOBODY,        /* 421: NAME.localhost of a device that is neither used nor saved */
    KP_PAGE_NOT_FOUND,     /* 404 of a path of ours */
    KP_PAGE_METHOD,        /* 405 of a path of ours that takes POST alone */
    KP_PAGE_LINK_USED,     /* 403: a one-time link that was used, is too old, or was never one */
    KP_PAGE_FULL,          /* 503: too many connections at once, or no memory */
    KP_PAGES
};

unsigned kp_page_of(struct kp_out *out, const struct kp_page *page, enum kp_page_kind kind);
/* The request couldn't be read: 400, 431, 501, 503 or 505.  Not KP_HTTP_FINE. */
unsigned kp_page_of_problem(struct kp_out *out, const struct kp_page *page,
                            enum kp_http_problem problem);

/* ---- Of a device's connection ------------------------------------------------------------ */

/* 502: the device at where (HOST[:PORT], for people) can't be reached, broke off, refused the
 * password (also one that it took before), or is a stranger. */
unsigned kp_page_of_trouble(struct kp_out *out, const struct kp_page *page,
                            const struct kp_trouble *trouble, const char *where);

/* ---- Going on ---------------------------------------------------------------------------- */

/* Both with a Set-Cookie of that value, if cookie isn't NULL.  path[len]: of this origin, "/...";
 * one that would lead elsewhere or can't be said in a field becomes "/". */

/* 303: for a browser that came from nowhere (typed, started with it). */
unsigned kp_page_see(struct kp_out *out, const struct kp_page *page, struct kp_slice path,
                     const char *cookie);
/* 200 and a page that goes on by itself: after a link of another site, where a redirect would still
 * be that site's, and SameSite=Strict would keep the cookie back. */
unsigned kp_page_go_on(struct kp_out *out, const struct kp_page *page, struct kp_slice path,
                       const char *cookie);
/* 303 to an address of our own making, "http://NAME.localhost:PORT/...". */
unsigned kp_page_see_other(struct kp_out *out, const struct kp_page *page, const char *url);

/* ---- The list of devices ----------------------------------------------------------------- */

/* Its forms, without bodies, answered by kp_page_see of "/" but for the first, kp_page_see_other:
 *      POST /.keyplate/open?name=NAME      /.keyplate/logout?name=NAME  /.keyplate/forget?name=NAME
 */
struct kp_page_list {
    struct kp_page page; /* its name is NULL */
    struct kp_out rows;
    unsigned count;
};

/* Then come the rows, by name, and in the end kp_page_list_end, always: it frees. */
void kp_page_list_begin(struct kp_page_list *list, const struct kp_page *page);
void kp_page_list_row(struct kp_page_list *list, const struct kp_site_facts *facts);
/* 200.  fault: a sentence to stand above the list, as the one why the file can't be read; or NULL.
 */
unsigned kp_page_list_end(struct kp_page_list *list, struct kp_out *out, const char *fault);

#endif
