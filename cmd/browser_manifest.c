/* The manifest by which a browser finds the agent: see browser_manifest.h. */
#include "browser_manifest.h"

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

#include "browser_ids.h"
#include "creds/file.h"
#include "platform.h"

#define AGENT "/keyplate-agent"
#define ORIGIN "chrome-extension://" KP_BROWSER_CHROMIUM_ID "/"

__attribute__((format(printf, 2, 3))) static int fail(char why[static KP_MANIFEST_WHY_LEN],
                                                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, KP_MANIFEST_WHY_LEN, format, args);
    va_end(args);
    return -1;
}

/* ---- The agent's program ----------------------------------------------------------------- */

static bool runs(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISREG(found.st_mode) && access(path, X_OK) == 0;
}

int kp_manifest_agent(char out[static PATH_MAX], char why[static KP_MANIFEST_WHY_LEN])
{
    size_t len = PATH_MAX - sizeof AGENT;
    char *slash;
    if (uv_exepath(out, &len) != 0 || (slash = strrchr(out, '/')) == NULL)
        return fail(why, "the running program's folder can't be found");
    memcpy(slash, AGENT, sizeof AGENT);
    if (runs(out))
        return 0;
    if (runs(KP_BINDIR AGENT)) {
        memcpy(out, KP_BINDIR AGENT, sizeof KP_BINDIR AGENT);
        return 0;
    }
    *slash = '\0';
    return fail(
        why, "there is no keyplate-agent beside keyplate (make it: ln -s keyplate %.300s" AGENT ")",
        out);
}

/* A folder that all may write in but where each can only change their own, as /tmp, will do. */
static bool is_safe(const char *path, bool strict, bool is_folder)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return false;
    if (found.st_uid != 0 && (strict || found.st_uid != kp_platform_person()))
        return false;
    if (is_folder && (found.st_mode & S_ISVTX) != 0)
        return true;
    return (found.st_mode & (strict ? S_IWGRP | S_IWOTH : S_IWOTH)) == 0;
}

int kp_manifest_agent_is_safe(const char *agent, bool strict, char why[static KP_MANIFEST_WHY_LEN])
{
    char real[PATH_MAX], link[PATH_MAX];
    if (realpath(agent, real) == NULL || strlen(agent) >= sizeof link)
        return fail(why, "%.300s: %s", agent, strerror(errno));
    memcpy(link, agent, strlen(agent) + 1);
    if (!is_safe(real, strict, false))
        return fail(why, "%.300s can be changed by others", real);
    char *paths[] = {link, real};
    for (size_t i = 0; i < 2; i++)
        for (char *slash; (slash = strrchr(paths[i], '/')) != NULL && slash > paths[i];) {
            *slash = '\0';
            if (!is_safe(paths[i], strict, true))
                return fail(why, "the folder %.300s can be changed by others", paths[i]);
        }
    return 0;
}

/* ---- Its text ---------------------------------------------------------------------------- */

static cJSON *manifest_json(const struct kp_browser *browser, const char *agent)
{
    const char *who = browser->firefox ? KP_BROWSER_FIREFOX_ID : ORIGIN;
    cJSON *json = cJSON_CreateObject();
    cJSON *allowed = cJSON_CreateStringArray(&who, 1);
    if (cJSON_AddStringToObject(json, "name", KP_BROWSER_HOST) != NULL &&
        cJSON_AddStringToObject(json, "description",
                                "Keyplate: logs in to devices by their password") != NULL &&
        cJSON_AddStringToObject(json, "path", agent) != NULL &&
        cJSON_AddStringToObject(json, "type", "stdio") != NULL &&
        cJSON_AddItemToObject(json, browser->firefox ? "allowed_extensions" : "allowed_origins",
                              allowed))
        return json;
    cJSON_Delete(allowed);
    cJSON_Delete(json);
    return NULL;
}

char *kp_manifest_text(const struct kp_browser *browser, const char *agent)
{
    cJSON *json = manifest_json(browser, agent);
    char *printed = json != NULL ? cJSON_Print(json) : NULL;
    char *text = NULL;
    if (printed != NULL && asprintf(&text, "%s\n", printed) < 0)
        text = NULL;
    cJSON_free(printed);
    cJSON_Delete(json);
    return text;
}

static const char *string_of(const cJSON *json, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, name);
    return cJSON_IsString(value) ? value->valuestring : "";
}

static bool allows(const cJSON *json, const struct kp_browser *browser)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(
        json, browser->firefox ? "allowed_extensions" : "allowed_origins");
    const cJSON *one = cJSON_GetArrayItem(list, 0);
    return cJSON_IsArray(list) && cJSON_GetArraySize(list) == 1 && cJSON_IsString(one) &&
           strcmp(one->valuestring, browser->firefox ? KP_BROWSER_FIREFOX_ID : ORIGIN) == 0;
}

static void judge(struct kp_manifest *out, const struct kp_browser *browser, const char *text)
{
    cJSON *json = cJSON_Parse(text);
    const char *agent = string_of(json, "path");
    const char *slash = strrchr(agent, '/');
    out->make = KP_MANIFEST_FOREIGN;
    if (!cJSON_IsObject(json)) {
        (void)fail(out->why, "it is no JSON object");
    } else if (strcmp(string_of(json, "name"), KP_BROWSER_HOST) != 0) {
        (void)fail(out->why, "it is not of " KP_BROWSER_HOST);
    } else if (slash == NULL || strcmp(slash, AGENT) != 0 || strlen(agent) >= sizeof out->agent) {
        (void)fail(out->why, "it names no keyplate-agent");
    } else {
        out->make = KP_MANIFEST_OURS;
        memcpy(out->agent, agent, strlen(agent) + 1);
        out->allows = allows(json, browser);
        out->is_stdio = strcmp(string_of(json, "type"), "stdio") == 0;
    }
    cJSON_Delete(json);
}

void kp_manifest_read(struct kp_manifest *out, const struct kp_browser *browser, const char *path)
{
    struct kp_file_error error;
    struct kp_text text;
    struct stat found;
    memset(out, 0, sizeof *out);
    /* A link that leads nowhere is there too: nothing may be written through it. */
    if (lstat(path, &found) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        out->make = KP_MANIFEST_ABSENT;
        return;
    }
    if (kp_file_read(path, false, &text, &error) != 0) {
        out->make = KP_MANIFEST_UNREADABLE;
        (void)fail(out->why, "%s", error.why);
        return;
    }
    judge(out, browser, text.data);
    out->text = text.data;
}

void kp_manifest_clear(struct kp_manifest *manifest)
{
    free(manifest->text);
    manifest->text = NULL;
}

/* ---- The file ---------------------------------------------------------------------------- */

static int make_folders(const char *path, unsigned mode, char why[static KP_MANIFEST_WHY_LEN])
{
    char part[PATH_MAX];
    memcpy(part, path, strlen(path) + 1);
    for (char *at = part + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        if (mkdir(part, (mode_t)mode) != 0 && errno != EEXIST)
            return fail(why, "cannot make the folder %.300s: %s", part, strerror(errno));
        *at = '/';
    }
    return 0;
}

static int fill(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        text += n;
        len -= (size_t)n;
    }
    return fchmod(fd, 0644) != 0 || fsync(fd) != 0 ? -1 : 0;
}

int kp_manifest_write(const char *path, const char *text, unsigned folder_mode,
                      char why[static KP_MANIFEST_WHY_LEN])
{
    char temporary[PATH_MAX + 8];
    mode_t mask = umask((mode_t)(~folder_mode & 0777));
    int result = make_folders(path, folder_mode, why);
    (void)umask(mask);
    if (result != 0)
        return -1;
    (void)snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return fail(why, "cannot write beside %.300s: %s", path, strerror(errno));
    result = fill(fd, text);
    /* A failing close is a failing write on some file systems. */
    if (close(fd) != 0 || result != 0 || rename(temporary, path) != 0) {
        (void)fail(why, "cannot write %.300s: %s", path, strerror(errno));
        (void)unlink(temporary);
        return -1;
    }
    return 0;
}
