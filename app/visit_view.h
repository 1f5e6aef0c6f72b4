/* The device's pages, of one login: a web view and its find bar in one widget. Everything the
   pages leave (cookies, storage, cache, the proxy, the certificate) lives and ends with it. */
#ifndef KP_APP_VISIT_VIEW_H
#define KP_APP_VISIT_VIEW_H

#include <gtk/gtk.h>

struct kp_talk;
struct kp_visit;

struct kp_visit_plan {
    struct kp_talk *talk;
    const char *name; /* the site's */
    const char *host; /* as in a URL: [v6] in brackets */
    guint16 port;
    const char *path;                                 /* begins with '/' */
    void (*title)(const char *title, gpointer owner); /* plain text, may be "" */
    /* A link to elsewhere was followed by the person: ask, then open it in the system's browser. */
    void (*outside)(const char *uri, gpointer owner);
    void (*moved)(gpointer owner); /* back, forward, zoom or loading changed: look again */
    void (*acted)(gpointer owner); /* key, pointer or scroll of the person: for the idle clock */
    /* The page can't be had at all now: the sentence is shown instead of the page. */
    void (*failed)(const char *sentence, gpointer owner);
    gpointer owner;
};

/* The plan's strings are copied. The widget belongs to the visit until kp_visit_free. */
struct kp_visit *kp_visit_new(const struct kp_visit_plan *plan, GError **error);
GtkWidget *kp_visit_widget(struct kp_visit *visit);
/* Destroys the web view, the network session and its data, the proxy and the certificate's key.
   May be called from inside any of the plan's functions. */
void kp_visit_free(struct kp_visit *visit);
/* Nothing of the page is seen or runs any more; before trouble is shown. */
void kp_visit_hide(struct kp_visit *visit);

gboolean kp_visit_can_go_back(struct kp_visit *visit);
gboolean kp_visit_can_go_forward(struct kp_visit *visit);
gboolean kp_visit_is_loading(struct kp_visit *visit);
void kp_visit_back(struct kp_visit *visit);
void kp_visit_forward(struct kp_visit *visit);
void kp_visit_reload(struct kp_visit *visit);
void kp_visit_stop(struct kp_visit *visit);
void kp_visit_find(struct kp_visit *visit);
void kp_visit_zoom_in(struct kp_visit *visit);
void kp_visit_zoom_out(struct kp_visit *visit);
void kp_visit_zoom_normal(struct kp_visit *visit);
double kp_visit_zoom(struct kp_visit *visit);

#endif
