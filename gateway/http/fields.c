/* What every head that goes on has in common: see fields.h. */
#include "fields.h"

#include "forward.h"

/* ---- Fields for this hop only ------------------------------------------------------------ */

/* Nobody means more; who sends more wants each option to be compared to each field. */
#define OPTIONS_MAX 32

static bool is_same_name(struct kp_slice a, struct kp_slice b)
{
    return a.len == b.len && kp_slice_same(a.at, b.at, a.len);
}

static void mark(struct kp_http_named *named, const struct kp_http_head *head,
                 struct kp_slice option)
{
    struct kp_slice name, value;
    if (named->options == 0)
        memset(named->field, 0, sizeof named->field);
    if (named->options++ == OPTIONS_MAX)
        memset(named->field, 1, sizeof named->field);
    if (named->options > OPTIONS_MAX)
        return;
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        named->field[i] = named->field[i] || is_same_name(name, option);
    }
}

/* RFC 9110 7.6.1: "for each connection-option in this field, remove any header or trailer field(s)
 * from the message with the same name as the connection-option". */
void kp_http_named_find(struct kp_http_named *named, const struct kp_http_head *head)
{
    struct kp_slice name, value, option;
    named->options = 0;
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        if (!kp_slice_is(name, "Connection"))
            continue;
        while (named->options <= OPTIONS_MAX && kp_slice_next(&value, &option)) {
            if (!kp_slice_is(option, "close") && !kp_http_claims_hop(option))
                mark(named, head, option);
        }
    }
}

/* ---- Requests ---------------------------------------------------------------------------- */

void kp_http_put_request_line(struct kp_out *out, const struct kp_http_head *head, size_t cut)
{
    kp_out_text(out, head->method);
    kp_out_add(out, " ", 1);
    kp_out_add(out, head->target.at, head->target.len - cut);
    kp_out_word(out, " HTTP/1.1\r\n");
}

void kp_http_put_request_framing(struct kp_out *out, const struct kp_http_head *head)
{
    if (head->framing == KP_HTTP_CHUNKED)
        kp_http_put_word(out, "Transfer-Encoding", "chunked");
    else if (head->has_length)
        kp_http_put_number(out, "Content-Length", head->length);
}

void kp_http_put_upgrade(struct kp_out *out)
{
    kp_http_put_word(out, "Connection", "upgrade");
    kp_http_put_word(out, "Upgrade", "websocket");
}

void kp_http_put_via(struct kp_out *out, const struct kp_http_head *head)
{
    kp_http_put_word(out, "Via", head->minor == 0 ? "1.0 keyplate" : "1.1 keyplate");
}

/* ---- Responses --------------------------------------------------------------------------- */

void kp_http_put_status_line(struct kp_out *out, const struct kp_http_head *head)
{
    kp_out_word(out, "HTTP/1.1 ");
    kp_out_number(out, head->status);
    kp_out_add(out, " ", 1);
    kp_out_text(out, head->reason);
    kp_http_put_end(out);
}

bool kp_http_is_interim(const struct kp_http_head *head, const struct kp_http_back *how)
{
    return head->status < 200 && !how->tunnel;
}

/* RFC 9112 6.1 and 6.3: chunks are not for a client of HTTP/1.0; 204 has no length. */
static void put_length(struct kp_out *out, const struct kp_http_head *head,
                       const struct kp_http_back *how)
{
    bool chunked =
        head->framing == KP_HTTP_CHUNKED || (head->framing == KP_HTTP_UNTIL_END && how->rechunk);
    if (chunked && how->minor > 0)
        kp_http_put_word(out, "Transfer-Encoding", "chunked");
    else if (head->has_length && head->status != 204)
        kp_http_put_number(out, "Content-Length", head->length);
}

static void put_persistence(struct kp_out *out, const struct kp_http_back *how)
{
    if (!how->keep)
        kp_http_put_word(out, "Connection", "close");
    else if (how->minor == 0)
        kp_http_put_word(out, "Connection", "keep-alive");
}

void kp_http_put_response_framing(struct kp_out *out, const struct kp_http_head *head,
                                  const struct kp_http_back *how)
{
    if (how->tunnel) {
        kp_http_put_upgrade(out);
    } else if (!kp_http_is_interim(head, how)) {
        put_length(out, head, how);
        put_persistence(out, how);
    }
}
