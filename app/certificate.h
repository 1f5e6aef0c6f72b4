/*
 * The certificate that the web view sees in front of the proxy: fresh for each login, signed by
 * itself, pinned.  It says nothing of the device and is never shown: who is there was proved by the
 * password, on the far side of the proxy.
 */
#ifndef KP_APP_CERTIFICATE_H
#define KP_APP_CERTIFICATE_H

#include <gio/gio.h>

struct ssl_ctx_st; /* SSL_CTX */
struct kp_certificate {
    struct ssl_ctx_st *server; /* what shows it; the key is nowhere else */
    GTlsCertificate *pinned;   /* the certificate alone */
};

/* host: as in a URL, [v6] in brackets. */
struct kp_certificate *kp_certificate_new(const char *host, GError **error);
/* Wipes the key, when the last connection by it is gone.  NULL is fine. */
void kp_certificate_free(struct kp_certificate *certificate);

#endif
