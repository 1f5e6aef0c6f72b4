/* Whether a browser has the extension: see browser_extension.h. */
#include "browser_extension.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "browser_ids.h"

#define PROFILES_MAX 64             /* that are looked at */
#define ENTRIES_MAX 4096            /* of a folder */
#define READ_MAX (16 * 1024 * 1024) /* bytes of a profile's file */

/* Where packages put extensions of Firefox: by its own id, for all of its profiles. */
#define MOZILLA_SYSTEM                                                                             \
    "/usr/share/mozilla/extensions/{ec8030f7-c20a-464f-9b0e-13a3a9e97384}/" KP_BROWSER_FIREFOX_ID

__attribute__((format(printf, 2, 3))) static bool exists(char out[static PATH_MAX],
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(out, PATH_MAX, format, args);
    va_end(args);
    return len > 0 && len < PATH_MAX && access(out, R_OK) == 0;
}

static size_t read_some(int fd, char *text, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, text + len, size - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    return len;
}

/* Whether a file has the word, quoted, in its beginning. */
static bool mentions(const char *path, const char *quoted)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat about;
    bool found = false;
    if (fd < 0)
        return false;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0) {
        size_t size = about.st_size > READ_MAX ? READ_MAX : (size_t)about.st_size;
        char *text = malloc(size);
        if (text != NULL)
            found = memmem(text, read_some(fd, text, size), quoted, strlen(quoted)) != NULL;
        free(text);
    }
    (void)close(fd);
    return found;
}

static bool in_chromium_profile(const char *profile, char where[static PATH_MAX])
{
    static const char *const files[] = {"Secure Preferences", "Preferences"};
    if (exists(where, "%s/Extensions/" KP_BROWSER_CHROMIUM_ID, profile))
        return true;
    /* One that was loaded from a folder of its own is only mentioned. */
    for (size_t i = 0; i < 2; i++)
        if (exists(where, "%s/%s", profile, files[i]) &&
            mentions(where, "\"" KP_BROWSER_CHROMIUM_ID "\""))
            return true;
    return false;
}

static bool in_firefox_profile(const char *profile, char where[static PATH_MAX])
{
    if (exists(where, "%s/extensions/" KP_BROWSER_FIREFOX_ID ".xpi", profile))
        return true;
    return exists(where, "%s/extensions.json", profile) &&
           mentions(where, "\"" KP_BROWSER_FIREFOX_ID "\"");
}

/* A folder of profiles: each of its folders may be one. */
static bool in_profiles(const struct kp_browser *browser, const char *folder,
                        char where[static PATH_MAX])
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    char profile[PATH_MAX];
    bool found = false;
    int seen = 0, profiles = 0;
    while (entries != NULL && !found && profiles < PROFILES_MAX && seen++ < ENTRIES_MAX &&
           (entry = readdir(entries)) != NULL) {
        if (entry->d_name[0] == '.' ||
            !exists(profile, browser->firefox ? "%s/%s/prefs.js" : "%s/%s/Preferences", folder,
                    entry->d_name))
            continue;
        profiles++;
        *strrchr(profile, '/') = '\0';
        found = browser->firefox ? in_firefox_profile(profile, where)
                                 : in_chromium_profile(profile, where);
    }
    if (entries != NULL)
        (void)closedir(entries);
    return found;
}

bool kp_browser_extension(const struct kp_browser *browser, const struct kp_browser_person *person,
                          char where[static PATH_MAX])
{
    char folder[PATH_MAX];
    bool told = exists(folder, "%s/%s", person->settings, browser->settings);
    if (told && in_profiles(browser, folder, where))
        return true;
    if (!browser->firefox)
        return strcmp(browser->word, "chromium") == 0 &&
               exists(where, "/usr/share/chromium/extensions/keyplate/manifest.json");
    if (exists(where, MOZILLA_SYSTEM ".xpi") || exists(where, MOZILLA_SYSTEM "/manifest.json"))
        return true;
    return exists(folder, "%s/.mozilla/firefox", person->home) &&
           in_profiles(browser, folder, where);
}
