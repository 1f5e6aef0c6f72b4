/*
 * factory/journal: what is added is there again, and of a damaged one what stands before the
 * damage.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "factory/journal.h"

#define ONE "22222-22222-22222"

static char place[] = "/tmp/keyplate-journal-XXXXXX";
static int folder = -1;
static struct kp_serials serials;

static int set_up(void **state)
{
    (void)state;
    const char *why;
    if (mkdtemp(place) == NULL)
        return -1;
    folder = open(place, O_RDONLY | O_DIRECTORY);
    return folder < 0 ? -1 : kp_serials_init(&serials, "P-", "x", 1, 50, &why);
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(folder);
    return rmdir(place);
}

static void open_it(struct kp_journal *journal)
{
    struct kp_file_error error = {""};
    assert_int_equal(kp_journal_open(journal, &serials, folder, "journal", &error), 0);
}

static void put(const char *text, size_t len)
{
    int fd = openat(folder, "journal", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, text, len) == (ssize_t)len);
    (void)close(fd);
}

static off_t size(void)
{
    struct stat st;
    assert_int_equal(fstatat(folder, "journal", &st, 0), 0);
    return st.st_size;
}

static void drop(void)
{
    assert_int_equal(unlinkat(folder, "journal", 0), 0);
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct kp_journal journal;
    struct kp_file_error error = {""};
    unsigned long places[] = {7, 0, 49};
    char passwords[3][KP_LABEL_LEN + 1] = {ONE, ONE, ONE};
    open_it(&journal);
    assert_int_equal(journal.count, 0);
    assert_int_equal(kp_journal_add(&journal, places, passwords, 3, &error), 0);
    assert_int_equal(journal.count, 3);
    kp_journal_close(&journal);
    open_it(&journal);
    assert_int_equal(journal.count, 3);
    for (unsigned long i = 0; i < 50; i++)
        assert_string_equal(journal.passwords[i], i == 7 || i == 0 || i == 49 ? ONE : "");
    kp_journal_close(&journal);
    struct stat st;
    assert_int_equal(fstatat(folder, "journal", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    drop();
}

/* Cut at each byte, and with noise behind each whole line. */
static void test_torn(void **state)
{
    (void)state;
    static const char text[] = "P-000001 " ONE "\nP-000002 " ONE "\nP-000003 " ONE "\n";
    static const char *const noise[] = {"\n",
                                        "P-000001 " ONE "\n",
                                        "P-000051 " ONE "\n",
                                        "Q-000004 " ONE "\n",
                                        "P-000004 22222-22222-22223\n",
                                        "P-000004 22222-22222-2222\n",
                                        "P-000004\n",
                                        "P-000004  " ONE "\n",
                                        ("P-000004 " ONE)};
    const size_t line = strlen("P-000001 " ONE "\n");
    struct kp_journal journal;
    for (size_t len = 0; len < sizeof text; len++) {
        put(text, len);
        open_it(&journal);
        assert_int_equal(journal.count, len / line);
        kp_journal_close(&journal);
        assert_int_equal(size(), len / line * line);
    }
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
        char whole[256];
        (void)snprintf(whole, sizeof whole, "%s%sP-000009 " ONE "\n", text, noise[i]);
        put(whole, strlen(whole));
        open_it(&journal);
        assert_int_equal(journal.count, 3);
        kp_journal_close(&journal);
        assert_int_equal(size(), 3 * line);
    }
    drop();
}

/* A disk that is full in the middle of a line: nothing was added, and the next time all is. */
static void test_full(void **state)
{
    (void)state;
    struct kp_journal journal;
    struct kp_file_error error = {""};
    unsigned long places[] = {0, 1};
    char passwords[2][KP_LABEL_LEN + 1] = {ONE, ONE};
    struct rlimit was, small;
    open_it(&journal);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = was;
    small.rlim_cur = 40;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(kp_journal_add(&journal, places, passwords, 2, &error), KP_E_ARGUMENT);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_non_null(strstr(error.why, "File too large"));
    assert_int_equal(journal.count, 0);
    assert_int_equal(size(), 0);
    assert_int_equal(kp_journal_add(&journal, places, passwords, 2, &error), 0);
    kp_journal_close(&journal);
    open_it(&journal);
    assert_int_equal(journal.count, 2);
    kp_journal_close(&journal);
    drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_full),
    };
    (void)signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
