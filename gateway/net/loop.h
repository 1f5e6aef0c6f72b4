/*
 * One thread's event loop: libuv's, and a piece of memory that every stream of the loop reads into.
 */
#ifndef KP_NET_LOOP_H
#define KP_NET_LOOP_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/* Three whole records: larger reads gain nothing, and buffers of 64 KiB and more would make glibc
 * tidy its whole heap at every free. */
#define KP_SCRATCH_LEN (3 * 16384)
/* A connection's record buffer: what one read of scratch becomes when sealed, so that it leaves in
 * one write. */
#define KP_RECORD_BUFFER_LEN (3 * (16384 + 5 + 16 + 16 + 64))

struct kp_loop {
    uv_loop_t uv;
    uint8_t *scratch; /* KP_SCRATCH_LEN, for use within one callback; may hold plaintext */
};

/* 0 or a negative uv error. */
int kp_loop_init(struct kp_loop *loop);
/* Runs until no active handle is left or uv_stop. */
void kp_loop_run(struct kp_loop *loop);
/* All handles must have been closed or be closing; wipes scratch. */
void kp_loop_close(struct kp_loop *loop);
/* Seconds of a clock that doesn't jump: what kp_conn_new asks for. */
uint64_t kp_loop_seconds(void);

#endif
