/*
 * The last words to a plain client: a text, FIN, a short wait for the client's, gone.
 */
#ifndef KP_NET_FAREWELL_H
#define KP_NET_FAREWELL_H

#include "loop.h"

/* Takes over fd and looks after itself.  Best effort: text must fit a socket's empty buffer. */
void kp_farewell(struct kp_loop *loop, int fd, const char *text);

#endif
