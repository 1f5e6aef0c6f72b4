/*
 * gateway/client/told: what a device says of itself, parsed strictly, however it comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/told.h"

#define REST "\"keyplate\":1,\"versions\":[\"1.2\",\"1.3\"],\"port\":443,\"device_id\":\"K7F3\"}"
#define BODY "{" REST

static enum kp_told_result read_body(struct kp_told *told, const char *body)
{
    char answer[KP_TOLD_MAX];
    const char *why = NULL;
    int len = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                       strlen(body), body);
    enum kp_told_result result = kp_told_read(told, answer, (size_t)len, false, &why);
    assert_true((result == KP_TOLD_NOT) == (why != NULL));
    return result;
}

static const struct {
    const char *body;
    const char *id;
    unsigned versions;
} goods[] = {
    {BODY, "K7F3", KP_USE_TLS12 | KP_USE_TLS13},
    {" {\r\n\t\"device_id\" : \"K7F3\" , \"keyplate\" : 1 }\n", "K7F3", 0},
    {"{\"keyplate\":1,\"device_id\":\"a\",\"versions\":[\"1.3\",\"1.4\",\"\"]}", "a", KP_USE_TLS13},
    {"{\"keyplate\":1,\"device_id\":\"a\",\"versions\":[]}", "a", 0},
    {"{\"x\":[{\"device_id\":\"no\",\"y\":[[],{}]},-1.5e+3,true,false,null,\"\\n\\\"\"],"
     "\"keyplate\":1,\"device_id\":\"a\"}",
     "a", 0},
    {"{\"keyplate\":1,\"device_id\":\"\\u0041\\/\\\\\\\"\\u00fc\\ud83d\\ude00 b\"}",
     "A/\\\"\xc3\xbc\xf0\x9f\x98\x80 b", 0},
    {"{\"keyplate\":1,\"device_id\":\"J\xc3\xbcrgen\"}", "J\xc3\xbcrgen", 0},
    {"{\"keyplate\":1,\"\\u0064evice_id\":\"a\"}", "a", 0},
    {"{\"keyplate\":1,\"device_id\":\"\\\\u0000\"}", "\\u0000", 0}, /* no NUL: a backslash */
    {"{\"x\":1,\"keyplate\":1,\"x\":2,\"device_id\":\"a\"}", "a", 0},
    {"{\"keyplate\":1,\"device_id\":\"a\",\"device_ids\":\"b\",\"a key that is long\":\"c\"}", "a",
     0},
};

static const char *const bads[] = {
    "",
    "{}",
    "[]",
    "[" BODY "]",
    "null",
    "\"K7F3\"",
    BODY "x",
    BODY "}",
    BODY BODY,
    BODY " \n,",
    "{\"keyplate\":1}",
    "{\"device_id\":\"a\"}",
    "{\"keyplate\":2,\"device_id\":\"a\"}",
    "{\"keyplate\":0,\"device_id\":\"a\"}",
    "{\"keyplate\":1.5,\"device_id\":\"a\"}",
    "{\"keyplate\":1e400,\"device_id\":\"a\"}",
    "{\"Keyplate\":1,\"device_id\":\"a\"}",
    "{\"keyplate\":-1,\"device_id\":\"a\"}",
    "{\"keyplate\":18446744073709551617,\"device_id\":\"a\"}",
    "{\"keyplate\":\"1\",\"device_id\":\"a\"}",
    "{\"keyplate\":true,\"device_id\":\"a\"}",
    "{\"keyplate\":1,\"keyplate\":1,\"device_id\":\"a\"}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"device_id\":\"b\"}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"device\\u005fid\":\"b\"}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"port\":1,\"port\":1}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"versions\":[],\"versions\":[]}",
    "{\"keyplate\":1,\"device_id\":\"\"}",
    "{\"keyplate\":1,\"device_id\":7}",
    "{\"keyplate\":1,\"device_id\":null}",
    "{\"keyplate\":1,\"device_id\":[\"a\"]}",
    "{\"keyplate\":1,\"device_id\":\"a\\nb\"}",
    "{\"keyplate\":1,\"device_id\":\"a\nb\"}",
    "{\"keyplate\":1,\"device_id\":\"a\\u0000b\"}",
    "{\"keyplate\":1,\"device_id\\u0000\":\"a\"}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"x\":\"\\u0000\"}",
    "{\"keyplate\":1,\"device_id\":\"\\\\\\u0000\"}",
    "{\"keyplate\":1,\"device_id\":\"a\\uX000b\"}",
    "{\"keyplate\":1,\"device_id\":\"a\\u00\xff\"}",
    "{\"keyplate\":1,\"device_id\":\"a\\u\"}",
    "{\"keyplate\":1,\"device_id\":\"a\\ud83d\\u000\"}",
    "{\"keyplate\":1,\"device_id\":\"a\\u0085\"}",
    "{\"keyplate\":1,\"device_id\":\"a\\ud83d\"}",
    "{\"keyplate\":1,\"device_id\":\"a\\ud83dx\"}",
    "{\"keyplate\":1,\"device_id\":\"a\\ud83d\\u0041\"}",
    "{\"keyplate\":1,\"device_id\":\"a\\ude00\"}",
    "{\"keyplate\":1,\"device_id\":\"a\\x41\"}",
    "{\"keyplate\":1,\"device_id\":\"a\\u004\"}",
    "{\"keyplate\":1,\"device_id\":\"u\\u0308\"}", /* not NFC */
    "{\"keyplate\":1,\"device_id\":\"a\xff\"}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"x\":\"\xff\"}",
    "{\"keyplate\":1,\"device_id\":\"\xc0\xae\"}",
    "{\"keyplate\":1,\"device_id\":\"\xed\xa0\x80\"}",
    "{\"keyplate\":1,\"device_id\":\"a}",
    "{\"keyplate\":1,\"device_id\":\"a\"",
    "{\"keyplate\":1,\"device_id\":\"a\",}",
    "{\"keyplate\":1 \"device_id\":\"a\"}",
    "{\"keyplate\" 1,\"device_id\":\"a\"}",
    "{,\"keyplate\":1,\"device_id\":\"a\"}",
    "{keyplate:1,\"device_id\":\"a\"}",
    "{'keyplate':1,\"device_id\":\"a\"}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"versions\":\"1.3\"}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"versions\":[1.3]}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"versions\":[\"1.3\",]}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"versions\":[\"1.3\"}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"port\":0}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"port\":65536}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"port\":443.5}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"port\":-443}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"port\":\"443\"}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"x\":[}]}",
    "{\"keyplate\":1,\"device_id\":\"a\",\"x\":}",
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof goods[0]; i++) {
        struct kp_told told;
        if (read_body(&told, goods[i].body) != KP_TOLD_READ)
            fail_msg("refused: %s", goods[i].body);
        assert_string_equal(told.id, goods[i].id);
        assert_int_equal(told.versions, goods[i].versions);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        struct kp_told told;
        if (read_body(&told, bads[i]) != KP_TOLD_NOT)
            fail_msg("taken: %s", bads[i]);
    }
}

static void test_lengths(void **state)
{
    (void)state;
    for (size_t len = 254; len <= 257; len++) {
        char id[300] = "", body[400];
        struct kp_told told;
        memset(id, 'x', len);
        snprintf(body, sizeof body, "{\"keyplate\":1,\"device_id\":\"%s\"}", id);
        assert_int_equal(read_body(&told, body),
                         len <= KP_DEVICE_ID_MAX ? KP_TOLD_READ : KP_TOLD_NOT);
    }
}

/* Not as deep as 8 KiB allow: the reader may recurse. */
static void test_depth(void **state)
{
    (void)state;
    static const struct {
        size_t depth;
        enum kp_told_result result;
    } rows[] = {{100, KP_TOLD_READ}, {2000, KP_TOLD_NOT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[KP_TOLD_MAX - 100] = "{\"keyplate\":1,\"device_id\":\"a\",\"x\":";
        struct kp_told told;
        size_t start = strlen(text);
        memset(text + start, '[', rows[i].depth);
        memset(text + start + rows[i].depth, ']', rows[i].depth);
        text[start + 2 * rows[i].depth] = '}';
        assert_int_equal(read_body(&told, text), rows[i].result);
    }
}

/* Nowhere may one end what is read before its end. */
static void test_nul_byte(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
    static const char whole[] = "HTTP/1.1 200 OK\r\n\r\n" BODY "  ";
    struct kp_told told;
    const char *why;
    assert_int_equal(kp_told_read(&told, whole, sizeof whole - 1, true, &why), KP_TOLD_READ);
    for (size_t i = sizeof head - 1; i < sizeof whole - 1; i++) {
        char answer[sizeof whole];
        memcpy(answer, whole, sizeof answer);
        answer[i] = '\0';
        assert_int_equal(kp_told_read(&told, answer, sizeof answer - 1, true, &why), KP_TOLD_NOT);
    }
}

/* ---- The head ------------------------------------------------------------------------------ */

static enum kp_told_result read_text(const char *answer, bool ended)
{
    struct kp_told told;
    const char *why;
    return kp_told_read(&told, answer, strlen(answer), ended, &why);
}

#define LENGTH "Content-Length: 69\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CHUNKS CHUNKED "1\r\n{\r\n44;of=two\r\n" REST "\r\n"

static void test_heads(void **state)
{
    (void)state;
    _Static_assert(sizeof BODY - 1 == 69, "LENGTH and CHUNKS say how long BODY is");
    static const struct {
        const char *answer;
        enum kp_told_result before, after; /* the connection's end */
    } rows[] = {
        {"HTTP/1.1 200 OK\r\n" LENGTH "\r\n" BODY, KP_TOLD_READ, KP_TOLD_READ},
        {"HTTP/1.0 200\r\ncontent-length:69 \r\n\r\n" BODY, KP_TOLD_READ, KP_TOLD_READ},
        {"HTTP/1.1 200 OK\r\n" LENGTH "\r\n" BODY "more", KP_TOLD_READ, KP_TOLD_READ},
        {"HTTP/1.1 200 OK\r\n" LENGTH "\r\n" BODY "HTTP/1.1 200 OK\r\n" LENGTH "\r\n" BODY,
         KP_TOLD_READ, KP_TOLD_READ},
        {"HTTP/1.1 200 OK\r\n\r\n" BODY, KP_TOLD_MORE, KP_TOLD_READ},
        {"HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n" BODY, KP_TOLD_MORE, KP_TOLD_NOT},
        {"HTTP/1.1 200 OK\r\nContent-Length: 68\r\n\r\n" BODY, KP_TOLD_NOT, KP_TOLD_NOT},
        {"HTTP/1.1 200 OK\r\n" LENGTH LENGTH "\r\n" BODY, KP_TOLD_NOT, KP_TOLD_NOT},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" BODY, KP_TOLD_NOT, KP_TOLD_NOT},
        {"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n" BODY, KP_TOLD_NOT, KP_TOLD_NOT},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" BODY, KP_TOLD_MORE, KP_TOLD_NOT},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" BODY, KP_TOLD_NOT, KP_TOLD_NOT},
        {"HTTP/1.1 200 OK\r\nA : b\r\n" LENGTH "\r\n" BODY, KP_TOLD_NOT, KP_TOLD_NOT},
        {CHUNKS "0\r\n\r\n", KP_TOLD_READ, KP_TOLD_READ},
        {CHUNKS "0\r\nA: b\r\n\r\nmore", KP_TOLD_READ, KP_TOLD_READ},
        {CHUNKS "0\r\n", KP_TOLD_MORE, KP_TOLD_NOT},
        {CHUNKS, KP_TOLD_MORE, KP_TOLD_NOT},
        {CHUNKS "1\r\nx\r\n0\r\n\r\n", KP_TOLD_NOT, KP_TOLD_NOT},
        {CHUNKED BODY, KP_TOLD_NOT, KP_TOLD_NOT},
        {CHUNKED "0x45\r\n" BODY "\r\n0\r\n\r\n", KP_TOLD_NOT, KP_TOLD_NOT},
        {CHUNKED "ffffffffffffffff\r\n" BODY, KP_TOLD_MORE, KP_TOLD_NOT},
        {"HTTP/1.1 200 OK\r\n" LENGTH "Transfer-Encoding: chunked\r\n\r\n45\r\n" BODY
         "\r\n0\r\n\r\n",
         KP_TOLD_NOT, KP_TOLD_NOT},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" BODY, KP_TOLD_NOT, KP_TOLD_NOT},
        {"HTTP/1.1 206 Partial Content\r\n\r\n" BODY, KP_TOLD_NOT, KP_TOLD_NOT},
        {"HTTP/1.1 404 Not Found\r\n\r\n" BODY, KP_TOLD_NOT, KP_TOLD_NOT},
        {"HTTP/1.1 2000 OK\r\n\r\n" BODY, KP_TOLD_NOT, KP_TOLD_NOT},
        {"HTTP/1.1 301 Moved\r\n", KP_TOLD_NOT, KP_TOLD_NOT},
        {"HTTP/0.9 200 OK\r\n\r\n" BODY, KP_TOLD_NOT, KP_TOLD_NOT},
        {"HTTP/2.0 200 OK\r\n\r\n" BODY, KP_TOLD_NOT, KP_TOLD_NOT},
        {"SSH-2.0-OpenSSH_9.2p1\r\n", KP_TOLD_NOT, KP_TOLD_NOT},
        {"HTTP/1.1 200 OK\r\n" LENGTH, KP_TOLD_MORE, KP_TOLD_NOT},
        {"HTTP/1.1 20", KP_TOLD_MORE, KP_TOLD_NOT},
        {"", KP_TOLD_MORE, KP_TOLD_NOT},
        {BODY, KP_TOLD_NOT, KP_TOLD_NOT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (read_text(rows[i].answer, false) != rows[i].before ||
            read_text(rows[i].answer, true) != rows[i].after)
            fail_msg("%s", rows[i].answer);
    }
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nA: b\r\n" LENGTH "\r\n" BODY,
        CHUNKS "0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct kp_told told;
        const char *why;
        size_t whole = strlen(answers[i]);
        for (size_t len = 0; len < whole; len++)
            assert_int_equal(kp_told_read(&told, answers[i], len, false, &why), KP_TOLD_MORE);
        assert_int_equal(kp_told_read(&told, answers[i], whole, false, &why), KP_TOLD_READ);
        assert_string_equal(told.id, "K7F3");
    }
}

static void test_too_long(void **state)
{
    (void)state;
    static char answer[KP_TOLD_MAX + 1] = "HTTP/1.1 200 OK\r\nX: ";
    struct kp_told told;
    const char *why;
    memset(answer + 20, 'x', sizeof answer - 20);
    assert_int_equal(kp_told_read(&told, answer, KP_TOLD_MAX, false, &why), KP_TOLD_MORE);
    assert_int_equal(kp_told_read(&told, answer, KP_TOLD_MAX + 1, false, &why), KP_TOLD_NOT);
}

static void test_longest_body(void **state)
{
    (void)state;
    static char answer[KP_TOLD_MAX] = "HTTP/1.1 200 OK\r\n\r\n" BODY;
    struct kp_told told;
    const char *why;
    size_t len = strlen(answer);
    memset(answer + len, ' ', sizeof answer - len);
    assert_int_equal(kp_told_read(&told, answer, sizeof answer, true, &why), KP_TOLD_READ);
    answer[sizeof answer - 1] = 'x';
    assert_int_equal(kp_told_read(&told, answer, sizeof answer, true, &why), KP_TOLD_NOT);
}

static void test_request(void **state)
{
    (void)state;
    static const struct {
        struct kp_host host;
        const char *line;
    } rows[] = {
        {{"heating.local", "443"}, "\r\nHost: heating.local\r\n"},
        {{"192.0.2.7", "4433"}, "\r\nHost: 192.0.2.7:4433\r\n"},
        {{"::1", "443"}, "\r\nHost: [::1]\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char request[KP_TOLD_REQUEST_LEN];
        size_t len = kp_told_request(request, &rows[i].host);
        assert_int_equal(len, strlen(request));
        assert_ptr_equal(strstr(request, "GET /.well-known/keyplate HTTP/1.1\r\n"), request);
        assert_non_null(strstr(request, rows[i].line));
        assert_string_equal(request + strlen(request) - 4, "\r\n\r\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),     cmocka_unit_test(test_bad),
        cmocka_unit_test(test_lengths),  cmocka_unit_test(test_depth),
        cmocka_unit_test(test_heads),    cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_too_long), cmocka_unit_test(test_longest_body),
        cmocka_unit_test(test_nul_byte), cmocka_unit_test(test_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
