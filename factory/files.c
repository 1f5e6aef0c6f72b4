/* Files that survive a power cut: see files.h. */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int kp_files_fail(struct kp_file_error *error, const char *what, const char *name)
{
    (void)snprintf(error->why, sizeof error->why, "cannot %s %s: %s", what, name, strerror(errno));
    return KP_E_ARGUMENT;
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

int kp_files_write(int folder, const char *name, unsigned mode, const char *data, size_t len,
                   struct kp_file_error *error)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return kp_files_fail(error, "write", name);
    int result = write_all(fd, data, len);
    if (result == 0)
        result = fchmod(fd, mode);
    int saved = errno;
    if (close(fd) != 0 && result == 0)
        return kp_files_fail(error, "write", name);
    errno = saved;
    return result == 0 ? 0 : kp_files_fail(error, "write", name);
}

int kp_files_sync(int folder, const char *name, struct kp_file_error *error)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return kp_files_fail(error, "open", name);
    int result = fsync(fd) == 0 ? 0 : kp_files_fail(error, "write", name);
    (void)close(fd);
    return result;
}

int kp_files_folder(int parent, const char *name, int *fd, struct kp_file_error *error)
{
    struct stat st;
    *fd = -1;
    if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
        return kp_files_fail(error, "make the folder", name);
    int made = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (made < 0 || fstat(made, &st) != 0) {
        (void)kp_files_fail(error, "open the folder", name);
    } else if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        (void)snprintf(error->why, sizeof error->why, "%s is a folder that others may write in",
                       name);
    } else {
        *fd = made;
        return 0;
    }
    if (made >= 0)
        (void)close(made);
    return KP_E_ARGUMENT;
}

/* Where the file system has no such rename: whoever may write here is us, and under a lock. */
static int move_slowly(int from, const char *name, int to)
{
    struct stat st;
    if (fstatat(to, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(from, name, to, name);
}

int kp_files_move(int from, const char *name, int to, struct kp_file_error *error)
{
    int result = renameat2(from, name, to, name, RENAME_NOREPLACE);
    if (result != 0 && (errno == EINVAL || errno == ENOSYS))
        result = move_slowly(from, name, to);
    if (result == 0)
        return 0;
    int reason = errno;
    (void)kp_files_fail(error, "put in its place", name);
    if (reason == EEXIST)
        return KP_E_EXISTS;
    return reason == ENOENT ? KP_E_NOT_FOUND : KP_E_ARGUMENT;
}

int kp_files_replace(int from, const char *name, int to, const char *as,
                     struct kp_file_error *error)
{
    return renameat(from, name, to, as) == 0 ? 0 : kp_files_fail(error, "write", as);
}

int kp_files_each(int folder, bool (*see)(void *arg, const char *name), void *arg,
                  struct kp_file_error *error)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    if (stream == NULL) {
        int result = kp_files_fail(error, "read", "the folder");
        if (fd >= 0)
            (void)close(fd);
        return result;
    }
    for (errno = 0; (entry = readdir(stream)) != NULL; errno = 0)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !see(arg, entry->d_name))
            break;
    int result = entry == NULL && errno != 0 ? kp_files_fail(error, "read", "the folder") : 0;
    (void)closedir(stream);
    return result;
}

struct emptying {
    int folder;
    struct kp_file_error *error;
    int result;
};

static bool unlink_one(void *arg, const char *name)
{
    struct emptying *e = arg;
    if (unlinkat(e->folder, name, 0) != 0 && errno != ENOENT)
        e->result = kp_files_fail(e->error, "remove", name);
    return e->result == 0;
}

int kp_files_remove(int parent, const char *name, struct kp_file_error *error)
{
    struct emptying e = {.error = error};
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return kp_files_fail(error, "remove", name);
    e.folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (e.folder < 0)
        return kp_files_fail(error, "remove", name);
    int result = kp_files_each(e.folder, unlink_one, &e, error);
    (void)close(e.folder);
    if (result == 0)
        result = e.result;
    if (result == 0 && unlinkat(parent, name, AT_REMOVEDIR) != 0)
        result = kp_files_fail(error, "remove", name);
    return result;
}

static bool remove_one(void *arg, const char *name)
{
    struct emptying *e = arg;
    e->result = kp_files_remove(e->folder, name, e->error);
    return e->result == 0;
}

int kp_files_empty(int folder, struct kp_file_error *error)
{
    struct emptying e = {.folder = folder, .error = error};
    int result = kp_files_each(folder, remove_one, &e, error);
    return result == 0 ? e.result : result;
}
