/*
 * GoAhead's TLS provider: its six functions over integrations/common.
 *
 * GoAhead asks for "readable" and "writable" by itself; of bytes that are buffered here it has to
 * be told (socketHiddenData, socketReservice).  It takes what was written for sent, and closes: so
 * sslWrite says that bytes are written once they are on the wire, not when they are sealed.
 */
#include "goahead.h"

/* GoAhead's own word, which <stdbool.h> may take away below. */
typedef bool webs_bool;

#include "keyplate_goahead.h"
#include "tls_stream.h"

#include <errno.h>
#include <poll.h>

#define LOOK_MS 1000
#define BLOCK_MS 10000 /* of a client that takes nothing while GoAhead waits for it alone */
#define HINT_PATH "/.well-known/keyplate"

struct tls {
    struct kp_tls_stream *stream;
    struct tls *next, **link;
    int sock;
    int sid;
};

static struct kp_tls_server_options settings = {.credentials = ME_GOAHEAD_KEYPLATE_CREDENTIALS};
static struct kp_tls_server *server;
static struct tls *open_ones; /* GoAhead doesn't free those that are open when it ends */
static int look_event = -1;

static void say(void *arg, enum kp_tls_level level, const char *line)
{
    (void)arg;
    if (level == KP_TLS_LOG_ERROR) {
        error("keyplate: %s", line);
    } else {
        logmsg(level == KP_TLS_LOG_WARNING ? 1 : 2, "keyplate: %s", line);
    }
}

static void drop(struct tls *tls)
{
    *tls->link = tls->next;
    if (tls->next != NULL) {
        tls->next->link = tls->link;
    }
    kp_tls_stream_free(tls->stream);
    wfree(tls);
}

/* A handshake that took too long makes no event of its own. */
static void look(void *arg, int id)
{
    (void)arg;
    kp_tls_server_look(server);
    for (const struct tls *tls = open_ones; tls != NULL; tls = tls->next) {
        if (!kp_tls_stream_is_proved(tls->stream) && kp_tls_stream_has_plaintext(tls->stream)) {
            socketReservice(tls->sid);
        }
    }
    websRestartEvent(id, LOOK_MS);
}

void keyplate_set_options(const struct kp_tls_server_options *options)
{
    settings = *options;
}

PUBLIC int sslOpen(void)
{
    char why[512];
    if (settings.log == NULL) {
        settings.log = say;
    }
    if (kp_tls_server_open(&server, &settings, why, sizeof why) != 0) {
        error("keyplate: %s", why);
        return -1;
    }
    look_event = websStartEvent(LOOK_MS, look, 0);
    if (look_event < 0) {
        sslClose();
        return -1;
    }
    return 0;
}

PUBLIC void sslClose(void)
{
    websStopEvent(look_event);
    look_event = -1;
    while (open_ones != NULL) {
        drop(open_ones);
    }
    kp_tls_server_close(server);
    server = NULL;
}

PUBLIC int sslUpgrade(Webs *wp)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    struct tls *tls = walloc(sizeof *tls);
    if (tls == NULL) {
        return -1;
    }
    memset(tls, 0, sizeof *tls);
    tls->sid = wp->sid;
    tls->sock = (int)socketPtr(wp->sid)->sock;
    if (getpeername(tls->sock, (struct sockaddr *)&peer, &len) != 0) {
        peer.ss_family = AF_UNSPEC;
    }
    if (kp_tls_stream_new(&tls->stream, server, (struct sockaddr *)&peer, &kp_tls_wire_socket,
                          &tls->sock) != 0) {
        wfree(tls);
        return -1;
    }
    tls->next = open_ones;
    tls->link = &open_ones;
    if (tls->next != NULL) {
        tls->next->link = &tls->next;
    }
    open_ones = tls;
    wp->ssl = tls;
    return 0;
}

PUBLIC void sslFree(Webs *wp)
{
    struct tls *tls = wp->ssl;
    if (tls != NULL) {
        (void)!kp_tls_stream_shutdown(tls->stream); /* as far as the wire takes it now */
        drop(tls);
        wp->ssl = NULL;
    }
}

/* The client has ended, or is gone.  GoAhead would give up its wait for "writable", too, and leave
 * an answer that is under way where it is: so it hears of the end behind that answer. */
static ssize end_of(const Webs *wp, WebsSocket *sp)
{
    if (wp->state >= WEBS_READY) {
        socketHiddenData(sp, 0, SOCKET_READABLE);
        socketRegisterInterest(wp->sid, sp->handlerMask & ~SOCKET_READABLE);
        return 0;
    }
    sp->flags |= SOCKET_EOF;
    return -1;
}

PUBLIC ssize sslRead(Webs *wp, void *buf, ssize len)
{
    struct tls *tls = wp->ssl;
    WebsSocket *sp;
    ssize_t got;
    if (tls == NULL || len <= 0) {
        return -1;
    }
    sp = socketPtr(wp->sid);
    got = kp_tls_stream_read(tls->stream, buf, (size_t)len);
    if (got <= 0 && got != KP_TLS_AGAIN) {
        return end_of(wp, sp);
    }
    socketHiddenData(sp, kp_tls_stream_has_plaintext(tls->stream), SOCKET_READABLE);
    return got > 0 ? got : 0;
}

/* GoAhead makes a socket blocking when a page is longer than its buffer, and serves nobody else
 * meanwhile.  false: nothing is waited for, or too long. */
static bool may_block(const struct tls *tls, const WebsSocket *sp)
{
    struct pollfd wire = {.fd = tls->sock, .events = POLLOUT};
    int ready;
    if (!(sp->flags & SOCKET_BLOCK) || !kp_tls_stream_waits_to_send(tls->stream)) {
        return false;
    }
    do {
        ready = poll(&wire, 1, BLOCK_MS);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

PUBLIC ssize sslWrite(Webs *wp, void *buf, ssize len)
{
    struct tls *tls = wp->ssl;
    WebsSocket *sp;
    ssize_t sent;
    if (tls == NULL || len <= 0) {
        return -1;
    }
    sp = socketPtr(wp->sid);
    do {
        sent = kp_tls_stream_send(tls->stream, buf, (size_t)len);
    } while (sent == KP_TLS_AGAIN && may_block(tls, sp));
    if (sent < 0) {
        bool again = sent == KP_TLS_AGAIN && !(sp->flags & SOCKET_BLOCK);
        socketSetError(again ? EAGAIN
                             : EPIPE); /* GoAhead looks, and waits without end for EAGAIN */
        return -1;
    }
    /* The next request may have come with this one, and GoAhead forgets what it isn't waiting for
     * while it answers. */
    if (sent == len && kp_tls_stream_has_plaintext(tls->stream)) {
        socketReservice(wp->sid);
    }
    return sent;
}

/* ---- Requests -------------------------------------------------------------------------------- */

cchar *keyplate_get_user(Webs *wp)
{
    const struct tls *tls = wp->ssl;
    struct kp_info info;
    if (tls == NULL) {
        return NULL;
    }
    kp_tls_stream_info(tls->stream, &info);
    return info.user;
}

static void take(char **field, cchar *value)
{
    wfree(*field);
    *field = sclone(value);
}

/* Comes first of all routes, and matches nothing but our own page.  A request's own Authorization
 * is nobody's proof here: in its place stands what was proved. */
static webs_bool identify(Webs *wp)
{
    const struct tls *tls = wp->ssl;
    struct kp_info info;
    if (tls == NULL) {
        return 0;
    }
    kp_tls_stream_info(tls->stream, &info);
    take(&wp->username, info.user);
    take(&wp->authType, "Keyplate");
    websSetVar(wp, "SSL_PROTOCOL", info.version_name);
    websSetVar(wp, "SSL_CIPHER", info.suite_name);
    websSetVar(wp, "KEYPLATE_PROOF", info.version >= 0x0304 ? "spake2plus" : "srp");
    return smatch(wp->path, HINT_PATH);
}

static webs_bool answer_hint(Webs *wp)
{
    char body[KP_TLS_HINT_MAX];
    ssize len = (ssize)kp_tls_server_hint(server, (unsigned)wp->port, body);
    websSetStatus(wp, HTTP_CODE_OK);
    websWriteHeaders(wp, len, 0);
    websWriteHeader(wp, "Content-Type", "%s", "application/json");
    websWriteHeader(wp, "Cache-Control", "%s", "no-store");
    websWriteEndHeaders(wp);
    if (!smatch(wp->method, "HEAD")) {
        websWriteBlock(wp, body, len);
    }
    websDone(wp);
    return 1;
}

int keyplate_set_routes(void)
{
    static cchar *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
    WebsHash methods = hashCreate(-1);
    WebsRoute *route;
    if (methods < 0 || websDefineHandler("keyplate", identify, answer_hint, 0, 0) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        hashEnter(methods, names[i], valueInteger(0), 0);
    }
    route = websAddRoute("/", "keyplate", 0);
    if (route == NULL) {
        return -1;
    }
    return websSetRouteMatch(route, 0, 0, methods, -1, -1, -1);
}
