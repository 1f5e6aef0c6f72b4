/*
 * A device's plate: what is printed on its label, as a picture (SVG) and on sheets of many (PDF).
 * Knows no credentials and no folder of a device; where things stand comes from a template.
 */
#ifndef KP_FACTORY_PLATE_H
#define KP_FACTORY_PLATE_H

#include "creds/text.h"

#define KP_PLATE_WHY_LEN 256

/* What a label says.  NUL-terminated UTF-8 without control characters; password and, when it has
 * one in it, link are secret. */
struct kp_plate {
    const char *serial;
    const char *model;
    const char *user;
    const char *password;
    const char *host; /* "" when the label names none */
    const char *link; /* the keyplate:// link, which is what the QR code says */
};

/* Where what stands on a label and labels on a sheet; immutable once loaded, so threads share it.
 */
struct kp_plate_template;

/* The template in text[len], an INI file; NULL: the one that is built in.  KP_E_SYNTAX,
 * KP_E_MEMORY: why gets a sentence without a full stop, with the line. */
int kp_plate_template_parse(struct kp_plate_template **out, const char *text, size_t len,
                            char why[static KP_PLATE_WHY_LEN]) KP_MUST_CHECK;
void kp_plate_template_free(struct kp_plate_template *template);
/* The text of the one that is built in. */
const char *kp_plate_template_text(void);

/* Loads the libraries that draw.  KP_E_NOT_FOUND: why names the packages that are missing.  To be
 * called once, before threads begin. */
int kp_plate_libraries(char why[static KP_PLATE_WHY_LEN]) KP_MUST_CHECK;

/* Whether the plate fits: its texts into the label, its link into the QR code at the template's
 * size with modules that can be read.  KP_E_ARGUMENT with why. */
int kp_plate_check(const struct kp_plate_template *template, const struct kp_plate *plate,
                   char why[static KP_PLATE_WHY_LEN]) KP_MUST_CHECK;

/* The label as SVG; secret; to be cleared by the caller.  The same plate gives the same bytes. Many
 * threads may call it.  KP_E_ARGUMENT, KP_E_MEMORY. */
int kp_plate_svg(const struct kp_plate_template *template, const struct kp_plate *plate,
                 struct kp_text *svg) KP_MUST_CHECK;

/* Sheets of labels: a PDF of as many pages as it takes, written to fd (open for writing, empty;
 * stays the caller's), one page in memory at a time. */
struct kp_plate_sheets;
int kp_plate_sheets_open(struct kp_plate_sheets **out, const struct kp_plate_template *template,
                         int fd) KP_MUST_CHECK;
/* KP_E_ARGUMENT with errno: it could not be written, or (EINVAL) the plate does not fit;
 * KP_E_MEMORY. */
int kp_plate_sheets_add(struct kp_plate_sheets *sheets, const struct kp_plate *plate) KP_MUST_CHECK;
/* Ends the PDF and frees; KP_E_ARGUMENT: something of it could not be written (errno).  NULL is
 * fine. */
int kp_plate_sheets_close(struct kp_plate_sheets *sheets) KP_MUST_CHECK;

#endif
