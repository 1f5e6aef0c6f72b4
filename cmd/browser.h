/*
 * What the files of `keyplate browser` share.
 */
#ifndef KP_CMD_BROWSER_H
#define KP_CMD_BROWSER_H

#include "command.h"

/* keyplate browser status; the exit status. */
int kp_browser_status(const struct kp_options *options);

#endif
