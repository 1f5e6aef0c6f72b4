/*
 * keyplate devices: what is remembered of the devices that were used.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cells.h"
#include "client/saved_file.h"
#include "command.h"
#include "hub_call.h"
#include "keyring.h"

#define PLAIN "._@-"

static const struct kp_option table[] = {{NULL, KP_OPTION_FLAG, NULL, NULL}};

/* ---- list -------------------------------------------------------------------------------- */

/* Those that are known: of what only came by TLS 1.3 nobody has said whether it can TLS 1.2. */
static const char *versions_text(unsigned versions)
{
    if (versions == KP_USE_TLS12)
        return "TLS 1.2";
    return versions == KP_USE_TLS13 ? "TLS 1.3" : "TLS 1.2, TLS 1.3";
}

static const char *time_text(uint64_t seconds, char text[32])
{
    time_t when = (time_t)seconds;
    struct tm local;
    if (localtime_r(&when, &local) == NULL || strftime(text, 32, "%Y-%m-%d %H:%M", &local) == 0)
        memcpy(text, "?", 2);
    return text;
}

enum { NAME, ADDRESS, SEEN, VERSIONS, USER, ID, COLUMNS };

#define CELL_LEN (KP_CELL_MAX(KP_NAME_MAX) + KP_HOST_TEXT_LEN)

/* A cell's text, or the column's title where device is NULL. */
static const char *cell(char out[CELL_LEN], const struct kp_saved_device *device, int column)
{
    static const char *const titles[] = {"NAME",     "ADDRESS", "LAST SEEN",
                                         "VERSIONS", "USER",    "DEVICE ID"};
    if (device == NULL)
        return titles[column];
    switch (column) {
    case NAME:
        return device->name;
    case ADDRESS:
        return kp_host_text(&device->host, NULL, out);
    case SEEN:
        return time_text(device->seen, out);
    case VERSIONS:
        return versions_text(device->versions);
    case USER:
        return kp_cell_text(out, device->user, PLAIN);
    default:
        return kp_cell_text(out, device->id, PLAIN);
    }
}

static void widen(int widths[COLUMNS], const struct kp_saved_device *device)
{
    char text[CELL_LEN];
    for (int i = 0; i < COLUMNS; i++) {
        int width = (int)kp_cell_width(cell(text, device, i));
        widths[i] = width > widths[i] ? width : widths[i];
    }
}

static void print(const int widths[COLUMNS], const struct kp_saved_device *device)
{
    char text[CELL_LEN];
    for (int i = 0; i < COLUMNS; i++) {
        const char *shown = cell(text, device, i);
        int fill = i + 1 < COLUMNS ? widths[i] - (int)kp_cell_width(shown) + 2 : 0;
        printf("%s%*s", shown, fill, "");
    }
    printf("\n");
}

static int list(const struct kp_options *options)
{
    struct kp_file_error error;
    struct kp_saved saved;
    int widths[COLUMNS] = {0};
    (void)options;
    if (kp_saved_load(&saved, &error) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s", error.why);
    widen(widths, NULL);
    for (size_t i = 0; i < saved.count; i++)
        widen(widths, &saved.devices[i]);
    if (saved.count > 0)
        print(widths, NULL);
    for (size_t i = 0; i < saved.count; i++)
        print(widths, &saved.devices[i]);
    if (saved.count == 0)
        kp_command_note("no device is saved");
    kp_saved_clear(&saved);
    return KP_EXIT_DONE;
}

/* ---- rename, forget ---------------------------------------------------------------------- */

/* Fills error and returns a number that says so. */
static int refuse(struct kp_file_error *error, const char *why)
{
    (void)snprintf(error->why, sizeof error->why, "%s", why);
    return KP_E_NOT_FOUND;
}

static struct kp_saved_device *find(const struct kp_saved *saved, const struct kp_options *options)
{
    return kp_saved_by_name(saved, options->positionals[1]);
}

static int change_name(struct kp_saved *saved, void *arg, struct kp_file_error *error)
{
    const struct kp_options *options = arg;
    struct kp_saved_device *device = find(saved, options);
    const char *name = options->positionals[2];
    if (device == NULL)
        return refuse(error, "no device of that name is saved (keyplate devices list)");
    if (kp_saved_by_name(saved, name) != NULL)
        return refuse(error, "a device of the new name is saved already");
    memcpy(device->name, name, strlen(name) + 1);
    return 1;
}

static int drop(struct kp_saved *saved, void *arg, struct kp_file_error *error)
{
    struct kp_saved_device *device = find(saved, arg);
    if (device == NULL)
        return refuse(error, "no device of that name is saved (keyplate devices list)");
    kp_saved_remove(saved, device);
    return 1;
}

static int change(const struct kp_options *options, kp_saved_change_fn *how)
{
    struct kp_file_error error;
    if (kp_saved_change(how, (void *)options, &error) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s", error.why);
    return KP_EXIT_DONE;
}

static int rename_device(const struct kp_options *options)
{
    if (!kp_saved_name_is_right(options->positionals[2]))
        return kp_command_misused("a name is made of 1 to 63 small letters, digits and hyphens, "
                                  "with no hyphen at an end");
    return change(options, change_name);
}

/* Its password in the keyring goes with it. */
static int forget_here(const struct kp_options *options)
{
    struct kp_file_error error;
    struct kp_saved saved;
    char why[KP_KEYRING_WHY_LEN], id[KP_DEVICE_ID_MAX + 1] = "";
    int status;
    if (kp_saved_load(&saved, &error) == 0 && find(&saved, options) != NULL)
        memcpy(id, find(&saved, options)->id, sizeof id);
    kp_saved_clear(&saved);
    status = change(options, drop);
    if (status == KP_EXIT_DONE && kp_keyring_is_built() && kp_keyring_forget(id, NULL, why) < 0)
        kp_command_note("whether the keyring has its password can't be seen: %s", why);
    return status;
}

/* Who uses it just now is logged out. */
static int forget(const struct kp_options *options)
{
    int status;
    return kp_hub_call("forget", options->positionals[1], &status) ? status : forget_here(options);
}

static int log_out(const struct kp_options *options)
{
    int status;
    if (kp_hub_call("logout", options->positionals[1], &status))
        return status;
    return kp_command_fail(KP_EXIT_FAILED, "no device is in use");
}

/* ---- The command ------------------------------------------------------------------------- */

static const struct action {
    const char *name;
    size_t words; /* with the action */
    const char *usage;
    int (*run)(const struct kp_options *options);
} actions[] = {
    {"list", 1, "list", list},
    {"rename", 3, "rename OLD NEW", rename_device},
    {"forget", 2, "forget NAME", forget},
    {"logout", 2, "logout NAME", log_out},
};

static bool has_action(const char *word)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(actions[i].name, word) == 0)
            return true;
    return false;
}

static int run(struct kp_options *options)
{
    if (options->positional_count == 0)
        return kp_command_misused("what to do is missing: list, rename, forget or logout");
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(actions[i].name, options->positionals[0]) != 0)
            continue;
        if (options->positional_count != actions[i].words)
            return kp_command_misused("it is: keyplate devices %s", actions[i].usage);
        return actions[i].run(options);
    }
    return kp_command_misused("no such action: it is list, rename, forget or logout");
}

const struct kp_command kp_command_devices = {
    .name = "devices",
    .summary = "list, rename, forget and log out of the devices that you used",
    .synopsis = "list | rename OLD NEW | forget NAME | logout NAME",
    .about =
        "keyplate open and connect remember each device that has said over a proved connection "
        "what it is: a name to open it by, its address, device id, user, the versions of TLS that "
        "it can, and when it was last seen. Never a password: those are in the desktop's keyring, "
        "if that was asked for (open --remember), and forget removes them there.\n\n"
        "logout ends what keyplate open or a browser's extension has begun: connections are cut, "
        "and keys and cookies wiped.\n\n"
        "A device is not taken for another one that answers at its address, and not offered less "
        "than TLS 1.3 once it could that: forget it when it was reset or replaced.\n\n"
        "The list is in $XDG_STATE_HOME/keyplate/devices or ~/.local/state/keyplate/devices; "
        "under sudo it is that of who typed sudo.",
    .options = table,
    .max_positionals = 3,
    .has_action = has_action,
    .run = run,
};
