/*
 * What a confined process can't do any more, and what it still can: each test confines a child of
 * its own, which tries.  A child says at which of its lines something wasn't as it has to be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <netinet/in.h>

#include "device/confine.h"

#define NOBODY 65534

/* In a child: the line that failed. */
#define NEED(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            return __LINE__;                                                                       \
    } while (0)
#define REFUSED(x, number)                                                                         \
    NEED(({                                                                                        \
        errno = 0;                                                                                 \
        (x) < 0 && errno == (number);                                                              \
    }))

struct place {
    char top[64];   /* a folder */
    char state[96]; /* a folder in it, with the credentials: what stays writable */
    char credentials[128];
    char aside[128]; /* a file beside that folder */
    char log[128];   /* what a child said */
    struct sockaddr_un unix_server;
    struct sockaddr_in server;
    int unix_listener, listener;
};

static struct place place;
static const struct kp_log the_log = {.level = KP_LOG_INFO};

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static int make_place(void **unused)
{
    socklen_t len = sizeof place.server;
    (void)unused;
    memset(&place, 0, sizeof place);
    snprintf(place.top, sizeof place.top, "/tmp/kp-confine-XXXXXX");
    assert_non_null(mkdtemp(place.top));
    assert_int_equal(chmod(place.top, 0755), 0);
    snprintf(place.state, sizeof place.state, "%s/state", place.top);
    assert_int_equal(mkdir(place.state, 0700), 0);
    snprintf(place.credentials, sizeof place.credentials, "%s/credentials", place.state);
    write_file(place.credentials, "credentials\n");
    snprintf(place.aside, sizeof place.aside, "%s/aside", place.top);
    write_file(place.aside, "aside\n");
    assert_int_equal(chmod(place.aside, 0666), 0);
    snprintf(place.log, sizeof place.log, "%s/log", place.top);
    place.unix_server.sun_family = AF_UNIX;
    snprintf(place.unix_server.sun_path, sizeof place.unix_server.sun_path, "%s/socket", place.top);
    place.unix_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(
        bind(place.unix_listener, (struct sockaddr *)&place.unix_server, sizeof place.unix_server),
        0);
    assert_int_equal(chmod(place.unix_server.sun_path, 0777), 0);
    assert_int_equal(listen(place.unix_listener, 8), 0);
    place.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    place.server.sin_family = AF_INET;
    place.server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(place.listener, (struct sockaddr *)&place.server, len), 0);
    assert_int_equal(getsockname(place.listener, (struct sockaddr *)&place.server, &len), 0);
    assert_int_equal(listen(place.listener, 8), 0);
    return 0;
}

static int remove_place(void **unused)
{
    char command[128];
    (void)unused;
    close(place.listener);
    close(place.unix_listener);
    snprintf(command, sizeof command, "rm -rf '%s'", place.top);
    return system(command);
}

static void give_state_to(uid_t owner)
{
    assert_int_equal(chown(place.state, owner, owner), 0);
    assert_int_equal(chown(place.credentials, owner, owner), 0);
}

/* The line that failed in a child, 0 for none; 9999: it has died. */
static int in_child(int (*what)(void))
{
    int line = 9999, status, ends[2];
    pid_t child;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int log = open(place.log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        (void)dup2(log, 2);
        line = what();
        _exit(write(ends[1], &line, sizeof line) == (ssize_t)sizeof line ? 0 : 1);
    }
    close(ends[1]);
    if (read(ends[0], &line, sizeof line) != (ssize_t)sizeof line)
        line = 9999;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return line;
}

static const char *logged(void)
{
    static char text[8192];
    FILE *file = fopen(place.log, "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        n++;
    return n;
}

/* ---- Files, by Landlock alone -------------------------------------------------------------- */

static int abi; /* that a child takes the kernel for */

static const char *in_state(const char *name)
{
    static char paths[4][160];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", place.state, name);
    return path;
}

static int writes_in_state(void)
{
    int fd = open(in_state("new"), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    NEED(fd >= 0);
    NEED(write(fd, "x", 1) == 1 && fsync(fd) == 0 && ftruncate(fd, 0) == 0);
    close(fd);
    NEED(rename(in_state("new"), in_state("state")) == 0);
    fd = open(in_state("state"), O_WRONLY | O_TRUNC | O_CLOEXEC);
    NEED(fd >= 0);
    close(fd);
    NEED(unlink(in_state("state")) == 0);
    return 0;
}

static int reads_anywhere(void)
{
    char byte;
    int fd = open(place.aside, O_RDONLY | O_CLOEXEC);
    NEED(fd >= 0 && read(fd, &byte, 1) == 1);
    close(fd);
    fd = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    NEED(fd >= 0);
    close(fd);
    return 0;
}

static int connects(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    NEED(connect(fd, (struct sockaddr *)&place.server, sizeof place.server) == 0);
    close(fd);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    NEED(connect(fd, (struct sockaddr *)&place.unix_server, sizeof place.unix_server) == 0);
    close(fd);
    return 0;
}

static int tries_files(void)
{
    char *const args[] = {(char *)(uintptr_t) "true", NULL};
    (void)args;
    NEED(kp_confine_files(abi, place.state) == 0);
    NEED(reads_anywhere() == 0);
    NEED(writes_in_state() == 0);
    NEED(connects() == 0);
    REFUSED(open(place.aside, O_WRONLY | O_CLOEXEC), EACCES);
    REFUSED(open("/tmp/kp-confine-new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), EACCES);
    REFUSED(unlink(place.aside), EACCES);
    NEED(rename(place.credentials, place.aside) != 0);
    REFUSED(mkdir(in_state("folder"), 0700), EACCES);
    REFUSED(symlink("/etc/passwd", in_state("link")), EACCES);
    REFUSED(mknod(in_state("fifo"), S_IFIFO | 0600, 0), EACCES);
#ifndef KP_CONFINE_SANITIZED
    REFUSED(execv("/bin/true", args), EACCES);
#endif
    if (abi >= 3)
        REFUSED(truncate(place.aside, 0), EACCES);
    return 0;
}

static int tries_ports_and_signals(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    NEED(kp_confine_files(abi, place.state) == 0);
    if (abi >= 4) {
        any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        any.sin_port = htons(48231);
        REFUSED(bind(fd, (struct sockaddr *)&any, sizeof any), EACCES);
    }
    if (abi >= 6)
        REFUSED(kill(getppid(), 0), EPERM);
    NEED(kill(getpid(), 0) == 0);
    return 0;
}

/* As every kernel that has been so far. */
static void test_files(void **unused)
{
    (void)unused;
    if (kp_confine_landlock() == 0)
        print_message("not tried: this kernel has no Landlock\n");
    for (abi = 1; abi <= kp_confine_landlock(); abi++) {
        assert_int_equal(in_child(tries_files), 0);
        assert_int_equal(in_child(tries_ports_and_signals), 0);
    }
}

static int without_folder(void)
{
    NEED(kp_confine_files(kp_confine_landlock(), "/nowhere/at/all") == 0);
    REFUSED(open(in_state("new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), EACCES);
    return reads_anywhere();
}

static void test_a_folder_that_is_not_there(void **unused)
{
    (void)unused;
    if (kp_confine_landlock() > 0)
        assert_int_equal(in_child(without_folder), 0);
}

/* ---- System calls, by seccomp alone --------------------------------------------------------- */

static bool has_filter(void)
{
    pid_t child = fork();
    int status;
    if (child == 0)
        _exit(kp_confine_calls() == 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0)
        print_message("not tried: the build or the kernel has no filter of system calls\n");
    return status == 0;
}

static int tries_to_be_another(void)
{
    REFUSED(setresuid(getuid(), getuid(), getuid()), EPERM);
    REFUSED(setresgid(getgid(), getgid(), getgid()), EPERM);
    REFUSED(syscall(SYS_setgroups, 0, NULL), EPERM);
    REFUSED(unshare(CLONE_NEWUSER), EPERM);
    REFUSED(chroot("/"), EPERM);
    REFUSED(syscall(SYS_mount, "x", "/x", "tmpfs", 0, NULL), EPERM);
    REFUSED(syscall(SYS_bpf, 0, NULL, 0), EPERM);
    REFUSED(syscall(SYS_perf_event_open, NULL, 0, 0, -1, 0), EPERM);
    REFUSED(syscall(SYS_keyctl, 0, 0, 0, 0), EPERM);
    REFUSED(syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0), EPERM);
    REFUSED(syscall(SYS_init_module, NULL, 0, ""), EPERM);
    return 0;
}

static int tries_sockets(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    NEED(fd >= 0);
    REFUSED(bind(fd, (struct sockaddr *)&any, sizeof any), EPERM);
    close(fd);
    REFUSED(socket(AF_PACKET, SOCK_RAW, 0), EPERM);
    REFUSED(socket(AF_NETLINK, SOCK_RAW, 0), EPERM);
    REFUSED(socket(AF_VSOCK, SOCK_STREAM, 0), EPERM);
    return 0;
}

/* Of what is one's own, for others. */
static int tries_modes(void)
{
    int fd = open(place.credentials, O_RDONLY | O_CLOEXEC);
    NEED(fd >= 0 && fchmod(fd, 0400) == 0 && fchmod(fd, 0600) == 0);
    REFUSED(fchmod(fd, 0604), EPERM);
    REFUSED(fchmod(fd, 04700), EPERM);
    close(fd);
    return 0;
}

/* By the numbers that x86-64 has for programs of its 32-bit form. */
static int tries_another_architecture(void)
{
#ifdef __x86_64__
    REFUSED(syscall(0x40000000 | SYS_getpid), EPERM);
#endif
    return 0;
}

/* libc has to find another way. */
static int tries_new_calls(void)
{
    for (long number = 1; number < 4; number++)
        REFUSED(syscall(SYS_pidfd_send_signal + number, 0, NULL, 0), ENOSYS); /* io_uring */
    REFUSED(syscall(SYS_clone3, NULL, 0), ENOSYS);
    REFUSED(syscall(SYS_pidfd_send_signal + 100, 0, 0, 0), ENOSYS);
    return 0;
}

#ifndef KP_CONFINE_SANITIZED
static int tries_processes(void)
{
    char *const args[] = {(char *)(uintptr_t) "true", NULL};
    REFUSED(execv("/bin/true", args), EPERM);
    REFUSED(fork(), EPERM);
    REFUSED(vfork(), EPERM);
    REFUSED(ptrace(PTRACE_TRACEME, 0, NULL, NULL), EPERM);
    REFUSED(kill(getpid(), 0), EPERM);
    REFUSED(syscall(SYS_tgkill, getppid(), getppid(), 0), EPERM);
    REFUSED(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), EPERM);
    return 0;
}

static int tries_memory(void)
{
    struct rlimit limit;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(page != MAP_FAILED);
    REFUSED(mprotect(page, 4096, PROT_READ | PROT_EXEC), EPERM);
    NEED(mprotect(page, 4096, PROT_READ) == 0);
    NEED(munmap(page, 4096) == 0);
    page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(page == MAP_FAILED && errno == EPERM);
    NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    REFUSED(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
    return 0;
}
#else
static int tries_processes(void)
{
    return 0;
}

static int tries_memory(void)
{
    return 0;
}
#endif

static void *on_thread(void *ran)
{
    *(bool *)ran = true;
    return NULL;
}

static volatile sig_atomic_t signalled;

static void take_signal(int number)
{
    signalled = number;
}

static int works_on(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    struct epoll_event event;
    pthread_t thread;
    bool ran = false;
    char *memory = malloc(10 << 20);
    int poll;
    NEED(memory != NULL);
    memory = realloc(memory, 20 << 20);
    NEED(memory != NULL);
    free(memory);
    NEED(pthread_create(&thread, NULL, on_thread, &ran) == 0);
    NEED(pthread_join(thread, NULL) == 0 && ran);
    NEED(getaddrinfo("localhost", "80", &hints, &found) == 0 && found != NULL);
    freeaddrinfo(found);
    poll = epoll_create1(EPOLL_CLOEXEC);
    NEED(poll >= 0 && epoll_wait(poll, &event, 1, 1) == 0);
    (void)signal(SIGUSR1, take_signal);
    NEED(raise(SIGUSR1) == 0 && signalled == SIGUSR1);
    NEED(writes_in_state() == 0 && reads_anywhere() == 0);
    return connects();
}

static int tries_calls(void)
{
    int line = 0;
    int (*const all[])(void) = {
        tries_to_be_another, tries_sockets,   tries_modes,  tries_another_architecture,
        tries_new_calls,     tries_processes, tries_memory, works_on};
    NEED(kp_confine_calls() == 0);
    for (size_t i = 0; line == 0 && i < sizeof all / sizeof all[0]; i++)
        line = all[i]();
    return line;
}

static void test_calls(void **unused)
{
    (void)unused;
    if (has_filter())
        assert_int_equal(in_child(tries_calls), 0);
}

static int begins(void)
{
    kp_confine_begin();
    REFUSED(syscall(SYS_pidfd_send_signal + 1, 1, NULL), ENOSYS); /* io_uring_setup */
    NEED(kill(getppid(), 0) == 0);
    return works_on();
}

static void test_no_rings_from_the_beginning(void **unused)
{
    (void)unused;
    if (has_filter())
        assert_int_equal(in_child(begins), 0);
}

/* ---- The user ------------------------------------------------------------------------------ */

static bool is_root(void)
{
    if (geteuid() != 0)
        print_message("not tried: this needs root\n");
    return geteuid() == 0;
}

static struct kp_confine_settings settings(void)
{
    return (struct kp_confine_settings){.credentials = place.credentials, .log = &the_log};
}

static const char *run_as;
static char why[512];

static int says_why(void)
{
    struct kp_confine_settings s = settings();
    s.run_as = run_as;
    NEED(kp_confine(&s, why, sizeof why) == -1);
    dprintf(2, "why: %s\n", why);
    return 0;
}

/* As the kernel says it. */
static int has_no_rights(void)
{
    static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
    char text[4096] = "", line[64];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    NEED(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    close(fd);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        snprintf(line, sizeof line, "\n%s:\t0000000000000000\n", sets[i]);
        NEED(strstr(text, line) != NULL);
    }
    NEED(strstr(text, "\nNoNewPrivs:\t1\n") != NULL);
    return 0;
}

static int is_nobody(void)
{
    struct kp_confine_settings s = settings();
    uid_t uid[3];
    gid_t gid[3], group = 1;
    s.run_as = run_as;
    NEED(kp_confine(&s, why, sizeof why) == 0);
    NEED(getresuid(&uid[0], &uid[1], &uid[2]) == 0 && getresgid(&gid[0], &gid[1], &gid[2]) == 0);
    for (size_t i = 0; i < 3; i++)
        NEED(uid[i] == NOBODY && gid[i] == NOBODY);
    NEED(getgroups(1, &group) == 1 && group == NOBODY);
    NEED(has_no_rights() == 0);
    NEED(access("/etc/shadow", R_OK) != 0);
    return writes_in_state();
}

static void test_the_owner_of_the_credentials(void **unused)
{
    (void)unused;
    if (!is_root())
        return;
    run_as = NULL;
    give_state_to(NOBODY);
    assert_int_equal(in_child(is_nobody), 0);
    assert_int_equal(count(logged(), "this process is the user"), 1);
    assert_int_equal(count(logged(), "without root's capabilities"), 0);
    assert_int_equal(chown(place.state, 0, 0), 0); /* but its folder isn't theirs */
    assert_int_equal(in_child(says_why), 0);
    assert_non_null(strstr(logged(), "can't be read again by the user of this process, uid 65534"));
}

static void test_run_as(void **unused)
{
    (void)unused;
    if (!is_root())
        return;
    give_state_to(NOBODY);
    run_as = "nobody";
    assert_int_equal(in_child(is_nobody), 0);
    run_as = "65534";
    assert_int_equal(in_child(is_nobody), 0);
    run_as = "no-such-user";
    assert_int_equal(in_child(says_why), 0);
    assert_non_null(strstr(logged(), "--run-as no-such-user: there is no such user"));
    run_as = "4294967295"; /* -1: leave it as it is */
    assert_int_equal(in_child(says_why), 0);
    run_as = "54321"; /* that nobody has a name for; the credentials are another's */
    assert_int_equal(in_child(says_why), 0);
    assert_non_null(strstr(logged(), "uid 54321"));
}

static int is_bare_root(void)
{
    struct kp_confine_settings s = settings();
    NEED(kp_confine(&s, why, sizeof why) == 0);
    NEED(geteuid() == 0);
    NEED(has_no_rights() == 0);
    REFUSED(open(in_state("others"), O_RDONLY | O_CLOEXEC), EACCES);
    return writes_in_state();
}

static void test_credentials_of_root(void **unused)
{
    (void)unused;
    if (!is_root())
        return;
    write_file(in_state("others"), "x");
    assert_int_equal(chown(in_state("others"), NOBODY, NOBODY), 0);
    assert_int_equal(in_child(is_bare_root), 0);
    assert_int_equal(count(logged(), "without root's capabilities"), 1);
}

/* ---- All of it ------------------------------------------------------------------------------ */

static int landlock;

static int is_confined(void)
{
    struct kp_confine_settings s = settings();
    if (geteuid() == 0)
        s.run_as = "65534";
    NEED(kp_confine_with(&s, landlock, why, sizeof why) == 0);
    NEED(s.run_as == NULL || has_no_rights() == 0);
    NEED(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    if (landlock > 0)
        REFUSED(open(place.aside, O_WRONLY | O_CLOEXEC), EACCES);
    return works_on();
}

static void test_what_is_missing_is_said(void **unused)
{
    (void)unused;
    if (geteuid() == 0)
        give_state_to(NOBODY);
    landlock = kp_confine_landlock();
    assert_int_equal(in_child(is_confined), 0);
    if (landlock > 0 && has_filter())
        assert_null(strstr(logged(), "less confined"));
    landlock = 0;
    assert_int_equal(in_child(is_confined), 0);
    assert_int_equal(count(logged(), "less confined than it could be"), 1);
    assert_non_null(strstr(logged(), "this kernel has no Landlock"));
    if (!has_filter())
        assert_non_null(strstr(logged(), "every system call is allowed"));
}

static int keeps_state_elsewhere(void)
{
    struct kp_confine_settings s = settings();
    char file[160];
    snprintf(file, sizeof file, "%s/nowhere/state", place.top);
    s.throttle_file = file;
    NEED(kp_confine(&s, why, sizeof why) == 0);
    return 0;
}

static void test_a_state_that_cannot_be_kept_is_a_warning(void **unused)
{
    (void)unused;
    if (geteuid() == 0)
        give_state_to(NOBODY);
    assert_int_equal(in_child(keeps_state_elsewhere), 0);
    assert_int_equal(count(logged(), "failed guesses are counted in memory only"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_files),
        TEST(test_a_folder_that_is_not_there),
        TEST(test_calls),
        TEST(test_no_rings_from_the_beginning),
        TEST(test_the_owner_of_the_credentials),
        TEST(test_run_as),
        TEST(test_credentials_of_root),
        TEST(test_what_is_missing_is_said),
        TEST(test_a_state_that_cannot_be_kept_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
