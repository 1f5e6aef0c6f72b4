/*
 * The libraries that draw, which may not be there: loaded when they are used first, so that who
 * makes no labels pays nothing for them.
 */
#ifndef KP_FACTORY_PLATE_LIBRARIES_H
#define KP_FACTORY_PLATE_LIBRARIES_H

#include <cairo/cairo-pdf.h>
#include <qrencode.h>

#define KP_PLATE_CAIRO_CALLS(X)                                                                    \
    X(clip)                                                                                        \
    X(close_path)                                                                                  \
    X(create)                                                                                      \
    X(destroy)                                                                                     \
    X(fill)                                                                                        \
    X(font_face_destroy)                                                                           \
    X(font_options_create)                                                                         \
    X(font_options_destroy)                                                                        \
    X(font_options_set_hint_metrics)                                                               \
    X(glyph_free)                                                                                  \
    X(line_to)                                                                                     \
    X(arc)                                                                                         \
    X(matrix_init_identity)                                                                        \
    X(matrix_init_scale)                                                                           \
    X(move_to)                                                                                     \
    X(new_sub_path)                                                                                \
    X(pdf_surface_create_for_stream)                                                               \
    X(pdf_surface_set_metadata)                                                                    \
    X(rectangle)                                                                                   \
    X(restore)                                                                                     \
    X(save)                                                                                        \
    X(scale)                                                                                       \
    X(scaled_font_create)                                                                          \
    X(scaled_font_destroy)                                                                         \
    X(scaled_font_get_type)                                                                        \
    X(scaled_font_status)                                                                          \
    X(scaled_font_text_extents)                                                                    \
    X(scaled_font_text_to_glyphs)                                                                  \
    X(set_line_width)                                                                              \
    X(set_scaled_font)                                                                             \
    X(set_source_rgb)                                                                              \
    X(show_page)                                                                                   \
    X(show_text)                                                                                   \
    X(status)                                                                                      \
    X(stroke)                                                                                      \
    X(surface_destroy)                                                                             \
    X(surface_finish)                                                                              \
    X(surface_status)                                                                              \
    X(toy_font_face_create)                                                                        \
    X(translate)

#define KP_PLATE_QR_CALLS(X)                                                                       \
    X(encodeString)                                                                                \
    X(free)

struct kp_plate_cairo {
#define KP_PLATE_FIELD(name) __typeof__(cairo_##name) *(name);
    KP_PLATE_CAIRO_CALLS(KP_PLATE_FIELD)
#undef KP_PLATE_FIELD
};

struct kp_plate_qrencode {
#define KP_PLATE_FIELD(name) __typeof__(QRcode_##name) *(name);
    KP_PLATE_QR_CALLS(KP_PLATE_FIELD)
#undef KP_PLATE_FIELD
};

/* NULL: the library isn't there.  Any thread. */
const struct kp_plate_cairo *kp_plate_cairo(void);
const struct kp_plate_qrencode *kp_plate_qrencode(void);

#endif
