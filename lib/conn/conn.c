/*
 * The life of a connection: what comes in is taken apart by content type and handed on.  The four
 * ports are in ports.c.
 */
#include "conn/conn.h"

#include "base/error.h"
#include "base/secret.h"
#include "conn/first.h"

#include <stdlib.h>
#include <string.h>

#define TOLERATED_MAX 8
#define UPDATES_MAX 32 /* without a byte of application data in between */

/* ---- Birth and death ----------------------------------------------------------------------- */

static int begin(struct kp_conn *c, uint64_t now)
{
    return kp_handshake_new(&c->handshake, c->context, &c->records, &c->outcome, now);
}

int kp_conn_new(struct kp_conn **out, struct kp_context *context, uint64_t now)
{
    struct kp_conn *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (c == NULL)
        return KP_E_MEMORY;
    c->context = kp_context_ref(context);
    c->outcome.now = now;
    c->peer_alert = -1;
    c->sent_alert = -1;
    kp_record_init(&c->records, context->buffer_len);
    c->suspended = context->role == KP_CLIENT ? KP_SUSPEND_CONNECT : 0;
    int err = begin(c, now);
    if (err != 0)
        kp_conn_free(c);
    else
        *out = c;
    return err;
}

void kp_conn_free(struct kp_conn *c)
{
    if (c == NULL)
        return;
    kp_handshake_free(c->handshake);
    kp_record_clear(&c->records);
    kp_buffer_free(&c->app, true);
    kp_buffer_free(&c->post, true);
    kp_outcome_clear(&c->outcome);
    kp_context_free(c->context);
    kp_free_secret(c, sizeof(*c));
}

static void end_handshake(struct kp_conn *c)
{
    kp_handshake_free(c->handshake);
    c->handshake = NULL;
}

static int send_alert(struct kp_conn *c, uint8_t level, int alert)
{
    const uint8_t body[2] = {level, (uint8_t)alert};

    return kp_record_write(&c->records, KP_ALERT, body, sizeof(body));
}

int kp_conn_fail(struct kp_conn *c, int err)
{
    int alert;

    if (c->error != 0)
        return c->error;
    if (c->handshake != NULL)
        err = kp_handshake_failure(c->handshake, err, c->peer_alert);
    c->error = err;
    bool unborn = c->suspended == KP_SUSPEND_CONNECT;
    c->suspended = 0;
    alert = c->handshake != NULL ? kp_handshake_alert(c->handshake, err) : kp_error_alert(err);
    /* Nobody is told twice, nor before a word was said. */
    if (c->peer_alert >= 0 || unborn)
        alert = -1;
    if (alert >= 0 && !c->we_ended && send_alert(c, 2, alert) == 0)
        c->sent_alert = (int16_t)alert;
    end_handshake(c);
    kp_protect_clear(&c->records.read);
    kp_protect_clear(&c->records.write);
    kp_buffer_free(&c->records.in, true);
    /* RFC 8446 6.2: secrets of a failed connection are forgotten.  A wire that was merely cut says
     * nothing against the ticket. */
    kp_wipe(&c->outcome.kept, sizeof(c->outcome.kept));
    if (err != KP_E_TRUNCATED) {
        kp_session_free(c->outcome.session);
        c->outcome.session = NULL;
    }
    return err;
}

/* ---- Handshake ----------------------------------------------------------------------------- */

static void proved(struct kp_conn *c)
{
    if (!c->outcome.resumed)
        c->outcome.proof_time = c->handshake->now;
    c->proved = true;
    c->tolerated = 0;
    end_handshake(c);
}

/* Runs the handshake as far as it goes now. */
static int drive(struct kp_conn *c)
{
    int result = kp_handshake_drive(c->handshake);

    c->suspended = 0;
    if (result < 0)
        return result;
    if (result == KP_FINISHED_FLOW)
        proved(c);
    else if (result != KP_SUSPEND_INPUT)
        c->suspended = (uint8_t)result;
    return 0;
}

static int tolerate(struct kp_conn *c)
{
    return ++c->tolerated > TOLERATED_MAX ? KP_E_FLOOD : 0;
}

/*
 * After the handshake: no renegotiation, ever.  RFC 5746 4.5 lets us answer no_renegotiation (a
 * warning, RFC 5246 7.2.2) and go on.  Only whole requests get that answer.
 */
static int refuse_renegotiation(struct kp_conn *c, const uint8_t *data, size_t len)
{
    struct kp_reader r;

    kp_reader_init(&r, data, len);
    uint8_t type = kp_read_u8(&r);
    struct kp_reader body = kp_read_vector(&r, 3, 0, KP_RECORD_MAX);
    bool asked = c->context->role == KP_CLIENT ? type == KP_HELLO_REQUEST && body.left == 0
                                               : type == KP_CLIENT_HELLO;

    if (!kp_reader_done(&r) || !asked)
        return KP_E_UNEXPECTED;
    int err = tolerate(c);
    return err == 0 ? send_alert(c, 1, KP_ALERT_NO_RENEGOTIATION) : err;
}

static struct kp_post13 post_of(struct kp_conn *c)
{
    return (struct kp_post13){c->context, &c->records, &c->outcome, &c->post};
}

int kp_conn_update(struct kp_conn *c, bool ask)
{
    const struct kp_post13 post = post_of(c);
    int err = kp_post13_update(&post, ask);

    c->update_left = (uint32_t)kp_buffer_used(&c->records.out);
    return err;
}

/* RFC 8446 4.6.3: an answer before our next data; one for all requests that come while it waits on
 * wire out, so that a peer who asks and doesn't read can't make it grow. */
static int on_post_handshake(struct kp_conn *c, const uint8_t *data, size_t len)
{
    const struct kp_post13 post = post_of(c);
    enum kp_post13_event event;
    int err = kp_post13_receive(&post, data, len, &event);

    if (err != 0)
        return err;
    if (event == KP_POST_IGNORED)
        return tolerate(c);
    if (event == KP_POST_NOTHING || event == KP_POST_TICKET)
        return 0;
    if (++c->updates > UPDATES_MAX)
        return KP_E_FLOOD;
    if (event != KP_POST_ASKED_KEYS || c->update_left > 0 || c->we_ended)
        return 0;
    return kp_conn_update(c, false);
}

static int on_handshake(struct kp_conn *c, const uint8_t *data, size_t len)
{
    if (c->handshake == NULL)
        return c->outcome.version == KP_TLS13 ? on_post_handshake(c, data, len)
                                              : refuse_renegotiation(c, data, len);
    int err = kp_handshake_feed(c->handshake, data, len);
    return err == 0 ? drive(c) : err;
}

static int on_ccs(struct kp_conn *c, const uint8_t *data, size_t len)
{
    if (c->handshake == NULL)
        return KP_E_UNEXPECTED;
    int err = kp_handshake_ccs(c->handshake, data, len);
    return err == 0 ? drive(c) : err;
}

/* ---- Alerts ------------------------------------------------------------------------------ */

/* RFC 8446 6: the level says nothing; what isn't a closure alert is an error. */
static bool is_warning(const struct kp_conn *c, const uint8_t *data)
{
    enum { WARNING = 1 };

    return c->outcome.version == KP_TLS13 ? data[1] == KP_ALERT_USER_CANCELED : data[0] == WARNING;
}

static int on_alert(struct kp_conn *c, const uint8_t *data, size_t len)
{
    enum { WARNING = 1, FATAL = 2 };

    if (len != 2 || (c->outcome.version != KP_TLS13 && data[0] != WARNING && data[0] != FATAL))
        return KP_E_DECODE;
    if (data[1] == KP_ALERT_CLOSE_NOTIFY) {
        c->peer_ended = true;
        return c->proved ? 0 : KP_E_TRUNCATED;
    }
    if (is_warning(c, data))
        return tolerate(c);
    c->peer_alert = data[1];
    return KP_E_PEER_ALERT;
}

/* ---- Records ----------------------------------------------------------------------------- */

static bool begins(const uint8_t *data, const char *text)
{
    return memcmp(data, text, KP_HEADER_LEN) == 0;
}

static bool looks_like_http(const uint8_t *data)
{
    static const char *const starts[] = {"HTTP/",
                                         /* an HTTP server's page for what it can't read */
                                         "<!DOC", "<!doc", "<html", "<HTML"};

    if (kp_first_request(data, KP_HEADER_LEN) != KP_FIRST_OTHER)
        return true;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (begins(data, starts[i]))
            return true;
    }
    return false;
}

/* What a peer that doesn't speak TLS says first, so that people can be told. */
static int sniff(struct kp_conn *c)
{
    const uint8_t *p = kp_buffer_data(&c->records.in);

    if (kp_buffer_used(&c->records.in) < KP_HEADER_LEN)
        return 0;
    c->sniffed = true;
    /* A record, of whatever type: what it holds is judged as such. */
    if (p[1] == 3 && p[2] <= 4)
        return 0;
    if (looks_like_http(p))
        return KP_E_HTTP;
    if ((p[0] & 0x80) != 0 && p[2] == 1 && (p[3] == 3 || (p[3] == 0 && p[4] == 2)))
        return KP_E_SSLV2;
    /* Record-shaped of another major version: TLS of some kind, answered as such. */
    return p[0] == KP_HANDSHAKE ? 0 : KP_E_NOT_TLS;
}

/* RFC 8446 5.1: nothing stands between the pieces of a message. */
static bool is_amid(const struct kp_conn *c, uint8_t type)
{
    return type != KP_HANDSHAKE && c->outcome.version == KP_TLS13 && c->handshake != NULL &&
           kp_handshake_partial(c->handshake);
}

static int dispatch(struct kp_conn *c, uint8_t type, const uint8_t *data, size_t len)
{
    if (is_amid(c, type))
        return KP_E_UNEXPECTED;
    switch (type) {
    case KP_HANDSHAKE:
        return on_handshake(c, data, len);
    case KP_CCS:
        return on_ccs(c, data, len);
    case KP_ALERT:
        return on_alert(c, data, len);
    default:
        return KP_E_UNEXPECTED;
    }
}

/* What a record of TLS 1.3 holds shows when it is open. */
static int on_content(struct kp_conn *c, uint8_t type, const uint8_t *data, size_t len)
{
    /* RFC 8446 5.1: fragments of one message are not interleaved with other types. */
    if (type != KP_HANDSHAKE && kp_buffer_used(&c->post) > 0)
        return KP_E_UNEXPECTED;
    if (type != KP_APPLICATION)
        return dispatch(c, type, data, len);
    kp_buffer_added(&c->app, len);
    if (len == 0)
        return tolerate(c);
    c->tolerated = 0;
    c->updates = 0;
    return 0;
}

/* Plaintext goes behind what the caller has not taken yet: 1 when there is no room now. */
static int on_application(struct kp_conn *c, const struct kp_record *r)
{
    size_t used = kp_buffer_used(&c->app);
    const uint8_t *at;
    uint8_t *tail;
    size_t len;
    size_t room;
    uint8_t type;

    if (used > 0 && used + r->len > c->records.buffer_len)
        return 1;
    /* As much as all that waits can need, so that a burst of records grows it once. */
    int err = kp_buffer_reserve(&c->app, r->len, used + kp_buffer_used(&c->records.in));
    if (err != 0)
        return err;
    tail = kp_buffer_tail(&c->app, &room);
    err = kp_record_open(&c->records, r, tail, &at, &len, &type);
    if (err == 0)
        err = on_content(c, type, at, len);
    /* A buffer is wiped as far as it was used: this was not added to it. */
    if (err != 0 || type != KP_APPLICATION)
        kp_wipe(tail, r->len);
    return err;
}

/* RFC 8446 5: dropped, when it is the one byte that it should be. */
static int on_dropped_ccs(struct kp_conn *c, const struct kp_record *r)
{
    const uint8_t *data = kp_record_take(&c->records, r);

    if (r->len != 1 || data[0] != 1)
        return KP_E_UNEXPECTED;
    if (c->outcome.version == 0)
        c->handshake->facts |= KP_FACT_CCS_SEEN;
    return tolerate(c);
}

/* A client of TLS 1.3 that refuses our ServerHello has no keys yet to say so with. */
static bool is_plain_alert(const struct kp_conn *c, const struct kp_record *r)
{
    return r->type == KP_ALERT && c->outcome.version == KP_TLS13 && c->handshake != NULL &&
           c->context->role == KP_SERVER && c->records.read.sequence == 0;
}

static int on_record(struct kp_conn *c, const struct kp_record *r)
{
    const uint8_t *data;
    size_t len;
    uint8_t type;

    if (r->type == KP_APPLICATION && c->proved)
        return on_application(c, r);
    if (r->type == KP_APPLICATION &&
        (c->outcome.version != KP_TLS13 || c->records.read.key_len == 0))
        return KP_E_UNEXPECTED;
    /* RFC 5246 6.2.1: fragments of one message are not interleaved with other types. */
    if (r->type == KP_CCS && c->handshake != NULL && kp_handshake_partial(c->handshake))
        return KP_E_UNEXPECTED;
    if (r->type == KP_CCS && c->handshake != NULL && kp_handshake_drops_ccs(c->handshake))
        return on_dropped_ccs(c, r);
    if (is_plain_alert(c, r) && !is_amid(c, r->type))
        return on_alert(c, kp_record_take(&c->records, r), r->len);
    int err = kp_record_open(&c->records, r, NULL, &data, &len, &type);
    return err == 0 ? dispatch(c, type, data, len) : err;
}

int kp_conn_process(struct kp_conn *c)
{
    struct kp_record r;
    int result = c->sniffed ? 0 : sniff(c);

    while (result == 0 && c->suspended == 0 && !c->peer_ended) {
        result = kp_record_next(&c->records, &r);
        if (result == 0)
            break;
        if (result > 0)
            result = on_record(c, &r);
    }
    if (result < 0)
        return kp_conn_fail(c, result);
    if (c->peer_ended)
        kp_buffer_free(&c->records.in, true);
    return 0;
}

static int resume_with(struct kp_conn *c)
{
    int err = drive(c);

    if (err != 0)
        return kp_conn_fail(c, err);
    return kp_conn_process(c);
}

/* ---- What the caller answers ----------------------------------------------------------------- */

int kp_conn_connect(struct kp_conn *c, const struct kp_login *login,
                    const struct kp_session *session, const char *server_name)
{
    struct kp_handshake *hs = c->handshake;

    if (c->suspended != KP_SUSPEND_CONNECT || (login == NULL && session == NULL) ||
        (server_name != NULL && strlen(server_name) > KP_SERVER_NAME_MAX))
        return KP_E_ARGUMENT;
    hs->login = login;
    hs->session = session;
    hs->server_name = server_name != NULL && server_name[0] != 0 ? server_name : NULL;
    int err = kp_client_plan(hs);
    if (err == KP_E_ARGUMENT)
        return err;
    return err == 0 ? resume_with(c) : kp_conn_fail(c, err);
}

const char *kp_conn_user(const struct kp_conn *c, size_t *len)
{
    *len = c->outcome.user_len;
    return c->outcome.user;
}

/* What the version needs of it. */
static bool has_halves(const struct kp_conn *c, const struct kp_credential *credential)
{
    if (c->outcome.version != KP_TLS13)
        return credential->srp != NULL;
    return credential->spake2plus != NULL &&
           (credential->nobody != NULL || !c->context->count_guesses);
}

int kp_conn_credential(struct kp_conn *c, const struct kp_credential *credential)
{
    if (c->error != 0)
        return c->error;
    if (c->suspended != KP_SUSPEND_CREDENTIAL || credential->salt_len == 0 ||
        credential->salt_len > KP_SALT_MAX || !has_halves(c, credential))
        return KP_E_ARGUMENT;
    c->handshake->credential = *credential;
    c->handshake->have_credential = true;
    return resume_with(c);
}

int kp_conn_guess(struct kp_conn *c, bool granted)
{
    if (c->error != 0)
        return c->error;
    if (c->suspended != KP_SUSPEND_GUESS)
        return KP_E_ARGUMENT;
    c->handshake->guess_answered = true;
    c->handshake->guess_granted = granted;
    return resume_with(c);
}

int kp_conn_compute(struct kp_conn *c)
{
    if (c->error != 0)
        return c->error;
    if (c->suspended != KP_SUSPEND_COMPUTE)
        return KP_E_ARGUMENT;
    c->handshake->compute_allowed = true;
    return resume_with(c);
}

/* A server before its first byte. */
static bool is_fresh_server(const struct kp_conn *c)
{
    return c->context->role == KP_SERVER && c->handshake != NULL && !c->sniffed &&
           kp_buffer_used(&c->records.in) == 0;
}

int kp_conn_prefer_tls12(struct kp_conn *c)
{
    if (!is_fresh_server(c))
        return KP_E_ARGUMENT;
    c->handshake->prefer_tls12 = true;
    return 0;
}

int kp_conn_ask_cookie(struct kp_conn *c)
{
    if (!is_fresh_server(c))
        return KP_E_ARGUMENT;
    c->handshake->ask_cookie = true;
    return 0;
}

int kp_conn_key_update(struct kp_conn *c, bool ask)
{
    if (c->error != 0)
        return c->error;
    if (!c->proved || c->we_ended || c->outcome.version != KP_TLS13)
        return KP_E_ARGUMENT;
    int err = kp_conn_update(c, ask);
    return err == 0 ? 0 : kp_conn_fail(c, err);
}
