/*
 * A label as SVG: its texts are texts, which can be searched, and the QR code is one path.  Uses no
 * font and no library but for the QR code.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "plate_layout.h"

#define FIRST_LEN 16384

/* A text that grows, and leaves no copy of itself behind; latches its first failure. */
struct out {
    char *data;
    size_t len, capacity;
    bool failed;
};

static bool make_room(struct out *o, size_t more)
{
    size_t capacity = o->capacity == 0 ? FIRST_LEN : o->capacity;
    char *data;
    if (o->failed || more < o->capacity - o->len)
        return !o->failed;
    while (capacity - o->len <= more)
        capacity *= 2;
    data = malloc(capacity);
    o->failed = data == NULL;
    if (o->failed)
        return false;
    if (o->len > 0)
        memcpy(data, o->data, o->len);
    kp_free_secret(o->data, o->capacity);
    o->data = data;
    o->capacity = capacity;
    return true;
}

static void put(struct out *o, const char *data, size_t len)
{
    if (!make_room(o, len))
        return;
    memcpy(o->data + o->len, data, len);
    o->len += len;
    o->data[o->len] = '\0';
}

static void put_text(struct out *o, const char *text)
{
    put(o, text, strlen(text));
}

static void put_escaped(struct out *o, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '&':
            put_text(o, "&amp;");
            break;
        case '<':
            put_text(o, "&lt;");
            break;
        case '>':
            put_text(o, "&gt;");
            break;
        case '"':
            put_text(o, "&quot;");
            break;
        default:
            put(o, text, 1);
        }
}

/* Of numbers alone. */
static void put_numbers(struct out *o, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void put_numbers(struct out *o, const char *format, ...)
{
    char text[96];
    va_list args;
    int len;
    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len < 0 || len >= (int)sizeof text)
        o->failed = true;
    else
        put(o, text, (size_t)len);
    kp_wipe(text, sizeof text);
}

/* name="1.5", from a number of 1/unit; unit is a power of ten. */
static void put_length(struct out *o, const char *name, int64_t value, int64_t unit)
{
    put_text(o, name);
    put_numbers(o, "%" PRId64, value / unit);
    value %= unit;
    if (value > 0)
        put_text(o, ".");
    for (; value > 0; value %= unit) {
        unit /= 10;
        put_numbers(o, "%" PRId64, value / unit);
    }
}

static void put_mm(struct out *o, const char *name, int32_t value)
{
    put_length(o, name, value, 1000);
}

/* ---- The parts --------------------------------------------------------------------------- */

static void put_head(struct out *o, const struct kp_plate_template *t, const struct kp_plate *plate)
{
    put_text(o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\"");
    put_mm(o, " width=\"", t->width);
    put_mm(o, "mm\" height=\"", t->height);
    put_mm(o, "mm\" viewBox=\"0 0 ", t->width);
    put_mm(o, " ", t->height);
    put_text(o, "\">\n<title>");
    put_escaped(o, plate->model);
    put_text(o, " ");
    put_escaped(o, plate->serial);
    put_text(o, "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
}

static void put_border(struct out *o, const struct kp_plate_template *t)
{
    int32_t middle = t->inset + t->border / 2;
    if (t->border == 0)
        return;
    put_mm(o, "<rect x=\"", middle);
    put_mm(o, "\" y=\"", middle);
    put_mm(o, "\" width=\"", t->width - 2 * middle);
    put_mm(o, "\" height=\"", t->height - 2 * middle);
    put_mm(o, "\" rx=\"", t->corner);
    put_mm(o, "\" fill=\"none\" stroke=\"#000\" stroke-width=\"", t->border);
    put_text(o, "\"/>\n");
}

static void put_said(struct out *o, const struct kp_plate_template *t,
                     const struct kp_plate_said *said)
{
    static const char *const anchors[] = {
        [KP_PLATE_LEFT] = "",
        [KP_PLATE_CENTER] = " text-anchor=\"middle\"",
        [KP_PLATE_RIGHT] = " text-anchor=\"end\"",
    };
    const struct kp_plate_line *line = said->line;
    put_mm(o, "<text x=\"", line->x);
    put_mm(o, "\" y=\"", line->y);
    put_mm(o, "\" font-size=\"", said->size);
    put_text(o, "\" font-family=\"'");
    put_text(o, line->mono ? t->mono : t->sans);
    /* What is as wide, where that font isn't. */
    put_text(o, line->mono ? "', 'Liberation Mono', monospace\"" : "', Verdana, sans-serif\"");
    put_text(o, line->bold ? " font-weight=\"bold\"" : "");
    put_text(o, anchors[line->side]);
    put_text(o, " xml:space=\"preserve\">");
    put_escaped(o, said->text);
    put_text(o, "</text>\n");
}

static void put_qr(struct out *o, const struct kp_plate_template *t, const struct kp_plate_qr *qr)
{
    if (qr->width == 0)
        return;
    put_mm(o, "<path transform=\"translate(", t->qr_x);
    put_mm(o, " ", t->qr_y);
    put_length(o, ") scale(", (int64_t)t->qr_size * 1000000 / (qr->width + 2 * KP_PLATE_QR_QUIET),
               1000000000);
    put_text(o, ")\" shape-rendering=\"crispEdges\" fill=\"#000\" d=\"");
    for (int32_t y = 0; y < qr->width; y++)
        for (int32_t x = 0, first, len; (len = kp_plate_qr_run(qr, y, &x, &first)) > 0;)
            put_numbers(o, "M%d %dh%dv1h-%dz", (int)(first + KP_PLATE_QR_QUIET),
                        (int)(y + KP_PLATE_QR_QUIET), (int)len, (int)len);
    put_text(o, "\"/>\n");
}

int kp_plate_svg(const struct kp_plate_template *template, const struct kp_plate *plate,
                 struct kp_text *svg)
{
    char why[KP_PLATE_WHY_LEN];
    struct kp_plate_layout *layout;
    struct out o = {0};
    int err = kp_plate_layout_make(&layout, template, plate, why);
    svg->data = NULL;
    svg->len = 0;
    if (err != 0)
        return err;
    put_head(&o, template, plate);
    put_border(&o, template);
    for (unsigned i = 0; i < layout->count; i++)
        put_said(&o, template, &layout->said[i]);
    put_qr(&o, template, &layout->qr);
    put_text(&o, "</svg>\n");
    kp_plate_layout_free(layout);
    if (!o.failed)
        err = kp_text_copy(svg, o.data, o.len);
    kp_free_secret(o.data, o.capacity);
    return o.failed ? KP_E_MEMORY : err;
}
