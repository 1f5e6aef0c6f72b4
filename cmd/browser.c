/*
 * keyplate browser: tells browsers where the agent is.  Its status stands in browser_status.c.
 */
#include "browser.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "browser_manifest.h"
#include "platform.h"

static const struct kp_option table[] = {
    {"user", KP_OPTION_FLAG, NULL, "install, remove: for you alone (this is the default)"},
    {"system", KP_OPTION_FLAG, NULL, "install, remove: for everybody here (needs root)"},
    {"all", KP_OPTION_FLAG, NULL, "install: also for browsers that are not here (yet)"},
    {"force", KP_OPTION_FLAG, NULL, "install: replace a file that is not Keyplate's"},
    {"json", KP_OPTION_FLAG, NULL, "status: as JSON, for programs"},
    {NULL, KP_OPTION_FLAG, NULL, NULL}};

/* ---- What install and remove do at one place --------------------------------------------- */

struct work {
    const struct kp_options *options;
    struct kp_browser_person person;
    bool system;
    char agent[PATH_MAX];
    unsigned done;   /* places that are as they should be */
    unsigned failed; /* and that are not, after all */
};

static void say(const struct kp_browser *browser, const char *what, const char *more)
{
    printf("%s: %s%s\n", browser->title, what, more);
}

static int refuse(struct work *work, const struct kp_browser *browser, const char *why)
{
    work->failed++;
    return kp_command_fail(KP_EXIT_FAILED, "%s: %s", browser->title, why);
}

static bool is_right(const struct kp_manifest *manifest, const char *path, const char *text)
{
    struct stat found;
    return manifest->text != NULL && strcmp(manifest->text, text) == 0 &&
           lstat(path, &found) == 0 && S_ISREG(found.st_mode) && (found.st_mode & 0777) == 0644;
}

static void write_one(struct work *work, const struct kp_browser *browser, const char *path,
                      const struct kp_manifest *there, const char *text)
{
    char why[KP_MANIFEST_WHY_LEN];
    if (is_right(there, path, text)) {
        say(browser, "is right already: ", path);
        work->done++;
    } else if (kp_manifest_write(path, text, work->system ? 0755 : 0700, why) != 0) {
        (void)refuse(work, browser, why);
    } else {
        say(browser, there->make == KP_MANIFEST_ABSENT ? "written: " : "written anew: ", path);
        work->done++;
    }
}

static void install_at(struct work *work, const struct kp_browser *browser, const char *path)
{
    char why[KP_MANIFEST_WHY_LEN + PATH_MAX];
    struct kp_manifest there;
    char *text = kp_manifest_text(browser, work->agent);
    kp_manifest_read(&there, browser, path);
    if (text == NULL) {
        (void)refuse(work, browser, "out of memory");
    } else if ((there.make == KP_MANIFEST_FOREIGN || there.make == KP_MANIFEST_UNREADABLE) &&
               !kp_options_has(work->options, "force")) {
        (void)snprintf(why, sizeof why, "left out: %s is not Keyplate's: %s (--force replaces it)",
                       path, there.why);
        (void)refuse(work, browser, why);
    } else {
        write_one(work, browser, path, &there, text);
    }
    free(text);
    kp_manifest_clear(&there);
}

static void remove_at(struct work *work, const struct kp_browser *browser, const char *path)
{
    char why[KP_MANIFEST_WHY_LEN + PATH_MAX];
    struct kp_manifest there;
    kp_manifest_read(&there, browser, path);
    if (there.make == KP_MANIFEST_OURS && unlink(path) == 0) {
        say(browser, "removed: ", path);
        work->done++;
    } else if (there.make != KP_MANIFEST_ABSENT) {
        (void)snprintf(why, sizeof why, "left there: %s: %s", path,
                       there.make == KP_MANIFEST_OURS ? strerror(errno) : there.why);
        (void)refuse(work, browser, why);
    }
    kp_manifest_clear(&there);
}

/* ---- At all places ----------------------------------------------------------------------- */

typedef void at_fn(struct work *work, const struct kp_browser *browser, const char *path);

static void everywhere_of_system(struct work *work, at_fn *at, bool tell)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < kp_browser_count; i++) {
        if (tell && kp_browsers[i].system[0] == NULL)
            say(&kp_browsers[i],
                "left out: ", "where it looks for all users is not known; use --user");
        for (size_t k = 0; k < KP_BROWSER_SYSTEM; k++)
            if (kp_browser_system_file(&kp_browsers[i], k, path) == 0)
                at(work, &kp_browsers[i], path);
    }
}

static bool is_wanted(const struct work *work, const struct kp_browser *browser)
{
    if (kp_options_has(work->options, "all"))
        return true;
    switch (kp_browser_presence(browser, &work->person)) {
    case KP_BROWSER_THERE:
        return true;
    case KP_BROWSER_CONFINED:
        say(browser, "left out: ",
            "it is a snap or flatpak, which can't start the agent; use one that is not confined");
        return false;
    case KP_BROWSER_ABSENT:
    default:
        say(browser, "left out: ", "it is not here (--all includes it)");
        return false;
    }
}

static void everywhere_of_person(struct work *work, at_fn *at, bool choose)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < kp_browser_count; i++) {
        if (choose && !is_wanted(work, &kp_browsers[i]))
            continue;
        if (kp_browser_user_file(&kp_browsers[i], &work->person, path) == 0)
            at(work, &kp_browsers[i], path);
        else
            (void)refuse(work, &kp_browsers[i], "the path of the home folder is too long");
    }
}

static int begin(struct work *work, const struct kp_options *options)
{
    memset(work, 0, sizeof *work);
    work->options = options;
    work->system = kp_options_has(options, "system");
    if (work->system && kp_options_has(options, "user"))
        return kp_command_misused("--user or --system, not both");
    if (work->system && geteuid() != 0)
        return kp_command_fail(KP_EXIT_FAILED, "--system writes where only root may: type it "
                                               "after sudo, or leave --system out");
    if (!work->system && kp_browser_person(&work->person) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "there is no home folder");
    return KP_EXIT_DONE;
}

static int go(struct work *work, at_fn *at, bool installs)
{
    int error = work->system ? 0 : kp_platform_be_person();
    if (error != 0)
        return kp_command_fail(KP_EXIT_FAILED, "it can't be done as the user who typed sudo: %s",
                               uv_strerror(error));
    if (work->system)
        everywhere_of_system(work, at, installs);
    else
        everywhere_of_person(work, at, installs);
    if (!work->system)
        kp_platform_be_oneself();
    return work->failed == 0 ? KP_EXIT_DONE : KP_EXIT_FAILED;
}

/* ---- The actions ------------------------------------------------------------------------- */

static int install(const struct kp_options *options)
{
    char why[KP_MANIFEST_WHY_LEN];
    struct work work;
    int status = begin(&work, options);
    if (status != KP_EXIT_DONE)
        return status;
    if (kp_manifest_agent(work.agent, why) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s", why);
    if (kp_manifest_agent_is_safe(work.agent, work.system, why) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s: a browser must not start it%s", why,
                               work.system ? " for everybody (install Keyplate first)" : "");
    status = go(&work, install_at, true);
    if (status == KP_EXIT_DONE && work.done == 0)
        return kp_command_fail(KP_EXIT_FAILED,
                               "no browser was found (--all writes for all that are known)");
    return status;
}

static int remove_all(const struct kp_options *options)
{
    struct work work;
    int status = begin(&work, options);
    if (status == KP_EXIT_DONE)
        status = go(&work, remove_at, false);
    if (status == KP_EXIT_DONE && work.done == 0)
        kp_command_note("nothing was installed");
    return status;
}

/* ---- The command ------------------------------------------------------------------------- */

static const struct action {
    const char *name;
    int (*run)(const struct kp_options *options);
    const char *takes[5]; /* options */
} actions[] = {
    {"install", install, {"user", "system", "all", "force", NULL}},
    {"status", kp_browser_status, {"json", NULL}},
    {"remove", remove_all, {"user", "system", NULL}},
};

static const struct action *find(const char *name)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}

static bool has_action(const char *word)
{
    return find(word) != NULL;
}

static bool takes(const struct action *action, const char *option)
{
    for (size_t i = 0; action->takes[i] != NULL; i++)
        if (strcmp(action->takes[i], option) == 0)
            return true;
    return false;
}

static int run(struct kp_options *options)
{
    if (options->positional_count == 0)
        return kp_command_misused("what to do is missing: install, status or remove");
    const struct action *action = find(options->positionals[0]);
    if (action == NULL)
        return kp_command_misused("no such action: it is install, status or remove");
    for (size_t i = 0; table[i].name != NULL; i++)
        if (kp_options_has(options, table[i].name) && !takes(action, table[i].name))
            return kp_command_misused("%s takes no --%s", action->name, table[i].name);
    return action->run(options);
}

const struct kp_command kp_command_browser = {
    .name = "browser",
    .summary = "let browsers find the agent, and see whether they do",
    .synopsis = "install [--user | --system] [--all] [--force]\n"
                "status [--json]\n"
                "remove [--user | --system]",
    .about = "A browser starts keyplate-agent for Keyplate's extension when a small file, a "
             "manifest, tells it where the agent is and which extension may use it. install "
             "writes that file for each browser that is here, status says what is missing and how "
             "to mend it, and remove takes the files away.\n\n"
             "Nothing of another make is replaced without --force. A browser that is a snap or a "
             "flatpak can't start a program of the system.\n\n"
             "status exits with 0 when at least one browser here finds the agent and the agent "
             "answers. Under sudo, without --system, all this is for who typed sudo.",
    .options = table,
    .max_positionals = 1,
    .has_action = has_action,
    .run = run,
};
