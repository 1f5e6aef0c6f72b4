/*
 * How wide texts are.
 *
 * Labels are laid out by one table, so that they look the same and have the same bytes wherever
 * they are made: the widths of DejaVu Sans, which is wider than most.  Only what is printed here,
 * the PDF, is measured in the font that there is.
 */
#ifndef KP_FACTORY_PLATE_FONT_H
#define KP_FACTORY_PLATE_FONT_H

#include "plate_libraries.h"
#include "plate_template.h"

/* The width of UTF-8 text in letters of size 1000. */
int64_t kp_plate_font_width(const char *text, bool mono, bool bold);

/* Whether any font is installed.  cairo must be loaded, here and below. */
bool kp_plate_font_is_there(void);
/* The font of a line, in units of 1; NULL: no memory. */
cairo_scaled_font_t *kp_plate_font_open(const struct kp_plate_template *template, bool mono,
                                        bool bold, double size);
/* The first character of text that the font has no letter for; NULL: it has all. */
const char *kp_plate_font_lacks(cairo_scaled_font_t *font, const char *text);

#endif
