/*
 * The short-lived child of `keyplate passwd listen` that does one change: it alone parses what
 * came, reads the credentials, has scrypt's 32 MiB and writes.  What it takes from the system is
 * given back when it ends, and if it dies there is the old password or the new one, as a whole.
 *
 * It and its parent speak in whole struct kp_passwd_note over a socket pair (SOCK_SEQPACKET):
 *
 *      child   KP_NOTE_ASK                    the request is fine: may I judge the old password?
 *      parent  KP_NOTE_GRANT                  yes; no answer and the end: no
 *      child   KP_NOTE_COMMIT                 the next step puts the new password in force
 *      child   KP_NOTE_ANSWER                 for the client; the child ends
 *
 * An answer may come at any time.
 */
#ifndef KP_CMD_PASSWD_WORKER_H
#define KP_CMD_PASSWD_WORKER_H

#include "passwd.h"
#include "passwd_request.h"

enum kp_passwd_note_kind {
    KP_NOTE_ASK = 1,
    KP_NOTE_GRANT,
    KP_NOTE_COMMIT,
    KP_NOTE_ANSWER,
};

struct kp_passwd_note {
    uint8_t kind;                   /* enum kp_passwd_note_kind */
    uint64_t generation;            /* COMMIT: of the new credential */
    size_t name_len;                /* COMMIT */
    char name[KP_NAME_MAX];         /* COMMIT: whose it is; not NUL-terminated */
    struct kp_passwd_answer answer; /* ANSWER */
};

/* Sends or takes one.  false: the other end is gone. */
bool kp_passwd_note_send(int channel, const struct kp_passwd_note *note) KP_MUST_CHECK;
bool kp_passwd_note_take(int channel, struct kp_passwd_note *note) KP_MUST_CHECK;

/* All of these run in the child, and are all that it does: it ends right after.
 *
 * _change does what data[len] asks for; data is wiped as soon as it is parsed.  _look tells, by an
 * answer, whether what an earlier child was about to commit is in the file.  _try finds out whether
 * a change could be made at all: KP_EXIT_DONE, or it is told on stderr what is in the way. */
void kp_passwd_worker_change(struct kp_passwd *passwd, int channel, char *data, size_t len);
void kp_passwd_worker_look(struct kp_passwd *passwd, int channel,
                           const struct kp_passwd_note *committed);
int kp_passwd_worker_try(struct kp_passwd *passwd) KP_MUST_CHECK;

#endif
