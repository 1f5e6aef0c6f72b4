/* One thread's event loop: see loop.h. */
#include "loop.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int kp_loop_init(struct kp_loop *loop)
{
    int error;
    loop->scratch = malloc(KP_SCRATCH_LEN);
    if (loop->scratch == NULL)
        return UV_ENOMEM;
    error = uv_loop_init(&loop->uv);
    if (error != 0) {
        free(loop->scratch);
        loop->scratch = NULL;
        return error;
    }
    loop->tasks = NULL;
    loop->tasks_end = &loop->tasks;
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

/* An idle handle: while it is active the loop doesn't sleep, and looks at its timers before and at
 * every socket after. */
static void work(uv_idle_t *idle)
{
    struct kp_loop *loop = idle->data;
    uint64_t start = uv_hrtime();
    do {
        struct kp_task *task = loop->tasks;
        if (task == NULL)
            break;
        kp_loop_forget(loop, task);
        task->run(task);
    } while (uv_hrtime() - start < KP_TASKS_NS);
}

void kp_loop_later(struct kp_loop *loop, struct kp_task *task)
{
    if (task->at != NULL)
        return;
    task->next = NULL;
    task->at = loop->tasks_end;
    *task->at = task;
    loop->tasks_end = &task->next;
    (void)uv_idle_start(&loop->work, work);
}

void kp_loop_forget(struct kp_loop *loop, struct kp_task *task)
{
    if (task->at == NULL)
        return;
    *task->at = task->next;
    if (task->next != NULL)
        task->next->at = task->at;
    else
        loop->tasks_end = task->at;
    task->at = NULL;
    if (loop->tasks == NULL)
        (void)uv_idle_stop(&loop->work);
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
