/*
 * Sheets of labels: a PDF, drawn by cairo while plates come in.  The units of drawing are
 * millimetres.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "plate_font.h"
#include "plate_layout.h"

#define POINTS (72 / 25.4) /* in a millimetre */
#define BUFFER_LEN 65536
#define MM(length) ((length) / 1000.0)
#define RULER_MM 50
#define RULER_ROOM 10000 /* that it takes below the labels */

struct kp_plate_sheets {
    const struct kp_plate_template *template;
    const struct kp_plate_cairo *cairo;
    cairo_surface_t *surface;
    cairo_t *page;
    cairo_scaled_font_t *fonts[2][2]; /* mono, bold; of size 1 */
    int32_t used;                     /* labels on this page */
    int fd;
    int trouble; /* errno of the first write that failed */
    size_t len;  /* of buffer */
    uint8_t buffer[BUFFER_LEN];
};

/* ---- The file ---------------------------------------------------------------------------- */

static void flush(struct kp_plate_sheets *s)
{
    size_t done = 0;
    while (done < s->len && s->trouble == 0) {
        ssize_t n = write(s->fd, s->buffer + done, s->len - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            s->trouble = n == 0 ? ENOSPC : errno;
    }
    kp_wipe(s->buffer, s->len);
    s->len = 0;
}

static cairo_status_t take_bytes(void *arg, const unsigned char *data, unsigned len)
{
    struct kp_plate_sheets *s = arg;
    while (len > 0 && s->trouble == 0) {
        size_t n = BUFFER_LEN - s->len < len ? BUFFER_LEN - s->len : len;
        memcpy(s->buffer + s->len, data, n);
        s->len += n;
        data += n;
        len -= (unsigned)n;
        if (s->len == BUFFER_LEN)
            flush(s);
    }
    return s->trouble == 0 ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

/* The same plates make the same file: its date is what the environment says, or it has none. */
static void date(struct kp_plate_sheets *s)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    char text[32] = "";
    char *end = NULL;
    long long seconds = epoch != NULL ? strtoll(epoch, &end, 10) : -1;
    time_t when = (time_t)seconds;
    struct tm parts;
    if (seconds >= 0 && end != epoch && *end == '\0' && gmtime_r(&when, &parts) != NULL)
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    s->cairo->pdf_surface_set_metadata(s->surface, CAIRO_PDF_METADATA_CREATE_DATE, text);
    s->cairo->pdf_surface_set_metadata(s->surface, CAIRO_PDF_METADATA_TITLE, "Labels");
}

/* 0, or what became of it; the first trouble stays cairo's and ours. */
static int state_of(const struct kp_plate_sheets *s)
{
    cairo_status_t status = s->cairo->status(s->page);
    if (status == CAIRO_STATUS_SUCCESS)
        status = s->cairo->surface_status(s->surface);
    if (s->trouble != 0) {
        errno = s->trouble;
        return KP_E_ARGUMENT;
    }
    return status == CAIRO_STATUS_SUCCESS     ? 0
           : status == CAIRO_STATUS_NO_MEMORY ? KP_E_MEMORY
                                              : KP_E_INTERNAL;
}

/* ---- Drawing ----------------------------------------------------------------------------- */

/* Letters of size mm; made smaller if they are wider than room, 0 for any. */
static void draw_text(struct kp_plate_sheets *s, cairo_scaled_font_t *font, const char *text,
                      double size, double room, enum kp_plate_side side)
{
    const struct kp_plate_cairo *cairo = s->cairo;
    cairo_text_extents_t extents;
    double width;
    cairo->scaled_font_text_extents(font, text, &extents);
    width = extents.x_advance;
    if (room > 0 && width * size > room)
        size = room / width;
    cairo->save(s->page);
    cairo->scale(s->page, size, size);
    cairo->set_scaled_font(s->page, font);
    cairo->move_to(s->page,
                   side == KP_PLATE_LEFT    ? 0
                   : side == KP_PLATE_RIGHT ? -width
                                            : -width / 2,
                   0);
    cairo->show_text(s->page, text);
    cairo->restore(s->page);
}

static void draw_said(struct kp_plate_sheets *s, const struct kp_plate_said *said)
{
    const struct kp_plate_line *line = said->line;
    s->cairo->save(s->page);
    s->cairo->translate(s->page, MM(line->x), MM(line->y));
    draw_text(s, s->fonts[line->mono][line->bold], said->text, MM(said->size), MM(line->room),
              line->side);
    s->cairo->restore(s->page);
}

static void draw_qr(struct kp_plate_sheets *s, const struct kp_plate_qr *qr)
{
    const struct kp_plate_template *t = s->template;
    double module;
    if (qr->width == 0)
        return;
    module = MM(t->qr_size) / (qr->width + 2 * KP_PLATE_QR_QUIET);
    s->cairo->save(s->page);
    s->cairo->translate(s->page, MM(t->qr_x) + KP_PLATE_QR_QUIET * module,
                        MM(t->qr_y) + KP_PLATE_QR_QUIET * module);
    s->cairo->scale(s->page, module, module);
    /* One path: between many, printers may leave hairs of white. */
    for (int32_t y = 0; y < qr->width; y++)
        for (int32_t x = 0, first, len; (len = kp_plate_qr_run(qr, y, &x, &first)) > 0;)
            s->cairo->rectangle(s->page, first, y, len, 1);
    s->cairo->fill(s->page);
    s->cairo->restore(s->page);
}

static void draw_border(struct kp_plate_sheets *s)
{
    const struct kp_plate_template *t = s->template;
    double near = MM(t->inset) + MM(t->border) / 2, radius = MM(t->corner);
    double right = MM(t->width) - near, bottom = MM(t->height) - near;
    const double x[] = {right - radius, right - radius, near + radius, near + radius};
    const double y[] = {near + radius, bottom - radius, bottom - radius, near + radius};
    if (t->border == 0)
        return;
    s->cairo->new_sub_path(s->page);
    for (int i = 0; i < 4; i++)
        s->cairo->arc(s->page, x[i], y[i], radius, (i - 1) * M_PI / 2, i * M_PI / 2);
    s->cairo->close_path(s->page);
    s->cairo->set_line_width(s->page, MM(t->border));
    s->cairo->stroke(s->page);
}

/* Below the labels, where there is room: what a ruler held to the paper can prove. */
static void draw_ruler(struct kp_plate_sheets *s)
{
    const struct kp_plate_template *t = s->template;
    double y = MM(t->page_height) - MM(t->top) / 2;
    double left = MM(t->page_width) / 2 - RULER_MM;
    if (!t->ruler || t->top < RULER_ROOM || t->page_width < (2 * RULER_MM + 10) * 1000)
        return;
    s->cairo->set_line_width(s->page, 0.15);
    s->cairo->rectangle(s->page, left, y, RULER_MM, 0);
    for (int i = 0; i <= RULER_MM; i += 10) {
        s->cairo->move_to(s->page, left + i, y - 1);
        s->cairo->line_to(s->page, left + i, y);
    }
    s->cairo->stroke(s->page);
    s->cairo->save(s->page);
    s->cairo->translate(s->page, left + RULER_MM + 2, y);
    draw_text(s, s->fonts[0][0], "50 mm, if printed at actual size (100 %)", 2.2, 0, KP_PLATE_LEFT);
    s->cairo->restore(s->page);
}

static void draw(struct kp_plate_sheets *s, const struct kp_plate_layout *layout)
{
    const struct kp_plate_template *t = s->template;
    int32_t column = s->used % t->columns, row = s->used / t->columns;
    s->cairo->save(s->page);
    s->cairo->translate(s->page, MM(t->left + column * (t->width + t->gap_x)),
                        MM(t->top + row * (t->height + t->gap_y)));
    s->cairo->rectangle(s->page, 0, 0, MM(t->width), MM(t->height));
    s->cairo->clip(s->page);
    draw_border(s);
    for (unsigned i = 0; i < layout->count; i++)
        draw_said(s, &layout->said[i]);
    draw_qr(s, &layout->qr);
    s->cairo->restore(s->page);
}

/* ---- The contract ------------------------------------------------------------------------ */

static void destroy(struct kp_plate_sheets *s)
{
    for (int i = 0; i < 4; i++)
        if (s->fonts[i / 2][i % 2] != NULL)
            s->cairo->scaled_font_destroy(s->fonts[i / 2][i % 2]);
    if (s->page != NULL)
        s->cairo->destroy(s->page);
    if (s->surface != NULL)
        s->cairo->surface_destroy(s->surface);
    kp_free_secret(s, sizeof *s);
}

static int prepare(struct kp_plate_sheets *s)
{
    const struct kp_plate_template *t = s->template;
    bool complete = true;
    s->surface = s->cairo->pdf_surface_create_for_stream(take_bytes, s, MM(t->page_width) * POINTS,
                                                         MM(t->page_height) * POINTS);
    s->page = s->cairo->create(s->surface);
    for (int i = 0; i < 4; i++) {
        s->fonts[i / 2][i % 2] = kp_plate_font_open(t, i / 2 == 1, i % 2 == 1, 1);
        complete = complete && s->fonts[i / 2][i % 2] != NULL;
    }
    date(s);
    s->cairo->scale(s->page, POINTS, POINTS);
    s->cairo->set_source_rgb(s->page, 0, 0, 0);
    return complete ? state_of(s) : KP_E_MEMORY;
}

int kp_plate_sheets_open(struct kp_plate_sheets **out, const struct kp_plate_template *template,
                         int fd)
{
    const struct kp_plate_cairo *cairo = kp_plate_cairo();
    struct kp_plate_sheets *s = calloc(1, sizeof *s);
    int err = cairo == NULL ? KP_E_NOT_FOUND : KP_E_MEMORY;
    *out = NULL;
    if (s == NULL || cairo == NULL) {
        free(s);
        return err;
    }
    s->template = template;
    s->cairo = cairo;
    s->fd = fd;
    err = prepare(s);
    if (err != 0)
        destroy(s);
    else
        *out = s;
    return err;
}

static void end_page(struct kp_plate_sheets *s)
{
    draw_ruler(s);
    s->cairo->show_page(s->page);
    s->used = 0;
}

int kp_plate_sheets_add(struct kp_plate_sheets *sheets, const struct kp_plate *plate)
{
    char why[KP_PLATE_WHY_LEN];
    struct kp_plate_layout *layout;
    int err = kp_plate_layout_make(&layout, sheets->template, plate, why);
    if (err != 0) {
        errno = EINVAL;
        return err;
    }
    if (sheets->used == sheets->template->columns * sheets->template->rows)
        end_page(sheets);
    draw(sheets, layout);
    sheets->used++;
    kp_plate_layout_free(layout);
    return state_of(sheets);
}

int kp_plate_sheets_close(struct kp_plate_sheets *sheets)
{
    int err;
    if (sheets == NULL)
        return 0;
    if (sheets->used > 0)
        end_page(sheets);
    sheets->cairo->surface_finish(sheets->surface);
    flush(sheets);
    err = state_of(sheets);
    destroy(sheets);
    return err;
}
