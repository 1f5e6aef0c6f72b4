/* How wide texts are, and what fonts have: see plate_font.h. */
#include "plate_font.h"

#include <string.h>

#define FIRST ' '
#define LAST '~'
#define MONO 602
/* Beyond ASCII: wider than most letters are. */
#define OTHER 900
#define OTHER_BOLD 1000
/* East Asian letters, from Hangul Jamo on, and whatever else is up there. */
#define WIDE_FROM 0x1100
#define WIDE 1250

/* Advance widths of DejaVu Sans and DejaVu Sans Bold. */
static const uint16_t widths[2][LAST - FIRST + 1] = {
    {
        318,  401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337,
        636,  636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531,
        1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787,
        603,  787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500,
        500,  613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612,
        635,  635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
    },
    {
        348,  456, 521, 838, 696, 1002, 872, 306,  457, 457, 523, 838, 380, 415,  380, 365,
        696,  696, 696, 696, 696, 696,  696, 696,  696, 696, 400, 400, 838, 838,  838, 580,
        1000, 774, 762, 734, 830, 683,  683, 821,  837, 372, 372, 775, 637, 995,  837, 850,
        733,  850, 770, 720, 682, 812,  774, 1103, 771, 724, 725, 457, 365, 457,  838, 500,
        500,  675, 716, 593, 716, 678,  435, 716,  712, 343, 343, 665, 343, 1042, 712, 687,
        716,  716, 493, 595, 478, 712,  652, 924,  645, 652, 582, 712, 365, 712,  838,
    },
};

/* The character at *at, which is well-formed, and moves behind it. */
static uint32_t next(const char **at)
{
    const uint8_t *p = (const uint8_t *)*at;
    unsigned more = p[0] < 0x80 ? 0 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
    uint32_t code = more == 0 ? p[0] : p[0] & (0x3fu >> more);
    for (unsigned i = 1; i <= more; i++)
        code = code << 6 | (p[i] & 0x3fu);
    *at += more + 1;
    return code;
}

int64_t kp_plate_font_width(const char *text, bool mono, bool bold)
{
    int64_t sum = 0;
    while (*text != '\0') {
        uint32_t code = next(&text);
        if (code >= WIDE_FROM)
            sum += WIDE;
        else if (mono)
            sum += MONO;
        else if (code >= FIRST && code <= LAST)
            sum += widths[bold][code - FIRST];
        else
            sum += bold ? OTHER_BOLD : OTHER;
    }
    return sum;
}

cairo_scaled_font_t *kp_plate_font_open(const struct kp_plate_template *template, bool mono,
                                        bool bold, double size)
{
    const struct kp_plate_cairo *cairo = kp_plate_cairo();
    cairo_font_face_t *face =
        cairo->toy_font_face_create(mono ? template->mono : template->sans, CAIRO_FONT_SLANT_NORMAL,
                                    bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_font_options_t *options = cairo->font_options_create();
    cairo_scaled_font_t *font;
    cairo_matrix_t of_font, of_page;
    cairo->font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo->matrix_init_scale(&of_font, size, size);
    cairo->matrix_init_identity(&of_page);
    font = cairo->scaled_font_create(face, &of_font, &of_page, options);
    cairo->font_options_destroy(options);
    cairo->font_face_destroy(face);
    if (cairo->scaled_font_status(font) == CAIRO_STATUS_SUCCESS)
        return font;
    cairo->scaled_font_destroy(font);
    return NULL;
}

bool kp_plate_font_is_there(void)
{
    static const struct kp_plate_template any = {.sans = "DejaVu Sans"};
    cairo_scaled_font_t *font = kp_plate_font_open(&any, false, false, 1);
    bool there;
    if (font == NULL)
        return false;
    /* Without any font cairo draws with strokes of its own, which are of another type. */
    there = kp_plate_cairo()->scaled_font_get_type(font) == CAIRO_FONT_TYPE_FT;
    kp_plate_cairo()->scaled_font_destroy(font);
    return there;
}

const char *kp_plate_font_lacks(cairo_scaled_font_t *font, const char *text)
{
    while (*text != '\0') {
        const char *begin = text;
        cairo_glyph_t room[8], *glyphs = room;
        int count = sizeof room / sizeof room[0];
        bool lacks;
        if (next(&text) <= LAST)
            continue;
        lacks = kp_plate_cairo()->scaled_font_text_to_glyphs(font, 0, 0, begin, (int)(text - begin),
                                                             &glyphs, &count, NULL, NULL,
                                                             NULL) != CAIRO_STATUS_SUCCESS ||
                count < 1 || glyphs[0].index == 0;
        if (glyphs != room)
            kp_plate_cairo()->glyph_free(glyphs);
        if (lacks)
            return begin;
    }
    return NULL;
}
