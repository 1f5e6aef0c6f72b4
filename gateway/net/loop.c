/* One thread's event loop: see loop.h. */
#include "loop.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int kp_loop_init(struct kp_loop *loop)
{
    int error;
    memset(loop, 0, sizeof *loop);
    loop->scratch = malloc(KP_SCRATCH_LEN);
    if (loop->scratch == NULL)
        return UV_ENOMEM;
    error = uv_loop_init(&loop->uv);
    if (error != 0) {
        free(loop->scratch);
        loop->scratch = NULL;
        return error;
    }
    for (size_t i = 0; i < KP_TASK_QUEUES; i++)
        loop->tasks[i] = (struct kp_task_list){NULL, &loop->tasks[i].first};
    (void)uv_idle_init(&loop->uv, &loop->work);
    loop->work.data = loop;
    return 0;
}

void kp_loop_run(struct kp_loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

static void close_left(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void kp_loop_close(struct kp_loop *loop)
{
    if (loop->scratch == NULL)
        return;
    uv_walk(&loop->uv, close_left, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop->uv);
    explicit_bzero(loop->scratch, KP_SCRATCH_LEN);
    free(loop->scratch);
    loop->scratch = NULL;
}

/* ---- Heavy work -------------------------------------------------------------------------- */

static void work(uv_idle_t *idle);

static void put(struct kp_loop *loop, struct kp_task *task, struct kp_task **at)
{
    struct kp_task_list *list = &loop->tasks[task->queue];
    task->next = *at;
    task->at = at;
    *at = task;
    if (task->next != NULL)
        task->next->at = &task->next;
    else
        list->end = &task->next;
    loop->strangers += task->queue == KP_TASK_LAST;
    (void)uv_idle_start(&loop->work, work);
}

static void put_last(struct kp_loop *loop, struct kp_task *task, enum kp_task_queue queue)
{
    task->queue = (uint8_t)queue;
    put(loop, task, loop->tasks[queue].end);
}

static struct kp_task *first_of_all(struct kp_loop *loop)
{
    for (size_t i = 0; i < KP_TASK_QUEUES; i++)
        if (loop->tasks[i].first != NULL)
            return loop->tasks[i].first;
    return NULL;
}

/* A moving average, which follows within a dozen tasks. */
static void measure(struct kp_loop *loop, uint64_t start)
{
    uint64_t now = uv_hrtime();
    uint64_t took = now - start;
    uint32_t sample = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
    if (loop->task_ns == 0)
        loop->task_ns = sample;
    else
        loop->task_ns = loop->task_ns - loop->task_ns / 8 + sample / 8;
    loop->done = loop->tasks[KP_TASK_LAST].first != NULL ? now : 0;
}

static void run_one(struct kp_loop *loop, struct kp_task *task)
{
    uint64_t start = loop->done != 0 ? loop->done : uv_hrtime();
    bool strange = task->queue == KP_TASK_LAST;
    kp_loop_forget(loop, task);
    if (strange)
        loop->round = task->round;
    task->run(task); /* which may free it */
    if (strange)
        measure(loop, start);
}

/* An idle handle: while it is active the loop doesn't sleep, and looks at its timers before and at
 * every socket after. */
static void work(uv_idle_t *idle)
{
    struct kp_loop *loop = idle->data;
    uint64_t start = uv_hrtime();
    do {
        struct kp_task *task = first_of_all(loop);
        if (task == NULL)
            break;
        run_one(loop, task);
    } while (!loop->pressed && uv_hrtime() - start < KP_TASKS_NS);
    loop->pressed = false;
}

void kp_loop_later(struct kp_loop *loop, struct kp_task *task)
{
    if (task->at == NULL)
        put_last(loop, task, KP_TASK_FIRST);
}

/* Rounds go round: those that wait are never far apart. */
static bool is_after(uint16_t a, uint16_t b)
{
    return (int16_t)(uint16_t)(a - b) > 0;
}

/* Its place: one round behind the last of its own source, at the end of that round.  So the queue
 * is in the order of its rounds, and its last one is the youngest of the source that has most. */
static struct kp_task **place_for(struct kp_loop *loop, struct kp_task *task)
{
    struct kp_task **at = &loop->tasks[KP_TASK_LAST].first;
    task->round = loop->round;
    for (const struct kp_task *t = *at; t != NULL; t = t->next)
        if (t->source == task->source)
            task->round = (uint16_t)(t->round + 1);
    while (*at != NULL && !is_after((*at)->round, task->round))
        at = &(*at)->next;
    return at;
}

static unsigned most_strangers(const struct kp_loop *loop)
{
    uint64_t fit;
    if (loop->patience_ms == 0 || loop->task_ns == 0)
        return KP_TASKS_MOST;
    fit = loop->patience_ms * 1000000ull / loop->task_ns;
    return fit == 0 ? 1 : fit < KP_TASKS_MOST ? (unsigned)fit : KP_TASKS_MOST;
}

static void refuse_last(struct kp_loop *loop)
{
    struct kp_task *last = (struct kp_task *)(void *)loop->tasks[KP_TASK_LAST].end; /* its next */
    kp_loop_forget(loop, last);
    put_last(loop, last, KP_TASK_REFUSED);
    if (loop->busy != NULL)
        loop->busy(loop);
}

void kp_loop_in_turn(struct kp_loop *loop, struct kp_task *task)
{
    if (task->at != NULL)
        return;
    task->queue = KP_TASK_LAST;
    put(loop, task, place_for(loop, task));
    if (loop->strangers > most_strangers(loop))
        refuse_last(loop);
}

void kp_loop_forget(struct kp_loop *loop, struct kp_task *task)
{
    if (task->at == NULL)
        return;
    *task->at = task->next;
    if (task->next != NULL)
        task->next->at = task->at;
    else
        loop->tasks[task->queue].end = task->at;
    task->at = NULL;
    loop->strangers -= task->queue == KP_TASK_LAST;
    if (loop->strangers == 0)
        loop->done = 0;
    if (first_of_all(loop) == NULL)
        (void)uv_idle_stop(&loop->work);
}

/* ---- Descriptors ------------------------------------------------------------------------- */

bool kp_loop_makes_room(struct kp_loop *loop, int error)
{
    return (error == UV_EMFILE || error == UV_ENFILE) && loop->starved != NULL &&
           loop->starved(loop);
}

/* ---- Time -------------------------------------------------------------------------------- */

uint64_t kp_loop_seconds(void)
{
#ifdef CLOCK_BOOTTIME
    struct timespec now;
    if (clock_gettime(CLOCK_BOOTTIME, &now) == 0)
        return (uint64_t)now.tv_sec;
#endif
    return uv_hrtime() / 1000000000u;
}
