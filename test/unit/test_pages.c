/* The pages of the loopback face: whole answers, which nothing that a stranger chose gets out of.
 * With KEYPLATE_PAGES=FOLDER in the environment each kind is written there, to be looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "client/pages.h"

#define TEXT(literal) ((struct kp_slice){literal, sizeof literal - 1})

static const struct kp_page usual = {.language = KP_ENGLISH, .name = "heating"};

/* ---- Helpers ----------------------------------------------------------------------------- */

/* NUL-terminated, the caller's to free; out is freed. */
static char *text_of(struct kp_out *out)
{
    char *text = malloc(out->len + 1);
    assert_non_null(text);
    assert_false(out->failed);
    memcpy(text, out->at, out->len);
    text[out->len] = '\0';
    assert_int_equal(strlen(text), out->len);
    kp_out_free(out);
    return text;
}

static const char *body_of(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

static bool head_has(const char *text, const char *line)
{
    char with_ends[1024];
    const char *at;
    snprintf(with_ends, sizeof with_ends, "\r\n%s\r\n", line);
    at = strstr(text, with_ends);
    return at != NULL && at + strlen(line) + 2 < body_of(text);
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no %s in:\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("%s in:\n%s", part, text);
}

/* Every line of the head is "Name: value", and nothing else is in it. */
static void head_is_whole(const char *text)
{
    const char *body = body_of(text), *at = strchr(text, '\n') + 1;
    for (const char *c = text; c < body; c++) {
        assert_true((unsigned char)*c >= 0x20 || *c == '\r' || *c == '\n');
        assert_true((unsigned char)*c < 0x7f);
        assert_true(*c != '\r' || c[1] == '\n');
        assert_true(*c != '\n' || c[-1] == '\r');
    }
    while (at < body - 2) {
        size_t name = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-");
        if (name == 0 || at[name] != ':' || at[name + 1] != ' ')
            fail_msg("not a field: %.40s", at);
        at = strchr(at, '\n') + 1;
    }
}

static void length_is_right(const char *text)
{
    const char *at = strstr(text, "\r\nContent-Length: ");
    assert_non_null(at);
    assert_true(at < body_of(text));
    assert_int_equal(strtoul(at + 18, NULL, 10), strlen(body_of(text)));
}

/* The browser lets the style through that has this hash, and no other. */
static void style_is_allowed(const char *text)
{
    const char *style = strstr(text, "<style>"), *end = strstr(text, "</style>");
    unsigned char digest[32], base64[48];
    char source[80];
    assert_non_null(style);
    assert_non_null(end);
    style += strlen("<style>");
    assert_int_equal(EVP_Digest(style, (size_t)(end - style), digest, NULL, EVP_sha256(), NULL), 1);
    EVP_EncodeBlock(base64, digest, sizeof digest);
    snprintf(source, sizeof source, "style-src 'sha256-%s'", (const char *)base64);
    has(text, source);
}

/* What holds for all that have a body. */
static void is_page(const char *text, unsigned status, enum kp_language language)
{
    char begin[20];
    snprintf(begin, sizeof begin, "HTTP/1.1 %u ", status);
    assert_memory_equal(text, begin, strlen(begin));
    head_is_whole(text);
    length_is_right(text);
    style_is_allowed(text);
    assert_true(head_has(text, "Content-Type: text/html; charset=utf-8"));
    assert_true(head_has(text, "Cache-Control: no-store"));
    assert_true(head_has(text, "X-Content-Type-Options: nosniff"));
    assert_true(head_has(text, "X-Frame-Options: DENY"));
    assert_true(head_has(text, "Cross-Origin-Opener-Policy: same-origin"));
    assert_true(
        head_has(text, language == KP_GERMAN ? "Content-Language: de" : "Content-Language: en"));
    has(text, language == KP_GERMAN ? "<html lang=\"de\">" : "<html lang=\"en\">");
    has(text, "Content-Security-Policy: default-src 'none'; ");
    has(text, "frame-ancestors 'none'; base-uri 'none'\r\n");
    has_not(text, "<script");
    has_not(text, "<input");
}

/* The style is the only place for braces. */
static char *checked(struct kp_out *out, unsigned status, enum kp_language language,
                     const char *file)
{
    char *text = text_of(out), *style, *end;
    const char *folder = getenv("KEYPLATE_PAGES");
    char path[1024], *rest;
    if (folder != NULL) {
        FILE *f;
        snprintf(path, sizeof path, "%s/%s-%s.html", folder, file,
                 language == KP_GERMAN ? "de" : "en");
        f = fopen(path, "w");
        assert_non_null(f);
        fputs(body_of(text), f);
        fclose(f);
    }
    style = strstr(text, "<style>");
    end = strstr(text, "</style>");
    assert_true(style != NULL && end != NULL);
    rest = strdup(text);
    assert_non_null(rest);
    for (char *c = style; c < end; c++)
        if (*c == '{' || *c == '}')
            rest[c - text] = ' ';
    has_not(rest, "{");
    has_not(rest, "}");
    free(rest);
    is_page(text, status, language);
    return text;
}

/* ---- Kinds ------------------------------------------------------------------------------- */

static const struct {
    enum kp_page_kind kind;
    unsigned status;
    const char *part;
} kinds[] = {
    {KP_PAGE_LOGGED_OUT, 403, "Logged out of heating"},
    {KP_PAGE_NOT_IN, 403, "<code>keyplate open heating</code>"},
    {KP_PAGE_PROVING, 503, "http-equiv=\"refresh\" content=\"2;url=/\""},
    {KP_PAGE_BAD_ANSWER, 502, "What heating sent"},
    {KP_PAGE_LATE, 504, "heating took the request"},
    {KP_PAGE_NO_SECRET, 403, "<code>keyplate open heating</code>"},
    {KP_PAGE_NO_SECRET_GET, 403, "<a href=\"/\">"},
    {KP_PAGE_FOREIGN, 403, "<a href=\"/\">"},
    {KP_PAGE_WORKER, 403, "service worker"},
    {KP_PAGE_OTHER_USER, 403, "another user"},
    {KP_PAGE_ASTRAY, 421, "not the device"},
    {KP_PAGE_NOBODY, 421, "by the name of heating"},
    {KP_PAGE_NOT_FOUND, 404, "no such page"},
    {KP_PAGE_METHOD, 405, "button"},
    {KP_PAGE_LINK_USED, 403, "work any more"},
    {KP_PAGE_FULL, 503, "in a moment"},
};

static void every_kind_is_a_page(void **state)
{
    (void)state;
    assert_int_equal(sizeof kinds / sizeof *kinds, KP_PAGES);
    for (size_t i = 0; i < KP_PAGES; i++) {
        for (int language = 0; language < KP_LANGUAGES; language++) {
            struct kp_page page = {.language = (enum kp_language)language, .name = "heating"};
            struct kp_out out = {.at = NULL};
            char file[20], *text;
            snprintf(file, sizeof file, "kind%02zu", i);
            assert_int_equal(kp_page_of(&out, &page, kinds[i].kind), kinds[i].status);
            text = checked(&out, kinds[i].status, page.language, file);
            if (language == KP_ENGLISH)
                has(body_of(text), kinds[i].part);
            has(text, "form-action 'none'");
            assert_true(head_has(text, "Referrer-Policy: no-referrer"));
            assert_int_equal(head_has(text, "Clear-Site-Data: \"cache\", \"cookies\", \"storage\""),
                             kinds[i].kind == KP_PAGE_LOGGED_OUT);
            assert_int_equal(head_has(text, "Allow: POST"), kinds[i].kind == KP_PAGE_METHOD);
            assert_false(head_has(text, "Connection: close"));
            free(text);
        }
    }
}

static void a_page_without_a_name_is_whole(void **state)
{
    const struct kp_page page = {.language = KP_ENGLISH, .closes = true};
    (void)state;
    for (size_t i = 0; i < KP_PAGES; i++) {
        struct kp_out out = {.at = NULL};
        char *text;
        kp_page_of(&out, &page, kinds[i].kind);
        text = checked(&out, kinds[i].status, KP_ENGLISH, "noname");
        has_not(text, "heating");
        has_not(text, "(null)");
        assert_true(head_has(text, "Connection: close"));
        free(text);
    }
}

static void problems_have_their_status(void **state)
{
    static const struct {
        enum kp_http_problem problem;
        unsigned status;
    } problems[] = {{KP_HTTP_MALFORMED, 400},   {KP_HTTP_TOO_LONG, 431}, {KP_HTTP_NO_MEMORY, 503},
                    {KP_HTTP_UNSUPPORTED, 501}, {KP_HTTP_VERSION, 505},  {KP_HTTP_CUT, 400}};
    (void)state;
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        struct kp_out out = {.at = NULL};
        char file[20];
        assert_int_equal(kp_page_of_problem(&out, &usual, problems[i].problem), problems[i].status);
        snprintf(file, sizeof file, "problem%u", problems[i].status);
        free(checked(&out, problems[i].status, KP_ENGLISH, file));
    }
}

/* ---- Trouble ----------------------------------------------------------------------------- */

static char *trouble(const struct kp_trouble *trouble, enum kp_language language, const char *where,
                     const char *file)
{
    const struct kp_page page = {.language = language, .name = "heating"};
    struct kp_out out = {.at = NULL};
    assert_int_equal(kp_page_of_trouble(&out, &page, trouble, where), 502);
    return checked(&out, 502, language, file);
}

static void a_device_that_is_off(void **state)
{
    const struct kp_trouble off = {.error = KP_E_TRUNCATED, .net_error = UV_ETIMEDOUT};
    const struct kp_trouble http = {.error = KP_E_HTTP, .stage = KP_AT_HANDSHAKE};
    char *text;
    (void)state;
    text = trouble(&off, KP_ENGLISH, "192.168.1.1", "off");
    has(text, "The device can&#39;t be reached");
    has(text, "<p>Nothing answers at 192.168.1.1: ");
    has(text, "<a href=\"\">Try again</a>");
    free(text);
    text = trouble(&off, KP_GERMAN, "192.168.1.1", "off");
    has(text, "Das Gerät ist nicht erreichbar");
    free(text);
    text = trouble(&http, KP_ENGLISH, "heating.local:80", "http");
    has(text, "<p>heating.local:80 speaks plain HTTP"); /* an address keeps its letters */
    free(text);
}

static void a_refused_password(void **state)
{
    const struct kp_trouble refused = {.error = KP_E_PROOF,
                                       .committed = true,
                                       .tls13 = true,
                                       .offered = {.id = "\"><script>", .id_given = true}};
    const struct kp_trouble cut = {
        .error = KP_E_TRUNCATED, .committed = true, .stage = KP_AT_HANDSHAKE};
    char *text;
    const char *changed, *between;
    (void)state;
    free(trouble(&refused, KP_GERMAN, "192.168.1.1", "refused"));
    text = trouble(&refused, KP_ENGLISH, "192.168.1.1", "refused");
    has(text, "The password doesn&#39;t fit any more");
    has(text, "<code>keyplate open heating</code>");
    has(text, "the device id &quot;\\x22&gt;&lt;script&gt;&quot;");
    changed = strstr(text, "If it was changed");
    between = strstr(text, "someone may be in between");
    assert_true(changed != NULL && between != NULL && changed < between);
    free(text);
    free(trouble(&cut, KP_GERMAN, "192.168.1.1", "cut"));
    text = trouble(&cut, KP_ENGLISH, "192.168.1.1", "cut");
    has(text, "The device broke off");
    has(text, "<code>keyplate open heating</code>");
    has_not(text, "Try again");
    free(text);
}

static void another_device(void **state)
{
    const struct kp_trouble stranger = {.stranger = true};
    char *text;
    (void)state;
    free(trouble(&stranger, KP_GERMAN, "192.168.1.1", "stranger"));
    text = trouble(&stranger, KP_ENGLISH, "192.168.1.1", "stranger");
    has(text, "This is another device");
    has(text, "Nothing more is sent");
    has(text, "<code>keyplate devices forget heating</code>");
    free(text);
}

static void addresses_are_escaped(void **state)
{
    const struct kp_trouble off = {.error = KP_E_TRUNCATED, .net_error = UV_ETIMEDOUT};
    char *text = trouble(&off, KP_ENGLISH, "<b>\"'&\001\002\n\x7f</b>", "hostile");
    (void)state;
    has(text, "&lt;b&gt;&quot;&#39;&amp;");
    has_not(text, "<b>\"");
    has_not(text, "\x7f");
    free(text);
}

/* ---- Going on ---------------------------------------------------------------------------- */

static const struct {
    struct kp_slice path;
    const char *location, *html; /* html NULL: as location */
} paths[] = {
    {{"/", 1}, "/", NULL},
    {{"/a/b?c=d", 8}, "/a/b?c=d", NULL},
    {{"/a?b&c", 6}, "/a?b&c", "/a?b&amp;c"},
    {{"/'x'", 4}, "/'x'", "/&#39;x&#39;"},
    {{"/\"><script>alert(1)</script>", 28},
     "/%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
     "/%22%3E%3Cscript%3Ealert(1)%3C/script%3E"},
    {{"/a b\\c\xc3\xbc", 8}, "/a%20b%5Cc%C3%BC", NULL},
    {{"/;url=//evil", 12}, "/;url=//evil", NULL},
    {{"/%0d%0aX:%20y", 13}, "/%0d%0aX:%20y", NULL},
    /* None of these stays here, or can be said. */
    {{"//evil.example/", 15}, "/", NULL},
    {{"/\\evil.example/", 15}, "/", NULL},
    {{"/\t/evil.example/", 16}, "/", NULL},
    {{"/a\r\nSet-Cookie: x=y", 20}, "/", NULL},
    {{"/a\nb", 4}, "/", NULL},
    {{"/a\0b", 4}, "/", NULL},
    {{"/a\x7f", 3}, "/", NULL},
    {{"http://evil.example/", 20}, "/", NULL},
    {{"javascript:alert(1)", 19}, "/", NULL},
    {{"", 0}, "/", NULL},
};

static void a_redirect_stays_here(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct kp_out out = {.at = NULL};
        char *text, line[200];
        assert_int_equal(kp_page_see(&out, &usual, paths[i].path, "a=b; Path=/"), 303);
        text = text_of(&out);
        head_is_whole(text);
        length_is_right(text);
        assert_memory_equal(text, "HTTP/1.1 303 See Other\r\n", 24);
        snprintf(line, sizeof line, "Location: %s", paths[i].location);
        assert_true(head_has(text, line));
        assert_true(head_has(text, "Set-Cookie: a=b; Path=/"));
        assert_true(head_has(text, "Cache-Control: no-store"));
        assert_true(head_has(text, "Referrer-Policy: no-referrer"));
        free(text);
    }
}

static void a_page_goes_on_by_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const char *html = paths[i].html != NULL ? paths[i].html : paths[i].location;
        struct kp_out out = {.at = NULL};
        char *text, part[300];
        assert_int_equal(kp_page_go_on(&out, &usual, paths[i].path, "a=b"), 200);
        text = checked(&out, 200, KP_ENGLISH, "goon");
        snprintf(part, sizeof part, "<meta http-equiv=\"refresh\" content=\"0;url=%s\">", html);
        has(text, part);
        snprintf(part, sizeof part, "<a href=\"%s\">Go on</a>", html);
        has(text, part);
        assert_true(head_has(text, "Set-Cookie: a=b"));
        free(text);
    }
}

static void a_cookie_is_one_field(void **state)
{
    struct kp_out out = {.at = NULL};
    char *text;
    (void)state;
    kp_page_see(&out, &usual, TEXT("/"), "a=b\r\nX-Evil: 1");
    text = text_of(&out);
    has_not(text, "X-Evil");
    free(text);
    kp_page_see(&out, &usual, TEXT("/"), NULL);
    text = text_of(&out);
    has_not(text, "Set-Cookie");
    free(text);
    kp_page_see_other(&out, &usual, "http://heating.localhost:1/.keyplate/open/ab/");
    text = text_of(&out);
    assert_true(head_has(text, "Location: http://heating.localhost:1/.keyplate/open/ab/"));
    free(text);
    kp_page_see_other(&out, &usual, "http://x/\r\nX-Evil: 1");
    text = text_of(&out);
    has_not(text, "X-Evil");
    free(text);
}

/* ---- The list ---------------------------------------------------------------------------- */

static struct kp_site_facts device(const char *name, enum kp_site_state state)
{
    uint64_t now = (uint64_t)time(NULL);
    struct kp_site_facts facts = {.name = name,
                                  .where = "192.168.1.1:8443",
                                  .user = "admin",
                                  .id = "K7F3",
                                  .seen = now - 3 * 86400,
                                  .state = (uint8_t)state,
                                  .saved = true};
    if (state == KP_SITE_IN) {
        facts.protocol = "TLSv1.3";
        facts.proof = "spake2plus";
        facts.since = now - 300;
    }
    return facts;
}

static char *list_of(const struct kp_site_facts *facts, size_t count, enum kp_language language,
                     const char *fault, const char *file)
{
    const struct kp_page page = {.language = language};
    struct kp_page_list list;
    struct kp_out out = {.at = NULL};
    kp_page_list_begin(&list, &page);
    for (size_t i = 0; i < count; i++)
        kp_page_list_row(&list, &facts[i]);
    assert_int_equal(kp_page_list_end(&list, &out, fault), 200);
    return checked(&out, 200, language, file);
}

#define FORM(action, name) "<form method=\"post\" action=\"/.keyplate/" action "?name=" name "\">"

static void the_list_has_its_buttons(void **state)
{
    struct kp_site_facts facts[] = {device("heating", KP_SITE_IN), device("nas", KP_SITE_OUT),
                                    device("router", KP_SITE_REFUSED),
                                    device("printer", KP_SITE_STRANGER),
                                    device("camera-in-the-hall", KP_SITE_PROVING)};
    char *text;
    (void)state;
    facts[4].saved = false;
    free(list_of(facts, 5, KP_GERMAN, NULL, "list"));
    text = list_of(facts, 5, KP_ENGLISH, NULL, "list");
    has(text, FORM("open", "heating"));
    has(text, FORM("logout", "heating"));
    has(text, FORM("forget", "heating"));
    has_not(text, FORM("open", "nas"));
    has_not(text, FORM("logout", "nas"));
    has(text, FORM("forget", "nas"));
    has(text, "<code>keyplate open nas</code>");
    has_not(text, FORM("open", "router"));
    has(text, FORM("logout", "router"));
    has_not(text, FORM("open", "printer"));
    has(text, FORM("logout", "camera-in-the-hall"));
    has_not(text, FORM("forget", "camera-in-the-hall"));
    has(text, "TLSv1.3");
    has(text, "5 min ago (20");
    has(text, " UTC)");
    has(text, "3 days ago");
    /* A form's Origin has to be there, and opening leads to another origin. */
    assert_true(head_has(text, "Referrer-Policy: same-origin"));
    has(text, "form-action 'self' http://*.localhost:*;");
    free(text);
}

static void an_empty_list_says_what_to_do(void **state)
{
    char *text;
    (void)state;
    free(list_of(NULL, 0, KP_GERMAN, NULL, "empty"));
    text = list_of(NULL, 0, KP_ENGLISH, NULL, "empty");
    has(text, "<code>keyplate open ADDRESS</code>");
    free(text);
    text = list_of(NULL, 0, KP_ENGLISH, "<x>: it is damaged", "fault");
    has(text, "&lt;x&gt;: it is damaged.");
    has_not(text, "keyplate open ADDRESS");
    free(text);
}

static void strangers_texts_are_escaped(void **state)
{
    struct kp_site_facts facts = device("heating", KP_SITE_IN);
    char *text;
    (void)state;
    facts.user = "<b onclick=\"x\">'&\001\002\n\xff";
    facts.where = "\"><img src=x>";
    text = list_of(&facts, 1, KP_ENGLISH, NULL, "hostile-list");
    has(text, "&lt;b onclick=\\x22x\\x22&gt;&#39;&amp;\\x01\\x02\\x0a\\xff");
    has(text, "\\x22&gt;&lt;img src=x&gt;");
    has_not(text, "<b onclick");
    has_not(text, "<img");
    free(text);
}

static void a_thousand_devices_fit(void **state)
{
    struct kp_site_facts *facts = calloc(KP_SAVED_MAX, sizeof *facts);
    char *text;
    (void)state;
    assert_non_null(facts);
    for (size_t i = 0; i < KP_SAVED_MAX; i++)
        facts[i] = device("heating", KP_SITE_IN);
    text = list_of(facts, KP_SAVED_MAX, KP_GERMAN, NULL, "thousand");
    assert_true(strlen(text) < 2 * 1024 * 1024);
    free(text);
    free(facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_a_page),
        cmocka_unit_test(a_page_without_a_name_is_whole),
        cmocka_unit_test(problems_have_their_status),
        cmocka_unit_test(a_device_that_is_off),
        cmocka_unit_test(a_refused_password),
        cmocka_unit_test(another_device),
        cmocka_unit_test(addresses_are_escaped),
        cmocka_unit_test(a_redirect_stays_here),
        cmocka_unit_test(a_page_goes_on_by_itself),
        cmocka_unit_test(a_cookie_is_one_field),
        cmocka_unit_test(the_list_has_its_buttons),
        cmocka_unit_test(an_empty_list_says_what_to_do),
        cmocka_unit_test(strangers_texts_are_escaped),
        cmocka_unit_test(a_thousand_devices_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
