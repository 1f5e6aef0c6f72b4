/*
 * Asking for the password again while connections run: on a thread of its own, as a person takes
 * time.  The thread can't be ended: it lives until it has its answer, or
 * until the process ends.
 */
#ifndef KP_CMD_ASKING_H
#define KP_CMD_ASKING_H

#include <pthread.h>
#include <signal.h>
#include <termios.h>

#include "login.h"
#include "net/loop.h"

struct kp_asking {
    const struct kp_login_wish *wish;
    const char *error; /* one line about the try before, for a dialog; NULL */
    /* On the loop: status is that of kp_login_password, and the password the caller's now. */
    void (*answered)(struct kp_asking *asking, int status, struct kp_text *password);
    /* On the loop, instead: the person pressed Ctrl-C, or a signal came. */
    void (*stopped)(struct kp_asking *asking);
    void *owner;
    uv_async_t wake;
    pthread_t thread;
    struct sigaction interrupt, term; /* the loop's own */
    struct termios echo;              /* the terminal as it was */
    struct kp_text password;
    int tty;
    int status;
    bool busy;
    bool ended; /* nobody wants the answer any more */
    volatile sig_atomic_t by_signal;
};

/* Makes sure that libuv's helper threads never take the terminal's signals: before anything else
 * runs on the loop. */
void kp_asking_settle_threads(struct kp_loop *loop);
/* Once; answered, stopped, wish and owner must be set. */
void kp_asking_init(struct kp_asking *asking, struct kp_loop *loop);
/* Asks; one at a time.  0, or -1 when there is no thread for it. */
int kp_asking_start(struct kp_asking *asking);
/* It stops asking, if it does, and the terminal is as it was; or else its answer may still come. */
void kp_asking_end(struct kp_asking *asking);
void kp_asking_close(struct kp_asking *asking);
/* At the process's end, when it is busy: the terminal's echo is back on. */
void kp_asking_leave(const struct kp_asking *asking);

#endif
