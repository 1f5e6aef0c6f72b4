/* The pages of port 80: what a hostile visitor can put into them (nothing), and what the device's
 * vendor can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/plain_page.h"

#define TEXT(literal) ((struct kp_slice){literal, sizeof literal - 1})
#define ID(literal) .id = (const uint8_t *)literal, .id_len = sizeof literal - 1

static const struct kp_plain_page usual = {
    .kind = KP_PLAIN_NOTICE,
    .host = {"192.168.1.1", 11},
    .target = {"/", 1},
    .versions = KP_USE_TLS12 | KP_USE_TLS13,
    .port = 443,
    ID("heating-7"),
};

/* NUL-terminated and the caller's to free. */
static char *written(const struct kp_plain_page *page)
{
    struct kp_out out = {.at = NULL};
    char *text;
    kp_plain_page_write(&out, page);
    assert_false(out.failed);
    text = malloc(out.len + 1);
    assert_non_null(text);
    memcpy(text, out.at, out.len);
    text[out.len] = '\0';
    assert_int_equal(strlen(text), out.len);
    kp_out_free(&out);
    return text;
}

static const char *body_of(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

static void has(const struct kp_plain_page *page, const char *part)
{
    char *text = written(page);
    if (strstr(text, part) == NULL)
        fail_msg("no %s in:\n%s", part, text);
    free(text);
}

static void has_not(const struct kp_plain_page *page, const char *part)
{
    char *text = written(page);
    if (strcasestr(text, part) != NULL)
        fail_msg("%s is in:\n%s", part, text);
    free(text);
}

/* ---- The response ------------------------------------------------------------------------ */

static void a_whole_response(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct kp_plain_page page = usual;
        page.kind = i % 2;
        page.plain = i / 2;
        char *text = written(&page);
        const char *length = strstr(text, "\r\nContent-Length: ");
        assert_memory_equal(text, "HTTP/1.1 403 Forbidden\r\n", 24);
        assert_non_null(length);
        assert_int_equal(strtoul(length + 18, NULL, 10), strlen(body_of(text)));
        assert_non_null(strstr(text, page.plain
                                         ? "\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                         : "\r\nContent-Type: text/html; charset=utf-8\r\n"));
        free(text);
        has(&page, "\r\nCache-Control: no-store\r\n");
        has(&page, "\r\nVary: X-Keyplate, Cookie\r\n");
        has(&page, "\r\nReferrer-Policy: no-referrer\r\n");
        has(&page, "\r\nX-Content-Type-Options: nosniff\r\n");
        has(&page, "\r\nContent-Security-Policy: default-src 'none'; style-src 'sha256-");
        has(&page,
            "; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n");
        has(&page, "\r\nLink: </.well-known/keyplate>; rel=\"keyplate\"\r\n");
        has(&page, "\r\nConnection: close\r\n");
    }
}

static void it_is_added_to_what_is_there(void **state)
{
    struct kp_out out = {.at = NULL};
    (void)state;
    kp_out_word(&out, "before");
    kp_plain_page_write(&out, &usual);
    assert_false(out.failed);
    assert_memory_equal(out.at, "beforeHTTP/1.1 403", 18);
    kp_out_free(&out);
}

static void the_answer_to_head_is_the_same_without_the_body(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct kp_plain_page page = usual;
        char *whole, *head;
        page.kind = i % 2;
        page.plain = i / 2;
        whole = written(&page);
        page.head_only = true;
        head = written(&page);
        assert_string_equal(body_of(head), "");
        assert_int_equal(strlen(head), body_of(whole) - whole);
        assert_memory_equal(head, whole, strlen(head));
        free(whole);
        free(head);
    }
}

static void the_policy_has_the_hash_of_the_style(void **state)
{
    char *text = written(&usual);
    const char *style = strstr(text, "<style>"), *end = strstr(text, "</style>");
    unsigned char digest[32], hash[64];
    char source[96];
    (void)state;
    assert_true(style != NULL && end != NULL);
    style += 7;
    assert_int_equal(EVP_Digest(style, (size_t)(end - style), digest, NULL, EVP_sha256(), NULL), 1);
    EVP_EncodeBlock(hash, digest, sizeof digest);
    snprintf(source, sizeof source, "style-src 'sha256-%s';", (const char *)hash);
    if (strstr(text, source) == NULL)
        fail_msg("STYLE_HASH has to be \"%s\"", (const char *)hash);
    free(text);
}

static void they_are_small(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct kp_plain_page page = usual;
        char *text;
        page.kind = i % 2;
        page.plain = i / 2;
        text = written(&page);
        assert_true(strlen(text) < 4096);
        free(text);
    }
}

/* ---- What they say ----------------------------------------------------------------------- */

static void they_ask_for_nothing_and_say_so(void **state)
{
    static const char *const never[] = {"<form",   "<input",      "<button",
                                        "<script", "javascript:", "onclick"};
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct kp_plain_page page = usual;
        page.kind = i % 2;
        page.plain = i / 2;
        for (size_t j = 0; j < sizeof never / sizeof never[0]; j++)
            has_not(&page, never[j]);
        has(&page, "This page never asks for a password.");
        has(&page, "fake it");
        has(&page, "keyplate://");
        has(&page, "keyplate open 192.168.1.1");
        has(&page, "TLS 1.2 and 1.3 with a password, port 443, device id ");
        has(&page, "heating-7");
    }
}

static void only_the_notice_has_a_way_on(void **state)
{
    struct kp_plain_page page = usual;
    (void)state;
    has(&page, KP_PLAIN_WAY_ON);
    has(&page, "<a href=");
    page.plain = true;
    has(&page, "\n    http://192.168.1.1/?keyplate-plain=1\n");
    page.kind = KP_PLAIN_EXPLAINS;
    has_not(&page, KP_PLAIN_WAY_ON);
    page.plain = false;
    has_not(&page, KP_PLAIN_WAY_ON);
    has_not(&page, "<a ");
}

static void the_hint_is_there_for_programs(void **state)
{
    struct kp_plain_page page = usual;
    (void)state;
    has(&page, "<meta name=\"keyplate\" content=\"{&quot;keyplate&quot;:1,&quot;versions&quot;:["
               "&quot;1.2&quot;,&quot;1.3&quot;],&quot;port&quot;:443,"
               "&quot;device_id&quot;:&quot;heating-7&quot;}\">");
    page.id_len = 0;
    page.versions = KP_USE_TLS13;
    page.port = 8443;
    has(&page, "TLS 1.3 with a password, port 8443</p>");
}

/* ---- What comes from the visitor --------------------------------------------------------- */

static void leads_to(struct kp_slice target, const char *href)
{
    struct kp_plain_page page = usual;
    char part[256];
    page.target = target;
    snprintf(part, sizeof part, "<a href=\"%s\">", href);
    has(&page, part);
}

static void the_way_on(void **state)
{
    (void)state;
    leads_to(TEXT("/"), "/?keyplate-plain=1");
    leads_to(TEXT("/a/b%20c"), "/a/b%20c?keyplate-plain=1");
    leads_to(TEXT("/a?b"), "/a?b&amp;keyplate-plain=1");
    leads_to(TEXT("/a?"), "/a?&amp;keyplate-plain=1");
    leads_to(TEXT("/a?b=1&c=/d?e"), "/a?b=1&amp;c=/d?e&amp;keyplate-plain=1");
    leads_to(TEXT("/~!$()*+,;=:@[]{}|^`'"), "/~!$()*+,;=:@[]{}|^`&#39;?keyplate-plain=1");
}

static void the_way_on_stays_on_this_host(void **state)
{
    (void)state;
    leads_to(TEXT("//evil.example/"), "/.//evil.example/?keyplate-plain=1");
    leads_to(TEXT("///evil.example"), "/.///evil.example?keyplate-plain=1");
    leads_to(TEXT("//"), "/.//?keyplate-plain=1");
    leads_to(TEXT("/\\evil.example/"), "/%5Cevil.example/?keyplate-plain=1");
    leads_to(TEXT("/\t/evil.example/"), "/%09/evil.example/?keyplate-plain=1");
    leads_to(TEXT("/\r\n/evil.example/"), "/%0D%0A/evil.example/?keyplate-plain=1");
    leads_to(TEXT("http://evil.example/"), "/?keyplate-plain=1");
    leads_to(TEXT("javascript:alert(1)"), "/?keyplate-plain=1");
    leads_to(TEXT("\\\\evil.example/"), "/?keyplate-plain=1");
    leads_to(TEXT(" //evil.example/"), "/?keyplate-plain=1");
    leads_to(TEXT("*"), "/?keyplate-plain=1");
    leads_to(TEXT(""), "/?keyplate-plain=1");
    leads_to((struct kp_slice){NULL, 0}, "/?keyplate-plain=1");
}

static void the_way_on_stays_in_its_attribute(void **state)
{
    struct kp_plain_page page = usual;
    (void)state;
    leads_to(TEXT("/a\"><script>"), "/a%22%3E%3Cscript%3E?keyplate-plain=1");
    leads_to(TEXT("/a#b"), "/a%23b?keyplate-plain=1");
    leads_to(TEXT("/\xc3\xa9\0\x7f "), "/%C3%A9%00%7F%20?keyplate-plain=1");
    leads_to(TEXT("/&lt;"), "/&amp;lt;?keyplate-plain=1");
    page.plain = true;
    page.target = TEXT("/a?b\x1b[2J\r\n&<");
    has(&page, "\n    http://192.168.1.1/a?b%1B[2J%0D%0A&%3C&keyplate-plain=1\n");
}

static void opens(struct kp_slice host, unsigned port, const char *address)
{
    struct kp_plain_page page = usual;
    char part[256];
    page.host = host;
    page.port = port;
    snprintf(part, sizeof part, "<code>keyplate open %s</code>", address);
    has(&page, part);
    page.plain = true;
    snprintf(part, sizeof part, "    keyplate open %s\n", address);
    has(&page, part);
}

static void the_address_to_open(void **state)
{
    (void)state;
    opens(TEXT("192.168.1.1"), 443, "192.168.1.1");
    opens(TEXT("192.168.1.1:80"), 443, "192.168.1.1");
    opens(TEXT("heating.local:8080"), 8443, "heating.local:8443");
    opens(TEXT("[fe80::1]:8080"), 443, "[fe80::1]");
    opens(TEXT("[fe80::1]"), 8443, "[fe80::1]:8443");
}

static void a_host_that_a_shell_would_read_is_not_shown(void **state)
{
    static const char *const bad[] = {"a;reboot", "$(reboot)", "`reboot`", "a b",      "a&b",
                                      "a|b",      "-rf",       "--user=x", "<script>", "a\"b",
                                      "a'b",      "a\nb",      "a:b",      "a:99999",  "[::1",
                                      "[x]",      "a/b",       "u@evil",   "\x1b[2J",  "\xc3\xa9"};
    char longest[300];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        opens((struct kp_slice){bad[i], strlen(bad[i])}, 443, "ADDRESS");
        opens((struct kp_slice){bad[i], strlen(bad[i])}, 8443, "ADDRESS:8443");
    }
    opens(TEXT(""), 443, "ADDRESS");
    opens((struct kp_slice){NULL, 0}, 443, "ADDRESS");
    opens(TEXT("a\0b"), 443, "ADDRESS");
    memset(longest, 'a', sizeof longest);
    opens((struct kp_slice){longest, sizeof longest}, 443, "ADDRESS");
}

static void without_a_host_the_way_on_in_text_is_the_target(void **state)
{
    struct kp_plain_page page = usual;
    (void)state;
    page.plain = true;
    page.host = TEXT("a;reboot");
    has(&page, "\n    /?keyplate-plain=1\n");
    page.host = TEXT("heating.local:8080");
    has(&page, "\n    http://heating.local:8080/?keyplate-plain=1\n");
}

static void a_hostile_id(void **state)
{
    struct kp_plain_page page = usual;
    char id[KP_DEVICE_ID_MAX];
    (void)state;
    page.id = (const uint8_t *)"\"><script>'&\\";
    page.id_len = 13;
    has(&page, "device id <code>&quot;&gt;&lt;script&gt;&#39;&amp;\\</code>");
    has(&page, "&quot;device_id&quot;:&quot;\\&quot;&gt;&lt;script&gt;&#39;&amp;\\\\&quot;}\">");
    has_not(&page, "<script");
    page.plain = true;
    page.id = (const uint8_t *)"\x1b[2J\xc3\xa9";
    page.id_len = 6;
    has(&page, "device id ?[2J\xc3\xa9\n");
    page.plain = false;
    page.id = (const uint8_t *)id;
    for (int byte = 1; byte < 256; byte++) {
        memset(id, byte, sizeof id);
        page.id_len = sizeof id;
        free(written(&page));
    }
}

/* ---- The device's own words -------------------------------------------------------------- */

static void the_devices_own_words_replace_ours(void **state)
{
    struct kp_plain_page page = usual;
    (void)state;
    page.words = "<p lang=\"de\">Gr\xc3\xbc\xc3\x9f Gott</p>";
    for (unsigned i = 0; i < 2; i++) {
        page.kind = i;
        has(&page, "<section><p lang=\"de\">Gr\xc3\xbc\xc3\x9f Gott</p></section>");
        has_not(&page, "Your browser came by plain HTTP");
        has(&page, "keyplate open 192.168.1.1");
        has(&page, "This page never asks for a password.");
    }
    page.kind = KP_PLAIN_NOTICE;
    has(&page, "<a href=\"/?keyplate-plain=1\">");
    page.plain = true;
    has_not(&page, "<p");
    has(&page, "You came by plain HTTP");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_response),
        cmocka_unit_test(it_is_added_to_what_is_there),
        cmocka_unit_test(the_answer_to_head_is_the_same_without_the_body),
        cmocka_unit_test(the_policy_has_the_hash_of_the_style),
        cmocka_unit_test(they_are_small),
        cmocka_unit_test(they_ask_for_nothing_and_say_so),
        cmocka_unit_test(only_the_notice_has_a_way_on),
        cmocka_unit_test(the_hint_is_there_for_programs),
        cmocka_unit_test(the_way_on),
        cmocka_unit_test(the_way_on_stays_on_this_host),
        cmocka_unit_test(the_way_on_stays_in_its_attribute),
        cmocka_unit_test(the_address_to_open),
        cmocka_unit_test(a_host_that_a_shell_would_read_is_not_shown),
        cmocka_unit_test(without_a_host_the_way_on_in_text_is_the_target),
        cmocka_unit_test(a_hostile_id),
        cmocka_unit_test(the_devices_own_words_replace_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
