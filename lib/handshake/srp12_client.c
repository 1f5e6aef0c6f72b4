/*
 * TLS 1.2 with SRP, client: message logic.  RFC 5054 2.5, RFC 5077 3, RFC 5246 7.4.
 */
#include "handshake/handshake.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

/* ---- ServerHello ------------------------------------------------------------------------- */

/* An answer must have been offered, and what we demand must be answered. */
static int check_extensions(struct kp_handshake *hs, const struct kp_server_hello *hello)
{
    const struct kp_extensions *ext = &hello->ext;
    struct kp_extensions offered = {0};

    kp_client_fill_extensions(hs, &offered);
    if ((ext->present & ~(offered.present & KP_EXT_SERVER12)) != 0)
        return KP_E_EXTENSION;
    if (!(ext->present & KP_EXT_ETM))
        return KP_E_NO_ETM;
    if (!(ext->present & KP_EXT_EMS))
        return KP_E_NO_EMS;
    if (!(ext->present & KP_EXT_RENEGOTIATION))
        return KP_E_RENEGOTIATION;
    if (ext->present & KP_EXT_RECORD_SIZE_LIMIT) {
        hs->records->recv_limit = hs->context->record_size_limit;
        if (ext->record_size_limit < KP_RECORD_MAX)
            hs->records->send_limit = ext->record_size_limit;
    }
    if (ext->present & KP_EXT_TICKET)
        hs->facts |= KP_FACT_TICKET_PROMISED;
    return 0;
}

static bool is_resumed(const struct kp_handshake *hs, const struct kp_server_hello *hello)
{
    return hs->session != NULL && hs->session->version == KP_TLS12 &&
           hello->session_id.len == hs->session_id_len &&
           memcmp(hello->session_id.data, hs->session_id, hs->session_id_len) == 0;
}

/* RFC 5077 3.4, RFC 5246 7.4.1.3: the session's suite goes on. */
static int go_on(struct kp_handshake *hs, bool resumed)
{
    if (resumed) {
        if (hs->session->version != hs->outcome->version || hs->session->suite != hs->suite->value)
            return KP_E_ILLEGAL;
        memcpy(hs->master, hs->session->master, KP_MASTER_LEN);
        hs->outcome->resumed = true;
        hs->facts |= KP_FACT_RESUMED;
        hs->step = kp_flow12_client_resumed;
        return 0;
    }
    if (hs->login == NULL)
        return KP_E_TICKET_REFUSED;
    hs->step = kp_flow12_client_full;
    return 0;
}

int kp_client12_begin(struct kp_handshake *hs, const struct kp_server_hello *hello)
{
    int err;

    if (hello->version != KP_TLS12)
        return KP_E_VERSION;
    if (!(hs->facts & KP_FACT_OFFER12))
        return hs->login != NULL ? KP_E_ONLY_TLS12 : KP_E_TICKET_REFUSED;
    /* It was passed over as TLS 1.3's: here it is one too early. */
    if (hs->facts & KP_FACT_CCS_SEEN)
        return KP_E_UNEXPECTED;
    hs->outcome->version = KP_TLS12;
    hs->suite = kp_suite_by_value(hello->suite);
    if (hs->suite == NULL || hs->suite->version != KP_TLS12)
        return KP_E_SUITE;
    if (hello->compression != 0)
        return KP_E_COMPRESSION;
    hs->outcome->suite = hello->suite;
    memcpy(hs->server_random, hello->random.data, KP_RANDOM_LEN);
    err = check_extensions(hs, hello);
    if (err == 0)
        err = kp_client_take_alpn(hs, &hello->ext);
    if (err == 0)
        err = kp_transcript_choose(&hs->transcript, hs->context->crypto, hs->suite->hash);
    return err == 0 ? go_on(hs, is_resumed(hs, hello)) : err;
}

/* ---- The server's flight ------------------------------------------------------------------- */

int kp_client12_recv_key_exchange(struct kp_handshake *hs, struct kp_reader *r)
{
    struct kp_srp_params params;
    int err = kp_server_key_exchange_parse(r, &params);

    if (err != 0)
        return err;
    /* RFC 5054 3.2 lets a client take any group that it can check; ours is a list. */
    const struct kp_srp_group_id *id =
        kp_srp_group_by_value(params.n.data, params.n.len, params.g.data, params.g.len);
    if (id == NULL)
        return KP_E_GROUP;
    err = kp_srp_group_new(&hs->srp.own_group, hs->context->crypto, id, false);
    if (err == 0)
        err = kp_srp12_shares_new(hs, hs->srp.own_group);
    /* RFC 5054 2.5.3: B mod N = 0 is illegal_parameter. */
    if (err == 0)
        err =
            kp_mod_residue(kp_srp_mod(hs->srp.group), params.b.data, params.b.len, hs->srp.theirs);
    memcpy(hs->salt, params.salt.data, params.salt.len);
    hs->salt_len = (uint8_t)params.salt.len;
    return err;
}

int kp_client12_recv_done(struct kp_handshake *hs, struct kp_reader *r)
{
    (void)hs;
    return kp_empty_parse(r);
}

/* ---- Our answer -------------------------------------------------------------------------- */

int kp_client12_make_share(struct kp_handshake *hs)
{
    return kp_srp_client_share(hs->srp.group, hs->srp.exponent, hs->srp.ours);
}

int kp_client12_send_key_exchange(struct kp_handshake *hs, struct kp_builder *b)
{
    const uint8_t *a = hs->srp.ours;
    size_t len = kp_srp_len(hs->srp.group);

    while (len > 1 && a[0] == 0) {
        a++;
        len--;
    }
    kp_client_key_exchange_build(b, (struct kp_span){a, len});
    return 0;
}

int kp_client12_make_secret(struct kp_handshake *hs)
{
    uint8_t s[KP_SRP_MAX_LEN];

    /* Before anything is sealed: whatever goes wrong from here on, a guess is spent. */
    hs->outcome->password_used = true;
    int err = kp_srp_client_secret(hs->srp.group, hs->context->crypto, hs->srp.exponent,
                                   hs->login->srp_inner, (struct kp_span){hs->salt, hs->salt_len},
                                   hs->srp.ours, hs->srp.theirs, s);

    if (err == 0)
        err = kp_srp12_master(hs, s);
    kp_wipe(s, kp_srp_len(hs->srp.group));
    kp_wipe(hs->srp.exponent, sizeof(hs->srp.exponent));
    return err;
}

/* RFC 5077 3.3: an empty ticket means none. */
int kp_client12_recv_ticket(struct kp_handshake *hs, struct kp_reader *r)
{
    struct kp_new_ticket message;
    struct kp_session *session;
    int err = kp_new_ticket_parse(r, &message);

    if (err != 0 || message.ticket.len == 0)
        return err;
    err = kp_session_new(&session, message.ticket);
    if (err != 0)
        return err;
    session->version = hs->outcome->version;
    session->suite = hs->outcome->suite;
    memcpy(session->master, hs->master, KP_MASTER_LEN);
    session->name_len = hs->outcome->user_len;
    memcpy(session->name, hs->outcome->user, session->name_len);
    kp_session_free(hs->outcome->session);
    hs->outcome->session = session;
    return 0;
}
