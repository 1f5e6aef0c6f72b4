/*
 * One request to the hub that another keyplate of this person has, if there is one.
 */
#ifndef KP_CMD_HUB_CALL_H
#define KP_CMD_HUB_CALL_H

#include <stdbool.h>

/* type: of the desk's messages, "logout" or "forget"; name: the device's, NULL: all.  false: no hub
 * runs, and nothing was done.  Else *status is the exit status, and what went wrong was printed. */
bool kp_hub_call(const char *type, const char *name, int *status);

#endif
