/* Whose the hub is: see handover.h. */
#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../platform.h"
#include "handover_place.h"

int kp_place_path(const char *folder, char path[KP_PLACE_LEN])
{
    int len = snprintf(path, KP_PLACE_LEN, "%s/hub", folder);
    return len < 0 || (size_t)len >= KP_PLACE_LEN ? UV_ENAMETOOLONG : 0;
}

static enum kp_owner_result nobody(char why[KP_WORD_LEN], const char *what, int error)
{
    (void)snprintf(why, KP_WORD_LEN, "%.1000s: %s", what, uv_strerror(error));
    return KP_OWNER_NOBODY;
}

/* A regular file of the person's that nobody else may open: who could lock it could keep us out. */
static int open_lock(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    int error;
    if (fd < 0)
        return uv_translate_sys_error(errno);
    if (fstat(fd, &st) != 0)
        error = uv_translate_sys_error(errno);
    else if (!S_ISREG(st.st_mode) || st.st_uid != kp_platform_person() || (st.st_mode & 077) != 0)
        error = UV_EACCES;
    else
        return fd;
    (void)close(fd);
    return error;
}

static int open_as_person(const char *path)
{
    int fd = kp_platform_be_person();
    if (fd != 0)
        return fd;
    fd = open_lock(path);
    kp_platform_be_oneself();
    return fd;
}

enum kp_owner_result kp_owner_claim(struct kp_owner *owner, char why[KP_WORD_LEN])
{
    char path[sizeof owner->folder + 8];
    int error;
    owner->lock = -1;
    error = kp_platform_runtime_folder(owner->folder, sizeof owner->folder);
    if (error != 0)
        return nobody(why, "there is no folder to meet in", error);
    (void)snprintf(path, sizeof path, "%s/lock", owner->folder);
    owner->lock = open_as_person(path);
    if (owner->lock < 0) {
        error = owner->lock;
        owner->lock = -1;
        return nobody(why, path, error);
    }
    if (flock(owner->lock, LOCK_EX | LOCK_NB) == 0)
        return KP_OWNER_WE;
    error = uv_translate_sys_error(errno);
    kp_owner_leave(owner);
    return error == UV_EAGAIN ? KP_OWNER_OTHER : nobody(why, path, error);
}

void kp_owner_leave(struct kp_owner *owner)
{
    if (owner->lock >= 0)
        (void)close(owner->lock);
    owner->lock = -1;
}
