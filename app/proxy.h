/*
 * The proxy that a login's web view goes through: on 127.0.0.1, open to every process of this
 * machine, so a token has to be shown before anything.  It answers CONNECT for the one device,
 * whatever else is asked for; each connection becomes a tunnel (proxy_tunnel.h).  It writes no log.
 */
#ifndef KP_APP_PROXY_H
#define KP_APP_PROXY_H

#include "proxy_tunnel.h"

struct kp_proxy;

struct kp_proxy_plan {
    const char *host; /* as in a URL, as the web view writes it */
    guint16 port;
    struct ssl_ctx_st *server; /* lives until kp_proxy_free */
    kp_proxy_dial dial;
    gpointer owner;
};

/* The plan's strings are copied. */
struct kp_proxy *kp_proxy_new(const struct kp_proxy_plan *plan, GError **error);
/* http://USER:TOKEN@127.0.0.1:PORT; secret. */
const char *kp_proxy_uri(const struct kp_proxy *proxy);
/* Resets all that goes through it.  NULL is fine. */
void kp_proxy_free(struct kp_proxy *proxy);

#endif
