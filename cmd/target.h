/*
 * Which device is meant on a command line: client/target.h for the commands.
 */
#ifndef KP_CMD_TARGET_H
#define KP_CMD_TARGET_H

#include "client/target.h"
#include "command.h"

/* The rows that every command with a target has in its option table. */
#define KP_TARGET_OPTIONS                                                                          \
    {"device-id", KP_OPTION_VALUE, "ID", "the device's id, as on its label: TLS 1.3 needs it"},    \
        {"tls", KP_OPTION_VALUE, "1.2|1.3|any",                                                    \
         "versions of TLS to offer (default any: never less than the device could before)"},       \
        {"pake", KP_OPTION_VALUE, "ietf|boringssl",                                                \
         "form of TLS 1.3 with SPAKE2+ (default ietf; the other is never tried by itself)"},       \
    {                                                                                              \
        "no-save", KP_OPTION_FLAG, NULL, "neither read nor write what is remembered of devices"    \
    }

/* Prints what is wrong; the exit status.  options: of a table with KP_TARGET_OPTIONS, "user", and
 * the device as first positional.  by_id: a device of which only the id is known is fine, and has
 * no host; else that is an error, too. */
int kp_command_target(struct kp_target *target, const struct kp_options *options,
                      bool by_id) KP_MUST_CHECK;

#endif
