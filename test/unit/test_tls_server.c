/*
 * integrations/common: what the connections of a web server share, and its files.
 */
#include "tls_ends.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "secret_file.h"
#include "throttle_file.h"

static struct kp_text good, changed, moved, with_old;
static struct kp_tls_log quiet = {.say = say, .arg = said};

static int set_up_all(void **state)
{
    (void)state;
    good = file_text(DEVICE, PASSWORD, false);
    changed = file_text(DEVICE, OTHER_PASSWORD, false);
    moved = file_text("other \"device\" \\", PASSWORD, false);
    with_old = file_text(DEVICE, PASSWORD, true);
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    kp_text_clear(&good);
    kp_text_clear(&changed);
    kp_text_clear(&moved);
    kp_text_clear(&with_old);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    ahead = 0;
    hush();
    open_folder();
    put_file(credentials, good.data, 0600);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_folder();
    return 0;
}

/* Whether a name of the folder holds this. */
static bool folder_has(const char *part)
{
    DIR *open = opendir(folder);
    const struct dirent *entry;
    bool found = false;
    assert_non_null(open);
    while ((entry = readdir(open)) != NULL)
        found = found || strstr(entry->d_name, part) != NULL;
    closedir(open);
    return found;
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* Fails to open, and says so in these words. */
static void refuses(const char *path, int error, const char *words)
{
    const struct kp_tls_server_options options = {.credentials = path};
    struct kp_tls_server *server;
    char why[512] = "";
    int result = kp_tls_server_open(&server, &options, why, sizeof why);
    assert_null(server);
    if (result != error || strstr(why, words) == NULL)
        fail_msg("%d: %s", result, why);
    assert_null(strchr(why, '\n'));
}

static void test_open_refuses(void **state)
{
    char text[65536];
    (void)state;
    refuses(NULL, KP_E_ARGUMENT, "no credentials file");
    refuses("", KP_E_ARGUMENT, "no credentials file");
    refuses("/tmp/keyplate-not-there", KP_E_NOT_FOUND, "keyplate passwd add");
    refuses(folder, KP_E_ARGUMENT, "is not a regular file");
    assert_int_equal(chmod(credentials, 0644), 0);
    refuses(credentials, KP_E_ARGUMENT, "chmod 600");
    assert_int_equal(chmod(credentials, 0640), 0);
    refuses(credentials, KP_E_ARGUMENT, "chmod 600");
    put_file(credentials, "", 0600);
    refuses(credentials, KP_E_SYNTAX, credentials);
    snprintf(text, sizeof text, "%s", good.data);
    strstr(text, "user admin")[5] = 'A';
    put_file(credentials, text, 0600);
    refuses(credentials, KP_E_SYNTAX, "line ");
}

/* Somebody could put a state of his own in the place of the count, or a link. */
static void test_open_refuses_a_shared_folder(void **state)
{
    char shared[128], link[128];
    struct kp_tls_server_options options = {.credentials = credentials, .throttle_file = link};
    struct kp_tls_server *server;
    char why[256];
    (void)state;
    snprintf(shared, sizeof shared, "%s/shared", folder);
    snprintf(link, sizeof link, "%s/shared/link", folder);
    assert_int_equal(mkdir(shared, 0700), 0);
    assert_int_equal(symlink(state_file, link), 0);
    for (mode_t mode = 0770; mode <= 01777; mode += 01007) {
        assert_int_equal(chmod(shared, mode), 0);
        assert_int_equal(kp_tls_server_open(&server, &options, why, sizeof why), KP_E_ARGUMENT);
        assert_non_null(strstr(why, "others may write in its folder"));
    }
    assert_int_equal(chmod(shared, 0755), 0);
    assert_int_equal(kp_tls_server_open(&server, &options, why, sizeof why), 0);
    kp_tls_server_close(server);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(rmdir(shared), 0);
}

static void test_open_refuses_a_pipe(void **state)
{
    char pipe[128];
    (void)state;
    snprintf(pipe, sizeof pipe, "%s/pipe", folder);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    refuses(pipe, KP_E_ARGUMENT, "is not a regular file");
}

static void test_open_refuses_a_large_file(void **state)
{
    (void)state;
    assert_int_equal(truncate(credentials, 1048577), 0);
    refuses(credentials, KP_E_ARGUMENT, "larger than 1 MiB");
}

static void test_open_refuses_protocols(void **state)
{
    static const char *const nine[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9"};
    const struct kp_tls_server_options options = {
        .credentials = credentials, .alpn = nine, .alpn_count = 9};
    struct kp_tls_server *server;
    char why[128] = "";
    (void)state;
    assert_int_equal(kp_tls_server_open(&server, &options, why, sizeof why), KP_E_ARGUMENT);
    assert_true(why[0] != '\0');
}

/* Servers go to "/" when they become daemons. */
static void test_relative_path(void **state)
{
    struct kp_tls_server_options options = {.credentials = "keyplate", .log = say, .log_arg = said};
    struct kp_tls_server *server;
    char why[512];
    (void)state;
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(kp_tls_server_open(&server, &options, why, sizeof why), 0);
    assert_int_equal(chdir("/"), 0);
    put_file(credentials, changed.data, 0600);
    kp_tls_server_look(server);
    assert_int_equal(times_said("is in force"), 1);
    kp_tls_server_close(server);
    kp_tls_server_close(NULL);
}

/* ---- Reload -------------------------------------------------------------------------------- */

static void shows(const struct kp_tls_server *server, const char *expected)
{
    char hint[KP_TLS_HINT_MAX];
    size_t len = kp_tls_server_hint(server, 8443, hint);
    assert_int_equal(len, strlen(hint));
    assert_string_equal(hint, expected);
}

#define BOTH                                                                                       \
    "{\"keyplate\":1,\"versions\":[\"1.2\",\"1.3\"],\"port\":8443,\"device_id\":\"" DEVICE "\"}\n"

static void test_reload(void **state)
{
    const struct kp_tls_server_options options = {.streams_max = 0};
    struct kp_tls_server *server = open_server(&options);
    (void)state;
    kp_tls_server_look(server);
    assert_string_equal(said, "");
    shows(server, BOTH);
    put_file(credentials, moved.data, 0600);
    shows(server, BOTH);
    kp_tls_server_look(server);
    assert_int_equal(times_said("0 "), 1);
    assert_int_equal(times_said("is in force"), 1);
    shows(server, "{\"keyplate\":1,\"versions\":[\"1.2\",\"1.3\"],\"port\":8443,\"device_id\":"
                  "\"other \\\"device\\\" \\\\\"}\n");
    kp_tls_server_look(server);
    assert_int_equal(times_said("is in force"), 1);
    kp_tls_server_close(server);
}

/* A bad file is said once for each change; what was bad about a file that didn't change is seen. */
static void test_reload_of_bad_files(void **state)
{
    const struct kp_tls_server_options options = {.streams_max = 0};
    struct kp_tls_server *server = open_server(&options);
    (void)state;
    put_file(credentials, "nonsense\n", 0600);
    for (int i = 0; i < 3; i++)
        kp_tls_server_look(server);
    assert_int_equal(times_said("the old ones stay in force"), 1);
    assert_int_equal(times_said("2 the changed"), 1);
    assert_int_equal(unlink(credentials), 0);
    for (int i = 0; i < 3; i++)
        kp_tls_server_look(server);
    assert_int_equal(times_said("the old ones stay in force"), 2);
    assert_int_equal(times_said("is not there"), 1);
    put_file(credentials, moved.data, 0604);
    for (int i = 0; i < 3; i++)
        kp_tls_server_look(server);
    assert_int_equal(times_said("chmod 600"), 1);
    shows(server, BOTH);
    assert_int_equal(chmod(credentials, 0600), 0);
    kp_tls_server_look(server);
    assert_int_equal(times_said("is in force"), 1);
    kp_tls_server_close(server);
}

/* What was in the way of a load may go without a change of the file. */
static void test_reload_tries_again(void **state)
{
    const struct kp_tls_server_options options = {.streams_max = 0};
    struct kp_tls_server *server = open_server(&options);
    struct rlimit files, none;
    (void)state;
    put_file(credentials, moved.data, 0600);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    none = files;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    kp_tls_server_look(server);
    kp_tls_server_look(server);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    assert_int_equal(times_said("the old ones stay in force"), 1);
    kp_tls_server_look(server);
    assert_int_equal(times_said("is in force"), 1);
    kp_tls_server_look(server);
    assert_int_equal(times_said("is in force"), 1);
    kp_tls_server_close(server);
}

/* ---- The hint ------------------------------------------------------------------------------ */

static void test_hint_versions(void **state)
{
    const struct kp_tls_server_options only12 = {.versions = KP_USE_TLS12};
    const struct kp_tls_server_options only13 = {.versions = KP_USE_TLS13};
    const struct kp_tls_server_options both = {.versions = 0};
    struct kp_tls_server *server = open_server(&only12);
    (void)state;
    shows(server,
          "{\"keyplate\":1,\"versions\":[\"1.2\"],\"port\":8443,\"device_id\":\"" DEVICE "\"}\n");
    kp_tls_server_close(server);
    server = open_server(&only13);
    shows(server,
          "{\"keyplate\":1,\"versions\":[\"1.3\"],\"port\":8443,\"device_id\":\"" DEVICE "\"}\n");
    put_file(credentials, with_old.data, 0600);
    kp_tls_server_look(server);
    assert_int_equal(times_said("they can't come in"), 1);
    kp_tls_server_close(server);
    hush();
    server = open_server(&both);
    assert_int_equal(times_said("get TLS 1.2, whoever they are"), 1);
    shows(server,
          "{\"keyplate\":1,\"versions\":[\"1.2\"],\"port\":8443,\"device_id\":\"" DEVICE "\"}\n");
    kp_tls_server_close(server);
}

/* ---- The throttle's file ------------------------------------------------------------------- */

static const uint8_t from[KP_SOURCE_LEN] = {[10] = 0xff, 0xff, 192, 0, 2, 7};
static const uint8_t elsewhere[KP_SOURCE_LEN] = {[10] = 0xff, 0xff, 192, 0, 2, 8};

static struct kp_throttle_file open_file(const char *path)
{
    struct kp_throttle_file file;
    assert_int_equal(kp_throttle_file_open(&file, path != NULL ? strdup(path) : NULL, &quiet), 0);
    return file;
}

/* Wrong guesses that are judged, until one isn't. */
static unsigned judged(struct kp_throttle_file *file, const uint8_t *source)
{
    unsigned count = 0;
    struct kp_guess guess;
    while (kp_throttle_file_take(file, source, "admin", 5, &guess) && count < 100)
        count++;
    return count;
}

static void test_throttle_outlives(void **state)
{
    struct kp_throttle_file file = open_file(state_file);
    struct stat st;
    char *text;
    (void)state;
    assert_int_equal(access(state_file, F_OK), -1);
    assert_int_equal(judged(&file, from), 16);
    assert_int_equal(stat(state_file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    kp_throttle_file_close(&file);
    text = get_file(state_file);
    assert_memory_equal(text, "keyplate-throttle 1\n", 20);
    free(text);
    file = open_file(state_file);
    assert_int_equal(judged(&file, from), 0);
    assert_int_equal(judged(&file, elsewhere), 8); /* the rest of a name, for who is clean */
    kp_throttle_file_close(&file);
    assert_string_equal(said, "");
    assert_false(folder_has(".new"));
}

/* A crash: what was leased is spent.  Nothing more than that, and nothing less. */
static void test_throttle_crash(void **state)
{
    struct kp_throttle_file file = open_file(state_file);
    struct kp_guess guess;
    unsigned before = 5, after;
    char *text;
    (void)state;
    for (unsigned i = 0; i < before; i++)
        assert_true(kp_throttle_file_take(&file, from, "admin", 5, &guess));
    text = get_file(state_file);
    kp_throttle_file_close(&file);
    put_file(state_file, text, 0600);
    free(text);
    file = open_file(state_file);
    after = judged(&file, from);
    assert_true(after < 16 - before + 1);
    kp_throttle_file_close(&file);
}

/* A look when nobody guesses gives back what was leased, and no guess; without guesses no file. */
static void test_throttle_settles(void **state)
{
    struct kp_throttle_file file = open_file(state_file);
    struct kp_guess guess;
    char *text;
    (void)state;
    kp_throttle_file_look(&file);
    assert_int_equal(access(state_file, F_OK), -1);
    assert_true(kp_throttle_file_take(&file, from, "admin", 5, &guess));
    ahead += 10;
    kp_throttle_file_look(&file);
    text = get_file(state_file);
    kp_throttle_file_close(&file);
    put_file(state_file, text, 0600);
    free(text);
    file = open_file(state_file);
    assert_int_equal(judged(&file, from), 15);
    kp_throttle_file_close(&file);
    assert_int_equal(unlink(state_file), 0);
    file = open_file(state_file);
    kp_throttle_file_close(&file);
    assert_int_equal(access(state_file, F_OK), -1);
}

/* A lost state is no way to more guesses. */
static void counts_as_spent(const char *text, mode_t mode, const char *why)
{
    struct kp_throttle_file file;
    hush();
    put_file(state_file, text, mode);
    file = open_file(state_file);
    assert_int_equal(times_said("all count as spent"), 1);
    assert_int_equal(times_said(why), 1);
    assert_int_equal(judged(&file, elsewhere), 0);
    kp_throttle_file_close(&file);
}

static void test_throttle_damaged(void **state)
{
    struct kp_throttle_file file = open_file(state_file);
    char *text;
    (void)state;
    (void)judged(&file, from);
    kp_throttle_file_close(&file);
    text = get_file(state_file);
    counts_as_spent(text, 0644, "chmod 600");
    text[strlen(text) / 2] = '\0';
    counts_as_spent(text, 0600, "damaged");
    counts_as_spent("", 0600, "damaged");
    free(text);
}

static void test_throttle_link(void **state)
{
    char real[128];
    struct stat st;
    struct kp_throttle_file file;
    (void)state;
    snprintf(real, sizeof real, "%s/real", folder);
    put_file(real, "", 0600);
    assert_int_equal(symlink(real, state_file), 0);
    file = open_file(state_file);
    (void)judged(&file, from);
    kp_throttle_file_look(&file);
    ahead += 86400;
    assert_int_equal(judged(&file, from), 16);
    kp_throttle_file_close(&file);
    assert_int_equal(lstat(state_file, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(real, &st), 0);
    assert_true(st.st_size > 20);
}

/* What lies at the temporary name is not written to. */
static void test_throttle_trap(void **state)
{
    char trap[128], victim[128];
    struct kp_throttle_file file = open_file(state_file);
    char *text;
    (void)state;
    snprintf(trap, sizeof trap, "%s.new", state_file);
    snprintf(victim, sizeof victim, "%s/victim", folder);
    put_file(victim, "mine", 0600);
    assert_int_equal(symlink(victim, trap), 0);
    assert_int_equal(judged(&file, from), 16);
    kp_throttle_file_close(&file);
    text = get_file(victim);
    assert_string_equal(text, "mine");
    assert_string_equal(said, "");
    free(text);
    assert_int_equal(access(state_file, F_OK), 0);
}

static void test_throttle_unwritable(void **state)
{
    char inner[128], path[160];
    struct kp_throttle_file file;
    (void)state;
    snprintf(inner, sizeof inner, "%s/inner", folder);
    snprintf(path, sizeof path, "%s/state", inner);
    file = open_file(path);
    assert_int_equal(judged(&file, from), 16);
    assert_int_equal(times_said("2 the state of guesses can't be written"), 1);
    assert_int_equal(mkdir(inner, 0700), 0);
    ahead += 10;
    kp_throttle_file_look(&file);
    assert_int_equal(times_said("0 the state of guesses can be written again"), 1);
    assert_int_equal(access(path, F_OK), 0);
    kp_throttle_file_close(&file);
}

static void test_throttle_shared(void **state)
{
    struct kp_throttle_file a = open_file(state_file), b = open_file(state_file);
    struct kp_guess guess;
    (void)state;
    assert_true(kp_throttle_file_take(&a, from, "admin", 5, &guess));
    assert_true(kp_throttle_file_take(&b, from, "admin", 5, &guess));
    assert_string_equal(said, "");
    (void)judged(&a, from);
    (void)judged(&b, elsewhere);
    assert_true(times_said("1 ") >= 1 && times_said("is written by another process") <= 2);
    kp_throttle_file_close(&a);
    kp_throttle_file_close(&b);
}

static void test_throttle_in_memory(void **state)
{
    const struct kp_tls_server_options options = {.throttle_file = ""};
    struct kp_tls_server *server = open_server(&options);
    struct kp_throttle_file file = open_file(NULL);
    (void)state;
    assert_int_equal(judged(&file, from), 16);
    ahead += 100;
    kp_throttle_file_look(&file);
    kp_throttle_file_close(&file);
    kp_tls_server_look(server);
    kp_tls_server_close(server);
    assert_false(folder_has("throttle"));
}

/* ---- The log -------------------------------------------------------------------------------- */

static void test_names(void **state)
{
    char out[KP_TLS_LOG_NAME];
    char long_name[80];
    (void)state;
    assert_string_equal(kp_tls_log_name(out, "admin", 5), "admin");
    assert_string_equal(kp_tls_log_name(out, "", 0), "");
    assert_string_equal(kp_tls_log_name(out, NULL, 0), "");
    assert_string_equal(kp_tls_log_name(out, "J\xc3\xbcrgen <x>", 11), "J\xc3\xbcrgen <x>");
    assert_string_equal(kp_tls_log_name(out, "a\nb\"c\\d\0e\x7f", 10),
                        "a\\x0ab\\x22c\\x5cd\\x00e\\x7f");
    assert_string_equal(kp_tls_log_name(out, "\xc3", 1), "\\xc3");
    assert_string_equal(kp_tls_log_name(out, "\xc2\x85\xc0\xaf", 4), "\\xc2\\x85\\xc0\\xaf");
    assert_string_equal(kp_tls_log_name(out, "\xed\xa0\x80", 3), "\\xed\\xa0\\x80");
    assert_string_equal(kp_tls_log_name(out, "\xe2\x80\xae", 3), "\\xe2\\x80\\xae");
    memset(long_name, '\n', sizeof long_name);
    assert_int_equal(strlen(kp_tls_log_name(out, long_name, sizeof long_name)), 4 * 64 + 3);
    memset(long_name, 'a', sizeof long_name);
    assert_int_equal(strlen(kp_tls_log_name(out, long_name, 64)), 64);
}

static void test_strangers(void **state)
{
    struct kp_tls_log log = {.say = say, .arg = said};
    unsigned room = 0;
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        room += kp_tls_log_stranger(&log);
    assert_true(room == KP_TLS_LOG_STRANGERS || room == 2 * KP_TLS_LOG_STRANGERS);
    ahead += 2;
    assert_true(kp_tls_log_stranger(&log));
    assert_true(times_said("more connections failed") >= 1);
    assert_true(times_said("80 more connections") == 1 || room != KP_TLS_LOG_STRANGERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_refuses_a_shared_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_refuses_a_pipe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_refuses_a_large_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_refuses_protocols, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_relative_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reload, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reload_of_bad_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reload_tries_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hint_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_throttle_outlives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_throttle_crash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_throttle_settles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_throttle_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_throttle_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_throttle_trap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_throttle_unwritable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_throttle_shared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_throttle_in_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strangers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
