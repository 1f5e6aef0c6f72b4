/* What is Linux only: see platform.h.  It knows nothing of connections. */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
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
    (void)sigaction(SIGXFSZ, &ignore, NULL); /* a file that may not grow is an error of write */
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

/* Under sudo, who typed it; else 0. */
static uid_t invoking_uid(void)
{
    const char *text = getenv("SUDO_UID");
    char *end;
    unsigned long number;
    if (geteuid() != 0 || text == NULL || *text == '\0')
        return 0;
    number = strtoul(text, &end, 10);
    return *end != '\0' || number > UINT32_MAX - 1 ? 0 : (uid_t)number;
}

/* Under sudo a browser must not run, nor a person's file be made, as root: who typed sudo, or NULL.
 * Static memory. */
static const struct passwd *invoking_user(void)
{
    uid_t uid = invoking_uid();
    return uid == 0 ? NULL : getpwuid(uid);
}

unsigned kp_platform_person(void)
{
    uid_t uid = invoking_uid();
    return uid == 0 ? geteuid() : uid;
}

/* ---- What is remembered for the person --------------------------------------------------- */

static const char *home_of(const struct passwd *person)
{
    const char *home = person == NULL ? getenv("HOME") : person->pw_dir;
    if (home == NULL || home[0] != '/') {
        person = getpwuid(geteuid());
        home = person != NULL ? person->pw_dir : NULL;
    }
    return home;
}

int kp_platform_state_folder(char *out, size_t len)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = home_of(invoking_user());
    int n;
    /* The XDG Base Directory Specification: a path that isn't absolute is as good as none. */
    if (state != NULL && state[0] == '/')
        n = snprintf(out, len, "%s/keyplate", state);
    else if (home != NULL)
        n = snprintf(out, len, "%s/.local/state/keyplate", home);
    else
        return UV_ENOENT;
    return n < 0 || (size_t)n >= len ? UV_ENAMETOOLONG : 0;
}

int kp_platform_make_folder(const char *path)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof part)
        return UV_ENAMETOOLONG;
    memcpy(part, path, len + 1);
    for (char *at = part + 1; at <= part + len; at++) {
        char was = *at;
        if (was != '/' && was != '\0')
            continue;
        *at = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return uv_translate_sys_error(errno);
        *at = was;
    }
    return 0;
}

#define GROUPS_MAX 256

static gid_t own_groups[GROUPS_MAX];
static int own_group_count = -1; /* what there is to go back to; -1: nothing */

int kp_platform_be_person(void)
{
    const struct passwd *person = invoking_user();
    int error;
    if (person == NULL)
        return 0;
    own_group_count = getgroups(GROUPS_MAX, own_groups);
    if (own_group_count < 0)
        return uv_translate_sys_error(errno);
    /* In this order: without root's rights there are no other groups to be had. */
    if (setgroups(1, &person->pw_gid) == 0 && setegid(person->pw_gid) == 0 &&
        seteuid(person->pw_uid) == 0)
        return 0;
    error = uv_translate_sys_error(errno);
    kp_platform_be_oneself();
    return error;
}

void kp_platform_be_oneself(void)
{
    if (own_group_count < 0)
        return;
    (void)!seteuid(getuid());
    (void)!setegid(getgid());
    (void)!setgroups((size_t)own_group_count, own_groups);
    own_group_count = -1;
}

/* ---- While the person is logged in ------------------------------------------------------- */

/* A folder of the person's that nobody else can change. */
static bool is_own(const char *path, mode_t forbidden)
{
    struct stat found;
    return lstat(path, &found) == 0 && S_ISDIR(found.st_mode) &&
           found.st_uid == kp_platform_person() && (found.st_mode & forbidden) == 0;
}

static int make_own(const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return uv_translate_sys_error(errno);
    return is_own(path, 077) ? 0 : UV_EACCES;
}

/* Its parent is there but for the state folder, which is made. */
static int choose_runtime(char *out, size_t len)
{
    const char *told = getenv("XDG_RUNTIME_DIR");
    char parent[PATH_MAX];
    int error, n;
    /* Under sudo it may be root's: as good as none. */
    if (told == NULL || told[0] != '/' || !is_own(told, 022)) {
        (void)snprintf(parent, sizeof parent, "/run/user/%u", kp_platform_person());
        told = parent;
    }
    if (is_own(told, 022)) {
        n = snprintf(out, len, "%s/keyplate", told);
    } else {
        error = kp_platform_state_folder(parent, sizeof parent);
        if (error == 0)
            error = kp_platform_make_folder(parent);
        if (error != 0)
            return error;
        n = snprintf(out, len, "%s/run", parent);
    }
    return n < 0 || (size_t)n >= len ? UV_ENAMETOOLONG : 0;
}

int kp_platform_runtime_folder(char *out, size_t len)
{
    bool sudo = invoking_user() != NULL; /* not if the caller is the person already */
    int error = sudo ? kp_platform_be_person() : 0;
    if (error != 0)
        return error;
    error = choose_runtime(out, len);
    if (error == 0)
        error = make_own(out);
    if (sudo)
        kp_platform_be_oneself();
    return error;
}

/* ---- The browser ------------------------------------------------------------------------- */

/* Our environment with another HOME: a list that the caller frees, of strings that live elsewhere.
 * Our own stays as it is, as another thread may be reading it. */
static char **environment_with(char *home)
{
    size_t count = 0, used = 0;
    char **list;
    while (environ[count] != NULL)
        count++;
    list = calloc(count + 2, sizeof *list);
    if (list == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "HOME=", 5) != 0)
            list[used++] = environ[i];
    list[used] = home;
    return list;
}

struct browser {
    uv_process_t process; /* first */
    void (*failed)(void);
};

static void browser_gone(uv_process_t *process, int64_t status, int signal)
{
    struct browser *browser = (struct browser *)(void *)process;
    if (status != 0 && signal == 0)
        browser->failed();
    uv_close((uv_handle_t *)process, (uv_close_cb)free);
}

static int spawn(uv_loop_t *loop, uv_process_options_t *options, void (*failed)(void))
{
    struct browser *browser = malloc(sizeof *browser);
    int error;
    if (browser == NULL)
        return UV_ENOMEM;
    browser->failed = failed;
    error = uv_spawn(loop, &browser->process, options);
    if (error != 0)
        uv_close((uv_handle_t *)&browser->process, (uv_close_cb)free);
    else
        uv_unref((uv_handle_t *)&browser->process);
    return error;
}

int kp_platform_open_browser(uv_loop_t *loop, const char *url, void (*failed)(void))
{
    const struct passwd *person = invoking_user();
    char program[] = "xdg-open";
    char home[512];
    char *link = strdup(url);
    char *args[3] = {program, link, NULL};
    uv_process_options_t options = {
        .exit_cb = browser_gone, .file = program, .args = args, .flags = UV_PROCESS_DETACHED};
    int error = UV_ENOMEM;
    if (person != NULL) {
        options.flags |= UV_PROCESS_SETUID | UV_PROCESS_SETGID;
        options.uid = person->pw_uid;
        options.gid = person->pw_gid;
        snprintf(home, sizeof home, "HOME=%s", person->pw_dir);
        options.env = environment_with(home);
    }
    if (link != NULL && (person == NULL || options.env != NULL))
        error = spawn(loop, &options, failed);
    free((void *)options.env);
    free(link);
    return error;
}
