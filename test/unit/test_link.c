/*
 * gateway/client/link: links and bare addresses, good and bad; never a word of them in an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/link.h"

struct good {
    const char *text;
    const char *id, *user, *name, *port, *path;
};

static const struct good goods[] = {
    /* keyplate:// */
    {"keyplate://K7F3/?v=1", "K7F3", "", "", "", "/"},
    {"keyplate://K7F3@192.0.2.7/?v=1", "K7F3", "", "192.0.2.7", "443", "/"},
    {"keyplate://K7F3@heating.local:4433/?v=1&user=admin", "K7F3", "admin", "heating.local", "4433",
     "/"},
    {"keyplate://K7F3@[2001:db8::1]:4433/?user=admin&v=1", "K7F3", "admin", "2001:db8::1", "4433",
     "/"},
    {"KeyPlate://K7F3/?v=1", "K7F3", "", "", "", "/"},
    {"keyplate://a-._~!$'()*,;b/?v=1", "a-._~!$'()*,;b", "", "", "", "/"},
    {"keyplate://%4B7%463/?v=1&user=%61dmin", "K7F3", "admin", "", "", "/"},
    {"keyplate://a%20b%3a%40%2F%2b%25%26%3D@192.0.2.7/?v=1&user=x%26v%3D2", "a b:@/+%&=", "x&v=2",
     "192.0.2.7", "443", "/"},
    {"keyplate://J%C3%BCrgen/?v=1", "J\xc3\xbcrgen", "", "", "", "/"},
    /* NFC: u and a combining diaeresis. */
    {"keyplate://Ju%CC%88rgen/?v=1&user=u%CC%88", "J\xc3\xbcrgen", "\xc3\xbc", "", "", "/"},
    /* The others. */
    {"192.0.2.7", "", "", "192.0.2.7", "443", "/"},
    {"heating.local:4433/deep?x=1#top", "", "", "heating.local", "4433", "/deep?x=1#top"},
    {"https://admin@heating.local", "", "admin", "heating.local", "443", "/"},
    {"HTTPS://[::1]:8443/x", "", "", "::1", "8443", "/x"},
    {"heating", "", "", "heating", "443", "/"},
    /* Zones: RFC 6874, and as people copy them. */
    {"https://[fe80::1%25eth0]:8443/x", "", "", "fe80::1%eth0", "8443", "/x"},
    {"https://[fe80::1%eth0]/", "", "", "fe80::1%eth0", "443", "/"},
    {"[fe80::1%25]", "", "", "fe80::1%25", "443", "/"},
    {"fe80::1%eth0", "", "", "fe80::1%eth0", "443", "/"},
    {"keyplate://K7F3@[fe80::1%25eth0]/?v=1", "K7F3", "", "fe80::1%eth0", "443", "/"},
};

static const char *const bads[] = {
    /* keyplate:// */
    "keyplate:",
    "keyplate:/SECRET/?v=1",
    "keyplate://",
    "keyplate:///?v=1",
    "keyplate://SECRET",
    "keyplate://SECRET/",
    "keyplate://SECRET?v=1",
    "keyplate://SECRET/?",
    "keyplate://SECRET/?v=2",
    "keyplate://SECRET/?v=",
    "keyplate://SECRET/?v=01",
    "keyplate://SECRET/?v=11",
    "keyplate://SECRET/?v",
    "keyplate://SECRET/?V=1",
    "keyplate://SECRET/?v=1&v=1",
    "keyplate://SECRET/?v=1&",
    "keyplate://SECRET/?&v=1",
    "keyplate://SECRET/?v=1&user=",
    "keyplate://SECRET/?v=1&user=a&user=a",
    "keyplate://SECRET/?v=1&user=a+b",
    "keyplate://SECRET/?v=1&user=a%0Ab",
    "keyplate://SECRET/?v=1&user=a%FFb",
    "keyplate://SECRET/?v=1&user=a=b",
    "keyplate://SECRET/?v=1&p=SECRET",
    "keyplate://SECRET@h\xc2\x9bx/?v=1",
    "keyplate://SECRET/?v=1&password=SECRET",
    "keyplate://SECRET/?user=admin",
    "keyplate://SECRET/x?v=1",
    "keyplate://SECRET/?v=1#",
    "keyplate://SECRET/?v=1#top",
    "keyplate://SECRET/?v=1#p=SECRET",
    "keyplate://SECRET/?v=1#x=1&p=SECRET",
    "keyplate://@192.0.2.7/?v=1",
    "keyplate://a@/?v=1",
    "keyplate://a@b@192.0.2.7/?v=1",
    "keyplate://a:SECRET@192.0.2.7/?v=1",
    "keyplate://192.0.2.7:443/?v=1",
    "keyplate://a@192.0.2.7:0/?v=1",
    "keyplate://a@192.0.2.7:65536/?v=1",
    "keyplate://a@192.0.2.7:/?v=1",
    "keyplate://a@[::1/?v=1",
    "keyplate://a@b c/?v=1",
    "keyplate://a b/?v=1",
    "keyplate://a+b/?v=1",
    "keyplate://a\"b/?v=1",
    "keyplate://a\\b/?v=1",
    "keyplate://a\xc3\xbc/?v=1",
    "keyplate://a%/?v=1",
    "keyplate://a%4/?v=1",
    "keyplate://a%4G/?v=1",
    "keyplate://a%00b/?v=1",
    "keyplate://a%0a/?v=1",
    "keyplate://a%7f/?v=1",
    "keyplate://a%C2%85/?v=1",
    "keyplate://a%C0%80/?v=1",
    "keyplate://a%ED%A0%80/?v=1",
    "keyplate://a%FF/?v=1",
    /* The others. */
    "",
    "http://192.0.2.7/",
    "ftp://SECRET@192.0.2.7/",
    "https:/192.0.2.7/",
    "h\xc2\x9bx",
    "h\xe2\x80\xaegnp",
    "h;id",
    "h$(id)",
    "https://h'x/",
    "https://a:SECRET@192.0.2.7/",
    "https://192.0.2.7/#p=SECRET",
    "https://192.0.2.7/#x&p=SECRET",
    "https://192.0.2.7/#x#p=SECRET",
    "https://192.0.2.7/a b",
    "192.0.2.7:0",
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof goods[0]; i++) {
        const struct good *good = &goods[i];
        const char *why = "";
        struct kp_link link;
        if (kp_link_parse(&link, good->text, &why) != 0)
            fail_msg("%s: %s", good->text, why);
        assert_string_equal(link.id, good->id);
        assert_string_equal(link.user, good->user);
        assert_string_equal(link.host.name, good->name);
        assert_string_equal(link.host.port, good->port);
        assert_string_equal(link.path, good->path);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        const char *why = NULL;
        struct kp_link link;
        if (kp_link_parse(&link, bads[i], &why) == 0)
            fail_msg("taken: %s", bads[i]);
        assert_non_null(why);
        assert_null(strstr(why, "SECRET"));
    }
}

/* Lengths count after decoding, and once more after NFC. */
static void test_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        size_t count;
        bool good;
    } rows[] = {
        {"a", 255, true},         {"a", 256, false},
        {"%41", 255, true},       {"%41", 256, false},
        {"%C3%BC", 127, true},    {"%C3%BC", 128, false},
        {"u%CC%88", 85, true},    {"u%CC%88", 86, false},
        {"%E0%A5%98", 42, true}, /* U+0958: NFC is two characters of three bytes */
        {"%E0%A5%98", 85, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[4096] = "keyplate://";
        const char *why;
        struct kp_link link;
        for (size_t n = 0; n < rows[i].count; n++)
            strcat(text, rows[i].unit);
        strcat(text, "/?v=1");
        assert_int_equal(kp_link_parse(&link, text, &why) == 0, rows[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
