/*
 * `keyplate connect`: one secure connection to a device, with standard input and output at our end
 * of it.
 */
#ifndef KP_CLIENT_PIPE_H
#define KP_CLIENT_PIPE_H

#include "device_session.h"
#include "told.h"

#define KP_PIPE_PATIENCE_MS 1000 /* what the device's word gets after the connection's end */

struct kp_pipe_plan {
    struct kp_host host;
    struct kp_context *context;
    const struct kp_login *login; /* borrowed */
    struct kp_offered offered;
    /* These may be NULL. */
    void (*on_proved)(void *owner, const struct kp_info *info);
    /* After a proof by TLS 1.2, which doesn't prove the device's id: what it says of itself, read
     * beside the connection (told NULL: nothing, why says why).  False: it is a stranger, and the
     * connection is cut. */
    bool (*on_told)(void *owner, const struct kp_told *told, const char *why);
    void *owner;
};

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
    uint64_t sent;   /* when trouble is a stranger: bytes of standard input that it may have got */
    int local_error; /* uv error */
    int signal;
};

/* Connects, proves, and carries bytes until the end.  Standard input is not touched before the
 * proof; standard output is closed at the end.  0, or a negative uv error when it couldn't even
 * start. */
int kp_pipe_run(const struct kp_pipe_plan *plan, struct kp_pipe_result *result);

#endif
