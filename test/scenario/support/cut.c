/*
 * Preloaded, ends a program as a power cut would, at one of its calls that change files: the one
 * whose number, from 1, CUT_AT holds.  It ends before that call; a write is done by half.  With
 * CUT_UNSYNCED what was written to new files and not synced is lost, as after a power cut.
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

/* New files that have something in them which is in no disk yet. */
static struct {
    int fd;
    ino_t file;
    bool is_dirty;
} files[4096];
static int file_count;

static void keep(int fd)
{
    struct stat st;
    if (getenv("CUT_UNSYNCED") == NULL || fd < 0 || file_count == 4096 || fstat(fd, &st) != 0)
        return;
    files[file_count].fd = dup(fd);
    files[file_count++].file = st.st_ino;
}

static void mark(int fd, bool is_dirty)
{
    struct stat st;
    if (file_count == 0 || fstat(fd, &st) != 0)
        return;
    for (int i = 0; i < file_count; i++)
        if (files[i].file == st.st_ino)
            files[i].is_dirty = is_dirty;
}

static void die(void)
{
    for (int i = 0; i < file_count; i++)
        if (files[i].is_dirty)
            (void)!REAL(ftruncate)(files[i].fd, 0);
    raise(SIGKILL);
}

static bool is_now(void)
{
    static long calls;
    const char *at = getenv("CUT_AT");
    return at != NULL && ++calls == atol(at);
}

static void cut(void)
{
    if (is_now())
        die();
}

static int do_open(const char *name, int folder, const char *path, int flags, va_list args)
{
    int (*real)(int, const char *, int, ...) =
        (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, name);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    if (flags & O_CREAT)
        cut();
    int fd = real(folder, path, flags, mode);
    if (flags & O_CREAT)
        keep(fd);
    return fd;
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
    mark(fd, true);
    if (is_now()) {
        (void)!REAL(write)(fd, data, len / 2);
        die();
    }
    return REAL(write)(fd, data, len);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    mark(fd, true);
    if (is_now()) {
        (void)!REAL(pwrite)(fd, data, len / 2, at);
        die();
    }
    return REAL(pwrite)(fd, data, len, at);
}

int ftruncate(int fd, off_t len)
{
    cut();
    return REAL(ftruncate)(fd, len);
}

/* As programs with large files call them. */
ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    return pwrite(fd, data, len, at);
}

int ftruncate64(int fd, off64_t len)
{
    return ftruncate(fd, len);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
    cut();
    return REAL(mkdirat)(folder, path, mode);
}

int fchmod(int fd, mode_t mode)
{
    cut();
    return REAL(fchmod)(fd, mode);
}

int fsync(int fd)
{
    cut();
    mark(fd, false);
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
