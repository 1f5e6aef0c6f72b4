/*
 * A template as it is once read: where things stand on a label, and labels on a sheet.
 * All lengths are micrometres; y grows downward.
 */
#ifndef KP_FACTORY_PLATE_TEMPLATE_H
#define KP_FACTORY_PLATE_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "plate.h"

#define KP_PLATE_LINES_MAX 32
#define KP_PLATE_LINE_LEN 160 /* bytes of a line's text, with the NUL */
#define KP_PLATE_FONT_LEN 48

#define KP_PLATE_AIR 1000 /* between the border and a text, at least */
/* How far letters of size 1000 go up and down from the line that they stand on. */
#define KP_PLATE_ASCENT 780
#define KP_PLATE_DESCENT 240

enum kp_plate_side { KP_PLATE_LEFT, KP_PLATE_CENTER, KP_PLATE_RIGHT };

struct kp_plate_line {
    unsigned number; /* in the template's file */
    int32_t x, y;    /* of the line that letters stand on: its left end, middle or right end */
    int32_t size;    /* of the font */
    enum kp_plate_side side;
    bool mono, bold;
    char text[KP_PLATE_LINE_LEN]; /* with {names}, which are all known */
    int32_t room;                 /* until the border or the QR code */
};

struct kp_plate_template {
    int32_t page_width, page_height, margin, gap_x, gap_y;
    int32_t columns, rows; /* as many as there is room for */
    int32_t left, top;     /* of the first label: all of them stand in the middle of the page */
    int32_t width, height, border, inset, corner;
    int32_t qr_x, qr_y, qr_size; /* with its quiet zone; size 0: there is none */
    bool ruler;
    char sans[KP_PLATE_FONT_LEN], mono[KP_PLATE_FONT_LEN];
    struct kp_plate_line lines[KP_PLATE_LINES_MAX];
    unsigned count;
};

/* What a {name} is for this plate; NULL: there is no such name. */
const char *kp_plate_template_value(const struct kp_plate *plate, const char *name, size_t len);

/* How {names} stand in a text: the next piece of *at, which moves on.  A piece is plain text
 * ({{ is one brace), or the name of a value; false at the end or, with *at on it, at a brace
 * that is nothing. */
struct kp_plate_piece {
    const char *data;
    size_t len;
    bool is_name;
};
bool kp_plate_template_piece(const char **at, struct kp_plate_piece *piece);

#endif
