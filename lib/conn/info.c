/*
 * What the caller asks a connection, and what it can export from it.
 */
#include "conn/conn.h"

#include "crypto/exchange.h"

#include <string.h>

int kp_conn_error(const struct kp_conn *c)
{
    return c->error;
}

int kp_conn_peer_alert(const struct kp_conn *c)
{
    return c->peer_alert;
}

int kp_conn_sent_alert(const struct kp_conn *c)
{
    return c->sent_alert;
}

static const char *version_name(uint16_t version)
{
    if (version == KP_TLS13)
        return "TLSv1.3";
    return version == KP_TLS12 ? "TLSv1.2" : "";
}

/* As OpenSSL prints it. */
static const char *group_name(uint16_t group)
{
    switch (group) {
    case KP_GROUP_SECP256R1:
        return "secp256r1";
    case KP_GROUP_X25519:
        return "X25519";
    case KP_GROUP_X25519MLKEM768:
        return "X25519MLKEM768";
    default:
        return NULL;
    }
}

static const char *form_name(uint8_t form)
{
    if (form == KP_PAKE_IETF)
        return "ietf";
    return form == KP_PAKE_BORINGSSL ? "boringssl" : NULL;
}

void kp_conn_info(const struct kp_conn *c, struct kp_info *out)
{
    const struct kp_outcome *o = &c->outcome;
    const struct kp_suite *suite = kp_suite_by_value(o->suite);

    memset(out, 0, sizeof(*out));
    out->version = o->version;
    out->version_name = version_name(o->version);
    out->suite = o->suite;
    out->suite_name = suite != NULL ? suite->name : "";
    out->pake = form_name(o->form);
    out->group = o->group;
    out->group_name = group_name(o->group);
    out->group_bits = o->group_bits;
    out->resumed = o->resumed;
    out->retried = o->retried;
    out->ticket = o->session != NULL;
    out->password_used = o->password_used;
    out->proof_time = o->proof_time;
    if (c->proved) {
        out->user = o->user;
        out->user_len = o->user_len;
    }
    out->alpn = o->alpn;
    out->server_name = o->server_name;
}

struct kp_session *kp_conn_session(const struct kp_conn *c)
{
    if (!c->proved || c->outcome.session == NULL)
        return NULL;
    return kp_session_ref(c->outcome.session);
}

/* TLS 1.2's own labels, which RFC 5705 4 keeps from exporters. */
static bool is_reserved(const char *label, size_t len)
{
    static const char *const reserved[] = {"client finished", "server finished", "master secret",
                                           "extended master secret", "key expansion"};

    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strlen(reserved[i]) == len && memcmp(reserved[i], label, len) == 0)
            return true;
    }
    return false;
}

int kp_conn_export(const struct kp_conn *c, const char *label, size_t label_len,
                   const uint8_t *context, size_t context_len, uint8_t *out, size_t out_len)
{
    const struct kp_suite *suite = kp_suite_by_value(c->outcome.suite);
    const struct kp_span name = {(const uint8_t *)label, label_len};
    const struct kp_span value = {context, context_len};

    if (!c->proved || c->error != 0 || suite == NULL || label_len == 0 ||
        label_len > KP_EXPORT_LABEL_MAX || out_len > KP_EXPORT_MAX || context_len > UINT16_MAX)
        return KP_E_ARGUMENT;
    if (is_reserved(label, label_len))
        return KP_E_ARGUMENT;
    if (c->outcome.version == KP_TLS13)
        return kp_export13(c->context->crypto, suite->hash, c->outcome.kept.tls13.exporter, name,
                           value, out, out_len);
    return kp_export12(c->context->crypto, c->outcome.kept.tls12.master,
                       c->outcome.kept.tls12.client_random, c->outcome.kept.tls12.server_random,
                       name, context != NULL ? &value : NULL, out, out_len);
}
