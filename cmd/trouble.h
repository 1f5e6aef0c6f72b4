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

/* So many proofs that failed in a row, and the device itself may be the reason. */
#define KP_TROUBLE_MANY 3

/* After KP_TROUBLE_MANY: while a device slows guesses the right password is refused, too, and
 * nothing on the wire tells it from a wrong one. */
void kp_trouble_tell_slowed(void);

#endif
