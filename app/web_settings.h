/*
 * A web view that keeps nothing, goes nowhere but through its proxy, and has none of what a
 * device's page has no business with (cameras, places, notifications, the whole screen).
 */
#ifndef KP_APP_WEB_SETTINGS_H
#define KP_APP_WEB_SETTINGS_H

#include <webkit/webkit.h>

struct kp_web_plan {
    const char *host;             /* of the one origin, [v6] in brackets */
    const char *content;          /* the content policy */
    const char *proxy;            /* its URI; secret */
    GTlsCertificate *certificate; /* the only one that is taken */
};

/* The caller's, not floating; its session and context live as long as it does. */
WebKitWebView *kp_web_view_new(const struct kp_web_plan *plan);

#endif
