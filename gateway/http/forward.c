/* Heads written for the next hop: see forward.h. */
#include "forward.h"

#include <string.h>

#include "fields.h"
#include "location.h"

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
    kp_http_put_begin(out, "Forwarded");
    kp_out_word(out, who->ipv6 ? "for=\"[" : "for=");
    kp_out_word(out, who->address);
    kp_out_word(out, who->ipv6 ? "]\";" : ";");
    if (host.len > 0) {
        put_pair(out, "host", host);
        kp_out_word(out, ";");
    }
    put_pair(out, "proto", kp_slice_of(scheme));
    kp_http_put_end(out);
}

static void put_way(struct kp_out *out, const struct kp_http_identity *who, struct kp_slice host)
{
    const char *scheme = who->protocol != NULL ? "https" : "http";
    kp_http_put_word(out, "X-Forwarded-For", who->address);
    kp_http_put_word(out, "X-Forwarded-Proto", scheme);
    if (host.len > 0)
        kp_http_put(out, "X-Forwarded-Host", host);
    kp_http_put_number(out, "X-Forwarded-Port", who->port);
    put_forwarded(out, who, host, scheme);
}

static void put_identity(struct kp_out *out, const struct kp_http_identity *who,
                         struct kp_slice host)
{
    if (who->user.at == NULL) {
        kp_http_put_word(out, "X-Keyplate-Proof", "none");
        return;
    }
    kp_http_put(out, "X-Remote-User", who->user);
    put_way(out, who, host);
    kp_http_put_word(out, "X-Keyplate-Proof", who->proof);
    if (who->protocol != NULL)
        kp_http_put_word(out, "X-Keyplate-Protocol", who->protocol);
    if (who->suite != NULL)
        kp_http_put_word(out, "X-Keyplate-Suite", who->suite);
}

/* ---- Requests ---------------------------------------------------------------------------- */

static void put_request_fields(struct kp_out *out, const struct kp_http_head *head)
{
    struct kp_http_named named;
    struct kp_slice name, value;
    kp_http_named_find(&named, head);
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        if (!kp_http_ends_here(&named, i, name) && !kp_http_is_ours_to_say(head, name))
            kp_http_put_as_it_came(out, name, value);
    }
}

/* What is ours comes first: some small servers read only so many fields, and a client mustn't be
 * able to push the length or the user out of their sight. */
int kp_http_forward_request(struct kp_out *out, const struct kp_http_head *head,
                            const struct kp_http_onward *how)
{
    const struct kp_http_identity *who = how->identity;
    if (who != NULL && who->user.at != NULL && !is_sayable(who->user))
        return -1;
    kp_http_put_request_line(out, head, how->cut);
    kp_http_put(out, "Host", head->host);
    kp_http_put_request_framing(out, head);
    /* Some servers answer without reading a body, and would then take it for the next request, with
     * whatever it says of who asks. */
    if (head->framing != KP_HTTP_NO_BODY)
        kp_http_put_word(out, "Connection", "close");
    if (head->websocket)
        kp_http_put_upgrade(out);
    if (who != NULL)
        put_identity(out, who, head->host);
    put_request_fields(out, head);
    kp_http_put_via(out, head);
    kp_http_put_end(out);
    return 0;
}

/* ---- Responses --------------------------------------------------------------------------- */

static void put_response_fields(struct kp_out *out, const struct kp_http_head *head,
                                const struct kp_http_back *how)
{
    struct kp_http_named named;
    struct kp_slice name, value;
    kp_http_named_find(&named, head);
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        if (kp_http_ends_here(&named, i, name))
            continue;
        if (!kp_slice_is(name, "Location")) {
            kp_http_put_as_it_came(out, name, value);
            continue;
        }
        kp_http_put_begin(out, "Location");
        kp_http_location(out, value, how);
        kp_http_put_end(out);
    }
}

void kp_http_forward_response(struct kp_out *out, const struct kp_http_head *head,
                              const struct kp_http_back *how)
{
    kp_http_put_status_line(out, head);
    put_response_fields(out, head, how);
    kp_http_put_response_framing(out, head, how);
    if (how->cookie != NULL && !kp_http_is_interim(head, how))
        kp_http_put_word(out, "Set-Cookie", how->cookie);
    kp_http_put_end(out);
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
