/*
 * What is said of a connection to a device that failed.
 */
#ifndef KP_CMD_TROUBLE_H
#define KP_CMD_TROUBLE_H

#include "client/explain.h"
#include "command.h"

/* Prints why, on a line, with another one when there is more to know; and, if verbose, what was
 * offered.  The exit status. */
int kp_trouble_tell(const struct kp_trouble *trouble, const char *where, bool verbose);

#endif
