#ifndef DEMO_PASSWORD_CALL_H
#define DEMO_PASSWORD_CALL_H

#include "conn.h"

/* What came of a change, as the one who makes changes says. */
enum demo_password_result {
    DEMO_PASSWORD_DONE,
    DEMO_PASSWORD_WRONG,  /* the old one */
    DEMO_PASSWORD_LATER,  /* too many wrong ones; in so many seconds */
    DEMO_PASSWORD_WEAK,   /* the new one; why */
    DEMO_PASSWORD_FAILED, /* nothing was changed; why */
    DEMO_PASSWORD_SILENT, /* no answer came: nobody knows */
    DEMO_PASSWORD_NOBODY, /* there is nobody to ask */
};

struct demo_password_answer {
    enum demo_password_result result;
    unsigned seconds;
    const char *why; /* a sentence without a full stop; "" when there is none */
};

/* The connection is still there when this is called, and waits for its reply. */
typedef void demo_password_done(struct demo_conn *conn, const struct demo_password_answer *answer);

/*
 * Asks at the unix socket path for another password of user. The strings are copied, hold no line
 * ends, and the copies are wiped. done is called later, once, unless the connection ends first;
 * until then the connection has a job.
 */
void demo_password_call(struct demo_conn *conn, const char *path, const char *user,
                        const char *old_password, const char *new_password,
                        demo_password_done *done);

/* Reads an answer's line, without its end. *answer points into it. */
void demo_password_read(const char *line, struct demo_password_answer *answer);

#endif
