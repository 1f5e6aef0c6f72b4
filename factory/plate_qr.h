/*
 * A QR code as a square of modules, made by libqrencode: error correction M (15 %), and around it
 * a quiet zone of four modules, which readers want (ISO/IEC 18004).
 */
#ifndef KP_FACTORY_PLATE_QR_H
#define KP_FACTORY_PLATE_QR_H

#include <stdbool.h>
#include <stdint.h>

#include "plate.h"

#define KP_PLATE_QR_QUIET 4

struct kp_plate_qr {
    int32_t width; /* in modules, without the quiet zone; 0: empty */
    uint8_t *dark; /* width * width: 1 or 0; secret as the text is */
};

/* KP_E_TOO_LONG: no QR code is that large; KP_E_MEMORY; KP_E_NOT_FOUND: no library. */
int kp_plate_qr_make(struct kp_plate_qr *qr, const char *text) KP_MUST_CHECK;
void kp_plate_qr_clear(struct kp_plate_qr *qr);

/* The next run of dark modules in a row from *x on, which moves behind it: its first, and its
 * length; 0 at the row's end. */
int32_t kp_plate_qr_run(const struct kp_plate_qr *qr, int32_t y, int32_t *x, int32_t *first);

#endif
