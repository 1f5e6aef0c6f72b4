/* One client of `serve`: see tunnel.h. */
#include "tunnel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../net/sock.h"
#include "../notice.h"
#include "identity.h"
#include "tunnel_log.h"

#define UPSTREAM_MS 5000 /* what the upstream gets to take a connection */

static struct kp_tunnel *of(struct kp_relay *relay)
{
    return (struct kp_tunnel *)(void *)relay; /* its first member */
}

static const struct kp_front_rules *rules(const struct kp_tunnel *t)
{
    return &t->worker->rules;
}

/* ---- Lists ------------------------------------------------------------------------------- */

static void put_in(struct kp_tunnel *t, struct kp_tunnels *list)
{
    t->list = list;
    t->next = NULL;
    t->at = list->end;
    *t->at = t;
    list->end = &t->next;
}

static void take_out(struct kp_tunnel *t)
{
    *t->at = t->next;
    if (t->next != NULL)
        t->next->at = t->at;
    else
        t->list->end = t->at;
}

void kp_tunnel_move(struct kp_tunnel *t, struct kp_tunnels *to)
{
    take_out(t);
    put_in(t, to);
}

/* ---- Handshakes in progress -------------------------------------------------------------- */

static void begin_handshake(struct kp_tunnel *t)
{
    t->shaking = true;
    t->worker->handshakes++;
}

/* Proved, failed or closed: whichever comes first. */
static void end_handshake(struct kp_tunnel *t)
{
    if (t->shaking)
        t->worker->handshakes--;
    t->shaking = false;
}

/* While some user has TLS 1.2 alone, who offers both gets that: a choice by the user's name would
 * tell who exists, so it is one for all. */
static bool prefers_tls12(const struct kp_tunnel *t)
{
    return rules(t)->versions == (KP_USE_TLS12 | KP_USE_TLS13) &&
           kp_store_prefers_tls12(t->worker->store);
}

/* Before its first byte: what the engine has to know.  Can't fail then. */
static void set_terms(struct kp_tunnel *t)
{
    struct kp_conn *conn = t->relay.secure.conn;
    if (prefers_tls12(t))
        (void)!kp_conn_prefer_tls12(conn);
    if (kp_worker_is_busy(t->worker))
        (void)!kp_conn_ask_cookie(conn);
}

/* ---- Credentials ------------------------------------------------------------------------- */

/* The newest credentials; but verifiers of TLS 1.3 hold for one device id, so a connection whose
 * context is not the current one stays with those that it began with.  What has changed since shows
 * when it is proved. */
static void take_store(struct kp_tunnel *t)
{
    if (t->context != t->worker->context)
        return;
    kp_store_free(t->store);
    t->store = kp_store_ref(t->worker->store);
}

static int credential(struct kp_relay *relay)
{
    struct kp_tunnel *t = of(relay);
    struct kp_credential found;
    size_t len = 0;
    const char *name = kp_conn_user(relay->secure.conn, &len);
    int error;
    take_store(t);
    error = kp_store_lookup(t->store, name, len, &found);
    if (error == 0) {
        memcpy(t->binding, found.binding, sizeof t->binding);
        t->bound = true;
        error = kp_conn_credential(relay->secure.conn, &found);
    }
    explicit_bzero(&found, sizeof found);
    return error;
}

/* Whether the worker's credentials still have what this tunnel was proved by. */
static bool still_good(const struct kp_tunnel *t)
{
    struct kp_credential now;
    struct kp_info info;
    bool good;
    kp_conn_info(t->relay.secure.conn, &info);
    if (info.user == NULL || kp_store_lookup(t->worker->store, info.user, info.user_len, &now) != 0)
        return false;
    /* Public by now: the peer knows that it was proved. */
    good = memcmp(now.binding, t->binding, sizeof t->binding) == 0;
    explicit_bzero(&now, sizeof now);
    return good;
}

bool kp_tunnel_is_proved(const struct kp_tunnel *t)
{
    return t->relay.secure.conn != NULL && t->relay.secure.stage == KP_AT_WORK;
}

void kp_tunnel_recheck(struct kp_tunnel *t)
{
    if (t->relay.end == KP_ENDED_NOT && kp_tunnel_is_proved(t) && t->bound && !still_good(t))
        kp_tunnel_stop(t, "the user's credential was changed or removed");
}

/* ---- The upstream ------------------------------------------------------------------------ */

static void proved(struct kp_relay *relay)
{
    struct kp_tunnel *t = of(relay);
    bool stale = t->store != t->worker->store;
    end_handshake(t);
    kp_tunnel_move(t, &t->worker->others);
    kp_store_free(t->store);
    t->store = NULL;
    if (stale && t->bound && !still_good(t)) {
        kp_tunnel_stop(t, "the user's credential was changed or removed");
        return;
    }
    kp_tunnel_log_proved(t);
    kp_relay_plain_connect(relay, &rules(t)->upstream, UPSTREAM_MS);
}

static void reached(struct kp_relay *relay)
{
    struct kp_tunnel *t = of(relay);
    if (rules(t)->proxy2) {
        uint8_t header[KP_PROXY2_MAX];
        union kp_inet local;
        struct kp_info info;
        size_t len;
        kp_sock_local(relay->secure.stream.fd, &local);
        kp_conn_info(relay->secure.conn, &info);
        len = kp_identity_proxy2(header, &t->client, &local, &info);
        if (len == 0) {
            kp_tunnel_stop(t, "the user's name doesn't fit the PROXY header");
            return;
        }
        kp_relay_plain_preface(relay, header, len);
    }
    relay->looking = true;
    kp_relay_start(relay, rules(t)->idle_ms);
}

/* ---- A page of our own ------------------------------------------------------------------- */

static unsigned port_of(const struct kp_tunnel *t)
{
    union kp_inet local;
    kp_sock_local(t->relay.secure.stream.fd, &local);
    if (local.any.sa_family == AF_INET6)
        return ntohs(local.v6.sin6_port);
    return local.any.sa_family == AF_INET ? ntohs(local.v4.sin_port) : 0;
}

static size_t page(const struct kp_tunnel *t, enum kp_well_known_verdict verdict,
                   char out[KP_NOTICE_MAX])
{
    /* Clients rely on what is told: one that was told of TLS 1.3 offers nothing less any more. */
    unsigned versions = prefers_tls12(t) ? KP_USE_TLS12 : rules(t)->versions;
    size_t id_len;
    const uint8_t *id = kp_store_device_id(t->worker->store, &id_len);
    switch (verdict) {
    case KP_WELL_KNOWN_WHOLE:
        return kp_well_known_answer(out, versions, port_of(t), id, id_len);
    case KP_WELL_KNOWN_LONG:
        return kp_notice(out, "431 Request Header Fields Too Large", 0,
                         "The head of this request is too long.\n");
    case KP_WELL_KNOWN_MORE:
    case KP_WELL_KNOWN_OTHER:
        break;
    }
    return kp_notice(out, "400 Bad Request", 0, "This request ended before its head did.\n");
}

static void answer(struct kp_tunnel *t, enum kp_well_known_verdict verdict)
{
    char text[KP_NOTICE_MAX];
    size_t len = page(t, verdict, text);
    t->relay.looking = false;
    t->answered = true;
    (void)kp_secure_send(&t->relay.secure, (const uint8_t *)text, len);
    kp_secure_end(&t->relay.secure);
    kp_relay_answered(&t->relay);
}

static void hand_over(struct kp_tunnel *t)
{
    t->relay.looking = false;
    kp_relay_plain_kept(&t->relay, (const uint8_t *)t->page.line, t->page.line_len);
}

/* The client has ended, or the upstream doesn't wait to be asked. */
static void look_no_more(struct kp_tunnel *t)
{
    if (kp_well_known_is_ours(&t->page))
        answer(t, KP_WELL_KNOWN_MORE);
    else
        hand_over(t);
}

static size_t look(struct kp_relay *relay, const uint8_t *bytes, size_t len)
{
    struct kp_tunnel *t = of(relay);
    enum kp_well_known_verdict verdict;
    if (len == 0) {
        look_no_more(t);
        return 0;
    }
    verdict = kp_well_known_take(&t->page, bytes, len);
    if (verdict == KP_WELL_KNOWN_OTHER) {
        hand_over(t);
        return 0;
    }
    if (kp_well_known_is_ours(&t->page))
        kp_relay_plain_drop(relay);
    if (verdict != KP_WELL_KNOWN_MORE)
        answer(t, verdict);
    return len;
}

/* ---- The end ----------------------------------------------------------------------------- */

static void say_unreached(struct kp_tunnel *t)
{
    struct kp_relay *r = &t->relay;
    char text[KP_NOTICE_MAX];
    size_t len =
        kp_notice(text, "502 Bad Gateway", 0,
                  "You are connected to the device and your password was right, but the "
                  "web server behind it doesn't answer.\n"
                  "It may still be starting: try again in a moment. If this stays, restart "
                  "the device; whoever runs it\n"
                  "finds the reason in the log of `keyplate serve` (check that the "
                  "--upstream server is running).\n");
    (void)kp_secure_send(&r->secure, (const uint8_t *)text, len);
    kp_secure_end(&r->secure);
}

static void say_no_tls(struct kp_tunnel *t)
{
    char text[KP_NOTICE_MAX], body[512];
    snprintf(body, sizeof body,
             "This port speaks TLS keyed by the device's password, not plain HTTP.\n"
             "Open it with `keyplate open ADDRESS`%s.\n",
             rules(t)->versions & KP_USE_TLS12
                 ? ", or with curl: curl -k --tls-max 1.2 --tlsuser NAME --tlspassword PASSWORD "
                   "https://ADDRESS/"
                 : "");
    (void)kp_notice(text, "400 Bad Request", 0, body);
    kp_secure_say_plain(&t->relay.secure, text);
}

static void over(struct kp_relay *relay)
{
    struct kp_tunnel *t = of(relay);
    end_handshake(t);
    kp_tunnel_log_over(t);
    switch ((enum kp_relay_end)relay->end) {
    case KP_ENDED_UNREACHED:
        say_unreached(t);
        kp_relay_finish(relay);
        break;
    case KP_ENDED_BOTH:
        kp_relay_finish(relay);
        break;
    case KP_ENDED_PLAIN:
        /* As a server does that refuses an upload.  What it said still arrives; that it was cut
         * shows in the close_notify that doesn't come. */
        kp_relay_finish(relay);
        break;
    case KP_ENDED_SECURE:
        if (relay->secure.error == KP_E_HTTP)
            say_no_tls(t);
        /* A request that was cut must not look whole to the upstream. */
        if (kp_stream_is_open(&relay->plain))
            kp_relay_close(relay, true);
        else
            kp_relay_finish(relay);
        break;
    case KP_ENDED_TIMEOUT:
        kp_relay_close(relay, relay->plain_live);
        break;
    case KP_ENDED_NOT:
    case KP_ENDED_OWNER:
        kp_relay_close(relay, true);
        break;
    }
}

static void closed(struct kp_relay *relay)
{
    struct kp_tunnel *t = of(relay);
    struct kp_worker *worker = t->worker;
    end_handshake(t);
    take_out(t);
    kp_store_free(t->store);
    free(t);
    atomic_fetch_sub(&worker->shop->connections, 1);
    kp_worker_look_around(worker);
}

static const struct kp_relay_hooks hooks = {
    .credential = credential,
    .proved = proved,
    .reached = reached,
    .look = look,
    .over = over,
    .closed = closed,
};

void kp_tunnel_begin(struct kp_worker *worker, int fd, const union kp_inet *client)
{
    struct kp_tunnel *t = calloc(1, sizeof *t);
    int error = UV_ENOMEM;
    if (t == NULL)
        kp_sock_close(fd);
    else
        error = kp_relay_accept(&t->relay, &worker->loop, fd, worker->context, &hooks);
    if (error != 0) {
        kp_log_say(&worker->rules.log, KP_LOG_ERROR, "refused",
                   "a connection was dropped: there isn't enough memory for it");
        free(t);
        return;
    }
    atomic_fetch_add(&worker->shop->connections, 1);
    t->worker = worker;
    t->client = *client;
    t->born = uv_now(&worker->loop.uv);
    t->context = worker->context;
    t->store = kp_store_ref(worker->store);
    put_in(t, &worker->newcomers);
    set_terms(t);
    begin_handshake(t);
    kp_secure_deadline(&t->relay.secure, rules(t)->handshake_ms, false);
    kp_secure_pump(&t->relay.secure);
}

void kp_tunnel_stop(struct kp_tunnel *t, const char *why)
{
    t->why = why;
    if (t->relay.end == KP_ENDED_NOT)
        kp_relay_stop(&t->relay);
    else
        kp_relay_close(&t->relay, true);
}
