/*
 * What a visit's pages may do: where they may go, what they may load, and by what name they may
 * save.  Text in, a verdict out; knows no web view.
 *
 * Three things keep a page to its own device, each by itself: the proxy, which goes nowhere else;
 * this judgement of every navigation; and the content policy, which the web view enforces on all
 * that a page loads, as if each page had asked for it.
 */
#ifndef KP_APP_VISIT_POLICY_H
#define KP_APP_VISIT_POLICY_H

#include <glib.h>

/* The device's one origin, always https. */
struct kp_origin {
    char *host; /* as a web view writes it: lower case, [v6] shortest and without its zone */
    guint16 port;
};

/* host: as in a URL, a zone ("[fe80::1%eth0]") is left out: no URL has one, and the proxy knows the
 * way.  FALSE: it can't be a host in a URL; nothing to clear then. */
gboolean kp_origin_set(struct kp_origin *origin, const char *host, guint16 port);
void kp_origin_clear(struct kp_origin *origin);
/* "https://HOST", with ":PORT" unless it is 443.  The caller's. */
char *kp_origin_text(const struct kp_origin *origin);

enum kp_policy {
    KP_POLICY_NOTHING,
    KP_POLICY_LOAD,    /* for a new window: load it here */
    KP_POLICY_SECURE,  /* load kp_policy_secured() of it instead */
    KP_POLICY_OUTSIDE, /* ask, then the system's browser */
};

struct kp_policy_step {
    const char *uri;     /* as the web view writes it */
    gboolean new_window; /* a window was asked for: there is none but this one */
    gboolean by_person;
    gboolean get; /* its method: nothing else is asked for twice */
};

/* A navigation of the page or of a frame in it (the web view can't tell which). */
enum kp_policy kp_policy_step(const struct kp_origin *origin, const struct kp_policy_step *step);
/* Whether it may be what the window as a whole shows. */
gboolean kp_policy_top(const struct kp_origin *origin, const char *uri);
/* Whether a download may come from there. */
gboolean kp_policy_download(const struct kp_origin *origin, const char *uri);
/* The caller's. */
char *kp_policy_secured(const struct kp_origin *origin, const char *uri);
/* A Content-Security-Policy.  The caller's. */
char *kp_policy_content(const struct kp_origin *origin);
/* The name to save by: of what a page suggests, one plain visible name of a file.  The caller's. */
char *kp_policy_file_name(const char *suggested);
/* What a page says, as text of one line for a title: visible, and not too long.  The caller's. */
char *kp_policy_title(const char *title);

#endif
