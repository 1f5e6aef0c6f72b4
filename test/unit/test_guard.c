/*
 * gateway/client/guard: which requests of a browser at the loopback face may go to a device.  Each
 * rule has a head that it lets pass and heads that it refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/guard.h"
#include "http/parser.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

#define OWN "heating.localhost:28443"
#define OTHER "1111111111111111111111111111111111111111111111111111111111111111"
#define SECRET "00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab"
#define COOKIE "Cookie: " KP_GUARD_COOKIE "=" SECRET "\r\n"
#define FIELD KP_GUARD_FIELD ": " SECRET "\r\n"
#define HOST "Host: " OWN "\r\n"

static void fill_secret(uint8_t secret[KP_GUARD_SECRET_LEN])
{
    static const uint8_t piece[4] = {0x00, 0xff, 0x10, 0xab};
    for (size_t i = 0; i < KP_GUARD_SECRET_LEN; i++)
        secret[i] = piece[i % 4];
}

static struct kp_http_head *head_of(const char *text)
{
    struct kp_http_parser parser;
    struct kp_http_head *head = NULL;
    size_t used;
    kp_http_parser_init(&parser, KP_HTTP_REQUEST);
    if (kp_http_parse(&parser, (const uint8_t *)text, strlen(text), &used) == KP_HTTP_HEAD)
        head = kp_http_parser_take_head(&parser);
    kp_http_parser_clear(&parser);
    if (head == NULL)
        fail_msg("the parser doesn't take this head:\n%s", text);
    return head;
}

/* ---- The host ---------------------------------------------------------------------------- */

static const struct {
    const char *host;
    unsigned port;
    const char *name; /* NULL: it is none of ours */
} hosts[] = {
    {"heating.localhost:28443", 28443, "heating"},
    {"HEATING.LocalHost:28443", 28443, "heating"},
    {"keyplate.localhost:28443", 28443, "keyplate"},
    {"a-1.localhost:1", 1, "a-1"},
    {"heating.localhost", 80, "heating"},
    {"heating.localhost:80", 80, "heating"},
    {"a23456789012345678901234567890123456789012345678901234567890123.localhost:5", 5,
     "a23456789012345678901234567890123456789012345678901234567890123"},
    {"a234567890123456789012345678901234567890123456789012345678901234.localhost:5", 5, NULL},
    {"heating.localhost", 28443, NULL},
    {"heating.localhost:", 80, NULL},
    {"heating.localhost:28444", 28443, NULL},
    {"heating.localhost:2844", 28443, NULL},
    {"heating.localhost:0443", 443, NULL},
    {"heating.localhost.:28443", 28443, NULL},
    {"heating.localhost:443", 443, "heating"},
    {"heating.localhost", 443, NULL},
    {".localhost:28443", 28443, NULL},
    {"localhost:28443", 28443, NULL},
    {"127.0.0.1:28443", 28443, NULL},
    {"[::1]:28443", 28443, NULL},
    {"evil.heating.localhost:28443", 28443, NULL},
    {"heating.localhost.evil:28443", 28443, NULL},
    {"heatingxlocalhost:28443", 28443, NULL},
    {"heating.evil:28443", 28443, NULL},
    {"-heating.localhost:28443", 28443, NULL},
    {"heating-.localhost:28443", 28443, NULL},
    {"heat_ing.localhost:28443", 28443, NULL},
    {"heat%69ng.localhost:28443", 28443, NULL},
    {"", 80, NULL},
};

static void host_is_named_exactly(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(hosts); i++) {
        char text[256], name[KP_SAVED_NAME_LEN] = "";
        struct kp_http_head *head;
        bool ours;
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i].host);
        head = head_of(text);
        ours = kp_guard_name(head, hosts[i].port, name);
        if (ours != (hosts[i].name != NULL))
            fail_msg("%s at %u", hosts[i].host, hosts[i].port);
        if (ours)
            assert_string_equal(name, hosts[i].name);
        kp_http_head_free(head);
    }
}

static void absolute_target_and_host_agree(void **state)
{
    static const struct {
        const char *text;
        bool ours;
    } rows[] = {
        {"GET http://" OWN "/ HTTP/1.1\r\nHost: Heating.localhost:28443\r\n\r\n", true},
        {"GET http://" OWN "/ HTTP/1.0\r\n\r\n", true},
        {"GET http://" OWN "/ HTTP/1.1\r\nHost: evil\r\n\r\n", false},
        {"GET http://" OWN "/ HTTP/1.1\r\nHost: healing.localhost:28443\r\n\r\n", false},
        {"GET http://" OWN "/ HTTP/1.1\r\nHost:\r\n\r\n", false},
        {"GET http://evil/ HTTP/1.1\r\n" HOST "\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
    };
    uint8_t secret[KP_GUARD_SECRET_LEN];
    char name[KP_SAVED_NAME_LEN];
    (void)state;
    fill_secret(secret);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct kp_http_head *head = head_of(rows[i].text);
        assert_int_equal(kp_guard_name(head, 28443, name), rows[i].ours);
        assert_int_equal(kp_guard_judge(head, OWN, secret),
                         rows[i].ours ? KP_GUARD_NO_SECRET : KP_GUARD_ASTRAY);
        kp_http_head_free(head);
    }
}

/* ---- The verdict ------------------------------------------------------------------------- */

#define SITE(what) "Sec-Fetch-Site: " what "\r\n"
#define MODE(what) "Sec-Fetch-Mode: " what "\r\n"
#define DEST(what) "Sec-Fetch-Dest: " what "\r\n"
#define ORIGIN(what) "Origin: " what "\r\n"
#define NAVIGATE MODE("navigate") DEST("document")

/* GET / with the right Host and these fields. */
static const struct {
    const char *fields;
    enum kp_guard_verdict verdict;
} gets[] = {
    /* The secret in the cookie. */
    {COOKIE, KP_GUARD_PASS},
    {"", KP_GUARD_NO_SECRET},
    {"Cookie: a=b; " KP_GUARD_COOKIE "=" SECRET " ;c=d\r\n", KP_GUARD_PASS},
    {"Cookie: a=b\r\n" COOKIE, KP_GUARD_PASS},
    {"cOOkie:" KP_GUARD_COOKIE "=" SECRET "\r\n", KP_GUARD_PASS},
    {"Cookie: " KP_GUARD_COOKIE "=" OTHER "\r\n", KP_GUARD_NO_SECRET},
    {"Cookie: " KP_GUARD_COOKIE "=\r\n", KP_GUARD_NO_SECRET},
    {"Cookie: " KP_GUARD_COOKIE "\r\n", KP_GUARD_NO_SECRET},
    {"Cookie: " KP_GUARD_COOKIE "=" SECRET "0\r\n", KP_GUARD_NO_SECRET},
    {"Cookie: " KP_GUARD_COOKIE "=\"" SECRET "\"\r\n", KP_GUARD_NO_SECRET},
    {"Cookie: " KP_GUARD_COOKIE
     "=00FF10AB00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab\r\n",
     KP_GUARD_NO_SECRET},
    {"Cookie: __host-keyplate=" SECRET "\r\n", KP_GUARD_NO_SECRET},
    {"Cookie: keyplate=" SECRET "\r\n", KP_GUARD_NO_SECRET},
    {"Cookie: x" KP_GUARD_COOKIE "=" SECRET "\r\n", KP_GUARD_NO_SECRET},
    {"Cookie: a=" KP_GUARD_COOKIE "=" SECRET "\r\n", KP_GUARD_NO_SECRET},
    /* Several: every one must be right. */
    {"Cookie: " KP_GUARD_COOKIE "=" SECRET "; " KP_GUARD_COOKIE "=" SECRET "\r\n", KP_GUARD_PASS},
    {"Cookie: " KP_GUARD_COOKIE "=" SECRET "; " KP_GUARD_COOKIE "=" OTHER "\r\n",
     KP_GUARD_NO_SECRET},
    {"Cookie: " KP_GUARD_COOKIE "=" OTHER "\r\n" COOKIE, KP_GUARD_NO_SECRET},
    {COOKIE "Cookie: " KP_GUARD_COOKIE "=x\r\n", KP_GUARD_NO_SECRET},
    /* Ahead of anybody's going there: only what the device's own page wants. */
    {COOKIE SITE("none") NAVIGATE "Sec-Purpose: prefetch;prerender\r\n", KP_GUARD_FOREIGN},
    {FIELD SITE("none") NAVIGATE "Sec-Purpose: prefetch\r\n", KP_GUARD_FOREIGN},
    {COOKIE SITE("same-site") NAVIGATE "Sec-Purpose: prefetch\r\n", KP_GUARD_FOREIGN},
    {COOKIE "Sec-Purpose: \r\n", KP_GUARD_FOREIGN},
    {COOKIE SITE("none") "Purpose: prefetch\r\n", KP_GUARD_FOREIGN},
    {COOKIE SITE("none") "X-Moz: prefetch\r\n", KP_GUARD_FOREIGN},
    {COOKIE SITE("same-origin") "Sec-Purpose: prefetch\r\n", KP_GUARD_PASS},
    {COOKIE SITE("same-origin") SITE("none") "Sec-Purpose: prefetch\r\n", KP_GUARD_FOREIGN},
    /* Or in the field. */
    {FIELD, KP_GUARD_PASS_MARK},
    {"x-keyplate-SECRET: " SECRET "\r\n", KP_GUARD_PASS_MARK},
    {COOKIE FIELD, KP_GUARD_PASS},
    {"Cookie: " KP_GUARD_COOKIE "=" OTHER "\r\n" FIELD, KP_GUARD_PASS_MARK},
    {COOKIE KP_GUARD_FIELD ": " OTHER "\r\n", KP_GUARD_PASS},
    {KP_GUARD_FIELD ": " OTHER "\r\n", KP_GUARD_NO_SECRET},
    {FIELD KP_GUARD_FIELD ": " OTHER "\r\n", KP_GUARD_NO_SECRET},
    {KP_GUARD_FIELD ": " OTHER "\r\n" FIELD, KP_GUARD_NO_SECRET},
    {KP_GUARD_FIELD ":\r\n", KP_GUARD_NO_SECRET},
    {"X_Keyplate_Secret: " SECRET "\r\n", KP_GUARD_NO_SECRET},
    {"Authorization: " SECRET "\r\n", KP_GUARD_NO_SECRET},
    /* Whose page makes it. */
    {COOKIE SITE("same-origin"), KP_GUARD_PASS},
    {COOKIE SITE("none"), KP_GUARD_PASS},
    {COOKIE SITE("same-origin") MODE("cors") DEST("empty"), KP_GUARD_PASS},
    {COOKIE SITE("same-site"), KP_GUARD_FOREIGN},
    {COOKIE SITE("cross-site"), KP_GUARD_FOREIGN},
    {COOKIE SITE("Same-Origin"), KP_GUARD_FOREIGN},
    {COOKIE SITE("none, none"), KP_GUARD_FOREIGN},
    {COOKIE SITE(""), KP_GUARD_FOREIGN},
    {COOKIE "Service-Worker: script\r\n", KP_GUARD_WORKER},
    {COOKIE SITE("same-origin") "service-worker: x\r\n", KP_GUARD_WORKER},
    {COOKIE SITE("none") SITE("same-origin"), KP_GUARD_PASS},
    {COOKIE SITE("none") SITE("cross-site"), KP_GUARD_FOREIGN},
    {COOKIE SITE("cross-site") SITE("none"), KP_GUARD_FOREIGN},
    {FIELD SITE("cross-site") MODE("cors"), KP_GUARD_FOREIGN},
    {SITE("cross-site"), KP_GUARD_FOREIGN},
    /* A link. */
    {COOKIE SITE("cross-site") NAVIGATE, KP_GUARD_PASS},
    {COOKIE SITE("same-site") NAVIGATE, KP_GUARD_PASS},
    /* The field is added to that, too, where the cookie is kept back: it doesn't count. */
    {FIELD SITE("cross-site") NAVIGATE, KP_GUARD_NO_SECRET},
    {FIELD SITE("same-site") NAVIGATE, KP_GUARD_NO_SECRET},
    {FIELD SITE("none") SITE("cross-site") NAVIGATE, KP_GUARD_NO_SECRET},
    {FIELD SITE("Same-Origin") NAVIGATE, KP_GUARD_NO_SECRET},
    {FIELD SITE("") NAVIGATE, KP_GUARD_NO_SECRET},
    {FIELD SITE("none") NAVIGATE, KP_GUARD_PASS_MARK},
    {FIELD SITE("same-origin") NAVIGATE, KP_GUARD_PASS_MARK},
    {FIELD SITE("same-origin") SITE("none"), KP_GUARD_PASS_MARK},
    {FIELD NAVIGATE, KP_GUARD_PASS_MARK},
    {COOKIE FIELD SITE("cross-site") NAVIGATE, KP_GUARD_PASS},
    {"Cookie: " KP_GUARD_COOKIE "=" OTHER "\r\n" FIELD SITE("cross-site") NAVIGATE,
     KP_GUARD_NO_SECRET},
    {SITE("cross-site") NAVIGATE, KP_GUARD_NO_SECRET},
    {COOKIE SITE("cross-site") MODE("navigate"), KP_GUARD_FOREIGN},
    {COOKIE SITE("cross-site") DEST("document"), KP_GUARD_FOREIGN},
    {COOKIE SITE("cross-site") MODE("no-cors") DEST("document"), KP_GUARD_FOREIGN},
    {COOKIE SITE("cross-site") MODE("navigate") DEST("iframe"), KP_GUARD_FOREIGN},
    {COOKIE SITE("cross-site") MODE("navigate") DEST("object"), KP_GUARD_FOREIGN},
    {COOKIE SITE("cross-site") NAVIGATE DEST("iframe"), KP_GUARD_FOREIGN},
    {COOKIE SITE("cross-site") MODE("cors") NAVIGATE, KP_GUARD_FOREIGN},
    {COOKIE SITE("cross-site") NAVIGATE ORIGIN("https://evil"), KP_GUARD_FOREIGN},
    {COOKIE SITE("cross-site") NAVIGATE ORIGIN("null"), KP_GUARD_FOREIGN},
    /* Origin. */
    {COOKIE ORIGIN("http://" OWN), KP_GUARD_PASS},
    {COOKIE ORIGIN("http://" OWN) SITE("same-origin"), KP_GUARD_PASS},
    {COOKIE ORIGIN("https://" OWN), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("http://heating.localhost"), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("http://heating.localhost:28444"), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("http://" OWN "/"), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("http://" OWN ".evil"), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("http://" OWN " http://evil"), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("http://a.localhost:28443"), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("http://evil"), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("chrome-extension://abcdefghijklmnop"), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN(""), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("http://" OWN) ORIGIN("http://evil"), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("http://evil") ORIGIN("http://" OWN), KP_GUARD_FOREIGN},
    {COOKIE "oRIGIN: http://evil\r\n", KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("null") SITE("same-origin"), KP_GUARD_PASS},
    {COOKIE ORIGIN("null"), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("null") SITE("none"), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("null") SITE("same-origin") SITE("none"), KP_GUARD_FOREIGN},
    {COOKIE ORIGIN("NULL") SITE("same-origin"), KP_GUARD_FOREIGN},
    /* WebSocket is no other. */
    {COOKIE "Connection: upgrade\r\nUpgrade: websocket\r\n" ORIGIN("http://" OWN), KP_GUARD_PASS},
    {COOKIE "Connection: upgrade\r\nUpgrade: websocket\r\n" ORIGIN("http://evil"),
     KP_GUARD_FOREIGN},
};

static enum kp_guard_verdict judge(const char *line, const char *fields, const char *own)
{
    char text[2048];
    uint8_t secret[KP_GUARD_SECRET_LEN];
    enum kp_guard_verdict verdict;
    struct kp_http_head *head;
    fill_secret(secret);
    snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: %s\r\n%s\r\n", line, own, fields);
    head = head_of(text);
    verdict = kp_guard_judge(head, own, secret);
    kp_http_head_free(head);
    return verdict;
}

static void requests_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(gets); i++) {
        enum kp_guard_verdict verdict = judge("GET /", gets[i].fields, OWN);
        if (verdict != gets[i].verdict)
            fail_msg("%d, not %d:\n%s", (int)verdict, (int)gets[i].verdict, gets[i].fields);
    }
}

static void methods_of_links(void **state)
{
    static const char link[] = COOKIE SITE("cross-site") NAVIGATE;
    (void)state;
    assert_int_equal(judge("HEAD /", link, OWN), KP_GUARD_PASS);
    assert_int_equal(judge("POST /", link, OWN), KP_GUARD_FOREIGN);
    assert_int_equal(judge("PUT /", link, OWN), KP_GUARD_FOREIGN);
    assert_int_equal(judge("OPTIONS *", link, OWN), KP_GUARD_FOREIGN);
    assert_int_equal(judge("POST /", COOKIE SITE("same-origin"), OWN), KP_GUARD_PASS);
    assert_int_equal(judge("POST /", COOKIE, OWN), KP_GUARD_PASS);
}

static void host_is_judged_again(void **state)
{
    uint8_t secret[KP_GUARD_SECRET_LEN];
    struct kp_http_head *head = head_of("GET / HTTP/1.1\r\n" HOST COOKIE "\r\n");
    (void)state;
    fill_secret(secret);
    assert_int_equal(kp_guard_judge(head, OWN, secret), KP_GUARD_PASS);
    assert_int_equal(kp_guard_judge(head, "a.localhost:28443", secret), KP_GUARD_ASTRAY);
    assert_int_equal(kp_guard_judge(head, "heating.localhost:28444", secret), KP_GUARD_ASTRAY);
    secret[31] ^= 1;
    assert_int_equal(kp_guard_judge(head, OWN, secret), KP_GUARD_NO_SECRET);
    kp_http_head_free(head);
}

static void usual_port_can_be_left_out(void **state)
{
    static const char own[] = "heating.localhost:80";
    uint8_t secret[KP_GUARD_SECRET_LEN];
    struct kp_http_head *head = head_of("GET / HTTP/1.1\r\nHost: heating.localhost\r\n" COOKIE
                                        "Origin: http://heating.localhost\r\n\r\n");
    (void)state;
    fill_secret(secret);
    assert_int_equal(kp_guard_judge(head, own, secret), KP_GUARD_PASS);
    assert_int_equal(kp_guard_judge(head, "heating.localhost:8080", secret), KP_GUARD_ASTRAY);
    kp_http_head_free(head);
    assert_int_equal(judge("GET /", COOKIE ORIGIN("http://heating.localhost"), own), KP_GUARD_PASS);
    assert_int_equal(judge("GET /", COOKIE ORIGIN("http://heating.localhost:80"), own),
                     KP_GUARD_PASS);
    assert_int_equal(judge("GET /", COOKIE ORIGIN("http://heating.localhost:8"), own),
                     KP_GUARD_FOREIGN);
    assert_int_equal(
        judge("GET /", COOKIE ORIGIN("http://heating.localhost:8"), "heating.localhost:8080"),
        KP_GUARD_FOREIGN);
}

/* ---- Links ------------------------------------------------------------------------------- */

static void links_are_let_in_from_anywhere(void **state)
{
    static const char link[] = "GET /.keyplate/open/" SECRET "/";
    (void)state;
    assert_int_equal(judge(link, "", OWN), KP_GUARD_LINK);
    assert_int_equal(judge(link, SITE("none") NAVIGATE, OWN), KP_GUARD_LINK);
    assert_int_equal(judge(link, SITE("cross-site") NAVIGATE, OWN), KP_GUARD_LINK);
    assert_int_equal(judge(link, COOKIE, OWN), KP_GUARD_LINK);
    assert_int_equal(judge("GET /.keyplate/open/", "", OWN), KP_GUARD_LINK);
    /* All that isn't a person who opens it needs what others need. */
    assert_int_equal(judge(link, ORIGIN("http://evil"), OWN), KP_GUARD_FOREIGN);
    assert_int_equal(judge(link, ORIGIN("http://" OWN), OWN), KP_GUARD_NO_SECRET);
    assert_int_equal(judge(link, SITE("cross-site") MODE("no-cors") DEST("image"), OWN),
                     KP_GUARD_FOREIGN);
    assert_int_equal(judge(link, SITE("cross-site") MODE("navigate") DEST("iframe"), OWN),
                     KP_GUARD_FOREIGN);
    assert_int_equal(judge(link, SITE("same-origin") MODE("cors"), OWN), KP_GUARD_NO_SECRET);
    assert_int_equal(judge("POST /.keyplate/open/" SECRET "/", "", OWN), KP_GUARD_NO_SECRET);
    assert_int_equal(judge("HEAD /.keyplate/open/" SECRET "/", "", OWN), KP_GUARD_NO_SECRET);
    assert_int_equal(judge("GET /.keyplate/logout", "", OWN), KP_GUARD_NO_SECRET);
    assert_int_equal(judge("GET /.keyplate/logout", COOKIE, OWN), KP_GUARD_PASS);
    assert_int_equal(judge("GET /.Keyplate/open/" SECRET "/", "", OWN), KP_GUARD_NO_SECRET);
    assert_int_equal(judge("GET /x/.keyplate/open/" SECRET "/", "", OWN), KP_GUARD_NO_SECRET);
}

static void links_have_a_token_and_a_path(void **state)
{
    static const struct {
        const char *target;
        const char *path; /* NULL: it isn't well-formed */
    } rows[] = {
        {"/.keyplate/open/" SECRET "/", "/"},
        {"/.keyplate/open/" SECRET "/a/b?c=d", "/a/b?c=d"},
        {"/.keyplate/open/" SECRET "/?x", "/?x"},
        {"/.keyplate/open/" SECRET "/.//evil", "/.//evil"},
        {"/.keyplate/open/" SECRET "//evil", NULL},
        {"/.keyplate/open/" SECRET "/\\evil", NULL},
        {"/.keyplate/open/" SECRET "\\evil", NULL},
        {"/.keyplate/open/" SECRET, NULL},
        {"/.keyplate/open/" SECRET "?x", NULL},
        {"/.keyplate/open/" SECRET "0/", NULL},
        {"/.keyplate/open/" SECRET "@evil/", NULL},
        {"/.keyplate/open/0ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab/", NULL},
        {"/.keyplate/open/00FF10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab/", NULL},
        {"/.keyplate/open/00gf10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab/", NULL},
        {"/.keyplate/open//", NULL},
        {"/.keyplate/", NULL},
        {"/", NULL},
    };
    uint8_t secret[KP_GUARD_SECRET_LEN], token[KP_GUARD_SECRET_LEN];
    (void)state;
    fill_secret(secret);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[512];
        struct kp_slice path;
        struct kp_http_head *head;
        bool fine;
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" HOST "\r\n", rows[i].target);
        head = head_of(text);
        fine = kp_guard_link(head, token, &path);
        if (fine != (rows[i].path != NULL))
            fail_msg("%s", rows[i].target);
        if (fine) {
            assert_int_equal(path.len, strlen(rows[i].path));
            assert_memory_equal(path.at, rows[i].path, path.len);
            assert_memory_equal(token, secret, sizeof token);
        }
        kp_http_head_free(head);
    }
}

static void secret_as_text(void **state)
{
    uint8_t secret[KP_GUARD_SECRET_LEN];
    char hex[2 * KP_GUARD_SECRET_LEN + 1];
    (void)state;
    fill_secret(secret);
    kp_guard_hex(hex, secret);
    assert_string_equal(hex, SECRET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_is_named_exactly),
        cmocka_unit_test(absolute_target_and_host_agree),
        cmocka_unit_test(requests_are_judged),
        cmocka_unit_test(methods_of_links),
        cmocka_unit_test(host_is_judged_again),
        cmocka_unit_test(usual_port_can_be_left_out),
        cmocka_unit_test(links_are_let_in_from_anywhere),
        cmocka_unit_test(links_have_a_token_and_a_path),
        cmocka_unit_test(secret_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
