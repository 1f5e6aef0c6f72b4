/*
 * What the actions of `keyplate passwd` share: the credentials file in hand.  Only for passwd*.c.
 *
 * Everything here prints its own errors and gives an exit status.
 */
#ifndef KP_CMD_PASSWD_H
#define KP_CMD_PASSWD_H

#include "command.h"
#include "creds/file.h"
#include "creds/roster.h"

struct kp_passwd {
    const struct kp_options *options;
    const char *path; /* of the credentials file */
    struct kp_crypto *crypto;
    struct kp_file_lock lock; /* held when locked */
    bool locked;
    bool there; /* the file exists: roster is its content */
    bool fresh; /* kp_passwd_create made it: the file isn't there yet */
    struct kp_roster roster;
};

/* Reads the file as it is now.  That it isn't there is no error here. */
int kp_passwd_read(struct kp_passwd *passwd) KP_MUST_CHECK;
/* The same, and it must be there. */
int kp_passwd_need(struct kp_passwd *passwd) KP_MUST_CHECK;
/* Locks the file until the end of the command, and reads it (again). */
int kp_passwd_lock(struct kp_passwd *passwd) KP_MUST_CHECK;
/* Makes the roster of a new file: --device-id, else a random one; --group, else bits. */
int kp_passwd_create(struct kp_passwd *passwd, unsigned bits, size_t salt_len) KP_MUST_CHECK;
/* Refuses a --group or --device-id that is not the one of the file that is there. */
int kp_passwd_same_header(const struct kp_passwd *passwd) KP_MUST_CHECK;
/* Refuses, without --allow-tls12, that name is to be the first user with an SRP half alone beside
 * others: clients that offer both versions would get TLS 1.2 from then on, and those that remember
 * the device by TLS 1.3 don't take that. */
int kp_passwd_keep_tls13(const struct kp_passwd *passwd, const struct kp_text *name) KP_MUST_CHECK;
/* --group, or fallback. */
int kp_passwd_group(const struct kp_options *options, unsigned fallback,
                    unsigned *bits) KP_MUST_CHECK;
/* Whether the file could be made or changed where it is: asked before the person is. */
int kp_passwd_check_place(const struct kp_passwd *passwd) KP_MUST_CHECK;
/* Writes the roster back, in two steps: after _stage all that can go wrong has, but for the rename
 * that _commit does.  lost: what an error of _commit says beside, when nothing was changed; "". */
int kp_passwd_stage(struct kp_passwd *passwd) KP_MUST_CHECK;
int kp_passwd_commit(struct kp_passwd *passwd, const char *lost) KP_MUST_CHECK;
/* Both. */
int kp_passwd_write(struct kp_passwd *passwd) KP_MUST_CHECK;
/* Says what an error of the library means. */
int kp_passwd_error(const struct kp_passwd *passwd, int error);
/* A name for messages: escaped, static until the next call. */
const char *kp_passwd_shown(const struct kp_text *name);

int kp_passwd_add(struct kp_passwd *passwd);
int kp_passwd_change(struct kp_passwd *passwd);
int kp_passwd_remove(struct kp_passwd *passwd);
int kp_passwd_list(struct kp_passwd *passwd);
int kp_passwd_check(struct kp_passwd *passwd);
int kp_passwd_import(struct kp_passwd *passwd);
int kp_passwd_export(struct kp_passwd *passwd);
int kp_passwd_reset(struct kp_passwd *passwd);
int kp_passwd_listen(struct kp_passwd *passwd);
int kp_passwd_call(struct kp_passwd *passwd);

/* Says the link for the label of a user who was added or changed. */
void kp_passwd_tell_link(const struct kp_passwd *passwd, const struct kp_text *name);

#endif
