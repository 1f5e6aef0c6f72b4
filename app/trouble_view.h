/*
 * What is shown instead of a device's pages when something is wrong: in plain words, red
 * where somebody may be in between, and with
 * no way past it.
 */
#ifndef KP_APP_TROUBLE_VIEW_H
#define KP_APP_TROUBLE_VIEW_H

#include <gtk/gtk.h>

struct kp_trouble_view;

struct kp_trouble_view_hooks {
    void (*again)(gpointer owner); /* log in anew: the person's act, which may spend a guess */
    void (*back)(gpointer owner);
    gpointer owner;
};

struct kp_trouble_view *kp_trouble_view_new(const struct kp_trouble_view_hooks *hooks);
GtkWidget *kp_trouble_view_widget(struct kp_trouble_view *view);
struct kp_trouble_facts {
    const char *heading; /* what it is */
    const char *where;
    const char *text; /* sentences; more may be "" */
    const char *more;
    gboolean may_retry; /* it makes sense */
    gboolean is_over;   /* the login, and all of its pages */
    gboolean is_alarm;  /* red: somebody may be in between; else it is only that nothing comes */
};

void kp_trouble_view_show(struct kp_trouble_view *view, const struct kp_trouble_facts *facts);
void kp_trouble_view_free(struct kp_trouble_view *view);

#endif
