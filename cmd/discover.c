/*
 * keyplate discover: the devices that say on the network where they are.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "client/saved_file.h"
#include "command.h"
#include "net/nearby.h"

#define SECONDS_USUAL 5
#define SECONDS_MOST 60
#define MORE_MS 500
#define NAME_COLUMNS 24
#define SHOWN_LEN (KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX) + 2)
#define PLAIN ".:[]%_@-"

static const struct kp_option table[] = {
    {"seconds", KP_OPTION_VALUE, "N",
     "look around for so long, 1 to 60 (default: until those that are there have answered, 5 at "
     "most)"},
    {"json", KP_OPTION_FLAG, NULL, "print one JSON object, for programs"},
    {NULL, KP_OPTION_FLAG, NULL, NULL}};

struct search {
    struct kp_loop loop;
    struct kp_nearby *nearby;
    uv_timer_t limit;
    bool whole; /* all of the time that was asked for */
    struct kp_near *devices;
    size_t count;
    size_t left_out; /* for want of memory */
    char why[128];   /* "": it worked */
};

/* ---- Looking ----------------------------------------------------------------------------- */

static void end(struct search *s)
{
    kp_nearby_stop(s->nearby);
    s->nearby = NULL;
    if (!uv_is_closing((uv_handle_t *)&s->limit))
        uv_close((uv_handle_t *)&s->limit, NULL);
}

static struct kp_near *place_of(struct search *s, const char *name)
{
    struct kp_near *grown;
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->devices[i].name, name) == 0)
            return &s->devices[i];
    grown = realloc(s->devices, (s->count + 1) * sizeof *grown);
    if (grown == NULL)
        return NULL;
    s->devices = grown;
    return &grown[s->count++];
}

static void found(void *owner, const struct kp_near *near)
{
    struct search *s = owner;
    struct kp_near *place = place_of(s, near->name);
    if (place != NULL)
        *place = *near;
    else
        s->left_out++;
}

static void lost(void *owner, const char *name)
{
    struct search *s = owner;
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->devices[i].name, name) == 0) {
            s->devices[i] = s->devices[--s->count];
            return;
        }
}

static void time_is_up(uv_timer_t *timer)
{
    end(timer->data);
}

/* A little longer: answers get lost.  Where nobody has answered, all of the time. */
static void settled(void *owner)
{
    struct search *s = owner;
    if (!s->whole && s->count > 0)
        (void)uv_timer_start(&s->limit, time_is_up, MORE_MS, 0);
}

static void failed(void *owner, const char *why)
{
    struct search *s = owner;
    (void)snprintf(s->why, sizeof s->why, "%s", why);
    end(s);
}

static int look_around(struct search *s, unsigned seconds)
{
    static const struct kp_nearby_hooks hooks = {found, lost, settled, failed};
    int error = kp_loop_init(&s->loop);
    if (error != 0)
        return error;
    (void)uv_timer_init(&s->loop.uv, &s->limit);
    s->limit.data = s;
    error = kp_nearby_start(&s->nearby, &s->loop, &hooks, s);
    if (error == 0)
        error = uv_timer_start(&s->limit, time_is_up, (uint64_t)seconds * 1000, 0);
    if (error != 0)
        end(s);
    kp_loop_run(&s->loop);
    kp_loop_close(&s->loop);
    return error;
}

/* ---- For people -------------------------------------------------------------------------- */

/* What isn't there is a dash. */
static const char *field(char out[SHOWN_LEN + 1], const char *text)
{
    return text[0] == '\0' ? memcpy(out, "-", 2) : kp_cell_text(out, text, PLAIN);
}

/* Long ones are cut: they would push all others aside. */
static void cut(char *text, size_t most)
{
    size_t at = 0, count = 0;
    if (kp_cell_width(text) <= most)
        return;
    for (; count < most - 4 || !kp_cell_begins_character(text[at]); at++)
        count += kp_cell_begins_character(text[at]);
    memcpy(text + at, text[0] == '"' ? "...\"" : "...\0", 5);
}

/* A service that only repeats the id is called by its host. */
static const char *name_of(const struct kp_near *near)
{
    return near->host_name[0] != '\0' && near->id[0] != '\0' && strstr(near->name, near->id) != NULL
               ? near->host_name
               : near->name;
}

static const char *versions_of(const struct kp_near *near)
{
    static const char *const texts[] = {"-", "1.2", "1.3", "1.2,1.3"};
    return texts[((near->versions & KP_USE_TLS12) ? 1 : 0) +
                 ((near->versions & KP_USE_TLS13) ? 2 : 0)];
}

static const char *saved_name(const struct kp_saved *saved, const struct kp_near *near)
{
    const struct kp_saved_device *device =
        near->id[0] != '\0' ? kp_saved_by_id(saved, near->id) : NULL;
    return device != NULL ? device->name : "";
}

enum { COLUMNS = 5 };

struct line {
    char fields[COLUMNS][SHOWN_LEN + 1];
};

static void fill(struct line *line, const struct kp_near *near, const struct kp_saved *saved)
{
    char host[KP_HOST_TEXT_LEN];
    field(line->fields[0], name_of(near));
    cut(line->fields[0], NAME_COLUMNS);
    field(line->fields[1], kp_host_text(&near->host, "443", host));
    (void)snprintf(line->fields[2], sizeof line->fields[2], "%s", versions_of(near));
    field(line->fields[3], saved_name(saved, near));
    field(line->fields[4], near->id);
}

static void print_line(const struct line *line, const size_t widths[COLUMNS])
{
    for (size_t i = 0; i + 1 < COLUMNS; i++)
        printf("%s%*s  ", line->fields[i], (int)(widths[i] - kp_cell_width(line->fields[i])), "");
    printf("%s\n", line->fields[COLUMNS - 1]);
}

static int print_lines(const struct search *s, const struct kp_saved *saved)
{
    static const char *const heads[COLUMNS] = {"NAME", "ADDRESS", "TLS", "SAVED AS", "DEVICE ID"};
    struct line *lines = calloc(s->count + 1, sizeof *lines);
    size_t widths[COLUMNS] = {0};
    if (lines == NULL)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    for (size_t i = 0; i <= s->count; i++) {
        if (i > 0)
            fill(&lines[i], &s->devices[i - 1], saved);
        for (size_t j = 0; j < COLUMNS; j++) {
            if (i == 0)
                (void)snprintf(lines[i].fields[j], sizeof lines[i].fields[j], "%s", heads[j]);
            if (kp_cell_width(lines[i].fields[j]) > widths[j])
                widths[j] = kp_cell_width(lines[i].fields[j]);
        }
    }
    for (size_t i = 0; i <= s->count; i++)
        print_line(&lines[i], widths);
    free(lines);
    kp_command_note("anybody on the network can send these: a device proves what it is when you "
                    "log in");
    return KP_EXIT_DONE;
}

/* ---- For programs ------------------------------------------------------------------------ */

static cJSON *versions_json(const struct kp_near *near)
{
    cJSON *list = cJSON_CreateArray();
    if (near->versions & KP_USE_TLS12)
        cJSON_AddItemToArray(list, cJSON_CreateString("1.2"));
    if (near->versions & KP_USE_TLS13)
        cJSON_AddItemToArray(list, cJSON_CreateString("1.3"));
    return list;
}

static cJSON *device_json(const struct kp_near *near, const struct kp_saved *saved)
{
    cJSON *device = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(device, "name", near->name);
    (void)cJSON_AddStringToObject(device, "host", near->host.name);
    (void)cJSON_AddStringToObject(device, "host_name", near->host_name);
    (void)cJSON_AddNumberToObject(device, "port", (double)strtoul(near->host.port, NULL, 10));
    (void)cJSON_AddStringToObject(device, "id", near->id);
    cJSON_AddItemToObject(device, "versions", versions_json(near));
    (void)cJSON_AddStringToObject(device, "path", near->path);
    (void)cJSON_AddStringToObject(device, "saved_name", saved_name(saved, near));
    return device;
}

static int print_json(const struct search *s, const struct kp_saved *saved)
{
    cJSON *all = cJSON_CreateObject();
    cJSON *devices = cJSON_AddArrayToObject(all, "devices");
    char *text;
    for (size_t i = 0; i < s->count; i++)
        cJSON_AddItemToArray(devices, device_json(&s->devices[i], saved));
    text = cJSON_PrintUnformatted(all);
    if (text != NULL)
        puts(text);
    cJSON_Delete(all);
    if (text == NULL)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    cJSON_free(text);
    return KP_EXIT_DONE;
}

/* ---- The command ------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct kp_near *)a)->name, ((const struct kp_near *)b)->name);
}

static int tell(struct search *s, bool json)
{
    struct kp_file_error error;
    struct kp_saved saved;
    int status;
    if (kp_saved_load(&saved, &error) != 0)
        kp_command_warn("which of them are saved can't be told: %s", error.why);
    if (s->count > 0)
        qsort(s->devices, s->count, sizeof *s->devices, by_name);
    if (s->count == KP_NEARBY_MAX || s->left_out > 0)
        kp_command_warn("there are more than can be shown");
    if (s->count == 0)
        (void)kp_command_fail(
            KP_EXIT_FAILED,
            "nothing near was found: devices say where they are only if their maker wants it "
            "(serve --advertise), in one network and not across routers, guest networks or VPNs, "
            "and where no firewall stops UDP port 5353");
    status = json ? print_json(s, &saved) : s->count > 0 ? print_lines(s, &saved) : KP_EXIT_DONE;
    kp_saved_clear(&saved);
    return s->count > 0 ? status : KP_EXIT_FAILED;
}

static int run(struct kp_options *options)
{
    struct search search = {.whole = kp_options_has(options, "seconds")};
    char why[KP_OPTIONS_WHY_LEN];
    unsigned long seconds;
    int error, status;
    if (kp_options_number(options, "seconds", 1, SECONDS_MOST, SECONDS_USUAL, &seconds, why) != 0)
        return kp_command_misused("%s", why);
    error = look_around(&search, (unsigned)seconds);
    if (error == UV_ENOTSUP)
        status = kp_command_fail(KP_EXIT_FAILED, "this build can't look around: it knows no Avahi");
    else if (error != 0)
        status = kp_command_fail(KP_EXIT_FAILED, "can't look around: %s", uv_strerror(error));
    else if (search.why[0] != '\0')
        status = kp_command_fail(KP_EXIT_FAILED, "can't look around: %s", search.why);
    else
        status = tell(&search, kp_options_has(options, "json"));
    free(search.devices);
    return status;
}

const struct kp_command kp_command_discover = {
    .name = "discover",
    .summary = "list the devices that say on the network where they are",
    .synopsis = "[--seconds N] [--json]",
    .about =
        "Looks around in the local network for devices that say where they are (serve "
        "--advertise), by DNS-SD, and prints a line for each: its name, its address as keyplate "
        "open takes it, the versions of TLS that it offers, the name that it is saved as, and its "
        "device id. A field that isn't told is \"-\".\n\n"
        "Anybody on the network can send all of this, with the id of your device too. Nothing of "
        "it is saved or trusted: a device proves what it is when you log in, by TLS 1.3 with its "
        "id too.\n\n"
        "Avahi (avahi-daemon) has to run on this computer. The exit status is 1 when nothing was "
        "found.",
    .options = table,
    .max_positionals = 0,
    .run = run,
};
