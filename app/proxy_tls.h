/*
 * The proxy's end of TLS towards the web view, by libssl: bytes in, bytes out, no socket.
 *
 * libssl and not GIO's TLS: that one refuses what web views send as a name for https://[v6]/.
 */
#ifndef KP_APP_PROXY_TLS_H
#define KP_APP_PROXY_TLS_H

#include <glib.h>

struct ssl_ctx_st; /* SSL_CTX */
struct kp_proxy_tls;

enum kp_proxy_tls_state {
    KP_PROXY_TLS_SHAKES, /* the handshake runs */
    KP_PROXY_TLS_OPEN,
    KP_PROXY_TLS_ENDED, /* the web view has said that it has no more to say */
    KP_PROXY_TLS_BROKEN,
};

/* NULL: no memory. */
struct kp_proxy_tls *kp_proxy_tls_new(struct ssl_ctx_st *server);
/* Wipes.  NULL is fine. */
void kp_proxy_tls_free(struct kp_proxy_tls *tls);

/* What came from the web view, of TLS; takes all of it. */
void kp_proxy_tls_feed(struct kp_proxy_tls *tls, const guint8 *data, gsize len);
/* Its plain bytes: how many were written to data[len]; 0: none now, look at the state. */
gsize kp_proxy_tls_read(struct kp_proxy_tls *tls, guint8 *data, gsize len);
/* Plain bytes for it: how many were taken.  Only when nothing of TLS waits to be sent. */
gsize kp_proxy_tls_write(struct kp_proxy_tls *tls, const guint8 *data, gsize len);
/* There are no more for it; makes bytes of TLS. */
void kp_proxy_tls_end(struct kp_proxy_tls *tls);
/* Bytes of TLS that wait to be sent, *data[return], valid until the next call but this; then how
 * many of them were sent. */
gsize kp_proxy_tls_waiting(struct kp_proxy_tls *tls, const guint8 **data);
void kp_proxy_tls_sent(struct kp_proxy_tls *tls, gsize len);
enum kp_proxy_tls_state kp_proxy_tls_state(const struct kp_proxy_tls *tls);

#endif
