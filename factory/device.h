/*
 * One device made whole: its password, its credentials and its label, as files in a folder of its
 * serial.  Threads make devices side by side.
 */
#ifndef KP_FACTORY_DEVICE_H
#define KP_FACTORY_DEVICE_H

#include "creds/label.h"
#include "files.h"
#include "order.h"

#define KP_DEVICE_CREDENTIALS "credentials"
#define KP_DEVICE_LABEL "label.svg"

/* What all devices have in common. */
struct kp_device_plan {
    const struct kp_order *order;
    const struct kp_crypto *crypto;
    int work; /* the folder that they are made in */
};

/* Makes the folder with its files, not synced yet, under a new password (secret).  KP_E_MEMORY and
 * KP_E_CRYPTO: there isn't enough memory, perhaps (scrypt: 32 MiB for a moment); other errors are
 * those of files and labels.  After an error nothing is left of it, and error says why. */
int kp_device_make(const struct kp_device_plan *plan, const char *serial,
                   char password[static KP_LABEL_LEN + 1],
                   struct kp_file_error *error) KP_MUST_CHECK;
/* Makes it survive a power cut; its name in the folder that it is made in has to be synced yet. */
int kp_device_sync(const struct kp_device_plan *plan, const char *serial,
                   struct kp_file_error *error) KP_MUST_CHECK;

#endif
