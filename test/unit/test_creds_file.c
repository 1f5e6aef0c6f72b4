/*
 * lib/creds/file and store_load: what is read and refused, and rewriting in place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "creds/file.h"
#include "creds/store.h"

static char directory[] = "/tmp/keyplate-test-XXXXXX";
static char path[300];
static struct kp_file_error error;

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/credentials", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(directory);
}

static int clean(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static void put(const char *content, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void refused(bool secret, int expected, const char *words)
{
    struct kp_text text;
    assert_int_equal(kp_file_read(path, secret, &text, &error), expected);
    assert_null(text.data);
    if (strstr(error.why, words) == NULL)
        fail_msg("%s", error.why);
}

static void holds(const char *content, mode_t mode)
{
    struct kp_text text;
    struct stat st;
    assert_int_equal(kp_file_read(path, false, &text, &error), 0);
    assert_string_equal(text.data, content);
    assert_int_equal(text.len, strlen(content));
    kp_text_clear(&text);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, mode);
}

static void replace(const char *content)
{
    struct kp_file_lock lock;
    assert_int_equal(kp_file_lock(&lock, path, &error), 0);
    assert_int_equal(kp_file_replace(&lock, content, strlen(content), &error), 0);
    kp_file_unlock(&lock);
}

static void test_read(void **state)
{
    (void)state;
    struct kp_text text;
    put("hello\n", 0600);
    assert_int_equal(kp_file_read(path, true, &text, &error), 0);
    assert_string_equal(text.data, "hello\n");
    kp_text_clear(&text);
    put("", 0400);
    assert_int_equal(kp_file_read(path, true, &text, &error), 0);
    assert_int_equal(text.len, 0);
    kp_text_clear(&text);
}

static void test_refused(void **state)
{
    (void)state;
    static const mode_t open_modes[] = {0640, 0604, 0620, 0602, 0644, 0610};
    refused(true, KP_E_NOT_FOUND, "is not there");
    for (size_t i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
        put("x", open_modes[i]);
        refused(true, KP_E_ARGUMENT, "chmod 600");
    }
    holds("x", 0610); /* not a secret: fine */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    refused(true, KP_E_ARGUMENT, "not a regular file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    refused(true, KP_E_ARGUMENT, "not a regular file");
}

static void test_size_limit(void **state)
{
    (void)state;
    struct kp_text text;
    put("", 0600);
    assert_int_equal(truncate(path, KP_FILE_MAX), 0);
    assert_int_equal(kp_file_read(path, true, &text, &error), 0);
    assert_int_equal(text.len, KP_FILE_MAX);
    kp_text_clear(&text);
    assert_int_equal(truncate(path, KP_FILE_MAX + 1), 0);
    refused(true, KP_E_ARGUMENT, "1 MiB");
}

static void test_replace(void **state)
{
    (void)state;
    (void)umask(0);
    replace("one");
    holds("one", 0600);
    replace("another");
    holds("another", 0600);
    put("read only", 0400);
    replace("new");
    holds("new", 0400);
    (void)umask(077);
}

/* What a killed writer left is no obstacle and no danger. */
static void test_replace_after_a_crash(void **state)
{
    (void)state;
    char temporary[sizeof path + 8];
    char elsewhere[sizeof path + 8];
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    (void)snprintf(elsewhere, sizeof elsewhere, "%s.else", path);
    assert_int_equal(symlink(elsewhere, temporary), 0);
    replace("one");
    holds("one", 0600);
    assert_int_not_equal(access(elsewhere, F_OK), 0);
    assert_int_not_equal(access(temporary, F_OK), 0);
}

static void test_symbolic_link_is_followed(void **state)
{
    (void)state;
    char link_path[100];
    char *target = strdup(path);
    struct stat st;
    assert_non_null(target);
    put("old", 0600);
    (void)snprintf(link_path, sizeof link_path, "%s/link", directory);
    assert_int_equal(symlink(target, link_path), 0);
    (void)snprintf(path, sizeof path, "%s", link_path);
    replace("new");
    (void)snprintf(path, sizeof path, "%s", target);
    holds("new", 0600);
    assert_int_equal(lstat(link_path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(unlink(link_path), 0);
    free(target);
}

static void test_no_directory(void **state)
{
    (void)state;
    struct kp_file_lock lock;
    assert_int_not_equal(kp_file_lock(&lock, "/nonexistent/dir/file", &error), 0);
    assert_non_null(strstr(error.why, "/nonexistent/dir"));
    assert_null(lock.name);
    assert_int_not_equal(kp_file_lock(&lock, "", &error), 0);
}

static void test_load(void **state)
{
    (void)state;
    struct kp_store *store;
    char why[600];
    assert_int_equal(kp_store_load(&store, path, why, sizeof why), KP_E_NOT_FOUND);
    put("keyplate-credentials 1\nnonsense\n", 0600);
    assert_int_equal(kp_store_load(&store, path, why, sizeof why), KP_E_SYNTAX);
    assert_non_null(strstr(why, "/credentials, line 2: "));
    assert_null(store);
    put("", 0600);
    assert_int_equal(kp_store_load(&store, path, why, sizeof why), KP_E_SYNTAX);
    assert_non_null(strstr(why, "empty"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_read, clean),
        cmocka_unit_test_teardown(test_refused, clean),
        cmocka_unit_test_teardown(test_size_limit, clean),
        cmocka_unit_test_teardown(test_replace, clean),
        cmocka_unit_test_teardown(test_replace_after_a_crash, clean),
        cmocka_unit_test_teardown(test_symbolic_link_is_followed, clean),
        cmocka_unit_test_teardown(test_no_directory, clean),
        cmocka_unit_test_teardown(test_load, clean),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
