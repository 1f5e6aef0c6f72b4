/*
 * `keyplate serve --check`: what a start would look at, looked at without starting.
 */
#ifndef KP_DEVICE_FRONT_CHECK_H
#define KP_DEVICE_FRONT_CHECK_H

#include "front_door.h"

/* Loads the credentials and compares the addresses with each other and with those of this machine.
 * Nothing is bound, connected to or written.  say is called with one sentence for each problem, and
 * what is only worth a warning goes to the log of stderr.  *users: how many could come in.  The
 * number of problems. */
size_t kp_front_check(const struct kp_front_settings *settings, void (*say)(const char *problem),
                      size_t *users);

#endif
