/*
 * One plate on a template: what each line says and how large, and the QR code.  Both pictures, SVG
 * and PDF, are drawn from it.
 */
#ifndef KP_FACTORY_PLATE_LAYOUT_H
#define KP_FACTORY_PLATE_LAYOUT_H

#include "plate_qr.h"
#include "plate_template.h"

#define KP_PLATE_SAID_LEN 512   /* bytes of a text on a label, with the NUL */
#define KP_PLATE_MODULE_MIN 400 /* micrometres: below, phones and label printers have trouble */

struct kp_plate_said {
    const struct kp_plate_line *line;
    int32_t size; /* the line's, or smaller */
    char text[KP_PLATE_SAID_LEN];
};

/* Secret. */
struct kp_plate_layout {
    struct kp_plate_said said[KP_PLATE_LINES_MAX];
    unsigned count;
    struct kp_plate_qr qr;
};

/* KP_E_ARGUMENT, with why, when the plate doesn't fit; KP_E_MEMORY.  why never has what is secret
 * in it.  The template must live as long. */
int kp_plate_layout_make(struct kp_plate_layout **out, const struct kp_plate_template *template,
                         const struct kp_plate *plate,
                         char why[static KP_PLATE_WHY_LEN]) KP_MUST_CHECK;
/* Wipes; NULL is fine. */
void kp_plate_layout_free(struct kp_plate_layout *layout);

#endif
