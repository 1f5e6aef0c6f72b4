/* Messages over a unix socket: see wire.h. */
#include "wire.h"

#include <stdlib.h>

#include "../platform.h"

void kp_wire_init(struct kp_wire *w, struct kp_loop *loop, size_t in_max, size_t waiting_max)
{
    w->loop = loop;
    w->waiting_max = waiting_max;
    w->over = false;
    kp_frames_init(&w->frames, in_max);
    (void)uv_pipe_init(&loop->uv, &w->pipe, 0);
}

static void end(struct kp_wire *w)
{
    if (w->over)
        return;
    w->over = true;
    (void)uv_read_stop((uv_stream_t *)&w->pipe);
    w->ended(w);
}

/* ---- Coming ------------------------------------------------------------------------------ */

static void lend(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    const struct kp_wire *w = (struct kp_wire *)(void *)handle;
    (void)wanted;
    *buf = uv_buf_init((char *)w->loop->scratch, KP_SCRATCH_LEN);
}

static bool take_one(void *owner, const char *text, size_t len)
{
    struct kp_wire *w = owner;
    w->message(w, text, len);
    return !w->over && !w->frames.broken;
}

static void came(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct kp_wire *w = (struct kp_wire *)(void *)stream;
    bool fine = true;
    if (len > 0) {
        fine = kp_frames_take(&w->frames, (const uint8_t *)buf->base, (size_t)len, take_one, w);
        explicit_bzero(buf->base, (size_t)len);
    }
    if (len < 0 || !fine)
        end(w);
}

bool kp_wire_start(struct kp_wire *w)
{
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&w->pipe, &fd) != 0 || kp_platform_unix_peer(fd) != KP_PEER_PERSON)
        return false;
    return uv_read_start((uv_stream_t *)&w->pipe, lend, came) == 0;
}

/* ---- Going ------------------------------------------------------------------------------- */

struct going {
    uv_write_t write; /* first */
    struct kp_out out;
};

static void gone_out(uv_write_t *write, int error)
{
    struct going *going = (struct going *)(void *)write;
    struct kp_wire *w = (struct kp_wire *)(void *)write->handle;
    kp_out_free(&going->out);
    free(going);
    if (error != 0 && !uv_is_closing((uv_handle_t *)&w->pipe))
        end(w);
}

/* Ends the wire soon by what it would hear from the other end: never from in here. */
void kp_wire_break(struct kp_wire *w)
{
    uv_os_fd_t fd;
    w->frames.broken = true;
    if (uv_fileno((uv_handle_t *)&w->pipe, &fd) == 0)
        (void)shutdown(fd, SHUT_RDWR);
}

void kp_wire_send(struct kp_wire *w, const char *text, size_t len)
{
    struct going *going = w->over || w->frames.broken ? NULL : calloc(1, sizeof *going);
    uv_buf_t buf;
    if (going == NULL)
        return;
    kp_frames_put(&going->out, text, len);
    buf = uv_buf_init(going->out.at, (unsigned)going->out.len);
    if (!going->out.failed &&
        uv_stream_get_write_queue_size((uv_stream_t *)&w->pipe) + len <= w->waiting_max &&
        uv_write(&going->write, (uv_stream_t *)&w->pipe, &buf, 1, gone_out) == 0)
        return;
    kp_out_free(&going->out);
    free(going);
    kp_wire_break(w);
}

void kp_wire_close(struct kp_wire *w, void (*gone)(uv_handle_t *handle))
{
    w->over = true;
    kp_frames_clear(&w->frames);
    uv_close((uv_handle_t *)&w->pipe, gone);
}
