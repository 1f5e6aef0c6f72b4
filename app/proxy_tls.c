/* The proxy's end of TLS: see proxy_tls.h. */
#include "proxy_tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/secret.h"

#define ROOM 20480 /* a record, and what a handshake says at once */

struct kp_proxy_tls {
    SSL *ssl;
    BIO *in, *out; /* the SSL's */
    enum kp_proxy_tls_state state;
    gsize start, end; /* of what waits */
    guint8 data[ROOM];
};

struct kp_proxy_tls *kp_proxy_tls_new(SSL_CTX *server)
{
    struct kp_proxy_tls *tls = g_new0(struct kp_proxy_tls, 1);
    tls->ssl = SSL_new(server);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (tls->ssl == NULL || tls->in == NULL || tls->out == NULL) {
        BIO_free(tls->in);
        BIO_free(tls->out);
        tls->in = tls->out = NULL;
        kp_proxy_tls_free(tls);
        return NULL;
    }
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_accept_state(tls->ssl);
    return tls;
}

void kp_proxy_tls_free(struct kp_proxy_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    kp_wipe(tls->data, sizeof tls->data);
    g_free(tls);
}

/* Errors are this thread's, and whoever asks next must not find ours. */
static void judge(struct kp_proxy_tls *tls, int result)
{
    int error = SSL_get_error(tls->ssl, result);
    if (error == SSL_ERROR_ZERO_RETURN)
        tls->state = KP_PROXY_TLS_ENDED;
    else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        tls->state = KP_PROXY_TLS_BROKEN;
    ERR_clear_error();
}

static void shake(struct kp_proxy_tls *tls)
{
    int result;
    if (tls->state != KP_PROXY_TLS_SHAKES)
        return;
    ERR_clear_error();
    result = SSL_do_handshake(tls->ssl);
    if (result == 1)
        tls->state = KP_PROXY_TLS_OPEN;
    else
        judge(tls, result);
}

void kp_proxy_tls_feed(struct kp_proxy_tls *tls, const guint8 *data, gsize len)
{
    if (BIO_write(tls->in, data, (int)len) != (int)len)
        tls->state = KP_PROXY_TLS_BROKEN;
    shake(tls);
}

gsize kp_proxy_tls_read(struct kp_proxy_tls *tls, guint8 *data, gsize len)
{
    int result;
    if (tls->state != KP_PROXY_TLS_OPEN)
        return 0;
    ERR_clear_error();
    result = SSL_read(tls->ssl, data, (int)len);
    if (result > 0)
        return (gsize)result;
    judge(tls, result);
    return 0;
}

gsize kp_proxy_tls_write(struct kp_proxy_tls *tls, const guint8 *data, gsize len)
{
    int result;
    if (len == 0 || (tls->state != KP_PROXY_TLS_OPEN && tls->state != KP_PROXY_TLS_ENDED))
        return 0;
    ERR_clear_error();
    result = SSL_write(tls->ssl, data, (int)len);
    if (result > 0)
        return (gsize)result;
    judge(tls, result);
    return 0;
}

void kp_proxy_tls_end(struct kp_proxy_tls *tls)
{
    ERR_clear_error();
    if (SSL_shutdown(tls->ssl) < 0)
        ERR_clear_error();
}

gsize kp_proxy_tls_waiting(struct kp_proxy_tls *tls, const guint8 **data)
{
    if (tls->start == tls->end) {
        int len = BIO_read(tls->out, tls->data, sizeof tls->data);
        tls->start = 0;
        tls->end = len > 0 ? (gsize)len : 0;
    }
    *data = tls->data + tls->start;
    return tls->end - tls->start;
}

void kp_proxy_tls_sent(struct kp_proxy_tls *tls, gsize len)
{
    tls->start += len;
}

enum kp_proxy_tls_state kp_proxy_tls_state(const struct kp_proxy_tls *tls)
{
    return tls->state;
}
