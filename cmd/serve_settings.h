/*
 * What the options of `keyplate serve` and its configuration file say, checked.
 */
#ifndef KP_CMD_SERVE_SETTINGS_H
#define KP_CMD_SERVE_SETTINGS_H

#include "device/front_door.h"
#include "options.h"

#define KP_SERVE_CREDENTIALS "/var/lib/keyplate/credentials"

/* Reads the configuration file into options and fills *settings (zeroed before), whose pointers
 * live as long as options or until _forget.  An exit status; when it isn't KP_EXIT_DONE it was said
 * why: with --check of every mistake, as far as they can be told apart, else of the first. */
int kp_serve_settings_take(struct kp_options *options, struct kp_front_settings *settings);
/* Whatever _take returned. */
void kp_serve_settings_forget(struct kp_front_settings *settings);

#endif
