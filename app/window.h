/*
 * The app's window: the start view, the login box, the device's pages, and trouble, one of which is
 * to be seen; and the only one who knows what follows on what.
 */
#ifndef KP_APP_WINDOW_H
#define KP_APP_WINDOW_H

#include <gtk/gtk.h>

struct kp_window;

/* NULL: the engine can't start; *why is the caller's then.  It frees itself when it is closed. */
struct kp_window *kp_window_new(GtkApplication *app, char **why);
/* Brings it to the front; text, an address or a link without a password, may be NULL. */
void kp_window_go(struct kp_window *window, const char *text);

#endif
