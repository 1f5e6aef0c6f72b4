/*
 * The life of a connection: what comes in is taken apart by content type and handed on.  The four
 * ports are in ports.c.
 */
#include "conn/conn.h"

#include "base/error.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#define TOLERATED_MAX 8

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
    c->suspended = 0;
    alert = err == KP_E_PROOF && c->peer_alert >= 0 ? -1 : kp_error_alert(err);
    if (alert >= 0 && !c->we_ended && send_alert(c, 2, alert) == 0)
        c->sent_alert = (int16_t)alert;
    end_handshake(c);
    kp_protect_clear(&c->records.read);
    kp_protect_clear(&c->records.write);
    kp_buffer_free(&c->records.in, true);
    return err;
}

/* ---- Handshake ----------------------------------------------------------------------------- */

static void proved(struct kp_conn *c)
{
    if (!c->outcome.resumed)
        c->outcome.proof_time = c->handshake->now;
    c->proved = true;
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

static int on_handshake(struct kp_conn *c, const uint8_t *data, size_t len)
{
    if (c->handshake == NULL)
        return refuse_renegotiation(c, data, len);
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

static int on_alert(struct kp_conn *c, const uint8_t *data, size_t len)
{
    enum { WARNING = 1, FATAL = 2 };

    if (len != 2 || (data[0] != WARNING && data[0] != FATAL))
        return KP_E_DECODE;
    if (data[1] == KP_ALERT_CLOSE_NOTIFY) {
        c->peer_ended = true;
        return c->proved ? 0 : KP_E_TRUNCATED;
    }
    if (data[0] == WARNING)
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
    static const char *const starts[] = {"HTTP/", "GET /", "HEAD ", "POST ", "PUT /", "OPTIO",
                                         "DELET", "PATCH", "CONNE", "TRACE", "PRI *",
                                         /* an HTTP server's page for what it can't read */
                                         "<!DOC", "<!doc", "<html", "<HTML"};

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
    if (p[0] >= KP_CCS && p[0] <= KP_APPLICATION && p[1] == 3)
        return 0;
    if (looks_like_http(p))
        return KP_E_HTTP;
    if ((p[0] & 0x80) != 0 && p[2] == 1 && (p[3] == 3 || (p[3] == 0 && p[4] == 2)))
        return KP_E_SSLV2;
    /* Record-shaped of another major version: TLS of some kind, answered as such. */
    return p[0] == KP_HANDSHAKE ? 0 : KP_E_NOT_TLS;
}

static int dispatch(struct kp_conn *c, uint8_t type, const uint8_t *data, size_t len)
{
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

/* Plaintext goes behind what the caller has not taken yet: 1 when there is no room now. */
static int on_application(struct kp_conn *c, const struct kp_record *r)
{
    size_t used = kp_buffer_used(&c->app);
    const uint8_t *at;
    size_t len;
    size_t room;
    uint8_t type;

    if (!c->proved)
        return KP_E_UNEXPECTED;
    if (used > 0 && used + r->len > c->records.buffer_len)
        return 1;
    /* As much as all that waits can need, so that a burst of records grows it once. */
    int err = kp_buffer_reserve(&c->app, r->len, used + kp_buffer_used(&c->records.in));
    if (err == 0)
        err = kp_record_open(&c->records, r, kp_buffer_tail(&c->app, &room), &at, &len, &type);
    if (err != 0)
        return err;
    kp_buffer_added(&c->app, len);
    if (len == 0)
        return tolerate(c);
    c->tolerated = 0;
    return 0;
}

static int on_record(struct kp_conn *c, const struct kp_record *r)
{
    const uint8_t *data;
    size_t len;
    uint8_t type;

    if (r->type == KP_APPLICATION)
        return on_application(c, r);
    /* RFC 5246 6.2.1: fragments of one message are not interleaved with other types. */
    if (r->type == KP_CCS && c->handshake != NULL && kp_handshake_partial(c->handshake))
        return KP_E_UNEXPECTED;
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
    return resume_with(c);
}

const char *kp_conn_user(const struct kp_conn *c, size_t *len)
{
    *len = c->outcome.user_len;
    return c->outcome.user;
}

int kp_conn_credential(struct kp_conn *c, const struct kp_credential *credential)
{
    if (c->error != 0)
        return c->error;
    if (c->suspended != KP_SUSPEND_CREDENTIAL || credential->salt_len == 0 ||
        credential->salt_len > KP_SALT_MAX)
        return KP_E_ARGUMENT;
    c->handshake->credential = *credential;
    c->handshake->have_credential = true;
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

/* ---- What the caller asks ----------------------------------------------------------------------
 */

int kp_conn_error(const struct kp_conn *c)
{
    return c->error;
}

int kp_conn_peer_alert(const struct kp_conn *c)
{
    return c->peer_alert;
}

int kp_conn_sent_alert(const struct kp_conn *c)
{
    return c->sent_alert;
}

void kp_conn_info(const struct kp_conn *c, struct kp_info *out)
{
    const struct kp_suite *suite = kp_suite_by_value(c->outcome.suite);

    memset(out, 0, sizeof(*out));
    out->version = c->outcome.version;
    out->version_name = c->outcome.version == KP_TLS12 ? "TLSv1.2" : "";
    out->suite = c->outcome.suite;
    out->suite_name = suite != NULL ? suite->name : "";
    out->group_bits = c->outcome.group_bits;
    out->resumed = c->outcome.resumed;
    out->ticket = c->outcome.session != NULL;
    out->password_used = c->outcome.password_used;
    out->proof_time = c->outcome.proof_time;
    if (c->proved) {
        out->user = c->outcome.user;
        out->user_len = c->outcome.user_len;
    }
    out->alpn = c->outcome.alpn;
    out->server_name = c->outcome.server_name;
}

struct kp_session *kp_conn_session(const struct kp_conn *c)
{
    if (!c->proved || c->outcome.session == NULL)
        return NULL;
    return kp_session_ref(c->outcome.session);
}
