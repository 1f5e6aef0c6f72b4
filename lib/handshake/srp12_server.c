/*
 * TLS 1.2 with SRP, server: message logic.  RFC 5054 2.5, RFC 5077 3, RFC 5246 7.4.
 */
#include "handshake/handshake.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

/* ---- ClientHello ------------------------------------------------------------------------- */

static int pick_suite(struct kp_handshake *hs, const struct kp_client_hello *hello)
{
    const struct kp_suite *suite;

    for (size_t i = 0; (suite = kp_suite_at(i)) != NULL; i++) {
        if (suite->version == KP_TLS12 && kp_list_has(hello->suites, suite->value)) {
            hs->suite = suite;
            return 0;
        }
    }
    return KP_E_NO_PASSWORD_SUITE;
}

static int check_demands(struct kp_handshake *hs, const struct kp_client_hello *hello)
{
    if (!hello->null_compression)
        return KP_E_COMPRESSION;
    if (!(hello->ext.present & KP_EXT_ETM))
        return KP_E_NO_ETM;
    if (!(hello->ext.present & KP_EXT_EMS))
        return KP_E_NO_EMS;
    if ((hello->ext.present & KP_EXT_RENEGOTIATION) ||
        kp_list_has(hello->suites, KP_RENEGOTIATION_SCSV))
        hs->facts |= KP_FACT_RENEGOTIATION_INFO;
    if (hello->ext.present & KP_EXT_RECORD_SIZE_LIMIT) {
        hs->facts |= KP_FACT_RECORD_SIZE_LIMIT;
        hs->records->recv_limit = hs->context->record_size_limit;
        /* RFC 8449 4: the peer's limit bounds what we send; more than 2^14 is not for TLS 1.2. */
        if (hello->ext.record_size_limit < KP_RECORD_MAX)
            hs->records->send_limit = hello->ext.record_size_limit;
    }
    return 0;
}

static int keep_ticket(struct kp_handshake *hs, const struct kp_client_hello *hello)
{
    size_t len = hello->ext.ticket.len;

    if (!(hello->ext.present & KP_EXT_TICKET) || hs->context->tickets == NULL)
        return 0;
    hs->facts |= KP_FACT_TICKET_PROMISED;
    if (len == 0 || len > KP_TICKET_MAX)
        return 0;
    hs->ticket = malloc(len);
    if (hs->ticket == NULL)
        return KP_E_MEMORY;
    memcpy(hs->ticket, hello->ext.ticket.data, len);
    hs->ticket_len = len;
    hs->facts |= KP_FACT_TICKET_OFFERED;
    return 0;
}

int kp_server12_begin(struct kp_handshake *hs, const struct kp_client_hello *hello)
{
    int err;

    hs->outcome->version = KP_TLS12;
    hs->records->version = KP_TLS12;
    err = pick_suite(hs, hello);
    if (err == 0)
        err = check_demands(hs, hello);
    if (err == 0)
        err = kp_server_pick_alpn(hs, hello);
    if (err == 0)
        err = kp_server_keep_hello(hs, hello);
    if (err == 0 && (hello->ext.present & KP_EXT_SRP)) {
        err = kp_copy_text(&hs->claimed, hello->ext.srp_name.data, hello->ext.srp_name.len);
        hs->claimed_len = hello->ext.srp_name.len;
    }
    if (err == 0)
        err = keep_ticket(hs, hello);
    if (err != 0)
        return err;
    hs->outcome->suite = hs->suite->value;
    hs->step = kp_flow12_server;
    return kp_transcript_choose(&hs->transcript, hs->context->crypto, hs->suite->hash);
}

/* ---- Who it is --------------------------------------------------------------------------- */

/* A ticket that can't be used is no error: the full handshake follows. */
static int ticket_unusable(struct kp_handshake *hs, int err)
{
    kp_ticket_state_clear(&hs->ticket_state);
    hs->have_credential = false;
    hs->facts &= ~(uint32_t)KP_FACT_TICKET_OFFERED;
    return err == KP_E_NOT_FOUND ? 0 : err;
}

/* RFC 5246 7.4.1.3: a session goes on with its own version and suite. */
static bool ticket_fits(const struct kp_handshake *hs)
{
    return hs->ticket_state.version == hs->outcome->version &&
           hs->ticket_state.suite == hs->suite->value;
}

static int resume(struct kp_handshake *hs)
{
    memcpy(hs->master, hs->ticket_state.master, KP_MASTER_LEN);
    hs->outcome->resumed = true;
    hs->outcome->proof_time = hs->ticket_state.proof_time;
    hs->facts |= KP_FACT_RESUMED;
    /* A ticket is issued only after the client's Finished, which comes last here: no renewal. */
    hs->facts &= ~(uint32_t)KP_FACT_TICKET_PROMISED;
    hs->step = kp_flow12_server_resumed;
    return 0;
}

/* Run twice: before the look-up of the ticket's user, and after. */
int kp_server12_take_ticket(struct kp_handshake *hs)
{
    struct kp_ticket_keys *keys = hs->context->tickets;
    int err;

    if (!hs->have_credential) {
        err = kp_ticket_open(keys, hs->now, hs->ticket, hs->ticket_len, &hs->ticket_state);
        if (err != 0 || !ticket_fits(hs))
            return ticket_unusable(hs, err);
        err = kp_server_name_user(hs, hs->ticket_state.user, hs->ticket_state.user_len);
        return err == 0 ? KP_SUSPEND_CREDENTIAL : err;
    }
    err = hs->credential.srp_simulated
              ? KP_E_NOT_FOUND
              : kp_ticket_bound(keys, hs->now, &hs->ticket_state, hs->credential.binding);
    return err == 0 ? resume(hs) : ticket_unusable(hs, err);
}

int kp_server12_look_up(struct kp_handshake *hs)
{
    int err;

    /* RFC 5054 2.5.1.2. */
    if (hs->claimed == NULL)
        return KP_E_NO_USER;
    if (hs->have_credential)
        return 0;
    err = kp_server_name_user(hs, hs->claimed, hs->claimed_len);
    return err == 0 ? KP_SUSPEND_CREDENTIAL : err;
}

/* ---- Our flight -------------------------------------------------------------------------- */

int kp_server12_make_share(struct kp_handshake *hs)
{
    const struct kp_srp_verifier *verifier = hs->credential.srp;
    int err = kp_srp12_shares_new(hs, kp_srp_verifier_group(verifier));

    memcpy(hs->salt, hs->credential.salt, hs->credential.salt_len);
    hs->salt_len = (uint8_t)hs->credential.salt_len;
    if (err == 0)
        err = kp_srp_server_share(verifier, hs->srp.exponent, hs->srp.ours);
    return err;
}

int kp_server12_send_hello(struct kp_handshake *hs, struct kp_builder *b)
{
    struct kp_server_hello hello = {
        .version = KP_TLS12,
        .random = {hs->server_random, KP_RANDOM_LEN},
        .suite = hs->suite->value,
        .ext.present = KP_EXT_ETM | KP_EXT_EMS,
    };

    /* RFC 5077 3.4: the session id echoed says that the ticket was taken. */
    if (hs->facts & KP_FACT_RESUMED)
        hello.session_id = (struct kp_span){hs->session_id, hs->session_id_len};
    if (hs->facts & KP_FACT_TICKET_PROMISED)
        hello.ext.present |= KP_EXT_TICKET;
    if (hs->facts & KP_FACT_RENEGOTIATION_INFO)
        hello.ext.present |= KP_EXT_RENEGOTIATION;
    if (hs->facts & KP_FACT_RECORD_SIZE_LIMIT)
        hello.ext.present |= KP_EXT_RECORD_SIZE_LIMIT;
    hello.ext.record_size_limit = hs->context->record_size_limit;
    if (hs->outcome->alpn != NULL) {
        hello.ext.present |= KP_EXT_ALPN;
        hello.ext.alpn =
            (struct kp_span){(const uint8_t *)hs->outcome->alpn, strlen(hs->outcome->alpn)};
    }
    kp_server_hello_build(b, &hello);
    return 0;
}

/* Numbers go out without leading zeros, as the peers send theirs. */
static struct kp_span minimal(const uint8_t *number, size_t len)
{
    while (len > 1 && number[0] == 0) {
        number++;
        len--;
    }
    return (struct kp_span){number, len};
}

int kp_server12_send_key_exchange(struct kp_handshake *hs, struct kp_builder *b)
{
    const struct kp_srp_group_id *id = kp_srp_group_identity(hs->srp.group);
    size_t len = kp_srp_len(hs->srp.group);
    const struct kp_srp_params params = {
        .n = {id->n, len},
        .g = {&id->g, 1},
        .salt = {hs->salt, hs->salt_len},
        .b = minimal(hs->srp.ours, len),
    };

    kp_server_key_exchange_build(b, &params);
    return 0;
}

int kp_server12_send_done(struct kp_handshake *hs, struct kp_builder *b)
{
    (void)hs;
    (void)b;
    return 0;
}

/* ---- The client's answer ------------------------------------------------------------------- */

/* RFC 5054 2.5.4: A mod N = 0 is illegal_parameter; so is everything else out of 1..N-1. */
int kp_server12_recv_key_exchange(struct kp_handshake *hs, struct kp_reader *r)
{
    struct kp_span a;
    int err = kp_client_key_exchange_parse(r, &a);

    if (err == 0)
        err = kp_mod_residue(kp_srp_mod(hs->srp.group), a.data, a.len, hs->srp.theirs);
    return err;
}

int kp_server12_make_secret(struct kp_handshake *hs)
{
    uint8_t s[KP_SRP_MAX_LEN];
    int err = kp_srp_server_secret(hs->credential.srp, hs->context->crypto, hs->srp.exponent,
                                   hs->srp.theirs, hs->srp.ours, s);

    if (err == 0)
        err = kp_srp12_master(hs, s);
    kp_wipe(s, kp_srp_len(hs->srp.group));
    kp_wipe(hs->srp.exponent, sizeof(hs->srp.exponent));
    return err;
}

int kp_server12_send_ticket(struct kp_handshake *hs, struct kp_builder *b)
{
    struct kp_ticket_state state = {
        .version = hs->outcome->version,
        .suite = hs->outcome->suite,
        .proof_time = hs->now,
        .user_len = hs->outcome->user_len,
    };
    uint8_t ticket[KP_TICKET_MAX];
    size_t len;

    memcpy(state.user, hs->outcome->user, state.user_len);
    memcpy(state.master, hs->master, KP_MASTER_LEN);
    int err =
        kp_ticket_seal(hs->context->tickets, hs->now, &state, hs->credential.binding, ticket, &len);
    kp_ticket_state_clear(&state);
    if (err != 0)
        return err;
    hs->outcome->proof_time = hs->now;
    const struct kp_new_ticket message = {KP_TICKET_SECONDS, {ticket, len}};
    kp_new_ticket_build(b, &message);
    return 0;
}
