/* libubox's event loop, as far as a TLS library and a small server use it. */
#ifndef UBOX_ULOOP_H
#define UBOX_ULOOP_H

#include <stdint.h>
#include <sys/time.h>
#include <sys/types.h>

#include "list.h"

#define ULOOP_READ (1 << 0)
#define ULOOP_WRITE (1 << 1)
#define ULOOP_EDGE_TRIGGER (1 << 2)
#define ULOOP_BLOCKING (1 << 3)
#define ULOOP_ERROR_CB (1 << 6)

struct uloop_fd;
struct uloop_timeout;
typedef void (*uloop_fd_handler)(struct uloop_fd *fd, unsigned int events);
typedef void (*uloop_timeout_handler)(struct uloop_timeout *timer);

struct uloop_fd {
    uloop_fd_handler cb;
    int fd;
    bool eof;
    bool error;
    bool registered;
    uint8_t flags;
};

struct uloop_timeout {
    struct list_head list;
    bool pending;
    uloop_timeout_handler cb;
    struct timeval time;
};

int uloop_fd_add(struct uloop_fd *fd, unsigned int flags);
int uloop_fd_delete(struct uloop_fd *fd);
int uloop_timeout_set(struct uloop_timeout *timer, int ms);
int uloop_timeout_cancel(struct uloop_timeout *timer);
int uloop_init(void);
int uloop_run(void);
void uloop_done(void);

#endif
