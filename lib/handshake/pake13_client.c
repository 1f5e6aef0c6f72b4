/*
 * TLS 1.3 with SPAKE2+, client: from the answer to its ClientHello on.  RFC 8446 4,
 * draft-ietf-tls-pake-02.
 */
#include "handshake/handshake.h"

#include "base/error.h"
#include "base/secret.h"

#include <string.h>

/* ---- ServerHello and HelloRetryRequest ------------------------------------------------------- */

static bool is_ietf(const struct kp_handshake *hs)
{
    return hs->context->pake == KP_PAKE_IETF;
}

/* RFC 8446 4.1.3, 4.1.4: what both have to repeat, and may answer. */
static int check_common(struct kp_handshake *hs, const struct kp_server_hello *hello,
                        uint32_t allowed)
{
    const struct kp_suite *suite = kp_suite_by_value(hello->suite);
    struct kp_extensions offered;

    kp_client_fill_extensions(hs, &offered);
    if ((hello->ext.present & ~(allowed & (offered.present | KP_EXT_COOKIE))) != 0)
        return KP_E_EXTENSION;
    if (hello->session_id.len != hs->session_id_len ||
        memcmp(hello->session_id.data, hs->session_id, hs->session_id_len) != 0 ||
        hello->compression != 0)
        return KP_E_ILLEGAL;
    if (suite == NULL || suite->version != KP_TLS13 ||
        !kp_aead_available(hs->context->crypto, suite->aead))
        return KP_E_SUITE;
    if (hs->suite != NULL && suite != hs->suite)
        return KP_E_ILLEGAL;
    hs->suite = suite;
    hs->outcome->suite = suite->value;
    hs->outcome->version = KP_TLS13;
    hs->records->version = KP_TLS12;
    hs->records->tls13 = true;
    return 0;
}

/* RFC 8446 4.1.4: one of our groups, and not the one that it has. */
static int take_asked_group(struct kp_handshake *hs, uint16_t group)
{
    const struct kp_span offered = {hs->t13.groups, sizeof(hs->t13.groups)};

    if (group == 0 || !kp_list_has(offered, group) || group == kp_exchange_group(hs->t13.exchange))
        return KP_E_ILLEGAL;
    hs->t13.asked_group = group;
    return 0;
}

/* A ticket of another hash can't be bound to what comes now (RFC 8446 4.1.4). */
static int keep_ticket(struct kp_handshake *hs)
{
    if (!(hs->facts & KP_FACT_OFFER_PSK) ||
        kp_suite_by_value(hs->session->suite)->hash == hs->suite->hash)
        return 0;
    hs->facts &= ~(uint32_t)KP_FACT_OFFER_PSK;
    return hs->facts & KP_FACT_OFFER_PAKE ? 0 : KP_E_TICKET_REFUSED;
}

int kp_client13_retry(struct kp_handshake *hs, const struct kp_server_hello *hello)
{
    uint8_t hash[KP_HASH_MAX];
    int err = check_common(hs, hello, KP_EXT_VERSIONS | KP_EXT_KEY_SHARE | KP_EXT_COOKIE);

    if (err == 0 && !(hello->ext.present & (KP_EXT_KEY_SHARE | KP_EXT_COOKIE)))
        err = KP_E_ILLEGAL;
    if (err == 0 && (hello->ext.present & KP_EXT_KEY_SHARE))
        err = take_asked_group(hs, hello->ext.key_share.group);
    if (err == 0 && (hello->ext.present & KP_EXT_COOKIE))
        err = kp_copy_bytes(&hs->t13.cookie, &hs->t13.cookie_len, hello->ext.cookie);
    if (err == 0)
        err = keep_ticket(hs);
    if (err == 0)
        err = kp_transcript_choose(&hs->transcript, hs->context->crypto, hs->suite->hash);
    if (err == 0)
        err = kp_transcript_peek(&hs->transcript, hash);
    if (err == 0)
        err = kp_transcript_restart(&hs->transcript, hs->context->crypto, hs->suite->hash, hash);
    hs->outcome->retried = true;
    hs->facts |= KP_FACT_RETRIED;
    hs->step = kp_flow13_client_retry;
    return err;
}

/* The ticket was taken: RFC 8446 4.2.11, and psk_dhe_ke was all that we offered. */
static int take_ticket(struct kp_handshake *hs, const struct kp_extensions *ext)
{
    if (ext->psk_index != 0 || kp_suite_by_value(hs->session->suite)->hash != hs->suite->hash ||
        (ext->present & KP_EXT_PAKE))
        return KP_E_ILLEGAL;
    if (!(ext->present & KP_EXT_KEY_SHARE))
        return KP_E_ILLEGAL;
    hs->outcome->resumed = true;
    hs->facts |= KP_FACT_RESUMED;
    return 0;
}

/* A server that answers with neither has but a certificate to show. */
static int no_password(struct kp_handshake *hs)
{
    if (!(hs->facts & KP_FACT_OFFER_PAKE))
        return KP_E_TICKET_REFUSED;
    hs->alert = KP_ALERT_MISSING_EXTENSION;
    return KP_E_NO_SRP_SERVER;
}

static int take_pake(struct kp_handshake *hs, const struct kp_extensions *ext)
{
    struct kp_state13 *t = &hs->t13;

    if (!(ext->present & KP_EXT_PAKE))
        return no_password(hs);
    if (ext->pake_scheme != KP_SPAKE2PLUS_V1)
        return is_ietf(hs) ? KP_E_ILLEGAL : KP_E_DECODE;
    if (ext->pake_message.len != KP_POINT_LEN + KP_SPAKE2PLUS_CONFIRM_LEN)
        return KP_E_ILLEGAL;
    if (is_ietf(hs) && !(ext->present & KP_EXT_KEY_SHARE))
        return KP_E_MISSING;
    memcpy(t->share_v, ext->pake_message.data, KP_POINT_LEN);
    memcpy(t->confirm_v, ext->pake_message.data + KP_POINT_LEN, KP_SPAKE2PLUS_CONFIRM_LEN);
    t->form = hs->context->pake;
    hs->outcome->form = t->form;
    /* The early secret of the ticket that was not taken. */
    kp_schedule13_clear(&t->schedule);
    return 0;
}

static int take_key_share(struct kp_handshake *hs, const struct kp_extensions *ext)
{
    if (!(ext->present & KP_EXT_KEY_SHARE))
        return 0;
    if (ext->key_share.group != kp_exchange_group(hs->t13.exchange))
        return KP_E_ILLEGAL;
    hs->t13.group = ext->key_share.group;
    hs->outcome->group = ext->key_share.group;
    return kp_copy_bytes(&hs->t13.peer_share, &hs->t13.peer_share_len, ext->key_share.key);
}

int kp_client13_begin(struct kp_handshake *hs, const struct kp_server_hello *hello)
{
    int err = check_common(hs, hello, KP_EXT_SERVER13);

    if (err == 0)
        err = hello->ext.present & KP_EXT_PSK ? take_ticket(hs, &hello->ext)
                                              : take_pake(hs, &hello->ext);
    if (err == 0)
        err = take_key_share(hs, &hello->ext);
    if (err == 0 && !(hs->facts & KP_FACT_RETRIED))
        err = kp_transcript_choose(&hs->transcript, hs->context->crypto, hs->suite->hash);
    memcpy(hs->server_random, hello->random.data, KP_RANDOM_LEN);
    hs->step = kp_flow13_client;
    return err;
}

/* RFC 8446 4.1.4: "If a client receives a second HelloRetryRequest [...] it MUST abort the
 * handshake with an unexpected_message alert." */
int kp_client13_recv_second_hello(struct kp_handshake *hs, struct kp_reader *r)
{
    struct kp_server_hello hello;
    int err = kp_server_hello_parse(r, &hello);

    if (err != 0)
        return err;
    if (hello.retry)
        return KP_E_UNEXPECTED;
    if (hello.version == KP_SSL30)
        return KP_E_VERSION;
    if (!(hello.ext.present & KP_EXT_VERSIONS) || hello.ext.version != KP_TLS13 ||
        hello.version != KP_TLS12)
        return KP_E_ILLEGAL;
    return kp_client13_begin(hs, &hello);
}

/* ---- Arithmetic ---------------------------------------------------------------------------- */

/* confirmV before anything else: only who knows the password's verifier can make it. */
static int check_confirm(struct kp_handshake *hs, const struct kp_spake2plus_keys *keys)
{
    if (kp_equal_secret(keys->confirm_v, hs->t13.confirm_v, sizeof(keys->confirm_v)))
        return 0;
    hs->alert = is_ietf(hs) ? KP_ALERT_DECRYPT_ERROR : KP_ALERT_ILLEGAL_PARAMETER;
    return KP_E_PROOF;
}

static int run_pake(struct kp_handshake *hs)
{
    const struct kp_login *login = hs->login;
    struct kp_state13 *t = &hs->t13;
    const struct kp_spake2plus_names names =
        kp_tls13_names(t->form, (struct kp_span){(const uint8_t *)login->name, login->name_len},
                       (struct kp_span){login->device_id, login->device_id_len});
    struct kp_spake2plus_keys keys;

    /* The server sees from whatever we do now whether its guess was right. */
    hs->outcome->password_used = true;
    int err =
        kp_spake2plus_prover_finish(hs->context->crypto, &login->spake2plus, &names, t->scalar,
                                    t->share_p, (struct kp_span){t->share_v, KP_POINT_LEN}, &keys);
    if (err == 0)
        err = check_confirm(hs, &keys);
    if (err == 0) {
        memcpy(t->input, keys.shared, sizeof(keys.shared));
        t->input_len = sizeof(keys.shared);
    }
    kp_wipe(&keys, sizeof(keys));
    kp_wipe(t->scalar, sizeof(t->scalar));
    return err;
}

static int finish_exchange(struct kp_handshake *hs)
{
    struct kp_state13 *t = &hs->t13;
    struct kp_exchange_lens lens;

    if (!kp_exchange_lens(hs->context->crypto, t->group, &lens))
        return KP_E_INTERNAL;
    int err = kp_exchange_finish(t->exchange, hs->context->crypto,
                                 (struct kp_span){t->peer_share, t->peer_share_len},
                                 t->input + t->input_len);
    t->input_len += lens.secret;
    return err;
}

int kp_client13_compute(struct kp_handshake *hs)
{
    int err = hs->t13.form != 0 ? run_pake(hs) : 0;

    if (err == 0 && hs->t13.group != 0)
        err = finish_exchange(hs);
    return err;
}

/* ---- The server's protected flight ------------------------------------------------------------
 */

int kp_client13_recv_extensions(struct kp_handshake *hs, struct kp_reader *r)
{
    struct kp_extensions offered;
    struct kp_extensions ext;
    int err = kp_extensions_parse(r, KP_IN_ENCRYPTED, &ext);

    if (err != 0)
        return err;
    kp_client_fill_extensions(hs, &offered);
    if ((ext.present & ~offered.present) != 0)
        return KP_E_EXTENSION;
    if (ext.present & KP_EXT_RECORD_SIZE_LIMIT)
        kp_tls13_limit_records(hs, ext.record_size_limit);
    return kp_client_take_alpn(hs, &ext);
}

int kp_client13_server_done(struct kp_handshake *hs)
{
    int err = kp_tls13_traffic_secrets(hs);

    return err == 0 ? kp_tls13_install_read(hs, hs->outcome->kept.tls13.server) : err;
}

int kp_client13_done(struct kp_handshake *hs)
{
    int err = kp_tls13_resumption_secret(hs);

    return err == 0 ? kp_tls13_install_write(hs, hs->outcome->kept.tls13.client) : err;
}
