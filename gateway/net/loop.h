/*
 * One thread's event loop: libuv's, a piece of memory that every stream of the loop reads into, and
 * a queue for heavy work, which is done a little in each turn so that nobody waits for all of it.
 */
#ifndef KP_NET_LOOP_H
#define KP_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/* Three whole records: larger reads gain nothing, and buffers of 64 KiB and more would make glibc
 * tidy its whole heap at every free. */
#define KP_SCRATCH_LEN (3 * 16384)
/* A connection's record buffer: what one read of scratch becomes when sealed, so that it leaves in
 * one write. */
#define KP_RECORD_BUFFER_LEN (3 * (16384 + 5 + 16 + 16 + 64))

/* A turn's share of the queue; one task is done in each turn however long it takes. */
#define KP_TASKS_NS 3000000u

/* A piece of heavy work that waits; part of what it is for. */
struct kp_task {
    struct kp_task *next;
    struct kp_task **at; /* the pointer that points here; NULL: it doesn't wait */
    void (*run)(struct kp_task *task);
};

/* So many connections of a loop keep what they computed of their keys: those that were busy last.
 */
#define KP_LOOP_WARM 32

struct kp_secure;

struct kp_loop {
    uv_loop_t uv;
    struct kp_secure *warm[KP_LOOP_WARM]; /* secure_stream.c's; NULL: free */
    unsigned warm_next;                   /* the slot that is given away next */
    uint8_t *scratch; /* KP_SCRATCH_LEN, for use within one callback; may hold plaintext */
    struct kp_task *tasks, **tasks_end;
    uv_idle_t work; /* active while tasks wait */
};

/* 0 or a negative uv error. */
int kp_loop_init(struct kp_loop *loop);
/* Runs until no active handle is left or uv_stop. */
void kp_loop_run(struct kp_loop *loop);
/* All handles must have been closed or be closing; wipes scratch. */
void kp_loop_close(struct kp_loop *loop);
/* Runs the task once, behind those that wait already and after timers, wake-ups and the sockets of
 * this turn had theirs.  task->run must be set; a task that waits already keeps its place. */
void kp_loop_later(struct kp_loop *loop, struct kp_task *task);
/* It is not run; fine for one that doesn't wait. */
void kp_loop_forget(struct kp_loop *loop, struct kp_task *task);
/* Seconds of a clock that doesn't jump and goes on while the machine sleeps: what kp_conn_new asks
 * for. */
uint64_t kp_loop_seconds(void);

#endif
