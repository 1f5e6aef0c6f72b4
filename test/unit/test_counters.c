/* Counters as text: each of them has a row of its own, and no other one moves with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "device/counters.h"

#define COUNTS (sizeof(struct kp_counters) / sizeof(kp_count))

static char *written(const struct kp_counters *counters)
{
    struct kp_counters_process process = {.knows_memory = true, .memory = 11};
    struct kp_out out = {0};
    kp_counters_write(&out, counters, &process);
    kp_out_add(&out, "", 1);
    assert_false(out.failed);
    return out.at;
}

static size_t lines_with(const char *text, const char *value)
{
    size_t count = 0;
    for (const char *at = strstr(text, value); at != NULL; at = strstr(at + 1, value))
        count++;
    return count;
}

static void test_each_has_one_row(void **state)
{
    struct kp_counters counters = {0};
    kp_count *all = (kp_count *)(void *)&counters;
    (void)state;
    for (size_t i = 0; i < COUNTS; i++) {
        char *text;
        kp_counted_more(&all[i], 987654);
        text = written(&counters);
        assert_int_equal(lines_with(text, " 987654\n"), 1);
        free(text);
        atomic_store(&all[i], 0);
    }
}

static void test_rows_of_known_things(void **state)
{
    struct kp_counters counters = {0};
    char *text;
    (void)state;
    kp_counted(&counters.handshakes[KP_SHAKE_13][KP_SHAKE_RESUMED]);
    kp_counted_more(&counters.refused[KP_REFUSED_NO_ROOM], 2);
    kp_counted_more(&counters.failures[KP_FAILURE_CUT], UINT64_MAX);
    kp_counted_more(&counters.upstream_connections, 5);
    kp_counted_less(&counters.upstream_connections);
    kp_counters_request(&counters, 101);
    kp_counters_request(&counters, 599);
    kp_counters_request(&counters, 0);
    kp_counters_request(&counters, 99);
    kp_counters_request(&counters, 600);
    text = written(&counters);
    assert_non_null(
        strstr(text, "\nkeyplate_handshakes_total{version=\"1.3\",result=\"resumed\"} 1\n"));
    assert_non_null(strstr(text, "\nkeyplate_refused_total{reason=\"no-room\"} 2\n"));
    assert_non_null(
        strstr(text, "\nkeyplate_request_failures_total{reason=\"cut\"} 18446744073709551615\n"));
    assert_non_null(strstr(text, "\nkeyplate_upstream_connections 4\n"));
    assert_non_null(strstr(text, "\nkeyplate_requests_total{code=\"1xx\"} 1\n"));
    assert_non_null(strstr(text, "\nkeyplate_requests_total{code=\"5xx\"} 1\n"));
    assert_non_null(strstr(text, "\nkeyplate_requests_total{code=\"2xx\"} 0\n"));
    assert_non_null(strstr(text, "\nprocess_resident_memory_bytes 11\n"));
    assert_null(strstr(text, "process_open_fds")); /* unknown */
    free(text);
}

static void test_refusals_have_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KP_REFUSED_NOT; i++) {
        struct kp_counters counters = {0};
        char row[80], *text;
        const char *word = kp_counters_refused((enum kp_refused)i);
        assert_non_null(word);
        kp_counted_more(&counters.refused[i], 77);
        text = written(&counters);
        assert_true(strlen(word) < 30);
        strcpy(row, "{reason=\"");
        strcat(row, word);
        strcat(row, "\"} 77\n");
        assert_non_null(strstr(text, row));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_one_row),
        cmocka_unit_test(test_rows_of_known_things),
        cmocka_unit_test(test_refusals_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
