/*
 * A client of plain HTTP: it is told where it is, led on, or shown the device's page as it is, with
 * nothing proved.  See arrival.h and transition.h.
 */
#include <stdlib.h>
#include <string.h>

#include "../net/plain.h"
#include "../net/sock.h"
#include "arrival.h"
#include "client.h"
#include "hint.h"
#include "identity.h"
#include "plain_page.h"
#include "proxy.h"
#include "request_log.h"

#define COOKIE KP_PLAIN_WAY_ON "; Path=/; HttpOnly; SameSite=Lax"

struct plain_client {
    struct kp_client client; /* first */
    struct kp_plain plain;
    struct kp_proxy proxy;
    uint8_t way; /* enum kp_plain_way */
    bool told;   /* the log was told that it sees the device's page */
    bool over;
};

static const struct kp_http_identity nobody = {.proof = "none"};

static struct plain_client *of(struct kp_plain *plain)
{
    return (struct plain_client *)(void *)((char *)plain - offsetof(struct plain_client, plain));
}

static struct plain_client *of_proxy(struct kp_proxy *proxy)
{
    return (struct plain_client *)(void *)((char *)proxy - offsetof(struct plain_client, proxy));
}

static struct plain_client *of_client(struct kp_client *client)
{
    return (struct plain_client *)(void *)client; /* its first member */
}

static const struct kp_front_rules *rules(const struct plain_client *c)
{
    return &c->client.worker->rules;
}

static struct kp_request_who who(struct kp_proxy *p)
{
    return (struct kp_request_who){.client = &of_proxy(p)->client};
}

/* ---- Answers of our own ------------------------------------------------------------------ */

static void reply(struct kp_proxy *p, struct kp_out *out)
{
    if (out->failed)
        kp_proxy_reply(p, "", 0);
    else
        kp_proxy_reply(p, out->at, out->len);
    kp_out_free(out);
}

static bool accepts_html(const struct kp_http_head *head)
{
    struct kp_slice accepts;
    return kp_http_head_find(head, "accept", &accepts) &&
           memmem(accepts.at, accepts.len, "text/html", 9) != NULL;
}

static bool is_get(const struct kp_http_head *head)
{
    return kp_slice_is(head->method, "GET") || kp_slice_is(head->method, "HEAD");
}

static void show(struct kp_proxy *p, enum kp_plain_kind kind)
{
    const struct plain_client *c = of_proxy(p);
    const struct kp_worker *w = c->client.worker;
    const struct kp_http_head *head = p->x.asked;
    struct kp_request_who from = who(p);
    struct kp_hint hint = kp_hint_now(w, w->shop->tls_port);
    struct kp_out out = {0};
    struct kp_plain_page page = {
        .kind = kind,
        .plain = !accepts_html(head),
        .head_only = kp_slice_is(head->method, "HEAD"),
        .words = w->shop->settings->words,
        .host = head->host,
        .target = is_get(head) ? head->target : (struct kp_slice){"/", 1},
        .versions = hint.versions,
        .port = hint.port,
        .id = hint.id,
        .id_len = hint.id_len,
    };
    kp_plain_page_write(&out, &page);
    kp_request_log_own(&from, p, kind == KP_PLAIN_NOTICE ? "noticed" : "explained",
                       "plain HTTP was answered with a page of ours");
    reply(p, &out);
}

/* The asked-for name without its port, or our own address when none was given. */
static void add_name(struct kp_out *out, struct kp_slice host, int fd)
{
    char text[KP_ADDRESS_TEXT_LEN];
    union kp_inet local;
    const char *colon;
    if (host.len == 0) {
        kp_sock_local(fd, &local);
        kp_inet_text(&local, text);
        host = (struct kp_slice){text, strlen(text)};
    }
    colon = memrchr(host.at, ':', host.len);
    if (colon != NULL && memchr(colon, ']', host.len - (size_t)(colon - host.at)) == NULL)
        host.len = (size_t)(colon - host.at);
    kp_out_text(out, host);
}

static void add_location(struct kp_out *out, struct kp_proxy *p, unsigned port)
{
    const struct plain_client *c = of_proxy(p);
    kp_out_word(out, "https://");
    add_name(out, p->x.asked->host, c->plain.stream.fd);
    if (port != 443) {
        kp_out_word(out, ":");
        kp_out_number(out, port);
    }
    if (p->x.asked->target.at[0] == '/') /* not the "*" of OPTIONS */
        kp_out_text(out, p->x.asked->target);
}

static void lead(struct kp_proxy *p, unsigned port, const char *what)
{
    struct kp_request_who from = who(p);
    struct kp_out out = {0};
    kp_out_word(&out, "HTTP/1.1 307 Temporary Redirect\r\n"
                      "Content-Length: 0\r\n"
                      "Cache-Control: no-store\r\n"
                      "Vary: X-Keyplate\r\n"
                      "Connection: close\r\n"
                      "Location: ");
    add_location(&out, p, port);
    kp_out_word(&out, "\r\n\r\n");
    kp_request_log_own(&from, p, "led-on", what);
    reply(p, &out);
}

/* ---- The device's page as it is ---------------------------------------------------------- */

/* How many bytes of the target are the way on of our notice. */
static size_t way_on(struct kp_slice target)
{
    const size_t len = sizeof KP_PLAIN_WAY_ON - 1;
    if (target.len < len + 2 || memcmp(target.at + target.len - len, KP_PLAIN_WAY_ON, len) != 0)
        return 0;
    return target.at[target.len - len - 1] == '?' || target.at[target.len - len - 1] == '&'
               ? len + 1
               : 0;
}

/* RFC 6265 4.2.1: pairs, with "; " between them. */
static bool has_cookie(const struct kp_http_head *head)
{
    const size_t len = sizeof KP_PLAIN_WAY_ON - 1;
    struct kp_slice cookies;
    if (!kp_http_head_find(head, "cookie", &cookies))
        return false;
    for (size_t at = 0; at + len <= cookies.len; at++) {
        bool starts = at == 0 || cookies.at[at - 1] == ' ' || cookies.at[at - 1] == ';';
        bool ends = at + len == cookies.len || cookies.at[at + len] == ';';
        if (starts && ends && memcmp(cookies.at + at, KP_PLAIN_WAY_ON, len) == 0)
            return true;
    }
    return false;
}

static void pass_plain(struct kp_proxy *p, size_t cut)
{
    const struct plain_client *c = of_proxy(p);
    struct kp_http_onward onward = {.cut = cut};
    if (rules(c)->identity == KP_IDENTITY_HEADERS)
        onward.identity = &nobody;
    p->x.back.upstream_port = kp_address_port(&rules(c)->terms.upstream);
    p->x.back.cookie = cut > 0 ? COOKIE : NULL;
    kp_proxy_pass(p, &onward);
}

static bool says_it_can(const struct kp_http_head *head)
{
    struct kp_slice value;
    return kp_http_head_find(head, "x-keyplate", &value) && kp_slice_is(value, "1");
}

static void notice(struct kp_proxy *p)
{
    struct plain_client *c = of_proxy(p);
    size_t cut = way_on(p->x.asked->target);
    if (cut == 0 && !has_cookie(p->x.asked)) {
        show(p, KP_PLAIN_NOTICE);
        return;
    }
    if (!c->told) { /* once a connection: whoever runs it wants to know when nobody needs this any
                       more */
        struct kp_request_who from = who(p);
        c->told = true;
        kp_request_log_own(&from, p, "let-through", "the device's page is shown over plain HTTP");
    }
    pass_plain(p, cut);
}

static void request(struct kp_proxy *p)
{
    const struct plain_client *c = of_proxy(p);
    const struct kp_workshop *shop = c->client.worker->shop;
    bool can = says_it_can(p->x.asked);
    if (kp_hint_is_asked(p->x.asked)) {
        char text[KP_NOTICE_MAX];
        struct kp_hint hint = kp_hint_now(c->client.worker, shop->tls_port);
        kp_proxy_reply(p, text, kp_hint_answer(text, &hint));
    } else if (c->way != KP_WAY_NOTICE && c->way != KP_WAY_LEAD) {
        show(p, KP_PLAIN_EXPLAINS);
    } else if (can) {
        lead(p, shop->tls_port, "a browser that speaks it was sent to the password TLS");
    } else if (c->way == KP_WAY_LEAD) {
        lead(p, shop->other_port, "a browser was sent to the other TLS");
    } else {
        notice(p);
    }
}

static bool preface(struct kp_proxy *p, uint8_t out[KP_PROXY2_MAX], size_t *len)
{
    const struct plain_client *c = of_proxy(p);
    if (rules(c)->identity != KP_IDENTITY_PROXY2)
        return true;
    *len = kp_identity_proxy2(out, &c->client.from, c->plain.stream.fd, NULL);
    return *len > 0;
}

/* ---- The end ----------------------------------------------------------------------------- */

static void finish(struct plain_client *c, bool abort)
{
    if (c->over)
        return;
    c->over = true;
    kp_proxy_clear(&c->proxy, abort);
    if (abort)
        kp_plain_close(&c->plain, true);
    else
        kp_plain_finish(&c->plain);
}

static void proxy_over(struct kp_proxy *p, enum kp_proxy_end how)
{
    finish(of_proxy(p), how != KP_PROXY_DONE && how != KP_PROXY_IDLE);
}

static bool admit(struct kp_proxy *p)
{
    return kp_worker_takes_request(of_proxy(p)->client.worker, false);
}

static void answered(struct kp_proxy *p)
{
    kp_worker_request_done(of_proxy(p)->client.worker);
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
    return kp_plain_send(stream, data, len);
}

static bool side_blocked(void *stream)
{
    return kp_plain_blocked(stream);
}

static void side_release(void *stream)
{
    kp_plain_release(stream);
}

static void side_deadline(void *stream, uint32_t ms, bool renews)
{
    kp_plain_deadline(stream, ms, renews);
}

static const struct kp_side side = {
    .send = side_send,
    .blocked = side_blocked,
    .release = side_release,
    .deadline = side_deadline,
};

static size_t data(struct kp_plain *plain, const uint8_t *bytes, size_t len)
{
    return kp_proxy_data(&of(plain)->proxy, bytes, len);
}

static void room(struct kp_plain *plain)
{
    kp_proxy_room(&of(plain)->proxy);
}

static void peer_ended(struct kp_plain *plain)
{
    kp_proxy_client_ended(&of(plain)->proxy);
}

static void plain_over(struct kp_plain *plain)
{
    finish(of(plain), plain->net_error != 0);
}

static void timeout(struct kp_plain *plain)
{
    kp_proxy_timeout(&of(plain)->proxy);
}

static void closed(struct kp_plain *plain)
{
    struct plain_client *c = of(plain);
    kp_counted_more(&c->client.worker->shop->counters.bytes_in, plain->bytes_in);
    kp_counted_more(&c->client.worker->shop->counters.bytes_out, plain->bytes_out);
    kp_client_leave(&c->client);
    free(c);
}

static const struct kp_plain_hooks plain_hooks = {
    .data = data,
    .room = room,
    .peer_ended = peer_ended,
    .over = plain_over,
    .timeout = timeout,
    .closed = closed,
};

/* ---- From outside ------------------------------------------------------------------------ */

static void stop(struct kp_client *client, const char *why)
{
    (void)why;
    finish(of_client(client), true);
}

static void drain(struct kp_client *client)
{
    struct plain_client *c = of_client(client);
    if (!c->over)
        kp_proxy_wind_up(&c->proxy, KP_DRAIN_MS);
}

/* Nothing was proved. */
static void recheck(struct kp_client *client)
{
    (void)client;
}

static const struct kp_client_kind kind = {.stop = stop, .drain = drain, .recheck = recheck};

void kp_plain_client_begin(struct kp_worker *w, enum kp_plain_way way, int fd,
                           const union kp_inet *from, const uint8_t *first, size_t first_len)
{
    struct plain_client *c = calloc(1, sizeof *c);
    int error = UV_ENOMEM;
    if (c == NULL)
        kp_sock_close(fd);
    else
        error = kp_plain_accept(&c->plain, &w->loop, fd, first, first_len, &plain_hooks);
    if (error != 0) {
        kp_worker_has_no_room(w, error);
        free(c);
        return;
    }
    c->way = (uint8_t)way;
    kp_client_enter(&c->client, &kind, w, from);
    kp_proxy_init(&c->proxy, &w->loop, &w->rules.plain_terms, &side, &c->plain, &proxy_hooks);
    kp_plain_deadline(&c->plain, w->rules.handshake_ms, false);
    kp_plain_pump(&c->plain);
}
