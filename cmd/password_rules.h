/*
 * The rules of a new password that a person chose: at least 8 characters (of Unicode, not bytes),
 * and not what is guessed first: one of the thousand most common ones, the user's name, the
 * device's id, one character over and over, a run like abcdefgh or 87654321.  Capitals make no
 * difference in any of them.  No kind of character is asked for, and there is no greatest length
 * but KP_TEXT_PASSWORD_MAX.  A label's password as it is printed is always fine.
 *
 * The list is worst_passwords; of each the program has 4 bytes of its SHA-256, so of all other
 * passwords one in four million is refused with them.
 */
#ifndef KP_CMD_PASSWORD_RULES_H
#define KP_CMD_PASSWORD_RULES_H

#include "creds/text.h"
#include "crypto/provider.h"

#define KP_PASSWORD_CHARACTERS 8 /* the fewest */

enum kp_password_fault {
    KP_PASSWORD_FINE = 0,
    KP_PASSWORD_SHORT,
    KP_PASSWORD_COMMON,
    KP_PASSWORD_NAME,
    KP_PASSWORD_DEVICE,
    KP_PASSWORD_REPEATED,
    KP_PASSWORD_RUN,
};

/* *fault: what is wrong with the password, first as in the list above.  All are NFC, as
 * kp_text_password and kp_text_name give them; an empty device_id (data NULL) is of a device that
 * has none yet.  KP_E_CRYPTO; then *fault is KP_PASSWORD_COMMON.  What it takes is the same for
 * each password of a length, but for those that it refuses. */
int kp_password_judge(const struct kp_crypto *crypto, const struct kp_text *password,
                      const struct kp_text *name, const struct kp_text *device_id,
                      enum kp_password_fault *fault) KP_MUST_CHECK;

/* A sentence without a full stop: "the password is too short: ..."; static. */
const char *kp_password_fault_text(enum kp_password_fault fault);
/* One word for programs: short, common, name, device, repeated, run; fine. */
const char *kp_password_fault_code(enum kp_password_fault fault);

#endif
