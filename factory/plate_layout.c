/* One plate on a template: see plate_layout.h. */
#include "plate_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "plate_font.h"

/* Letters are made smaller until they fit, but not below this, which is 5 points. */
#define SIZE_MIN 1750

static int refuse(char why[static KP_PLATE_WHY_LEN], const char *text)
{
    (void)snprintf(why, KP_PLATE_WHY_LEN, "%s", text);
    return KP_E_ARGUMENT;
}

/* ---- What is said ------------------------------------------------------------------------ */

/* UTF-8 without control characters, and without the two that are none, which XML can't hold. */
static const char *fault_of(const char *text)
{
    if (!kp_text_is_utf8(text, strlen(text)))
        return "is not UTF-8";
    for (const uint8_t *p = (const uint8_t *)text; *p != 0; p++) {
        if (*p < ' ' || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
            return "holds a control character";
        if (*p == 0xef && p[1] == 0xbf && p[2] >= 0xbe)
            return "has what is no character";
    }
    return NULL;
}

static int check_values(const struct kp_plate *plate, char why[static KP_PLATE_WHY_LEN])
{
    const struct {
        const char *name, *value;
    } rows[] = {{"serial", plate->serial},     {"model", plate->model}, {"user", plate->user},
                {"password", plate->password}, {"host", plate->host},   {"link", plate->link}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *fault = fault_of(rows[i].value);
        if (fault == NULL)
            continue;
        (void)snprintf(why, KP_PLATE_WHY_LEN, "the %s %s", rows[i].name, fault);
        return KP_E_ARGUMENT;
    }
    return 0;
}

/* The line's text with its values; *names is the number of those, *filled of those not empty. */
static bool say(struct kp_plate_said *said, const struct kp_plate *plate, unsigned *names,
                unsigned *filled)
{
    struct kp_plate_piece piece;
    const char *at = said->line->text;
    size_t used = 0;
    *names = *filled = 0;
    while (kp_plate_template_piece(&at, &piece)) {
        if (piece.is_name) {
            piece.data = kp_plate_template_value(plate, piece.data, piece.len);
            piece.len = strlen(piece.data);
            ++*names;
            *filled += piece.len > 0;
        }
        if (piece.len >= sizeof said->text - used)
            return false;
        memcpy(said->text + used, piece.data, piece.len);
        used += piece.len;
    }
    said->text[used] = '\0';
    return true;
}

static int refuse_width(const struct kp_plate_said *said, int64_t takes,
                        char why[static KP_PLATE_WHY_LEN])
{
    (void)snprintf(why, KP_PLATE_WHY_LEN,
                   "the text \"%.80s\" (line %u of the template) takes %d mm, and there are %d mm "
                   "for it on the label",
                   said->line->text, said->line->number, (int)(takes / 1000) + 1,
                   (int)(said->line->room / 1000));
    return KP_E_ARGUMENT;
}

/* A password keeps its size: who can't read it can't get in. */
static int fit(struct kp_plate_said *said, char why[static KP_PLATE_WHY_LEN])
{
    const struct kp_plate_line *line = said->line;
    int64_t width = kp_plate_font_width(said->text, line->mono, line->bold);
    int32_t least = SIZE_MIN;
    int64_t size;
    if (least > line->size || strstr(line->text, "{password}") != NULL)
        least = line->size;
    size = width == 0 ? line->size : (int64_t)line->room * 1000 / width;
    if (size < least)
        return refuse_width(said, width * least / 1000, why);
    said->size = size < line->size ? (int32_t)size : line->size;
    return 0;
}

static int say_all(struct kp_plate_layout *layout, const struct kp_plate_template *template,
                   const struct kp_plate *plate, char why[static KP_PLATE_WHY_LEN])
{
    for (unsigned i = 0; i < template->count; i++) {
        struct kp_plate_said *said = &layout->said[layout->count];
        unsigned names, filled;
        said->line = &template->lines[i];
        if (!say(said, plate, &names, &filled))
            return refuse_width(said, INT32_MAX / 1000, why);
        if (names > 0 && filled == 0)
            continue;
        if (fit(said, why) != 0)
            return KP_E_ARGUMENT;
        layout->count++;
    }
    return 0;
}

/* ---- The QR code ------------------------------------------------------------------------- */

static int encode(struct kp_plate_layout *layout, const struct kp_plate_template *template,
                  const struct kp_plate *plate, char why[static KP_PLATE_WHY_LEN])
{
    int32_t module;
    int err;
    if (template->qr_size == 0)
        return 0;
    if (plate->link[0] == '\0')
        return refuse(why, "there is no link for the QR code");
    err = kp_plate_qr_make(&layout->qr, plate->link);
    if (err == KP_E_TOO_LONG)
        return refuse(why, "the link is too long for a QR code");
    if (err != 0) {
        (void)refuse(why, err == KP_E_NOT_FOUND ? "libqrencode can't be loaded" : "out of memory");
        return err;
    }
    module = template->qr_size / (layout->qr.width + 2 * KP_PLATE_QR_QUIET);
    if (module >= KP_PLATE_MODULE_MIN)
        return 0;
    (void)snprintf(why, KP_PLATE_WHY_LEN,
                   "the link makes a QR code whose squares are 0.%03d mm, and cameras want 0.4: a "
                   "size of %d mm under [qr] is enough, or a shorter serial, user or host",
                   (int)module,
                   (int)((layout->qr.width + 2 * KP_PLATE_QR_QUIET) * KP_PLATE_MODULE_MIN / 1000) +
                       1);
    return KP_E_ARGUMENT;
}

/* ---- The whole --------------------------------------------------------------------------- */

int kp_plate_layout_make(struct kp_plate_layout **out, const struct kp_plate_template *template,
                         const struct kp_plate *plate, char why[static KP_PLATE_WHY_LEN])
{
    struct kp_plate_layout *layout = calloc(1, sizeof *layout);
    int err;
    *out = NULL;
    if (layout == NULL) {
        (void)refuse(why, "out of memory");
        return KP_E_MEMORY;
    }
    err = check_values(plate, why);
    if (err == 0)
        err = say_all(layout, template, plate, why);
    if (err == 0)
        err = encode(layout, template, plate, why);
    if (err != 0)
        kp_plate_layout_free(layout);
    else
        *out = layout;
    return err;
}

void kp_plate_layout_free(struct kp_plate_layout *layout)
{
    if (layout == NULL)
        return;
    kp_plate_qr_clear(&layout->qr);
    kp_free_secret(layout, sizeof *layout);
}

/* Each text in the font of its line: the PDF's are drawn in one font, not in what a browser finds
 * for the letters that it lacks. */
static int check_letters(const struct kp_plate_layout *layout,
                         const struct kp_plate_template *template,
                         char why[static KP_PLATE_WHY_LEN])
{
    for (unsigned i = 0; i < layout->count; i++) {
        const struct kp_plate_said *said = &layout->said[i];
        const char *text = said->text, *lacks = NULL;
        cairo_scaled_font_t *font;
        while ((uint8_t)*text - 1u < 0x7e)
            text++;
        if (*text == '\0' || kp_plate_cairo() == NULL)
            continue;
        font = kp_plate_font_open(template, said->line->mono, said->line->bold, 1);
        if (font != NULL)
            lacks = kp_plate_font_lacks(font, text);
        if (lacks != NULL)
            (void)snprintf(why, KP_PLATE_WHY_LEN,
                           "the font \"%s\" has no letter for a character of \"%.80s\" (line %u of "
                           "the template): another may be named under [label]",
                           said->line->mono ? template->mono : template->sans, said->line->text,
                           said->line->number);
        if (font != NULL)
            kp_plate_cairo()->scaled_font_destroy(font);
        if (lacks != NULL)
            return KP_E_ARGUMENT;
    }
    return 0;
}

int kp_plate_check(const struct kp_plate_template *template, const struct kp_plate *plate,
                   char why[static KP_PLATE_WHY_LEN])
{
    struct kp_plate_layout *layout;
    int err = kp_plate_layout_make(&layout, template, plate, why);
    if (err == 0)
        err = check_letters(layout, template, why);
    kp_plate_layout_free(layout);
    return err;
}
