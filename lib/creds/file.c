/*
 * The credentials file on disk.
 */
#include "creds/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"

#define LOCK_TRIES 200 /* of 50 ms */

__attribute__((format(printf, 2, 3))) static int fail(struct kp_file_error *error,
                                                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->why, sizeof error->why, format, args);
    va_end(args);
    return KP_E_ARGUMENT;
}

/* Whether an open file may be trusted with secrets. */
static int check_private(const char *path, const struct stat *st, struct kp_file_error *error)
{
    uid_t me = geteuid();
    if ((st->st_mode & 077) != 0)
        return fail(error, "%s can be used by others than its owner: chmod 600 %s", path, path);
    if (me != 0 && st->st_uid != me && st->st_uid != 0)
        return fail(error, "%s belongs to user %lu, not to us: chown it", path,
                    (unsigned long)st->st_uid);
    return 0;
}

static int check(const char *path, int fd, bool secret, size_t *size, struct kp_file_error *error)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail(error, "cannot read %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fail(error, "%s is not a regular file", path);
    if (st.st_size > KP_FILE_MAX)
        return fail(error, "%s is larger than 1 MiB", path);
    *size = (size_t)st.st_size;
    return secret ? check_private(path, &st, error) : 0;
}

/* Reads size bytes, and that they are all. */
static int read_all(const char *path, int fd, size_t size, struct kp_text *out,
                    struct kp_file_error *error)
{
    size_t have = 0;
    ssize_t n = 1;
    out->data = malloc(size + 1);
    out->len = size + 1;
    if (out->data == NULL)
        return fail(error, "out of memory");
    while (have <= size && n != 0) {
        n = read(fd, out->data + have, size + 1 - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(error, "cannot read %s: %s", path, strerror(errno));
        have += (size_t)n;
    }
    if (have != size)
        return fail(error, "%s changed while it was read: try again", path);
    out->data[size] = '\0';
    out->len = size;
    return 0;
}

int kp_file_read(const char *path, bool secret, struct kp_text *out, struct kp_file_error *error)
{
    size_t size = 0;
    *out = (struct kp_text){NULL, 0};
    /* O_NONBLOCK: a pipe that was put in its place can't hold us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        int missing = errno == ENOENT || errno == ENOTDIR;
        (void)fail(error, missing ? "%s is not there" : "cannot read %s: %s", path,
                   strerror(errno));
        return missing ? KP_E_NOT_FOUND : KP_E_ARGUMENT;
    }
    int result = check(path, fd, secret, &size, error);
    if (result == 0)
        result = read_all(path, fd, size, out, error);
    if (result != 0)
        kp_text_clear(out);
    (void)close(fd);
    return result;
}

/* The directory and the name in it of path, or of what path is a link to. */
static int split(struct kp_file_lock *lock, const char *path, char directory[static PATH_MAX],
                 struct kp_file_error *error)
{
    char resolved[PATH_MAX];
    if (realpath(path, resolved) == NULL) {
        if (errno != ENOENT || path[0] == '\0' || strlen(path) >= sizeof resolved)
            return fail(error, "cannot open %s: %s", path, strerror(errno));
        memcpy(resolved, path, strlen(path) + 1);
    }
    const char *slash = strrchr(resolved, '/');
    const char *name = slash != NULL ? slash + 1 : resolved;
    if (name[0] == '\0')
        return fail(error, "%s is a directory", path);
    /* "/name" is in "/", "name" is in ".". */
    size_t len = slash == NULL || slash == resolved ? 1 : (size_t)(slash - resolved);
    memcpy(directory, slash == NULL ? "." : resolved, len);
    directory[len] = '\0';
    lock->name = strdup(name);
    return lock->name != NULL ? 0 : fail(error, "out of memory");
}

int kp_file_lock(struct kp_file_lock *lock, const char *path, struct kp_file_error *error)
{
    char directory[PATH_MAX];
    int result;
    *lock = (struct kp_file_lock){-1, NULL};
    result = split(lock, path, directory, error);
    if (result != 0)
        goto failed;
    lock->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock->directory < 0) {
        result = fail(error, "cannot open the directory %s: %s%s", directory, strerror(errno),
                      errno == ENOENT ? " (make it first)" : "");
        goto failed;
    }
    for (int i = 0; flock(lock->directory, LOCK_EX | LOCK_NB) != 0; i++) {
        const struct timespec pause = {0, 50000000};
        if (errno != EINTR && errno != EWOULDBLOCK)
            result = fail(error, "cannot lock the directory %s: %s", directory, strerror(errno));
        else if (i >= LOCK_TRIES)
            result = fail(error, "%s is being changed by another process: try again", path);
        if (result != 0)
            goto failed;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
failed:
    kp_file_unlock(lock);
    return result;
}

void kp_file_unlock(struct kp_file_lock *lock)
{
    if (lock->directory >= 0)
        (void)close(lock->directory);
    free(lock->name);
    *lock = (struct kp_file_lock){-1, NULL};
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Gives the new file what the old one has of owner and mode. */
static int keep_owner(const struct kp_file_lock *lock, int fd)
{
    struct stat was;
    struct stat is;
    if (fstatat(lock->directory, lock->name, &was, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -1;
    if (fstat(fd, &is) != 0)
        return -1;
    if ((was.st_uid != is.st_uid || was.st_gid != is.st_gid) &&
        fchown(fd, was.st_uid, was.st_gid) != 0)
        return -1;
    return fchmod(fd, was.st_mode & 07777);
}

/* Writes the temporary file and makes it durable. */
static int write_beside(const struct kp_file_lock *lock, const char *temporary, const char *data,
                        size_t len)
{
    /* What is there is of a writer that was killed: the lock is ours. */
    if (unlinkat(lock->directory, temporary, 0) != 0 && errno != ENOENT)
        return -1;
    int fd = openat(lock->directory, temporary,
                    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    int result = fchmod(fd, 0600);
    if (result == 0)
        result = write_all(fd, data, len);
    if (result == 0)
        result = keep_owner(lock, fd);
    if (result == 0)
        result = fsync(fd);
    int saved = errno;
    if (close(fd) != 0 && result == 0)
        return -1;
    errno = saved;
    return result;
}

int kp_file_replace(const struct kp_file_lock *lock, const char *data, size_t len,
                    struct kp_file_error *error)
{
    char temporary[NAME_MAX + 1];
    int n = snprintf(temporary, sizeof temporary, "%s.new", lock->name);
    if (n < 0 || (size_t)n >= sizeof temporary)
        return fail(error, "the name of %s is too long", lock->name);
    if (write_beside(lock, temporary, data, len) != 0 ||
        renameat(lock->directory, temporary, lock->directory, lock->name) != 0) {
        (void)fail(error, "cannot write %s: %s (nothing was changed)", lock->name, strerror(errno));
        (void)unlinkat(lock->directory, temporary, 0);
        return KP_E_ARGUMENT;
    }
    if (fsync(lock->directory) != 0)
        return fail(error, "%s is written, but may not survive a power cut: %s", lock->name,
                    strerror(errno));
    return 0;
}
