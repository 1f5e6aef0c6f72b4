/*
 * TLS 1.3 with SPAKE2+, server: what it makes of a ClientHello, the first and, after a
 * HelloRetryRequest, the second.  RFC 8446 4.1.2, 4.2; draft-ietf-tls-pake-02.
 */
#include "handshake/handshake.h"

#include "base/error.h"
#include "base/secret.h"

#include <string.h>

/* Tickets of a ClientHello that are tried. */
#define TICKETS_TRIED 4

/* What was found in it.  Nothing of the handshake is changed while looking, but for the ticket:
 * TLS 1.2 may still be the choice. */
struct look {
    uint8_t form; /* KP_PAKE_*; 0: no pake */
    struct kp_pake_offer pake;
    const struct kp_suite *suite;
    struct kp_span groups;
    uint16_t group;       /* of the key exchange; 0: none */
    uint16_t asked_group; /* for HelloRetryRequest: its share is not there */
    struct kp_span share;
    bool takes_tickets;
    bool ticket; /* one of ours was opened */
};

static bool has(const struct kp_client_hello *hello, uint32_t bits)
{
    return (hello->ext.present & bits) == bits;
}

/* ---- pake -------------------------------------------------------------------------------- */

/* With key_share and supported_groups it is the working group's form, with neither BoringSSL's,
 * whose servers pass over what else is there. */
static uint8_t form_of(uint8_t ours, const struct kp_client_hello *hello)
{
    if ((ours & KP_PAKE_IETF) == 0)
        return KP_PAKE_BORINGSSL;
    if (has(hello, KP_EXT_KEY_SHARE | KP_EXT_GROUPS))
        return KP_PAKE_IETF;
    if ((hello->ext.present & (KP_EXT_KEY_SHARE | KP_EXT_GROUPS)) != 0)
        return 0;
    return ours & KP_PAKE_BORINGSSL;
}

static int look_at_pake(struct kp_handshake *hs, const struct kp_client_hello *hello,
                        struct look *look)
{
    if (!has(hello, KP_EXT_PAKE))
        return 0;
    look->form = form_of(hs->context->pake, hello);
    if (look->form == 0)
        return KP_E_MISSING;
    bool ietf = look->form == KP_PAKE_IETF;
    int err = kp_pake_offer_parse(hello->ext.raw_pake, &look->pake);
    if (err != 0)
        return err;
    if (look->pake.unordered)
        return ietf ? KP_E_ILLEGAL : KP_E_DECODE;
    if (look->pake.share.data == NULL) {
        hs->alert = ietf ? KP_ALERT_ILLEGAL_PARAMETER : KP_ALERT_HANDSHAKE_FAILURE;
        return KP_E_NO_SCHEME;
    }
    /* PAKE and certificate: the draft lets a client want both. */
    if (ietf && has(hello, KP_EXT_SIGNATURES))
        return KP_E_CERTIFICATE;
    return look->pake.share.len == KP_POINT_LEN ? 0 : KP_E_ILLEGAL;
}

/* ---- Suite and group ------------------------------------------------------------------------- */

static int look_at_suites(const struct kp_handshake *hs, const struct kp_client_hello *hello,
                          struct look *look)
{
    const struct kp_suite *suite;

    for (size_t i = 0; (suite = kp_suite_at(i)) != NULL; i++) {
        if (suite->version == KP_TLS13 && kp_list_has(hello->suites, suite->value) &&
            kp_aead_available(hs->context->crypto, suite->aead)) {
            look->suite = suite;
            return 0;
        }
    }
    return KP_E_NO_SUITE;
}

/* Ours are in order of preference; one whose share is there saves a round trip. */
static int look_at_groups(const struct kp_handshake *hs, const struct kp_client_hello *hello,
                          struct look *look)
{
    uint16_t group;
    int err = kp_groups_parse(hello->ext.raw_groups, &look->groups);

    if (err == 0)
        err = kp_key_shares_check(hello->ext.raw_key_share, look->groups);
    if (err != 0)
        return err;
    for (size_t i = 0; (group = kp_tls13_group(hs->context->crypto, i)) != 0; i++) {
        if (!kp_list_has(look->groups, group))
            continue;
        if (look->asked_group == 0)
            look->asked_group = group;
        look->share = kp_key_share_find(hello->ext.raw_key_share, group);
        if (look->share.data != NULL) {
            look->group = group;
            look->asked_group = 0;
            return 0;
        }
    }
    return look->asked_group != 0 ? 0 : KP_E_NO_GROUP;
}

/* ---- pre_shared_key -------------------------------------------------------------------------- */

/* RFC 8446 4.2.11.2: a binder covers the ClientHello up to the list of binders. */
static int hash_for_binder(struct kp_handshake *hs, const struct look *look, size_t binders_len)
{
    return kp_transcript_peek_with(&hs->transcript, hs->context->crypto, look->suite->hash,
                                   hs->message, hs->hello_len - binders_len, hs->t13.binder_hash);
}

static bool ticket_fits(const struct kp_ticket_state *state, const struct kp_suite *suite)
{
    const struct kp_suite *its = kp_suite_by_value(state->suite);

    return state->version == KP_TLS13 && its != NULL && its->hash == suite->hash;
}

/* Takes the first one that is ours and fits. */
static int open_ticket(struct kp_handshake *hs, struct kp_psk_list *list, struct look *look)
{
    struct kp_span identity;
    struct kp_span binder;
    size_t hash_len = kp_hash_len(look->suite->hash);

    for (uint16_t i = 0; i < TICKETS_TRIED && kp_psk_list_next(list, &identity, &binder); i++) {
        int err = kp_ticket_open(hs->context->tickets, hs->now, identity.data, identity.len,
                                 &hs->ticket_state);
        if (err == KP_E_NOT_FOUND || (err == 0 && !ticket_fits(&hs->ticket_state, look->suite)))
            continue;
        if (err != 0)
            return err;
        if (binder.len != hash_len)
            return KP_E_BINDER;
        memcpy(hs->t13.binder, binder.data, hash_len);
        hs->t13.psk_index = i;
        look->ticket = true;
        return 0;
    }
    kp_ticket_state_clear(&hs->ticket_state);
    return 0;
}

static int look_at_tickets(struct kp_handshake *hs, const struct kp_client_hello *hello,
                           struct look *look)
{
    struct kp_psk_list list;
    int err = 0;

    if (has(hello, KP_EXT_PSK_MODES))
        err = kp_psk_modes_parse(hello->ext.raw_psk_modes, &look->takes_tickets);
    look->takes_tickets = look->takes_tickets && hs->context->tickets != NULL;
    if (err != 0 || !has(hello, KP_EXT_PSK))
        return err;
    /* RFC 8446 4.2.9, 4.2.11. */
    if (!has(hello, KP_EXT_PSK_MODES))
        return KP_E_MISSING;
    if (!hello->ext.psk_last)
        return KP_E_ILLEGAL;
    err = kp_psk_list_parse(hello->ext.raw_psk, &list);
    if (err != 0 || !look->takes_tickets)
        return err;
    err = hash_for_binder(hs, look, list.binders_len);
    return err == 0 ? open_ticket(hs, &list, look) : err;
}

/* ---- All of it --------------------------------------------------------------------------- */

static int look_at(struct kp_handshake *hs, const struct kp_client_hello *hello, struct look *look)
{
    bool exchange = has(hello, KP_EXT_KEY_SHARE | KP_EXT_GROUPS);
    int err = look_at_pake(hs, hello, look);

    if (err == 0 && look->form == 0 && !(exchange && has(hello, KP_EXT_PSK)))
        err = KP_E_NO_PASSWORD_SUITE;
    if (err == 0)
        err = look_at_suites(hs, hello, look);
    if (err == 0 && look->form != KP_PAKE_BORINGSSL) {
        err = look_at_groups(hs, hello, look);
        if (err == 0)
            err = look_at_tickets(hs, hello, look);
    }
    if (err == 0 && look->form == 0 && !look->ticket)
        err = KP_E_NO_PASSWORD_SUITE;
    /* RFC 8446 4.1.2: exactly the null method. */
    if (err == 0 && !hello->only_null_compression)
        err = KP_E_ILLEGAL;
    return err;
}

/* Whatever a caller's look-up makes of the others. */
static bool can_be_name(struct kp_span name)
{
    return name.len > 0 && name.len <= KP_NAME_MAX && memchr(name.data, 0, name.len) == NULL;
}

static int keep_pake(struct kp_handshake *hs, const struct kp_pake_offer *pake)
{
    const struct kp_context *context = hs->context;

    memcpy(hs->t13.share_p, pake->share.data, KP_POINT_LEN);
    bool ours =
        pake->server_identity.len == context->device_id_len &&
        (context->device_id_len == 0 ||
         memcmp(pake->server_identity.data, context->device_id, context->device_id_len) == 0);
    hs->proves_nothing = !ours || !can_be_name(pake->client_identity);
    hs->claimed_len = pake->client_identity.len;
    return kp_copy_text(&hs->claimed, pake->client_identity.data, pake->client_identity.len);
}

static void keep_facts(struct kp_handshake *hs, const struct kp_client_hello *hello,
                       const struct look *look)
{
    if (look->ticket)
        hs->facts |= KP_FACT_TICKET_OFFERED;
    if (look->takes_tickets)
        hs->facts |= KP_FACT_TICKET_PROMISED;
    if (hs->session_id_len > 0 && !(hs->facts & KP_FACT_RETRIED))
        hs->facts |= KP_FACT_COMPAT;
    if (has(hello, KP_EXT_RECORD_SIZE_LIMIT)) {
        hs->facts |= KP_FACT_RECORD_SIZE_LIMIT;
        kp_tls13_limit_records(hs, hello->ext.record_size_limit);
    }
}

static int keep(struct kp_handshake *hs, const struct kp_client_hello *hello,
                const struct look *look)
{
    hs->outcome->version = KP_TLS13;
    hs->outcome->suite = look->suite->value;
    hs->outcome->form = look->form;
    hs->outcome->group = look->group;
    hs->records->version = KP_TLS12;
    hs->records->tls13 = true;
    hs->suite = look->suite;
    hs->t13.form = look->form;
    hs->t13.group = look->group;
    int err = kp_server_pick_alpn(hs, hello);
    if (err == 0)
        err = kp_server_keep_hello(hs, hello);
    if (err == 0 && look->form != 0)
        err = keep_pake(hs, &look->pake);
    if (err == 0 && look->group != 0)
        err = kp_copy_bytes(&hs->t13.peer_share, &hs->t13.peer_share_len, look->share);
    keep_facts(hs, hello, look);
    return err;
}

/* RFC 8446 5.1: no message may span a change of keys, and one follows the ClientHello.  Seen now,
 * no guess has been answered yet. */
static int nothing_behind(const struct kp_handshake *hs)
{
    return hs->message_len > hs->hello_len ? KP_E_UNEXPECTED : 0;
}

/* The first ClientHello, or the answer to it that asks for another. */
int kp_server13_begin(struct kp_handshake *hs, const struct kp_client_hello *hello)
{
    struct look look = {0};
    /* RFC 8446 4.2.2: not in an initial ClientHello. */
    int err = has(hello, KP_EXT_COOKIE) ? KP_E_ILLEGAL : look_at(hs, hello, &look);

    if (err == 0)
        err = nothing_behind(hs);
    if (err == 0)
        err = keep(hs, hello, &look);
    if (err == 0)
        err = kp_transcript_choose(&hs->transcript, hs->context->crypto, hs->suite->hash);
    if (err != 0)
        return err;
    hs->step = kp_flow13_server;
    if (look.asked_group == 0 && !hs->ask_cookie)
        return 0;
    hs->t13.asked_group = look.asked_group;
    hs->outcome->retried = true;
    hs->facts &= ~(uint32_t)KP_FACT_TICKET_OFFERED;
    hs->facts |= KP_FACT_RETRIED;
    hs->step = kp_flow13_server_retry;
    return kp_retry13_fixed(hs->context->crypto, hello, look.asked_group, hs->t13.fixed);
}

/* RFC 8446 4.1.2, 4.2.8: all as before, and the share that was asked for, alone. */
static int check_second(struct kp_handshake *hs, const struct kp_client_hello *hello,
                        const struct kp_retry13 *retry, struct look *look)
{
    uint8_t fixed[KP_SHA256_LEN];
    int err = kp_retry13_fixed(hs->context->crypto, hello, retry->group, fixed);

    /* A cookie of this very connection: what its first ClientHello said (names, limits) stays. */
    if (err == 0 && (memcmp(fixed, retry->fixed, sizeof(fixed)) != 0 ||
                     memcmp(fixed, hs->t13.fixed, sizeof(fixed)) != 0 ||
                     retry->suite != hs->suite->value || retry->group != hs->t13.asked_group))
        err = KP_E_ILLEGAL;
    if (err == 0)
        err = look_at(hs, hello, look);
    if (err != 0)
        return err;
    if (look->suite->value != retry->suite || look->asked_group != 0)
        return KP_E_ILLEGAL;
    /* The list's length, the group, the share's length, and the share. */
    if (retry->group != 0 && (look->group != retry->group ||
                              hello->ext.raw_key_share.len != 2 + 2 + 2 + look->share.len))
        return KP_E_ILLEGAL;
    return 0;
}

int kp_server13_recv_second_hello(struct kp_handshake *hs, struct kp_reader *r)
{
    struct kp_client_hello hello;
    struct kp_retry13 retry;
    struct kp_span cookie;
    struct look look = {0};
    int err = kp_client_hello_parse(r, &hello);

    if (err == 0 && !has(&hello, KP_EXT_COOKIE))
        err = KP_E_MISSING;
    if (err == 0)
        err = kp_cookie_parse(hello.ext.raw_cookie, &cookie);
    if (err == 0)
        err = kp_retry13_open(hs->context, cookie, &retry);
    if (err == 0)
        err = kp_retry13_transcript(hs, &retry, cookie);
    if (err == 0)
        err = check_second(hs, &hello, &retry, &look);
    if (err == 0)
        err = nothing_behind(hs);
    if (err == 0)
        err = keep(hs, &hello, &look);
    hs->step = kp_flow13_server;
    return err;
}
