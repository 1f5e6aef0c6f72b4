/* What the person has chosen, in keyplate/app.ini of the folder for configurations. */
#ifndef KP_APP_SETTINGS_H
#define KP_APP_SETTINGS_H

#include <gtk/gtk.h>

#define KP_IDLE_MINUTES 15
#define KP_IDLE_MOST 240

struct kp_settings {
    guint idle_minutes; /* until a logout; 0: never */
};

/* What can't be read, or isn't sensible, is as if it had not been chosen. */
void kp_settings_load(struct kp_settings *settings);
gboolean kp_settings_save(const struct kp_settings *settings);
/* A window over parent in which they are changed; changed is called after each that was saved. */
void kp_settings_show(GtkWindow *parent, struct kp_settings *settings,
                      void (*changed)(gpointer owner), gpointer owner);

#endif
