/* The manifest as CSV: see manifest.h. */
#include "manifest.h"

#include <string.h>

/* A quote within quotes is written twice: RFC 4180 2.7. */
static void put_cell(FILE *to, const char *text, bool is_first)
{
    if (!is_first)
        (void)putc(',', to);
    (void)putc('"', to);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            (void)putc('"', to);
        (void)putc(*text, to);
    }
    (void)putc('"', to);
}

static bool put_line(FILE *to, const char *const *cells, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_cell(to, cells[i], i == 0);
    return fputs("\r\n", to) >= 0 && ferror(to) == 0;
}

static bool begin(FILE *to, bool with_passwords)
{
    const char *const names[] = {"serial", "model", "user",    "device_id",
                                 "link",   "file",  "password"};
    return put_line(to, names, with_passwords ? 7 : 6);
}

static bool put_row(FILE *to, const struct kp_manifest_row *row, bool is_first)
{
    const char *const cells[] = {row->serial, row->model, row->user,    row->serial,
                                 row->link,   row->file,  row->password};
    (void)is_first;
    return put_line(to, cells, row->password != NULL ? 7 : 6);
}

static bool end(FILE *to)
{
    return ferror(to) == 0;
}

const struct kp_manifest_form kp_manifest_csv = {begin, put_row, end};
