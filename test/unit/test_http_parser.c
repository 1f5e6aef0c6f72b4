/*
 * gateway/http: what a message's bytes are taken for, and what is refused; every case whole, one
 * byte at a time, and in two at every place, with the same events each time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/parser.h"

/* ---- A parser's events, as text ---------------------------------------------------------- */

struct story {
    struct kp_http_parser parser;
    char text[4096];
    size_t len;
    size_t body; /* bytes of the body told by now; the first ones are in text */
    uint64_t used;
    bool over;
};

__attribute__((format(printf, 2, 3))) static void tell(struct story *story, const char *format, ...)
{
    va_list args;
    int len;
    va_start(args, format);
    len = vsnprintf(story->text + story->len, sizeof story->text - story->len, format, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof story->text - story->len);
    story->len += (size_t)len;
}

static void tell_text(struct story *story, struct kp_slice text)
{
    tell(story, " %.*s", (int)text.len, text.at);
}

static void tell_head(struct story *story)
{
    static const char *const framings[] = {"none", "length", "chunked", "until-end"};
    const struct kp_http_head *head = story->parser.head;
    if (head->kind == KP_HTTP_REQUEST) {
        tell(story, "%.*s", (int)head->method.len, head->method.at);
        tell_text(story, head->target);
        tell_text(story, head->host);
    } else {
        tell(story, "%u", head->status);
        tell_text(story, head->reason);
    }
    tell(story, " 1.%u %s", head->minor, framings[head->framing]);
    if (head->has_length)
        tell(story, "=%llu", (unsigned long long)head->length);
    tell(story, "%s%s%s;", head->persists ? " keep" : "", head->websocket ? " websocket" : "",
         head->expects ? " expects" : "");
}

static void tell_event(struct story *story, enum kp_http_event event)
{
    static const char *const problems[] = {"fine",        "malformed", "too long", "no memory",
                                           "unsupported", "version",   "cut"};
    switch (event) {
    case KP_HTTP_MORE:
        return;
    case KP_HTTP_HEAD:
        story->body = 0;
        tell_head(story);
        return;
    case KP_HTTP_BODY:
        assert_true(story->parser.body_len > 0);
        if (story->body == 0)
            tell(story, " ");
        story->body += story->parser.body_len;
        if (story->body <= 64)
            tell(story, "%.*s", (int)story->parser.body_len, (const char *)story->parser.body);
        return;
    case KP_HTTP_END:
        tell(story, " end;");
        return;
    case KP_HTTP_BAD:
        assert_non_null(story->parser.why);
        tell(story, " %s: %s", problems[story->parser.problem], story->parser.why);
        story->over = true;
        return;
    }
}

/* All that these bytes are good for; the events without bytes too. */
static void take(struct story *story, const char *bytes, size_t len)
{
    enum kp_http_event event;
    do {
        size_t used;
        event = kp_http_parse(&story->parser, (const uint8_t *)bytes, len, &used);
        assert_true(used <= len);
        assert_true(event != KP_HTTP_MORE || used == len);
        story->used += used;
        bytes += used;
        len -= used;
        if (event == KP_HTTP_BODY)
            assert_ptr_equal(story->parser.body + story->parser.body_len, bytes);
        tell_event(story, event);
    } while (event != KP_HTTP_MORE && event != KP_HTTP_BAD);
}

static void begin(struct story *story, enum kp_http_kind kind, bool bodiless)
{
    memset(story, 0, sizeof *story);
    kp_http_parser_init(&story->parser, kind);
    story->parser.bodiless = bodiless;
}

static void finish(struct story *story)
{
    size_t used = 1;
    if (!story->over)
        tell_event(story, kp_http_parse_end(&story->parser));
    if (story->over) {
        assert_int_equal(kp_http_parse(&story->parser, (const uint8_t *)"G", 1, &used),
                         KP_HTTP_BAD);
        assert_int_equal(used, 0);
        assert_int_equal(kp_http_parse_end(&story->parser), KP_HTTP_BAD);
    } else {
        assert_false(kp_http_parser_is_busy(&story->parser));
    }
    kp_http_parser_clear(&story->parser);
    kp_http_parser_clear(&story->parser);
}

/* The bytes in pieces of that length, after one of another. */
static void tell_pieces(struct story *story, const char *bytes, size_t len, size_t first,
                        size_t piece)
{
    size_t at = 0;
    while (at < len && !story->over) {
        size_t now = at == 0 ? first : piece;
        if (now > len - at)
            now = len - at;
        /* What it may read has no byte behind it. */
        char *copy = malloc(now);
        assert_non_null(copy);
        memcpy(copy, bytes + at, now);
        take(story, copy, now);
        free(copy);
        at += now;
    }
    finish(story);
}

struct message {
    enum kp_http_kind kind;
    bool bodiless;
    const char *bytes;
    size_t len;
    const char *story; /* of a problem: up to its name at least */
};

static void check(const struct message *m)
{
    static struct story whole, split;
    begin(&whole, m->kind, m->bodiless);
    tell_pieces(&whole, m->bytes, m->len, m->len, 1);
    if (strncmp(whole.text, m->story, strlen(m->story)) != 0 ||
        (!whole.over && strcmp(whole.text, m->story) != 0))
        fail_msg("%s\nis taken for: %s\ninstead of:   %s", m->bytes, whole.text, m->story);
    for (size_t first = 1; first < m->len; first++) {
        begin(&split, m->kind, m->bodiless);
        tell_pieces(&split, m->bytes, m->len, first, m->len);
        assert_string_equal(split.text, whole.text);
    }
    begin(&split, m->kind, m->bodiless);
    tell_pieces(&split, m->bytes, m->len, 1, 1);
    assert_string_equal(split.text, whole.text);
}

#define ASKED(bytes, story)                                                                        \
    {                                                                                              \
        KP_HTTP_REQUEST, false, bytes, sizeof(bytes) - 1, story                                    \
    }
#define ANSWERED(bytes, story)                                                                     \
    {                                                                                              \
        KP_HTTP_RESPONSE, false, bytes, sizeof(bytes) - 1, story                                   \
    }
#define ANSWERED_HEAD(bytes, story)                                                                \
    {                                                                                              \
        KP_HTTP_RESPONSE, true, bytes, sizeof(bytes) - 1, story                                    \
    }

static void check_all(const struct message *messages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(&messages[i]);
}

#define CHECK_ALL(table) check_all(table, sizeof(table) / sizeof(table)[0])

/* ---- Requests ---------------------------------------------------------------------------- */

#define HOST "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define GOT "GET / a 1.1 none keep; end;"

static void test_requests(void **state)
{
    static const struct message table[] = {
        ASKED("", ""),
        ASKED("\r\n", ""),
        ASKED("\r\n\r", ""),
        ASKED(GET "\r\n", GOT),
        ASKED("\r\n" GET "\r\n", GOT),
        ASKED("\r\n\r\n" GET "\r\n", GOT),
        ASKED("\r\n\r\n\r\n" GET "\r\n", " malformed: it begins with an empty line"),
        ASKED(GET "\r\n" GET "\r\n\r\n" GET "\r\n", GOT GOT GOT),
        ASKED("GET / HTTP/1.0\r\n\r\n", "GET /  1.0 none; end;"),
        ASKED("GET / HTTP/1.0\r\nHost: a:80\r\n\r\n", "GET / a:80 1.0 none; end;"),
        ASKED("GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET /  1.1 none keep; end;"),
        ASKED("GET / HTTP/1.1\r\nhOST: \t[::1]:8080 \t\r\n\r\n",
              "GET / [::1]:8080 1.1 none keep; end;"),
        ASKED("DELETE /a%20b?c=|d&e HTTP/1.1\r\n" HOST "\r\n",
              "DELETE /a%20b?c=|d&e a 1.1 none keep; end;"),
        ASKED("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS * a 1.1 none keep; end;"),
        ASKED(GET "X: \xe9\x80 \"\t;,(\r\nY:\r\nZ: \r\n\r\n", GOT),
        ASKED(GET "Connection: close\r\n\r\n" GET "\r\n", "GET / a 1.1 none; end;" GOT),
    };
    (void)state;
    CHECK_ALL(table);
}

static void test_bodies_of_requests(void **state)
{
    static const struct message table[] = {
        ASKED(POST "Content-Length: 0\r\n\r\n", "POST / a 1.1 none=0 keep; end;"),
        ASKED(POST "Content-Length: 5\r\n\r\nhello", "POST / a 1.1 length=5 keep; hello end;"),
        ASKED(POST "content-length:\t005 \r\n\r\nhello" GET "\r\n",
              "POST / a 1.1 length=5 keep; hello end;" GOT),
        ASKED(GET "Content-Length: 2\r\n\r\nok", "GET / a 1.1 length=2 keep; ok end;"),
        ASKED(POST "Content-Length: 18446744073709551615\r\n\r\nx",
              "POST / a 1.1 length=18446744073709551615 keep; x cut"),
        ASKED(CHUNKED "0\r\n\r\n" GET "\r\n", "POST / a 1.1 chunked keep; end;" GOT),
        ASKED(CHUNKED "5\r\nhello\r\n00b\r\n, world and\r\n000\r\n\r\n" GET "\r\n",
              "POST / a 1.1 chunked keep; hello, world and end;" GOT),
        ASKED(POST "TRANSFER-ENCODING: \tCHUNKED \r\n\r\n1\r\nx\r\n0\r\n\r\n",
              "POST / a 1.1 chunked keep; x end;"),
        ASKED(CHUNKED "A;a;b=\"c\x80 ;\"\t;d=e\r\n0123456789\r\n0;x\r\nT: u\r\nV:\r\n\r\n" GET
                      "\r\n",
              "POST / a 1.1 chunked keep; 0123456789 end;" GOT),
        ASKED(CHUNKED "000000000000000a\r\n0123456789\r\n0000000000000000\r\n\r\n",
              "POST / a 1.1 chunked keep; 0123456789 end;"),
        ASKED(CHUNKED "fFfFfFfFfFfFfFfF\r\n0", "POST / a 1.1 chunked keep; 0 cut"),
        /* Trailers are no fields of the head, whatever they are called. */
        ASKED(CHUNKED "0\r\nContent-Length: 5\r\nHost: b\r\nTransfer-Encoding: x\r\n\r\n" GET
                      "\r\n",
              "POST / a 1.1 chunked keep; end;" GOT),
    };
    (void)state;
    CHECK_ALL(table);
}

/* RFC 9112 3.2.2. */
static void test_absolute_form(void **state)
{
    static const struct message table[] = {
        ASKED("GET http://b/c?d HTTP/1.1\r\n" HOST "\r\n", "GET /c?d b 1.1 none keep; end;"),
        ASKED("GET hTTps://b:8443 HTTP/1.1\r\n" HOST "\r\n", "GET / b:8443 1.1 none keep; end;"),
        ASKED("GET http://[::1]?q/r HTTP/1.1\r\n" HOST "\r\n",
              "GET /?q/r [::1] 1.1 none keep; end;"),
        ASKED("GET http://b HTTP/1.0\r\n\r\n", "GET / b 1.0 none; end;"),
        ASKED("GET http://b HTTP/1.1\r\n\r\n", " malformed: it has no Host"),
        ASKED("GET http://b HTTP/1.1\r\nHost: a/\r\n\r\n", " malformed: its Host isn't"),
        ASKED("GET http:///c HTTP/1.1\r\n" HOST "\r\n", " malformed: its target's authority"),
        ASKED("GET http://u@b/ HTTP/1.1\r\n" HOST "\r\n", " malformed"),
        ASKED("GET http://b:x/ HTTP/1.1\r\n" HOST "\r\n", " malformed"),
        ASKED("GET ftp://b/ HTTP/1.1\r\n" HOST "\r\n", " malformed: its target is neither"),
        ASKED("GET http:/b HTTP/1.1\r\n" HOST "\r\n", " malformed"),
    };
    (void)state;
    CHECK_ALL(table);
}

static void test_what_a_request_wants(void **state)
{
#define UPGRADE "Upgrade: websocket\r\n"
    static const struct message table[] = {
        ASKED(GET "Connection: x, ,Upgrade\r\nUpgrade: WebSocket\r\n\r\n" GET "\r\n",
              "GET / a 1.1 none keep websocket; end;" GOT),
        ASKED(GET UPGRADE "\r\n", GOT),
        ASKED(GET "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", GOT),
        ASKED(GET "Connection: upgrade\r\n" UPGRADE UPGRADE "\r\n", GOT),
        ASKED(GET "Connection: upgrades\r\n" UPGRADE "\r\n", GOT),
        ASKED(POST "Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok" GET "\r\n",
              "POST / a 1.1 length=2 keep; ok end;" GOT),
        ASKED(POST "Connection: close, upgrade\r\n" UPGRADE
                   "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" GET "\r\n",
              "POST / a 1.1 chunked; ok end;" GOT),
        ASKED("GET / HTTP/1.0\r\nConnection: keep-alive, upgrade\r\n" UPGRADE "\r\n",
              "GET /  1.0 none keep; end;"),
        ASKED(GET "Connection: x\r\nConnection: y , CLOSE\r\n\r\n", "GET / a 1.1 none; end;"),
        ASKED(GET "Connection: closed\r\n\r\n", GOT),
        ASKED("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET /  1.0 none keep; end;"),
        ASKED("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET /  1.0 none; end;"),
        ASKED(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
              "POST / a 1.1 length=1 keep expects; x end;"),
        ASKED(GET "Expect: 200-ok\r\n\r\n", GOT),
        ASKED("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", "GET /  1.0 none; end;"),
    };
    (void)state;
    CHECK_ALL(table);
}

static void test_bad_first_lines(void **state)
{
#define REST "\r\n" HOST "\r\n"
    static const struct message table[] = {
        ASKED("GET /", " cut"),
        ASKED("GET / HTTP/1.1", " cut"),
        ASKED(" GET / HTTP/1.1" REST, " malformed: its first line"),
        ASKED("G\"T / HTTP/1.1" REST, " malformed: its first line"),
        ASKED("GET  / HTTP/1.1" REST, " malformed: its first line"),
        ASKED("GET\t/ HTTP/1.1" REST, " malformed: its first line"),
        ASKED("GET /\tHTTP/1.1" REST, " malformed: its first line"),
        ASKED("GET /  HTTP/1.1" REST, " malformed: its first line"),
        ASKED("GET / HTTP/1.1 " REST, " malformed: its first line"),
        ASKED("GET / b HTTP/1.1" REST, " malformed: its first line"),
        ASKED("GET HTTP/1.1" REST, " malformed: its first line"),
        ASKED("GET  HTTP/1.1" REST, " malformed: its first line"),
        ASKED("HTTP/1.1" REST, " malformed: its first line"),
        ASKED("GET" REST, " malformed: its first line"),
        ASKED("GET / http/1.1" REST, " malformed: its first line"),
        ASKED("GET / HTTP/11.1" REST, " malformed: its first line"),
        ASKED("GET / HTTP/1." REST, " malformed: its first line"),
        ASKED("GET / XHTTP/1.1" REST, " malformed: its first line"),
        ASKED("SOURCE / ICE/1.0" REST, " malformed: its first line"),
        ASKED("PLAY / RTSP/1.0" REST, " malformed: its first line"),
        ASKED("PLAY / HTTP/1.1" REST, " malformed"),
        ASKED("GET /" REST, " version: it is HTTP/0.9"),
        ASKED("GET / HTTP/0.9" REST, " version"),
        ASKED("GET / HTTP/1.2" REST, " version"),
        ASKED("GET / HTTP/2.0" REST, " version"),
        ASKED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", " version"),
        ASKED("PRI / HTTP/1.1" REST, " malformed"),
        ASKED("get / HTTP/1.1" REST, " unsupported: its method"),
        ASKED("GETS / HTTP/1.1" REST, " unsupported: its method"),
        ASKED("BREW / HTTP/1.1" REST, " unsupported: its method"),
        ASKED("CONNECT a:443 HTTP/1.1" REST, " malformed: CONNECT"),
        ASKED("GET * HTTP/1.1" REST, " malformed: its target is *"),
        ASKED("GET ? HTTP/1.1" REST, " malformed"),
        ASKED("GET a HTTP/1.1" REST, " malformed"),
        ASKED("GET a:443 HTTP/1.1" REST, " malformed"),
        ASKED("GET /a#b HTTP/1.1" REST, " malformed: its target has a sign"),
        ASKED("GET /?a#b HTTP/1.1" REST, " malformed: its target has a sign"),
        ASKED("GET /\xc3\xbc HTTP/1.1" REST, " malformed"),
        ASKED("GET /\x7f HTTP/1.1" REST, " malformed: it has a control character"),
        ASKED("GET /\0 HTTP/1.1" REST, " malformed: it has a control character"),
        ASKED("\x16\x03\x01", " malformed: it has a control character"),
        ASKED("\nGET / HTTP/1.1" REST, " malformed: it has an LF without a CR"),
        ASKED("\rGET / HTTP/1.1" REST, " malformed: it has a CR without an LF"),
        ASKED("GET / HTTP/1.1\n" HOST "\r\n", " malformed: it has an LF without a CR"),
        ASKED("GET / HTTP/1.1\rX" REST, " malformed: it has a CR without an LF"),
    };
    (void)state;
    CHECK_ALL(table);
}

static void test_bad_fields(void **state)
{
    static const struct message table[] = {
        ASKED(GET "X", " cut"),
        ASKED(GET "\r", " cut"),
        ASKED(GET "X: y\n\r\n", " malformed: it has an LF without a CR"),
        ASKED(GET "X: y\r\n\n", " malformed: it has an LF without a CR"),
        ASKED(GET "X: y\rZ: a\r\n\r\n", " malformed: it has a CR without an LF"),
        ASKED(GET "X: y\r\r\n\r\n", " malformed: it has a CR without an LF"),
        ASKED(GET "\rX: y\r\n\r\n", " malformed: it has a CR without an LF"),
        ASKED(GET "X: \0\r\n\r\n", " malformed: it has a control character"),
        ASKED(GET "X: \x1b\r\n\r\n", " malformed: it has a control character"),
        ASKED(GET "X: \x7f\r\n\r\n", " malformed: it has a control character"),
        ASKED(GET "X: y\r\n z\r\n\r\n", " malformed: a line begins with a space"),
        ASKED(GET "X: y\r\n\tz\r\n\r\n", " malformed: a line begins with a space"),
        ASKED("GET / HTTP/1.1\r\n " HOST "\r\n", " malformed: a line begins with a space"),
        ASKED(GET "X : y\r\n\r\n", " malformed: a field has a space before its colon"),
        ASKED(GET "X\t: y\r\n\r\n", " malformed: a field has a space before its colon"),
        ASKED(GET "X y: z\r\n\r\n", " malformed: a field has a space before its colon"),
        ASKED(GET ": y\r\n\r\n", " malformed: a field has no name"),
        ASKED(GET "X\r\n\r\n", " malformed: a field has no colon"),
        ASKED(GET "X(: y\r\n\r\n", " malformed: a field's name has a sign"),
        ASKED(GET "(X: y\r\n\r\n", " malformed: a field's name has a sign"),
        ASKED(GET "X\xe9: y\r\n\r\n", " malformed: a field's name has a sign"),
        ASKED(GET "\xe9: y\r\n\r\n", " malformed: a field's name has a sign"),
        ASKED(GET "X\1: y\r\n\r\n", " malformed: it has a control character"),
        ASKED("GET / HTTP/1.1\r\n\r\n", " malformed: it has no Host"),
        ASKED(GET HOST "\r\n", " malformed: it has Host twice"),
        ASKED("GET / HTTP/1.0\r\n" HOST HOST "\r\n", " malformed: it has Host twice"),
        ASKED("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", " malformed: its Host"),
        ASKED("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", " malformed: its Host"),
        ASKED("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", " malformed: its Host"),
        ASKED("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", " malformed: its Host"),
        ASKED("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", " malformed: its Host"),
        ASKED("GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", " malformed: its Host"),
        ASKED("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", " malformed: its Host"),
    };
    (void)state;
    CHECK_ALL(table);
}

static void test_bad_lengths(void **state)
{
#define LENGTH(value) "Content-Length:" value "\r\n"
#define CODING(value) "Transfer-Encoding:" value "\r\n"
    static const struct message table[] = {
        ASKED(POST LENGTH("5") LENGTH("5") "\r\nhello", " malformed"),
        ASKED(POST LENGTH("5, 5") "\r\nhello", " malformed"),
        ASKED(POST LENGTH("") "\r\n", " malformed"),
        ASKED(POST LENGTH("+5") "\r\nhello", " malformed"),
        ASKED(POST LENGTH("-5") "\r\nhello", " malformed"),
        ASKED(POST LENGTH("5 5") "\r\nhello", " malformed"),
        ASKED(POST LENGTH("0x5") "\r\nhello", " malformed"),
        ASKED(POST LENGTH("5;") "\r\nhello", " malformed"),
        /* llhttp knows no tab there. */
        ASKED(POST LENGTH("5\t") "\r\nhello", " malformed"),
        ASKED(POST CODING("chunked\t") "\r\n0\r\n\r\n", " malformed"),
        ASKED(POST LENGTH("18446744073709551616") "\r\nhello", " malformed"),
        ASKED(POST LENGTH("5") CODING("chunked") "\r\n0\r\n\r\n", " malformed"),
        ASKED(POST CODING("chunked") LENGTH("5") "\r\n0\r\n\r\n", " malformed"),
        ASKED(POST CODING("gzip") LENGTH("5") "\r\n0\r\n\r\n", " malformed"),
        ASKED(POST LENGTH("0") CODING("chunked") "\r\n0\r\n\r\n", " malformed"),
        ASKED("POST / HTTP/1.0\r\n" HOST CODING("chunked") "\r\n", " malformed: it has Tr"),
        ASKED(POST CODING("") "\r\n", " malformed"),
        ASKED(POST CODING(",") "\r\n", " malformed"),
        ASKED(POST CODING("chunked,") "\r\n", " malformed"),
        ASKED(POST CODING(",chunked") "\r\n", " malformed"),
        ASKED(POST CODING("chunked;a=b") "\r\n", " malformed"),
        ASKED(POST CODING("chunked, chunked") "\r\n", " malformed"),
        ASKED(POST CODING("chunked") CODING("chunked") "\r\n", " malformed"),
        ASKED(POST CODING("chunked, gzip") "\r\n", " malformed"),
        ASKED(POST CODING("chunked") CODING("identity") "\r\n", " malformed"),
        ASKED(POST CODING("chunked") CODING("") "\r\n", " malformed"),
        ASKED(POST CODING("\"chunked\"") "\r\n", " malformed"),
        ASKED(POST CODING("x chunked") "\r\n", " malformed"),
        ASKED(POST CODING("gzip") "\r\n", " unsupported: its Transfer-Encoding"),
        ASKED(POST CODING("identity") "\r\n", " unsupported"),
        ASKED(POST CODING("xchunked") "\r\n", " unsupported"),
        ASKED(POST CODING("chunke") "\r\n", " unsupported"),
        ASKED(POST CODING("gzip;q=1, chunked") "\r\n", " unsupported"),
        ASKED(POST CODING("gzip") CODING("chunked") "\r\n", " unsupported"),
    };
    (void)state;
    CHECK_ALL(table);
}

static void test_bad_chunks(void **state)
{
#define TAKEN "POST / a 1.1 chunked keep;"
    static const struct message table[] = {
        ASKED(CHUNKED "\r\n", TAKEN " malformed: a chunk's size"),
        ASKED(CHUNKED "+5\r\nhello", TAKEN " malformed: a chunk's size"),
        ASKED(CHUNKED "-1\r\nhello", TAKEN " malformed: a chunk's size"),
        ASKED(CHUNKED "0x5\r\nhello", TAKEN " malformed: a chunk's size"),
        ASKED(CHUNKED "5 \r\nhello", TAKEN " malformed: a chunk's size"),
        ASKED(CHUNKED " 5\r\nhello", TAKEN " malformed: a chunk's size"),
        ASKED(CHUNKED "5 ;a\r\nhello", TAKEN " malformed: a chunk's size"),
        ASKED(CHUNKED "g\r\nhello", TAKEN " malformed: a chunk's size"),
        ASKED(CHUNKED ";a\r\n\r\n", TAKEN " malformed: a chunk's size"),
        ASKED(CHUNKED "00000000000000005\r\nhello", TAKEN " malformed: a chunk's size"),
        ASKED(CHUNKED "10000000000000000\r\nhello", TAKEN " malformed: a chunk's size"),
        ASKED(CHUNKED "5\nhello", TAKEN " malformed: it has an LF without a CR"),
        ASKED(CHUNKED "5\rhello", TAKEN " malformed: it has a CR without an LF"),
        ASKED(CHUNKED "5;a\nhello", TAKEN " malformed: it has an LF without a CR"),
        ASKED(CHUNKED "5;a\rb\r\nhello", TAKEN " malformed: it has a CR without an LF"),
        ASKED(CHUNKED "5;a\0\r\nhello", TAKEN " malformed: it has a control character"),
        ASKED(CHUNKED "5\r\nhello0\r\n\r\n", TAKEN " hello malformed: a chunk is longer"),
        ASKED(CHUNKED "5\r\nhello\n0\r\n\r\n", TAKEN " hello malformed: it has an LF"),
        ASKED(CHUNKED "5\r\nhello\r0\r\n\r\n", TAKEN " hello malformed: it has a CR"),
        ASKED(CHUNKED "5\r\nhello\r\n\r\n0", TAKEN " hello malformed: a chunk's size"),
        ASKED(CHUNKED "0\r\n\n", TAKEN " malformed: it has an LF"),
        ASKED(CHUNKED "0\r\nX y\r\n\r\n", TAKEN " malformed: a field has a space"),
        ASKED(CHUNKED "0\r\nX: y\r\n z\r\n\r\n", TAKEN " malformed: a line begins"),
        ASKED(CHUNKED "0\r\n: y\r\n\r\n", TAKEN " malformed: a field has no name"),
        ASKED(CHUNKED "0\r\nX: y\n\r\n", TAKEN " malformed: it has an LF"),
        ASKED(CHUNKED "5\r\nhel", TAKEN " hel cut"),
        ASKED(CHUNKED "5\r\nhello", TAKEN " hello cut"),
        ASKED(CHUNKED "0\r\n", TAKEN " cut"),
        ASKED(CHUNKED "0\r\n\r", TAKEN " cut"),
        ASKED(POST "Content-Length: 5\r\n\r\nhell", "POST / a 1.1 length=5 keep; hell cut"),
    };
    (void)state;
    CHECK_ALL(table);
}

/* ---- Responses --------------------------------------------------------------------------- */

#define OK "HTTP/1.1 200 OK\r\n"

static void test_responses(void **state)
{
    static const struct message table[] = {
        ANSWERED("", ""),
        ANSWERED(OK "\r\n", "200 OK 1.1 until-end; end;"),
        ANSWERED(OK "\r\nhello, world", "200 OK 1.1 until-end; hello, world end;"),
        ANSWERED(OK "Content-Length: 2\r\n\r\nok" OK "\r\n",
                 "200 OK 1.1 length=2 keep; ok end;200 OK 1.1 until-end; end;"),
        ANSWERED(OK "Content-Length: 0\r\n\r\n", "200 OK 1.1 none=0 keep; end;"),
        ANSWERED(OK "Connection: close\r\nContent-Length: 2\r\n\r\nok" OK "\r\n",
                 "200 OK 1.1 length=2; ok end;200 OK 1.1 until-end; end;"),
        ANSWERED(OK "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nT: u\n\n" OK "\r\n",
                 "200 OK 1.1 chunked keep; ok end;200 OK 1.1 until-end; end;"),
        ANSWERED("HTTP/1.0 404 Not\tFound \xe9\r\nContent-Length: 1\r\n\r\nx",
                 "404 Not\tFound \xe9 1.0 length=1; x end;"),
        ANSWERED("HTTP/1.7 200 OK\r\nContent-Length: 1\r\n\r\nx",
                 "200 OK 1.1 length=1 keep; x end;"),
        ANSWERED("HTTP/1.1 200 \r\n\r\n", "200  1.1 until-end; end;"),
        ANSWERED("HTTP/1.1 200\r\n\r\n", "200  1.1 until-end; end;"),
        ANSWERED("HTTP/1.1 999 \r\n\r\n", "999  1.1 until-end; end;"),
        /* RFC 9112 2.2. */
        ANSWERED("HTTP/1.1 200 OK\nX: y\nContent-Length: 2\n\nok",
                 "200 OK 1.1 length=2 keep; ok end;"),
        ANSWERED("HTTP/1.1 200 OK\r\nX: y\n\r\nok", "200 OK 1.1 until-end; ok end;"),
        ANSWERED("HTTP/1.1 200 OK\nX: y\r\n\nok", "200 OK 1.1 until-end; ok end;"),
        ANSWERED(OK "Content-Length: 2\r\n\r\no", "200 OK 1.1 length=2 keep; o cut"),
        ANSWERED(OK, " cut"),
    };
    (void)state;
    CHECK_ALL(table);
}

/* RFC 9112 6.3, the first two rules. */
static void test_responses_without_a_body(void **state)
{
    static const struct message table[] = {
        ANSWERED("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\nX: y\r\n\r\n" OK "\r\nhi",
                 "100 Continue 1.1 none keep; end;103  1.1 none keep; end;"
                 "200 OK 1.1 until-end; hi end;"),
        ANSWERED("HTTP/1.1 204 No\r\n\r\n" OK "\r\n",
                 "204 No 1.1 none keep; end;200 OK 1.1 until-end; end;"),
        ANSWERED("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n" OK "\r\n",
                 "304 No 1.1 none=5 keep; end;200 OK 1.1 until-end; end;"),
        ANSWERED("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n" OK "\r\n",
                 "204 No 1.1 none keep; end;200 OK 1.1 until-end; end;"),
        ANSWERED("HTTP/1.1 101 Go\r\nConnection: upgrade\r\n" UPGRADE "\r\n",
                 "101 Go 1.1 none keep websocket; end;"),
        ANSWERED("HTTP/1.1 204 No\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                 " malformed"),
        ANSWERED_HEAD("HTTP/1.1 100 \r\n\r\n" OK "Content-Length: 5\r\n\r\n" OK "\r\n",
                      "100  1.1 none keep; end;200 OK 1.1 none=5 keep; end;"
                      "200 OK 1.1 none keep; end;"),
        ANSWERED_HEAD(OK "Transfer-Encoding: chunked\r\n\r\n" OK "\r\n",
                      "200 OK 1.1 none keep; end;200 OK 1.1 none keep; end;"),
    };
    (void)state;
    CHECK_ALL(table);
}

static void test_bad_responses(void **state)
{
    static const struct message table[] = {
        ANSWERED("\r\n" OK "\r\n", " malformed: it begins with an empty line"),
        ANSWERED("\n" OK "\r\n", " malformed: it begins with an empty line"),
        ANSWERED("hello\n\n", " malformed: its first line"),
        ANSWERED("ICY 200 OK\r\n\r\n", " malformed: its first line"),
        ANSWERED("RTSP/1.0 200 OK\r\n\r\n", " malformed: its first line"),
        ANSWERED("HTTP/1.1\r\n\r\n", " malformed: its first line"),
        ANSWERED("HTTP/1.1 20 OK\r\n\r\n", " malformed: its first line"),
        ANSWERED("HTTP/1.1 2000 OK\r\n\r\n", " malformed: its first line"),
        ANSWERED("HTTP/1.1 099 OK\r\n\r\n", " malformed: its first line"),
        ANSWERED("HTTP/1.1  200 OK\r\n\r\n", " malformed: its first line"),
        ANSWERED("HTTP/1.1 200OK\r\n\r\n", " malformed: its first line"),
        ANSWERED("HTTP/1.1\t200 OK\r\n\r\n", " malformed: its first line"),
        ANSWERED("HTTP/2.0 200 OK\r\n\r\n", " version"),
        ANSWERED("HTTP/0.9 200 OK\r\n\r\n", " version"),
        ANSWERED(OK "X: y\n z\n\n", " malformed: a line begins with a space"),
        ANSWERED(OK "X : y\n\n", " malformed: a field has a space"),
        ANSWERED(OK "X: \r y\n\n", " malformed: it has a CR"),
        ANSWERED(OK "X: \0y\n\n", " malformed: it has a control"),
        ANSWERED(OK LENGTH("5") LENGTH("5") "\r\nhello", " malformed"),
        ANSWERED(OK LENGTH("5") CODING("chunked") "\r\nhello", " malformed"),
        ANSWERED(OK CODING("gzip") "\r\nhello", " malformed"),
        ANSWERED(OK CODING("gzip, chunked") "\r\nhello", " malformed"),
        ANSWERED("HTTP/1.0 200 OK\r\n" CODING("chunked") "\r\nhello", " malformed"),
        ANSWERED(OK CODING("chunked") "\r\n5\nhello\r\n0\r\n\r\n",
                 "200 OK 1.1 chunked keep; malformed: it has an LF"),
    };
    (void)state;
    CHECK_ALL(table);
}

/* ---- Limits ------------------------------------------------------------------------------ */

/* A parser that has read these bytes one at a time. */
static void tell_slowly(struct story *story, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len && !story->over; i++)
        take(story, bytes + i, 1);
}

static void tell_often(struct story *story, const char *bytes, size_t times)
{
    for (size_t i = 0; i < times && !story->over; i++)
        tell_slowly(story, bytes, strlen(bytes));
}

static void expect_story(struct story *story, const char *expected)
{
    finish(story);
    assert_memory_equal(story->text, expected, strlen(expected));
}

static void test_limit_of_a_head(void **state)
{
    static const char start[] = GET "X: ", end[] = "\r\n\r\n";
    size_t filling = KP_HTTP_HEAD_MAX - strlen(start) - strlen(end);
    static struct story story;
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        begin(&story, KP_HTTP_REQUEST, false);
        tell_slowly(&story, start, strlen(start));
        tell_often(&story, "x", filling + over);
        tell_slowly(&story, end, strlen(end));
        expect_story(&story, over == 0 ? GOT : " too long");
    }
    /* Nobody waits for its end. */
    begin(&story, KP_HTTP_REQUEST, false);
    tell_slowly(&story, start, strlen(start));
    tell_often(&story, "x", 2 * KP_HTTP_HEAD_MAX);
    assert_int_equal(story.used, KP_HTTP_HEAD_MAX + 1);
    expect_story(&story, " too long");
}

/* Each line gets a CR that wasn't there. */
static void test_limit_of_a_head_with_bare_lines(void **state)
{
    static struct story story;
    char filling[KP_HTTP_HEAD_MAX / KP_HTTP_FIELDS_MAX];
    static const char start[] = "HTTP/1.1 200 OK\n";
    size_t last = KP_HTTP_HEAD_MAX - strlen(start) - 255 * (sizeof filling - 1) - strlen("X:\n\n");
    (void)state;
    memset(filling, 'y', sizeof filling);
    memcpy(filling, "X:", 2);
    memcpy(filling + sizeof filling - 2, "\n", 2);
    begin(&story, KP_HTTP_RESPONSE, false);
    tell_slowly(&story, start, strlen(start));
    tell_often(&story, filling, 255);
    tell_slowly(&story, "X:", 2);
    tell_often(&story, "z", last);
    tell_slowly(&story, "\n\n", 2);
    assert_int_equal(story.used, KP_HTTP_HEAD_MAX);
    expect_story(&story, "200 OK 1.1 until-end; end;");
}

static void test_limit_of_fields(void **state)
{
    static struct story story;
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        begin(&story, KP_HTTP_REQUEST, false);
        tell_slowly(&story, GET, strlen(GET));
        tell_often(&story, "X:\r\n", KP_HTTP_FIELDS_MAX - 1 + over);
        tell_slowly(&story, "\r\n", 2);
        expect_story(&story, over == 0 ? GOT : " too long");

        begin(&story, KP_HTTP_REQUEST, false);
        tell_slowly(&story, CHUNKED "0\r\n", strlen(CHUNKED "0\r\n"));
        tell_often(&story, "X:\r\n", KP_HTTP_FIELDS_MAX + over);
        tell_slowly(&story, "\r\n", 2);
        expect_story(&story, over == 0 ? TAKEN " end;" : TAKEN " too long");
    }
}

static void test_limit_of_trailers(void **state)
{
    static struct story story;
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        begin(&story, KP_HTTP_REQUEST, false);
        tell_slowly(&story, CHUNKED "0\r\nX:", strlen(CHUNKED "0\r\nX:"));
        tell_often(&story, "y", KP_HTTP_HEAD_MAX - strlen("X:\r\n\r\n") + over);
        tell_slowly(&story, "\r\n\r\n", 4);
        expect_story(&story, over == 0 ? TAKEN " end;" : TAKEN " too long");
    }
}

/* Of all the chunks together; there may be as many chunks as one likes. */
static void test_limit_of_extensions(void **state)
{
    static struct story story;
    (void)state;
    begin(&story, KP_HTTP_REQUEST, false);
    tell_slowly(&story, CHUNKED, strlen(CHUNKED));
    tell_often(&story, "1\r\nx\r\n", 3 * KP_HTTP_HEAD_MAX);
    tell_often(&story, "1;\r\nx\r\n", KP_HTTP_HEAD_MAX);
    assert_false(story.over);
    assert_int_equal(story.body, 4 * KP_HTTP_HEAD_MAX);
    tell_often(&story, "1;\r\nx\r\n", 1);
    assert_true(story.over);
    assert_int_equal(story.parser.problem, KP_HTTP_TOO_LONG);
    finish(&story);

    begin(&story, KP_HTTP_REQUEST, false);
    tell_slowly(&story, CHUNKED "1;", strlen(CHUNKED "1;"));
    tell_often(&story, "x", 2 * KP_HTTP_HEAD_MAX);
    assert_true(story.used < KP_HTTP_HEAD_MAX + 100);
    expect_story(&story, TAKEN " too long");
}

/* ---- The head as a whole ----------------------------------------------------------------- */

static struct kp_http_head *read_head(struct kp_http_parser *parser, const char *bytes)
{
    size_t used;
    kp_http_parser_init(parser, KP_HTTP_REQUEST);
    assert_int_equal(kp_http_parse(parser, (const uint8_t *)bytes, strlen(bytes), &used),
                     KP_HTTP_HEAD);
    return parser->head;
}

static void assert_text(struct kp_slice text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.at, expected, text.len);
}

static void test_fields(void **state)
{
    struct kp_http_parser parser;
    struct kp_slice name, value;
    const struct kp_http_head *head =
        read_head(&parser, GET "X-One: \t a  b \t\r\nx-one:\r\nList: a,, b c ,\r\nlist: D\r\n\r\n");
    (void)state;
    assert_int_equal(head->count, 5);
    kp_http_head_field(head, 1, &name, &value);
    assert_text(name, "X-One");
    assert_text(value, "a  b");
    kp_http_head_field(head, 2, &name, &value);
    assert_text(name, "x-one");
    assert_text(value, "");
    assert_true(kp_http_head_find(head, "X-ONE", &value));
    assert_text(value, "a  b");
    assert_false(kp_http_head_find(head, "x-on", &value));
    assert_false(kp_http_head_find(head, "x-one-", &value));
    assert_true(kp_http_head_lists(head, "list", "B C"));
    assert_true(kp_http_head_lists(head, "LIST", "d"));
    assert_false(kp_http_head_lists(head, "list", "b"));
    assert_false(kp_http_head_lists(head, "list", ""));
    kp_http_parser_clear(&parser);
}

static void test_head_taken(void **state)
{
    struct kp_http_parser parser;
    struct kp_http_head *head = read_head(&parser, POST "Content-Length: 2\r\n\r\n");
    size_t used;
    (void)state;
    assert_ptr_equal(kp_http_parser_take_head(&parser), head);
    assert_null(parser.head);
    assert_true(kp_http_parser_is_busy(&parser));
    assert_int_equal(kp_http_parse(&parser, (const uint8_t *)"okG", 3, &used), KP_HTTP_BODY);
    assert_int_equal(used, 2);
    assert_true(kp_http_parser_is_busy(&parser));
    assert_int_equal(kp_http_parse(&parser, NULL, 0, &used), KP_HTTP_END);
    assert_false(kp_http_parser_is_busy(&parser));
    assert_int_equal(kp_http_parse(&parser, NULL, 0, &used), KP_HTTP_MORE);
    assert_int_equal(kp_http_parse(&parser, (const uint8_t *)"\r\n", 2, &used), KP_HTTP_MORE);
    assert_false(kp_http_parser_is_busy(&parser));
    assert_int_equal(kp_http_parse(&parser, (const uint8_t *)"G", 1, &used), KP_HTTP_MORE);
    assert_true(kp_http_parser_is_busy(&parser));
    kp_http_parser_clear(&parser);
    assert_text(head->method, "POST");
    kp_http_head_free(head);
    kp_http_head_free(NULL);
}

/* After a change of protocols the parser leaves alone what isn't HTTP. */
static void test_tunnels(void **state)
{
    static const char bytes[] =
        "HTTP/1.1 101 \r\nConnection: upgrade\r\n" UPGRADE "\r\n\x81\x05hello";
    struct kp_http_parser parser;
    size_t used;
    (void)state;
    kp_http_parser_init(&parser, KP_HTTP_RESPONSE);
    assert_int_equal(kp_http_parse(&parser, (const uint8_t *)bytes, sizeof bytes - 1, &used),
                     KP_HTTP_HEAD);
    assert_int_equal(used, sizeof bytes - 1 - 7);
    assert_int_equal(kp_http_parse(&parser, (const uint8_t *)bytes + used, 7, &used), KP_HTTP_END);
    assert_int_equal(used, 0);
    kp_http_parser_clear(&parser);
}

static void test_text_that_grows(void **state)
{
    struct kp_out out = {0};
    volatile size_t too_much = SIZE_MAX; /* compilers warn of what they can see */
    (void)state;
    kp_out_word(&out, "a");
    kp_out_number(&out, UINT64_MAX);
    kp_out_text(&out, (struct kp_slice){"bcd", 2});
    assert_text((struct kp_slice){out.at, out.len}, "a18446744073709551615bc");
    for (size_t i = 0; i < 10000; i++)
        kp_out_add(&out, "0123456789", 10);
    assert_int_equal(out.len, 23 + 100000);
    kp_out_add(&out, "", too_much);
    assert_true(out.failed);
    kp_out_word(&out, "x");
    assert_int_equal(out.len, 23 + 100000);
    kp_out_free(&out);
    kp_out_free(&out);
    assert_null(out.at);
    assert_false(out.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_bodies_of_requests),
        cmocka_unit_test(test_absolute_form),
        cmocka_unit_test(test_what_a_request_wants),
        cmocka_unit_test(test_bad_first_lines),
        cmocka_unit_test(test_bad_fields),
        cmocka_unit_test(test_bad_lengths),
        cmocka_unit_test(test_bad_chunks),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_responses_without_a_body),
        cmocka_unit_test(test_bad_responses),
        cmocka_unit_test(test_limit_of_a_head),
        cmocka_unit_test(test_limit_of_a_head_with_bare_lines),
        cmocka_unit_test(test_limit_of_fields),
        cmocka_unit_test(test_limit_of_trailers),
        cmocka_unit_test(test_limit_of_extensions),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_head_taken),
        cmocka_unit_test(test_tunnels),
        cmocka_unit_test(test_text_that_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
