/*
 * gateway/client/jar and cookie: Set-Cookie as browsers read it, the dates of RFC 6265 5.1.1, and
 * which cookies stay here and go where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/jar.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define NOW 1700000000u

static struct kp_slice slice_of(const char *text)
{
    return (struct kp_slice){text, strlen(text)};
}

static bool take_at(struct kp_jar *jar, const char *set_cookie, const char *path, uint64_t now)
{
    return kp_jar_take(jar, slice_of(set_cookie), slice_of(path), now);
}

static bool take(struct kp_jar *jar, const char *set_cookie)
{
    return take_at(jar, set_cookie, "/", NOW);
}

static void sends_at(const struct kp_jar *jar, const char *path, uint64_t now, bool foreign,
                     const char *expected)
{
    struct kp_out out = {0};
    bool any = false;
    kp_jar_put(jar, &out, slice_of(path), now, foreign, &any);
    assert_int_equal(any, out.len > 0);
    kp_out_add(&out, "", 1);
    assert_string_equal(out.at, expected);
    kp_out_free(&out);
}

static void sends(const struct kp_jar *jar, const char *path, const char *expected)
{
    sends_at(jar, path, NOW, false, expected);
}

/* ---- Set-Cookie -------------------------------------------------------------------------- */

/* One after a request to /dir/page, and what goes to /dir/x of it. */
static const struct {
    const char *text;
    bool taken;
    const char *sent;
} alone[] = {
    {"a=b; HttpOnly", true, "a=b"},
    {"a=b;httponly", true, "a=b"},
    {"a=b; HttpOnly=whatever", true, "a=b"},
    {"a=b", false, ""},
    {"a=b; HttpOnl", false, ""},
    {"a=HttpOnly", false, ""},
    {"  a\t=  b c\t ;HttpOnly", true, "a=b c"},
    {"a=b=c; HttpOnly", true, "a=b=c"},
    {"a=\"b\"; HttpOnly", true, "a=\"b\""},
    {"a=; HttpOnly", true, "a="},
    {"b; HttpOnly", true, "b"},
    {"=b; HttpOnly", true, "b"},
    {"a=caf\xc3\xa9; HttpOnly", true, "a=caf\xc3\xa9"},
    {"a=b\tc; HttpOnly", true, "a=b\tc"},
    {"a=b; Unknown; ; ;HttpOnly;", true, "a=b"},
    {"a=b; Domain=other.example; HttpOnly", true, "a=b"},
    /* Ignored, by neither side seen. */
    {"", true, ""},
    {"=", true, ""},
    {"; HttpOnly", true, ""},
    {"=; a=b", true, ""},
    {"a=b\x01; HttpOnly", true, ""},
    {"a=b\x7f", true, ""},
    {"a=b; Path=/\x1f; HttpOnly", true, ""},
    {"a\nb=c; HttpOnly", true, ""},
    /* Path. */
    {"a=b; Path=/; HttpOnly", true, "a=b"},
    {"a=b; Path=/dir; HttpOnly", true, "a=b"},
    {"a=b; path=/dir/ ; HttpOnly", true, "a=b"},
    {"a=b; Path=/dir/x; HttpOnly", true, "a=b"},
    {"a=b; Path=/dir/page; HttpOnly", true, ""},
    {"a=b; Path=/di; HttpOnly", true, ""},
    {"a=b; Path=/DIR; HttpOnly", true, ""},
    {"a=b; Path=dir/page; HttpOnly", true, "a=b"},
    {"a=b; Path=; HttpOnly", true, "a=b"},
    {"a=b; Path=/no; Path=/dir; HttpOnly", true, "a=b"},
    {"a=b; Path=/dir; Path=/no; HttpOnly", true, ""},
    {"a=b; Path=/no; Path; HttpOnly", true, "a=b"},
    /* Expiry: Max-Age before Expires, the last of each. */
    {"a=b; Max-Age=1; HttpOnly", true, "a=b"},
    {"a=b; Max-Age=0; HttpOnly", true, ""},
    {"a=b; Max-Age=-1; HttpOnly", true, ""},
    {"a=b; Max-Age=00; HttpOnly", true, ""},
    {"a=b; Max-Age=99999999999999999999999999; HttpOnly", true, "a=b"},
    {"a=b; Max-Age=; HttpOnly", true, "a=b"},
    {"a=b; Max-Age=-; HttpOnly", true, "a=b"},
    {"a=b; Max-Age=+0; HttpOnly", true, "a=b"},
    {"a=b; Max-Age=0x; HttpOnly", true, "a=b"},
    {"a=b; Max-Age=1; Max-Age=0; HttpOnly", true, ""},
    {"a=b; Max-Age=0; Max-Age=1; HttpOnly", true, "a=b"},
    {"a=b; Max-Age=0; Max-Age=x; HttpOnly", true, ""},
    {"a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly", true, ""},
    {"a=b; Expires=Fri, 01 Jan 2100 00:00:00 GMT; HttpOnly", true, "a=b"},
    {"a=b; Expires=0; HttpOnly", true, "a=b"},
    {"a=b; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly", true, "a=b"},
    {"a=b; Expires=Fri, 01 Jan 2100 00:00:00 GMT; Max-Age=0; HttpOnly", true, ""},
    /* Prefixes. */
    {"__Secure-a=b; Secure; HttpOnly", true, "__Secure-a=b"},
    {"__Secure-a=b; Secure", false, ""},
    {"__Secure-a=b; HttpOnly", true, ""},
    {"__secure-a=b", true, ""},
    {"__Host-a=b; Secure; Path=/; HttpOnly", true, "__Host-a=b"},
    {"__Host-a=b; Secure; Path=/", false, ""},
    {"__Host-a=b; Secure; Path=/; Domain=", false, ""},
    {"__Host-a=b; Secure; Path=/; Domain=dev", true, ""},
    {"__Host-a=b; Secure; HttpOnly", true, ""},
    {"__Host-a=b; Secure; Path=/dir; HttpOnly", true, ""},
    {"__Host-a=b; Path=/; HttpOnly", true, ""},
    {"__HOST-a=b; Path=/", true, ""},
    {"__Http-a=b; Secure; HttpOnly", true, "__Http-a=b"},
    {"__Http-a=b; Secure", true, ""},
    {"__Host-Http-a=b; Secure; Path=/; HttpOnly", true, "__Host-Http-a=b"},
    {"__Host-Http-a=b; Secure; Path=/", true, ""},
    {"=__Host-a=b; Secure; Path=/; HttpOnly", true, ""},
    {"__Secure-a; Secure; HttpOnly", true, ""},
    /* Ours. */
    {"__Host-keyplate=b; Secure; Path=/", true, ""},
    {"__Host-keyplate=b; Secure; Path=/; HttpOnly", true, ""},
    {"__hOST-kEYPLATE=b; Secure; Path=/", true, ""},
    {" __Host-keyplate =b; Secure; Path=/; HttpOnly", true, ""},
    {"=__Host-keyplate=b; Secure; Path=/", true, ""},
    {"__Host-keyplate2=b; Secure; Path=/", false, ""},
};

static void one_is_read_as_browsers_read_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(alone); i++) {
        struct kp_jar jar = {0};
        if (take_at(&jar, alone[i].text, "/dir/page?q=/no/", NOW) != alone[i].taken)
            fail_msg("%s", alone[i].text);
        sends(&jar, "/dir/x?y", alone[i].sent);
        kp_jar_clear(&jar);
    }
}

static void length_is_bounded(void **state)
{
    char text[KP_COOKIE_MAX + 100];
    struct kp_jar jar = {0};
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        memset(text, 'v', sizeof text);
        memcpy(text, "na=", 3);
        strcpy(text + KP_COOKIE_MAX + 1 + over, "; HttpOnly");
        assert_true(take(&jar, text));
        assert_int_equal(jar.count, 1 - over);
        kp_jar_clear(&jar);
    }
    /* An attribute that is too long isn't there. */
    for (size_t over = 0; over < 2; over++) {
        memset(text, 'p', sizeof text);
        memcpy(text, "a=b; HttpOnly; Path=/", 21);
        text[20 + 1024 + over] = '\0';
        assert_true(take(&jar, text));
        sends(&jar, "/", over ? "a=b" : "");
        kp_jar_clear(&jar);
    }
    /* But HttpOnly counts, whatever it says. */
    memset(text, 'x', sizeof text);
    memcpy(text, "a=b; HttpOnly=", 14);
    text[14 + 1025] = '\0';
    assert_true(take(&jar, text));
    sends(&jar, "/", "a=b");
    kp_jar_clear(&jar);
}

/* ---- Dates ------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    uint64_t seconds; /* UINT64_MAX: it is no date */
} dates[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
    {"Sun Nov  6 08:49:37 1994", 784111777},
    {"1994 nov 6 8:49:37", 784111777},
    {"94 nov 6 8:49:37", UINT64_MAX}, /* the first number of two digits is the day */
    {"6 NOVEMBER 94 8:49:37", 784111777},
    {"08:49:37 6 Nov 1994", 784111777},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Wed, 31 Dec 1969 23:59:59 GMT", 0},
    {"01 Jan 1601 00:00:00", 0},
    {"31 Dec 1600 00:00:00", UINT64_MAX},
    {"1 Jan 69 00:00:00", 3124224000},
    {"1 Jan 70 00:00:00", 0},
    {"29 Feb 2024 12:00:00", 1709208000},
    {"29 Feb 2023 12:00:00", UINT64_MAX},
    {"29 Feb 2000 00:00:00", 951782400},
    {"29 Feb 2100 00:00:00", UINT64_MAX},
    {"31 Apr 2024 00:00:00", UINT64_MAX},
    {"0 Jan 2024 00:00:00", UINT64_MAX},
    {"32 Jan 2024 00:00:00", UINT64_MAX},
    {"1 Jan 2024 24:00:00", UINT64_MAX},
    {"1 Jan 2024 23:60:00", UINT64_MAX},
    {"1 Jan 2024 23:59:60", UINT64_MAX},
    {"1 Jan 2024 23:59", UINT64_MAX},
    {"1 Jan 2024 123:59:00", UINT64_MAX},
    {"1 Jan 2024 00:00:00Z", 1704067200},
    {"1st Jan 2024th 00:00:00", 1704067200},
    {"1 Jan 20245 00:00:00", UINT64_MAX},
    {"1 Jan 2024", UINT64_MAX},
    {"Jan 2024 00:00:00", UINT64_MAX},
    {"1 2024 00:00:00", UINT64_MAX},
    {"1 Jan 00:00:00", UINT64_MAX},
    {"1 Ja 2024 00:00:00", UINT64_MAX},
    {"31 Dec 9999 23:59:59", 253402300799},
    {"0", UINT64_MAX},
    {"", UINT64_MAX},
};

static void dates_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(dates); i++) {
        uint64_t seconds = 0;
        bool fine = kp_cookie_date(&seconds, slice_of(dates[i].text));
        if (fine != (dates[i].seconds != UINT64_MAX) || (fine && seconds != dates[i].seconds))
            fail_msg("%s: %d %llu", dates[i].text, fine, (unsigned long long)seconds);
    }
}

/* ---- The jar ----------------------------------------------------------------------------- */

static void they_expire(void **state)
{
    struct kp_jar jar = {0};
    (void)state;
    assert_true(take(&jar, "a=1; Max-Age=10; HttpOnly"));
    assert_true(take(&jar, "b=2; HttpOnly"));
    assert_true(take(&jar, "c=3; Max-Age=99999999999; HttpOnly"));
    sends_at(&jar, "/", NOW + 9, false, "a=1; b=2; c=3");
    sends_at(&jar, "/", NOW + 10, false, "b=2; c=3");
    assert_false(kp_jar_has(&jar, slice_of("a"), slice_of("/"), NOW + 10));
    /* RFC 6265's successor: 400 days at most. */
    sends_at(&jar, "/", NOW + 400 * 86400u - 1, false, "b=2; c=3");
    sends_at(&jar, "/", NOW + 400 * 86400u, false, "b=2");
    assert_true(take(&jar, "c=3; Expires=31 Dec 9999 23:59:59; HttpOnly"));
    sends_at(&jar, "/", NOW + 400 * 86400u, false, "b=2");
    assert_int_equal(jar.count, 3);
    assert_true(take_at(&jar, "b=3; HttpOnly", "/", NOW + 11));
    assert_int_equal(jar.count, 2);
    kp_jar_clear(&jar);
    assert_int_equal(jar.count, 0);
    assert_null(jar.cookies);
}

static void they_are_replaced_and_removed(void **state)
{
    struct kp_jar jar = {0};
    (void)state;
    assert_true(take(&jar, "a=1; HttpOnly"));
    assert_true(take(&jar, "b=2; HttpOnly"));
    assert_true(take(&jar, "a=longer; HttpOnly"));
    assert_true(take(&jar, "A=3; HttpOnly"));
    assert_true(take(&jar, "a=4; Path=/x; HttpOnly"));
    sends(&jar, "/", "a=longer; b=2; A=3");
    sends(&jar, "/x", "a=4; a=longer; b=2; A=3");
    assert_true(take(&jar, "b=; Max-Age=0; HttpOnly"));
    sends(&jar, "/", "a=longer; A=3");
    assert_true(take(&jar, "nobody=; Max-Age=0; HttpOnly"));
    /* The browser's takes the place of ours, at its own path only. */
    assert_false(take(&jar, "a=5"));
    sends(&jar, "/x", "a=4; A=3");
    assert_false(take(&jar, "A=; Max-Age=0"));
    assert_false(take(&jar, "a=6; Path=/y"));
    sends(&jar, "/x", "a=4");
    assert_true(kp_jar_has(&jar, slice_of("a"), slice_of("/x/y"), NOW));
    assert_false(kp_jar_has(&jar, slice_of("a"), slice_of("/"), NOW));
    assert_false(kp_jar_has(&jar, slice_of("b"), slice_of("/x/y"), NOW));
    kp_jar_clear(&jar);
}

static void longest_paths_come_first(void **state)
{
    struct kp_jar jar = {0};
    struct kp_out out = {0};
    bool any = true;
    (void)state;
    assert_true(take(&jar, "a=1; Path=/; HttpOnly"));
    assert_true(take(&jar, "b=2; Path=/x/y; HttpOnly"));
    assert_true(take(&jar, "c=3; Path=/x; HttpOnly"));
    assert_true(take(&jar, "d=4; Path=/x/y; HttpOnly"));
    assert_true(take(&jar, "e=5; Path=/xx; HttpOnly"));
    sends(&jar, "/x/y/z", "b=2; d=4; c=3; a=1");
    sends(&jar, "/x?/y", "c=3; a=1");
    sends(&jar, "/", "a=1");
    sends(&jar, "*", "a=1");
    kp_jar_put(&jar, &out, slice_of("/"), NOW, false, &any);
    assert_true(any);
    assert_int_equal(out.len, 5);
    assert_memory_equal(out.at, "; a=1", 5);
    kp_out_free(&out);
    kp_jar_clear(&jar);
}

static void strict_ones_follow_no_link(void **state)
{
    struct kp_jar jar = {0};
    (void)state;
    assert_true(take(&jar, "a=1; SameSite=strict; HttpOnly"));
    assert_true(take(&jar, "b=2; SameSite=Lax; HttpOnly"));
    assert_true(take(&jar, "c=3; SameSite=Strict; SameSite=None; HttpOnly"));
    sends_at(&jar, "/", NOW, false, "a=1; b=2; c=3");
    sends_at(&jar, "/", NOW, true, "b=2; c=3");
    kp_jar_clear(&jar);
}

static void folder_is_the_default_path(void **state)
{
    static const struct {
        const char *target, *folder;
    } rows[] = {
        {"/", "/"},         {"/a", "/"},    {"/a/", "/a"}, {"/a/b", "/a"}, {"/a/b/", "/a/b"},
        {"/a/b?c/d", "/a"}, {"/?a/b", "/"}, {"//", "/"},   {"*", "/"},     {"", "/"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct kp_slice folder = kp_cookie_folder(slice_of(rows[i].target));
        if (folder.len != strlen(rows[i].folder) ||
            memcmp(folder.at, rows[i].folder, folder.len) != 0)
            fail_msg("%s: %.*s", rows[i].target, (int)folder.len, folder.at);
    }
}

static void oldest_gives_way(void **state)
{
    struct kp_jar jar = {0};
    char text[64];
    (void)state;
    for (unsigned i = 0; i <= KP_JAR_COOKIES; i++) {
        snprintf(text, sizeof text, "c%u=v; HttpOnly", i);
        assert_true(take(&jar, text));
    }
    assert_int_equal(jar.count, KP_JAR_COOKIES);
    assert_false(kp_jar_has(&jar, slice_of("c0"), slice_of("/"), NOW));
    assert_true(kp_jar_has(&jar, slice_of("c1"), slice_of("/"), NOW));
    /* One that replaces another needs no room. */
    assert_true(take(&jar, "c1=w; HttpOnly"));
    assert_true(kp_jar_has(&jar, slice_of("c2"), slice_of("/"), NOW));
    kp_jar_clear(&jar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_read_as_browsers_read_it),
        cmocka_unit_test(length_is_bounded),
        cmocka_unit_test(dates_are_read),
        cmocka_unit_test(they_expire),
        cmocka_unit_test(they_are_replaced_and_removed),
        cmocka_unit_test(longest_paths_come_first),
        cmocka_unit_test(strict_ones_follow_no_link),
        cmocka_unit_test(folder_is_the_default_path),
        cmocka_unit_test(oldest_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
