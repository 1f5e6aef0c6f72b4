/*
 * What a person can set: the rules for each setting, and the file that keeps them over a restart.
 * Knows nothing of HTTP.
 */
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

#define FIRST_LINE "keyplate-demo-device 1"

const struct demo_settings demo_settings_default = {.name = "Heating",
                                                    .target = 210,
                                                    .mode = DEMO_MODE_COMFORT,
                                                    .day_start = 6 * 60 + 30,
                                                    .night_start = 22 * 60};

static const char *const mode_names[] = {"comfort", "eco", "off"};

const char *demo_settings_mode_name(enum demo_mode mode)
{
    return mode_names[mode];
}

const char *demo_settings_set_name(struct demo_settings *settings, const char *text)
{
    size_t characters = 0;
    if (!demo_text_is_printable(text))
        return "The name may not hold line breaks or other control characters.";
    for (const char *p = text; *p; p++)
        characters += (*p & 0xc0) != 0x80;
    if (strspn(text, " ") == strlen(text))
        return "The device needs a name.";
    if (characters > DEMO_NAME_LEN)
        return "The name is too long: 40 characters at most.";
    snprintf(settings->name, sizeof settings->name, "%s", text);
    return NULL;
}

const char *demo_settings_set_target(struct demo_settings *settings, const char *text)
{
    size_t whole = strspn(text, "0123456789");
    const char *rest = text + whole;
    int tenths = 0;
    if (whole == 0 || whole > 3)
        return "The target is a number of degrees, such as 20.5.";
    if ((*rest == '.' || *rest == ',') && rest[1] >= '0' && rest[1] <= '9') {
        tenths = rest[1] - '0';
        rest += 2;
    }
    if (*rest)
        return "The target is a number of degrees with one decimal at most, such as 20.5.";
    int target = atoi(text) * 10 + tenths;
    if (target < DEMO_TARGET_MIN || target > DEMO_TARGET_MAX)
        return "The target must be between 5 and 30 degrees.";
    settings->target = target;
    return NULL;
}

const char *demo_settings_set_mode(struct demo_settings *settings, const char *text)
{
    for (size_t i = 0; i < sizeof mode_names / sizeof *mode_names; i++) {
        if (strcmp(text, mode_names[i]) == 0) {
            settings->mode = (enum demo_mode)i;
            return NULL;
        }
    }
    return "The mode is comfort, eco or off.";
}

/* "06:30" to minutes after midnight, -1 when it is no time of day. */
static int minutes(const char *text)
{
    if (strlen(text) != 5 || text[2] != ':' || strspn(text, "0123456789") != 2 ||
        strspn(text + 3, "0123456789") != 2)
        return -1;
    int hour = atoi(text);
    int minute = atoi(text + 3);
    return hour < 24 && minute < 60 ? hour * 60 + minute : -1;
}

const char *demo_settings_set_day(struct demo_settings *settings, const char *text)
{
    int value = minutes(text);
    if (value < 0)
        return "The start of the day is a time such as 06:30.";
    settings->day_start = value;
    return NULL;
}

const char *demo_settings_set_night(struct demo_settings *settings, const char *text)
{
    int value = minutes(text);
    if (value < 0)
        return "The start of the night is a time such as 22:00.";
    settings->night_start = value;
    return NULL;
}

static const struct {
    const char *key;
    const char *(*set)(struct demo_settings *, const char *);
} keys[] = {
    {"name", demo_settings_set_name},   {"target", demo_settings_set_target},
    {"mode", demo_settings_set_mode},   {"day", demo_settings_set_day},
    {"night", demo_settings_set_night},
};

/* Takes one "key = value" line; returns what is wrong with it or NULL. */
static const char *take_line(struct demo_settings *settings, char *line)
{
    char *value = strstr(line, " = ");
    if (!value)
        return "this is no \"key = value\"";
    *value = '\0';
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(line, keys[i].key) == 0)
            return keys[i].set(settings, value + 3);
    }
    return "this key is unknown";
}

static int damaged(const char *path, int number, const char *why)
{
    fprintf(stderr, "keyplate-demo-device: %s, line %d: %s\n", path, number, why);
    return -1;
}

static int read_lines(struct demo_settings *settings, FILE *file, const char *path)
{
    char line[512];
    int number = 0;
    while (fgets(line, sizeof line, file)) {
        number++;
        size_t len = strcspn(line, "\n");
        if (!line[len])
            return damaged(path, number, "the line is cut or too long");
        line[len] = '\0';
        const char *why = NULL;
        if (number == 1)
            why = strcmp(line, FIRST_LINE) == 0 ? NULL : "this is not a state file of this device";
        else
            why = take_line(settings, line);
        if (why)
            return damaged(path, number, why);
    }
    if (ferror(file))
        return damaged(path, number + 1, strerror(errno));
    return number ? 0 : damaged(path, 1, "the file is empty");
}

int demo_settings_load(struct demo_settings *settings, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT)
        return 0;
    if (!file) {
        fprintf(stderr, "keyplate-demo-device: cannot read %s: %s\n", path, strerror(errno));
        return -1;
    }
    struct demo_settings found = *settings;
    int result = read_lines(&found, file, path);
    fclose(file);
    if (result == 0)
        *settings = found;
    return result;
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Makes the rename itself last. Some file systems refuse; then the data is still whole. */
static void sync_folder(const char *path)
{
    struct demo_text copy = {0};
    demo_text_put(&copy, path);
    int fd = open(dirname(copy.data), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    demo_text_free(&copy);
}

static int replace(const char *path, const char *temporary, const struct demo_text *content)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    int result = write_all(fd, content->data, content->len);
    if (result == 0)
        result = fsync(fd);
    if (close(fd) != 0)
        result = -1;
    if (result == 0)
        result = rename(temporary, path);
    if (result == 0) {
        sync_folder(path);
    } else {
        int error = errno;
        unlink(temporary);
        errno = error;
    }
    return result;
}

int demo_settings_save(const struct demo_settings *settings, const char *path)
{
    struct demo_text content = {0};
    struct demo_text temporary = {0};
    demo_text_printf(&temporary, "%s.new", path);
    demo_text_printf(&content, FIRST_LINE "\nname = %s\ntarget = %d.%d\nmode = %s\n",
                     settings->name, settings->target / 10, settings->target % 10,
                     demo_settings_mode_name(settings->mode));
    demo_text_printf(&content, "day = %02d:%02d\nnight = %02d:%02d\n", settings->day_start / 60,
                     settings->day_start % 60, settings->night_start / 60,
                     settings->night_start % 60);
    int result = replace(path, temporary.data, &content);
    if (result != 0)
        fprintf(stderr, "keyplate-demo-device: cannot write %s: %s\n", path, strerror(errno));
    demo_text_free(&content);
    demo_text_free(&temporary);
    return result;
}
