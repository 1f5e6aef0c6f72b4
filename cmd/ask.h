/*
 * Asking the person: passwords (from a file, a descriptor, the terminal or pinentry) and names.
 * A password never comes from the arguments or the environment.
 *
 * Everything here prints its own errors and gives an exit status: KP_EXIT_DONE, or what the
 * command should end with.
 */
#ifndef KP_CMD_ASK_H
#define KP_CMD_ASK_H

#include "command.h"
#include "creds/text.h"

/* The two rows that every command with a password has in its option table. */
#define KP_ASK_OPTIONS                                                                             \
    {"password-file", KP_OPTION_VALUE, "FILE",                                                     \
     "read the password from FILE; one newline at its end is dropped"},                            \
    {                                                                                              \
        "password-fd", KP_OPTION_VALUE, "N",                                                       \
            "read the password from file descriptor N, to its end"                                 \
    }

struct kp_ask {
    const struct kp_options *options; /* of a table with KP_ASK_OPTIONS */
    const char *prompt; /* one line without a colon: "Password of admin at 192.0.2.7" */
    const char *error;  /* one line about the try before, for a dialog; NULL */
    bool fresh;         /* a new password: asked for twice */
};

/* The password in NFC, at most KP_TEXT_PASSWORD_MAX bytes; the caller clears it.  A label's typed
 * in capitals or without its hyphens is taken as it is printed, and that is said.  Text that has
 * the shape of a label but not its check character brings a warning before it is used; at a
 * terminal the person may type it again or use it all the same.  Ctrl-C ends the process as ever,
 * with the terminal's echo back on. */
int kp_ask_password(const struct kp_ask *ask, struct kp_text *out) KP_MUST_CHECK;
/* Whether kp_ask_password would ask a person, who can be asked again after a wrong password. */
bool kp_ask_again_makes_sense(const struct kp_options *options);

/* Whether there is a terminal to ask for a name. */
bool kp_ask_name_makes_sense(void);
/* The name in NFC: given, else the terminal is asked, offering offer (NULL: none).  Without a
 * terminal KP_EXIT_USAGE.  fresh: by the rules of new names. */
int kp_ask_name(const char *given, const char *offer, bool fresh,
                struct kp_text *out) KP_MUST_CHECK;

#endif
