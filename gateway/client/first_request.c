/* Whether a first request may go to the device: see first_request.h. */
#include "first_request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../net/address.h"

#define METHOD_MAX 24

struct piece {
    const char *data;
    size_t len;
};

/* The headers that count; data NULL: it isn't there. */
struct request {
    struct piece method, target;
    struct piece origin, site, mode, dest;
    bool astray; /* no host, another one, or written so that servers may disagree which */
};

static bool is(struct piece p, const char *text)
{
    return p.data != NULL && p.len == strlen(text) && strncasecmp(p.data, text, p.len) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct piece trim(struct piece p)
{
    while (p.len > 0 && is_blank(p.data[0])) {
        p.data++;
        p.len--;
    }
    while (p.len > 0 && is_blank(p.data[p.len - 1]))
        p.len--;
    return p;
}

/* The next line of *rest without its end; data NULL: it has not ended. */
static struct piece take_line(struct piece *rest)
{
    const char *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
    struct piece line = {NULL, 0};
    if (end == NULL)
        return line;
    line = (struct piece){rest->data, (size_t)(end - rest->data)};
    rest->data = end + 1;
    rest->len -= line.len + 1;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* Up to the next blank, which is skipped too. */
static struct piece take_word(struct piece *rest)
{
    const char *blank = rest->len > 0 ? memchr(rest->data, ' ', rest->len) : NULL;
    struct piece word = {rest->data, blank != NULL ? (size_t)(blank - rest->data) : rest->len};
    size_t used = word.len + (blank != NULL);
    rest->data += used;
    rest->len -= used;
    return word;
}

/* RFC 9110 5.6.2: scripts may send methods of their own. */
static bool is_token(struct piece p)
{
    for (size_t i = 0; i < p.len; i++) {
        unsigned char c = (unsigned char)p.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
            return false;
    }
    return p.len > 0 && p.len <= METHOD_MAX;
}

/* RFC 9112 3: method SP request-target SP HTTP-version. */
static bool is_request_line(struct piece line, struct request *r)
{
    r->method = take_word(&line);
    r->target = take_word(&line);
    return is_token(r->method) && r->target.len > 0 && line.len >= 5 &&
           memcmp(line.data, "HTTP/", 5) == 0;
}

/* Without the end of the first line: whether it may still become a request. */
static bool may_be_request(struct piece begun)
{
    return is_token(take_word(&begun));
}

/* A browser leaves out the port that http has by itself. */
static bool is_own(struct piece host, const char *own)
{
    const char *port = strrchr(own, ':');
    char local[KP_ADDRESS_TEXT_LEN], bare[KP_ADDRESS_TEXT_LEN];
    snprintf(local, sizeof local, "localhost%s", port);
    if (is(host, own) || is(host, local))
        return true;
    snprintf(bare, sizeof bare, "%.*s", (int)(port - own), own);
    return strcmp(port, ":80") == 0 && (is(host, bare) || is(host, "localhost"));
}

static bool is_own_origin(struct piece origin, const char *own)
{
    if (origin.len < 7 || strncasecmp(origin.data, "http://", 7) != 0)
        return false;
    return is_own((struct piece){origin.data + 7, origin.len - 7}, own);
}

static void take_header(struct request *r, struct piece line, bool *host, const char *own)
{
    const char *colon = memchr(line.data, ':', line.len);
    struct piece name, value;
    if (colon == NULL || is_blank(line.data[0])) {
        r->astray = true; /* RFC 9112 5.2: folded lines are read in different ways */
        return;
    }
    name = trim((struct piece){line.data, (size_t)(colon - line.data)});
    value = trim((struct piece){colon + 1, line.len - (size_t)(colon - line.data) - 1});
    if (is(name, "Host")) {
        *host = true;
        r->astray = r->astray || !is_own(value, own);
    } else if (is(name, "Origin")) {
        /* Of two the wrong one counts. */
        if (r->origin.data == NULL || is_own_origin(r->origin, own))
            r->origin = value;
    } else if (is(name, "Sec-Fetch-Site")) {
        r->site = value;
    } else if (is(name, "Sec-Fetch-Mode")) {
        r->mode = value;
    } else if (is(name, "Sec-Fetch-Dest")) {
        r->dest = value;
    }
}

/* Following a link from another site is what people do; everything else is what sites do.  Fetch
 * Metadata: pages can't choose these headers. */
static bool is_foreign(const struct request *r, const char *own)
{
    bool reads = is(r->method, "GET") || is(r->method, "HEAD");
    if (r->origin.data != NULL && !is_own_origin(r->origin, own) &&
        !(is(r->origin, "null") && is(r->site, "same-origin")))
        return true;
    if (!is(r->site, "cross-site"))
        return false;
    return !reads || !is(r->mode, "navigate") || (r->dest.data != NULL && !is(r->dest, "document"));
}

/* The head is whole when an empty line came. */
static enum kp_request_verdict judge_headers(struct request *r, struct piece rest, const char *own)
{
    bool host = false;
    for (;;) {
        struct piece line = take_line(&rest);
        if (line.data == NULL)
            return KP_REQUEST_MORE;
        if (line.len == 0)
            break;
        take_header(r, line, &host, own);
    }
    /* A target with a host of its own would count for more than Host: RFC 9112 3.2.2. */
    if (!host || r->astray || (r->target.data[0] != '/' && !is(r->target, "*")))
        return KP_REQUEST_ASTRAY;
    return is_foreign(r, own) ? KP_REQUEST_FOREIGN : KP_REQUEST_PASS;
}

enum kp_request_verdict kp_first_judge(const char *head, size_t len, bool ended, const char *own)
{
    struct piece rest = {head, len};
    struct request request = {.astray = false};
    struct piece line = take_line(&rest);
    enum kp_request_verdict verdict;
    if (line.data == NULL) {
        if (ended || (len > 0 && !may_be_request(rest)))
            return KP_REQUEST_PASS;
        return len >= KP_REQUEST_MAX ? KP_REQUEST_LONG : KP_REQUEST_MORE;
    }
    if (!is_request_line(line, &request))
        return KP_REQUEST_PASS;
    verdict = judge_headers(&request, rest, own);
    if (verdict == KP_REQUEST_MORE && ended)
        return KP_REQUEST_ASTRAY;
    return verdict == KP_REQUEST_MORE && len >= KP_REQUEST_MAX ? KP_REQUEST_LONG : verdict;
}
