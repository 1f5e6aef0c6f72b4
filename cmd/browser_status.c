/*
 * keyplate browser status: what each browser finds, what is missing, and how to mend it.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "browser.h"
#include "browser_agent.h"
#include "browser_extension.h"
#include "browser_ids.h"
#include "browser_manifest.h"
#include "platform.h"

#define PROBLEM_LEN 1200

/* What was found of one browser. */
struct finding {
    const struct kp_browser *browser;
    enum kp_browser_presence presence;
    char manifest[PATH_MAX]; /* the file that it goes by; "": there is none */
    char agent[PATH_MAX];    /* that it names; "": none */
    bool of_system;          /* the manifest is */
    bool right;              /* the manifest, and the program that it names */
    bool answers;
    char version[64];
    char problem[PROBLEM_LEN]; /* the first thing that is wrong; "": nothing */
    const char *mend;          /* the command for it; NULL */
    char extension[PATH_MAX];  /* a sign of it; "": none was found */
};

__attribute__((format(printf, 3, 4))) static bool wrong(struct finding *out, const char *mend,
                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(out->problem, sizeof out->problem, format, args);
    va_end(args);
    out->mend = mend;
    return false;
}

/* ---- Looking, as the person -------------------------------------------------------------- */

static const char *install_command(const struct finding *found)
{
    return found->of_system ? "sudo keyplate browser install --system" : "keyplate browser install";
}

static bool is_there(const char *path)
{
    struct stat found;
    return lstat(path, &found) == 0;
}

/* The file that a browser goes by: the person's, else the first of the system's. */
static bool find_manifest(struct finding *out, const struct kp_browser_person *person)
{
    if (kp_browser_user_file(out->browser, person, out->manifest) == 0 && is_there(out->manifest))
        return true;
    out->of_system = true;
    for (size_t i = 0; i < KP_BROWSER_SYSTEM; i++)
        if (kp_browser_system_file(out->browser, i, out->manifest) == 0 && is_there(out->manifest))
            return true;
    out->of_system = false;
    out->manifest[0] = '\0';
    return false;
}

/* Whether only root and the person can change the file, or put another in its place. */
static bool check_place(struct finding *out)
{
    char folder[PATH_MAX];
    struct stat file, above;
    memcpy(folder, out->manifest, sizeof folder);
    *strrchr(folder, '/') = '\0';
    if (stat(out->manifest, &file) != 0 || stat(folder, &above) != 0)
        return wrong(out, NULL, "%.500s: %s", out->manifest, strerror(errno));
    const struct stat *both[] = {&file, &above};
    for (size_t i = 0; i < 2; i++)
        if ((both[i]->st_mode & S_IWOTH) != 0 ||
            (both[i]->st_uid != 0 && both[i]->st_uid != kp_platform_person()))
            return wrong(out, NULL,
                         "others can change %.500s: take that right away (chmod o-w), or remove it",
                         i == 0 ? out->manifest : folder);
    return true;
}

static bool check_agent(struct finding *out)
{
    char why[KP_MANIFEST_WHY_LEN];
    struct stat found;
    if (out->agent[0] != '/')
        return wrong(out, install_command(out), "the manifest's path is not absolute: %.500s",
                     out->agent);
    if (stat(out->agent, &found) != 0)
        return wrong(out, install_command(out), "the agent is not where the manifest says, %.500s",
                     out->agent);
    if (!S_ISREG(found.st_mode) || faccessat(AT_FDCWD, out->agent, X_OK, AT_EACCESS) != 0)
        return wrong(out, install_command(out), "%.500s can't be run", out->agent);
    if (kp_manifest_agent_is_safe(out->agent, false, why) != 0)
        return wrong(out, NULL, "%s: a browser must not start it", why);
    return true;
}

static bool check_manifest(struct finding *out)
{
    struct kp_manifest manifest;
    kp_manifest_read(&manifest, out->browser, out->manifest);
    kp_manifest_clear(&manifest);
    switch (manifest.make) {
    case KP_MANIFEST_ABSENT:
        return wrong(out, install_command(out), "its manifest is gone");
    case KP_MANIFEST_UNREADABLE:
    case KP_MANIFEST_FOREIGN:
        return wrong(out,
                     out->of_system ? "sudo keyplate browser install --system --force"
                                    : "keyplate browser install --force",
                     "its manifest is not Keyplate's: %s", manifest.why);
    case KP_MANIFEST_OURS:
    default:
        break;
    }
    memcpy(out->agent, manifest.agent, sizeof out->agent);
    if (!manifest.allows || !manifest.is_stdio)
        return wrong(out, install_command(out), "its manifest doesn't let Keyplate's extension in");
    return check_place(out) && check_agent(out);
}

static void look(struct finding *out, const struct kp_browser *browser,
                 const struct kp_browser_person *person)
{
    memset(out, 0, sizeof *out);
    out->browser = browser;
    out->presence = kp_browser_presence(browser, person);
    if (find_manifest(out, person))
        out->right = check_manifest(out);
    else if (out->presence == KP_BROWSER_THERE)
        (void)wrong(out, install_command(out), "no manifest tells it where the agent is");
    if (out->presence == KP_BROWSER_CONFINED)
        (void)wrong(out, NULL,
                    "it is a snap or flatpak, which can't start the agent: use one that isn't");
    if (!kp_browser_extension(browser, person, out->extension))
        out->extension[0] = '\0';
}

/* ---- Asking the agent -------------------------------------------------------------------- */

/* Then to name it anew doesn't help. */
static bool is_our_agent(const char *agent)
{
    char ours[PATH_MAX], why[KP_MANIFEST_WHY_LEN];
    return kp_manifest_agent(ours, why) == 0 && strcmp(ours, agent) == 0;
}

static bool is_asked(const struct finding *found)
{
    return found->presence == KP_BROWSER_THERE && found->right;
}

/* Browsers mostly name the same one, which is asked once. */
static void ask(struct finding *findings, size_t index)
{
    struct finding *out = &findings[index];
    struct kp_agent_answer answer;
    for (size_t i = 0; i < index; i++)
        if (is_asked(&findings[i]) && strcmp(findings[i].agent, out->agent) == 0) {
            out->answers = findings[i].answers;
            memcpy(out->version, findings[i].version, sizeof out->version);
            memcpy(out->problem, findings[i].problem, sizeof out->problem);
            out->mend = findings[i].mend;
            return;
        }
    kp_agent_ask(&answer, out->agent);
    out->answers = answer.answers;
    memcpy(out->version, answer.version, sizeof out->version);
    if (!answer.answers)
        (void)wrong(out, is_our_agent(out->agent) ? NULL : install_command(out),
                    "the agent %.500s doesn't work: %s", out->agent, answer.why);
}

/* ---- For people -------------------------------------------------------------------------- */

static void print(const struct finding *found)
{
    const char *title = found->browser->title;
    if (found->presence == KP_BROWSER_ABSENT) {
        printf("%s: not here\n", title);
        return;
    }
    if (found->problem[0] != '\0')
        printf("%s: not ready: %s\n", title, found->problem);
    else
        printf("%s: ready: %s%s%s\n", title, found->agent,
               found->version[0] != '\0' ? ", version " : "", found->version);
    if (found->mend != NULL)
        printf("    to mend it: %s\n", found->mend);
    if (found->manifest[0] != '\0')
        printf("    manifest: %s\n", found->manifest);
    if (found->presence != KP_BROWSER_CONFINED)
        printf("    extension: %s\n",
               found->extension[0] != '\0' ? found->extension : "no sign of it was found");
}

/* ---- For programs ------------------------------------------------------------------------ */

/* A text that isn't there is null. */
static bool add_text(cJSON *json, const char *name, const char *text)
{
    return text == NULL || text[0] == '\0' ? cJSON_AddNullToObject(json, name) != NULL
                                           : cJSON_AddStringToObject(json, name, text) != NULL;
}

static cJSON *json_of(const struct finding *found)
{
    static const char *const presences[] = {"absent", "confined", "there"};
    cJSON *json = cJSON_CreateObject();
    if (json != NULL && add_text(json, "browser", found->browser->word) &&
        add_text(json, "presence", presences[found->presence]) &&
        add_text(json, "manifest", found->manifest) && add_text(json, "agent", found->agent) &&
        cJSON_AddBoolToObject(json, "right", found->right) != NULL &&
        cJSON_AddBoolToObject(json, "answers", found->answers) != NULL &&
        add_text(json, "version", found->version) && add_text(json, "problem", found->problem) &&
        add_text(json, "mend", found->mend) && add_text(json, "extension", found->extension))
        return json;
    cJSON_Delete(json);
    return NULL;
}

static int print_json(const struct finding *findings, bool ready)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(json, "browsers");
    char *text = NULL;
    bool whole = list != NULL && cJSON_AddStringToObject(json, "host", KP_BROWSER_HOST) != NULL &&
                 cJSON_AddBoolToObject(json, "ready", ready) != NULL;
    for (size_t i = 0; whole && i < kp_browser_count; i++)
        whole = cJSON_AddItemToArray(list, json_of(&findings[i]));
    if (whole)
        text = cJSON_Print(json);
    if (text != NULL)
        puts(text);
    cJSON_free(text);
    cJSON_Delete(json);
    return text != NULL ? KP_EXIT_DONE : kp_command_fail(KP_EXIT_FAILED, "out of memory");
}

/* ---- All of it --------------------------------------------------------------------------- */

/* false: it was said why not. */
static bool look_at_all(struct finding *findings)
{
    struct kp_browser_person person;
    if (kp_browser_person(&person) != 0) {
        (void)kp_command_fail(KP_EXIT_FAILED, "there is no home folder");
        return false;
    }
    int error = kp_platform_be_person();
    if (error != 0) {
        (void)kp_command_fail(KP_EXIT_FAILED, "it can't be done as the user who typed sudo: %s",
                              uv_strerror(error));
        return false;
    }
    for (size_t i = 0; i < kp_browser_count; i++)
        look(&findings[i], &kp_browsers[i], &person);
    kp_platform_be_oneself();
    return true;
}

static int tell(struct finding *findings, bool as_json)
{
    bool ready = false;
    for (size_t i = 0; i < kp_browser_count; i++) {
        if (is_asked(&findings[i]))
            ask(findings, i);
        ready = ready || findings[i].answers;
    }
    if (as_json && print_json(findings, ready) != KP_EXIT_DONE)
        return KP_EXIT_FAILED;
    for (size_t i = 0; !as_json && i < kp_browser_count; i++)
        print(&findings[i]);
    return ready ? KP_EXIT_DONE : KP_EXIT_FAILED;
}

int kp_browser_status(const struct kp_options *options)
{
    struct finding *findings = calloc(kp_browser_count, sizeof *findings);
    int status = KP_EXIT_FAILED;
    if (findings == NULL)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    if (look_at_all(findings))
        status = tell(findings, kp_options_has(options, "json"));
    free(findings);
    return status;
}
