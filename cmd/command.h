/*
 * What a subcommand is, and how every one of them speaks to the person.
 *
 * keyplate.c reads the command line by the command's option table, answers --help, and calls run;
 * a command needs no code for any of that.
 */
#ifndef KP_CMD_COMMAND_H
#define KP_CMD_COMMAND_H

#include "options.h"

enum kp_exit {
    KP_EXIT_DONE = 0,
    KP_EXIT_FAILED = 1,
    KP_EXIT_USAGE = 2,
    KP_EXIT_PROOF = 3, /* the proof failed: wrong name or password, or not the device */
};

struct kp_command {
    const char *name;
    const char *summary;  /* a few words for `keyplate help` */
    const char *synopsis; /* after "keyplate NAME "; lines apart by \n, each within 60 columns */
    const char *about; /* paragraphs apart by \n\n; the help wraps them.  A line that begins with a
                          space stays as it is */
    const struct kp_option *options;
    size_t max_positionals;
    /* Whether the word is an action of it, as "add" is of passwd; NULL: it has none. */
    bool (*has_action)(const char *word);
    /* The exit status.  options is parsed and freed by the caller. */
    int (*run)(struct kp_options *options);
};

extern const struct kp_command kp_command_passwd;
extern const struct kp_command kp_command_serve;
extern const struct kp_command kp_command_open;
extern const struct kp_command kp_command_connect;
extern const struct kp_command kp_command_devices;
extern const struct kp_command kp_command_discover;
extern const struct kp_command kp_command_agent;
extern const struct kp_command kp_command_browser;
extern const struct kp_command kp_command_provision;

/* The name that messages carry: "passwd" makes "keyplate passwd: ...". */
void kp_command_named(const char *name);
/* Prints "keyplate NAME: " and one line on stderr, and returns status. */
int kp_command_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for wrong usage, with where the help is; KP_EXIT_USAGE. */
int kp_command_misused(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with "warning: "; for what doesn't stop the command. */
void kp_command_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, for what a person should know. */
void kp_command_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on what the four above would print goes to that function, without "keyplate NAME: " and
 * the line's end; NULL: to stderr again.  For a command that goes on after a mistake. */
void kp_command_divert(void (*to)(const char *text));

/* Prints a command's help, at most 80 columns wide, on stdout. */
void kp_command_help(const struct kp_command *command);

#endif
