/* Reads the link of a device from a picture of its label. */
#ifndef KP_APP_QR_H
#define KP_APP_QR_H

#include <gio/gio.h>

enum kp_qr_result {
    KP_QR_FOUND,
    KP_QR_NONE,   /* no QR code is to be seen */
    KP_QR_OTHER,  /* there is one, without a keyplate:// link */
    KP_QR_UNREAD, /* that is no picture, or one that can't be read */
};

/* Of KP_QR_FOUND: the link without its password, and the password or NULL; each is the caller's,
 * the password secret. */
enum kp_qr_result kp_qr_read(GFile *picture, char **link, char **password);
/* Splits a link: cuts "#p=..." off it.  The password is the caller's, secret, NULL if there is
 * none. */
char *kp_qr_take_password(char *link);
/* Wipes and frees.  NULL is fine. */
void kp_qr_free_password(char *password);

#endif
