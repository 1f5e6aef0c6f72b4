/* --keylog: see keylog.h. */
#include "keylog.h"

#ifdef KP_KEYLOG

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void write_line(void *arg, const char *line)
{
    struct kp_keylog *keylog = arg;
    flockfile(keylog->file);
    (void)fprintf(keylog->file, "%s\n", line);
    (void)fflush(keylog->file);
    funlockfile(keylog->file);
}

int kp_keylog_open(struct kp_keylog *keylog, const char *path)
{
    int fd;
    keylog->file = NULL;
    if (path == NULL)
        return 0;
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    keylog->file = fdopen(fd, "a");
    if (keylog->file == NULL) {
        close(fd);
        return -ENOMEM;
    }
    return 0;
}

void kp_keylog_close(struct kp_keylog *keylog)
{
    if (keylog->file != NULL)
        (void)fclose(keylog->file);
    keylog->file = NULL;
}

kp_keylog_fn *kp_keylog_function(const struct kp_keylog *keylog)
{
    return keylog->file != NULL ? write_line : NULL;
}

#else

int kp_keylog_open(struct kp_keylog *keylog, const char *path)
{
    (void)path;
    keylog->file = NULL;
    return 0;
}

void kp_keylog_close(struct kp_keylog *keylog)
{
    (void)keylog;
}

kp_keylog_fn *kp_keylog_function(const struct kp_keylog *keylog)
{
    (void)keylog;
    return NULL;
}

#endif
