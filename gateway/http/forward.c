/* Heads written for the next hop: see forward.h. */
#include "forward.h"

#include <string.h>

#include "claims.h"
#include "location.h"

static struct kp_slice text_of(const char *word)
{
    return (struct kp_slice){word, strlen(word)};
}

/* ---- Fields ------------------------------------------------------------------------------ */

static void begin_field(struct kp_out *out, const char *name)
{
    kp_out_word(out, name);
    kp_out_add(out, ": ", 2);
}

static void end_line(struct kp_out *out)
{
    kp_out_add(out, "\r\n", 2);
}

static void put(struct kp_out *out, const char *name, struct kp_slice value)
{
    begin_field(out, name);
    kp_out_text(out, value);
    end_line(out);
}

static void put_word(struct kp_out *out, const char *name, const char *value)
{
    put(out, name, text_of(value));
}

static void put_number(struct kp_out *out, const char *name, uint64_t number)
{
    begin_field(out, name);
    kp_out_number(out, number);
    end_line(out);
}

static void put_as_it_came(struct kp_out *out, struct kp_slice name, struct kp_slice value)
{
    kp_out_text(out, name);
    kp_out_add(out, ": ", 2);
    kp_out_text(out, value);
    end_line(out);
}

static void put_upgrade(struct kp_out *out)
{
    put_word(out, "Connection", "upgrade");
    put_word(out, "Upgrade", "websocket");
}

/* ---- Fields for this hop only ------------------------------------------------------------ */

/* Nobody means more; who sends more wants each option to be compared to each field. */
#define OPTIONS_MAX 32

/* Which fields Connection names; of too many options, all. */
struct named {
    size_t options;
    bool field[KP_HTTP_FIELDS_MAX];
};

static bool is_same_name(struct kp_slice a, struct kp_slice b)
{
    return a.len == b.len && kp_slice_same(a.at, b.at, a.len);
}

static void mark(struct named *named, const struct kp_http_head *head, struct kp_slice option)
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
static void find_named(struct named *named, const struct kp_http_head *head)
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

static bool ends_here(const struct named *named, size_t index, struct kp_slice name)
{
    return (named->options > 0 && named->field[index]) || kp_http_claims_hop(name);
}

/* ---- Who the client is ------------------------------------------------------------------- */

static bool is_sayable(struct kp_slice user)
{
    if (user.len == 0 || user.at[0] == ' ' || user.at[user.len - 1] == ' ')
        return false; /* RFC 9110 5.5: a value has no space around it */
    for (size_t i = 0; i < user.len; i++) {
        unsigned char c = (unsigned char)user.at[i];
        if (c < ' ' || c == 0x7f)
            return false;
    }
    return true;
}

/* RFC 7239 4: a value is a token or is quoted.  A host has nothing to escape: the parser takes none
 * with a quote, and none with a comma or semicolon, where a simple reader would find another pair.
 */
static void put_pair(struct kp_out *out, const char *name, struct kp_slice value)
{
    bool quoted = value.at[0] == '[' || memchr(value.at, ':', value.len) != NULL;
    kp_out_word(out, name);
    kp_out_word(out, quoted ? "=\"" : "=");
    kp_out_text(out, value);
    kp_out_word(out, quoted ? "\"" : "");
}

/* RFC 7239 6: for="[2001:db8::1]";host="device:8443";proto=https */
static void put_forwarded(struct kp_out *out, const struct kp_http_identity *who,
                          struct kp_slice host, const char *scheme)
{
    begin_field(out, "Forwarded");
    kp_out_word(out, who->ipv6 ? "for=\"[" : "for=");
    kp_out_word(out, who->address);
    kp_out_word(out, who->ipv6 ? "]\";" : ";");
    if (host.len > 0) {
        put_pair(out, "host", host);
        kp_out_word(out, ";");
    }
    put_pair(out, "proto", text_of(scheme));
    end_line(out);
}

static void put_way(struct kp_out *out, const struct kp_http_identity *who, struct kp_slice host)
{
    const char *scheme = who->protocol != NULL ? "https" : "http";
    put_word(out, "X-Forwarded-For", who->address);
    put_word(out, "X-Forwarded-Proto", scheme);
    if (host.len > 0)
        put(out, "X-Forwarded-Host", host);
    put_number(out, "X-Forwarded-Port", who->port);
    put_forwarded(out, who, host, scheme);
}

static void put_identity(struct kp_out *out, const struct kp_http_identity *who,
                         struct kp_slice host)
{
    if (who->user.at == NULL) {
        put_word(out, "X-Keyplate-Proof", "none");
        return;
    }
    put(out, "X-Remote-User", who->user);
    put_way(out, who, host);
    put_word(out, "X-Keyplate-Proof", who->proof);
    if (who->protocol != NULL)
        put_word(out, "X-Keyplate-Protocol", who->protocol);
    if (who->suite != NULL)
        put_word(out, "X-Keyplate-Suite", who->suite);
}

/* ---- Requests ---------------------------------------------------------------------------- */

static void put_request_line(struct kp_out *out, const struct kp_http_head *head, size_t cut)
{
    kp_out_text(out, head->method);
    kp_out_add(out, " ", 1);
    kp_out_add(out, head->target.at, head->target.len - cut);
    kp_out_word(out, " HTTP/1.1\r\n");
}

static void put_request_framing(struct kp_out *out, const struct kp_http_head *head)
{
    if (head->framing == KP_HTTP_CHUNKED)
        put_word(out, "Transfer-Encoding", "chunked");
    else if (head->has_length)
        put_number(out, "Content-Length", head->length);
    /* Some servers answer without reading a body, and would then take it for the next request, with
     * whatever it says of who asks. */
    if (head->framing != KP_HTTP_NO_BODY)
        put_word(out, "Connection", "close");
}

/* Proxy becomes HTTP_PROXY under CGI, which libraries take for their own setting: httpoxy,
 * CVE-2016-5385. */
static bool is_rewritten(const struct kp_http_head *head, struct kp_slice name)
{
    return kp_slice_is(name, "Host") || kp_slice_is(name, "Proxy") ||
           (!head->expects && kp_slice_is(name, "Expect"));
}

static void put_request_fields(struct kp_out *out, const struct kp_http_head *head)
{
    struct named named;
    struct kp_slice name, value;
    find_named(&named, head);
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        if (!ends_here(&named, i, name) && !is_rewritten(head, name) &&
            !kp_http_claims_identity(name))
            put_as_it_came(out, name, value);
    }
}

/* What is ours comes first: some small servers read only so many fields, and a client mustn't be
 * able to push the length or the user out of their sight.  Via is a list, where we are the last. */
int kp_http_forward_request(struct kp_out *out, const struct kp_http_head *head,
                            const struct kp_http_onward *how)
{
    const struct kp_http_identity *who = how->identity;
    if (who != NULL && who->user.at != NULL && !is_sayable(who->user))
        return -1;
    put_request_line(out, head, how->cut);
    put(out, "Host", head->host);
    put_request_framing(out, head);
    if (head->websocket)
        put_upgrade(out);
    if (who != NULL)
        put_identity(out, who, head->host);
    put_request_fields(out, head);
    put_word(out, "Via", head->minor == 0 ? "1.0 keyplate" : "1.1 keyplate");
    end_line(out);
    return 0;
}

/* ---- Responses --------------------------------------------------------------------------- */

static void put_status_line(struct kp_out *out, const struct kp_http_head *head)
{
    kp_out_word(out, "HTTP/1.1 ");
    kp_out_number(out, head->status);
    kp_out_add(out, " ", 1);
    kp_out_text(out, head->reason);
    end_line(out);
}

static void put_response_fields(struct kp_out *out, const struct kp_http_head *head,
                                const struct kp_http_back *how)
{
    struct named named;
    struct kp_slice name, value;
    find_named(&named, head);
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        if (ends_here(&named, i, name))
            continue;
        if (!kp_slice_is(name, "Location")) {
            put_as_it_came(out, name, value);
            continue;
        }
        begin_field(out, "Location");
        kp_http_location(out, value, how);
        end_line(out);
    }
}

/* RFC 9112 6.1 and 6.3: chunks are not for a client of HTTP/1.0; 204 has no length. */
static void put_response_framing(struct kp_out *out, const struct kp_http_head *head,
                                 const struct kp_http_back *how)
{
    bool chunked =
        head->framing == KP_HTTP_CHUNKED || (head->framing == KP_HTTP_UNTIL_END && how->rechunk);
    if (chunked && how->minor > 0)
        put_word(out, "Transfer-Encoding", "chunked");
    else if (head->has_length && head->status != 204)
        put_number(out, "Content-Length", head->length);
}

static void put_persistence(struct kp_out *out, const struct kp_http_back *how)
{
    if (!how->keep)
        put_word(out, "Connection", "close");
    else if (how->minor == 0)
        put_word(out, "Connection", "keep-alive");
}

void kp_http_forward_response(struct kp_out *out, const struct kp_http_head *head,
                              const struct kp_http_back *how)
{
    bool interim = head->status < 200 && !how->tunnel;
    put_status_line(out, head);
    put_response_fields(out, head, how);
    if (how->tunnel) {
        put_upgrade(out);
    } else if (!interim) {
        put_response_framing(out, head, how);
        put_persistence(out, how);
    }
    if (how->cookie != NULL && !interim)
        put_word(out, "Set-Cookie", how->cookie);
    end_line(out);
}

/* ---- Chunks ------------------------------------------------------------------------------ */

size_t kp_http_chunk_line(char out[KP_HTTP_CHUNK_LINE_MAX], size_t len)
{
    size_t digits = 1;
    for (size_t rest = len >> 4; rest > 0; rest >>= 4)
        digits++;
    for (size_t i = digits; i-- > 0; len >>= 4)
        out[i] = "0123456789abcdef"[len & 0xf];
    out[digits] = '\r';
    out[digits + 1] = '\n';
    return digits + 2;
}
