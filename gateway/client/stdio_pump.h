/*
 * Standard input and output for an event loop, whatever they are: files, pipes, terminals,
 * /dev/null, closed.  Two threads do the blocking reads and writes, one piece at a time, so there
 * is back-pressure and no descriptor's flags are changed for the programs that share it.  Once in a
 * process.
 */
#ifndef KP_CLIENT_STDIO_PUMP_H
#define KP_CLIENT_STDIO_PUMP_H

#include "../net/loop.h"

#include <stdbool.h>

struct kp_stdio;

struct kp_stdio_hooks {
    /* Bytes of standard input, or its end (len 0), or an error (negative uv error in len).  Valid
     * until kp_stdio_read. */
    void (*came)(void *owner, const uint8_t *data, ssize_t len);
    /* What was given to kp_stdio_write is written: 0, or a negative uv error. */
    void (*written)(void *owner, int error);
};

/* Starts the threads; standard input is not read before kp_stdio_read.  NULL: no memory. */
struct kp_stdio *kp_stdio_start(struct kp_loop *loop, const struct kp_stdio_hooks *hooks,
                                void *owner);
/* Asks for the next piece. */
void kp_stdio_read(struct kp_stdio *stdio);
/* Takes a copy of up to len bytes, 0 while an earlier piece is being written; hooks->written
 * follows when it is out. */
size_t kp_stdio_write(struct kp_stdio *stdio, const uint8_t *data, size_t len);
bool kp_stdio_is_writing(const struct kp_stdio *stdio);
/* Whoever reads standard output sees its end, though the process goes on; after kp_stdio_stop. */
void kp_stdio_end_output(void);
/* No hook is called any more.  A thread that is stuck in a read stays there until the process ends,
 * with the memory that it uses. */
void kp_stdio_stop(struct kp_stdio *stdio);

#endif
