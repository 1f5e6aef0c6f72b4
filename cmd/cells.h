/*
 * Cells of the tables that commands print for people.
 */
#ifndef KP_CMD_CELLS_H
#define KP_CMD_CELLS_H

#include <stdbool.h>
#include <stddef.h>

#include "creds/text.h"

#define KP_CELL_MAX(len) (KP_TEXT_ESCAPED_MAX(len) + 2)

/* text for a cell: as it is if it is made of letters, digits and the characters of plain; else in
 * quotes, escaped.  out has room for KP_CELL_MAX of its length; returned. */
const char *kp_cell_text(char *out, const char *text, const char *plain);
/* Whether a character of UTF-8 begins with that byte. */
bool kp_cell_begins_character(char byte);
/* What a terminal shows of UTF-8: one place for each character, near enough. */
size_t kp_cell_width(const char *text);

#endif
