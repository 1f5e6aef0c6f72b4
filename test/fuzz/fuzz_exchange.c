/*
 * A client and an upstream that both say what they like: how (1 byte), then pieces, each who says
 * it (1 byte), its length (1 byte) and its bytes.
 *
 * Checked besides crashes: what goes to an upstream is whole requests, one after the other, each
 * with one Host, one framing and no word on who the client is but ours, and none behind one with a
 * body; there are no more of them than the client sent heads; what goes to the client is
 * well-formed answers, one for each request, in a form that a client of its version reads; a
 * request is done at most once, and an answer that is not whole never looks so.
 */
#include "fuzz.h"

#include "http/claims.h"
#include "http/exchange.h"

#include <stdlib.h>
#include <string.h>

enum how { NAMES = 1, REPEATS = 2, REPLIES = 4 };

enum { CLIENT, UPSTREAM, CLIENT_KNOWN, UPSTREAM_KNOWN, CLIENT_END, FIN, RST, HOLD, LAST, WHOS };

/* What a fuzzer would be long in finding. */
static const char *const known_requests[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\nX-Remote-User: x\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
    "2\r\nab\r\n",
    "0\r\n\r\n",
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "GET http://b/c HTTP/1.1\r\nHost: a\r\nConnection: close, x\r\nForwarded: for=x\r\n\r\n",
};

static const char *const known_answers[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    "0\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\nuntil the end",
    "HTTP/1.1 204 No\r\n\r\n",
    "HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n",
    "HTTP/1.1 101 Switch\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
};

static const struct kp_http_identity admin = {.user = {"admin", 5},
                                              .proof = "srp",
                                              .protocol = "TLSv1.2",
                                              .suite = "S",
                                              .address = "192.0.2.7",
                                              .port = 443};

struct owner {
    struct kp_http_exchange x; /* first */
    uint8_t how;
    struct bytes pending;       /* of the client: not used yet */
    struct kp_http_parser sent; /* what the client said, for the number of its heads */
    struct kp_http_parser up;   /* what the upstream's connection got */
    struct kp_http_parser down; /* what the client got */
    unsigned heads;             /* of the client */
    unsigned asked;
    unsigned requests, repeats; /* that the upstreams got */
    unsigned answered, finals;  /* finals: that the client got */
    bool sent_bad, ended, cut;
    bool connected, repeated;   /* repeated: the request in progress */
    bool up_closes;             /* the upstream's connection gets no other request */
    bool told_tunnel, persists; /* persists: what the client was told last */
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static struct owner *of(struct kp_http_exchange *x)
{
    return (struct owner *)(void *)x;
}

/* ---- What goes to the upstream ----------------------------------------------------------- */

static bool is_ours(struct kp_slice name)
{
    static const char *const names[] = {
        "X-Remote-User",    "X-Forwarded-For",  "X-Forwarded-Proto",
        "X-Forwarded-Host", "X-Forwarded-Port", "X-Keyplate-Protocol",
        "X-Keyplate-Proof", "X-Keyplate-Suite", "Forwarded"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (kp_slice_is(name, names[i]))
            return true;
    return false;
}

static unsigned count(const struct kp_http_head *head, const char *word)
{
    unsigned found = 0;
    for (size_t i = 0; i < head->count; i++) {
        struct kp_slice name, value;
        kp_http_head_field(head, i, &name, &value);
        found += kp_slice_is(name, word);
    }
    return found;
}

static void check_request(const struct owner *o, const struct kp_http_head *head)
{
    const struct kp_http_head *asked = o->x.asked;
    unsigned claims = 0;
    struct kp_slice name, value;
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        if (kp_slice_is(name, "host"))
            continue;
        claims += kp_http_claims_identity(name);
        must(!kp_http_claims_identity(name) || ((o->how & NAMES) && is_ours(name)));
        must(!kp_http_claims_hop(name) || kp_slice_is(name, "content-length") ||
             kp_slice_is(name, "transfer-encoding") || kp_slice_is(name, "connection") ||
             (head->websocket && kp_slice_is(name, "upgrade")));
    }
    must(count(head, "host") == 1 && head->minor == 1);
    must(head->persists == (asked->framing == KP_HTTP_NO_BODY));
    must(count(head, "connection") == (unsigned)(head->websocket || !head->persists));
    must(claims == (o->how & NAMES ? 8u + (asked->host.len > 0) : 0u));
    if (o->how & NAMES) {
        must(count(head, "x-remote-user") == 1);
        must(kp_http_head_find(head, "x-remote-user", &value) && kp_slice_is(value, "admin"));
    }
    must(head->framing == asked->framing && head->length == asked->length);
    must(head->websocket == asked->websocket);
    must(head->method.len == asked->method.len && head->target.len == asked->target.len);
}

static void to_upstream(struct kp_http_exchange *x, const void *data, size_t len)
{
    struct owner *o = of(x);
    const uint8_t *bytes = data;
    must(!o->cut && len > 0);
    if (x->tunnels)
        return; /* to an upstream that has ended its half, too */
    must(o->connected && !x->over);
    for (size_t at = 0; at < len || kp_http_parser_is_busy(&o->up);) {
        size_t used;
        enum kp_http_event event = kp_http_parse(&o->up, bytes + at, len - at, &used);
        must(event != KP_HTTP_BAD);
        at += used;
        if (event == KP_HTTP_HEAD) {
            check_request(o, o->up.head);
            must(!o->up_closes);
            o->up_closes = !o->up.head->persists;
            o->requests++;
        }
        if (event == KP_HTTP_MORE)
            break;
    }
}

/* ---- What goes to the client ------------------------------------------------------------- */

static void check_answer(struct owner *o, const struct kp_http_head *head)
{
    const struct kp_http_head *asked = o->x.asked;
    o->persists = head->persists;
    if (head->status < 200 && head->status != 101) {
        must(asked != NULL && asked->minor > 0);
        must(!head->has_length && count(head, "transfer-encoding") == 0);
        return;
    }
    o->finals++;
    must(head->status != 101 || asked->websocket);
    must(asked == NULL || asked->minor > 0 || head->framing != KP_HTTP_CHUNKED);
    must(head->status != 204 || !head->has_length);
    must(head->framing != KP_HTTP_UNTIL_END || asked->minor == 0);
}

static void to_client(struct kp_http_exchange *x, const void *data, size_t len)
{
    struct owner *o = of(x);
    const uint8_t *bytes = data;
    must(!o->cut && len > 0);
    if (x->tunnels)
        return;
    o->down.bodiless = x->asked != NULL && kp_slice_is(x->asked->method, "HEAD");
    for (size_t at = 0; at < len || kp_http_parser_is_busy(&o->down);) {
        size_t used;
        enum kp_http_event event = kp_http_parse(&o->down, bytes + at, len - at, &used);
        must(event != KP_HTTP_BAD);
        at += used;
        if (event == KP_HTTP_HEAD)
            check_answer(o, o->down.head);
        if (event == KP_HTTP_MORE)
            break;
    }
}

/* ---- The owner --------------------------------------------------------------------------- */

static void leave_upstream(struct owner *o)
{
    o->connected = false;
    kp_http_parser_clear(&o->up);
}

static void forward(struct owner *o)
{
    struct kp_http_onward how = {.identity = o->how & NAMES ? &admin : NULL};
    if (!o->connected) {
        kp_http_parser_init(&o->up, KP_HTTP_REQUEST);
        o->connected = true;
        o->up_closes = false;
    }
    must(!kp_http_parser_is_busy(&o->up));
    o->x.forwarded = false;
    must(kp_http_exchange_forward(&o->x, &how) == 0);
}

static void cut(struct owner *o)
{
    o->cut = true;
    o->x.over = true;
    leave_upstream(o);
}

static void reply(struct owner *o)
{
    static const char text[] =
        "HTTP/1.1 502 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
    leave_upstream(o);
    kp_http_exchange_reply(&o->x, text, sizeof(text) - 1);
}

static void request(struct kp_http_exchange *x)
{
    struct owner *o = of(x);
    must(x->asked != NULL && o->asked == o->answered && !x->over && !x->held);
    o->asked++;
    o->repeated = false;
    if ((o->how & REPLIES) && x->asked->target.len == 2)
        reply(o);
    else
        forward(o);
}

static void refused(struct kp_http_exchange *x)
{
    must(x->request.problem != KP_HTTP_FINE && x->request.why != NULL);
    if (x->answering)
        cut(of(x));
    else
        reply(of(x));
}

static void broken(struct kp_http_exchange *x, const char *why)
{
    struct owner *o = of(x);
    bool again = (o->how & REPEATS) && !o->repeated && kp_http_exchange_is_repeatable(x);
    must(why != NULL && x->asked != NULL && o->connected && !x->keeps_upstream);
    leave_upstream(o);
    if (again) {
        o->repeated = true;
        o->repeats++;
        forward(o);
    } else if (x->answering) {
        must(kp_http_parser_is_busy(&o->down));
        cut(o);
    } else {
        reply(o);
    }
}

static void done(struct kp_http_exchange *x)
{
    struct owner *o = of(x);
    must(x->asked != NULL && o->answered < o->asked && x->answering && x->status >= 200);
    must(x->keeps_client == !x->over && (!x->keeps_client || o->persists));
    must(!x->keeps_upstream || (!kp_http_parser_is_busy(&o->up) && !o->up_closes &&
                                !kp_slice_is(x->asked->method, "HEAD")));
    if (kp_http_parser_is_busy(&o->down))
        must(!x->keeps_client && kp_http_parse_end(&o->down) == KP_HTTP_END);
    o->answered++;
    if (!x->keeps_upstream)
        leave_upstream(o);
}

static void tunnel(struct kp_http_exchange *x)
{
    struct owner *o = of(x);
    must(x->tunnels && x->asked->websocket && !o->told_tunnel);
    o->told_tunnel = true;
}

static const struct kp_http_exchange_hooks hooks = {
    .request = request,
    .refused = refused,
    .broken = broken,
    .to_upstream = to_upstream,
    .to_client = to_client,
    .done = done,
    .tunnel = tunnel,
};

/* ---- The script -------------------------------------------------------------------------- */

static void *copy_of(const void *data, size_t len)
{
    void *copy = malloc(len);
    must(copy != NULL);
    memcpy(copy, data, len);
    return copy;
}

static void count_heads(struct owner *o, const uint8_t *data, size_t len)
{
    for (size_t at = 0; !o->sent_bad;) {
        size_t used;
        enum kp_http_event event = kp_http_parse(&o->sent, data + at, len - at, &used);
        at += used;
        o->heads += event == KP_HTTP_HEAD;
        o->sent_bad = event == KP_HTTP_BAD;
        if (event == KP_HTTP_MORE)
            return;
    }
}

static void show(struct owner *o)
{
    uint8_t *copy;
    size_t used;
    if (o->pending.len == 0 || o->cut)
        return;
    copy = copy_of(o->pending.data, o->pending.len);
    used = kp_http_exchange_take(&o->x, copy, o->pending.len);
    must(used <= o->pending.len);
    must(used == o->pending.len || o->x.held ||
         (o->x.asked != NULL && o->x.taken_whole && !o->x.tunnels));
    free(copy);
    o->pending.len -= used;
    memmove(o->pending.data, o->pending.data + used, o->pending.len);
}

static void client_says(struct owner *o, const void *data, size_t len)
{
    if (o->ended)
        return;
    count_heads(o, data, len);
    bytes_add(&o->pending, data, len);
}

static void client_ends(struct owner *o)
{
    if (o->pending.len > 0 || o->ended || o->cut)
        return; /* it comes behind the bytes */
    o->ended = true;
    if (!kp_http_exchange_client_ended(&o->x))
        cut(o);
}

static void upstream_says(struct owner *o, const void *data, size_t len)
{
    uint8_t *copy;
    bool in_turn;
    if (!o->connected || len == 0)
        return;
    copy = copy_of(data, len);
    in_turn = kp_http_exchange_answered(&o->x, copy, len);
    free(copy);
    if (!in_turn && (o->x.asked == NULL || !o->x.answering))
        leave_upstream(o);
}

static void upstream_ends(struct owner *o, bool in_order)
{
    unsigned repeats = o->repeats;
    if (!o->connected)
        return;
    if (o->x.tunnels)
        o->x.over = true;
    else
        kp_http_exchange_upstream_ended(&o->x, in_order);
    if (o->repeats == repeats)
        leave_upstream(o);
}

static void step(struct owner *o, uint8_t who, const uint8_t *data, size_t len)
{
    const char *known;
    size_t requests = sizeof(known_requests) / sizeof(*known_requests);
    size_t answers = sizeof(known_answers) / sizeof(*known_answers);
    switch (who % WHOS) {
    case CLIENT:
        client_says(o, data, len);
        break;
    case UPSTREAM:
        upstream_says(o, data, len);
        break;
    case CLIENT_KNOWN:
        for (size_t i = 0; i < len; i++) {
            known = known_requests[data[i] % requests];
            client_says(o, known, strlen(known));
        }
        break;
    case UPSTREAM_KNOWN:
        for (size_t i = 0; i < len; i++) {
            known = known_answers[data[i] % answers];
            upstream_says(o, known, strlen(known));
        }
        break;
    case CLIENT_END:
        client_ends(o);
        break;
    case FIN:
    case RST:
        upstream_ends(o, who % WHOS == FIN);
        break;
    case HOLD:
        o->x.held = !o->x.held;
        break;
    case LAST:
        o->x.last = true;
        break;
    }
    show(o);
    must(o->requests - o->repeats <= o->heads && o->finals <= o->asked + 1);
    must(o->answered <= o->asked && o->asked <= o->answered + 1);
}

/* Where nothing was cut, the client's answers are whole as far as their ends were told. */
static void check_end(struct owner *o)
{
    if (!o->cut && !o->told_tunnel && o->x.over && o->x.asked == NULL)
        must(kp_http_parse_end(&o->down) != KP_HTTP_BAD);
    if (!o->cut && o->x.asked == NULL)
        must(!kp_http_parser_is_busy(&o->down));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct owner o = {.how = fuzz_byte(&data, &size)};
    kp_http_exchange_init(&o.x, &hooks);
    kp_http_parser_init(&o.sent, KP_HTTP_REQUEST);
    kp_http_parser_init(&o.down, KP_HTTP_RESPONSE);
    while (size > 0 && !o.cut) {
        uint8_t who = fuzz_byte(&data, &size);
        size_t len = who % WHOS > UPSTREAM_KNOWN ? 0 : fuzz_byte(&data, &size);
        len = len < size ? len : size;
        step(&o, who, data, len);
        data += len;
        size -= len;
    }
    check_end(&o);
    kp_http_exchange_clear(&o.x);
    kp_http_parser_clear(&o.sent);
    kp_http_parser_clear(&o.up);
    kp_http_parser_clear(&o.down);
    bytes_free(&o.pending);
    return 0;
}
