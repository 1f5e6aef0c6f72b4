/*
 * Preloaded, ends a program as a power cut would, at one of its calls that change files: the one
 * whose number, from 1, CUT_AT holds.  It ends before that call; a write is done by half.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static bool is_now(void)
{
    static long calls;
    const char *at = getenv("CUT_AT");
    return at != NULL && ++calls == atol(at);
}

static void cut(void)
{
    if (is_now())
        raise(SIGKILL);
}

static int do_open(const char *name, int folder, const char *path, int flags, va_list args)
{
    int (*real)(int, const char *, int, ...) =
        (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, name);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    if (flags & O_CREAT)
        cut();
    return real(folder, path, flags, mode);
}

#define OPEN(name)                                                                                 \
    int name(int folder, const char *path, int flags, ...)                                         \
    {                                                                                              \
        va_list args;                                                                              \
        int fd;                                                                                    \
        va_start(args, flags);                                                                     \
        fd = do_open(#name, folder, path, flags, args);                                            \
        va_end(args);                                                                              \
        return fd;                                                                                 \
    }

OPEN(openat)
OPEN(openat64)

ssize_t write(int fd, const void *data, size_t len)
{
    if (is_now()) {
        (void)!REAL(write)(fd, data, len / 2);
        raise(SIGKILL);
    }
    return REAL(write)(fd, data, len);
}

int fchmod(int fd, mode_t mode)
{
    cut();
    return REAL(fchmod)(fd, mode);
}

int fsync(int fd)
{
    cut();
    return REAL(fsync)(fd);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    cut();
    return REAL(renameat)(from_folder, from, to_folder, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    cut();
    return REAL(renameat2)(from_folder, from, to_folder, to, flags);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    cut();
    return REAL(linkat)(from_folder, from, to_folder, to, flags);
}

int unlinkat(int folder, const char *path, int flags)
{
    cut();
    return REAL(unlinkat)(folder, path, flags);
}
