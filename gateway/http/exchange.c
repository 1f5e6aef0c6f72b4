/* The requests of one client and their answers: see exchange.h. */
#include "exchange.h"

#include <string.h>

void kp_http_exchange_init(struct kp_http_exchange *x, const struct kp_http_exchange_hooks *hooks)
{
    memset(x, 0, sizeof *x);
    x->hooks = hooks;
    kp_http_parser_init(&x->request, KP_HTTP_REQUEST);
    kp_http_parser_init(&x->response, KP_HTTP_RESPONSE);
}

static void forget_request(struct kp_http_exchange *x)
{
    kp_http_head_free(x->asked);
    x->asked = NULL;
}

void kp_http_exchange_clear(struct kp_http_exchange *x)
{
    forget_request(x);
    kp_http_parser_clear(&x->request);
    kp_http_parser_clear(&x->response);
}

bool kp_http_exchange_is_busy(const struct kp_http_exchange *x)
{
    return x->asked != NULL || kp_http_parser_is_busy(&x->request);
}

bool kp_http_exchange_is_repeatable(const struct kp_http_exchange *x)
{
    const struct kp_http_head *head = x->asked;
    return head != NULL && !x->heard && !x->answering && head->framing == KP_HTTP_NO_BODY &&
           (kp_slice_is(head->method, "GET") || kp_slice_is(head->method, "HEAD") ||
            kp_slice_is(head->method, "OPTIONS"));
}

/* ---- The request ------------------------------------------------------------------------- */

static void begin(struct kp_http_exchange *x)
{
    x->asked = kp_http_parser_take_head(&x->request);
    x->back = (struct kp_http_back){.minor = x->asked->minor, .host = x->asked->host};
    x->sent = 0;
    x->status = 0;
    x->forwarded = x->heard = x->answering = x->taken_whole = x->chunks = false;
    x->keeps_client = x->keeps_upstream = false;
    x->hooks->request(x);
}

typedef void send_fn(struct kp_http_exchange *x, const void *data, size_t len);

/* The bytes of a body that the parser has just found, as a chunk or as they are. */
static void send_body(struct kp_http_exchange *x, send_fn *send,
                      const struct kp_http_parser *parser, bool as_chunk)
{
    char line[KP_HTTP_CHUNK_LINE_MAX];
    if (as_chunk)
        send(x, line, kp_http_chunk_line(line, parser->body_len));
    send(x, parser->body, parser->body_len);
    if (as_chunk)
        send(x, "\r\n", 2);
}

static void pass_body(struct kp_http_exchange *x)
{
    if (!x->over) /* else it was answered, and what is left of it is nobody's */
        send_body(x, x->hooks->to_upstream, &x->request, x->asked->framing == KP_HTTP_CHUNKED);
}

static void answer_end(struct kp_http_exchange *x);

static void end_request(struct kp_http_exchange *x)
{
    x->taken_whole = true;
    if (x->replied) {
        x->replied = false;
        answer_end(x);
        return;
    }
    if (x->asked->framing == KP_HTTP_CHUNKED && !x->over)
        x->hooks->to_upstream(x, "0\r\n\r\n", 5);
}

static bool wants(const struct kp_http_exchange *x)
{
    return !x->over && !x->held && (x->asked == NULL || !x->taken_whole);
}

/* Whether there may be another event. */
static bool take_one(struct kp_http_exchange *x, const uint8_t *bytes, size_t len, size_t *used)
{
    switch (kp_http_parse(&x->request, bytes, len, used)) {
    case KP_HTTP_HEAD:
        begin(x);
        return true;
    case KP_HTTP_BODY:
        pass_body(x);
        return true;
    case KP_HTTP_END:
        end_request(x);
        return true;
    case KP_HTTP_BAD:
        x->hooks->refused(x);
        return false;
    case KP_HTTP_MORE:
        break;
    }
    return false;
}

/* A message that ends with its head or with its last byte is over without another one. */
static bool ends_by_itself(const struct kp_http_exchange *x)
{
    return x->asked != NULL && !x->taken_whole;
}

size_t kp_http_exchange_take(struct kp_http_exchange *x, const uint8_t *bytes, size_t len)
{
    size_t total = 0;
    if (x->tunnels && x->held)
        return 0;
    if (x->tunnels) {
        x->hooks->to_upstream(x, bytes, len);
        return len;
    }
    while (wants(x) && (total < len || ends_by_itself(x))) {
        size_t used = 0;
        bool again = take_one(x, bytes + total, len - total, &used);
        total += used;
        if (!again)
            break;
    }
    return x->over ? len : total;
}

bool kp_http_exchange_client_ended(struct kp_http_exchange *x)
{
    x->last = true;
    if (x->tunnels || x->over || (x->asked != NULL && x->taken_whole))
        return true;
    return kp_http_parse_end(&x->request) == KP_HTTP_MORE;
}

int kp_http_exchange_forward_as(struct kp_http_exchange *x, const struct kp_out *head)
{
    if (head->failed)
        return -1;
    x->response.bodiless = kp_slice_is(x->asked->method, "HEAD");
    x->forwarded = true;
    x->hooks->to_upstream(x, head->at, head->len);
    return 0;
}

int kp_http_exchange_forward(struct kp_http_exchange *x, const struct kp_http_onward *how)
{
    struct kp_out out = {0};
    int error = kp_http_forward_request(&out, x->asked, how);
    if (error == 0)
        error = kp_http_exchange_forward_as(x, &out);
    kp_out_free(&out);
    return error;
}

bool kp_http_exchange_can_go_on(const struct kp_http_exchange *x)
{
    const struct kp_http_head *head = x->asked;
    return head != NULL && head->framing == KP_HTTP_NO_BODY && head->persists && head->minor > 0 &&
           !x->last;
}

static void send_reply(struct kp_http_exchange *x, const char *text, size_t len)
{
    const char *body = memmem(text, len, "\r\n\r\n", 4);
    x->answering = true;
    if (x->asked != NULL && kp_slice_is(x->asked->method, "HEAD") && body != NULL)
        len = (size_t)(body + 4 - text);
    x->hooks->to_client(x, text, len);
}

void kp_http_exchange_reply(struct kp_http_exchange *x, const char *text, size_t len)
{
    x->over = true;
    send_reply(x, text, len);
}

/* It ends when the parser says that the request has: at once, as it has no body. */
void kp_http_exchange_reply_and_go_on(struct kp_http_exchange *x, const char *text, size_t len,
                                      unsigned status)
{
    x->replied = x->keeps_client = x->keeps_upstream = true;
    x->status = (uint16_t)status;
    send_reply(x, text, len);
}

/* ---- The answer -------------------------------------------------------------------------- */

static void break_off(struct kp_http_exchange *x, const char *why)
{
    x->keeps_upstream = false;
    x->hooks->broken(x, why);
}

/* Nothing of it has gone: the owner can still say so. */
static bool fail_head(struct kp_http_exchange *x)
{
    x->status = 0;
    x->answering = x->back.tunnel = false;
    break_off(x, "there isn't enough memory for its head");
    return false;
}

/* Whether the answer goes on. */
static bool send_head(struct kp_http_exchange *x, const struct kp_http_head *head)
{
    struct kp_out out = {0};
    bool failed;
    if (x->hooks->write_answer != NULL)
        x->hooks->write_answer(x, &out, head);
    else
        kp_http_forward_response(&out, head, &x->back);
    failed = out.failed;
    if (!failed)
        x->hooks->to_client(x, out.at, out.len);
    kp_out_free(&out);
    return !failed || fail_head(x);
}

/* 1xx: on its way to whoever can read it, RFC 9110 15.2. */
static bool interim(struct kp_http_exchange *x, const struct kp_http_head *head)
{
    return x->asked->minor == 0 || send_head(x, head);
}

static bool change_protocol(struct kp_http_exchange *x, const struct kp_http_head *head)
{
    /* Before its request is whole, the rest of that would go to the new protocol. */
    if (!x->taken_whole || !x->asked->websocket || !head->websocket) {
        break_off(x, "it changes to a protocol that wasn't asked for");
        return true;
    }
    x->back.tunnel = true;
    x->answering = true;
    x->status = head->status;
    return send_head(x, head);
}

/* The body of the request in progress can't be taken for another request. */
static bool leaves_nothing(const struct kp_http_exchange *x)
{
    return x->asked->framing == KP_HTTP_NO_BODY || (x->reuses_after_body && x->taken_whole);
}

static bool final(struct kp_http_exchange *x, const struct kp_http_head *head)
{
    bool until_end = head->framing == KP_HTTP_UNTIL_END;
    bool open_end = until_end || head->framing == KP_HTTP_CHUNKED;
    x->chunks = open_end && x->asked->minor > 0;
    x->keeps_client = x->asked->persists && x->taken_whole && !x->last && (!open_end || x->chunks);
    /* Some servers send a body after HEAD all the same: it would be the next answer. */
    x->keeps_upstream = head->persists && !until_end && !x->response.bodiless && leaves_nothing(x);
    x->back.keep = x->keeps_client;
    x->back.rechunk = until_end && x->chunks;
    x->answering = true;
    x->status = head->status;
    return send_head(x, head);
}

static bool answer_head(struct kp_http_exchange *x)
{
    const struct kp_http_head *head = x->response.head;
    if (head->status == 101)
        return change_protocol(x, head);
    return head->status < 200 ? interim(x, head) : final(x, head);
}

static void answer_body(struct kp_http_exchange *x)
{
    x->sent += x->response.body_len;
    send_body(x, x->hooks->to_client, &x->response, x->chunks);
}

static void answer_end(struct kp_http_exchange *x)
{
    if (x->status == 0)
        return; /* of an interim answer */
    if (x->back.tunnel) {
        x->tunnels = true;
        x->hooks->tunnel(x);
        return;
    }
    if (x->chunks)
        x->hooks->to_client(x, "0\r\n\r\n", 5);
    if (!x->keeps_client || !x->taken_whole || x->last) {
        x->keeps_client = false;
        x->over = true;
    }
    x->hooks->done(x);
    forget_request(x);
    x->answering = x->forwarded = false;
}

static bool waits_for_answer(const struct kp_http_exchange *x)
{
    return x->asked != NULL && x->forwarded && !x->tunnels && !(x->over && x->status == 0);
}

/* Whether there may be another event. */
static bool answer_one(struct kp_http_exchange *x, const uint8_t *bytes, size_t len, size_t *used)
{
    switch (kp_http_parse(&x->response, bytes, len, used)) {
    case KP_HTTP_HEAD:
        return answer_head(x);
    case KP_HTTP_BODY:
        answer_body(x);
        return true;
    case KP_HTTP_END:
        answer_end(x);
        return true;
    case KP_HTTP_BAD:
        break_off(x, x->response.why);
        return false;
    case KP_HTTP_MORE:
        break;
    }
    return false;
}

bool kp_http_exchange_answered(struct kp_http_exchange *x, const uint8_t *bytes, size_t len)
{
    size_t total = 0;
    bool again = true;
    if (waits_for_answer(x))
        x->heard = true;
    while (waits_for_answer(x) && again) {
        size_t used = 0;
        again = answer_one(x, bytes + total, len - total, &used);
        total += used;
    }
    if (x->tunnels && total < len)
        x->hooks->to_client(x, bytes + total, len - total);
    return x->tunnels || total == len;
}

void kp_http_exchange_upstream_ended(struct kp_http_exchange *x, bool in_order)
{
    enum kp_http_event event;
    if (!waits_for_answer(x))
        return;
    event = kp_http_parse_end(&x->response);
    x->keeps_upstream = false;
    if (event == KP_HTTP_END && in_order)
        answer_end(x);
    else if (event == KP_HTTP_MORE)
        break_off(x, "it ended the connection without an answer");
    else
        break_off(x, "it ended the connection in the middle of its answer");
}
