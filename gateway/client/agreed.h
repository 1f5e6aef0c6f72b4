/*
 * The line of --verbose about a connection that was proved.
 */
#ifndef KP_CLIENT_AGREED_H
#define KP_CLIENT_AGREED_H

#include <keyplate/keyplate.h>

#include "creds/text.h"

#define KP_AGREED_LEN (KP_TEXT_ESCAPED_MAX(KP_NAME_MAX) + 300)

/* Returns out. */
const char *kp_agreed(char out[KP_AGREED_LEN], const struct kp_info *info);

#endif
