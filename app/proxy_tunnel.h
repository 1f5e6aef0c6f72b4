/*
 * One connection through the proxy, after the token: TLS to the web view on one side, the device's
 * plain bytes on the other, and what ends on one of them ends on the other in the same way.  A cut
 * device is a reset here, never an end in order: nothing cut can look whole.
 */
#ifndef KP_APP_PROXY_TUNNEL_H
#define KP_APP_PROXY_TUNNEL_H

#include <gio/gio.h>

struct ssl_ctx_st; /* SSL_CTX */
struct kp_proxy_tunnel;

/* A stream to the device, see kp_talk_tunnel; -1: there is none. */
typedef int (*kp_proxy_dial)(gpointer owner, gint **cut);

struct kp_proxy_tunnel_plan {
    GSocket *browser; /* connected, non-blocking; a reference is taken, and it is closed */
    struct ssl_ctx_st *server;
    kp_proxy_dial dial; /* once, when the web view has shown that it speaks TLS */
    gpointer dial_owner;
    /* It has ended by itself, and is not to be cut any more.  Never from in kp_proxy_tunnel_new. */
    void (*over)(struct kp_proxy_tunnel *tunnel, gpointer owner);
    gpointer owner;
};

/* NULL: no memory. */
struct kp_proxy_tunnel *kp_proxy_tunnel_new(const struct kp_proxy_tunnel_plan *plan);
/* Resets both sides and frees it; nobody is told or dialled any more. */
void kp_proxy_tunnel_cut(struct kp_proxy_tunnel *tunnel);

#endif
