/*
 * Files from the device: where to is asked for each, a small bar says how far it is, and what
 * breaks off leaves nothing behind.
 */
#ifndef KP_APP_DOWNLOADS_H
#define KP_APP_DOWNLOADS_H

#include <webkit/webkit.h>

struct kp_origin;
struct kp_downloads;

/* All that session downloads.  origin: valid until kp_downloads_free. */
struct kp_downloads *kp_downloads_new(WebKitNetworkSession *session,
                                      const struct kp_origin *origin);
/* Lives until kp_downloads_free, and in its parent. */
GtkWidget *kp_downloads_widget(struct kp_downloads *downloads);
/* Breaks off what isn't done, and removes it.  NULL is fine. */
void kp_downloads_free(struct kp_downloads *downloads);

#endif
