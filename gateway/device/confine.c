/* What the process of `serve` gives up: see confine.h.  The order of it all, and what is said. */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "guesses.h"

/* Where the state of failed guesses is written: where its file is, if that is a link.  Whether
 * there is room for its name in out. */
static bool find_state_folder(const struct kp_confine_settings *s, char out[static PATH_MAX])
{
    char path[PATH_MAX], resolved[PATH_MAX];
    const char *slash, *file = path;
    int n = s->throttle_file != NULL
                ? snprintf(path, sizeof path, "%s", s->throttle_file)
                : snprintf(path, sizeof path, "%s" KP_GUESSES_SUFFIX, s->credentials);
    if (n < 0 || n >= PATH_MAX)
        return false;
    if (realpath(path, resolved) != NULL)
        file = resolved;
    slash = strrchr(file, '/');
    if (slash == NULL)
        n = snprintf(out, PATH_MAX, ".");
    else if (slash == file)
        n = snprintf(out, PATH_MAX, "/");
    else
        n = snprintf(out, PATH_MAX, "%.*s", (int)(slash - file), file);
    return n > 0 && n < PATH_MAX;
}

/* As ", name", for those whose number has one. */
static const char *own_name(char out[static 80])
{
    const struct passwd *entry = getpwuid(geteuid());
    out[0] = '\0';
    if (entry != NULL)
        snprintf(out, 80, ", %.70s", entry->pw_name);
    return out;
}

/* Later, when it has changed, is too late to find out. */
static int check_credentials(const struct kp_confine_settings *s, char *why, size_t why_len)
{
    char name[80];
    int fd = open(s->credentials, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int error = errno;
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    snprintf(
        why, why_len,
        "\"%s\" can't be read again by the user of this process, uid %lu%s (%s): chown the file "
        "and its folder to that user, and let it pass through the folders above",
        s->credentials, (unsigned long)geteuid(), own_name(name), strerror(error));
    return -1;
}

static void check_state_folder(const struct kp_confine_settings *s, const char *folder)
{
    char name[80];
    int error;
    if (access(folder, W_OK | X_OK) == 0)
        return;
    error = errno;
    kp_log_say(s->log, KP_LOG_WARNING, "privileges",
               "the folder \"%s\" can't be written by the user of this process, uid %lu%s (%s): "
               "failed guesses are counted in memory only, and a restart forgets them",
               folder, (unsigned long)geteuid(), own_name(name), strerror(error));
}

/* One line for all that is missing. */
static void complain(const struct kp_confine_settings *s, int files, int calls)
{
    const char *no_files = "", *no_calls = "";
    if (files == 0 && calls == 0)
        return;
    if (files != 0)
        no_files = "this kernel has no Landlock, so files are kept by their modes alone";
    if (calls == -ENOSYS)
        no_calls = "this build has no libseccomp, so every system call is allowed";
    else if (calls != 0)
        no_calls = "this kernel has no seccomp filters, so every system call is allowed";
    kp_log_say(s->log, KP_LOG_WARNING, "privileges",
               "this process is less confined than it could be: %s%s%s", no_files,
               files != 0 && calls != 0 ? "; " : "", no_calls);
}

int kp_confine_with(const struct kp_confine_settings *s, int landlock, char *why, size_t why_len)
{
    char folder[PATH_MAX];
    bool has_folder = find_state_folder(s, folder);
    int files, calls;
    kp_confine_load_names();
    if (kp_confine_user(s, why, why_len) != 0 || kp_confine_rights(why, why_len) != 0)
        return -1;
    /* Another user would be another owner of /proc/PID, and could attach. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (check_credentials(s, why, why_len) != 0)
        return -1;
    if (has_folder)
        check_state_folder(s, folder);
    files = kp_confine_files(landlock, has_folder ? folder : NULL);
    calls = kp_confine_calls();
    complain(s, files, calls);
    return 0;
}

int kp_confine_try(const struct kp_confine_settings *s, char *why, size_t why_len)
{
    return kp_confine_user(s, why, why_len) != 0 || kp_confine_rights(why, why_len) != 0
               ? -1
               : check_credentials(s, why, why_len);
}

int kp_confine(const struct kp_confine_settings *s, char *why, size_t why_len)
{
    return kp_confine_with(s, kp_confine_landlock(), why, why_len);
}
