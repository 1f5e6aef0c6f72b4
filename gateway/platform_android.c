/*
 * What is otherwise on Android: see platform.h.  Built with -Dandroid=true, in platform_peer.c's
 * place; doc/android.md says what it means.
 */
#include "platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* ---- Whose a connection is ---------------------------------------------------------------- */

/* No app may read /proc/net/tcp there, or ask the kernel for a socket of another app, so of
 * loopback TCP it can't be told.  Who comes from this phone is taken for the person's browser, and
 * the secret of the one-time link and its cookie decides alone. */
static bool is_loopback(const struct sockaddr_storage *end)
{
    if (end->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)end;
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    if (end->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)end;
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    }
    return false;
}

enum kp_peer kp_platform_peer(int fd)
{
    struct sockaddr_storage theirs;
    socklen_t len = sizeof theirs;
    memset(&theirs, 0, sizeof theirs);
    if (getpeername(fd, (struct sockaddr *)&theirs, &len) != 0)
        return KP_PEER_UNKNOWN;
    return is_loopback(&theirs) ? KP_PEER_PERSON : KP_PEER_UNKNOWN;
}

/* It can't be told; the app opens no page but by a link that a gateway has just given it. */
bool kp_platform_port_is_held(unsigned port)
{
    (void)port;
    return false;
}

enum kp_peer kp_platform_unix_peer(int fd)
{
    struct ucred other;
    socklen_t len = sizeof other;
    int domain = AF_UNSPEC;
    socklen_t domain_len = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_len) != 0 || domain != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &len) != 0 || len != sizeof other)
        return KP_PEER_UNKNOWN;
    return other.uid == kp_platform_person() ? KP_PEER_PERSON : KP_PEER_OTHER;
}

/* ---- System calls that Android stops ------------------------------------------------------ */

/* Its filter for apps knows what its own C library calls.  This one, musl, has some newer calls,
 * and on 32-bit ARM older ones; where one is stopped the kernel sends SIGSYS, which would end the
 * process. Instead it is told what an older kernel says, ENOSYS, and musl goes another way, as it
 * does there: before Android 11 statx and the clock of 64 bits, for two.  chmod has no other way in
 * musl, and is done by the call that is let through. */
#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1 /* of si_code */
#endif

#if defined(__aarch64__)
#define RESULT(context) ((context)->uc_mcontext.regs[0])
#elif defined(__arm__)
#define RESULT(context) ((context)->uc_mcontext.arm_r0)
#define FIRST(context) ((context)->uc_mcontext.arm_r0)
#define SECOND(context) ((context)->uc_mcontext.arm_r1)
#elif defined(__x86_64__)
#define RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
#define FIRST(context) ((context)->uc_mcontext.gregs[REG_RDI])
#define SECOND(context) ((context)->uc_mcontext.gregs[REG_RSI])
#else
/* cppcheck-suppress preprocessorErrorDirective ; whoever only reads it knows no processor */
#error "which registers hold a system call's arguments and its result?"
#endif

static long instead(int number, const ucontext_t *context)
{
#ifdef SYS_chmod
    if (number == SYS_chmod) {
        long result = syscall(SYS_fchmodat, AT_FDCWD, FIRST(context), SECOND(context));
        return result < 0 ? -errno : result;
    }
#else
    (void)context;
#endif
    (void)number;
    return -ENOSYS;
}

static void stopped(int signal, siginfo_t *info, void *state)
{
    ucontext_t *context = state;
    int before = errno;
    if (info->si_code != SYS_SECCOMP) { /* somebody's kill: as without us */
        (void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        (void)raise(signal);
        return;
    }
    /* A negative number in the register of the result is what the kernel writes, too. */
    RESULT(context) = (__typeof__(RESULT(context)))instead(info->si_syscall, context);
    errno = before;
}

/* Before main: the C library asks for the time and for files early. */
__attribute__((constructor)) static void watch(void)
{
    const struct sigaction action = {.sa_sigaction = stopped, .sa_flags = SA_SIGINFO | SA_NODEFER};
    (void)sigaction(SIGSYS, &action, NULL);
}
