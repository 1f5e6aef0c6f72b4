/*
 * Whose a connection is, and where what lives as long as the person is logged in is kept.  Both
 * ways of asking the kernel are tried on every connection, so the file under test is included.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "platform_peer.c"

#define OTHER 65533 /* a user that isn't us; it needs no name */

#define NEEDS_ROOT()                                                                               \
    do {                                                                                           \
        if (geteuid() != 0) {                                                                      \
            print_message("skipped: a second user takes root\n");                                  \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

/* ---- Connections ------------------------------------------------------------------------- */

struct ends {
    int listener;
    int ours;       /* accepted */
    int theirs;     /* -1: in a child */
    pid_t child;    /* of another user; 0: none */
    int child_told; /* closing it ends the child */
};

static socklen_t loopback(struct sockaddr_storage *address, int family, bool mapped)
{
    struct sockaddr_in *in = (void *)address;
    struct sockaddr_in6 *in6 = (void *)address;
    memset(address, 0, sizeof *address);
    address->ss_family = (sa_family_t)family;
    if (family == AF_INET) {
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof *in;
    }
    assert_int_equal(inet_pton(AF_INET6, mapped ? "::ffff:127.0.0.1" : "::1", &in6->sin6_addr), 1);
    return sizeof *in6;
}

static uint16_t listen_at(struct ends *ends, int family, bool mapped)
{
    struct sockaddr_storage address;
    socklen_t len = loopback(&address, family, mapped);
    ends->listener = socket(family, SOCK_STREAM, 0);
    assert_true(ends->listener >= 0);
    assert_int_equal(bind(ends->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(ends->listener, 4), 0);
    assert_int_equal(getsockname(ends->listener, (struct sockaddr *)&address, &len), 0);
    return ((struct sockaddr_in *)&address)->sin_port; /* at the same place in both */
}

static int dial(int family, bool mapped, uint16_t port)
{
    struct sockaddr_storage address;
    socklen_t len = loopback(&address, family, mapped);
    int fd = socket(family, SOCK_STREAM, 0);
    ((struct sockaddr_in *)&address)->sin_port = port;
    return connect(fd, (struct sockaddr *)&address, len) == 0 ? fd : -1;
}

static void dial_as_other(struct ends *ends, uint16_t port)
{
    int tell[2];
    char byte;
    assert_int_equal(pipe(tell), 0);
    ends->child = fork();
    if (ends->child == 0) {
        (void)close(tell[1]);
        if (setgid(OTHER) != 0 || setuid(OTHER) != 0 || dial(AF_INET, false, port) < 0)
            _exit(1);
        (void)!read(tell[0], &byte, 1);
        _exit(0);
    }
    assert_true(ends->child > 0);
    (void)close(tell[0]);
    ends->child_told = tell[1];
}

static void end_child(struct ends *ends)
{
    if (ends->child == 0)
        return;
    (void)close(ends->child_told);
    assert_int_equal(waitpid(ends->child, NULL, 0), ends->child);
    ends->child = 0;
}

/* server: the family of the listener, IPv4 if mapped by the client. */
static struct ends connection(int server, int client, bool mapped, bool as_other)
{
    struct ends ends = {.theirs = -1};
    uint16_t port = listen_at(&ends, server, false);
    if (as_other)
        dial_as_other(&ends, port);
    else
        assert_true((ends.theirs = dial(client, mapped, port)) >= 0);
    ends.ours = accept(ends.listener, NULL, NULL);
    assert_true(ends.ours >= 0);
    return ends;
}

static void close_all(struct ends *ends)
{
    end_child(ends);
    (void)close(ends->listener);
    (void)close(ends->ours);
    if (ends->theirs >= 0)
        (void)close(ends->theirs);
}

static enum kp_peer by_tables(int fd)
{
    struct tuple tuple;
    struct row row;
    assert_true(find_tuple(fd, &tuple));
    return search_tables(&tuple, &row) ? judge_row(&row) : KP_PEER_UNKNOWN;
}

static enum kp_peer by_asking(int fd)
{
    struct tuple tuple;
    struct row row;
    assert_true(find_tuple(fd, &tuple));
    return ask_kernel(&tuple, &row) ? judge_row(&row) : KP_PEER_UNKNOWN;
}

static bool can_ask(void)
{
    struct ends ends = connection(AF_INET, AF_INET, false, false);
    enum kp_peer peer = by_asking(ends.ours);
    close_all(&ends);
    return peer == KP_PEER_PERSON;
}

static void is(int fd, enum kp_peer expected)
{
    assert_int_equal(by_tables(fd), expected);
    if (can_ask())
        assert_int_equal(by_asking(fd), expected);
    assert_int_equal(kp_platform_peer(fd), expected);
}

static void test_own(void **state)
{
    (void)state;
    struct ends v4 = connection(AF_INET, AF_INET, false, false);
    struct ends v6 = connection(AF_INET6, AF_INET6, false, false);
    struct ends mapped = connection(AF_INET, AF_INET6, true, false);
    is(v4.ours, KP_PEER_PERSON);
    is(v4.theirs, KP_PEER_PERSON); /* from either end */
    is(v6.ours, KP_PEER_PERSON);
    is(v6.theirs, KP_PEER_PERSON);
    is(mapped.ours, KP_PEER_PERSON);
    is(mapped.theirs, KP_PEER_PERSON);
    close_all(&v4);
    close_all(&v6);
    close_all(&mapped);
}

/* A browser that has said all that it wants to say still is who it was. */
static void test_half_closed(void **state)
{
    (void)state;
    struct ends ends = connection(AF_INET, AF_INET, false, false);
    assert_int_equal(shutdown(ends.theirs, SHUT_WR), 0);
    is(ends.ours, KP_PEER_PERSON);
    assert_int_equal(shutdown(ends.ours, SHUT_WR), 0);
    assert_int_equal(kp_platform_peer(ends.ours), KP_PEER_UNKNOWN); /* over: nobody can be told */
    close_all(&ends);
}

/* What is left of a socket that was closed is shown as root's. */
static void test_gone(void **state)
{
    (void)state;
    struct ends ends = connection(AF_INET, AF_INET, false, false);
    (void)close(ends.theirs);
    ends.theirs = -1;
    is(ends.ours, KP_PEER_UNKNOWN);
    close_all(&ends);
}

static void test_no_connection(void **state)
{
    (void)state;
    struct ends ends = connection(AF_INET, AF_INET, false, false);
    int file = open("/dev/null", O_RDONLY);
    assert_int_equal(kp_platform_peer(ends.listener), KP_PEER_UNKNOWN);
    assert_int_equal(kp_platform_peer(file), KP_PEER_UNKNOWN);
    assert_int_equal(kp_platform_peer(-1), KP_PEER_UNKNOWN);
    (void)close(file);
    close_all(&ends);
}

static void test_other(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct ends ends = connection(AF_INET, AF_INET, false, true);
    is(ends.ours, KP_PEER_OTHER);
    end_child(&ends);
    is(ends.ours, KP_PEER_UNKNOWN);
    close_all(&ends);
}

/* Under sudo the person is who typed it, and nobody else: not even root. */
static void test_sudo(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct ends own = connection(AF_INET, AF_INET, false, false);
    struct ends other = connection(AF_INET, AF_INET, false, true);
    enum kp_peer by_root, by_other;
    assert_int_equal(setenv("SUDO_UID", "65533", 1), 0);
    by_root = kp_platform_peer(own.ours);
    by_other = kp_platform_peer(other.ours);
    assert_int_equal(kp_platform_person(), OTHER);
    assert_int_equal(setenv("SUDO_UID", "65533x", 1), 0);
    assert_int_equal(kp_platform_person(), 0);
    assert_int_equal(unsetenv("SUDO_UID"), 0);
    assert_int_equal(kp_platform_person(), 0);
    assert_int_equal(by_root, KP_PEER_OTHER);
    assert_int_equal(by_other, KP_PEER_PERSON);
    close_all(&own);
    close_all(&other);
}

/* Many sockets, among them ones whose ends are alike but for a port. */
static void test_among_many(void **state)
{
    (void)state;
    struct ends first = {.theirs = -1};
    uint16_t port = listen_at(&first, AF_INET, false);
    int fds[200];
    for (size_t i = 0; i < 200; i += 2) {
        fds[i] = dial(AF_INET, false, port);
        fds[i + 1] = accept(first.listener, NULL, NULL);
        assert_true(fds[i] >= 0 && fds[i + 1] >= 0);
    }
    for (size_t i = 1; i < 200; i += 40)
        is(fds[i], KP_PEER_PERSON);
    (void)close(fds[100]);
    is(fds[101], KP_PEER_UNKNOWN);
    is(fds[103], KP_PEER_PERSON);
    for (size_t i = 0; i < 200; i++)
        if (i != 100)
            (void)close(fds[i]);
    (void)close(first.listener);
}

static void test_rows(void **state)
{
    static const char line[] = "   3: 0100007F:9C40 0100007F:1F90 01 00000000:00000000 00:00000000 "
                               "00000000  1000        0 54321 1 0000000000000000 20 4 30 10 -1\n";
    static const char wanted[] = "0100007F:9C40 0100007F:1F90";
    struct row row;
    (void)state;
    assert_true(read_row(line, wanted, &row));
    assert_int_equal(row.state, 1);
    assert_int_equal(row.uid, 1000);
    assert_int_equal(row.inode, 54321);
    assert_false(read_row(line, "0100007F:1F90 0100007F:9C40", &row)); /* our own row */
    assert_false(read_row("  sl  local_address rem_address   st tx_queue\n", wanted, &row));
    assert_false(read_row("   3: 0100007F:9C40 0100007F:1F90 01\n", wanted, &row));
    assert_false(read_row("", wanted, &row));
}

/* ---- Unix sockets ------------------------------------------------------------------------ */

static int unix_pair_of_other(struct ends *ends, const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char byte;
    int tell[2];
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
    ends->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(ends->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(chmod(address.sun_path, 0777), 0);
    assert_int_equal(listen(ends->listener, 1), 0);
    assert_int_equal(pipe(tell), 0);
    ends->child = fork();
    if (ends->child == 0) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        (void)close(tell[1]);
        if (setuid(OTHER) != 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
            _exit(1);
        (void)!read(tell[0], &byte, 1);
        _exit(0);
    }
    (void)close(tell[0]);
    ends->child_told = tell[1];
    ends->ours = accept(ends->listener, NULL, NULL);
    (void)unlink(address.sun_path);
    return ends->ours;
}

static void test_unix(void **state)
{
    struct ends ends = connection(AF_INET, AF_INET, false, false);
    int pair[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(kp_platform_unix_peer(pair[0]), KP_PEER_PERSON);
    assert_int_equal(kp_platform_unix_peer(ends.ours), KP_PEER_UNKNOWN); /* TCP */
    assert_int_equal(kp_platform_unix_peer(-1), KP_PEER_UNKNOWN);
    (void)close(pair[0]);
    (void)close(pair[1]);
    pair[0] = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(kp_platform_unix_peer(pair[0]), KP_PEER_UNKNOWN); /* of nobody */
    (void)close(pair[0]);
    close_all(&ends);
}

static void test_unix_other(void **state)
{
    char folder[] = "/tmp/keyplate-unit-XXXXXX";
    struct ends ends = {.theirs = -1};
    (void)state;
    NEEDS_ROOT();
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    assert_true(unix_pair_of_other(&ends, folder) >= 0);
    assert_int_equal(kp_platform_unix_peer(ends.ours), KP_PEER_OTHER);
    close_all(&ends);
    assert_int_equal(rmdir(folder), 0);
}

/* Root may come to who typed sudo. */
static void test_unix_root(void **state)
{
    int pair[2];
    (void)state;
    NEEDS_ROOT();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(setenv("SUDO_UID", "65533", 1), 0);
    enum kp_peer peer = kp_platform_unix_peer(pair[0]);
    assert_int_equal(unsetenv("SUDO_UID"), 0);
    assert_int_equal(peer, KP_PEER_PERSON);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

/* ---- The folder -------------------------------------------------------------------------- */

struct folders {
    char top[64], runtime[96], state[96];
};

static void make_folders(struct folders *folders)
{
    memcpy(folders->top, "/tmp/keyplate-unit-XXXXXX", 26);
    assert_non_null(mkdtemp(folders->top));
    (void)snprintf(folders->runtime, sizeof folders->runtime, "%s/runtime", folders->top);
    (void)snprintf(folders->state, sizeof folders->state, "%s/state", folders->top);
    assert_int_equal(mkdir(folders->runtime, 0700), 0);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", folders->runtime, 1), 0);
    assert_int_equal(setenv("XDG_STATE_HOME", folders->state, 1), 0);
}

static void remove_folders(struct folders *folders)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r %s", folders->top);
    assert_int_equal(system(command), 0);
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
}

static mode_t mode_of(const char *path)
{
    struct stat found;
    assert_int_equal(lstat(path, &found), 0);
    return found.st_mode & 07777;
}

static void test_runtime(void **state)
{
    struct folders folders;
    char path[256], expected[256];
    (void)state;
    make_folders(&folders);
    (void)snprintf(expected, sizeof expected, "%s/keyplate", folders.runtime);
    assert_int_equal(kp_platform_runtime_folder(path, sizeof path), 0);
    assert_string_equal(path, expected);
    assert_int_equal(mode_of(path), 0700);
    assert_int_equal(kp_platform_runtime_folder(path, sizeof path), 0); /* it is there already */
    assert_int_equal(kp_platform_runtime_folder(path, strlen(expected)), UV_ENAMETOOLONG);
    assert_int_equal(chmod(expected, 0750), 0);
    assert_int_equal(kp_platform_runtime_folder(path, sizeof path), UV_EACCES);
    assert_int_equal(rmdir(expected), 0);
    assert_int_equal(symlink(folders.top, expected), 0);
    assert_int_equal(kp_platform_runtime_folder(path, sizeof path), UV_EACCES);
    remove_folders(&folders);
}

/* A folder that others can change, or none, is as good as none. */
static void test_runtime_elsewhere(void **state)
{
    struct folders folders;
    char path[256], expected[256];
    struct stat found;
    (void)state;
    make_folders(&folders);
    (void)snprintf(expected, sizeof expected, "/run/user/%u", (unsigned)geteuid());
    if (stat(expected, &found) == 0)
        (void)snprintf(expected, sizeof expected, "/run/user/%u/keyplate", (unsigned)geteuid());
    else
        (void)snprintf(expected, sizeof expected, "%s/keyplate/run", folders.state);
    assert_int_equal(chmod(folders.runtime, 0777), 0);
    assert_int_equal(kp_platform_runtime_folder(path, sizeof path), 0);
    assert_string_equal(path, expected);
    assert_int_equal(mode_of(path), 0700);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "runtime", 1), 0);
    assert_int_equal(kp_platform_runtime_folder(path, sizeof path), 0);
    assert_string_equal(path, expected);
    remove_folders(&folders);
}

static void test_runtime_of_other(void **state)
{
    struct folders folders;
    char path[256], expected[256];
    (void)state;
    NEEDS_ROOT();
    make_folders(&folders);
    (void)snprintf(expected, sizeof expected, "%s/keyplate", folders.runtime);
    assert_int_equal(kp_platform_runtime_folder(path, sizeof path), 0);
    assert_int_equal(chown(expected, OTHER, OTHER), 0);
    assert_int_equal(kp_platform_runtime_folder(path, sizeof path), UV_EACCES);
    remove_folders(&folders);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_no_connection),
        cmocka_unit_test(test_other),
        cmocka_unit_test(test_sudo),
        cmocka_unit_test(test_among_many),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_unix),
        cmocka_unit_test(test_unix_other),
        cmocka_unit_test(test_unix_root),
        cmocka_unit_test(test_runtime),
        cmocka_unit_test(test_runtime_elsewhere),
        cmocka_unit_test(test_runtime_of_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
