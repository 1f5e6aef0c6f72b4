/*
 * TLS 1.3 after the handshake: see post13.h.
 */
#include "handshake/post13.h"

#include "base/secret.h"

#include <string.h>

/* A foreign server's ticket may be long; a client has nothing long to say. */
#define TICKET_MAX 16384
#define KEY_UPDATE_LEN 1

/* ---- Keys -------------------------------------------------------------------------------- */

static int new_mac(const struct kp_post13 *post, const struct kp_suite **suite, struct kp_mac **mac)
{
    static const uint8_t zero[1];

    *suite = kp_suite_by_value(post->outcome->suite);
    *mac = NULL;
    if (*suite == NULL)
        return KP_E_INTERNAL;
    return kp_mac_new(mac, post->context->crypto, (*suite)->hash, (struct kp_span){zero, 1});
}

/* RFC 8446 7.2, of one direction. */
static int next_keys(const struct kp_post13 *post, bool sealing)
{
    bool clients = sealing == (post->context->role == KP_CLIENT);
    union kp_kept *kept = &post->outcome->kept;
    uint8_t *secret = clients ? kept->tls13.client : kept->tls13.server;
    const struct kp_suite *suite;
    struct kp_mac *mac;
    int err = new_mac(post, &suite, &mac);

    if (err == 0)
        err = kp_traffic_next13(mac, secret);
    if (err == 0)
        err = kp_tls13_protect(sealing ? &post->records->write : &post->records->read,
                               post->context->crypto, suite, mac, secret, sealing);
    kp_mac_free(mac);
    return err;
}

int kp_post13_update(const struct kp_post13 *post, bool ask)
{
    const uint8_t message[] = {KP_KEY_UPDATE, 0, 0, KEY_UPDATE_LEN, ask ? 1 : 0};
    int err = kp_record_write(post->records, KP_HANDSHAKE, message, sizeof(message));

    return err == 0 ? next_keys(post, true) : err;
}

/* ---- Messages ------------------------------------------------------------------------------ */

static int take_update(const struct kp_post13 *post, struct kp_reader *body, bool last,
                       enum kp_post13_event *event)
{
    bool asked;
    int err = kp_key_update_parse(body, &asked);

    if (err != 0)
        return err;
    /* RFC 8446 5.1: what comes next is sealed with other keys, so nothing may be behind it here. */
    if (!last)
        return KP_E_UNEXPECTED;
    *event = asked ? KP_POST_ASKED_KEYS : KP_POST_NEW_KEYS;
    return next_keys(post, false);
}

static int make_session(const struct kp_post13 *post, const struct kp_new_ticket13 *message,
                        struct kp_session *session)
{
    struct kp_outcome *outcome = post->outcome;
    const struct kp_suite *suite;
    struct kp_mac *mac;
    int err = new_mac(post, &suite, &mac);

    if (err == 0)
        err = kp_resumption_psk13(mac, outcome->kept.tls13.resumption, message->nonce,
                                  session->master);
    kp_mac_free(mac);
    session->version = KP_TLS13;
    session->suite = outcome->suite;
    session->received = outcome->now;
    session->lifetime = message->lifetime;
    session->age_add = message->age_add;
    session->name_len = outcome->user_len;
    memcpy(session->name, outcome->user, outcome->user_len);
    session->device_id_len = outcome->device_id_len;
    memcpy(session->device_id, outcome->device_id, outcome->device_id_len);
    return err;
}

/* "A lifetime of zero indicates that the ticket should be discarded immediately", and none is kept
 * for more than seven days: RFC 8446 4.6.1.  BoringSSL's form has no tickets. */
static int take_ticket(const struct kp_post13 *post, struct kp_reader *body,
                       enum kp_post13_event *event)
{
    enum { SEVEN_DAYS = 604800 };
    struct kp_outcome *outcome = post->outcome;
    struct kp_new_ticket13 message;
    struct kp_session *session;
    int err = kp_new_ticket13_parse(body, &message);

    *event = KP_POST_IGNORED;
    if (err != 0 || message.lifetime == 0 || post->context->no_tickets ||
        outcome->form == KP_PAKE_BORINGSSL)
        return err;
    if (message.lifetime > SEVEN_DAYS)
        message.lifetime = SEVEN_DAYS;
    err = kp_session_new(&session, message.ticket);
    if (err == 0)
        err = make_session(post, &message, session);
    if (err != 0) {
        kp_session_free(session);
        return err;
    }
    kp_session_free(outcome->session);
    outcome->session = session;
    *event = KP_POST_TICKET;
    return 0;
}

/* The header is judged before its body is waited for.  1: more bytes are needed. */
static int take_message(const struct kp_post13 *post, struct kp_reader *r,
                        enum kp_post13_event *event)
{
    bool client = post->context->role == KP_CLIENT;
    uint8_t type = kp_read_u8(r);

    if (type != KP_KEY_UPDATE && !(type == KP_NEW_SESSION_TICKET && client))
        return KP_E_UNEXPECTED;
    uint32_t len = kp_read_u24(r);
    if (r->failed)
        return 1;
    if (type == KP_KEY_UPDATE && len != KEY_UPDATE_LEN)
        return KP_E_DECODE;
    if (len > TICKET_MAX)
        return KP_E_TOO_LONG;
    const uint8_t *data = kp_read_bytes(r, len);
    if (data == NULL)
        return 1;
    struct kp_reader body;
    kp_reader_init(&body, data, len);
    return type == KP_KEY_UPDATE ? take_update(post, &body, r->left == 0, event)
                                 : take_ticket(post, &body, event);
}

static int take_messages(const struct kp_post13 *post, enum kp_post13_event *event)
{
    struct kp_buffer *partial = post->partial;
    int err = 0;

    while (err == 0 && kp_buffer_used(partial) > 0) {
        struct kp_reader r;
        kp_reader_init(&r, kp_buffer_data(partial), kp_buffer_used(partial));
        err = take_message(post, &r, event);
        if (err == 0)
            kp_buffer_taken(partial, kp_buffer_used(partial) - r.left);
    }
    return err < 0 ? err : 0;
}

int kp_post13_receive(const struct kp_post13 *post, const uint8_t *data, size_t len,
                      enum kp_post13_event *event)
{
    size_t room;
    int err = kp_buffer_reserve(post->partial, len, 0);

    *event = KP_POST_NOTHING;
    if (err != 0)
        return err;
    memcpy(kp_buffer_tail(post->partial, &room), data, len);
    kp_buffer_added(post->partial, len);
    err = take_messages(post, event);
    kp_buffer_rest(post->partial, true);
    return err;
}
