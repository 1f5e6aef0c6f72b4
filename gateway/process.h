/*
 * What the system says of this process, for those who watch it.  With platform.c the only file of
 * the gateway that may look at Linux.
 */
#ifndef KP_GATEWAY_PROCESS_H
#define KP_GATEWAY_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct kp_process {
    void *fds;      /* the open folder of descriptors; NULL: there is none */
    int memory;     /* the open file; -1: there is none */
    uint64_t began; /* ms of the monotonic clock */
};

/* Opens what it reads from, so that it can be read when no file may be opened any more. */
void kp_process_open(struct kp_process *process);
void kp_process_close(struct kp_process *process);

/* Open descriptors, and bytes of resident memory.  false: unknown. */
bool kp_process_fds(const struct kp_process *process, uint64_t *count);
bool kp_process_memory(const struct kp_process *process, uint64_t *bytes);
/* When it was opened, in seconds since 1970 by what the wall clock says now: where that is set
 * right after the start, the answer becomes right with it. */
uint64_t kp_process_start(const struct kp_process *process);

#endif
