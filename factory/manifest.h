/*
 * The manifest: a row for each device, as CSV (RFC 4180) for people and as JSON for programs.  Rows
 * are written one after the other; none is kept.
 */
#ifndef KP_FACTORY_MANIFEST_H
#define KP_FACTORY_MANIFEST_H

#include <keyplate/keyplate.h>
#include <stdio.h>

/* NUL-terminated UTF-8 without control characters. */
struct kp_manifest_row {
    const char *serial;
    const char *model;
    const char *user;
    const char *link;
    const char *file;     /* the credentials, from the manifest's folder on */
    const char *password; /* secret; NULL in all rows: there is no such column */
};

/* How one form is written; each is false with errno when it couldn't be. */
struct kp_manifest_form {
    bool (*begin)(FILE *to, bool with_passwords);
    bool (*row)(FILE *to, const struct kp_manifest_row *row, bool is_first);
    bool (*end)(FILE *to);
};

/* All cells are in quotes, and lines end by CR LF.  device_id is a column of its own: the serial,
 * as it is now. */
extern const struct kp_manifest_form kp_manifest_csv;
/* {"version": 1, "devices": [{...}, ...]}, a line for each device. */
extern const struct kp_manifest_form kp_manifest_json;

#endif
