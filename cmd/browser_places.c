/* The browsers that can start the agent: see browser_places.h. */
#include "browser_places.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "browser_ids.h"
#include "platform.h"

/* Brave and Vivaldi read the person's folder as Chromium does; of what they read for all users
 * their makers say nothing. */
const struct kp_browser kp_browsers[] = {
    {"chromium",
     "Chromium",
     false,
     "chromium",
     {"chromium", "chromium-browser"},
     "chromium",
     "org.chromium.Chromium",
     {"/etc/chromium/native-messaging-hosts"}},
    {"chrome",
     "Google Chrome",
     false,
     "google-chrome",
     {"google-chrome", "google-chrome-stable"},
     NULL,
     "com.google.Chrome",
     {"/etc/opt/chrome/native-messaging-hosts"}},
    {"edge",
     "Microsoft Edge",
     false,
     "microsoft-edge",
     {"microsoft-edge", "microsoft-edge-stable"},
     NULL,
     "com.microsoft.Edge",
     {"/etc/opt/edge/native-messaging-hosts"}},
    {"brave",
     "Brave",
     false,
     "BraveSoftware/Brave-Browser",
     {"brave-browser", "brave-browser-stable", "brave"},
     "brave",
     "com.brave.Browser",
     {NULL}},
    {"vivaldi",
     "Vivaldi",
     false,
     "vivaldi",
     {"vivaldi", "vivaldi-stable"},
     "vivaldi",
     "com.vivaldi.Vivaldi",
     {NULL}},
    {"firefox",
     "Firefox",
     true,
     "mozilla/firefox",
     {"firefox", "firefox-esr"},
     "firefox",
     "org.mozilla.firefox",
     {"/usr/lib/mozilla/native-messaging-hosts", "/usr/lib64/mozilla/native-messaging-hosts"}},
};
const size_t kp_browser_count = sizeof kp_browsers / sizeof kp_browsers[0];

__attribute__((format(printf, 2, 3))) static int put(char out[static PATH_MAX], const char *format,
                                                     ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(out, PATH_MAX, format, args);
    va_end(args);
    return len < 0 || len >= PATH_MAX ? -1 : 0;
}

/* ---- Whose ------------------------------------------------------------------------------- */

int kp_browser_person(struct kp_browser_person *out)
{
    unsigned uid = kp_platform_person();
    const char *home = uid == geteuid() ? getenv("HOME") : NULL;
    const char *settings = getenv("XDG_CONFIG_HOME");
    if (home == NULL || home[0] != '/') {
        const struct passwd *person = getpwuid(uid);
        home = person != NULL ? person->pw_dir : NULL;
    }
    if (home == NULL || put(out->home, "%s", home) != 0)
        return -1;
    /* The XDG Base Directory Specification: a path that isn't absolute is as good as none. */
    if (settings != NULL && settings[0] == '/')
        return put(out->settings, "%s", settings);
    return put(out->settings, "%s/.config", home);
}

/* ---- Whether it is there ----------------------------------------------------------------- */

static bool is_folder(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static bool is_program(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISREG(found.st_mode) && access(path, X_OK) == 0;
}

/* Its programs are links to one that enters the confinement. */
static bool is_snap(const char *path)
{
    char real[PATH_MAX];
    return strncmp(path, "/snap/", 6) == 0 || strncmp(path, "/var/lib/snapd/", 15) == 0 ||
           (realpath(path, real) != NULL && strcmp(real, "/usr/bin/snap") == 0);
}

static enum kp_browser_presence look_for(const char *name)
{
    enum kp_browser_presence found = KP_BROWSER_ABSENT;
    const char *at = getenv("PATH");
    char path[PATH_MAX];
    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, ":");
        if (*at == '/' && put(path, "%.*s/%s", (int)len, at, name) == 0 && is_program(path)) {
            if (!is_snap(path))
                return KP_BROWSER_THERE;
            found = KP_BROWSER_CONFINED;
        }
        at += len + (at[len] == ':');
    }
    return found;
}

static bool has_profiles(const struct kp_browser *browser, const struct kp_browser_person *person)
{
    char path[PATH_MAX];
    if (put(path, "%s/%s", person->settings, browser->settings) == 0 && is_folder(path))
        return true;
    /* Where Firefox kept them until it went by the XDG specification, and keeps them that it finds.
     */
    return browser->firefox && put(path, "%s/.mozilla/firefox", person->home) == 0 &&
           is_folder(path);
}

static bool has_confined(const struct kp_browser *browser, const struct kp_browser_person *person)
{
    char path[PATH_MAX];
    return (browser->snap != NULL && put(path, "%s/snap/%s", person->home, browser->snap) == 0 &&
            is_folder(path)) ||
           (put(path, "%s/.var/app/%s", person->home, browser->flatpak) == 0 && is_folder(path));
}

enum kp_browser_presence kp_browser_presence(const struct kp_browser *browser,
                                             const struct kp_browser_person *person)
{
    enum kp_browser_presence found =
        has_confined(browser, person) ? KP_BROWSER_CONFINED : KP_BROWSER_ABSENT;
    if (has_profiles(browser, person))
        return KP_BROWSER_THERE;
    for (size_t i = 0; i < KP_BROWSER_PROGRAMS && browser->programs[i] != NULL; i++) {
        enum kp_browser_presence one = look_for(browser->programs[i]);
        if (one > found)
            found = one;
    }
    return found;
}

/* ---- Where its manifest is --------------------------------------------------------------- */

int kp_browser_user_file(const struct kp_browser *browser, const struct kp_browser_person *person,
                         char out[static PATH_MAX])
{
    /* Firefox 153 looks for profiles by the XDG specification, but for manifests here alone. */
    if (browser->firefox)
        return put(out, "%s/.mozilla/native-messaging-hosts/" KP_BROWSER_HOST ".json",
                   person->home);
    return put(out, "%s/%s/NativeMessagingHosts/" KP_BROWSER_HOST ".json", person->settings,
               browser->settings);
}

/* Of systems with programs of two word sizes some have Firefox in the one, some in the other.  On
 * those of the first kind /usr/lib64 is there too, with nothing of Firefox in it. */
static bool uses_lib64(void)
{
    return is_folder("/usr/lib64/mozilla") || is_folder("/usr/lib64/firefox");
}

int kp_browser_system_file(const struct kp_browser *browser, size_t index,
                           char out[static PATH_MAX])
{
    const char *folder = browser->system[index];
    if (folder == NULL || (index > 0 && !uses_lib64()))
        return -1;
    return put(out, "%s/" KP_BROWSER_HOST ".json", folder);
}
