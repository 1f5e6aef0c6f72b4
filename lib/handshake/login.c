/*
 * The client's side of a proof: what is kept of a password, and of a connection that was proved.
 */
#include "handshake/context.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

int kp_login_new(struct kp_login **out, struct kp_context *context, const char *name,
                 size_t name_len, const uint8_t *password, size_t password_len)
{
    struct kp_login *login;

    *out = NULL;
    /* A NUL could not be told apart in a log or by the peers' C libraries. */
    if (name_len == 0 || name_len > KP_NAME_MAX || memchr(name, 0, name_len) != NULL)
        return KP_E_NAME;
    if (password_len == 0)
        return KP_E_ARGUMENT;
    login = calloc(1, sizeof(*login));
    if (login == NULL)
        return KP_E_MEMORY;
    login->context = kp_context_ref(context);
    memcpy(login->name, name, name_len);
    login->name_len = name_len;
    int err = kp_srp_inner(context->crypto, (struct kp_span){(const uint8_t *)name, name_len},
                           (struct kp_span){password, password_len}, login->srp_inner);
    if (err != 0)
        kp_login_free(login);
    else
        *out = login;
    return err;
}

int kp_login_device(struct kp_login *login, const uint8_t *password, size_t password_len,
                    const uint8_t *device_id, size_t device_id_len)
{
    const struct kp_spake2plus_names names = {
        .prover = {(const uint8_t *)login->name, login->name_len},
        .verifier = {device_id, device_id_len},
    };

    if (password_len == 0 || device_id_len > KP_DEVICE_ID_MAX || login->has_device)
        return KP_E_ARGUMENT;
    int err =
        kp_spake2plus_stretch(login->context->crypto, (struct kp_span){password, password_len},
                              &names, &login->spake2plus);
    if (err != 0)
        return err;
    if (device_id_len > 0)
        memcpy(login->device_id, device_id, device_id_len);
    login->device_id_len = device_id_len;
    login->has_device = true;
    return 0;
}

void kp_login_free(struct kp_login *login)
{
    if (login == NULL)
        return;
    kp_context_free(login->context);
    kp_free_secret(login, sizeof(*login));
}

int kp_session_new(struct kp_session **out, struct kp_span ticket)
{
    struct kp_session *session = calloc(1, sizeof(*session) + ticket.len);

    *out = session;
    if (session == NULL)
        return KP_E_MEMORY;
    atomic_init(&session->references, 1);
    session->ticket_len = ticket.len;
    memcpy(session->ticket, ticket.data, ticket.len);
    return 0;
}

struct kp_session *kp_session_ref(struct kp_session *session)
{
    atomic_fetch_add(&session->references, 1);
    return session;
}

void kp_session_free(struct kp_session *session)
{
    if (session == NULL || atomic_fetch_sub(&session->references, 1) != 1)
        return;
    kp_free_secret(session, sizeof(*session) + session->ticket_len);
}
