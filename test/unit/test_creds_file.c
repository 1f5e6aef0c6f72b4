/*
 * lib/creds/file and store_load: what is read and refused, and rewriting in place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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
    assert_int_equal(kp_file_write(&lock, content, strlen(content), &error), 0);
    assert_int_equal(kp_file_commit(&lock, &error), 0);
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

/* "directory/name", static until the next call but one. */
static char *beside(const char *name)
{
    static char paths[2][sizeof path];
    static int turn;
    turn = 1 - turn;
    (void)snprintf(paths[turn], sizeof paths[turn], "%s/%s", directory, name);
    return paths[turn];
}

static void make_file(const char *name, mode_t mode)
{
    int fd = open(beside(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static bool is_there(const char *name)
{
    struct stat st;
    return lstat(beside(name), &st) == 0;
}

static size_t files_there(void)
{
    size_t count = 0;
    DIR *d = opendir(directory);
    assert_non_null(d);
    while (readdir(d) != NULL)
        count++;
    assert_int_equal(closedir(d), 0);
    return count - 2;
}

/* What a killed writer left goes; what only looks alike stays, and FILE.new is nobody's business.
 */
static void test_replace_after_a_crash(void **state)
{
    (void)state;
    static const char *const others[] = {"credentials.new", ".credentials.keyplate-",
                                         ".credentials.keyplate-abc1234", ".other.keyplate-abc123"};
    for (size_t i = 0; i < 4; i++)
        make_file(others[i], 0644);
    make_file(".credentials.keyplate-abc123", 0600);
    make_file(".credentials.lock", 0600);
    assert_int_equal(symlink("elsewhere", beside(".credentials.keyplate-abc124")), 0);
    replace("one");
    holds("one", 0600);
    assert_false(is_there(".credentials.keyplate-abc123"));
    assert_false(is_there(".credentials.lock"));
    assert_false(is_there("elsewhere"));
    assert_int_equal(files_there(), 6);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(unlink(beside(others[i])), 0);
    assert_int_equal(unlink(beside(".credentials.keyplate-abc124")), 0);
}

/* Until it is put in place nothing is changed, and what isn't put there leaves nothing. */
static void test_two_steps(void **state)
{
    (void)state;
    struct kp_file_lock lock;
    replace("old");
    assert_int_equal(kp_file_lock(&lock, path, &error), 0);
    assert_int_equal(kp_file_write(&lock, "new", 3, &error), 0);
    holds("old", 0600);
    assert_int_equal(files_there(), 3);
    kp_file_unlock(&lock);
    holds("old", 0600);
    assert_int_equal(files_there(), 1);
    assert_int_equal(kp_file_lock(&lock, path, &error), 0);
    assert_int_equal(kp_file_write(&lock, "new", 3, &error), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(kp_file_commit(&lock, &error), KP_E_ARGUMENT);
    assert_non_null(strstr(error.why, "nothing was changed"));
    kp_file_unlock(&lock);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(files_there(), 0);
}

static void test_create(void **state)
{
    (void)state;
    struct kp_file_lock lock;
    struct stat st;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kp_file_lock(&lock, path, &error), 0);
        assert_int_equal(kp_file_write(&lock, "new", 3, &error), 0);
        /* It appears in between: a file, or a link to nothing. */
        if (i == 1)
            put("precious", 0640);
        if (i == 2)
            assert_int_equal(symlink("nowhere", path), 0);
        assert_int_equal(kp_file_create(&lock, &error), i == 0 ? 0 : KP_E_EXISTS);
        kp_file_unlock(&lock);
        assert_int_equal(files_there(), 1);
        if (i == 0)
            holds("new", 0600);
        if (i == 1)
            holds("precious", 0640);
        if (i == 2)
            assert_true(lstat(path, &st) == 0 && S_ISLNK(st.st_mode));
        assert_int_equal(unlink(path), 0);
    }
}

/* ---- The lock ------------------------------------------------------------------------------- */

static void test_lock_is_ours_alone(void **state)
{
    (void)state;
    struct kp_file_lock lock;
    struct stat st;
    (void)umask(0);
    /* Whoever may read the directory can lock that: it must not matter. */
    int fd = open(directory, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(kp_file_lock(&lock, path, &error), 0);
    (void)umask(077);
    assert_int_equal(stat(beside(".credentials.lock"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    int again = open(beside(".credentials.lock"), O_RDWR);
    assert_int_not_equal(flock(again, LOCK_EX | LOCK_NB), 0);
    kp_file_unlock(&lock);
    assert_int_equal(files_there(), 0);
    assert_int_equal(close(again), 0);
    assert_int_equal(close(fd), 0);
}

/* One who waited on a lock that was removed meanwhile holds nothing. */
static void test_lock_that_was_removed(void **state)
{
    (void)state;
    struct kp_file_lock lock;
    make_file(".credentials.lock", 0600);
    int stale = open(beside(".credentials.lock"), O_RDWR);
    assert_int_equal(flock(stale, LOCK_EX), 0);
    assert_int_equal(unlink(beside(".credentials.lock")), 0);
    assert_int_equal(kp_file_lock(&lock, path, &error), 0);
    kp_file_unlock(&lock);
    assert_int_equal(close(stale), 0);
}

static void lock_refused(const char *words)
{
    struct kp_file_lock lock;
    assert_int_equal(kp_file_lock(&lock, path, &error), KP_E_ARGUMENT);
    assert_null(lock.name);
    if (strstr(error.why, words) == NULL)
        fail_msg("%s", error.why);
    assert_true(is_there(".credentials.lock"));
    assert_int_equal(unlink(beside(".credentials.lock")), 0);
}

static void test_locks_of_others(void **state)
{
    (void)state;
    make_file(".credentials.lock", 0660);
    lock_refused("somebody else's");
    assert_int_equal(mkfifo(beside(".credentials.lock"), 0600), 0);
    lock_refused("somebody else's");
    make_file("target", 0600);
    assert_int_equal(symlink("target", beside(".credentials.lock")), 0);
    lock_refused("symbolic links");
    assert_int_equal(unlink(beside("target")), 0);
    if (geteuid() != 0)
        return;
    make_file(".credentials.lock", 0600);
    assert_int_equal(chown(beside(".credentials.lock"), 23456, 23456), 0);
    lock_refused("somebody else's");
    /* The file's owner is no stranger; and root's own lock is handed to him. */
    put("x", 0600);
    assert_int_equal(chown(path, 23456, 23456), 0);
    make_file(".credentials.lock", 0600);
    assert_int_equal(chown(beside(".credentials.lock"), 23456, 23456), 0);
    replace("y");
    struct kp_file_lock lock;
    struct stat st;
    assert_int_equal(kp_file_lock(&lock, path, &error), 0);
    assert_int_equal(stat(beside(".credentials.lock"), &st), 0);
    assert_int_equal(st.st_uid, 23456);
    kp_file_unlock(&lock);
}

static void test_check_place(void **state)
{
    (void)state;
    assert_int_equal(kp_file_check_place(path, &error), 0);
    put("x", 0600);
    assert_int_equal(kp_file_check_place(path, &error), 0);
    assert_int_equal(kp_file_check_place("/nonexistent/credentials", &error), KP_E_ARGUMENT);
    assert_non_null(strstr(error.why, "mkdir -m 700 /nonexistent"));
    assert_int_equal(kp_file_check_place("/", &error), KP_E_ARGUMENT);
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
        cmocka_unit_test_teardown(test_two_steps, clean),
        cmocka_unit_test_teardown(test_create, clean),
        cmocka_unit_test_teardown(test_lock_is_ours_alone, clean),
        cmocka_unit_test_teardown(test_lock_that_was_removed, clean),
        cmocka_unit_test_teardown(test_locks_of_others, clean),
        cmocka_unit_test_teardown(test_check_place, clean),
        cmocka_unit_test_teardown(test_symbolic_link_is_followed, clean),
        cmocka_unit_test_teardown(test_no_directory, clean),
        cmocka_unit_test_teardown(test_load, clean),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
