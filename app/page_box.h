/*
 * What the page asks of the person (alert, confirm, prompt, its own HTTP login), in a box over the
 * page that names the device as the one who asks.  The rest of the window stays in reach: no page
 * can keep anybody from logging out.
 */
#ifndef KP_APP_PAGE_BOX_H
#define KP_APP_PAGE_BOX_H

#include <webkit/webkit.h>

struct kp_page_box;

/* device: its name, copied.  over: where the page is in; page gets no input while the box is up. */
struct kp_page_box *kp_page_box_new(const char *device, GtkOverlay *over, GtkWidget *page);
void kp_page_box_script(struct kp_page_box *box, WebKitScriptDialog *dialog);
void kp_page_box_login(struct kp_page_box *box, WebKitAuthenticationRequest *request);
/* What is asked is cancelled, and the box ends.  Before over's and page's end.  NULL is fine. */
void kp_page_box_free(struct kp_page_box *box);

#endif
