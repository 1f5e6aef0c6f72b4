/* Where an answer sends the client: see location.h. */
#include "location.h"

#include <string.h>

#include "url.h"

#define SCHEME "http://"
#define SCHEME_LEN (sizeof SCHEME - 1)
#define HTTP_PORT 80

/* RFC 3986 3.2: up to the path, the query or the fragment.  Browsers take \ for /. */
static struct kp_slice authority_of(struct kp_slice url)
{
    struct kp_slice authority = {url.at + SCHEME_LEN, 0};
    while (SCHEME_LEN + authority.len < url.len &&
           strchr("/?#\\", authority.at[authority.len]) == NULL)
        authority.len++;
    return authority;
}

static bool is_loopback(struct kp_slice name)
{
    return kp_slice_is(name, "127.0.0.1") || kp_slice_is(name, "localhost") ||
           kp_slice_is(name, "[::1]");
}

static bool leads_around(struct kp_slice authority, const struct kp_http_back *how)
{
    struct kp_http_authority to, asked;
    unsigned port;
    if (!kp_http_authority_read(&to, authority) || !kp_http_authority_read(&asked, how->host))
        return false;
    port = to.port != 0 ? to.port : HTTP_PORT;
    if (port == how->upstream_port && is_loopback(to.name))
        return true;
    return to.name.len == asked.name.len && kp_slice_same(to.name.at, asked.name.at, to.name.len) &&
           (port == HTTP_PORT || port == asked.port || port == how->upstream_port);
}

void kp_http_location(struct kp_out *out, struct kp_slice value, const struct kp_http_back *how)
{
    if (value.len > SCHEME_LEN && kp_slice_same(value.at, SCHEME, SCHEME_LEN)) {
        struct kp_slice authority = authority_of(value);
        size_t used = SCHEME_LEN + authority.len;
        if (leads_around(authority, how)) {
            /* As a path it holds at every door of the device and behind a client's gateway. */
            kp_http_url_put_path(out, (struct kp_slice){value.at + used, value.len - used});
            return;
        }
    }
    kp_out_text(out, value);
}
