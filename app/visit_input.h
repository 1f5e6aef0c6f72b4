/* What the person does in a visit's pages: every act is told, for the idle clock, and the wheel
 * zooms. */
#ifndef KP_APP_VISIT_INPUT_H
#define KP_APP_VISIT_INPUT_H

#include <webkit/webkit.h>

/* acted may end widget.  Lives with widget, in which view has to be. */
void kp_visit_input_watch(GtkWidget *widget, WebKitWebView *view, void (*acted)(gpointer owner),
                          gpointer owner);
/* A step of zoom from where it is: 1 larger, -1 smaller. */
void kp_visit_input_zoom(WebKitWebView *view, int way);

#endif
