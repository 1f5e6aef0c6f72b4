/* QR codes: see plate_qr.h. */
#include "plate_qr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "plate_libraries.h"

int kp_plate_qr_make(struct kp_plate_qr *qr, const char *text)
{
    const struct kp_plate_qrencode *call = kp_plate_qrencode();
    QRcode *code;
    size_t len;
    qr->width = 0;
    qr->dark = NULL;
    if (call == NULL)
        return KP_E_NOT_FOUND;
    errno = 0;
    code = call->encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
    if (code == NULL)
        return errno == ERANGE ? KP_E_TOO_LONG : KP_E_MEMORY;
    len = (size_t)code->width * (size_t)code->width;
    qr->dark = malloc(len);
    if (qr->dark != NULL) {
        qr->width = code->width;
        for (size_t i = 0; i < len; i++)
            qr->dark[i] = code->data[i] & 1;
    }
    kp_wipe(code->data, len);
    call->free(code);
    return qr->dark != NULL ? 0 : KP_E_MEMORY;
}

void kp_plate_qr_clear(struct kp_plate_qr *qr)
{
    kp_free_secret(qr->dark, (size_t)qr->width * (size_t)qr->width);
    qr->dark = NULL;
    qr->width = 0;
}

int32_t kp_plate_qr_run(const struct kp_plate_qr *qr, int32_t y, int32_t *x, int32_t *first)
{
    const uint8_t *row = qr->dark + y * qr->width;
    while (*x < qr->width && row[*x] == 0)
        (*x)++;
    *first = *x;
    while (*x < qr->width && row[*x] != 0)
        (*x)++;
    return *x - *first;
}
