/* What a visit's pages may do: navigation, the content policy, names of files. */
#include "visit_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum how { BY_PAGE = 0, BY_PERSON = 1, NEW_WINDOW = 2, POST = 4 };

struct row {
    const char *host;
    guint16 port;
    const char *uri;
    unsigned how;
    enum kp_policy want;
};

#define V4 "192.168.1.1", 443
#define PORT "192.168.1.1", 8443
#define V6 "[FE80:0::0:1%eth0]", 443
#define NAME "Heating.local", 443

static const struct row rows[] = {
    /* The device's own. */
    {V4, "https://192.168.1.1/", BY_PAGE, KP_POLICY_LOAD},
    {V4, "https://192.168.1.1:443/a?b#c", BY_PAGE, KP_POLICY_LOAD},
    {V4, "https://192.168.1.1/", POST, KP_POLICY_LOAD},
    {V4, "https://192.168.1.1/", NEW_WINDOW | BY_PERSON, KP_POLICY_LOAD},
    {V4, "https://192.168.1.1/", NEW_WINDOW, KP_POLICY_NOTHING},
    {V4, "https://me:pw@192.168.1.1/", BY_PAGE, KP_POLICY_LOAD},
    {PORT, "https://192.168.1.1:8443/", BY_PAGE, KP_POLICY_LOAD},
    {V6, "https://[fe80::1]/", BY_PAGE, KP_POLICY_LOAD},
    {NAME, "https://heating.local/x", BY_PAGE, KP_POLICY_LOAD},
    {NAME, "https://HEATING.local/x", BY_PAGE, KP_POLICY_LOAD},
    /* Another port or host is another origin. */
    {V4, "https://192.168.1.1:8443/", BY_PAGE, KP_POLICY_NOTHING},
    {PORT, "https://192.168.1.1/", BY_PAGE, KP_POLICY_NOTHING},
    {V4, "https://192.168.1.10/", BY_PAGE, KP_POLICY_NOTHING},
    {V4, "https://192.168.1.1.evil.example/", BY_PAGE, KP_POLICY_NOTHING},
    {V4, "https://192.168.1.1@evil.example/", BY_PAGE, KP_POLICY_NOTHING},
    {V4, "https://192.168.1.1@evil.example/", BY_PERSON, KP_POLICY_OUTSIDE},
    {V4, "https://evil.example/?https://192.168.1.1/", BY_PAGE, KP_POLICY_NOTHING},
    {V4, "https://127.0.0.1/", BY_PAGE, KP_POLICY_NOTHING},
    {NAME, "https://heating.local./", BY_PAGE, KP_POLICY_NOTHING},
    {V6, "https://[fe80::2]/", BY_PAGE, KP_POLICY_NOTHING},
    /* A link that is followed; a form that is sent there is not. */
    {V4, "https://example.org/", BY_PERSON, KP_POLICY_OUTSIDE},
    {V4, "https://example.org/", BY_PERSON | NEW_WINDOW, KP_POLICY_OUTSIDE},
    {V4, "https://example.org/", BY_PERSON | POST, KP_POLICY_NOTHING},
    {V4, "https://192.168.1.1:8443/", BY_PERSON, KP_POLICY_OUTSIDE},
    {V4, "http://example.org/", BY_PERSON, KP_POLICY_OUTSIDE},
    {V4, "http://example.org/", BY_PAGE, KP_POLICY_NOTHING},
    {V4, "mailto:help@example.org", BY_PERSON, KP_POLICY_OUTSIDE},
    {V4, "tel:123", BY_PERSON, KP_POLICY_OUTSIDE},
    {V4, "mailto:help@example.org", BY_PAGE, KP_POLICY_NOTHING},
    /* What the system would open or run. */
    {V4, "file:///etc/passwd", BY_PERSON, KP_POLICY_NOTHING},
    {V4, "keyplate://device/", BY_PERSON, KP_POLICY_NOTHING},
    {V4, "javascript:alert(1)", BY_PERSON, KP_POLICY_NOTHING},
    {V4, "vnc://192.168.1.1/", BY_PERSON, KP_POLICY_NOTHING},
    {V4, "ftp://192.168.1.1/", BY_PERSON, KP_POLICY_NOTHING},
    {V4, "ws://192.168.1.1/", BY_PERSON, KP_POLICY_NOTHING},
    {V4, "view-source:https://192.168.1.1/", BY_PERSON, KP_POLICY_NOTHING},
    {V4, "about:config", BY_PERSON, KP_POLICY_NOTHING},
    {V4, "webkit://gpu", BY_PERSON, KP_POLICY_NOTHING},
    {V4, "resource:///org/webkit/x", BY_PERSON, KP_POLICY_NOTHING},
    {V4, "", BY_PERSON, KP_POLICY_NOTHING},
    {V4, "https:", BY_PERSON, KP_POLICY_OUTSIDE},
    {V4, "no uri", BY_PERSON, KP_POLICY_NOTHING},
    /* Old firmware. */
    {V4, "http://192.168.1.1/", BY_PAGE, KP_POLICY_SECURE},
    {V4, "http://192.168.1.1:80/a", BY_PERSON, KP_POLICY_SECURE},
    {V4, "http://192.168.1.1/", BY_PERSON | NEW_WINDOW, KP_POLICY_SECURE},
    {V4, "http://192.168.1.1/", NEW_WINDOW, KP_POLICY_NOTHING},
    {V4, "http://192.168.1.1/", POST, KP_POLICY_NOTHING},
    {V4, "http://192.168.1.1:8080/", BY_PAGE, KP_POLICY_NOTHING},
    {V4, "http://192.168.1.1:443/", BY_PAGE, KP_POLICY_NOTHING},
    {PORT, "http://192.168.1.1/", BY_PAGE, KP_POLICY_NOTHING},
    {PORT, "http://192.168.1.1/", BY_PERSON, KP_POLICY_OUTSIDE},
    {V6, "http://[fe80::1]/", BY_PAGE, KP_POLICY_SECURE},
    /* In frames. */
    {V4, "about:blank", BY_PAGE, KP_POLICY_LOAD},
    {V4, "about:srcdoc", BY_PAGE, KP_POLICY_LOAD},
    {V4, "about:blank", BY_PERSON | NEW_WINDOW, KP_POLICY_NOTHING},
    {V4, "data:text/html,x", BY_PAGE, KP_POLICY_LOAD},
    {V4, "data:text/html,x", BY_PERSON | NEW_WINDOW, KP_POLICY_NOTHING},
    {V4, "blob:https://192.168.1.1/8d1c", BY_PAGE, KP_POLICY_LOAD},
    {V4, "blob:https://192.168.1.1/8d1c", BY_PERSON | NEW_WINDOW, KP_POLICY_LOAD},
    {V4, "blob:https://example.org/8d1c", BY_PERSON, KP_POLICY_NOTHING},
    {V4, "blob:null/8d1c", BY_PAGE, KP_POLICY_NOTHING},
};

static void test_steps(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct kp_origin origin;
        const struct kp_policy_step step = {
            .uri = rows[i].uri,
            .by_person = (rows[i].how & BY_PERSON) != 0,
            .new_window = (rows[i].how & NEW_WINDOW) != 0,
            .get = (rows[i].how & POST) == 0,
        };
        enum kp_policy got;
        assert_true(kp_origin_set(&origin, rows[i].host, rows[i].port));
        got = kp_policy_step(&origin, &step);
        if (got != rows[i].want)
            fail_msg("%s:%u %s how %u: %d, not %d", rows[i].host, rows[i].port, rows[i].uri,
                     rows[i].how, (int)got, (int)rows[i].want);
        kp_origin_clear(&origin);
    }
}

static void test_top(void **state)
{
    struct kp_origin origin;
    (void)state;
    assert_true(kp_origin_set(&origin, "192.168.1.1", 443));
    assert_true(kp_policy_top(&origin, "https://192.168.1.1/x"));
    assert_true(kp_policy_top(&origin, "about:blank"));
    assert_true(kp_policy_top(&origin, "blob:https://192.168.1.1/1"));
    assert_false(kp_policy_top(&origin, "data:text/html,x"));
    assert_false(kp_policy_top(&origin, "about:srcdoc"));
    assert_false(kp_policy_top(&origin, "http://192.168.1.1/"));
    assert_false(kp_policy_top(&origin, "file:///"));
    assert_true(kp_policy_download(&origin, "data:text/csv,1"));
    assert_true(kp_policy_download(&origin, "blob:https://192.168.1.1/1"));
    assert_false(kp_policy_download(&origin, "https://192.168.1.1:81/"));
    assert_false(kp_policy_download(&origin, "file:///etc/passwd"));
    kp_origin_clear(&origin);
}

static void test_origins(void **state)
{
    static const struct {
        const char *host;
        guint16 port;
        const char *want;
    } cases[] = {
        {"192.168.1.1", 443, "https://192.168.1.1"},
        {"192.168.1.1", 80, "https://192.168.1.1:80"},
        {"[::FFFF:1]", 443, "https://[::ffff:1]"},
        {"[::ffff:192.168.1.1]", 443, "https://[::ffff:c0a8:101]"},
        {"[fe80:0:0::1%25eth0]", 8443, "https://[fe80::1]:8443"},
        {"Heating.LOCAL", 443, "https://heating.local"},
        {"", 443, NULL},
        {"a b", 443, NULL},
        {"a/b", 443, NULL},
        {"u@h", 443, NULL},
        {"[zz]", 443, NULL},
        {"h\xc3\xb6he", 443, NULL},
    };
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct kp_origin origin;
        gboolean is = kp_origin_set(&origin, cases[i].host, cases[i].port);
        g_autofree char *text = is ? kp_origin_text(&origin) : NULL;
        assert_int_equal(is, cases[i].want != NULL);
        if (is) {
            assert_string_equal(text, cases[i].want);
            kp_origin_clear(&origin);
        }
    }
}

static void test_secured(void **state)
{
    struct kp_origin origin;
    g_autofree char *whole = NULL, *bare = NULL, *content = NULL;
    (void)state;
    assert_true(kp_origin_set(&origin, "[::1]", 443));
    whole = kp_policy_secured(&origin, "http://[::1]:80/a%20b/?c=%26d#e");
    bare = kp_policy_secured(&origin, "http://me:pw@[::1]/");
    content = kp_policy_content(&origin);
    assert_string_equal(whole, "https://[::1]/a%20b/?c=%26d#e");
    assert_string_equal(bare, "https://[::1]/");
    assert_non_null(strstr(content, "default-src https://[::1] wss://[::1] data: blob:"));
    assert_non_null(strstr(content, "form-action https://[::1];"));
    assert_null(strchr(content, '*'));
    kp_origin_clear(&origin);
}

static void test_file_names(void **state)
{
    static const char *const cases[][2] = {
        {"settings.json", "settings.json"},
        {"../../etc/passwd", "passwd"},
        {"/etc/", "download"},
        {"C:\\Users\\a\\b.txt", "b.txt"},
        {".bashrc", "bashrc"},
        {"...", "download"},
        {"-rf", "rf"},
        {"a\nb\x7f\tc", "a_b__c"},
        {"photo\xe2\x80\xaegpj.exe", "photo_gpj.exe"},
        {"\xef\xbb\xbf"
         "a",
         "_a"},
        {"a\xff.bin", "a\xef\xbf\xbd.bin"},
        {"Ger\xc3\xa4t 1.tar.gz", "Ger\xc3\xa4t 1.tar.gz"},
        {"a:b|c", "a_b|c"},
        {" a ", "a"},
        {"", "download"},
        {NULL, "download"},
    };
    g_autofree char *long_name = g_strnfill(300, 'x'), *short_name = NULL;
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = kp_policy_file_name(cases[i][0]);
        assert_string_equal(name, cases[i][1]);
    }
    memcpy(long_name + 296, ".bin", 4);
    for (gsize i = 100; i < 290; i += 2)
        memcpy(long_name + i, "\xc3\xa4", 2);
    short_name = kp_policy_file_name(long_name);
    assert_true(strlen(short_name) <= 200 && strlen(short_name) > 190);
    assert_true(g_utf8_validate(short_name, -1, NULL) && g_str_has_suffix(short_name, ".bin"));
}

static void test_titles(void **state)
{
    g_autofree char *plain = kp_policy_title(" Heating \xe2\x80\xae"
                                             "evil\n\x01 ");
    g_autofree char *none = kp_policy_title(NULL), *filler = g_strnfill(1000, 'x');
    g_autofree char *cut = kp_policy_title(filler);
    (void)state;
    assert_string_equal(plain, "Heating  evil");
    assert_string_equal(none, "");
    assert_int_equal(strlen(cut), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),      cmocka_unit_test(test_top),
        cmocka_unit_test(test_origins),    cmocka_unit_test(test_secured),
        cmocka_unit_test(test_file_names), cmocka_unit_test(test_titles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
