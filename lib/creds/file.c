/*
 * The credentials file on disk.
 */
#include "creds/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"

/* Called by its number: musl has had renameat2 for a short time only. */
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

#define LOCK_TRIES 200 /* of 50 ms */
#define TEMPORARY_TRIES 100
#define TEMPORARY_LETTERS 6

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

static int open_directory(const char *directory, struct kp_file_error *error)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        (void)fail(error, "the directory %s is not there: mkdir -m 700 %s", directory, directory);
    else if (fd < 0)
        (void)fail(error, "cannot open the directory %s: %s", directory, strerror(errno));
    return fd;
}

int kp_file_check_place(const char *path, struct kp_file_error *error)
{
    char directory[PATH_MAX];
    struct kp_file_lock place = {-1, -1, NULL, NULL};
    int result = split(&place, path, directory, error);
    if (result == 0) {
        place.directory = open_directory(directory, error);
        result = place.directory < 0 ? KP_E_ARGUMENT : 0;
    }
    if (result == 0 && faccessat(place.directory, ".", W_OK | X_OK, AT_EACCESS) != 0)
        result = fail(error, "cannot write in the directory %s: %s", directory, strerror(errno));
    kp_file_unlock(&place);
    return result;
}

/* The name of the lock; "" when it would be too long. */
static void lock_name(const struct kp_file_lock *lock, char out[static NAME_MAX + 1])
{
    int n = snprintf(out, NAME_MAX + 1, ".%s.lock", lock->name);
    if (n < 0 || n > NAME_MAX)
        out[0] = '\0';
}

/* The owner of the file that is locked; of none, we. */
static uid_t owner_of_file(const struct kp_file_lock *lock)
{
    struct stat st;
    return fstatat(lock->directory, lock->name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_uid
                                                                               : geteuid();
}

/* Makes the lock's file, or opens it where it is; -1 with errno. */
static int open_lock(const struct kp_file_lock *lock, const char *name)
{
    const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = openat(lock->directory, name, flags | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return errno == EEXIST ? openat(lock->directory, name, flags) : -1;
    /* Root's lock that a kill leaves lying about must not be in the way of the file's owner. */
    uid_t owner = owner_of_file(lock);
    if (fchmod(fd, 0600) == 0 && (owner == geteuid() || fchown(fd, owner, (gid_t)-1) == 0))
        return fd;
    int saved = errno;
    (void)unlinkat(lock->directory, name, 0);
    (void)close(fd);
    errno = saved;
    return -1;
}

/* Whether the lock's file is one that only we, root and the file's owner can lock. */
static int check_lock(const struct kp_file_lock *lock, const char *name, int fd,
                      struct kp_file_error *error)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail(error, "cannot lock %s: %s", lock->name, strerror(errno));
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 ||
        (st.st_uid != geteuid() && st.st_uid != 0 && st.st_uid != owner_of_file(lock)))
        return fail(error, "the lock %s beside %s is somebody else's: remove it", name, lock->name);
    return 0;
}

/* Whether fd is still what stands at name: who unlocks removes it. */
static bool is_current(const struct kp_file_lock *lock, const char *name, int fd)
{
    struct stat here;
    struct stat there;
    return fstat(fd, &here) == 0 &&
           fstatat(lock->directory, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/* Tries once: *taken, or it is another's now. */
static int try_lock(struct kp_file_lock *lock, const char *name, bool *taken,
                    struct kp_file_error *error)
{
    int fd = open_lock(lock, name);
    *taken = false;
    if (fd < 0 && errno == ENOENT)
        return 0; /* removed in between */
    if (fd < 0)
        return fail(error, "cannot open the lock %s beside %s: %s", name, lock->name,
                    strerror(errno));
    int result = check_lock(lock, name, fd, error);
    bool mine = result == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (result == 0 && !mine && errno != EINTR && errno != EWOULDBLOCK)
        result = fail(error, "cannot lock %s: %s", lock->name, strerror(errno));
    *taken = mine && is_current(lock, name, fd);
    if (*taken)
        lock->fd = fd;
    else
        (void)close(fd);
    return result;
}

int kp_file_lock(struct kp_file_lock *lock, const char *path, struct kp_file_error *error)
{
    char directory[PATH_MAX];
    char name[NAME_MAX + 1];
    *lock = (struct kp_file_lock){-1, -1, NULL, NULL};
    int result = split(lock, path, directory, error);
    if (result == 0) {
        lock->directory = open_directory(directory, error);
        result = lock->directory < 0 ? KP_E_ARGUMENT : 0;
    }
    if (result == 0) {
        lock_name(lock, name);
        if (name[0] == '\0')
            result = fail(error, "the name of %s is too long", path);
    }
    bool taken = false;
    for (int i = 0; result == 0 && !taken; i++) {
        const struct timespec pause = {0, 50000000};
        result = try_lock(lock, name, &taken, error);
        if (result == 0 && !taken && i >= LOCK_TRIES)
            result = fail(error, "%s is being changed by another process: try again", path);
        if (result == 0 && !taken)
            (void)nanosleep(&pause, NULL);
    }
    if (result != 0)
        kp_file_unlock(lock);
    return result;
}

static void drop_temporary(struct kp_file_lock *lock)
{
    if (lock->temporary != NULL)
        (void)unlinkat(lock->directory, lock->temporary, 0);
    free(lock->temporary);
    lock->temporary = NULL;
}

void kp_file_unlock(struct kp_file_lock *lock)
{
    char name[NAME_MAX + 1];
    drop_temporary(lock);
    if (lock->fd >= 0) {
        /* First the name, then the lock: who takes the lock looks whether the name is still its. */
        lock_name(lock, name);
        (void)unlinkat(lock->directory, name, 0);
        (void)close(lock->fd);
    }
    if (lock->directory >= 0)
        (void)close(lock->directory);
    free(lock->name);
    *lock = (struct kp_file_lock){-1, -1, NULL, NULL};
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

/* What root makes in a service's folder is the service's to read. */
static int take_owner_of_folder(const struct kp_file_lock *lock, int fd)
{
    struct stat folder;
    if (geteuid() != 0 || fstat(lock->directory, &folder) != 0 || folder.st_uid == 0)
        return 0;
    /* A folder for everybody says nothing. */
    if (folder.st_mode & (S_IWGRP | S_IWOTH))
        return 0;
    return fchown(fd, folder.st_uid, folder.st_gid);
}

/* Gives the new file what the old one has of owner and mode. */
static int keep_owner(const struct kp_file_lock *lock, int fd)
{
    struct stat was;
    struct stat is;
    if (fstatat(lock->directory, lock->name, &was, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? take_owner_of_folder(lock, fd) : -1;
    /* A link that leads nowhere is of mode 0777, which says nothing of a file. */
    if (!S_ISREG(was.st_mode))
        return take_owner_of_folder(lock, fd);
    if (fstat(fd, &is) != 0)
        return -1;
    if ((was.st_uid != is.st_uid || was.st_gid != is.st_gid) &&
        fchown(fd, was.st_uid, was.st_gid) != 0)
        return -1;
    return fchmod(fd, was.st_mode & 07777);
}

/* ".NAME.keyplate-", what all temporary files of one file begin with; its length, 0: too long. */
static size_t temporary_prefix(const struct kp_file_lock *lock, char out[static NAME_MAX + 1])
{
    int n = snprintf(out, NAME_MAX + 1, ".%s.keyplate-", lock->name);
    return n < 0 || n + TEMPORARY_LETTERS > NAME_MAX ? 0 : (size_t)n;
}

/* Removes what killed writers left: the lock is ours, so none of them is at work.  What is not a
 * plain file of ours is somebody else's and stays. */
static void drop_stale(const struct kp_file_lock *lock, const char *prefix, size_t prefix_len)
{
    uid_t owner = owner_of_file(lock);
    int fd = openat(lock->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    struct stat st;
    if (directory == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    while ((entry = readdir(directory)) != NULL)
        if (strncmp(entry->d_name, prefix, prefix_len) == 0 &&
            strlen(entry->d_name) == prefix_len + TEMPORARY_LETTERS &&
            fstatat(lock->directory, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && st.st_nlink == 1 &&
            (st.st_uid == geteuid() || st.st_uid == owner))
            (void)unlinkat(lock->directory, entry->d_name, 0);
    (void)closedir(directory);
}

/* Makes an empty file of a name that nobody has; -1 with errno. */
static int make_temporary(struct kp_file_lock *lock)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuv";
    char name[NAME_MAX + 1];
    uint8_t random[TEMPORARY_LETTERS];
    size_t len = temporary_prefix(lock, name);
    int fd = -1;
    errno = ENAMETOOLONG;
    if (len == 0)
        return -1;
    drop_stale(lock, name, len);
    for (int i = 0; fd < 0 && i < TEMPORARY_TRIES; i++) {
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            return -1;
        for (size_t at = 0; at < sizeof random; at++)
            name[len + at] = letters[random[at] & 31];
        name[len + sizeof random] = '\0';
        fd = openat(lock->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                    0600);
        if (fd < 0 && errno != EEXIST)
            return -1;
    }
    if (fd < 0)
        return -1;
    lock->temporary = strdup(name);
    if (lock->temporary != NULL)
        return fd;
    (void)unlinkat(lock->directory, name, 0);
    (void)close(fd);
    errno = ENOMEM;
    return -1;
}

static int fill(const struct kp_file_lock *lock, int fd, const char *data, size_t len)
{
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

int kp_file_write(struct kp_file_lock *lock, const char *data, size_t len,
                  struct kp_file_error *error)
{
    drop_temporary(lock);
    int fd = make_temporary(lock);
    if (fd >= 0 && fill(lock, fd, data, len) == 0)
        return 0;
    (void)fail(error, "cannot write %s: %s (nothing was changed)", lock->name, strerror(errno));
    drop_temporary(lock);
    return KP_E_ARGUMENT;
}

/* After the temporary file got its name: or, with result, didn't. */
static int settle(struct kp_file_lock *lock, int result, struct kp_file_error *error)
{
    if (result != 0) {
        (void)fail(error, "cannot write %s: %s (nothing was changed)", lock->name, strerror(errno));
        drop_temporary(lock);
        return KP_E_ARGUMENT;
    }
    free(lock->temporary);
    lock->temporary = NULL;
    if (fsync(lock->directory) == 0)
        return 0;
    (void)fail(error, "%s is written, but may not survive a power cut: %s", lock->name,
               strerror(errno));
    return KP_E_INTERNAL;
}

int kp_file_commit(struct kp_file_lock *lock, struct kp_file_error *error)
{
    int result = renameat(lock->directory, lock->temporary, lock->directory, lock->name);
    return settle(lock, result, error);
}

int kp_file_create(struct kp_file_lock *lock, struct kp_file_error *error)
{
    int result = linkat(lock->directory, lock->temporary, lock->directory, lock->name, 0);
    if (result == 0)
        (void)unlinkat(lock->directory, lock->temporary, 0);
    else if (errno != EEXIST) /* no links on this file system, FAT for one */
        result = (int)syscall(SYS_renameat2, lock->directory, lock->temporary, lock->directory,
                              lock->name, RENAME_NOREPLACE);
    if (result == 0 || errno != EEXIST)
        return settle(lock, result, error);
    (void)fail(error, "%s is there already: remove it first", lock->name);
    drop_temporary(lock);
    return KP_E_EXISTS;
}
