/* One thread's event loop: see loop.h. */
#include "loop.h"

#include <stdlib.h>
#include <string.h>

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
    }
    return error;
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

uint64_t kp_loop_seconds(void)
{
    return uv_hrtime() / 1000000000u;
}
