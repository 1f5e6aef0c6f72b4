/*
 * The socket of `keyplate passwd listen`: see passwd_socket.h.
 */
#include "passwd_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "creds/file.h"

#define BACKLOG 16
#define PASSED_FD 3 /* SD_LISTEN_FDS_START */

static int name_of(const char *path, struct sockaddr_un *name)
{
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (path[0] == '\0' || strlen(path) >= sizeof name->sun_path)
        return kp_command_fail(KP_EXIT_USAGE, "--socket takes a path of 1 to %zu bytes",
                               sizeof name->sun_path - 1);
    memcpy(name->sun_path, path, strlen(path) + 1);
    return KP_EXIT_DONE;
}

int kp_passwd_socket_group(const struct kp_options *options, gid_t *group)
{
    const char *text = kp_options_get(options, "socket-group");
    char *end = NULL;
    *group = (gid_t)-1;
    if (text == NULL)
        return KP_EXIT_DONE;
    const struct group *entry = getgrnam(text);
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (entry != NULL)
        *group = entry->gr_gid;
    else if (errno == 0 && *end == '\0' && text[0] >= '0' && text[0] <= '9' && number < (gid_t)-1)
        *group = (gid_t)number;
    else
        return kp_command_fail(KP_EXIT_USAGE, "--socket-group %.100s: there is no such group",
                               text);
    return KP_EXIT_DONE;
}

/* ---- Its place ----------------------------------------------------------------------------- */

/* Whether nobody else can put a socket of his own at path, now or later. */
static int check_folder(const char *path)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path];
    struct stat st;
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL || slash == path ? 1 : (size_t)(slash - path);
    memcpy(folder, slash == NULL ? "." : path, len);
    folder[len] = '\0';
    if (stat(folder, &st) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "cannot use the folder %s: %s", folder,
                               strerror(errno));
    bool ours = st.st_uid == geteuid();
    bool open = (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if ((!ours && st.st_uid != 0) || (open && !(ours && (st.st_mode & S_ISVTX) != 0)))
        return kp_command_fail(KP_EXIT_FAILED,
                               "others could put a socket of their own in %s: take a folder that "
                               "only this user or root can write",
                               folder);
    return KP_EXIT_DONE;
}

/* Whether somebody takes connections there. */
static bool is_live(const struct sockaddr_un *name)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool live = fd < 0 || connect(fd, (const struct sockaddr *)name, sizeof *name) == 0 ||
                errno != ECONNREFUSED;
    if (fd >= 0)
        (void)close(fd);
    return live;
}

/* Makes room at path, where only a socket of ours that is of no use any more may stand. */
static int clear(const struct sockaddr_un *name)
{
    const char *path = name->sun_path;
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? KP_EXIT_DONE
                               : kp_command_fail(KP_EXIT_FAILED, "cannot look at %s: %s", path,
                                                 strerror(errno));
    if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
        return kp_command_fail(KP_EXIT_FAILED, "%s is there, and is no socket of ours: it stays",
                               path);
    if (is_live(name))
        return kp_command_fail(KP_EXIT_FAILED, "another process listens at %s", path);
    if (unlink(path) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "cannot remove the old socket %s: %s", path,
                               strerror(errno));
    return KP_EXIT_DONE;
}

/* ---- Listening ----------------------------------------------------------------------------- */

/* The mode is right from the first moment, as nobody can connect before listen. */
static int bind_as(int fd, const struct sockaddr_un *name, gid_t group)
{
    const char *path = name->sun_path;
    mode_t mask = umask(0177);
    int result = bind(fd, (const struct sockaddr *)name, sizeof *name);
    int saved = errno;
    (void)umask(mask);
    errno = saved;
    if (result != 0)
        return kp_command_fail(KP_EXIT_FAILED, "cannot make the socket %s: %s", path,
                               strerror(errno));
    if (group != (gid_t)-1 && lchown(path, (uid_t)-1, group) != 0)
        result = -1;
    else
        result = chmod(path, group != (gid_t)-1 ? 0660 : 0600);
    if (result == 0)
        result = listen(fd, BACKLOG);
    if (result == 0)
        return KP_EXIT_DONE;
    saved = errno;
    (void)unlink(path);
    return kp_command_fail(KP_EXIT_FAILED, "cannot listen at %s: %s", path, strerror(saved));
}

int kp_passwd_socket_listen(const char *path, gid_t group, int *fd)
{
    struct sockaddr_un name;
    struct kp_file_lock lock;
    struct kp_file_error unlocked = {""};
    *fd = -1;
    int status = name_of(path, &name);
    if (status == KP_EXIT_DONE)
        status = check_folder(path);
    if (status != KP_EXIT_DONE)
        return status;
    /* Of two that find an old socket, the second would remove the first one's new one. */
    if (kp_file_lock(&lock, path, &unlocked) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s", unlocked.why);
    status = clear(&name);
    if (status == KP_EXIT_DONE) {
        *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        status = *fd >= 0 ? bind_as(*fd, &name, group)
                          : kp_command_fail(KP_EXIT_FAILED, "no socket: %s", strerror(errno));
    }
    kp_file_unlock(&lock);
    if (status != KP_EXIT_DONE && *fd >= 0)
        (void)close(*fd);
    return status;
}

void kp_passwd_socket_remove(const char *path, int fd)
{
    struct stat st;
    struct sockaddr_un name;
    (void)close(fd);
    /* With ours closed, who listens there still is another one. */
    if (name_of(path, &name) == KP_EXIT_DONE && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
        st.st_uid == geteuid() && !is_live(&name))
        (void)unlink(path);
}

int kp_passwd_socket_passed(void)
{
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    char own[24];
    int domain = 0;
    int listening = 0;
    int type = 0;
    socklen_t len = sizeof(int);
    (void)snprintf(own, sizeof own, "%ld", (long)getpid());
    if (pid == NULL || count == NULL || strcmp(pid, own) != 0 || strcmp(count, "1") != 0)
        return -1;
    if (getsockopt(PASSED_FD, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || domain != AF_UNIX ||
        getsockopt(PASSED_FD, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_STREAM ||
        getsockopt(PASSED_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 || !listening ||
        fcntl(PASSED_FD, F_SETFD, FD_CLOEXEC) != 0 || fcntl(PASSED_FD, F_SETFL, O_NONBLOCK) != 0)
        return -1;
    return PASSED_FD;
}

int kp_passwd_socket_connect(const char *path, int *fd)
{
    struct sockaddr_un name;
    int status = name_of(path, &name);
    if (status != KP_EXIT_DONE)
        return status;
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd >= 0 && connect(*fd, (const struct sockaddr *)&name, sizeof name) == 0)
        return KP_EXIT_DONE;
    status =
        kp_command_fail(KP_EXIT_FAILED, "cannot reach %s: %s: does keyplate passwd listen run?",
                        path, strerror(errno));
    if (*fd >= 0)
        (void)close(*fd);
    return status;
}
