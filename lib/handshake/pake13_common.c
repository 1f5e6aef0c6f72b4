/*
 * TLS 1.3: what both roles do alike.  RFC 8446 4.4.4, 5, 7; draft-ietf-tls-pake-02.
 */
#include "handshake/handshake.h"

#include "base/secret.h"

#include <string.h>

/* The draft's Context is "tls" and an application's, which is empty; BoringSSL's form has none. */
struct kp_spake2plus_names kp_tls13_names(uint8_t form, struct kp_span user,
                                          struct kp_span device_id)
{
    static const uint8_t tls[] = {'t', 'l', 's'};

    return (struct kp_spake2plus_names){
        .context = {tls, form == KP_PAKE_IETF ? sizeof(tls) : 0},
        .prover = user,
        .verifier = device_id,
    };
}

uint16_t kp_tls13_group(const struct kp_crypto *crypto, size_t index)
{
    static const uint16_t groups[] = {KP_GROUP_X25519MLKEM768, KP_GROUP_X25519, KP_GROUP_SECP256R1};
    struct kp_exchange_lens lens;

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (kp_exchange_lens(crypto, groups[i], &lens) && index-- == 0)
            return groups[i];
    }
    return 0;
}

/* ---- Records ----------------------------------------------------------------------------- */

/* Of TLSInnerPlaintext, whose type byte counts. */
uint16_t kp_tls13_record_limit(const struct kp_context *context)
{
    bool all = context->record_size_limit == KP_RECORD_MAX;

    return (uint16_t)(context->record_size_limit + (all ? 1 : 0));
}

void kp_tls13_limit_records(struct kp_handshake *hs, uint16_t theirs)
{
    hs->records->recv_limit = (uint16_t)(kp_tls13_record_limit(hs->context) - 1);
    if (theirs - 1 < hs->records->send_limit)
        hs->records->send_limit = (uint16_t)(theirs - 1);
}

int kp_tls13_protect(struct kp_protect *protect, const struct kp_crypto *crypto,
                     const struct kp_suite *suite, struct kp_mac *mac, const uint8_t *secret,
                     bool sealing)
{
    struct kp_keys13 keys;
    int err = kp_traffic_keys13(mac, secret, suite->key_len, &keys);

    if (err == 0)
        kp_protect_aead(protect, crypto, suite->aead, &keys, sealing);
    kp_wipe(&keys, sizeof(keys));
    return err;
}

int kp_tls13_install_read(struct kp_handshake *hs, const uint8_t *secret)
{
    if (kp_handshake_partial(hs))
        return KP_E_UNEXPECTED;
    return kp_tls13_protect(&hs->records->read, hs->context->crypto, hs->suite,
                            hs->t13.schedule.mac, secret, false);
}

int kp_tls13_install_write(struct kp_handshake *hs, const uint8_t *secret)
{
    return kp_tls13_protect(&hs->records->write, hs->context->crypto, hs->suite,
                            hs->t13.schedule.mac, secret, true);
}

/* Once a handshake: RFC 8446 D.4. */
int kp_tls13_send_ccs(struct kp_handshake *hs)
{
    hs->facts &= ~(uint32_t)KP_FACT_COMPAT;
    return kp_record_write_ccs(hs->records);
}

/* ---- Secrets ------------------------------------------------------------------------------- */

int kp_tls13_binder(const struct kp_schedule13 *schedule, const uint8_t *hash, uint8_t *out)
{
    uint8_t key[KP_HASH_MAX];
    int err = kp_schedule13_derive(schedule, KP_LABEL13_BINDER, NULL, key);

    if (err == 0)
        err = kp_finished13(schedule->mac, key, hash, out);
    kp_wipe(key, sizeof(key));
    return err;
}

static int derive(struct kp_handshake *hs, const char *label, const char *log_label,
                  const uint8_t *transcript, uint8_t *out)
{
    int err = kp_schedule13_derive(&hs->t13.schedule, label, transcript, out);

    if (err == 0 && log_label != NULL)
        kp_handshake_log_secret(hs, log_label, out, kp_hash_len(hs->suite->hash));
    return err;
}

/* After ServerHello.  The schedule was started where a PSK took part; K_shared, (EC)DHE or both
 * come in now. */
int kp_tls13_handshake_keys(struct kp_handshake *hs)
{
    struct kp_state13 *t = &hs->t13;
    uint8_t hash[KP_HASH_MAX];
    bool server = hs->context->role == KP_SERVER;
    int err = 0;

    if (t->schedule.mac == NULL)
        err = kp_schedule13_start(&t->schedule, hs->context->crypto, hs->suite->hash,
                                  (struct kp_span){NULL, 0});
    if (err == 0)
        err = kp_schedule13_next(&t->schedule, (struct kp_span){t->input, t->input_len});
    kp_wipe(t->input, sizeof(t->input));
    if (err == 0)
        err = kp_transcript_peek(&hs->transcript, hash);
    if (err == 0)
        err = derive(hs, KP_LABEL13_CLIENT_HANDSHAKE, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", hash,
                     t->client_secret);
    if (err == 0)
        err = derive(hs, KP_LABEL13_SERVER_HANDSHAKE, "SERVER_HANDSHAKE_TRAFFIC_SECRET", hash,
                     t->server_secret);
    if (err == 0)
        err = kp_tls13_install_read(hs, server ? t->client_secret : t->server_secret);
    if (err == 0)
        err = kp_tls13_install_write(hs, server ? t->server_secret : t->client_secret);
    return err;
}

int kp_tls13_traffic_secrets(struct kp_handshake *hs)
{
    union kp_kept *kept = &hs->outcome->kept;
    uint8_t hash[KP_HASH_MAX];
    int err = kp_schedule13_next(&hs->t13.schedule, (struct kp_span){NULL, 0});

    if (err == 0)
        err = kp_transcript_peek(&hs->transcript, hash);
    if (err == 0)
        err = derive(hs, KP_LABEL13_CLIENT_TRAFFIC, "CLIENT_TRAFFIC_SECRET_0", hash,
                     kept->tls13.client);
    if (err == 0)
        err = derive(hs, KP_LABEL13_SERVER_TRAFFIC, "SERVER_TRAFFIC_SECRET_0", hash,
                     kept->tls13.server);
    if (err == 0)
        err = derive(hs, KP_LABEL13_EXPORTER, "EXPORTER_SECRET", hash, kept->tls13.exporter);
    return err;
}

int kp_tls13_resumption_secret(struct kp_handshake *hs)
{
    uint8_t hash[KP_HASH_MAX];
    int err = kp_transcript_peek(&hs->transcript, hash);

    if (err == 0)
        err = derive(hs, KP_LABEL13_RESUMPTION, NULL, hash, hs->outcome->kept.tls13.resumption);
    return err;
}

/* ---- Finished ------------------------------------------------------------------------------ */

static int verify_data(struct kp_handshake *hs, enum kp_role from, uint8_t *out)
{
    uint8_t hash[KP_HASH_MAX];
    int err = kp_transcript_peek(&hs->transcript, hash);

    if (err == 0)
        err = kp_finished13(hs->t13.schedule.mac,
                            from == KP_CLIENT ? hs->t13.client_secret : hs->t13.server_secret, hash,
                            out);
    return err;
}

int kp_tls13_send_finished(struct kp_handshake *hs, struct kp_builder *b)
{
    uint8_t data[KP_HASH_MAX];
    int err = verify_data(hs, hs->context->role, data);

    if (err == 0)
        kp_put_bytes(b, data, kp_hash_len(hs->suite->hash));
    kp_wipe(data, sizeof(data));
    return err;
}

/* A simulated half has nobody's password; if somebody had it, it would still be no proof.  Nor is
 * one that was made for another device, or by a name that nobody can have. */
static bool proves_nothing(const struct kp_handshake *hs)
{
    return hs->context->role == KP_SERVER && hs->t13.form != 0 &&
           (hs->credential.spake2plus_simulated || hs->proves_nothing);
}

int kp_tls13_recv_finished(struct kp_handshake *hs, struct kp_reader *r)
{
    bool server = hs->context->role == KP_SERVER;
    size_t len = kp_hash_len(hs->suite->hash);
    uint8_t expected[KP_HASH_MAX];
    const uint8_t *got;
    int err = kp_finished13_parse(r, len, &got);

    if (err == 0)
        err = verify_data(hs, server ? KP_CLIENT : KP_SERVER, expected);
    if (err == 0 && !kp_equal_secret(expected, got, len))
        err = KP_E_FINISHED;
    if (err == 0 && proves_nothing(hs))
        err = KP_E_PROOF;
    kp_wipe(expected, sizeof(expected));
    return err;
}
