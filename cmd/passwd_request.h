/*
 * What is said over the socket of `keyplate passwd listen`: one request, one answer.
 *
 *      change-password 1\n             done\n
 *      user NAME\n                     wrong\n
 *      old PASSWORD\n                  later SECONDS\n
 *      new PASSWORD\n                  weak CODE SENTENCE\n
 *      \n                              failed CODE SENTENCE\n
 *
 * UTF-8, at most KP_PASSWD_REQUEST_MAX bytes.  Everything behind the one space is the value, spaces
 * too; a value can't hold a line's end.  Nothing follows the empty line.  doc/password-call.md says
 * what the answers mean.  Knows no socket and no file.
 */
#ifndef KP_CMD_PASSWD_REQUEST_H
#define KP_CMD_PASSWD_REQUEST_H

#include "creds/text.h"

#define KP_PASSWD_REQUEST_MAX 4096
#define KP_PASSWD_ANSWER_MAX 320 /* with its line's end and a NUL */

/* Both passwords are secret. */
struct kp_passwd_request {
    struct kp_text name;
    struct kp_text old;
    struct kp_text fresh;
};

/* One line. */
struct kp_passwd_answer {
    char line[KP_PASSWD_ANSWER_MAX];
};

/* Where the request at the beginning of data[len] ends, its empty line included; 0: not yet. */
size_t kp_passwd_request_end(const char *data, size_t len);

/* A whole request, which is all of data[len].  Names and passwords are what all other ways of
 * giving them make of them: NFC, and a label's as it is printed.  false: *answer says why not, and
 * never what came; *request is empty then. */
bool kp_passwd_request_parse(struct kp_passwd_request *request, const char *data, size_t len,
                             struct kp_passwd_answer *answer) KP_MUST_CHECK;
/* Wipes, frees and empties. */
void kp_passwd_request_clear(struct kp_passwd_request *request);

/* Sentences come without a full stop. */
void kp_passwd_answer_plain(struct kp_passwd_answer *answer, const char *word);
void kp_passwd_answer_later(struct kp_passwd_answer *answer, unsigned seconds);
void kp_passwd_answer_weak(struct kp_passwd_answer *answer, const char *code, const char *sentence);
/* code: request, memory, file or busy. */
void kp_passwd_answer_failed(struct kp_passwd_answer *answer, const char *code,
                             const char *sentence);
/* Whether line[len] begins with that word, alone or before a space. */
bool kp_passwd_answer_is(const char *line, size_t len, const char *word);

#endif
