/*
 * The start view: an address to type, a picture of a label to read, the devices that are saved, and
 * those that say that they are near.
 */
#ifndef KP_APP_START_VIEW_H
#define KP_APP_START_VIEW_H

#include <gtk/gtk.h>

#include "talk.h"

struct kp_start_view;

struct kp_start_view_hooks {
    /* The person wants to log in to what text says: an address, a link, or a saved name.  password:
     * of a label's picture, secret, or NULL.  Both are valid until it returns. */
    void (*chosen)(const char *text, const char *password, gpointer owner);
    gpointer owner;
};

struct kp_start_view *kp_start_view_new(struct kp_talk *talk,
                                        const struct kp_start_view_hooks *hooks);
GtkWidget *kp_start_view_widget(struct kp_start_view *view);
/* It is shown: looks around, and lists anew.  Otherwise it listens to nobody. */
void kp_start_view_open(struct kp_start_view *view);
void kp_start_view_shut(struct kp_start_view *view);
/* A sentence above all else; "" for none. */
void kp_start_view_say(struct kp_start_view *view, const char *sentence, gboolean is_trouble);
void kp_start_view_free(struct kp_start_view *view);

#endif
