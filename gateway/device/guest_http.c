/* A guest whose HTTP is understood (--http on): see guest.h. */
#include <stdlib.h>
#include <string.h>

#include "../net/sock.h"
#include "guest.h"
#include "guest_log.h"
#include "hint.h"
#include "identity.h"
#include "proxy.h"
#include "request_log.h"

#define LAST_ANSWER_MS 60000 /* for the answer in progress of a user who was changed or removed */

struct http {
    struct kp_guest guest; /* first */
    struct kp_secure secure;
    struct kp_proxy proxy;
    struct kp_identity *identity; /* who was proved, for every request; NULL: isn't told */
};

static struct http *of(struct kp_secure *secure)
{
    return (struct http *)(void *)((char *)secure - offsetof(struct http, secure));
}

static struct http *of_proxy(struct kp_proxy *proxy)
{
    return (struct http *)(void *)((char *)proxy - offsetof(struct http, proxy));
}

static struct http *of_client(struct kp_client *client)
{
    return (struct http *)(void *)client; /* the guest's first member */
}

static const struct kp_front_rules *rules(const struct http *h)
{
    return &h->guest.client.worker->rules;
}

/* ---- The end ----------------------------------------------------------------------------- */

/* Whatever ends it, once.  abort: what the upstream has may not be the whole. */
static void end(struct http *h, enum kp_guest_end end, bool abort)
{
    if (h->guest.end != KP_GUEST_STAYS)
        return;
    kp_guest_over(&h->guest, end);
    kp_proxy_clear(&h->proxy, abort);
}

static void stop(struct kp_client *client, const char *why)
{
    struct http *h = of_client(client);
    h->guest.why = why;
    end(h, KP_GUEST_STOPPED, true);
    kp_secure_close(&h->secure, true);
}

static enum kp_guest_end end_of(enum kp_proxy_end how)
{
    static const uint8_t ends[] = {
        [KP_PROXY_DONE] = KP_GUEST_DONE,    [KP_PROXY_CUT] = KP_GUEST_CUT,
        [KP_PROXY_GONE] = KP_GUEST_LEFT,    [KP_PROXY_STALLED] = KP_GUEST_TIMEOUT,
        [KP_PROXY_IDLE] = KP_GUEST_TIMEOUT,
    };
    return (enum kp_guest_end)ends[how];
}

static void proxy_over(struct kp_proxy *p, enum kp_proxy_end how)
{
    struct http *h = of_proxy(p);
    end(h, h->guest.why != NULL ? KP_GUEST_STOPPED : end_of(how),
        how != KP_PROXY_DONE && how != KP_PROXY_IDLE);
    if (how != KP_PROXY_DONE && how != KP_PROXY_IDLE) {
        kp_secure_close(&h->secure, true);
        return;
    }
    kp_secure_end(&h->secure);
    kp_secure_finish(&h->secure);
}

/* ---- Requests ---------------------------------------------------------------------------- */

static void request(struct kp_proxy *p)
{
    struct http *h = of_proxy(p);
    struct kp_http_onward onward = {.identity = h->identity != NULL ? &h->identity->said : NULL};
    if (kp_hint_is_asked(p->x.asked)) {
        char text[KP_NOTICE_MAX];
        struct kp_hint hint =
            kp_hint_now(h->guest.client.worker, kp_hint_port_of(h->secure.stream.fd));
        h->guest.answered = true;
        kp_proxy_reply(p, text, kp_hint_answer(text, &hint));
        return;
    }
    p->x.back.upstream_port = kp_address_port(&rules(h)->terms.upstream);
    kp_proxy_pass(p, &onward);
}

static bool preface(struct kp_proxy *p, uint8_t out[KP_PROXY2_MAX], size_t *len)
{
    struct http *h = of_proxy(p);
    struct kp_info info;
    if (rules(h)->identity != KP_IDENTITY_PROXY2)
        return true;
    kp_conn_info(h->secure.conn, &info);
    *len = kp_identity_proxy2(out, &h->guest.client.from, h->secure.stream.fd, &info);
    return *len > 0;
}

static struct kp_request_who who(struct kp_proxy *p)
{
    struct http *h = of_proxy(p);
    struct kp_info info;
    kp_conn_info(h->secure.conn, &info);
    return (struct kp_request_who){&h->guest.client, info.user, info.user_len};
}

static bool admit(struct kp_proxy *p)
{
    return kp_worker_takes_request(of_proxy(p)->guest.client.worker, true);
}

static void answered(struct kp_proxy *p)
{
    kp_worker_request_done(of_proxy(p)->guest.client.worker);
}

static const struct kp_proxy_hooks proxy_hooks = {
    .request = request,
    .preface = preface,
    .who = who,
    .admit = admit,
    .answered = answered,
    .over = proxy_over,
};

/* ---- The stream -------------------------------------------------------------------------- */

static size_t side_send(void *stream, const uint8_t *data, size_t len)
{
    return kp_secure_send(stream, data, len);
}

static bool side_blocked(void *stream)
{
    return kp_secure_blocked(stream);
}

static void side_release(void *stream)
{
    kp_secure_release(stream);
}

static void side_deadline(void *stream, uint32_t ms, bool renews)
{
    kp_secure_deadline(stream, ms, renews);
}

static const struct kp_side side = {
    .send = side_send,
    .blocked = side_blocked,
    .release = side_release,
    .deadline = side_deadline,
};

static int credential(struct kp_secure *s)
{
    return kp_guest_credential(&of(s)->guest);
}

static bool guess(struct kp_secure *s)
{
    return kp_guest_guess(&of(s)->guest);
}

/* 0, or negative without memory. */
static int set_identity(struct http *h)
{
    struct kp_info info;
    if (rules(h)->identity != KP_IDENTITY_HEADERS)
        return 0;
    h->identity = malloc(sizeof *h->identity);
    if (h->identity == NULL)
        return UV_ENOMEM;
    kp_conn_info(h->secure.conn, &info);
    kp_identity_say(h->identity, &h->guest.client.from, h->secure.stream.fd, &info);
    return 0;
}

static void proved(struct kp_secure *s)
{
    struct http *h = of(s);
    if (!kp_guest_proved(&h->guest))
        stop(&h->guest.client, h->guest.why);
    else if (set_identity(h) != 0)
        stop(&h->guest.client, "there isn't enough memory for it");
    else
        kp_proxy_init(&h->proxy, &h->guest.client.worker->loop, &rules(h)->terms, &side, s,
                      &proxy_hooks);
}

static size_t data(struct kp_secure *s, const uint8_t *bytes, size_t len)
{
    return kp_proxy_data(&of(s)->proxy, bytes, len);
}

static void room(struct kp_secure *s)
{
    kp_proxy_room(&of(s)->proxy);
}

static void peer_ended(struct kp_secure *s)
{
    kp_proxy_client_ended(&of(s)->proxy);
}

static void secure_over(struct kp_secure *s)
{
    struct http *h = of(s);
    bool proved = kp_guest_is_proved(&h->guest);
    end(h, s->error == 0 ? KP_GUEST_DONE : KP_GUEST_SECURE, s->error != 0);
    if (s->error == KP_E_HTTP)
        kp_guest_say_no_tls(&h->guest);
    if (proved && s->error != 0)
        kp_secure_close(s, true);
    else
        kp_secure_finish(s);
}

static void timeout(struct kp_secure *s)
{
    struct http *h = of(s);
    if (kp_guest_is_proved(&h->guest)) {
        kp_proxy_timeout(&h->proxy);
        return;
    }
    end(h, KP_GUEST_TIMEOUT, false);
    kp_secure_close(s, false);
}

static void closed(struct kp_secure *s)
{
    struct http *h = of(s);
    kp_guest_leave(&h->guest);
    free(h->identity);
    free(h);
}

static const struct kp_secure_hooks secure_hooks = {
    .credential = credential,
    .guess = guess,
    .proved = proved,
    .data = data,
    .room = room,
    .peer_ended = peer_ended,
    .over = secure_over,
    .timeout = timeout,
    .closed = closed,
};

/* ---- From outside ------------------------------------------------------------------------ */

/* A request in progress may be answered; a tunnel has no end to wait for. */
static void wind_up(struct http *h, const char *why, uint32_t ms)
{
    h->guest.why = why;
    kp_proxy_wind_up(&h->proxy, ms);
}

static void drain(struct kp_client *client)
{
    struct http *h = of_client(client);
    if (h->guest.end != KP_GUEST_STAYS)
        return;
    if (kp_guest_is_proved(&h->guest))
        wind_up(h, "the server is stopping", KP_DRAIN_MS);
    else
        stop(client, "the server is stopping");
}

static void recheck(struct kp_client *client)
{
    struct http *h = of_client(client);
    if (kp_guest_is_stale(&h->guest))
        wind_up(h, h->guest.why, LAST_ANSWER_MS);
}

static enum kp_doing doing(struct kp_client *client, uint64_t *since)
{
    struct http *h = of_client(client);
    *since = h->secure.active;
    if (h->guest.end != KP_GUEST_STAYS || !kp_guest_is_proved(&h->guest))
        return KP_DOES_WORK;
    if (h->proxy.x.tunnels)
        return KP_DOES_CARRY;
    return kp_proxy_rests(&h->proxy) ? KP_DOES_REST : KP_DOES_WORK;
}

/* Nothing is in flight: close_notify and FIN are all there is to say. */
static void yield(struct kp_client *client, const char *why)
{
    struct http *h = of_client(client);
    wind_up(h, why, 0);
    kp_secure_close(&h->secure, false);
}

static const struct kp_client_kind kind = {
    .stop = stop,
    .drain = drain,
    .recheck = recheck,
    .leased = kp_guest_leased,
    .doing = doing,
    .yield = yield,
    .crowd = KP_CROWD_SHAKING,
};

void kp_guest_http_begin(struct kp_worker *worker, int fd, const union kp_inet *from,
                         const uint8_t *first, size_t first_len)
{
    struct http *h = calloc(1, sizeof *h);
    int error = UV_ENOMEM;
    if (h == NULL)
        kp_sock_close(fd);
    else
        error = kp_secure_accept(&h->secure, &worker->loop, fd, worker->context, first, first_len,
                                 &secure_hooks);
    if (error != 0) {
        kp_worker_has_no_room(worker, error);
        free(h);
        return;
    }
    kp_guest_begin(&h->guest, &kind, worker, from, &h->secure);
}
