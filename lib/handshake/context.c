/*
 * The context of connections: settings checked and copied once.
 */
#include "handshake/context.h"

#include "base/secret.h"
#include "record/record.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_RECORD_LIMIT 512
#define ALL_VERSIONS (KP_USE_TLS12 | KP_USE_TLS13)
#define ALL_FORMS (KP_PAKE_IETF | KP_PAKE_BORINGSSL)

static int copy_alpn(struct kp_context *c, const struct kp_settings *s)
{
    if (s->alpn_count > KP_ALPN_MAX)
        return KP_E_ARGUMENT;
    for (size_t i = 0; i < s->alpn_count; i++) {
        size_t len = strlen(s->alpn[i]);
        if (len == 0 || len > 255)
            return KP_E_ARGUMENT;
        c->alpn_len += 1 + len;
    }
    if (c->alpn_len == 0)
        return 0;
    c->alpn = malloc(c->alpn_len);
    if (c->alpn == NULL)
        return KP_E_MEMORY;
    uint8_t *p = c->alpn;
    for (size_t i = 0; i < s->alpn_count; i++) {
        size_t len = strlen(s->alpn[i]);
        *p++ = (uint8_t)len;
        memcpy(p, s->alpn[i], len);
        p += len;
    }
    return 0;
}

static int copy_device_id(struct kp_context *c, const struct kp_settings *s)
{
    if (s->device_id_len > KP_DEVICE_ID_MAX)
        return KP_E_ARGUMENT;
    if (s->device_id_len == 0)
        return 0;
    c->device_id = malloc(s->device_id_len);
    if (c->device_id == NULL)
        return KP_E_MEMORY;
    memcpy(c->device_id, s->device_id, s->device_id_len);
    c->device_id_len = s->device_id_len;
    return 0;
}

/* A client has one form: an impostor must not be able to choose. */
static int pick_protocols(struct kp_context *c, const struct kp_settings *s)
{
    unsigned forms = s->pake;

    if (forms == 0)
        forms = s->role == KP_SERVER ? ALL_FORMS : KP_PAKE_IETF;
    if ((s->versions & ~ALL_VERSIONS) != 0 || (forms & ~ALL_FORMS) != 0 ||
        (s->role == KP_CLIENT && forms == ALL_FORMS))
        return KP_E_ARGUMENT;
    c->versions = (uint8_t)(s->versions != 0 ? s->versions : ALL_VERSIONS);
    c->pake = (uint8_t)forms;
    c->key_update_records = s->key_update_records;
    if (c->key_update_records == 0 || c->key_update_records > KP_AEAD_RECORDS_MAX)
        c->key_update_records = KP_AEAD_RECORDS_MAX;
    return 0;
}

static int fill(struct kp_context *c, const struct kp_settings *s)
{
    uint16_t limit = s->record_size_limit != 0 ? s->record_size_limit : KP_RECORD_MAX;
    int err;

    if ((s->role != KP_CLIENT && s->role != KP_SERVER) || limit < LEAST_RECORD_LIMIT ||
        limit > KP_RECORD_MAX || s->buffer_len > (1u << 20))
        return KP_E_ARGUMENT;
    c->role = s->role;
    c->defer_compute = s->defer_compute;
    c->count_guesses = s->count_guesses && s->role == KP_SERVER;
    c->no_tickets = s->no_tickets;
    c->record_size_limit = limit;
    c->buffer_len = s->buffer_len > KP_RECORD_WIRE_MAX ? s->buffer_len : KP_RECORD_WIRE_MAX;
    c->keylog = s->keylog;
    c->keylog_arg = s->keylog_arg;
    err = pick_protocols(c, s);
    if (err == 0)
        err = copy_alpn(c, s);
    if (err == 0)
        err = copy_device_id(c, s);
    if (err == 0)
        err = kp_crypto_new(&c->crypto, s->random, s->random_arg);
    if (err == 0 && s->role == KP_SERVER && (c->versions & KP_USE_TLS13) != 0)
        err = kp_random(c->crypto, c->cookie_key, sizeof(c->cookie_key));
    if (err == 0 && s->role == KP_SERVER && !s->no_tickets)
        err = kp_ticket_keys_new(&c->tickets, c->crypto,
                                 (struct kp_span){s->device_id, s->device_id_len});
    return err;
}

int kp_context_new(struct kp_context **out, const struct kp_settings *settings)
{
    struct kp_context *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (c == NULL)
        return KP_E_MEMORY;
    atomic_init(&c->references, 1);
    int err = fill(c, settings);
    if (err != 0)
        kp_context_free(c);
    else
        *out = c;
    return err;
}

struct kp_context *kp_context_ref(struct kp_context *c)
{
    atomic_fetch_add(&c->references, 1);
    return c;
}

void kp_context_free(struct kp_context *c)
{
    if (c == NULL || atomic_fetch_sub(&c->references, 1) != 1)
        return;
    kp_ticket_keys_free(c->tickets);
    kp_crypto_free(c->crypto);
    free(c->device_id);
    free(c->alpn);
    kp_free_secret(c, sizeof(*c));
}
