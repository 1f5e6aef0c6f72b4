/* The request and the answer of keyplate passwd listen: what is one, and what is said of the rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "passwd_request.h"

#define FIRST "change-password 1\n"

static struct kp_passwd_request request;
static struct kp_passwd_answer answer;

static bool parse(const char *text)
{
    return kp_passwd_request_parse(&request, text, strlen(text), &answer);
}

static void is_text(const struct kp_text *text, const char *wanted)
{
    assert_int_equal(text->len, strlen(wanted));
    assert_memory_equal(text->data, wanted, text->len);
}

static void one_is_taken(void **state)
{
    (void)state;
    assert_true(parse(FIRST "user admin\nold  with spaces \nnew sesame: open\n\n"));
    is_text(&request.name, "admin");
    is_text(&request.old, " with spaces ");
    is_text(&request.fresh, "sesame: open");
    kp_passwd_request_clear(&request);
    assert_null(request.name.data);
    assert_null(request.old.data);
    assert_null(request.fresh.data);
}

static void it_ends_where_it_ends(void **state)
{
    static const char text[] = FIRST "user a\nold b\nnew c\n\nmore";
    size_t whole = sizeof text - 1 - 4;
    (void)state;
    for (size_t len = 0; len < whole; len++)
        assert_int_equal(kp_passwd_request_end(text, len), 0);
    for (size_t len = whole; len < sizeof text; len++)
        assert_int_equal(kp_passwd_request_end(text, len), whole);
    assert_int_equal(kp_passwd_request_end("\n", 1), 1);
    for (size_t len = 0; len < sizeof text; len++)
        if (len != whole)
            assert_false(kp_passwd_request_parse(&request, text, len, &answer));
    assert_true(kp_passwd_request_parse(&request, text, whole, &answer));
    kp_passwd_request_clear(&request);
}

/* Each line of a good one left out, doubled, or in another's place. */
static void no_other_lines(void **state)
{
    static const char *const lines[] = {FIRST, "user a\n", "old b\n", "new c\n", "\n"};
    char text[200];
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < 5; j++) {
            size_t len = 0;
            for (size_t k = 0; k < 5; k++)
                len += (size_t)snprintf(text + len, sizeof text - len, "%s", lines[k == i ? j : k]);
            assert_int_equal(parse(text), i == j);
            if (i == j)
                kp_passwd_request_clear(&request);
            else
                assert_memory_equal(answer.line, "failed request ", 15);
        }
    }
}

static void refused(const char *name, const char *old, const char *fresh, const char *wanted)
{
    static char text[8192];
    (void)snprintf(text, sizeof text, FIRST "user %s\nold %s\nnew %s\n\n", name, old, fresh);
    assert_false(parse(text));
    assert_memory_equal(answer.line, wanted, strlen(wanted));
    assert_int_equal(strcspn(answer.line, "\n"), strlen(answer.line) - 1);
    assert_null(request.name.data);
    assert_null(request.old.data);
    assert_null(request.fresh.data);
}

static void texts_are_judged(void **state)
{
    char long_one[KP_TEXT_PASSWORD_MAX + 2];
    (void)state;
    memset(long_one, 'x', sizeof long_one - 1);
    long_one[sizeof long_one - 1] = '\0';
    refused("", "b", "c", "failed request the user name is empty");
    refused("a", "", "c", "failed request the old password is empty");
    refused("a", "b", "", "weak short the password is empty");
    refused(long_one, "b", "c", "failed request the user name ");
    refused("a", long_one, "c", "failed request the old password ");
    refused("a", "b", long_one, "weak long the password ");
    refused("a\xff", "b", "c", "failed request the user name ");
    refused("a", "b\xed\xa0\x80", "c", "failed request the old password ");
    refused("a", "b", "c\xc0\x80", "weak characters the password ");
    refused("a", "b", "c\r", "weak characters the password ");
    refused("a\r", "b", "c", "failed request the user name ");
}

static void a_nul_is_no_end(void **state)
{
    static const char text[] = FIRST "user a\0\nold b\nnew c\n\n";
    static const char old[] = FIRST "user a\nold b\0c\nnew c\n\n";
    (void)state;
    assert_false(kp_passwd_request_parse(&request, text, sizeof text - 1, &answer));
    assert_false(kp_passwd_request_parse(&request, old, sizeof old - 1, &answer));
}

static void labels_are_as_printed(void **state)
{
    (void)state;
    assert_true(parse(FIRST "user a\nold nzcqi5mhwgy5bxq\nnew NZCQI-5MHWG-Y5BXQ\n\n"));
    is_text(&request.old, "nzcqi-5mhwg-y5bxq");
    is_text(&request.fresh, "nzcqi-5mhwg-y5bxq");
    kp_passwd_request_clear(&request);
}

static void answers_are_lines(void **state)
{
    char endless[2000];
    (void)state;
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    kp_passwd_answer_failed(&answer, "request", endless);
    assert_true(strlen(answer.line) < sizeof answer.line);
    assert_int_equal(answer.line[strlen(answer.line) - 1], '\n');
    kp_passwd_answer_later(&answer, 60);
    assert_string_equal(answer.line, "later 60\n");
    assert_true(kp_passwd_answer_is(answer.line, strlen(answer.line), "later"));
    assert_false(kp_passwd_answer_is(answer.line, strlen(answer.line), "late"));
    assert_false(kp_passwd_answer_is("do", 2, "done"));
    assert_true(kp_passwd_answer_is("done", 4, "done"));
    kp_passwd_answer_weak(&answer, "short", "the password is short");
    assert_string_equal(answer.line, "weak short the password is short\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_taken),      cmocka_unit_test(it_ends_where_it_ends),
        cmocka_unit_test(no_other_lines),    cmocka_unit_test(texts_are_judged),
        cmocka_unit_test(a_nul_is_no_end),   cmocka_unit_test(labels_are_as_printed),
        cmocka_unit_test(answers_are_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
