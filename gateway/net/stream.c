/* A TCP or unix stream on a loop: see stream.h. */
#include "stream.h"

#include "sock.h"

static void polled(uv_poll_t *poll, int status, int events);

static void arm(struct kp_stream *stream, unsigned events)
{
    stream->armed = (uint8_t)events;
    if (events == 0)
        (void)uv_poll_stop(&stream->poll);
    else
        (void)uv_poll_start(&stream->poll, (int)events, polled);
}

static void polled(uv_poll_t *poll, int status, int events)
{
    struct kp_stream *stream = poll->data;
    if (status < 0) {
        /* libuv has stopped the handle on an error of the socket: reading or writing names it. */
        stream->wants = 0;
        stream->armed = 0;
        stream->ready(stream, KP_STREAM_READ | KP_STREAM_WRITE);
        return;
    }
    unsigned wanted = (unsigned)events & stream->wants;
    /* Only now that something unwanted happens is it worth a system call to hear no more of it. */
    if (((unsigned)events & ~(unsigned)stream->wants) != 0)
        arm(stream, stream->wants);
    if (wanted != 0)
        stream->ready(stream, wanted);
}

int kp_stream_open(struct kp_stream *stream, struct kp_loop *loop, int fd)
{
    int error = uv_poll_init(&loop->uv, &stream->poll, fd);
    stream->fd = -1;
    stream->wants = 0;
    stream->armed = 0;
    if (error != 0) {
        kp_sock_close(fd);
        return error;
    }
    stream->poll.data = stream;
    stream->fd = fd;
    return 0;
}

int kp_stream_connect(struct kp_stream *stream, struct kp_loop *loop,
                      const struct kp_address *address, bool *done)
{
    int fd = kp_sock_connect(address, done);
    int error;
    stream->fd = -1;
    if (fd < 0)
        return fd;
    error = kp_stream_open(stream, loop, fd);
    if (error == 0 && !*done)
        kp_stream_want(stream, KP_STREAM_WRITE);
    return error;
}

int kp_stream_error(const struct kp_stream *stream)
{
    return kp_sock_error(stream->fd);
}

void kp_stream_want(struct kp_stream *stream, unsigned events)
{
    stream->wants = (uint8_t)events;
    if ((events & ~(unsigned)stream->armed) != 0)
        arm(stream, events);
}

ssize_t kp_stream_read(struct kp_stream *stream, uint8_t *data, size_t len)
{
    return kp_sock_recv(stream->fd, data, len);
}

ssize_t kp_stream_write(struct kp_stream *stream, const uint8_t *data, size_t len)
{
    return kp_sock_send(stream->fd, data, len);
}

void kp_stream_end(struct kp_stream *stream)
{
    kp_sock_end(stream->fd);
}

static void poll_closed(uv_handle_t *handle)
{
    struct kp_stream *stream = handle->data;
    stream->closed(stream);
}

void kp_stream_close(struct kp_stream *stream, bool abort)
{
    uv_close((uv_handle_t *)&stream->poll, poll_closed);
    if (abort)
        kp_sock_abort(stream->fd);
    else
        kp_sock_close(stream->fd);
    stream->fd = -1;
}

int kp_stream_release(struct kp_stream *stream)
{
    int fd = stream->fd;
    uv_close((uv_handle_t *)&stream->poll, poll_closed);
    stream->fd = -1;
    return fd;
}

bool kp_stream_is_open(const struct kp_stream *stream)
{
    return stream->fd >= 0;
}
