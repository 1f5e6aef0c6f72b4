/*
 * One thread's event loop: libuv's, a piece of memory that every stream of the loop reads into, and
 * queues for heavy work, which is done a little in each turn so that nobody waits for all of it.
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

/* So many strangers' tasks wait at most. */
#define KP_TASKS_MOST 256

/* In which queue a task waits.  A queue is worked off when those before it are empty. */
enum kp_task_queue {
    KP_TASK_REFUSED, /* it was for the last one, and there was no place: run only has to clean up */
    KP_TASK_FIRST,   /* of who has proved something, or cheap: as they come */
    KP_TASK_LAST,    /* of strangers: sources take turns, and only so many wait */
    KP_TASK_QUEUES,
};

/* A piece of heavy work that waits; part of what it is for. */
struct kp_task {
    struct kp_task *next;
    struct kp_task **at; /* the pointer that points here; NULL: it doesn't wait */
    void (*run)(struct kp_task *task);
    uint32_t source; /* the owner's: who takes turns with others */
    uint16_t round;  /* how many turns of its source came before, since the loop's own */
    uint8_t queue;   /* enum kp_task_queue; when it runs, where it waited */
};

struct kp_task_list {
    struct kp_task *first, **end;
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
    struct kp_task_list tasks[KP_TASK_QUEUES];
    unsigned strangers;   /* that wait in KP_TASK_LAST */
    uint16_t round;       /* of the stranger's task that ran last */
    uint32_t task_ns;     /* what one of them takes, the others' work between them included; 0: not
                           * known yet */
    uint32_t patience_ms; /* the owner's: strangers wait no longer for their turn; 0: no limit */
    uint64_t done;        /* uv_hrtime of the last one's end, if another waited then; else 0 */
    uv_idle_t work;       /* active while tasks wait */
    bool pressed;         /* more came than could be accepted: one task is enough in this turn */
    void *owner;          /* for the hooks, which may be NULL */
    /* A task of a stranger finds no place. */
    void (*busy)(struct kp_loop *loop);
    /* There is no descriptor left.  Whether one is free by the next turn. */
    bool (*starved)(struct kp_loop *loop);
};

/* 0 or a negative uv error. */
int kp_loop_init(struct kp_loop *loop);
/* Runs until no active handle is left or uv_stop. */
void kp_loop_run(struct kp_loop *loop);
/* All handles must have been closed or be closing; wipes scratch. */
void kp_loop_close(struct kp_loop *loop);
/* Runs the task once, after timers, wake-ups and the sockets of this turn had theirs.  task->run
 * must be set; a task that waits already keeps its place. */
void kp_loop_later(struct kp_loop *loop, struct kp_task *task);
/* The same of a stranger's task (KP_TASK_LAST): behind one of each other source that has one, not
 * behind all of them.  When KP_TASKS_MOST wait, or so many as take loop->patience_ms, the youngest
 * of the source that has most of them is refused: it runs soon, with task->queue KP_TASK_REFUSED.
 */
void kp_loop_in_turn(struct kp_loop *loop, struct kp_task *task);
/* It is not run; fine for one that doesn't wait. */
void kp_loop_forget(struct kp_loop *loop, struct kp_task *task);
/* error: of uv.  Whether it was for want of a descriptor, and one is free by the next turn. */
bool kp_loop_makes_room(struct kp_loop *loop, int error);
/* Seconds of a clock that doesn't jump and goes on while the machine sleeps: what kp_conn_new asks
 * for. */
uint64_t kp_loop_seconds(void);

#endif
