/* The system calls of a running server, by libseccomp: see confine.h.  What isn't in these tables
 * is refused with an error and never kills: a libc of tomorrow mustn't end the service of a device.
 */
#include "confine.h"

#include <errno.h>

#ifdef KP_SECCOMP

#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* By name, as libseccomp and the kernel may know fewer of them, or other ones, than this list: the
 * ones of 32-bit machines, of musl, and of versions of libuv and libc that are yet to come. */
/* clang-format off */
static const char *const allowed[] = {
    /* memory */
    "brk", "madvise", "mremap", "munmap", "membarrier",
    /* threads, their end and that of the process */
    "exit", "exit_group", "futex", "futex_time64", "futex_wait", "futex_waitv", "futex_wake",
    "get_robust_list", "getcpu", "getpid", "getppid", "gettid", "restart_syscall", "rseq",
    "sched_getaffinity", "sched_yield", "set_robust_list", "set_tid_address",
    /* signals */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "sigreturn",
    /* time */
    "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep",
    "clock_nanosleep_time64", "gettimeofday", "nanosleep", "time",
    /* waiting */
    "_newselect", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2",
    "epoll_wait", "eventfd", "eventfd2", "pipe", "pipe2", "poll", "ppoll", "ppoll_time64",
    "pselect6", "pselect6_time64", "select",
    /* files, where Landlock allows them */
    "_llseek", "access", "close", "close_range", "dup", "dup2", "dup3", "faccessat", "faccessat2",
    "fadvise64", "fadvise64_64", "fcntl", "fcntl64", "fdatasync", "flock", "fstat",
    "fstat64", "fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate", "ftruncate64", "getcwd",
    "getdents", "getdents64", "lseek", "lstat", "lstat64", "newfstatat", "open", "openat",
    "pread64", "preadv", "pwrite64", "pwritev", "read", "readlink", "readlinkat", "readv",
    "rename", "renameat", "renameat2", "stat", "stat64", "statfs", "statfs64", "statx", "umask",
    "unlink", "unlinkat", "write", "writev",
    /* sockets: none is bound any more, and ours may be listened on by a worker later */
    "accept", "accept4", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recv",
    "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto",
    "setsockopt", "shutdown",
    /* what there is */
    "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups",
    "getgroups32", "getrandom", "getresgid", "getresgid32", "getresuid", "getresuid32",
    "getrlimit", "getrusage", "getuid", "getuid32", "sysinfo", "ugetrlimit", "uname",
    /* of single architectures */
    "arm_fadvise64_64", "cacheflush", "riscv_flush_icache", "set_thread_area", "set_tls",
#ifdef KP_CONFINE_SANITIZED
    /* what LeakSanitizer at the end, and a report of any of them, is made with */
    "arch_prctl", "clone", "execve", "fork", "kill", "mmap", "mprotect", "personality", "prctl",
    "prlimit64", "process_vm_readv", "ptrace", "setrlimit", "socketpair", "tgkill", "tkill",
    "vfork", "wait4", "waitid",
#endif
};
/* clang-format on */

/* One argument decides. */
struct condition {
    const char *name;
    unsigned argument;
    uint64_t mask, value; /* what is left of the argument has to be this */
};

#define WHOLE 0xffffffffu /* of an int: the upper half of its register says nothing */

#ifndef KP_CONFINE_SANITIZED

/* No other process, and no namespace: that is what the flags of clone tell.  (Those of clone3 are
 * in memory, where no filter can look; libc then takes clone.) */
#define NEW_NAMESPACES                                                                             \
    ((uint64_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |      \
                CLONE_NEWPID | CLONE_NEWNET))
#ifdef __s390__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

static const struct condition tamed[] = {
    {"clone", CLONE_FLAGS, CLONE_THREAD | NEW_NAMESPACES, CLONE_THREAD},
    /* memory is written or run, and what can be run is all there */
    {"mprotect", 2, PROT_EXEC, 0},
    {"mmap2", 2, PROT_EXEC, 0},
#ifdef __s390__
    {"mmap", 0, 0, 0}, /* its arguments are in memory */
#elif !defined(__i386__)
    {"mmap", 2, PROT_EXEC, 0},
#endif
    /* limits are read */
    {"prlimit64", 2, UINT64_MAX, 0},
    {"prctl", 0, WHOLE, PR_SET_NAME},
    {"prctl", 0, WHOLE, PR_GET_NAME},
    {"prctl", 0, WHOLE, PR_GET_DUMPABLE},
    {"prctl", 0, WHOLE, PR_SET_VMA}, /* names of memory, by the allocator */
};

#endif

static const struct condition of_all[] = {
    /* Landlock knows nothing of modes: what is the user's stays closed to others, and no program of
     * theirs becomes set-uid */
    {"fchmod", 1, WHOLE & ~0700u, 0},
    {"socket", 0, WHOLE, AF_INET},
    {"socket", 0, WHOLE, AF_INET6},
    {"socket", 0, WHOLE, AF_UNIX},
    /* libuv's, the resolver's, and whether standard output is a terminal */
    {"ioctl", 1, WHOLE, FIONBIO},
    {"ioctl", 1, WHOLE, FIONREAD},
    {"ioctl", 1, WHOLE, FIOCLEX},
    {"ioctl", 1, WHOLE, FIONCLEX},
    {"ioctl", 1, WHOLE, TIOCGWINSZ},
#ifdef TCGETS
    {"ioctl", 1, WHOLE, TCGETS},
#endif
};

static int allow(scmp_filter_ctx filter, const char *name)
{
    int number = seccomp_syscall_resolve_name(name);
    return number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
}

static int allow_if(scmp_filter_ctx filter, const struct condition *rows, size_t count)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < count; i++) {
        const struct condition *row = &rows[i];
        int number = seccomp_syscall_resolve_name(row->name);
        if (number != __NR_SCMP_ERROR)
            error = seccomp_rule_add(
                filter, SCMP_ACT_ALLOW, number, 1,
                SCMP_CMP64(row->argument, SCMP_CMP_MASKED_EQ, row->mask, row->value));
    }
    return error;
}

#ifdef KP_CONFINE_SANITIZED
static int allow_tamed(scmp_filter_ctx filter)
{
    (void)filter;
    return 0; /* all of them are allowed as they are */
}
#else
static int allow_tamed(scmp_filter_ctx filter)
{
    /* For abort, which signals this process; no other one can be signalled. */
    const struct condition own[] = {{"tgkill", 0, WHOLE, (uint64_t)getpid()}};
    int error = allow_if(filter, tamed, sizeof tamed / sizeof tamed[0]);
    return error == 0 ? allow_if(filter, own, 1) : error;
}
#endif

static bool is_allowed(const char *name)
{
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (strcmp(name, allowed[i]) == 0)
            return true;
    return false;
}

/* The calls that all architectures number alike, which are all since Linux 5.1: libc tries such a
 * one, has another way where the kernel doesn't know it, and fails where it is not permitted. */
static int disown_new_ones(scmp_filter_ctx filter)
{
    int first = seccomp_syscall_resolve_name("pidfd_send_signal");
    int error = 0;
    for (int number = first; error == 0 && first > 0 && number < first + 128; number++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
        if (name == NULL || !is_allowed(name))
            error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0);
        free(name);
    }
    return error;
}

static int fill(scmp_filter_ctx filter)
{
    int error = 0;
    /* By the numbers of another architecture, as 32-bit ones: refused too, not killed. */
    (void)seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
    /* Threads that a library may have made already too; and a tree of rules, not a list. */
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (size_t i = 0; error == 0 && i < sizeof allowed / sizeof allowed[0]; i++)
        error = allow(filter, allowed[i]);
    if (error == 0)
        error = allow_tamed(filter);
    if (error == 0)
        error = allow_if(filter, of_all, sizeof of_all / sizeof of_all[0]);
    return error == 0 ? disown_new_ones(filter) : error;
}

int kp_confine_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int error = filter == NULL ? -ENOMEM : fill(filter);
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return error;
}

void kp_confine_begin(void)
{
    static const char *const rings[] = {"io_uring_setup", "io_uring_enter", "io_uring_register"};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    for (size_t i = 0; filter != NULL && i < sizeof rings / sizeof rings[0]; i++) {
        int number = seccomp_syscall_resolve_name(rings[i]);
        if (number != __NR_SCMP_ERROR)
            (void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0);
    }
    if (filter != NULL)
        (void)seccomp_load(filter);
    seccomp_release(filter);
}

#else

int kp_confine_calls(void)
{
    return -ENOSYS;
}

void kp_confine_begin(void)
{
}

#endif
