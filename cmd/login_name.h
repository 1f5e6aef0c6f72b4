/*
 * The name that a client gives to a device.
 */
#ifndef KP_CMD_LOGIN_NAME_H
#define KP_CMD_LOGIN_NAME_H

#include "ask.h"

/* As kp_ask_name, offering admin.  A name that is a label's password is refused: names go over the
 * wire in the clear.  The exit status. */
int kp_login_name(const char *given, struct kp_text *out) KP_MUST_CHECK;

#endif
