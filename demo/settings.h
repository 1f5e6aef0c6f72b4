#ifndef DEMO_SETTINGS_H
#define DEMO_SETTINGS_H

#include "thermostat.h"

/* What a new device has. */
extern const struct demo_settings demo_settings_default;

/* The words of the form, the state file and the API: "comfort", "eco", "off". */
const char *demo_settings_mode_name(enum demo_mode mode);

/*
 * Each takes one setting as a person or the state file writes it. Returns NULL with the setting
 * changed, or a sentence for the person with nothing changed.
 */
const char *demo_settings_set_name(struct demo_settings *settings, const char *text);
const char *demo_settings_set_target(struct demo_settings *settings, const char *text);
const char *demo_settings_set_mode(struct demo_settings *settings, const char *text);
const char *demo_settings_set_day(struct demo_settings *settings, const char *text);
const char *demo_settings_set_night(struct demo_settings *settings, const char *text);

/*
 * Reads the state file. A file that is not there leaves *settings as it is. Returns 0, or -1 with a
 * line on stderr that names the damaged line.
 */
int demo_settings_load(struct demo_settings *settings, const char *path)
    __attribute__((warn_unused_result));

/*
 * Replaces the state file as a whole: a crash leaves the old one or the new one. Returns 0, or -1
 * with a line on stderr.
 */
int demo_settings_save(const struct demo_settings *settings, const char *path)
    __attribute__((warn_unused_result));

#endif
