/* What a page may want of the app: nearly all of it is refused, and some is asked of the person. */
#ifndef KP_APP_PAGE_WANTS_H
#define KP_APP_PAGE_WANTS_H

#include "page_box.h"

/* From now on, until they are parted. */
void kp_page_wants_answer(WebKitWebView *view, struct kp_page_box *box);
/* Before box's end; view is not to run then. */
void kp_page_wants_part(WebKitWebView *view, struct kp_page_box *box);

#endif
