/* What is Linux only: see platform.h.  It knows nothing of connections. */
#include "platform.h"

#include <fcntl.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static void fill_standard_descriptors(void)
{
    static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY}; /* writing to the second fails */
    for (int fd = 0; fd < 3; fd++)
        while (fcntl(fd, F_GETFD) < 0)
            if (open("/dev/null", modes[fd]) < 0)
                return;
}

void kp_platform_harden(void)
{
    struct rlimit none = {0, 0};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    fill_standard_descriptors();
}

size_t kp_platform_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            return (size_t)before;
    }
    return (size_t)limit.rlim_cur;
}

uint64_t kp_platform_memory(void)
{
    struct sysinfo info;
    return sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : 0;
}

void kp_platform_tune_memory(void)
{
#ifdef M_TRIM_THRESHOLD
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

/* Under sudo the browser must not run as root.  Returns whether *uid and *gid are to be used. */
static bool invoking_user(uv_uid_t *uid, uv_gid_t *gid, char *home, size_t home_len)
{
    const char *text = getenv("SUDO_UID");
    struct passwd *person;
    char *end;
    unsigned long number;
    if (geteuid() != 0 || text == NULL || *text == '\0')
        return false;
    number = strtoul(text, &end, 10);
    if (*end != '\0' || number == 0 || number > UINT32_MAX - 1)
        return false;
    person = getpwuid((uid_t)number);
    if (person == NULL)
        return false;
    *uid = person->pw_uid;
    *gid = person->pw_gid;
    snprintf(home, home_len, "HOME=%s", person->pw_dir);
    return true;
}

static void browser_gone(uv_process_t *process, int64_t status, int signal)
{
    (void)status;
    (void)signal;
    uv_close((uv_handle_t *)process, (uv_close_cb)free);
}

int kp_platform_open_browser(uv_loop_t *loop, const char *url)
{
    char program[] = "xdg-open";
    char home[512];
    char *link = strdup(url);
    char *args[3] = {program, link, NULL};
    uv_process_options_t options = {.exit_cb = browser_gone, .file = program, .args = args};
    uv_process_t *process = malloc(sizeof *process);
    int error;
    if (link == NULL || process == NULL) {
        free(link);
        free(process);
        return UV_ENOMEM;
    }
    options.flags = UV_PROCESS_DETACHED;
    if (invoking_user(&options.uid, &options.gid, home, sizeof home)) {
        options.flags |= UV_PROCESS_SETUID | UV_PROCESS_SETGID;
        (void)putenv(home);
    }
    error = uv_spawn(loop, process, &options);
    if (strncmp(home, "HOME=", 5) == 0 && options.flags != UV_PROCESS_DETACHED)
        (void)unsetenv("HOME");
    free(link);
    if (error != 0)
        uv_close((uv_handle_t *)process, (uv_close_cb)free);
    else
        uv_unref((uv_handle_t *)process);
    return error;
}
