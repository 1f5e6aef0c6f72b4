/* Heads as they go on: what is left out, what is ours, and that nobody else can say it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/authority.h"
#include "http/claims.h"
#include "http/forward.h"
#include "http/parser.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static struct kp_slice text_of(const char *word)
{
    return (struct kp_slice){word, strlen(word)};
}

/* ---- Heads in, text out ------------------------------------------------------------------ */

/* NULL: the parser doesn't take it. */
static struct kp_http_head *try_head(enum kp_http_kind kind, const char *text, size_t len,
                                     bool bodiless)
{
    struct kp_http_parser parser;
    struct kp_http_head *head = NULL;
    size_t used;
    kp_http_parser_init(&parser, kind);
    parser.bodiless = bodiless;
    if (kp_http_parse(&parser, (const uint8_t *)text, len, &used) == KP_HTTP_HEAD)
        head = kp_http_parser_take_head(&parser);
    kp_http_parser_clear(&parser);
    return head;
}

static struct kp_http_head *head_of(enum kp_http_kind kind, const char *text, bool bodiless)
{
    struct kp_http_head *head = try_head(kind, text, strlen(text), bodiless);
    if (head == NULL)
        fail_msg("the parser doesn't take this head:\n%s", text);
    return head;
}

/* The text as a string of its own. */
static char *take(struct kp_out *out)
{
    char *text = malloc(out->len + 1);
    assert_non_null(text);
    assert_false(out->failed);
    memcpy(text, out->at, out->len);
    text[out->len] = '\0';
    kp_out_free(out);
    return text;
}

static char *request(const char *text, const struct kp_http_onward *how)
{
    struct kp_http_head *head = head_of(KP_HTTP_REQUEST, text, false);
    struct kp_out out = {0};
    assert_int_equal(kp_http_forward_request(&out, head, how), 0);
    kp_http_head_free(head);
    return take(&out);
}

static void request_becomes(const char *in, const struct kp_http_onward *how, const char *expected)
{
    char *text = request(in, how);
    assert_string_equal(text, expected);
    free(text);
}

static void response_becomes(const char *in, bool bodiless, const struct kp_http_back *how,
                             const char *expected)
{
    struct kp_http_head *head = head_of(KP_HTTP_RESPONSE, in, bodiless);
    struct kp_out out = {0};
    char *text;
    kp_http_forward_response(&out, head, how);
    kp_http_head_free(head);
    text = take(&out);
    assert_string_equal(text, expected);
    free(text);
}

/* ---- Requests ---------------------------------------------------------------------------- */

static const struct kp_http_onward silent = {.identity = NULL};

#define VIA "Via: 1.1 keyplate\r\n"

static const struct {
    const char *in, *out;
} whole[] = {
    {"GET / HTTP/1.1\r\nHost: dev\r\n\r\n", "GET / HTTP/1.1\r\nHost: dev\r\n" VIA "\r\n"},
    /* Host comes first, wherever it was. */
    {"GET /a?b=c HTTP/1.1\r\nAccept: */*\r\nhOsT:  dev:8443 \r\nDNT: 1\r\n\r\n",
     "GET /a?b=c HTTP/1.1\r\nHost: dev:8443\r\nAccept: */*\r\nDNT: 1\r\n" VIA "\r\n"},
    {"OPTIONS * HTTP/1.1\r\nHost: dev\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: dev\r\n" VIA "\r\n"},
    /* RFC 9112 3.2.2: the host of an absolute-form counts. */
    {"GET http://dev:81/x HTTP/1.1\r\nHost: other\r\n\r\n",
     "GET /x HTTP/1.1\r\nHost: dev:81\r\n" VIA "\r\n"},
    {"GET http://dev HTTP/1.1\r\nHost: other\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: dev\r\n" VIA "\r\n"},
    /* RFC 9110 7.6.3: the version is the one that came.  RFC 9112 3.2: a Host, if empty. */
    {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: \r\nVia: 1.0 keyplate\r\n\r\n"},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\nHost: \r\n" VIA "\r\n"},
    /* Framing. */
    {"POST / HTTP/1.1\r\nHost: dev\r\ncontent-length: 0012\r\nA: b\r\n\r\n",
     "POST / HTTP/1.1\r\nHost: dev\r\nContent-Length: 12\r\nConnection: close\r\nA: b\r\n" VIA
     "\r\n"},
    {"POST / HTTP/1.1\r\nHost: dev\r\nContent-Length: 0\r\n\r\n",
     "POST / HTTP/1.1\r\nHost: dev\r\nContent-Length: 0\r\n" VIA "\r\n"},
    {"POST / HTTP/1.1\r\nHost: dev\r\nTransfer-Encoding: Chunked\r\n\r\n",
     "POST / HTTP/1.1\r\nHost: dev\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n" VIA
     "\r\n"},
    /* A body of any method ends the connection, whatever the client says of its own. */
    {"GET / HTTP/1.1\r\nHost: dev\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: dev\r\nContent-Length: 2\r\nConnection: close\r\n" VIA "\r\n"},
    {"POST / HTTP/1.0\r\nConnection: close\r\nContent-Length: 2\r\n\r\n",
     "POST / HTTP/1.1\r\nHost: \r\nContent-Length: 2\r\nConnection: close\r\n"
     "Via: 1.0 keyplate\r\n\r\n"},
    {"GET / HTTP/1.1\r\nHost: dev\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: dev\r\nContent-Length: 0\r\n" VIA "\r\n"},
    /* What comes in another spelling frames nothing. */
    {"POST / HTTP/1.1\r\nHost: dev\r\nContent_Length: 5\r\nTransfer.Encoding: chunked\r\n\r\n",
     "POST / HTTP/1.1\r\nHost: dev\r\n" VIA "\r\n"},
    /* WebSocket. */
    {"GET /ws HTTP/1.1\r\nHost: dev\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
     "Sec-WebSocket-Key: k\r\n\r\n",
     "GET /ws HTTP/1.1\r\nHost: dev\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
     "Sec-WebSocket-Key: k\r\n" VIA "\r\n"},
    /* Not with a body, and not in HTTP/1.0. */
    {"GET /ws HTTP/1.1\r\nHost: dev\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
     "Content-Length: 2\r\n\r\n",
     "GET /ws HTTP/1.1\r\nHost: dev\r\nContent-Length: 2\r\nConnection: close\r\n" VIA "\r\n"},
    {"GET /ws HTTP/1.0\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
     "GET /ws HTTP/1.1\r\nHost: \r\nVia: 1.0 keyplate\r\n\r\n"},
    {"GET /ws HTTP/1.1\r\nHost: dev\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
     "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
     "GET /ws HTTP/1.1\r\nHost: dev\r\n" VIA "\r\n"},
};

static void requests_go_on_as_a_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(whole); i++)
        request_becomes(whole[i].in, &silent, whole[i].out);
}

/* Fields of a GET, and what is left of them. */
static const struct {
    const char *in, *out;
} fields[] = {
    /* In order, each by itself, names and values as they came. */
    {"b: 2\r\nA: 1\r\nb:3\r\nB:\r\nC: \t x\ty \r\n", "b: 2\r\nA: 1\r\nb: 3\r\nB: \r\nC: x\ty\r\n"},
    {"Cookie: a=b\r\nAuthorization: Basic eDp5\r\nOrigin: null\r\nMax-Forwards: 3\r\n",
     "Cookie: a=b\r\nAuthorization: Basic eDp5\r\nOrigin: null\r\nMax-Forwards: 3\r\n"},
    {"A: caf\xc3\xa9\r\n", "A: caf\xc3\xa9\r\n"},
    /* RFC 9110 7.6.1, and what it replaced. */
    {"Connection: close\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nTE: trailers\r\n"
     "Trailer: T\r\nUpgrade: h2c\r\nProxy-Authenticate: a\r\nProxy-Authorization: b\r\n"
     "Proxy-Authentication-Info: c\r\nHTTP2-Settings: d\r\nE: f\r\n",
     "E: f\r\n"},
    {"CONNECTION: close\r\nkeep-alive: 1\r\nte: gzip\r\ntRAILER: x\r\nE: f\r\n", "E: f\r\n"},
    {"Keep_Alive: 1\r\nProxy_Connection: x\r\n", ""},
    /* Named by Connection: any number, any case, in several fields, before or after. */
    {"A: 1\r\nConnection: b , close,,A\r\nB: 2\r\na: 3\r\nC: 4\r\nAB: 5\r\n", "C: 4\r\nAB: 5\r\n"},
    {"Connection: a\r\nA: 1\r\nB: 2\r\nC: 3\r\nconnection: B\r\n", "C: 3\r\n"},
    {"Connection: A_\r\nA-: 1\r\n", "A-: 1\r\n"},
    /* Host and framing are ours, whoever names them. */
    {"Connection: Host, Content-Length, Transfer-Encoding, Via, close\r\nVia: 1.1 x\r\n", ""},
    /* httpoxy. */
    {"Proxy: http://evil\r\npROXY: x\r\nA: 1\r\n", "A: 1\r\n"},
    {"Expect: 100-continue\r\n", "Expect: 100-continue\r\n"},
    /* Our Via is the last. */
    {"Via: 1.0 other, 1.1 third\r\nA: 1\r\n", "Via: 1.0 other, 1.1 third\r\nA: 1\r\n"},
    /* Claims go, also when nothing is said instead. */
    {"X-Remote-User: root\r\nX_Forwarded_For: ::1\r\nX-Keyplate-Proof: srp\r\nX-Keyplate: 1\r\n",
     "X-Keyplate: 1\r\n"},
};

static void fields_go_on_or_end_here(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++) {
        char in[1024], out[1024];
        snprintf(in, sizeof in, "GET / HTTP/1.1\r\nHost: dev\r\n%s\r\n", fields[i].in);
        snprintf(out, sizeof out, "GET / HTTP/1.1\r\nHost: dev\r\n%s" VIA "\r\n", fields[i].out);
        request_becomes(in, &silent, out);
    }
}

/* The head of somebody who wants each option compared to each field: none of its fields goes on. */
static void connection_names_so_many_fields_at_most(void **state)
{
    (void)state;
    for (size_t count = 31; count <= 34; count++) {
        char options[34 * 3 + 1], in[256], out[256];
        for (size_t i = 0; i < count; i++)
            snprintf(options + 3 * i, sizeof options - 3 * i, "b%zu,", i % 10);
        snprintf(in, sizeof in,
                 "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, %s te\r\nC: 1\r\nB5: 2\r\n\r\n",
                 options);
        snprintf(out, sizeof out, "GET / HTTP/1.1\r\nHost: a\r\n%s" VIA "\r\n",
                 count <= 32 ? "C: 1\r\n" : "");
        request_becomes(in, &silent, out);
    }
}

static void expect_goes_on_only_where_it_is_kept(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n";
    struct kp_http_head *head = head_of(KP_HTTP_REQUEST, text, false);
    struct kp_out out = {0};
    char *written;
    (void)state;
    head->expects = false;
    assert_int_equal(kp_http_forward_request(&out, head, &silent), 0);
    written = take(&out);
    assert_string_equal(written, "GET / HTTP/1.1\r\nHost: a\r\n" VIA "\r\n");
    free(written);
    kp_http_head_free(head);
}

static void the_end_of_the_target_is_cut(void **state)
{
    const struct kp_http_onward how = {.cut = sizeof "?k=secret" - 1};
    (void)state;
    request_becomes("GET /a?k=secret HTTP/1.1\r\nHost: dev\r\n\r\n", &how,
                    "GET /a HTTP/1.1\r\nHost: dev\r\n" VIA "\r\n");
}

/* ---- Who the client is ------------------------------------------------------------------- */

static const struct kp_http_identity admin = {.user = {"admin", 5},
                                              .proof = "spake2plus",
                                              .protocol = "TLSv1.3",
                                              .suite = "TLS_AES_128_GCM_SHA256",
                                              .address = "192.0.2.7",
                                              .port = 8443};
static const struct kp_http_identity over_v6 = {.user = {"J\xc3\xb6rg, Abt. 2", 13},
                                                .proof = "srp",
                                                .address = "2001:db8::1",
                                                .ipv6 = true,
                                                .port = 80};
static const struct kp_http_identity nobody = {
    .proof = "srp", .protocol = "TLSv1.3", .suite = "x", .address = "192.0.2.7", .port = 443};

#define ADMIN_BEFORE_HOST                                                                          \
    "X-Remote-User: admin\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
#define ADMIN_PROOF                                                                                \
    "X-Keyplate-Proof: spake2plus\r\nX-Keyplate-Protocol: TLSv1.3\r\n"                             \
    "X-Keyplate-Suite: TLS_AES_128_GCM_SHA256\r\n"
#define V6_BEFORE_HOST                                                                             \
    "X-Remote-User: J\xc3\xb6rg, Abt. 2\r\nX-Forwarded-For: 2001:db8::1\r\n"                       \
    "X-Forwarded-Proto: http\r\n"

static const struct {
    const struct kp_http_identity *who;
    const char *host, *said;
} identities[] = {
    {NULL, "dev", ""},
    {&nobody, "dev", "X-Keyplate-Proof: none\r\n"},
    {&admin, "dev",
     ADMIN_BEFORE_HOST "X-Forwarded-Host: dev\r\nX-Forwarded-Port: 8443\r\n"
                       "Forwarded: for=192.0.2.7;host=dev;proto=https\r\n" ADMIN_PROOF},
    {&admin, "dev:8443",
     ADMIN_BEFORE_HOST "X-Forwarded-Host: dev:8443\r\nX-Forwarded-Port: 8443\r\n"
                       "Forwarded: for=192.0.2.7;host=\"dev:8443\";proto=https\r\n" ADMIN_PROOF},
    {&admin, "",
     ADMIN_BEFORE_HOST "X-Forwarded-Port: 8443\r\n"
                       "Forwarded: for=192.0.2.7;proto=https\r\n" ADMIN_PROOF},
    {&admin, "[v1.a]",
     ADMIN_BEFORE_HOST "X-Forwarded-Host: [v1.a]\r\nX-Forwarded-Port: 8443\r\n"
                       "Forwarded: for=192.0.2.7;host=\"[v1.a]\";proto=https\r\n" ADMIN_PROOF},
    {&admin, "[::]",
     ADMIN_BEFORE_HOST "X-Forwarded-Host: [::]\r\nX-Forwarded-Port: 8443\r\n"
                       "Forwarded: for=192.0.2.7;host=\"[::]\";proto=https\r\n" ADMIN_PROOF},
    {&over_v6, "[2001:db8::2]",
     V6_BEFORE_HOST "X-Forwarded-Host: [2001:db8::2]\r\nX-Forwarded-Port: 80\r\n"
                    "Forwarded: for=\"[2001:db8::1]\";host=\"[2001:db8::2]\";proto=http\r\n"
                    "X-Keyplate-Proof: srp\r\n"},
};

static void the_client_is_named_by_what_was_proved(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(identities); i++) {
        const struct kp_http_onward how = {.identity = identities[i].who};
        char in[256], out[1024];
        snprintf(in, sizeof in, "GET / HTTP/1.1\r\nHost: %s\r\nA: 1\r\n\r\n", identities[i].host);
        snprintf(out, sizeof out, "GET / HTTP/1.1\r\nHost: %s\r\n%sA: 1\r\n" VIA "\r\n",
                 identities[i].host, identities[i].said);
        request_becomes(in, &how, out);
    }
}

/* The length and the user come before what a client could fill a small server's table with. */
static void what_is_ours_comes_first(void **state)
{
    const struct kp_http_onward how = {.identity = &admin};
    char *text = request("POST / HTTP/1.1\r\nA: 1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", &how);
    (void)state;
    assert_true(strstr(text, "\r\nA: 1") > strstr(text, "\r\nX-Keyplate-Suite: "));
    assert_true(strstr(text, "\r\nA: 1") > strstr(text, "\r\nContent-Length: 3"));
    assert_non_null(strstr(text, "\r\nContent-Length: 3\r\nConnection: close\r\nX-Remote-User: "));
    free(text);
}

static int forward_user(struct kp_slice user, size_t *len)
{
    struct kp_http_head *head =
        head_of(KP_HTTP_REQUEST, "GET / HTTP/1.1\r\nHost: dev\r\n\r\n", false);
    struct kp_http_identity who = admin;
    struct kp_out out = {0};
    int result;
    who.user = user;
    result = kp_http_forward_request(&out, head, &(struct kp_http_onward){.identity = &who});
    *len = out.len;
    kp_out_free(&out);
    kp_http_head_free(head);
    return result;
}

static void a_user_who_cannot_be_said_faithfully_is_refused(void **state)
{
    size_t len;
    (void)state;
    assert_int_equal(forward_user((struct kp_slice){"", 0}, &len), -1);
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < 3; at++) {
            char name[] = "abc";
            bool control = byte < 0x20 || byte == 0x7f;
            name[at] = (char)byte;
            assert_int_equal(forward_user((struct kp_slice){name, 3}, &len),
                             control || (byte == ' ' && at != 1) ? -1 : 0);
            assert_true((len > 0) == !(control || (byte == ' ' && at != 1)));
        }
    }
}

/* ---- Names that claim an identity -------------------------------------------------------- */

/* Every name in a spelling of its kind; ours: what we say is the only one. */
static const struct {
    const char *name;
    bool ours;
} claims[] = {
    {"x-remote-user", true},
    {"x-forwarded-for", true},
    {"x-forwarded-proto", true},
    {"x-forwarded-host", true},
    {"x-forwarded-port", true},
    {"forwarded", true},
    {"x-keyplate-proof", true},
    {"x-keyplate-protocol", true},
    {"x-keyplate-suite", true},
    {"x-keyplate-", false},
    {"x-remote-", false},
    {"x-remote-group", false},
    {"x-forwarded", false},
    {"x-forwarded-", false},
    {"x-forwarded-user", false},
    {"x-forwarded-client-cert", false},
    {"forwarded-for", false},
    {"remote-user", false},
    {"remote-addr", false},
    {"auth-type", false},
    {"auth-user", false},
    {"x-auth-type", false},
    {"x-auth-user", false},
    {"x-auth-username", false},
    {"x-auth-request-email", false},
    {"x-authenticated-user", false},
    {"x-authentik-username", false},
    {"x-webauth-user", false},
    {"x-user", false},
    {"x-user-name", false},
    {"x-username", false},
    {"x-proxy-user", false},
    {"proxy-user", false},
    {"proxy-client-ip", false},
    {"oidc-claim-sub", false},
    {"tailscale-user-login", false},
    {"x-amzn-oidc-identity", false},
    {"x-goog-authenticated-user-email", false},
    {"x-real-ip", false},
    {"x-client-ip", false},
    {"x-cluster-client-ip", false},
    {"x-originating-ip", false},
    {"client-ip", false},
    {"true-client-ip", false},
    {"fastly-client-ip", false},
    {"wl-proxy-client-ip", false},
    {"cf-connecting-ip", false},
    {"client-cert", false},
    {"client-cert-chain", false},
    {"x-client-cert", false},
    {"x-client-cert-dn", false},
    {"x-client-verify", false},
    {"x-client-dn", false},
    {"x-ssl", false},
    {"x-ssl-client-s-dn", false},
    {"x-tls-client-cn", false},
    {"ssl-client-verify", false},
    {"https", false},
    {"x-https", false},
    {"front-end-https", false},
    {"x-proto", false},
    {"x-protocol", false},
    {"x-scheme", false},
    {"x-url-scheme", false},
    {"x-original-url", false},
    {"x-original-for", false},
    {"x-rewrite-url", false},
    {"x-host", false},
    {"x-http-host-override", false},
};

static const char *const ordinary[] = {
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Cookie",
    "Origin",
    "Referer",
    "User-Agent",
    "Content-Type",
    "Cache-Control",
    "DNT",
    "From",
    "If-None-Match",
    "Last-Event-ID",
    "Max-Forwards",
    "Range",
    "Priority",
    "Sec-Fetch-Site",
    "Sec-WebSocket-Key",
    "SOAPAction",
    "Upgrade-Insecure-Requests",
    "Via",
    "X",
    "X-",
    "X-API-Key",
    "X-Auth-Token",
    "X-Auth-Key",
    "X-CSRF-Token",
    "X-XSRF-TOKEN",
    "X-Client-Data",
    "X-Client-Version",
    "X-HTTP-Method-Override",
    "X-Keyplate",
    "X_Keyplate",
    "X-Keyplates",
    "X-Prototype-Version",
    "X-Remote",
    "X-Requested-With",
    "X-Request-ID",
    "X-User-Agent",
    "X-User-Id",
    "X-Hostname",
    "Remote",
    "HTTPS-Only",
    "Forward",
    "XRemote-User",
    "X--Remote-User",
    "",
    "Authentication",
    "Auth-Typ",
    "X-Forward",
};

static void ordinary_fields_claim_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ordinary); i++) {
        if (kp_http_claims_identity(text_of(ordinary[i])) ||
            kp_http_claims_hop(text_of(ordinary[i])))
            fail_msg("%s is taken for a claim", ordinary[i]);
    }
}

static char loosest(char c)
{
    return isalnum((unsigned char)c) ? (char)tolower((unsigned char)c) : '-';
}

/* How many fields of a written head have a name that a loose reader takes for this one. */
static size_t count_fields(const char *head, const char *name)
{
    size_t count = 0;
    for (const char *line = strstr(head, "\r\n") + 2; *line != '\r';
         line = strstr(line, "\r\n") + 2) {
        size_t len = 0;
        while (name[len] != '\0' && loosest(line[len]) == name[len])
            len++;
        count += name[len] == '\0' && line[len] == ':';
    }
    return count;
}

enum letters { LOWER, UPPER, TITLE, MIXED, LETTERS };

static void spell(char *out, const char *name, char separator, enum letters letters)
{
    size_t i;
    for (i = 0; name[i] != '\0'; i++) {
        bool first = i == 0 || name[i - 1] == '-';
        bool upper =
            letters == UPPER || (letters == TITLE && first) || (letters == MIXED && i % 2 == 1);
        out[i] = name[i] == '-' ? separator : name[i];
        if (upper)
            out[i] = (char)toupper((unsigned char)out[i]);
    }
    out[i] = '\0';
}

static void is_said_by_us_alone(const char *in, const char *name, bool ours)
{
    const struct kp_http_onward how = {.identity = &admin};
    char *out = request(in, &how);
    if (count_fields(out, name) != ours || strstr(out, "root") != NULL)
        fail_msg("%s in\n%s\nbecomes\n%s", name, in, out);
    free(out);
    out = request(in, &silent);
    assert_int_equal(count_fields(out, name), 0);
    free(out);
}

/* A spelling in every place: alone, twice, before and after Host, and named by Connection, which
 * must not take away ours. */
static void try_spelling(const char *spelt, const char *name, bool ours)
{
    char forms[4][512];
    snprintf(forms[0], 512, "GET / HTTP/1.1\r\n%s: root\r\nHost: dev\r\n\r\n", spelt);
    snprintf(forms[1], 512, "GET / HTTP/1.1\r\nHost: dev\r\n%s:root\r\nA: b\r\n%s: for=x\r\n\r\n",
             spelt, spelt);
    snprintf(forms[2], 512,
             "GET / HTTP/1.1\r\nHost: dev\r\nConnection: %s, close\r\n%s: root\r\n\r\n", spelt,
             spelt);
    snprintf(forms[3], 512,
             "GET / HTTP/1.1\r\nHost: dev\r\nConnection: %s\r\n%s:\r\nConnection: a,%s\r\n\r\n",
             name, spelt, spelt);
    for (size_t i = 0; i < COUNT(forms); i++)
        is_said_by_us_alone(forms[i], name, ours);
}

static void try_spellings(const char *name, bool ours)
{
    static const char separators[] = "-_.!#$%&'*+^`|~"; /* RFC 9110 5.6.2: of a token */
    for (size_t s = 0; s < sizeof separators - 1; s++) {
        for (enum letters letters = LOWER; letters < LETTERS; letters++) {
            char spelt[64];
            spell(spelt, name, separators[s], letters);
            try_spelling(spelt, name, ours);
        }
    }
}

static bool has_row(const char *name)
{
    for (size_t i = 0; i < COUNT(claims); i++) {
        if (strcmp(claims[i].name, name) == 0)
            return true;
    }
    return false;
}

/* The same name without X-, or with it.  A Host of its own is for the parser. */
static void try_sibling(const char *name)
{
    char sibling[64];
    if (strncmp(name, "x-", 2) == 0)
        snprintf(sibling, sizeof sibling, "%s", name + 2);
    else
        snprintf(sibling, sizeof sibling, "x-%s", name);
    if (strcmp(sibling, "host") != 0 && !has_row(sibling))
        try_spellings(sibling, false);
}

static void nobody_else_can_say_who_the_client_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(claims); i++) {
        try_spellings(claims[i].name, claims[i].ours);
        try_sibling(claims[i].name);
    }
}

/* ---- Responses --------------------------------------------------------------------------- */

static const struct {
    const char *in;
    struct kp_http_back how;
    bool bodiless;
    const char *out;
} responses[] = {
    {"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\nset-cookie: a\r\nSet-Cookie: b\r\n\r\n",
     {.minor = 1, .keep = true},
     false,
     "HTTP/1.1 200 OK\r\nServer: x\r\nset-cookie: a\r\nSet-Cookie: b\r\nContent-Length: 5\r\n\r\n"},
    /* RFC 9112 4: the space stays where there is no reason. */
    {"HTTP/1.0 404\r\nContent-Length: 0\r\n\r\n",
     {.minor = 1},
     false,
     "HTTP/1.1 404 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
    {"HTTP/1.1 200 Alles in Ordnung\r\nContent-Length: 1\r\n\r\n",
     {.minor = 0, .keep = true},
     false,
     "HTTP/1.1 200 Alles in Ordnung\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n"},
    /* Hop by hop; what looks like identity is nobody's business on the way back. */
    {"HTTP/1.1 200 OK\r\nConnection: X-Mine, close\r\nX-Mine: 1\r\nKeep-Alive: 2\r\nTrailer: T\r\n"
     "Upgrade: h2c\r\nProxy-Authenticate: x\r\nProxy-Connection: y\r\nX-Remote-User: "
     "u\r\nX-Keyplate-Proof: p\r\n"
     "Proxy: q\r\nContent-Length: 1\r\n\r\n",
     {.minor = 1, .keep = true},
     false,
     "HTTP/1.1 200 OK\r\nX-Remote-User: u\r\nX-Keyplate-Proof: p\r\nProxy: q\r\n"
     "Content-Length: 1\r\n\r\n"},
    /* Chunks, for a client that knows them. */
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: 1\r\n\r\n",
     {.minor = 1, .keep = true},
     false,
     "HTTP/1.1 200 OK\r\nA: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     {.minor = 0},
     false,
     "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
    /* Until the end. */
    {"HTTP/1.0 200 OK\r\n\r\n",
     {.minor = 1, .keep = true, .rechunk = true},
     false,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"HTTP/1.0 200 OK\r\n\r\n",
     {.minor = 1},
     false,
     "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
    /* No body: the length stays, RFC 9110 8.6, but not where it must not be. */
    {"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n",
     {.minor = 1, .keep = true},
     true,
     "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     {.minor = 1, .keep = true},
     true,
     "HTTP/1.1 200 OK\r\n\r\n"},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: \"a\"\r\n\r\n",
     {.minor = 1, .keep = true},
     false,
     "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 77\r\n\r\n"},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
     {.minor = 1},
     false,
     "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"},
    /* Interim: only its fields. */
    {"HTTP/1.1 100 Continue\r\n\r\n",
     {.minor = 1, .cookie = "a=b"},
     false,
     "HTTP/1.1 100 Continue\r\n\r\n"},
    {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: 1\r\n\r\n",
     {.minor = 1},
     false,
     "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"},
    /* WebSocket. */
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
     "Sec-WebSocket-Accept: x\r\n\r\n",
     {.minor = 1, .tunnel = true, .cookie = "a=b"},
     false,
     "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nConnection: upgrade\r\n"
     "Upgrade: websocket\r\nSet-Cookie: a=b\r\n\r\n"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nSet-Cookie: x=y\r\n\r\n",
     {.minor = 1, .keep = true, .cookie = "__Host-k=v; Secure"},
     false,
     "HTTP/1.1 200 OK\r\nSet-Cookie: x=y\r\nContent-Length: 1\r\nSet-Cookie: __Host-k=v; Secure\r\n"
     "\r\n"},
};

static void responses_go_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(responses); i++)
        response_becomes(responses[i].in, responses[i].bodiless, &responses[i].how,
                         responses[i].out);
}

/* ---- Location ---------------------------------------------------------------------------- */

/* out NULL: as it was. */
static const struct {
    const char *host;
    unsigned upstream_port;
    const char *in, *out;
} locations[] = {
    {"dev", 8080, "http://dev/a?b#c", "/a?b#c"},
    {"dev", 8080, "http://dev", "/"},
    {"dev", 8080, "http://dev?a", "/?a"},
    {"dev", 8080, "http://dev#a", "/#a"},
    {"dev", 8080, "http://dev\\a", "/.\\a"},
    {"dev", 8080, "HTTP://DEV/A", "/A"},
    {"dev", 8080, "http://dev:80/", "/"},
    {"dev", 8080, "http://dev:/", "/"},
    {"dev", 8080, "http://dev:8080/", "/"},
    {"dev:8443", 8080, "http://dev/", "/"},
    {"dev:8443", 8080, "http://dev:8443/", "/"},
    {"dev:8443", 8080, "http://dev:8080/x", "/x"},
    {"dev:8443", 8080, "http://localhost:8080/x", "/x"},
    {"dev:8443", 8080, "http://127.0.0.1:8080/x", "/x"},
    {"dev:8443", 8080, "http://[::1]:8080/x", "/x"},
    {"dev", 80, "http://LocalHost/x", "/x"},
    {"localhost:8443", 8080, "http://localhost/", "/"},
    {"[2001:DB8::1]:8443", 8080, "http://[2001:db8::1]/", "/"},
    {"dev", 0, "http://dev/", "/"},
    {"dev", 8080, "http://dev//evil/", "/.//evil/"},
    {"dev", 8080, "http://dev/\\evil/", "/./\\evil/"},
    {"dev", 8080, "http://dev/\t/evil/", "/./\t/evil/"}, /* browsers leave tabs out */
    /* Others' hosts, ports and schemes. */
    {"dev", 8080, "http://dev.evil/", NULL},
    {"dev", 8080, "http://devevil", NULL},
    {"dev", 8080, "http://devevil/", NULL},
    {"dev", 8080, "http://evil.dev/", NULL},
    {"dev", 8080, "http://de/", NULL},
    {"dev", 8080, "http://dev./", NULL},
    {"dev", 8080, "http://evil/http://dev/", NULL},
    {"dev", 8080, "http://dev:8081/", NULL},
    {"dev", 8080, "http://dev:808/", NULL},
    {"dev", 8080, "http://dev:0/", NULL},
    {"dev", 8080, "http://dev:4294975376/", NULL}, /* 2^32 + 8080 */
    {"dev", 8080, "http://dev:8080x/", NULL},
    {"dev", 8080, "http://dev:+8080/", NULL},
    {"dev", 8080, "http://dev:80:80/", NULL},
    {"dev", 8080, "http://user@dev/", NULL},
    {"dev", 8080, "http://dev@evil/", NULL},
    {"dev", 8080, "http://dev:80@evil/", NULL},
    {"dev", 8080, "http://dev%2eevil/", NULL},
    {"dev", 8080, "http://dev\tx/", NULL},
    {"dev", 8080, "http:///", NULL},
    {"dev", 8080, "http://", NULL},
    {"dev", 8080, "http:/dev/", NULL},
    {"dev", 8080, "https://dev/", NULL},
    {"dev", 8080, "ws://dev/", NULL},
    {"dev", 8080, "//dev/", NULL},
    {"dev", 8080, "/a", NULL},
    {"dev", 8080, "a", NULL},
    {"dev", 8080, "", NULL},
    {"dev", 8080, "http://localhost/", NULL},
    {"dev", 8080, "http://localhost:80/", NULL},
    {"dev", 0, "http://localhost:80/", NULL},
    {"dev", 0, "http://localhost:0/", NULL},
    {"dev", 8080, "http://127.0.0.2:8080/", NULL},
    {"dev", 8080, "http://::1:8080/", NULL},
    {"[::2]", 8080, "http://[::2/", NULL},
    {"[::2]", 8080, "http://[::2]x/", NULL},
    {"[::2]", 8080, "http://[::3]/", NULL},
    {"", 8080, "http://dev/", NULL},
    {"", 8080, "http:///", NULL},
    {"", 8080, "http://127.0.0.1:8080/", NULL},
    {"u@dev", 8080, "http://127.0.0.1:8080/", NULL},
    {"evil/", 8080, "http://127.0.0.1:8080/", NULL},
};

static void a_location_does_not_lead_around_us(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(locations); i++) {
        const struct kp_http_back how = {.minor = 1,
                                         .keep = true,
                                         .host = text_of(locations[i].host),
                                         .upstream_port = locations[i].upstream_port};
        const char *becomes = locations[i].out != NULL ? locations[i].out : locations[i].in;
        char in[256], out[256];
        snprintf(in, sizeof in, "HTTP/1.1 302 Found\r\nlocation: %s\r\nContent-Length: 0\r\n\r\n",
                 locations[i].in);
        snprintf(out, sizeof out, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                 becomes);
        response_becomes(in, false, &how, out);
    }
}

static void only_location_is_rewritten_and_every_one(void **state)
{
    const struct kp_http_back how = {
        .minor = 1, .keep = true, .host = {"dev", 3}, .upstream_port = 80};
    (void)state;
    response_becomes("HTTP/1.1 201 Created\r\nContent-Location: http://dev/\r\n"
                     "Location: http://dev/1\r\nX-Location: http://dev/\r\n"
                     "LOCATION: http://dev/2\r\nContent-Length: 0\r\n\r\n",
                     false, &how,
                     "HTTP/1.1 201 Created\r\nContent-Location: http://dev/\r\n"
                     "Location: /1\r\nX-Location: http://dev/\r\n"
                     "Location: /2\r\nContent-Length: 0\r\n\r\n");
}

static void a_host_of_odd_signs_is_not_taken_apart(void **state)
{
    static const char *const odd[] = {"",    ":80",     "a,b",  "a;for=b", "a\"b", "a b",  "a@b",
                                      "a/b", "a?b",     "a#b",  "a\\b",    "a:b",  "a:1:", "a:0",
                                      "[]",  "[::1",    "::1",  "[::1]a",  "[a/",  "[a]b", "a[::1]",
                                      "a=b", "a:65536", "a:-1", "a:000080"};
    struct kp_http_authority parts;
    (void)state;
    for (size_t i = 0; i < COUNT(odd); i++)
        assert_false(kp_http_authority_read(&parts, text_of(odd[i])));
    assert_true(kp_http_authority_read(&parts, text_of("a.b_c-d~1:65535")));
    assert_int_equal(parts.port, 65535);
    assert_int_equal(parts.name.len, 9);
    assert_true(kp_http_authority_read(&parts, text_of("[fe80::1%25eth0]:1")));
    assert_int_equal(parts.port, 1);
    assert_int_equal(parts.name.len, 16);
}

/* ---- Whatever comes, lines end where we end them ----------------------------------------- */

/* As many lines as expected, each ended by CR LF, and the empty one last and only there. */
static void is_in_lines(const struct kp_out *out, size_t lines)
{
    size_t ends = 0;
    for (size_t i = 0; i < out->len; i++) {
        bool ended = out->at[i] == '\n' && i > 0 && out->at[i - 1] == '\r';
        assert_true(ended || out->at[i] != '\n');
        assert_true(out->at[i] != '\r' || (i + 1 < out->len && out->at[i + 1] == '\n'));
        assert_int_not_equal(out->at[i], '\0');
        if (ended && i + 1 < out->len)
            assert_int_equal(out->at[i + 1] == '\r', i + 3 == out->len);
        ends += ended;
    }
    assert_int_equal(ends, lines);
}

static void any_byte_in_a_request(const char *form, size_t len, size_t at)
{
    const struct kp_http_onward how = {.identity = &admin};
    for (unsigned byte = 0; byte < 256; byte++) {
        struct kp_http_head *head;
        struct kp_out out = {0};
        char in[128];
        memcpy(in, form, len);
        in[at] = (char)byte;
        head = try_head(KP_HTTP_REQUEST, in, len, false);
        if (head == NULL)
            continue;
        assert_int_equal(kp_http_forward_request(&out, head, &how), 0);
        is_in_lines(&out, 11u + (head->host.len > 0) + head->count);
        kp_out_free(&out);
        kp_http_head_free(head);
    }
}

static void no_byte_of_a_request_makes_a_line(void **state)
{
    static const char form[] = "GET /aa HTTP/1.1\r\nHost: abc\r\nNamed: value\r\n\r\n";
    (void)state;
    for (size_t at = 0; at < sizeof form - 1; at++)
        any_byte_in_a_request(form, sizeof form - 1, at);
}

static void any_byte_in_a_response(const char *form, size_t len, size_t at)
{
    const struct kp_http_back how = {.minor = 1, .host = {"abc", 3}, .upstream_port = 80};
    for (unsigned byte = 0; byte < 256; byte++) {
        struct kp_http_head *head;
        struct kp_out out = {0};
        char in[128];
        memcpy(in, form, len);
        in[at] = (char)byte;
        head = try_head(KP_HTTP_RESPONSE, in, len, false);
        if (head == NULL)
            continue;
        kp_http_forward_response(&out, head, &how);
        is_in_lines(&out, (head->status >= 200) + 2u + head->count);
        kp_out_free(&out);
        kp_http_head_free(head);
    }
}

static void no_byte_of_a_response_makes_a_line(void **state)
{
    static const char form[] =
        "HTTP/1.1 302 Found\r\nLocation: http://abc/\r\nNamed: value\r\n\r\n";
    (void)state;
    for (size_t at = 0; at < sizeof form - 1; at++)
        any_byte_in_a_response(form, sizeof form - 1, at);
}

/* ---- Chunks ------------------------------------------------------------------------------ */

static void chunk_lines(void **state)
{
    static const struct {
        size_t len;
        const char *line;
    } rows[] = {
        {0, "0\r\n"},         {1, "1\r\n"},
        {15, "f\r\n"},        {16, "10\r\n"},
        {0x1a2b, "1a2b\r\n"}, {0x10000, "10000\r\n"},
        {65535, "ffff\r\n"},  {0x7fffffff, "7fffffff\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char line[KP_HTTP_CHUNK_LINE_MAX];
        assert_int_equal(kp_http_chunk_line(line, rows[i].len), strlen(rows[i].line));
        assert_memory_equal(line, rows[i].line, strlen(rows[i].line));
    }
}

static void the_longest_chunk_line(void **state)
{
    char line[KP_HTTP_CHUNK_LINE_MAX];
    (void)state;
    assert_int_equal(kp_http_chunk_line(line, SIZE_MAX), sizeof line);
    assert_int_equal(strspn(line, "f"), 2 * sizeof(size_t));
    assert_memory_equal(line + 2 * sizeof(size_t), "\r\n", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_go_on_as_a_whole),
        cmocka_unit_test(fields_go_on_or_end_here),
        cmocka_unit_test(connection_names_so_many_fields_at_most),
        cmocka_unit_test(expect_goes_on_only_where_it_is_kept),
        cmocka_unit_test(the_end_of_the_target_is_cut),
        cmocka_unit_test(the_client_is_named_by_what_was_proved),
        cmocka_unit_test(what_is_ours_comes_first),
        cmocka_unit_test(a_user_who_cannot_be_said_faithfully_is_refused),
        cmocka_unit_test(ordinary_fields_claim_nothing),
        cmocka_unit_test(nobody_else_can_say_who_the_client_is),
        cmocka_unit_test(responses_go_on),
        cmocka_unit_test(a_location_does_not_lead_around_us),
        cmocka_unit_test(only_location_is_rewritten_and_every_one),
        cmocka_unit_test(a_host_of_odd_signs_is_not_taken_apart),
        cmocka_unit_test(no_byte_of_a_request_makes_a_line),
        cmocka_unit_test(no_byte_of_a_response_makes_a_line),
        cmocka_unit_test(chunk_lines),
        cmocka_unit_test(the_longest_chunk_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
