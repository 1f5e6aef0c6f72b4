/* Small pieces that windows are put together of. */
#ifndef KP_APP_PARTS_H
#define KP_APP_PARTS_H

#include <gtk/gtk.h>

/* A wrapping label that starts at the left; css: a class, or NULL. */
GtkWidget *kp_part_label(const char *text, const char *css);
/* A button of an icon alone, by name, with what it is called. */
GtkWidget *kp_part_icon_button(const char *icon, const char *called);
/* What a screen reader calls it. */
void kp_part_call(GtkWidget *widget, const char *called);
/* A column with room between its children. */
GtkWidget *kp_part_column(int spacing);
GtkWidget *kp_part_row(int spacing);
void kp_part_margins(GtkWidget *widget, int margin);
void kp_part_empty(GtkWidget *box);

/* Asks a question over parent; chosen is called once, with TRUE if the person agrees.  The window
   is its own; to destroy it is to disagree. */
GtkWidget *kp_part_ask(GtkWindow *parent, const char *question, const char *yes, gboolean is_danger,
                       void (*chosen)(gboolean agreed, gpointer owner), gpointer owner,
                       GDestroyNotify free_owner);

#endif
