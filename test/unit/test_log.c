/* Log lines, whatever is put into them, and sinks that are full, gone and there again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"

#define KP_LOG_DEVICE "unit-test-log.socket"
#include "log_sink.c"

#include <fcntl.h>

#define PIPE_LEN 65536

static const struct kp_log text = {.level = KP_LOG_INFO};
static const struct kp_log json = {.level = KP_LOG_INFO, .json = true};
static const struct kp_log syslog_text = {.level = KP_LOG_INFO, .to_syslog = true};
static const struct kp_log syslog_json = {.level = KP_LOG_INFO, .to_syslog = true, .json = true};

static int reader, saved;

/* stderr becomes a pipe, whose other end doesn't wait. */
static int set_up(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    reader = ends[0];
    assert_int_equal(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
    saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    (void)kp_log_sink_take_untold();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(reader);
    return 0;
}

static char *heard(void)
{
    static char lines[PIPE_LEN + 1];
    ssize_t got = read(reader, lines, PIPE_LEN);
    lines[got > 0 ? got : 0] = '\0';
    return lines;
}

/* Whether it is one line, and one JSON object of plain members. */
static void check_json(const char *line)
{
    bool quoted = false;
    size_t len = strlen(line);
    assert_true(len > 2 && line[0] == '{' && line[len - 1] == '\n' && line[len - 2] == '}');
    for (size_t i = 0; i < len - 1; i++) {
        assert_true((unsigned char)line[i] >= 0x20);
        if (quoted && line[i] == '\\')
            assert_non_null(strchr("\"\\u", line[++i]));
        else if (line[i] == '"')
            quoted = !quoted;
        else if (!quoted && i > 0 && i < len - 2)
            assert_true(line[i] != '{' && line[i] != '}' && line[i] != '\\');
    }
    assert_false(quoted);
}

static void test_every_byte_stays_in_its_line(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        char value[3] = {(char)first, '"', '\\'};
        const struct kp_log *const logs[] = {&text, &json};
        for (size_t i = 0; i < 2; i++) {
            struct kp_log_line line;
            char *at;
            kp_log_begin(&line, logs[i], KP_LOG_INFO, "refused", "what");
            kp_log_text(&line, "value", value, sizeof value);
            kp_log_end(&line);
            at = heard();
            assert_ptr_equal(strchr(at, '\n'), at + strlen(at) - 1);
            if (i == 1)
                check_json(at);
        }
    }
}

static void test_a_field_too_many_is_left_out_whole(void **state)
{
    char hostile[512];
    const struct kp_log *const logs[] = {&text, &json};
    (void)state;
    memset(hostile, 1, sizeof hostile);
    for (size_t i = 0; i < 2; i++) {
        struct kp_log_line line;
        char *at;
        kp_log_begin(&line, logs[i], KP_LOG_WARNING, "full", "what");
        kp_log_text(&line, "first", hostile, sizeof hostile);
        kp_log_text(&line, "second", hostile, sizeof hostile);
        kp_log_number(&line, "number", 7);
        kp_log_end(&line);
        at = heard();
        assert_non_null(strstr(at, "first"));
        assert_null(strstr(at, "second"));
        assert_non_null(
            strstr(at, i == 0 ? " number=7 cut=true\n" : ",\"number\":7,\"cut\":true}\n"));
        if (i == 1)
            check_json(at);
    }
}

static void test_a_full_pipe_holds_up_nobody(void **state)
{
    uint64_t lost = kp_log_sink_lost();
    unsigned said = 0;
    char *at;
    (void)state;
    while (kp_log_sink_lost() == lost) {
        kp_log_say(&text, KP_LOG_INFO, "request", "line %u", said++);
        assert_true(said < PIPE_LEN);
    }
    kp_log_say(&text, KP_LOG_INFO, "request", "another");
    lost = kp_log_sink_lost() - lost;
    at = heard();
    assert_int_equal(at[strlen(at) - 1], '\n'); /* no half line */
    kp_log_say(&json, KP_LOG_INFO, "request", "there again");
    at = heard();
    check_json(strchr(at, '\n') + 1);
    assert_non_null(strstr(at, "\"event\":\"log\""));
    assert_non_null(strstr(at, "there again"));
    {
        char expected[40];
        snprintf(expected, sizeof expected, "\"dropped\":%u}", (unsigned)lost);
        assert_non_null(strstr(at, expected));
    }
    kp_log_catch_up(&text);
    assert_string_equal(heard(), ""); /* told once */
}

/* ---- The system's log -------------------------------------------------------------------- */

static int device(void)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX, .sun_path = KP_LOG_DEVICE};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    (void)unlink(KP_LOG_DEVICE);
    assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof where), 0);
    return fd;
}

static const char *taken(int fd)
{
    static char line[8192];
    ssize_t got = recv(fd, line, sizeof line - 1, 0);
    line[got > 0 ? got : 0] = '\0';
    return line;
}

static void test_the_system_s_log_gets_lines_of_its_own_form(void **state)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    static const unsigned priorities[] = {27, 28, 30, 31};
    int fd = device();
    (void)state;
    for (unsigned level = KP_LOG_ERROR; level <= KP_LOG_DEBUG; level++) {
        struct kp_log all = {.level = KP_LOG_DEBUG, .to_syslog = true};
        char expected[120];
        snprintf(expected, sizeof expected, "<%u>keyplate[%ld]: %s full: no room",
                 priorities[level], (long)getpid(), levels[level]);
        kp_log_say(&all, (enum kp_log_level)level, "full", "no room");
        assert_string_equal(taken(fd), expected);
    }
    kp_log_say(&syslog_json, KP_LOG_INFO, "full", "no room");
    {
        const char *line = strchr(taken(fd), '{');
        assert_int_equal(strncmp(line, "{\"time\":\"", 9), 0);
        assert_int_equal(line[strlen(line) - 1], '}');
    }
    assert_string_equal(heard(), ""); /* none of it on stderr */
    close(fd);
    (void)unlink(KP_LOG_DEVICE);
}

static void test_a_system_s_log_that_was_started_again_is_found(void **state)
{
    int fd = device();
    uint64_t lost;
    (void)state;
    kp_log_say(&syslog_text, KP_LOG_INFO, "one", "here");
    assert_non_null(strstr(taken(fd), "one: here"));
    close(fd);
    lost = kp_log_sink_lost();
    kp_log_say(&syslog_text, KP_LOG_INFO, "two", "nobody");
    assert_int_equal(kp_log_sink_lost(), lost + 1);
    fd = device();
    kp_log_say(&syslog_text, KP_LOG_INFO, "three", "again");
    assert_non_null(strstr(taken(fd), " warning log: "));
    assert_non_null(strstr(taken(fd), "three: again"));
    close(fd);
    fd = device(); /* between two lines: nothing is lost */
    kp_log_say(&syslog_text, KP_LOG_INFO, "four", "again");
    assert_non_null(strstr(taken(fd), "four: again"));
    close(fd);
    (void)unlink(KP_LOG_DEVICE);
}

static void test_a_system_s_log_that_is_full_holds_up_nobody(void **state)
{
    int fd = device();
    uint64_t lost = kp_log_sink_lost();
    (void)state;
    for (unsigned said = 0; kp_log_sink_lost() == lost; said++) {
        kp_log_say(&syslog_text, KP_LOG_INFO, "request", "line %u", said);
        assert_true(said < 100000);
    }
    while (taken(fd)[0] != '\0')
        ;
    kp_log_catch_up(&syslog_text);
    assert_non_null(strstr(taken(fd), "dropped=1"));
    close(fd);
    (void)unlink(KP_LOG_DEVICE);
}

static void test_levels_and_bare_lines(void **state)
{
    struct kp_log bare = {.level = KP_LOG_WARNING, .bare = true};
    (void)state;
    kp_log_say(&bare, KP_LOG_INFO, "credentials", "not shown");
    kp_log_say(&bare, KP_LOG_WARNING, "credentials", "shown");
    assert_string_equal(heard(), "warning: shown\n");
}

static unsigned strangers_told;

static size_t about_strangers(const struct kp_log *log, unsigned lines)
{
    size_t written = 0;
    while (lines-- > 0) {
        struct kp_log_line line;
        const char *at;
        kp_log_begin(&line, log, KP_LOG_INFO, "refused", "what came to the TLS port isn't TLS");
        kp_log_stranger(&line);
        kp_log_end(&line);
        at = heard();
        strangers_told += strstr(at, "left_out=1\n") != NULL;
        if (strstr(at, " refused: ") != NULL)
            written += strlen(at);
    }
    return written;
}

/* Others' lines come all the same, and that some are missing is told. */
static void test_strangers_fill_no_disk(void **state)
{
    static const struct kp_log all = {.level = KP_LOG_DEBUG};
    size_t written = about_strangers(&text, 5000);
    (void)state;
    assert_in_range(written, KP_LOG_STRANGERS / 2, KP_LOG_STRANGERS + 5 * KP_LOG_STRANGERS_PER_S);
    assert_int_equal(strangers_told, 1);
    kp_log_say(&text, KP_LOG_INFO, "proved", "the password was proved");
    assert_non_null(strstr(heard(), "proved"));
    assert_true(about_strangers(&all, 100) > 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_byte_stays_in_its_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_field_too_many_is_left_out_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_pipe_holds_up_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_system_s_log_gets_lines_of_its_own_form, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_system_s_log_that_was_started_again_is_found, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_system_s_log_that_is_full_holds_up_nobody, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_levels_and_bare_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strangers_fill_no_disk, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
