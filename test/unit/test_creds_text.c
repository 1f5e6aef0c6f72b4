/*
 * lib/creds/text: UTF-8, NFC, the rules of names and passwords, escaping.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "creds/text.h"

#define NAME(text, fresh) name_fault(text, sizeof(text) - 1, fresh)

static enum kp_text_fault name_fault(const char *text, size_t len, bool fresh)
{
    struct kp_text out;
    enum kp_text_fault fault = kp_text_name(&out, text, len, fresh);
    kp_text_clear(&out);
    return fault;
}

static void test_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "a",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xff",
                                      "\xc2",
                                      "\xe2\x82",
                                      "a\xc2z",
                                      "\xf0\x90\x80"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(kp_text_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(kp_text_is_utf8(bad[i], strlen(bad[i])));
}

static void test_name_rules(void **state)
{
    (void)state;
    char longest[KP_NAME_MAX + 1];
    memset(longest, 'x', sizeof longest);
    assert_int_equal(NAME("admin", true), KP_TEXT_FINE);
    assert_int_equal(NAME("J\xc3\xbcrgen M.", true), KP_TEXT_FINE);
    assert_int_equal(NAME("", true), KP_TEXT_EMPTY);
    assert_int_equal(NAME("a:b", true), KP_TEXT_COLON);
    assert_int_equal(NAME("a:b", false), KP_TEXT_FINE);
    assert_int_equal(NAME("a\nb", false), KP_TEXT_CONTROL);
    assert_int_equal(NAME("a\0b", false), KP_TEXT_CONTROL);
    assert_int_equal(NAME("a\x7f", false), KP_TEXT_CONTROL);
    assert_int_equal(NAME("a\xc2\x85", false), KP_TEXT_CONTROL);
    assert_int_equal(NAME("a\r", false), KP_TEXT_CARRIAGE_RETURN);
    assert_int_equal(NAME("a\xff", false), KP_TEXT_NOT_UTF8);
    assert_int_equal(NAME(" a", true), KP_TEXT_SPACE);
    assert_int_equal(NAME("a ", true), KP_TEXT_SPACE);
    assert_int_equal(NAME(" ", true), KP_TEXT_SPACE);
    assert_int_equal(NAME("a b", true), KP_TEXT_FINE);
    assert_int_equal(NAME(" a ", false), KP_TEXT_FINE);
    assert_int_equal(name_fault(longest, KP_NAME_MAX, true), KP_TEXT_FINE);
    assert_int_equal(name_fault(longest, KP_NAME_MAX + 1, true), KP_TEXT_LONG);
}

#ifdef KP_HAVE_UTF8PROC
static void test_nfc(void **state)
{
    (void)state;
    struct kp_text out;
    /* e and a combining acute accent; the Angstrom sign; Hangul jamo. */
    static const char *const pairs[][2] = {{"caf\x65\xcc\x81", "caf\xc3\xa9"},
                                           {"\xe2\x84\xab", "\xc3\x85"},
                                           {"\xe1\x84\x92\xe1\x85\xa1", "\xed\x95\x98"},
                                           {"caf\xc3\xa9", "caf\xc3\xa9"},
                                           {"\xef\xac\x81", "\xef\xac\x81"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_int_equal(kp_text_name(&out, pairs[i][0], strlen(pairs[i][0]), true), 0);
        assert_string_equal(out.data, pairs[i][1]);
        assert_int_equal(out.len, strlen(pairs[i][1]));
        kp_text_clear(&out);
        assert_int_equal(kp_text_password(&out, pairs[i][0], strlen(pairs[i][0])), 0);
        assert_string_equal(out.data, pairs[i][1]);
        kp_text_clear(&out);
    }
}

/* Other alphabets' spaces are as invisible: no-break and ideographic. */
static void test_wide_spaces(void **state)
{
    (void)state;
    assert_int_equal(NAME("\xc2\xa0"
                          "a",
                          true),
                     KP_TEXT_SPACE);
    assert_int_equal(NAME("\xc3\xa9\xe3\x80\x80", true), KP_TEXT_SPACE);
    assert_int_equal(NAME("\xc3\xa9\xe3\x80\x80\xc3\xa9", true), KP_TEXT_FINE);
}

/* U+0958 becomes two characters in NFC: what fits before need not fit after. */
static void test_nfc_grows(void **state)
{
    (void)state;
    char name[255];
    for (size_t i = 0; i < sizeof name; i += 3)
        memcpy(name + i, "\xe0\xa5\x98", 3);
    assert_int_equal(name_fault(name, sizeof name, true), KP_TEXT_LONG);
    assert_int_equal(name_fault(name, 126, true), KP_TEXT_FINE);
}
#endif

static void test_password_rules(void **state)
{
    (void)state;
    char longest[KP_TEXT_PASSWORD_MAX + 1];
    struct kp_text out;
    memset(longest, 'x', sizeof longest);
    assert_int_equal(kp_text_password(&out, "", 0), KP_TEXT_EMPTY);
    assert_int_equal(kp_text_password(&out, "a\r", 2), KP_TEXT_CARRIAGE_RETURN);
    assert_int_equal(kp_text_password(&out, "a\nb", 3), KP_TEXT_CONTROL);
    assert_int_equal(kp_text_password(&out, "\xe9", 1), KP_TEXT_NOT_UTF8);
    assert_int_equal(kp_text_password(&out, longest, KP_TEXT_PASSWORD_MAX + 1), KP_TEXT_LONG);
    assert_null(out.data);
    assert_int_equal(kp_text_password(&out, longest, KP_TEXT_PASSWORD_MAX), KP_TEXT_FINE);
    assert_int_equal(out.len, KP_TEXT_PASSWORD_MAX);
    kp_text_clear(&out);
}

static void escapes_to(const char *in, size_t len, const char *expected)
{
    char out[KP_TEXT_ESCAPED_MAX(64)];
    assert_string_equal(kp_text_escape(out, in, len), expected);
}

static void test_escape(void **state)
{
    (void)state;
    escapes_to("admin 1", 7, "admin 1");
    escapes_to("a\nb\x1b[2J", 7, "a\\x0ab\\x1b[2J");
    escapes_to("a\0b", 3, "a\\x00b");
    escapes_to("a\\x0a", 5, "a\\x5cx0a");
    escapes_to("\"'", 2, "\\x22'");
    escapes_to("\xff\xc3", 2, "\\xff\\xc3");
    escapes_to("", 0, "");
#ifdef KP_HAVE_UTF8PROC
    escapes_to("\xc3\xa9", 2, "\xc3\xa9");
    /* Right-to-left override, line separator, zero width space, C1 control. */
    escapes_to("\xe2\x80\xae", 3, "\\xe2\\x80\\xae");
    escapes_to("\xe2\x80\xa8", 3, "\\xe2\\x80\\xa8");
    escapes_to("\xe2\x80\x8b", 3, "\\xe2\\x80\\x8b");
    escapes_to("\xc2\x9b", 2, "\\xc2\\x9b");
#endif
}

static void test_every_fault_has_words(void **state)
{
    (void)state;
    for (int fault = KP_TEXT_FINE; fault <= KP_TEXT_MEMORY; fault++)
        assert_true(strlen(kp_text_fault_text((enum kp_text_fault)fault)) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_name_rules),
#ifdef KP_HAVE_UTF8PROC
        cmocka_unit_test(test_nfc),
        cmocka_unit_test(test_nfc_grows),
        cmocka_unit_test(test_wide_spaces),
#endif
        cmocka_unit_test(test_password_rules),
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_every_fault_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
