/*
 * gateway/client/rewrite: heads through the loopback face, whole and field by field, in both
 * directions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/rewrite.h"
#include "http/parser.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define NOW 1700000000u
#define FAR " HttpOnly; Max-Age=100"

static const struct kp_names names = {"heating.localhost:28443", "192.168.1.1"};
static const struct kp_names with_port = {"heating.localhost:80", "heating.local:8443"};
static const struct kp_names six = {"heating.localhost:28443", "[fe80::1]:8443"};

static struct kp_slice slice_of(const char *text)
{
    return (struct kp_slice){text, strlen(text)};
}

static struct kp_http_head *head_of(enum kp_http_kind kind, const char *text, bool bodiless)
{
    struct kp_http_parser parser;
    struct kp_http_head *head = NULL;
    size_t used;
    kp_http_parser_init(&parser, kind);
    parser.bodiless = bodiless;
    if (kp_http_parse(&parser, (const uint8_t *)text, strlen(text), &used) == KP_HTTP_HEAD)
        head = kp_http_parser_take_head(&parser);
    kp_http_parser_clear(&parser);
    if (head == NULL)
        fail_msg("the parser doesn't take this head:\n%s", text);
    return head;
}

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

/* ---- Requests ---------------------------------------------------------------------------- */

#define VIA "Via: 1.1 keyplate\r\n"
#define OWN "Host: heating.localhost:28443\r\n"
#define DEVICE "Host: 192.168.1.1\r\n"
#define SECRET "00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab"

static void request_becomes(const char *in, const struct kp_names *who, const struct kp_jar *jar,
                            const char *expected)
{
    struct kp_http_head *head = head_of(KP_HTTP_REQUEST, in, false);
    struct kp_out out = {0};
    char *text;
    kp_rewrite_request(&out, head, who, jar, NOW);
    kp_http_head_free(head);
    text = take(&out);
    assert_string_equal(text, expected);
    free(text);
}

static const struct {
    const char *in, *out;
} whole[] = {
    {"GET / HTTP/1.1\r\n" OWN "\r\n", "GET / HTTP/1.1\r\n" DEVICE VIA "\r\n"},
    {"GET http://heating.localhost:28443/a?b HTTP/1.1\r\n" OWN "\r\n",
     "GET /a?b HTTP/1.1\r\n" DEVICE VIA "\r\n"},
    {"OPTIONS * HTTP/1.1\r\n" OWN "\r\n", "OPTIONS * HTTP/1.1\r\n" DEVICE VIA "\r\n"},
    {"GET / HTTP/1.0\r\n" OWN "\r\n", "GET / HTTP/1.1\r\n" DEVICE "Via: 1.0 keyplate\r\n\r\n"},
    /* A body doesn't end the connection. */
    {"POST / HTTP/1.1\r\n" OWN "content-length: 0012\r\nConnection: close\r\n\r\n",
     "POST / HTTP/1.1\r\n" DEVICE "Content-Length: 12\r\n" VIA "\r\n"},
    {"POST / HTTP/1.1\r\n" OWN "Transfer-Encoding: Chunked\r\n\r\n",
     "POST / HTTP/1.1\r\n" DEVICE "Transfer-Encoding: chunked\r\n" VIA "\r\n"},
    {"POST / HTTP/1.1\r\n" OWN "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n",
     "POST / HTTP/1.1\r\n" DEVICE "Content-Length: 1\r\nExpect: 100-continue\r\n" VIA "\r\n"},
    {"GET / HTTP/1.1\r\n" OWN "Expect: other\r\n\r\n", "GET / HTTP/1.1\r\n" DEVICE VIA "\r\n"},
    {"GET /ws HTTP/1.1\r\n" OWN "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
     "Sec-WebSocket-Key: k\r\nOrigin: http://heating.localhost:28443\r\n\r\n",
     "GET /ws HTTP/1.1\r\n" DEVICE "Connection: upgrade\r\nUpgrade: websocket\r\n"
     "Sec-WebSocket-Key: k\r\nOrigin: https://192.168.1.1\r\n" VIA "\r\n"},
};

static void requests_go_on_as_a_whole(void **state)
{
    static const struct kp_jar empty = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(whole); i++)
        request_becomes(whole[i].in, &names, &empty, whole[i].out);
}

#define FACE "http://heating.localhost:28443"

/* Fields of a request, and what is left of them. */
static const struct {
    const char *in, *out;
} fields[] = {
    {"b: 2\r\nA: 1\r\nB:\r\nC: \t x\ty \r\nD: caf\xc3\xa9\r\n",
     "b: 2\r\nA: 1\r\nB: \r\nC: x\ty\r\nD: caf\xc3\xa9\r\n"},
    {"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nUpgrade-Insecure-Requests: 1\r\n",
     "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nUpgrade-Insecure-Requests: 1\r\n"},
    {"Authorization: Basic eDp5\r\nX-Requested-With: x\r\n",
     "Authorization: Basic eDp5\r\nX-Requested-With: x\r\n"},
    /* For this hop only. */
    {"Connection: keep-alive, A\r\nA: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nB: 2\r\n", "B: 2\r\n"},
    /* Nobody is told who the browser's user is but by the proof. */
    {"X-Forwarded-For: ::1\r\nForwarded: for=x\r\nX_Real_IP: 1\r\nX-Remote-User: root\r\n"
     "Remote-User: root\r\nX-Forwarded-Host: x\r\nProxy: http://evil\r\nA: 1\r\n",
     "A: 1\r\n"},
    /* The secret. */
    {"X-Keyplate-Secret: " SECRET "\r\nx-KEYPLATE-secret: x\r\nX_Keyplate_Secret: x\r\nA: 1\r\n",
     "A: 1\r\n"},
    {"Cookie: __Host-keyplate=" SECRET "\r\nA: 1\r\n", "A: 1\r\n"},
    {"cOOKIE: a=1; __Host-keyplate=" SECRET "; b=2\r\n", "Cookie: a=1; b=2\r\n"},
    {"Cookie: __host-KEYPLATE=" SECRET ";a=1\r\n", "Cookie: a=1\r\n"},
    {"Cookie: a=1;\t__Host-keyplate \t= " SECRET " ; b\r\nCookie: __Host-keyplate=x\r\n",
     "Cookie: a=1; b\r\n"},
    {"Cookie: __Host-keyplate\r\n", ""},
    {"Cookie: __Host-keyplate2=1; x__Host-keyplate=2\r\n",
     "Cookie: __Host-keyplate2=1; x__Host-keyplate=2\r\n"},
    {"Cookie: a=1\r\nB: 2\r\nCookie: c=3;; ;d\r\n", "B: 2\r\nCookie: a=1; c=3; d\r\n"},
    {"Cookie:\r\n", ""},
    /* Origin and Referer. */
    {"Origin: " FACE "\r\n", "Origin: https://192.168.1.1\r\n"},
    {"origin: null\r\n", "origin: null\r\n"},
    {"Origin: http://evil\r\n", "Origin: http://evil\r\n"},
    {"Origin: " FACE ".evil\r\n", "Origin: " FACE ".evil\r\n"},
    {"Origin: " FACE "/\r\n", "Origin: " FACE "/\r\n"},
    {"Referer: " FACE "/a?b=" FACE "\r\n", "Referer: https://192.168.1.1/a?b=" FACE "\r\n"},
    {"rEFERER: HTTP://Heating.localhost:28443/\r\n", "Referer: https://192.168.1.1/\r\n"},
    {"Referer: " FACE "\r\n", "Referer: https://192.168.1.1\r\n"},
    {"Referer: " FACE "?x\r\n", "Referer: https://192.168.1.1?x\r\n"},
    {"Referer: " FACE "0/\r\n", ""},
    {"Referer: " FACE "@evil/\r\n", ""},
    {"Referer: http://keyplate.localhost:28443/\r\n", ""},
    {"Referer: https://heating.localhost:28443/\r\n", ""},
    {"Referer: https://evil/\r\n", ""},
    {"Referer: /a\r\n", ""},
    {"Referer:\r\n", ""},
    {"Referer: " FACE "/.keyplate/open/" SECRET "/\r\n", ""},
};

static void fields_go_on_or_end_here(void **state)
{
    static const struct kp_jar empty = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++) {
        char in[1024], out[1024];
        snprintf(in, sizeof in, "GET / HTTP/1.1\r\n" OWN "%s\r\n", fields[i].in);
        snprintf(out, sizeof out, "GET / HTTP/1.1\r\n" DEVICE "%s" VIA "\r\n", fields[i].out);
        request_becomes(in, &names, &empty, out);
    }
}

static void ports_are_said_where_they_are_not_usual(void **state)
{
    static const struct kp_jar empty = {0};
    (void)state;
    request_becomes(
        "GET / HTTP/1.1\r\nHost: heating.localhost\r\n"
        "Origin: http://heating.localhost\r\nReferer: http://heating.localhost/a\r\n\r\n",
        &with_port, &empty,
        "GET / HTTP/1.1\r\nHost: heating.local:8443\r\n"
        "Origin: https://heating.local:8443\r\n"
        "Referer: https://heating.local:8443/a\r\n" VIA "\r\n");
    request_becomes("GET / HTTP/1.1\r\nHost: heating.localhost:80\r\n"
                    "Origin: http://heating.localhost:80\r\n\r\n",
                    &with_port, &empty,
                    "GET / HTTP/1.1\r\nHost: heating.local:8443\r\n"
                    "Origin: https://heating.local:8443\r\n" VIA "\r\n");
    request_becomes(
        "GET / HTTP/1.1\r\n" OWN "Origin: http://heating.localhost\r\n\r\n", &six, &empty,
        "GET / HTTP/1.1\r\nHost: [fe80::1]:8443\r\nOrigin: http://heating.localhost\r\n" VIA
        "\r\n");
}

static void cookies_of_the_jar_are_added(void **state)
{
    struct kp_jar jar = {0};
    (void)state;
    assert_true(kp_jar_take(&jar, slice_of("sid=1; Path=/;" FAR), slice_of("/"), NOW));
    assert_true(
        kp_jar_take(&jar, slice_of("deep=2; Path=/x; SameSite=Strict;" FAR), slice_of("/"), NOW));
    request_becomes("GET / HTTP/1.1\r\n" OWN "\r\n", &names, &jar,
                    "GET / HTTP/1.1\r\n" DEVICE "Cookie: sid=1\r\n" VIA "\r\n");
    request_becomes("GET /x/y HTTP/1.1\r\n" OWN "Cookie: a=1; sid=fake; deep=fake\r\n\r\n", &names,
                    &jar,
                    "GET /x/y HTTP/1.1\r\n" DEVICE "Cookie: a=1; deep=2; sid=1\r\n" VIA "\r\n");
    /* One that isn't for that path hides nothing. */
    request_becomes("GET / HTTP/1.1\r\n" OWN "Cookie: deep=its own\r\n\r\n", &names, &jar,
                    "GET / HTTP/1.1\r\n" DEVICE "Cookie: deep=its own; sid=1\r\n" VIA "\r\n");
    request_becomes("GET /x HTTP/1.1\r\n" OWN "Sec-Fetch-Site: cross-site\r\n\r\n", &names, &jar,
                    "GET /x HTTP/1.1\r\n" DEVICE
                    "Sec-Fetch-Site: cross-site\r\nCookie: sid=1\r\n" VIA "\r\n");
    request_becomes("GET /x HTTP/1.1\r\n" OWN "Sec-Fetch-Site: none\r\n\r\n", &names, &jar,
                    "GET /x HTTP/1.1\r\n" DEVICE
                    "Sec-Fetch-Site: none\r\nCookie: deep=2; sid=1\r\n" VIA "\r\n");
    kp_jar_clear(&jar);
}

/* ---- Responses --------------------------------------------------------------------------- */

struct meeting {
    const char *asked; /* NULL: GET / */
    const struct kp_names *names;
    struct kp_jar *jar;
    const char *mark;
    struct kp_http_back how;
    bool caching; /* what is said of that is looked at, too */
};

/* Most answers have it: it would stand in nearly every row. */
static void leave_out_caching(char *text)
{
    static const char line[] = "Cache-Control: no-cache\r\n";
    char *at = strstr(text, line);
    if (at != NULL)
        memmove(at, at + sizeof line - 1, strlen(at + sizeof line - 1) + 1);
}

static void response_becomes(const struct meeting *m, const char *in, const char *expected)
{
    struct kp_jar none = {0};
    struct kp_http_head *head = head_of(KP_HTTP_RESPONSE, in, false);
    struct kp_http_head *asked = head_of(
        KP_HTTP_REQUEST, m->asked != NULL ? m->asked : "GET / HTTP/1.1\r\n" OWN "\r\n", false);
    struct kp_rewrite_back back = {.names = m->names != NULL ? m->names : &names,
                                   .jar = m->jar != NULL ? m->jar : &none,
                                   .asked = asked,
                                   .now = NOW,
                                   .mark = m->mark};
    struct kp_out out = {0};
    char *text;
    kp_rewrite_response(&out, head, &m->how, &back);
    kp_http_head_free(head);
    kp_http_head_free(asked);
    kp_jar_clear(&none);
    text = take(&out);
    if (!m->caching)
        leave_out_caching(text);
    assert_string_equal(text, expected);
    free(text);
}

static void responses_go_on_as_a_whole(void **state)
{
    struct kp_jar jar = {0};
    struct meeting m = {.how = {.minor = 1, .keep = true}};
    (void)state;
    response_becomes(&m,
                     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close, a\r\nA: 1\r\n\r\n",
                     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    response_becomes(&m, "HTTP/1.1 404 \r\nTransfer-Encoding: chunked\r\nA: 1\r\n\r\n",
                     "HTTP/1.1 404 \r\nA: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
    m.mark = "__Host-keyplate=x";
    m.how.cookie = "other=y";
    response_becomes(
        &m, "HTTP/1.1 204 No\r\n\r\n",
        "HTTP/1.1 204 No\r\nSet-Cookie: other=y\r\nSet-Cookie: __Host-keyplate=x\r\n\r\n");
    /* Of an interim one only its own fields. */
    response_becomes(&m,
                     "HTTP/1.1 103 Early\r\nLink: <https://192.168.1.1/a>\r\nSet-Cookie: a=b\r\n"
                     "Clear-Site-Data: \"*\"\r\n\r\n",
                     "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n");
    assert_true(kp_jar_take(&jar, slice_of("sid=1;" FAR), slice_of("/"), NOW));
    m.asked = "GET / HTTP/1.1\r\n" OWN "Cookie: a=1\r\n\r\n";
    m.jar = &jar;
    response_becomes(&m, "HTTP/1.1 103 Early\r\nClear-Site-Data: \"*\"\r\n\r\n",
                     "HTTP/1.1 103 Early\r\n\r\n");
    assert_int_equal(jar.count, 1);
    kp_jar_clear(&jar);
    m.how.tunnel = true;
    response_becomes(&m,
                     "HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\nA: 1\r\n\r\n",
                     "HTTP/1.1 101 Go\r\nA: 1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                     "Set-Cookie: other=y\r\nSet-Cookie: __Host-keyplate=x\r\n\r\n");
    m = (struct meeting){.how = {.minor = 0, .keep = false}};
    response_becomes(&m, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                     "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    m.how = (struct kp_http_back){.minor = 1, .keep = true, .rechunk = true};
    response_becomes(&m, "HTTP/1.0 200 OK\r\n\r\n",
                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static void what_was_shown_is_asked_for_again(void **state)
{
    const struct meeting m = {.how = {.minor = 1, .keep = true}, .caching = true};
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", "Cache-Control: no-cache\r\n"},
        {"Cache-Control: public, max-age=3600\r\nExpires: Thu, 01 Jan 2099 00:00:00 GMT\r\n",
         "Cache-Control: no-cache\r\n"},
        {"Content-Type: text/html\r\nCache-control: immutable\r\n",
         "Content-Type: text/html\r\nCache-Control: no-cache\r\n"},
        {"Content-Type: image/jpeg\r\nPragma: public\r\nCache-Control: private\r\n",
         "Content-Type: image/jpeg\r\nCache-Control: no-cache\r\n"},
        {"Cache-Control: private\r\nCache-Control: No-Store\r\n", "Cache-Control: no-store\r\n"},
        {"Content-Type: text/css\r\nCache-Control: max-age=9\r\n",
         "Content-Type: text/css\r\nCache-Control: max-age=9\r\n"},
        {"Content-Type: Text/JavaScript; charset=utf-8\r\nExpires: 0\r\n",
         "Content-Type: Text/JavaScript; charset=utf-8\r\nExpires: 0\r\n"},
        {"Content-Type: font/woff2\r\n", "Content-Type: font/woff2\r\n"},
        {"Content-Type: text/cs\r\n", "Content-Type: text/cs\r\nCache-Control: no-cache\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char in[512], out[512];
        snprintf(in, sizeof in, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%s\r\n", rows[i].in);
        snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\n%sContent-Length: 0\r\n\r\n", rows[i].out);
        response_becomes(&m, in, out);
    }
}

/* A field of a response, and what becomes of it.  NULL: it is left out. */
struct row {
    const char *in, *out;
};

static void become(const struct row *rows, size_t count, const char *name,
                   const struct kp_names *who)
{
    struct meeting m = {.names = who, .how = {.minor = 1, .keep = true}};
    for (size_t i = 0; i < count; i++) {
        char in[1024], out[1024];
        snprintf(in, sizeof in, "HTTP/1.1 200 OK\r\n%s: %s\r\nContent-Length: 0\r\n\r\n", name,
                 rows[i].in);
        if (rows[i].out != NULL)
            snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\n%s: %s\r\nContent-Length: 0\r\n\r\n",
                     name, rows[i].out);
        else
            snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        response_becomes(&m, in, out);
    }
}

static const struct row urls[] = {
    {"https://192.168.1.1/a?b#c", "/a?b#c"},
    {"HTTPS://192.168.1.1/a", "/a"},
    {"https://192.168.1.1", "/"},
    {"https://192.168.1.1?q", "/?q"},
    {"https://192.168.1.1#f", "/#f"},
    {"https://192.168.1.1:443/a", "/a"},
    {"https://192.168.1.1:0443/a", "/a"},
    {"https://192.168.1.1:/a", "/a"},
    {"https://192.168.1.1./a", "/a"},
    {"http://192.168.1.1/a", "/a"},
    {"http://192.168.1.1:80/a", "/a"},
    {"http://192.168.1.1:443/a", "/a"},
    {"http://192.168.1.1:8080/a", "/a"},
    {"//192.168.1.1/a", "/a"},
    {"https://user:pass@192.168.1.1/a", "/a"},
    {"https://evil@192.168.1.1:443/a", "/a"},
    {"https://a@evil@192.168.1.1/", "/"},
    /* As browsers read them. */
    {"https:\\\\192.168.1.1\\a", "/.\\a"},
    {"https:///192.168.1.1/a", "/a"},
    {"\\\\192.168.1.1/a", "/a"},
    {"/\\192.168.1.1/a", "/a"},
    {"http:192.168.1.1/a", "/a"},
    {"http:/192.168.1.1/a", "/a"},
    {"https:/a", "/a"},
    {"https:a", "./a"},
    {"https:?a", "?a"},
    {"https:javascript:alert(1)", "./javascript:alert(1)"},
    {"ht\ttps:/\t/192.168.1.1/\ta", "/a"},
    /* Not into another authority. */
    {"https://192.168.1.1//evil/", "/.//evil/"},
    {"https://192.168.1.1/\\evil/", "/./\\evil/"},
    {"https://192.168.1.1\\\\evil/", "/.\\\\evil/"},
    {"https://192.168.1.1/\t/evil/", "/.//evil/"},
    {"https:/\t\t/192.168.1.1//evil", "/.//evil"},
    {"https://192.168.1.1/..//evil", "/..//evil"},
    /* Others stay. */
    {"https://192.168.1.1@evil/", "https://192.168.1.1@evil/"},
    {"https://192.168.1.1:443@evil/", "https://192.168.1.1:443@evil/"},
    {"https://192.168.1.1.evil/", "https://192.168.1.1.evil/"},
    {"https://192.168.1.1:443x/", "https://192.168.1.1:443x/"},
    {"https://192.168.1.1:8443/", "https://192.168.1.1:8443/"},
    {"https://192.168.1.11/", "https://192.168.1.11/"},
    {"https://evil/@192.168.1.1/", "https://evil/@192.168.1.1/"},
    {"https://evil?@192.168.1.1/", "https://evil?@192.168.1.1/"},
    {"https://evil\\@192.168.1.1/", "https://evil\\@192.168.1.1/"},
    {"http://evil/https://192.168.1.1/", "http://evil/https://192.168.1.1/"},
    {"https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"},
    {"ftp://192.168.1.1/", "ftp://192.168.1.1/"},
    {"/a//b", "/a//b"},
    {"a/b", "a/b"},
    {"../b", "../b"},
    {"?a", "?a"},
    {"#a", "#a"},
    {"", ""},
    /* On a page of http they would lead to http. */
    {"//evil/a", "https://evil/a"},
    {"\\\\evil/a", "https:\\\\evil/a"},
    {"///evil/a", "https:///evil/a"},
};

static void urls_of_the_device_become_paths(void **state)
{
    static const struct row ports[] = {
        {"https://heating.local:8443/a", "/a"},
        {"https://HEATING.Local:8443/a", "/a"},
        {"http://heating.local/a", "/a"},
        {"https://heating.local/a", "https://heating.local/a"},
        {"https://heating.local:443/a", "https://heating.local:443/a"},
        {"https://heating/a", "https://heating/a"},
    };
    static const struct row sixes[] = {
        {"https://[fe80::1]:8443/a", "/a"},
        {"https://[FE80:0:0:0::0001]:8443/a", "/a"},
        {"http://[fe80::1]/a", "/a"},
        {"https://[fe80::1]/a", "https://[fe80::1]/a"},
        {"https://[fe80::2]:8443/a", "https://[fe80::2]:8443/a"},
        {"https://fe80::1/a", "https://fe80::1/a"},
        {"https://[fe80::1/a", "https://[fe80::1/a"},
    };
    (void)state;
    become(urls, COUNT(urls), "Location", &names);
    become(urls, COUNT(urls), "Content-Location", &names);
    become(urls, COUNT(urls), "lOCATION", &names);
    become(ports, COUNT(ports), "Location", &with_port);
    become(sixes, COUNT(sixes), "Location", &six);
    /* Another field is nobody's business. */
    become(&(const struct row){"https://192.168.1.1/", "https://192.168.1.1/"}, 1, "X-Location",
           &names);
}

static void refresh_leads_to_the_face(void **state)
{
    static const struct row rows[] = {
        {"5", "5"},
        {"0;url=https://192.168.1.1/a", "0;url=/a"},
        {"0; URL = 'https://192.168.1.1/a' trailing", "0; URL = '/a' trailing"},
        {"0;URL='https://192.168.1.1/a'", "0;URL='/a'"},
        {"0;url=\"http://192.168.1.1:81/a\";x", "0;url=\"/a\";x"},
        {"0;url='https://192.168.1.1/a", "0;url='/a"},
        {"0,url=https://192.168.1.1/a", "0,url=/a"},
        {"0 url=https://192.168.1.1/a", "0 url=/a"},
        {"0.5;\turl\t=\thttps://192.168.1.1/a", "0.5;\turl\t=\t/a"},
        {".5;url=https://192.168.1.1/a", ".5;url=/a"},
        {"0;https://192.168.1.1/a", "0;/a"},
        {"0;'https://192.168.1.1/a'", "0;'/a'"},
        {"0;url=' https://192.168.1.1/a '", "0;url='/a'"},
        {"0;url=https://evil/", "0;url=https://evil/"},
        {"0;url=//evil/", "0;url=https://evil/"},
        {"0;url=a", "0;url=a"},
        {"0;url", "0;url"},
        {"0;", "0;"},
        {"0;url=", "0;url="},
        {"0;url='", "0;url='"},
        /* Browsers make nothing of these. */
        {"x;url=https://192.168.1.1/a", "x;url=https://192.168.1.1/a"},
        {"0x;url=https://192.168.1.1/a", "0x;url=https://192.168.1.1/a"},
        {"", ""},
    };
    (void)state;
    become(rows, COUNT(rows), "Refresh", &names);
}

static void links_lead_to_the_face(void **state)
{
    static const struct row rows[] = {
        {"<https://192.168.1.1/a>; rel=preload, </b>, <https://evil/>",
         "</a>; rel=preload, </b>, <https://evil/>"},
        {"<//evil/a>", "<https://evil/a>"},
        {"<https://192.168.1.1/a", "<https://192.168.1.1/a"},
        {"https://192.168.1.1/a", "https://192.168.1.1/a"},
        {"<>", "<>"},
        {"", ""},
    };
    (void)state;
    become(rows, COUNT(rows), "Link", &names);
}

#define N "heating.localhost:28443"

static void policies_name_the_face(void **state)
{
    static const struct row rows[] = {
        {"default-src 'self'", "default-src 'self'"},
        {"default-src https://192.168.1.1", "default-src http://" N},
        {"default-src https://192.168.1.1:443/a/", "default-src http://" N "/a/"},
        {"DEFAULT-SRC HTTPS://192.168.1.1", "DEFAULT-SRC http://" N},
        {"connect-src wss://192.168.1.1/s ws://192.168.1.1:81 'self'",
         "connect-src ws://" N "/s ws://" N " 'self'"},
        {"img-src 192.168.1.1 192.168.1.1:443/x 192.168.1.1:*", "img-src " N " " N "/x " N},
        {"img-src http://192.168.1.1:8080", "img-src http://" N},
        {"img-src https://192.168.1.1:8443 192.168.1.1:8443 192.168.1.11 x192.168.1.1",
         "img-src https://192.168.1.1:8443 192.168.1.1:8443 192.168.1.11 x192.168.1.1"},
        {"img-src https://192.168.1.1:44x", "img-src https://192.168.1.1:44x"},
        {"img-src 'nonce-192.168.1.1' data: blob: * http: ws: 'none'",
         "img-src 'nonce-192.168.1.1' data: blob: * http: ws: 'none'"},
        {"img-src ftp://192.168.1.1", "img-src ftp://192.168.1.1"},
        /* What names others too stays beside it. */
        {"img-src https:", "img-src https: http://" N},
        {"connect-src wss: https://*", "connect-src wss: ws://" N " https://* http://" N},
        {"img-src *:443", "img-src *:443 " N},
        {"img-src *:8443", "img-src *:8443"},
        {"img-src *.1.1 *.example", "img-src *.1.1 " N " *.example"},
        /* Several. */
        {"img-src 192.168.1.1;script-src  'self'\t192.168.1.1 ; ; a",
         "img-src " N "; script-src 'self' " N "; a"},
        {"img-src 192.168.1.1, default-src 192.168.1.1 ,,a", "img-src " N ", default-src " N ", a"},
        {"upgrade-insecure-requests", NULL},
        {"Upgrade-Insecure-Requests; block-ALL-mixed-content;", NULL},
        {"upgrade-insecure-requests, block-all-mixed-content", NULL},
        {"upgrade-insecure-requests; img-src a; block-all-mixed-content, "
         "upgrade-insecure-requests, b",
         "img-src a, b"},
        {"upgrade-insecure-requests 1;a", "a"},
        /* Other directives with sources, and those that have words. */
        {"frame-ancestors 192.168.1.1; form-action 192.168.1.1; base-uri 192.168.1.1; "
         "script-src-elem 192.168.1.1",
         "frame-ancestors " N "; form-action " N "; base-uri " N "; script-src-elem " N},
        {"report-uri https://192.168.1.1/r /r; report-to 192.168.1.1; sandbox 192.168.1.1; "
         "trusted-types 192.168.1.1",
         "report-uri http://" N "/r /r; report-to 192.168.1.1; sandbox 192.168.1.1; "
         "trusted-types 192.168.1.1"},
        {"", ""},
        {" ; ", NULL},
    };
    static const struct row local[] = {
        {"img-src heating.local:8443 heating.local *.local:8443 *.local https://*.local:*",
         "img-src heating.localhost:80 heating.local *.local:8443 heating.localhost:80 *.local "
         "https://*.local:* http://heating.localhost:80"},
    };
    static const struct row sixes[] = {
        {"img-src https://[fe80::1]:8443/a [fe80::1]:8443 [fe80::1]",
         "img-src http://" N "/a " N " [fe80::1]"},
    };
    (void)state;
    become(rows, COUNT(rows), "Content-Security-Policy", &names);
    become(rows, COUNT(rows), "content-security-policy-report-only", &names);
    become(local, COUNT(local), "Content-Security-Policy", &with_port);
    become(sixes, COUNT(sixes), "Content-Security-Policy", &six);
}

static void origins_become_the_faces(void **state)
{
    static const struct row rows[] = {
        {"https://192.168.1.1", "http://" N},
        {"https://192.168.1.1:443", "http://" N},
        {"http://192.168.1.1", "http://" N},
        {"https://192.168.1.1/", "https://192.168.1.1/"},
        {"https://192.168.1.1:8443", "https://192.168.1.1:8443"},
        {"https://evil", "https://evil"},
        {"//192.168.1.1", "//192.168.1.1"},
        {"*", "*"},
        {"null", "null"},
        {"", ""},
    };
    static const struct row usual[] = {
        {"https://heating.local:8443", "http://heating.localhost"},
    };
    (void)state;
    become(rows, COUNT(rows), "Access-Control-Allow-Origin", &names);
    become(usual, COUNT(usual), "Access-Control-Allow-Origin", &with_port);
}

static void some_fields_are_left_out(void **state)
{
    static const struct row row = {"max-age=1", NULL}, stays = {"1", "1"};
    (void)state;
    become(&row, 1, "Strict-Transport-Security", &names);
    become(&row, 1, "sTRICT-tRANSPORT-sECURITY", &names);
    become(&row, 1, "Public-Key-Pins", &names);
    become(&row, 1, "Public-Key-Pins-Report-Only", &names);
    become(&row, 1, "Expect-CT", &names);
    become(&row, 1, "Alt-Svc", &names);
    become(&row, 1, "Keep-Alive", &names);
    become(&stays, 1, "Server", &names);
    become(&stays, 1, "X-Remote-User", &names);
}

/* ---- Cookies ----------------------------------------------------------------------------- */

static void cookies_are_shared_out(void **state)
{
    static const struct row rows[] = {
        {"a=b", "a=b"},
        {"a=b;Path=/x;Secure;  SameSite=None;Max-Age=5;Partitioned; Expires=x",
         "a=b; Path=/x; Secure; SameSite=None; Max-Age=5; Partitioned; Expires=x"},
        {"a=b; Domain=192.168.1.1; Secure; dOMAIN =x; Domain", "a=b; Secure"},
        {"a=b; ; ;Path=/", "a=b; Path=/"},
        {"=b", "=b"},
        {"a=b; HttpOnly", NULL},
        {"a=b; Domain=x; Max-Age=0; httponly", NULL},
        {"__Host-a=b; Secure; Path=/", "__Host-a=b; Secure; Path=/"},
        {"__Host-a=b; Secure; Path=/; Domain=x", NULL},
        {"__Host-keyplate=b; Secure; Path=/", NULL},
        {"__HOST-KEYPLATE=b; Secure; Path=/", NULL},
        {"__Host-keyplate=; Max-Age=0", NULL},
        {"", NULL},
    };
    (void)state;
    become(rows, COUNT(rows), "Set-Cookie", &names);
}

static void jar_keeps_what_scripts_may_not_see(void **state)
{
    struct kp_jar jar = {0};
    struct meeting m = {.asked = "GET /x/y HTTP/1.1\r\n" OWN "Cookie: sid=old; b=2\r\n\r\n",
                        .jar = &jar,
                        .how = {.minor = 1, .keep = true}};
    (void)state;
    /* What the browser has of that name must not come back when the jar's is gone. */
    response_becomes(
        &m,
        "HTTP/1.1 200 OK\r\nsET-cOOKIE: sid=1; HttpOnly\r\nset-cookie: c=3; HttpOnly\r\n"
        "set-cookie: b=5; Domain=x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nSet-Cookie: sid=; Path=/x; Max-Age=0; Secure\r\n"
        "Set-Cookie: b=5\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(jar.count, 2);
    assert_true(kp_jar_has(&jar, slice_of("sid"), slice_of("/x"), NOW));
    assert_false(kp_jar_has(&jar, slice_of("sid"), slice_of("/"), NOW));
    response_becomes(&m, "HTTP/1.1 204 OK\r\nSet-Cookie: sid=1; HttpOnly; Path=/\r\n\r\n",
                     "HTTP/1.1 204 OK\r\nSet-Cookie: sid=; Path=/; Max-Age=0; Secure\r\n\r\n");
    kp_jar_clear(&jar);
}

static void site_data_is_cleared_without_the_secret(void **state)
{
    static const struct {
        const char *in, *out; /* NULL: it is left out */
        bool cookies;
    } rows[] = {
        {"\"cache\", \"storage\"", "\"cache\", \"storage\"", false},
        {"\"cookies\"", NULL, true},
        {"\"storage\" ,\"cookies\"", "\"storage\"", true},
        {"\"*\"",
         "\"cache\", \"clientHints\", \"executionContexts\", \"prefetchCache\", "
         "\"prerenderCache\", \"storage\"",
         true},
        {"cookies", "cookies", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct kp_jar jar = {0};
        struct meeting m = {.asked = "GET /x/y?z HTTP/1.1\r\n" OWN
                                     "Cookie: a=1; __host-keyplate=s; b\r\n"
                                     "Cookie: __Host-keyplate=s\r\n\r\n",
                            .jar = &jar,
                            .how = {.minor = 1, .keep = true}};
        char in[512], field[256] = "", out[1024];
        assert_true(kp_jar_take(&jar, slice_of("sid=1;" FAR), slice_of("/"), NOW));
        snprintf(in, sizeof in,
                 "HTTP/1.1 204 OK\r\nSet-Cookie: n=1; HttpOnly\r\nClear-Site-Data: %s\r\n\r\n",
                 rows[i].in);
        if (rows[i].out != NULL)
            snprintf(field, sizeof field, "Clear-Site-Data: %s\r\n", rows[i].out);
        snprintf(out, sizeof out, "HTTP/1.1 204 OK\r\n%s%s\r\n",
                 rows[i].cookies ? "Set-Cookie: a=; Path=/; Max-Age=0; Secure\r\n"
                                   "Set-Cookie: a=; Path=/x; Max-Age=0; Secure\r\n"
                                   "Set-Cookie: a=; Path=/x/; Max-Age=0; Secure\r\n"
                                   "Set-Cookie: a=; Path=/x/y; Max-Age=0; Secure\r\n"
                                 : "",
                 field);
        response_becomes(&m, in, out);
        assert_int_equal(jar.count, rows[i].cookies ? 1 : 2);
        kp_jar_clear(&jar);
    }
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        count++;
    return count;
}

static void clearing_is_bounded(void **state)
{
    struct kp_jar jar = {0};
    struct kp_http_back how = {.minor = 1, .keep = true};
    struct kp_http_head *asked, *head;
    struct kp_out out = {0}, request = {0};
    char *text;
    (void)state;
    kp_out_word(&request, "GET ");
    for (unsigned i = 0; i < 40; i++)
        kp_out_word(&request, "/p");
    kp_out_word(&request, " HTTP/1.1\r\n" OWN "Cookie: a=1");
    for (unsigned i = 1; i < 100; i++)
        kp_out_word(&request, ";a=1");
    kp_out_word(&request, "\r\n\r\n");
    text = take(&request);
    asked = head_of(KP_HTTP_REQUEST, text, false);
    free(text);
    head =
        head_of(KP_HTTP_RESPONSE, "HTTP/1.1 204 OK\r\nClear-Site-Data: \"cookies\"\r\n\r\n", false);
    kp_rewrite_response(&out, head, &how,
                        &(const struct kp_rewrite_back){&names, &jar, asked, NOW, NULL, false});
    kp_http_head_free(asked);
    kp_http_head_free(head);
    text = take(&out);
    assert_int_equal(count_of(text, "Set-Cookie: a=; Path="), 64 * 16);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_go_on_as_a_whole),
        cmocka_unit_test(fields_go_on_or_end_here),
        cmocka_unit_test(ports_are_said_where_they_are_not_usual),
        cmocka_unit_test(cookies_of_the_jar_are_added),
        cmocka_unit_test(responses_go_on_as_a_whole),
        cmocka_unit_test(what_was_shown_is_asked_for_again),
        cmocka_unit_test(urls_of_the_device_become_paths),
        cmocka_unit_test(refresh_leads_to_the_face),
        cmocka_unit_test(links_lead_to_the_face),
        cmocka_unit_test(policies_name_the_face),
        cmocka_unit_test(origins_become_the_faces),
        cmocka_unit_test(some_fields_are_left_out),
        cmocka_unit_test(cookies_are_shared_out),
        cmocka_unit_test(jar_keeps_what_scripts_may_not_see),
        cmocka_unit_test(site_data_is_cleared_without_the_secret),
        cmocka_unit_test(clearing_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
