/*
 * The teal padlock of the title bar: what is proved of the device whose pages are shown, from the
 * engine's facts alone.
 */
#ifndef KP_APP_PADLOCK_H
#define KP_APP_PADLOCK_H

#include <cjson/cJSON.h>
#include <gtk/gtk.h>

struct kp_padlock;

/* out: the person wants to log out. */
struct kp_padlock *kp_padlock_new(void (*out)(gpointer owner), gpointer owner);
GtkWidget *kp_padlock_widget(struct kp_padlock *padlock);
/* device: as doc/agent.md has it, of one that is in. */
void kp_padlock_show(struct kp_padlock *padlock, const cJSON *device);
void kp_padlock_free(struct kp_padlock *padlock);

#endif
