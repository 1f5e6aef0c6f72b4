/*
 * TLS 1.3 with SPAKE2+, server: from ServerHello on.  What it does with a ClientHello stands in
 * hello13_server.c.  RFC 8446 4, draft-ietf-tls-pake-02.
 */
#include "handshake/handshake.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

/* ---- Who it is --------------------------------------------------------------------------- */

/* A ticket that can't be used is no error: the PAKE follows, if one was offered. */
static int ticket_unusable(struct kp_handshake *hs, int err)
{
    kp_ticket_state_clear(&hs->ticket_state);
    hs->have_credential = false;
    hs->facts &= ~(uint32_t)KP_FACT_TICKET_OFFERED;
    return err == KP_E_NOT_FOUND ? 0 : err;
}

/* RFC 8446 4.2.11: "Prior to accepting PSK key establishment, the server MUST validate the
 * corresponding binder value." */
static int check_binder(struct kp_handshake *hs)
{
    size_t len = kp_hash_len(hs->suite->hash);
    uint8_t expected[KP_HASH_MAX];
    int err = kp_schedule13_start(&hs->t13.schedule, hs->context->crypto, hs->suite->hash,
                                  (struct kp_span){hs->ticket_state.master, len});

    if (err == 0)
        err = kp_tls13_binder(&hs->t13.schedule, hs->t13.binder_hash, expected);
    if (err == 0 && !kp_equal_secret(expected, hs->t13.binder, len))
        err = KP_E_BINDER;
    kp_wipe(expected, sizeof(expected));
    return err;
}

static int resume(struct kp_handshake *hs)
{
    int err = check_binder(hs);

    hs->outcome->resumed = true;
    hs->outcome->proof_time = hs->ticket_state.proof_time;
    hs->outcome->form = 0;
    hs->t13.form = 0;
    hs->facts |= KP_FACT_RESUMED;
    return err;
}

/* Run twice: before the look-up of the ticket's user, and after. */
int kp_server13_take_ticket(struct kp_handshake *hs)
{
    const struct kp_ticket_state *state = &hs->ticket_state;
    int err;

    if (!hs->have_credential) {
        err = kp_server_name_user(hs, state->user, state->user_len);
        return err == 0 ? KP_SUSPEND_CREDENTIAL : err;
    }
    err = hs->credential.spake2plus_simulated
              ? KP_E_NOT_FOUND
              : kp_ticket_bound(hs->context->tickets, hs->now, state, hs->credential.binding);
    return err == 0 ? resume(hs) : ticket_unusable(hs, err);
}

int kp_server13_look_up(struct kp_handshake *hs)
{
    int err;

    if (hs->have_credential)
        return 0;
    /* Only a ticket was offered, and it was no good. */
    if (hs->t13.form == 0)
        return KP_E_NO_PASSWORD_SUITE;
    err = kp_server_name_user(hs, hs->claimed, hs->claimed_len);
    return err == 0 ? KP_SUSPEND_CREDENTIAL : err;
}

/* ---- Arithmetic ---------------------------------------------------------------------------- */

/* Our own device id goes in, whatever the client named: one made for another device fails as a
 * wrong password does. */
static int run_pake(struct kp_handshake *hs)
{
    const struct kp_context *context = hs->context;
    struct kp_state13 *t = &hs->t13;
    const struct kp_spake2plus_names names =
        kp_tls13_names(t->form, (struct kp_span){(const uint8_t *)hs->claimed, hs->claimed_len},
                       (struct kp_span){context->device_id, context->device_id_len});
    struct kp_spake2plus_keys keys;

    /* An attempt from here on, and until the right Finished: X = w0 M is a guess that our refusal
     * of it would answer, and confirmV answers any other. */
    hs->facts |= KP_FACT_PASSWORD_USED;
    hs->outcome->password_used = true;
    int err = kp_scalar_random(context->crypto, t->scalar);

    if (err == 0)
        err = kp_spake2plus_verifier_run(hs->credential.spake2plus, context->crypto, &names,
                                         t->scalar, (struct kp_span){t->share_p, KP_POINT_LEN},
                                         t->share_v, &keys);
    if (err == 0) {
        memcpy(t->confirm_v, keys.confirm_v, sizeof(t->confirm_v));
        memcpy(t->input, keys.shared, sizeof(keys.shared));
        t->input_len = sizeof(keys.shared);
    }
    kp_wipe(&keys, sizeof(keys));
    kp_wipe(t->scalar, sizeof(t->scalar));
    return err;
}

static int run_exchange(struct kp_handshake *hs)
{
    struct kp_state13 *t = &hs->t13;
    struct kp_exchange_lens lens;

    if (!kp_exchange_lens(hs->context->crypto, t->group, &lens))
        return KP_E_INTERNAL;
    t->share = malloc(lens.answer);
    if (t->share == NULL)
        return KP_E_MEMORY;
    t->share_len = lens.answer;
    int err = kp_exchange_answer(hs->context->crypto, t->group,
                                 (struct kp_span){t->peer_share, t->peer_share_len}, t->share,
                                 t->input + t->input_len);
    t->input_len += lens.secret;
    return err;
}

/* The leave to compute comes before the guess is counted, which is counted before it is computed. */
int kp_server13_turn(struct kp_handshake *hs)
{
    (void)hs;
    return 0;
}

int kp_server13_compute(struct kp_handshake *hs)
{
    int err = hs->t13.form != 0 ? run_pake(hs) : 0;

    if (err == 0 && hs->t13.group != 0)
        err = run_exchange(hs);
    /* Long ones are a stranger's way to our memory while he makes us wait. */
    free(hs->claimed);
    hs->claimed = NULL;
    free(hs->t13.peer_share);
    hs->t13.peer_share = NULL;
    return err;
}

/* ---- Our flight -------------------------------------------------------------------------- */

int kp_server13_send_hello(struct kp_handshake *hs, struct kp_builder *b)
{
    const struct kp_state13 *t = &hs->t13;
    uint8_t answer[KP_POINT_LEN + KP_SPAKE2PLUS_CONFIRM_LEN];
    struct kp_server_hello hello = {
        .version = KP_TLS12,
        .random = {hs->server_random, KP_RANDOM_LEN},
        .session_id = {hs->session_id, hs->session_id_len},
        .suite = hs->suite->value,
        .ext.present = KP_EXT_VERSIONS,
        .ext.version = KP_TLS13,
        .ext.psk_index = t->psk_index,
        .ext.key_share = {t->group, {t->share, t->share_len}},
        .ext.pake_scheme = KP_SPAKE2PLUS_V1,
        .ext.pake_message = {answer, sizeof(answer)},
    };

    memcpy(answer, t->share_v, KP_POINT_LEN);
    memcpy(answer + KP_POINT_LEN, t->confirm_v, KP_SPAKE2PLUS_CONFIRM_LEN);
    if (t->group != 0)
        hello.ext.present |= KP_EXT_KEY_SHARE;
    if (hs->facts & KP_FACT_RESUMED)
        hello.ext.present |= KP_EXT_PSK;
    if (t->form != 0)
        hello.ext.present |= KP_EXT_PAKE;
    kp_server_hello_build(b, &hello);
    return 0;
}

int kp_server13_send_extensions(struct kp_handshake *hs, struct kp_builder *b)
{
    struct kp_extensions ext = {.record_size_limit = kp_tls13_record_limit(hs->context)};

    if (hs->facts & KP_FACT_RECORD_SIZE_LIMIT)
        ext.present |= KP_EXT_RECORD_SIZE_LIMIT;
    if (hs->outcome->alpn != NULL) {
        ext.present |= KP_EXT_ALPN;
        ext.alpn = (struct kp_span){(const uint8_t *)hs->outcome->alpn, strlen(hs->outcome->alpn)};
    }
    kp_extensions_build(b, KP_IN_ENCRYPTED, &ext);
    return 0;
}

int kp_server13_await_client(struct kp_handshake *hs)
{
    int err = kp_tls13_traffic_secrets(hs);

    return err == 0 ? kp_tls13_install_write(hs, hs->outcome->kept.tls13.server) : err;
}

/* ---- After the client's Finished ------------------------------------------------------------- */

int kp_server13_done(struct kp_handshake *hs)
{
    int err = kp_tls13_install_read(hs, hs->outcome->kept.tls13.client);

    return err == 0 ? kp_tls13_resumption_secret(hs) : err;
}

/* A resumed connection gets a new one, with the time of the same proof. */
int kp_server13_send_ticket(struct kp_handshake *hs, struct kp_builder *b)
{
    static const uint8_t nonce[1] = {0};
    uint64_t proof_time = hs->outcome->resumed ? hs->outcome->proof_time : hs->now;
    struct kp_ticket_state state = {
        .version = KP_TLS13,
        .suite = hs->suite->value,
        .proof_time = proof_time,
        .user_len = hs->outcome->user_len,
    };
    struct kp_new_ticket13 message = {
        .lifetime = (uint32_t)(KP_TICKET_SECONDS - (hs->now - proof_time)),
        .nonce = {nonce, sizeof(nonce)},
    };
    uint8_t ticket[KP_TICKET_MAX];
    uint8_t age_add[4];
    struct kp_reader r;
    size_t len = 0;

    if (state.user_len > sizeof(state.user))
        return KP_E_INTERNAL;
    memcpy(state.user, hs->outcome->user, state.user_len);
    int err = kp_resumption_psk13(hs->t13.schedule.mac, hs->outcome->kept.tls13.resumption,
                                  message.nonce, state.master);
    if (err == 0)
        err = kp_handshake_random(hs, age_add, sizeof(age_add));
    if (err == 0)
        err = kp_ticket_seal(hs->context->tickets, hs->now, &state, hs->credential.binding, ticket,
                             &len);
    kp_ticket_state_clear(&state);
    if (err != 0)
        return err;
    kp_reader_init(&r, age_add, sizeof(age_add));
    message.age_add = kp_read_u32(&r);
    message.ticket = (struct kp_span){ticket, len};
    kp_new_ticket13_build(b, &message);
    return 0;
}
