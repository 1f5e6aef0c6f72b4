/*
 * Who the person is to a device: a name, a password, and what the engine keeps of them.
 *
 * Everything here prints its own errors and gives an exit status.
 */
#ifndef KP_CMD_LOGIN_H
#define KP_CMD_LOGIN_H

#include "ask.h"

/* As kp_ask_name, offering admin.  A name that is a label's password is refused. */
int kp_login_name(const char *given, struct kp_text *out) KP_MUST_CHECK;

/* What a login is made of.  All are borrowed. */
struct kp_login_wish {
    const struct kp_options *options; /* of a table with KP_ASK_OPTIONS */
    struct kp_context *context;
    const struct kp_text *user;
    const char *where; /* the device, for the prompt */
    const char *id;    /* the device id; NULL: TLS 1.3 is not for this login */
};

/* Asks for the password (error: see struct kp_ask), which the caller clears. */
int kp_login_password(const struct kp_login_wish *wish, const char *error,
                      struct kp_text *password) KP_MUST_CHECK;
/* Makes the login of it, and clears it.  With an id this takes a tenth of a second and more: not on
 * the thread of a loop that is at work. */
int kp_login_make(const struct kp_login_wish *wish, struct kp_text *password,
                  struct kp_login **out) KP_MUST_CHECK;
/* Both. */
int kp_login_ask(const struct kp_login_wish *wish, const char *error,
                 struct kp_login **out) KP_MUST_CHECK;

#endif
