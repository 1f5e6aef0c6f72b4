/*
 * Mongoose's TLS functions (MG_TLS_CUSTOM) over integrations/common.
 *
 * Mongoose reads ciphertext into c->rtls by itself, from where mg_io_recv gives it; mg_io_send goes
 * to the socket.  It takes what mg_tls_send returned for sent, and may close: so bytes count as
 * sent once they are on the wire, not when they are sealed.  When mg_tls_free comes the socket is
 * gone.
 */
#include "keyplate_mongoose.h"

#include "tls_stream.h"

#if MG_TLS != MG_TLS_CUSTOM
#error "build Mongoose and this file with -DMG_TLS=MG_TLS_CUSTOM"
#endif

#define LOOK_MS 1000

struct tls {
    struct kp_tls_stream *stream;
    bool ended; /* the client has, and gets the rest of its answer */
};

/* It had no result in earlier versions. */
typedef __typeof__(mg_tls_flush(NULL)) flushed;

static ssize_t to_wire(long moved)
{
    return moved > 0 ? moved : moved == MG_IO_WAIT ? KP_TLS_WIRE_AGAIN : KP_TLS_WIRE_BROKEN;
}

static ssize_t wire_recv(void *arg, uint8_t *room, size_t len)
{
    return to_wire(mg_io_recv(arg, room, len));
}

static ssize_t wire_send(void *arg, const uint8_t *bytes, size_t len)
{
    return to_wire(mg_io_send(arg, bytes, len));
}

static const struct kp_tls_wire wire = {wire_recv, wire_send};

static long to_mongoose(ssize_t result)
{
    return result > 0 ? (long)result : result == KP_TLS_AGAIN ? MG_IO_WAIT : MG_IO_ERR;
}

/* ---- The server --------------------------------------------------------------------------- */

static void say(void *arg, enum kp_tls_level level, const char *line)
{
    (void)arg;
    if (level == KP_TLS_LOG_INFO)
        MG_INFO(("keyplate: %s", line));
    else
        MG_ERROR(("keyplate: %s", line));
}

static void look(void *arg)
{
    kp_tls_server_look(arg);
}

int keyplate_open(struct mg_mgr *mgr, const struct kp_tls_server_options *options)
{
    struct kp_tls_server_options settings = *options;
    struct kp_tls_server *server;
    char why[512];
    int error;
    if (settings.log == NULL)
        settings.log = say;
    error = kp_tls_server_open(&server, &settings, why, sizeof why);
    if (error == 0 && mg_timer_add(mgr, LOOK_MS, MG_TIMER_REPEAT, look, server) == NULL) {
        kp_tls_server_close(server);
        server = NULL;
        error = KP_E_MEMORY;
        mg_snprintf(why, sizeof why, "%s", kp_error_text(error));
    }
    if (error != 0)
        settings.log(settings.log_arg, KP_TLS_LOG_ERROR, why);
    mgr->tls_ctx = server;
    return error;
}

void mg_tls_ctx_init(struct mg_mgr *mgr)
{
    mgr->tls_ctx = NULL; /* keyplate_open */
}

void mg_tls_ctx_free(struct mg_mgr *mgr)
{
    kp_tls_server_close(mgr->tls_ctx);
    mgr->tls_ctx = NULL;
}

/* ---- A connection ------------------------------------------------------------------------- */

/* The layout of c->rem has changed between versions; the socket knows. */
static int new_stream(struct tls *tls, struct mg_connection *c)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    if (getpeername((int)(size_t)c->fd, (struct sockaddr *)&peer, &len) != 0)
        peer.ss_family = AF_UNSPEC;
    return kp_tls_stream_new(&tls->stream, c->mgr->tls_ctx, (struct sockaddr *)&peer, &wire, c);
}

void mg_tls_init(struct mg_connection *c, const struct mg_tls_opts *opts)
{
    struct tls *tls;
    int error;
    (void)opts; /* certificates and keys: there are none here */
    if (c->is_client || c->mgr->tls_ctx == NULL) {
        mg_error(c, "keyplate: %s",
                 c->is_client ? "it is for servers" : "keyplate_open has not succeeded");
        return;
    }
    tls = calloc(1, sizeof *tls);
    error = tls != NULL ? new_stream(tls, c) : KP_E_MEMORY;
    if (error != 0) {
        free(tls);
        mg_error(c, "keyplate: %s", kp_error_text(error));
        return;
    }
    c->tls = tls;
    c->is_tls = 1;
    c->is_tls_hs = 1;
}

void mg_tls_free(struct mg_connection *c)
{
    struct tls *tls = c->tls;
    if (tls != NULL)
        kp_tls_stream_free(tls->stream);
    free(tls);
    c->tls = NULL;
}

void mg_tls_handshake(struct mg_connection *c)
{
    struct tls *tls = c->tls;
    int result = kp_tls_stream_handshake(tls->stream);
    if (result == 0) {
        c->is_tls_hs = 0;
        mg_call(c, MG_EV_TLS_HS, NULL);
    } else if (result != KP_TLS_AGAIN) {
        mg_error(c, "keyplate: %s", kp_error_text(result));
    }
}

/* At a client's orderly end Mongoose would drop what it hasn't sent: so it isn't told, and reads no
 * more; mg_tls_flush ends the connection behind the last answer. */
long mg_tls_recv(struct mg_connection *c, void *buf, size_t len)
{
    struct tls *tls = c->tls;
    ssize_t got = kp_tls_stream_read(tls->stream, buf, len);
    if (got == 0) {
        tls->ended = true;
        c->is_full = 1;
        return MG_IO_WAIT;
    }
    return to_mongoose(got);
}

/* MG_IO_WAIT: Mongoose comes again with the same bytes, and more behind them. */
long mg_tls_send(struct mg_connection *c, const void *buf, size_t len)
{
    const struct tls *tls = c->tls;
    return to_mongoose(kp_tls_stream_send(tls->stream, buf, len));
}

/* A client that has ended leaves something pending while its connection is being read, or Mongoose
 * would close it there; but nobody has to hurry for it (is_readable is 0 while that is asked). */
size_t mg_tls_pending(struct mg_connection *c)
{
    const struct tls *tls = c->tls;
    return tls != NULL && kp_tls_stream_has_plaintext(tls->stream) &&
           (!tls->ended || c->is_readable);
}

/* Comes when nothing is left to be written; before the end of a connection that is drained for the
 * last time. */
flushed mg_tls_flush(struct mg_connection *c)
{
    const struct tls *tls = c->tls;
    bool is_last = tls->ended && !c->is_resp;
    int result = is_last || c->is_draining ? kp_tls_stream_shutdown(tls->stream)
                                           : kp_tls_stream_flush(tls->stream);
    if (is_last && result != KP_TLS_AGAIN)
        c->is_draining = 1;
    return (flushed)(result == 0 ? 0 : to_mongoose(result));
}

/* ---- What handlers ask --------------------------------------------------------------------- */

bool keyplate_info(struct mg_connection *c, struct kp_info *out)
{
    const struct tls *tls = c->tls;
    if (tls == NULL || !kp_tls_stream_is_proved(tls->stream))
        return false;
    kp_tls_stream_info(tls->stream, out);
    return true;
}

const char *keyplate_user(struct mg_connection *c)
{
    struct kp_info info;
    return keyplate_info(c, &info) ? info.user : NULL;
}

bool keyplate_answer(struct mg_connection *c, struct mg_http_message *hm)
{
    char body[KP_TLS_HINT_MAX];
    if (keyplate_user(c) == NULL || !mg_match(hm->uri, mg_str("/.well-known/keyplate"), NULL))
        return false;
    if (!mg_match(hm->method, mg_str("GET"), NULL)) {
        mg_http_reply(c, 405, "Allow: GET\r\nConnection: close\r\n", "%s", "");
        return true;
    }
    kp_tls_server_hint(c->mgr->tls_ctx, mg_ntohs(c->loc.port), body);
    mg_http_reply(c, 200, "Content-Type: application/json\r\nCache-Control: no-store\r\n", "%s",
                  body);
    return true;
}
