/*
 * The one loop that runs the rows of a flow.  Owns the message buffer, the transcript and the
 * advance; knows no message's content.
 */
#include "handshake/handshake.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

/* The longest message that we send: ServerKeyExchange of 8192 bits, or a ClientHello with a foreign
 * server's ticket. */
#define SEND_MAX (KP_MESSAGE_HEADER_LEN + 20480)
#define IGNORED_MAX 4

int kp_handshake_new(struct kp_handshake **out, struct kp_context *context,
                     struct kp_record_layer *records, struct kp_outcome *outcome, uint64_t now)
{
    struct kp_handshake *hs = calloc(1, sizeof(*hs));

    *out = hs;
    if (hs == NULL)
        return KP_E_MEMORY;
    hs->context = context;
    hs->records = records;
    hs->outcome = outcome;
    hs->now = now;
    hs->alert = -1;
    hs->step = context->role == KP_SERVER ? kp_flow_server : kp_flow_client;
    return 0;
}

void kp_handshake_free(struct kp_handshake *hs)
{
    if (hs == NULL)
        return;
    kp_transcript_clear(&hs->transcript);
    kp_srp_group_free(hs->srp.own_group);
    free(hs->srp.ours);
    free(hs->srp.theirs);
    kp_exchange_free(hs->t13.exchange);
    kp_schedule13_clear(&hs->t13.schedule);
    free(hs->t13.share);
    free(hs->t13.peer_share);
    free(hs->t13.cookie);
    free(hs->message);
    free(hs->claimed);
    free(hs->ticket);
    kp_free_secret(hs, sizeof(*hs));
}

void kp_outcome_clear(struct kp_outcome *o)
{
    free(o->user);
    free(o->alpn);
    free(o->server_name);
    free(o->device_id);
    kp_session_free(o->session);
    kp_wipe(o, sizeof(*o));
}

int kp_copy_text(char **out, const void *data, size_t len)
{
    char *copy = malloc(len + 1);

    free(*out);
    *out = copy;
    if (copy == NULL)
        return KP_E_MEMORY;
    if (len > 0)
        memcpy(copy, data, len);
    copy[len] = 0;
    return 0;
}

int kp_copy_bytes(uint8_t **out, size_t *out_len, struct kp_span data)
{
    uint8_t *copy = malloc(data.len + 1);

    free(*out);
    *out = copy;
    *out_len = data.len;
    if (copy == NULL)
        return KP_E_MEMORY;
    if (data.len > 0)
        memcpy(copy, data.data, data.len);
    return 0;
}

int kp_handshake_random(struct kp_handshake *hs, uint8_t *out, size_t len)
{
    return kp_random(hs->context->crypto, out, len);
}

bool kp_handshake_partial(const struct kp_handshake *hs)
{
    return hs->message_len > 0;
}

int kp_handshake_feed(struct kp_handshake *hs, const uint8_t *data, size_t len)
{
    /* RFC 5246 6.2.1: no empty fragments of this type. */
    if (len == 0)
        return KP_E_DECODE;
    /* Bounded: a whole message is taken off before the next record is opened, and an unfinished one
     * was found to fit its row. */
    uint8_t *grown = realloc(hs->message, hs->message_len + len);
    if (grown == NULL)
        return KP_E_MEMORY;
    memcpy(grown + hs->message_len, data, len);
    hs->message = grown;
    hs->message_len += len;
    return 0;
}

static void message_taken(struct kp_handshake *hs, size_t len)
{
    hs->message_len -= len;
    memmove(hs->message, hs->message + len, hs->message_len);
    if (hs->message_len == 0) {
        free(hs->message);
        hs->message = NULL;
    }
}

/* TLS 1.2's alone, and so the client's that offered it, until the server has chosen. */
static bool may_ask_for_hello(const struct kp_handshake *hs)
{
    return hs->context->role == KP_CLIENT && (hs->facts & KP_FACT_OFFER12) != 0 &&
           hs->outcome->version != KP_TLS13;
}

/* RFC 5246 7.4.1.1: a client that is negotiating ignores HelloRequest, and so does its
 * transcript. */
static int ignore_hello_request(struct kp_handshake *hs, uint32_t len)
{
    if (len != 0)
        return KP_E_DECODE;
    if (++hs->ignored > IGNORED_MAX)
        return KP_E_FLOOD;
    message_taken(hs, KP_MESSAGE_HEADER_LEN);
    return 0;
}

/* The header is judged before its body is waited for. */
static int receive(struct kp_handshake *hs)
{
    struct kp_reader r;

    if (hs->message_len == 0)
        return KP_SUSPEND_INPUT;
    kp_reader_init(&r, hs->message, hs->message_len);
    uint8_t type = kp_read_u8(&r);
    if (type != hs->step->message && !(type == KP_HELLO_REQUEST && may_ask_for_hello(hs)))
        return KP_E_UNEXPECTED;
    uint32_t len = kp_read_u24(&r);
    if (r.failed)
        return KP_SUSPEND_INPUT;
    if (type == KP_HELLO_REQUEST)
        return ignore_hello_request(hs, len);
    if (len > hs->step->max)
        return KP_E_TOO_LONG;
    const uint8_t *body = kp_read_bytes(&r, len);
    if (body == NULL)
        return KP_SUSPEND_INPUT;

    const struct kp_step *row = hs->step;
    struct kp_reader message;
    kp_reader_init(&message, body, len);
    hs->step++;
    hs->hello_len = KP_MESSAGE_HEADER_LEN + len;
    int err = row->recv(hs, &message);
    /* After the handler: Finished covers what came before it. */
    if (err == 0)
        err = kp_transcript_add(&hs->transcript, hs->message, KP_MESSAGE_HEADER_LEN + len);
    if (err == 0)
        message_taken(hs, KP_MESSAGE_HEADER_LEN + len);
    return err;
}

/* Nothing but ChangeCipherSpec comes next; HelloRequests are ignored here too. */
static int wait_ccs(struct kp_handshake *hs)
{
    static const uint8_t hello_request[KP_MESSAGE_HEADER_LEN] = {KP_HELLO_REQUEST};
    size_t len = hs->message_len;

    if (len == 0)
        return KP_SUSPEND_INPUT;
    if (hs->context->role != KP_CLIENT ||
        memcmp(hs->message, hello_request, len < sizeof(hello_request) ? len : 4) != 0)
        return KP_E_UNEXPECTED;
    return len < sizeof(hello_request) ? KP_SUSPEND_INPUT : ignore_hello_request(hs, 0);
}

static int send_row(struct kp_handshake *hs)
{
    const struct kp_step *row = hs->step;
    struct kp_builder b;
    uint8_t *buffer = malloc(SEND_MAX);

    if (buffer == NULL)
        return KP_E_MEMORY;
    kp_builder_init(&b, buffer, SEND_MAX);
    kp_put_u8(&b, (uint8_t)row->message);
    size_t mark = kp_put_open(&b, 3);
    int err = row->send(hs, &b);
    kp_put_close(&b, mark, 3);
    if (err == 0 && b.failed)
        err = KP_E_INTERNAL;
    if (err == 0)
        err = kp_transcript_add(&hs->transcript, b.data, b.len);
    if (err == 0)
        err = kp_record_write(hs->records, KP_HANDSHAKE, b.data, b.len);
    free(buffer);
    hs->step++;
    return err;
}

static int send_ccs(struct kp_handshake *hs)
{
    int (*act)(struct kp_handshake *) = hs->step->act;
    int err = kp_record_write(hs->records, KP_CCS, (const uint8_t *)"\x01", 1);

    hs->step++;
    return err == 0 ? act(hs) : err;
}

int kp_handshake_ccs(struct kp_handshake *hs, const uint8_t *data, size_t len)
{
    if (hs->step->kind != KP_STEP_CCS_RECV || kp_handshake_partial(hs))
        return KP_E_UNEXPECTED;
    if (len != 1 || data[0] != 1)
        return KP_E_ILLEGAL;
    int err = hs->step->act(hs);
    hs->step++;
    return err;
}

/* act may suspend (its row is run again) or jump to another flow (it sets hs->step itself). */
static int run_act(struct kp_handshake *hs)
{
    const struct kp_step *row = hs->step;
    int err;

    if (row->kind == KP_STEP_HEAVY && hs->context->defer_compute && !hs->compute_allowed)
        return KP_SUSPEND_COMPUTE;
    hs->compute_allowed = false;
    err = row->act(hs);
    if (err == 0 && hs->step == row)
        hs->step++;
    return err;
}

static int run_row(struct kp_handshake *hs)
{
    if ((hs->step->when & ~hs->facts) != 0) {
        hs->step++;
        return 0;
    }
    switch (hs->step->kind) {
    case KP_STEP_RECV:
        return receive(hs);
    case KP_STEP_SEND:
        return send_row(hs);
    case KP_STEP_CCS_SEND:
        return send_ccs(hs);
    case KP_STEP_CCS_RECV:
        return wait_ccs(hs);
    case KP_STEP_ACT:
    case KP_STEP_HEAVY:
        return run_act(hs);
    case KP_STEP_END:
        return kp_handshake_partial(hs) ? KP_E_UNEXPECTED : KP_FINISHED_FLOW;
    }
    return KP_E_INTERNAL;
}

bool kp_handshake_drops_ccs(const struct kp_handshake *hs)
{
    /* A client may get one as soon as it has sent a ClientHello. */
    return hs->outcome->version == KP_TLS13 ||
           (hs->context->role == KP_CLIENT && hs->outcome->version == 0 &&
            (hs->facts & KP_FACT_OFFER13) != 0);
}

int kp_handshake_drive(struct kp_handshake *hs)
{
    int result;

    do
        result = run_row(hs);
    while (result == 0);
    return result;
}
