/*
 * Templates of labels: an INI file of the vendor's.
 *
 * Checked besides crashes: a fault has a sentence; what is taken makes labels, the same each time,
 * or says what doesn't fit; nothing stands outside the label.
 */
#include "fuzz.h"

#include "factory/plate.h"
#include "factory/plate_template.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void check_places(const struct kp_plate_template *t)
{
    must(t->columns > 0 && t->rows > 0 && t->left >= 0 && t->top >= 0);
    must(t->left * 2 + t->columns * (t->width + t->gap_x) - t->gap_x <= t->page_width);
    must(t->top * 2 + t->rows * (t->height + t->gap_y) - t->gap_y <= t->page_height);
    must(t->qr_size == 0 ||
         (t->qr_x + t->qr_size <= t->width && t->qr_y + t->qr_size <= t->height));
    for (unsigned i = 0; i < t->count; i++) {
        must(t->lines[i].room >= 0 && t->lines[i].room <= t->width);
        must(t->lines[i].y > 0 && t->lines[i].y < t->height);
    }
}

static void draw(const struct kp_plate_template *t)
{
    static const struct kp_plate plate = {
        "A<1>&", "M\xc3\xbc", "me", "xxxxx-xxxxx-xxxxx", "h", "keyplate://A@h/?v=1&user=me"};
    struct kp_text svg, again;
    int err = kp_plate_svg(t, &plate, &svg);
    must(err == 0 || err == KP_E_ARGUMENT || err == KP_E_NOT_FOUND);
    must(kp_plate_svg(t, &plate, &again) == err);
    if (err != 0)
        return;
    must(svg.len == again.len && memcmp(svg.data, again.data, svg.len) == 0);
    must(strlen(svg.data) == svg.len && kp_text_is_utf8(svg.data, svg.len));
    must(strstr(svg.data, "A<1>") == NULL);
    must(strcmp(svg.data + svg.len - 7, "</svg>\n") == 0);
    kp_text_clear(&svg);
    kp_text_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kp_plate_template *template;
    char why[KP_PLATE_WHY_LEN] = "";
    int err = kp_plate_template_parse(&template, (const char *)data, size, why);

    if (err != 0) {
        must(err == KP_E_SYNTAX && why[0] != '\0' && template == NULL);
        return 0;
    }
    check_places(template);
    draw(template);
    kp_plate_template_free(template);
    return 0;
}
