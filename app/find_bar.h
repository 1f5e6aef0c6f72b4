/* Looking for words in the page. */
#ifndef KP_APP_FIND_BAR_H
#define KP_APP_FIND_BAR_H

#include <webkit/webkit.h>

struct kp_find_bar;

struct kp_find_bar *kp_find_bar_new(WebKitWebView *view);
/* Lives until kp_find_bar_free, and in its parent. */
GtkWidget *kp_find_bar_widget(struct kp_find_bar *bar);
void kp_find_bar_open(struct kp_find_bar *bar);
/* Before the view's end. */
void kp_find_bar_free(struct kp_find_bar *bar);

#endif
