/* What the process may do to files, by Landlock: see confine.h.  The kernel's interface is written
 * out here, since its header is older than the kernel on many a system. */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_landlock_create_ruleset

enum {
    RUN = 1 << 0,
    WRITE = 1 << 1,
    READ = 1 << 2,
    READ_FOLDER = 1 << 3,
    REMOVE_FOLDER = 1 << 4,
    REMOVE = 1 << 5,
    MAKE_REGULAR = 1 << 8,
    ALL_OF_FIRST = (1 << 13) - 1, /* those, and making what isn't a regular file */
    MOVE = 1 << 13,               /* to another folder; from ABI 2 on */
    TRUNCATE = 1 << 14,           /* 3 */
    DEVICE_IOCTL = 1 << 15,       /* 5 */
};
enum { BIND_TCP = 1 << 0 };                                 /* 4 */
enum { TO_ABSTRACT_SOCKETS = 1 << 0, TO_SIGNALS = 1 << 1 }; /* 6 */
enum { VERSION = 1 << 0 };                                  /* asks for the ABI */
enum { BENEATH_PATH = 1 };                                  /* the kind of a rule */

#ifdef KP_CONFINE_SANITIZED
#define RUN_FOR_REPORTS RUN
#else
#define RUN_FOR_REPORTS 0
#endif

struct ruleset {
    uint64_t files, ports, scopes; /* what is refused unless a rule allows it */
};

struct beneath {
    uint64_t allowed;
    int32_t folder;
} __attribute__((packed));

int kp_confine_landlock(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION);
    return abi > 0 ? (int)abi : 0;
}

/* A bit that the kernel doesn't know would have it refuse the whole. */
static struct ruleset wanted(int abi)
{
    struct ruleset set = {.files = ALL_OF_FIRST};
    if (abi >= 2)
        set.files |= MOVE;
    if (abi >= 3)
        set.files |= TRUNCATE;
    if (abi >= 4)
        set.ports = BIND_TCP;
    if (abi >= 5)
        set.files |= DEVICE_IOCTL;
    if (abi >= 6)
        set.scopes = TO_ABSTRACT_SOCKETS | TO_SIGNALS;
    return set;
}

static int allow(int rules, const char *path, uint64_t allowed)
{
    struct beneath rule = {.allowed = allowed, .folder = open(path, O_PATH | O_CLOEXEC)};
    long error;
    if (rule.folder < 0)
        return -errno;
    error = syscall(SYS_landlock_add_rule, rules, BENEATH_PATH, &rule, 0) == 0 ? 0 : -errno;
    close(rule.folder);
    return (int)error;
}

int kp_confine_files(int landlock, const char *writable)
{
    struct ruleset set = wanted(landlock);
    int rules, error;
    if (landlock < 1)
        return -ENOSYS;
    rules = (int)syscall(SYS_landlock_create_ruleset, &set, sizeof set, 0);
    if (rules < 0)
        return -errno;
    error = allow(rules, "/", READ | READ_FOLDER | RUN_FOR_REPORTS);
    /* A folder that isn't there can't be written either. */
    if (error == 0 && writable != NULL)
        (void)allow(rules, writable,
                    set.files & (READ | READ_FOLDER | WRITE | MAKE_REGULAR | REMOVE | TRUNCATE));
    if (error == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                       syscall(SYS_landlock_restrict_self, rules, 0) != 0))
        error = -errno;
    close(rules);
    return error;
}

#else

int kp_confine_landlock(void)
{
    return 0;
}

int kp_confine_files(int landlock, const char *writable)
{
    (void)landlock;
    (void)writable;
    return -ENOSYS;
}

#endif
