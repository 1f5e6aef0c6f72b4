/*
 * The configuration file that the option --config of a command names: INI, whose keys are the
 * command's options (options.h).  Of commands it knows the names, which are its sections.
 */
#ifndef KP_CMD_CONFIG_H
#define KP_CMD_CONFIG_H

#include "options.h"

/* A key that has no place in the file, and what is said of it. */
struct kp_config_refusal {
    const char *key; /* NULL ends a list */
    const char *why;
};

/* How one command reads it. */
struct kp_config_plan {
    const char *section; /* the command; lines before the first section count as its own */
    const struct kp_config_refusal *refused; /* beside config */
    const char *positional; /* the row of the table that stands for the positional where the command
                               line has none, and isn't an option; NULL: there is none */
    const char *yields;     /* a key that is nothing where the command line has the option .. */
    const char *yields_to;  /* .. of this name; NULL: none */
    bool every;             /* tell of every mistake, not of the first alone */
};

/* Takes the file, if options (parsed, of a table with "config") name one.  An exit status; when it
 * isn't KP_EXIT_DONE it was said what is wrong, by lines. */
int kp_config_read(struct kp_options *options, const struct kp_config_plan *plan) KP_MUST_CHECK;

#endif
