/* See report.h. Everything is read from the messages themselves, because libssl has no call that
 * tells whether encrypt-then-MAC was agreed. */
#include "report.h"

#include <string.h>

enum {
    MSG_SERVER_HELLO = 2,
    MSG_SERVER_KEY_EXCHANGE = 12,
    MSG_HEADER_LEN = 4,
    EXT_ENCRYPT_THEN_MAC = 22,
};

struct cursor {
    const unsigned char *at;
    size_t left;
};

static bool skip(struct cursor *c, size_t n)
{
    if (n > c->left)
        return false;
    c->at += n;
    c->left -= n;
    return true;
}

static bool take_number(struct cursor *c, size_t bytes, size_t *value)
{
    if (bytes > c->left)
        return false;
    *value = 0;
    for (size_t i = 0; i < bytes; i++)
        *value = *value << 8 | c->at[i];
    return skip(c, bytes);
}

static bool take_vector(struct cursor *c, size_t length_bytes, struct cursor *vector)
{
    size_t len = 0;
    if (!take_number(c, length_bytes, &len) || len > c->left)
        return false;
    *vector = (struct cursor){c->at, len};
    return skip(c, len);
}

static void see_server_hello(struct report *r, struct cursor c)
{
    struct cursor session_id, extensions, body;
    size_t type;

    if (!skip(&c, 2 + 32) || !take_vector(&c, 1, &session_id) || !skip(&c, 2 + 1) ||
        !take_vector(&c, 2, &extensions))
        return;
    while (take_number(&extensions, 2, &type) && take_vector(&extensions, 2, &body))
        if (type == EXT_ENCRYPT_THEN_MAC)
            r->etm = true;
}

static int bits_of(struct cursor number)
{
    BIGNUM *bn = BN_bin2bn(number.at, (int)number.left, NULL);
    int bits = bn ? BN_num_bits(bn) : 0;
    BN_free(bn);
    return bits;
}

/* RFC 5054 section 2.8.3: ServerSRPParams is N, g, s, B. */
static void see_server_srp_params(struct report *r, struct cursor c)
{
    struct cursor n, g, salt;

    if (!take_vector(&c, 2, &n) || !take_vector(&c, 2, &g) || !take_vector(&c, 1, &salt))
        return;
    r->srp_bits = bits_of(n);
    r->salt_len = salt.left;
    memcpy(r->salt, salt.at, salt.left);
}

static bool srp_suite(const SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(ssl);
    return cipher && strncmp(SSL_CIPHER_get_name(cipher), "SRP-", 4) == 0;
}

static void see_alert(struct report *r, bool sent, int description)
{
    if (description == SSL_AD_CLOSE_NOTIFY)
        return;
    if (sent)
        r->alert_sent = description;
    else
        r->alert_received = description;
}

static void on_message(int sent, int version, int type, const void *buf, size_t len, SSL *ssl,
                       void *arg)
{
    struct report *r = arg;
    const unsigned char *bytes = buf;

    (void)version;
    if (type == SSL3_RT_ALERT && len == 2) {
        see_alert(r, sent != 0, bytes[1]);
    } else if (type == SSL3_RT_HANDSHAKE && len > MSG_HEADER_LEN) {
        struct cursor body = {bytes + MSG_HEADER_LEN, len - MSG_HEADER_LEN};
        if (bytes[0] == MSG_SERVER_HELLO)
            see_server_hello(r, body);
        if (bytes[0] == MSG_SERVER_KEY_EXCHANGE)
            r->full = true;
        if (bytes[0] == MSG_SERVER_KEY_EXCHANGE && srp_suite(ssl))
            see_server_srp_params(r, body);
    }
}

void report_attach(SSL *ssl, struct report *r)
{
    *r = (struct report){.alert_sent = REPORT_NO_ALERT, .alert_received = REPORT_NO_ALERT};
    SSL_set_msg_callback(ssl, on_message);
    SSL_set_msg_callback_arg(ssl, r);
}

static void print_srp(FILE *out, const struct report *r)
{
    if (r->srp_bits == 0)
        return;
    fprintf(out, " srp_bits=%d salt=", r->srp_bits);
    for (size_t i = 0; i < r->salt_len; i++)
        fprintf(out, "%02x", r->salt[i]);
}

void report_connected(FILE *out, SSL *ssl, const struct report *r)
{
    const unsigned char *alpn = NULL;
    unsigned int alpn_len = 0;
    const char *user = SSL_get_srp_username(ssl);

    SSL_get0_alpn_selected(ssl, &alpn, &alpn_len);
    flockfile(out);
    fprintf(out,
            "connected protocol=%s cipher=%s ems=%d etm=%d resumed=%d full=%d alpn=%.*s user=%s",
            SSL_get_version(ssl), SSL_get_cipher_name(ssl), SSL_get_extms_support(ssl) == 1, r->etm,
            SSL_session_reused(ssl), r->full, (int)alpn_len, alpn_len ? (const char *)alpn : "",
            user ? user : "");
    print_srp(out, r);
    fputc('\n', out);
    fflush(out);
    funlockfile(out);
}

static void print_alert(FILE *out, const char *name, int alert)
{
    if (alert == REPORT_NO_ALERT)
        fprintf(out, " %s=none", name);
    else
        fprintf(out, " %s=%d", name, alert);
}

void report_failed(FILE *out, const struct report *r, const char *reason)
{
    flockfile(out);
    fputs("failed", out);
    print_alert(out, "alert_sent", r->alert_sent);
    print_alert(out, "alert_received", r->alert_received);
    print_srp(out, r);
    fprintf(out, " reason=%s\n", reason);
    fflush(out);
    funlockfile(out);
}
