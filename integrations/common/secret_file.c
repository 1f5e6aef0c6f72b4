/* See secret_file.h. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 1048576
#define SUFFIX ".new"

/* ---- Reading ----------------------------------------------------------------------------- */

/* Whether an open file may be trusted with secrets; NULL, or what is wrong with it. */
static const char *fault_of(const struct stat *st)
{
    uid_t me = geteuid();
    if (!S_ISREG(st->st_mode))
        return "is not a regular file";
    if (st->st_size > FILE_MAX)
        return "is larger than 1 MiB";
    if ((st->st_mode & 077) != 0)
        return "can be used by others than its owner: chmod 600";
    if (me != 0 && st->st_uid != me && st->st_uid != 0)
        return "belongs to another user: chown it";
    return NULL;
}

/* Reads what is there, up to size bytes and one more; how many, or -1. */
static ssize_t read_all(int fd, char *to, size_t size)
{
    size_t have = 0;
    while (have < size) {
        ssize_t got = read(fd, to + have, size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

static int read_open(const char *path, int fd, char **out, size_t *len, char *why, size_t why_len)
{
    struct stat st;
    const char *fault;
    ssize_t got;
    if (fstat(fd, &st) != 0)
        fault = strerror(errno);
    else
        fault = fault_of(&st);
    if (fault != NULL) {
        snprintf(why, why_len, "%s %s", path, fault);
        return KP_E_ARGUMENT;
    }
    *len = (size_t)st.st_size + 1;
    *out = malloc(*len);
    if (*out == NULL) {
        snprintf(why, why_len, "out of memory");
        return KP_E_MEMORY;
    }
    got = read_all(fd, *out, *len);
    if (got != st.st_size) {
        snprintf(why, why_len, "%s %s", path,
                 got < 0 ? strerror(errno) : "changed while it was read: try again");
        kp_secret_file_forget(*out, *len);
        *out = NULL;
        return KP_E_ARGUMENT;
    }
    (*out)[got] = '\0';
    *len = (size_t)got;
    return 0;
}

int kp_secret_file_read(const char *path, char **out, size_t *len, char *why, size_t why_len)
{
    /* O_NONBLOCK: a pipe that was put in its place can't hold us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int error;
    *out = NULL;
    *len = 0;
    if (fd < 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        snprintf(why, why_len, missing ? "%s is not there" : "cannot read %s: %s", path,
                 strerror(errno));
        return missing ? KP_E_NOT_FOUND : KP_E_ARGUMENT;
    }
    error = read_open(path, fd, out, len, why, why_len);
    close(fd);
    return error;
}

void kp_secret_file_forget(char *text, size_t len)
{
    if (text != NULL)
        explicit_bzero(text, len);
    free(text);
}

/* ---- Writing ----------------------------------------------------------------------------- */

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        len -= (size_t)put;
    }
    return true;
}

/* What root writes stays readable by the service that it was for: the old file's owner's, or the
 * folder's when it is one that only its owner writes in. */
static bool give_back(int fd, const char *path, const char *folder)
{
    struct stat was;
    if (geteuid() != 0)
        return true;
    if (lstat(path, &was) == 0 ||
        (stat(folder, &was) == 0 && (was.st_mode & (S_IWGRP | S_IWOTH)) == 0))
        return fchown(fd, was.st_uid, was.st_gid) == 0;
    return true;
}

/* A file of another that lies at the temporary name is removed, never written to. */
static bool write_new(const char *temporary, const char *path, const char *folder, const char *data,
                      size_t len)
{
    bool done;
    int fd;
    (void)unlink(temporary);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    done = write_all(fd, data, len) && give_back(fd, path, folder) && fsync(fd) == 0;
    if (close(fd) != 0 || !done)
        return false;
    return rename(temporary, path) == 0;
}

/* A rename lasts when the folder is on the disk. */
static bool sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

static void folder_of(const char *path, char out[PATH_MAX])
{
    char *slash;
    snprintf(out, PATH_MAX, "%s", path);
    slash = strrchr(out, '/');
    if (slash != NULL)
        slash[slash == out ? 1 : 0] = '\0';
    else
        memcpy(out, ".", 2);
}

/* With its links followed. */
static void resolve(const char *path, char whole[PATH_MAX])
{
    if (realpath(path, whole) == NULL)
        snprintf(whole, PATH_MAX, "%s", path);
}

static bool is_open_to_others(const char *path)
{
    char folder[PATH_MAX];
    struct stat st;
    folder_of(path, folder);
    return stat(folder, &st) == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

const char *kp_secret_file_place_fault(const char *path)
{
    char whole[PATH_MAX];
    if (strlen(path) >= PATH_MAX)
        return "the path is too long";
    resolve(path, whole);
    return is_open_to_others(path) || is_open_to_others(whole)
               ? "others may write in its folder: chmod go-w, or name another"
               : NULL;
}

int kp_secret_file_write(const char *path, const char *data, size_t len, char *why, size_t why_len)
{
    char whole[PATH_MAX], temporary[PATH_MAX + sizeof SUFFIX], folder[PATH_MAX];
    int saved;
    resolve(path, whole);
    folder_of(whole, folder);
    snprintf(temporary, sizeof temporary, "%s" SUFFIX, whole);
    if (write_new(temporary, whole, folder, data, len)) {
        if (sync_folder(folder))
            return 0;
        snprintf(why, why_len, "%s is written, but may not survive a power cut: %s", path,
                 strerror(errno));
        return -1;
    }
    saved = errno;
    (void)unlink(temporary);
    snprintf(why, why_len, "cannot write %s: %s", path, strerror(saved));
    return -1;
}
