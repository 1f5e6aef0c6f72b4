/*
 * `keyplate connect`: one secure connection to a device, with standard input and output at our end
 * of it.
 */
#ifndef KP_CLIENT_PIPE_H
#define KP_CLIENT_PIPE_H

#include "device_session.h"

enum kp_pipe_end {
    KP_PIPE_DONE,    /* the other side ended in order */
    KP_PIPE_TROUBLE, /* trouble says what */
    KP_PIPE_INPUT,   /* standard input can't be read: local_error */
    KP_PIPE_OUTPUT,  /* standard output takes no more: local_error */
    KP_PIPE_STOPPED, /* by a signal */
};

struct kp_pipe_result {
    enum kp_pipe_end end;
    struct kp_trouble trouble;
    int local_error; /* uv error */
    int signal;
};

/* Connects, proves, and carries bytes until the end.  Standard input is not touched before the
 * proof.  on_proved (may be NULL) is told of the connection.  0, or a negative uv error when it
 * couldn't even start. */
int kp_pipe_run(const struct kp_host *host, struct kp_context *context,
                const struct kp_login *login, void (*on_proved)(const struct kp_info *info),
                struct kp_pipe_result *result);

#endif
