/*
 * ustream and ustream_fd as libubox has them, for a harness on systems without libubox: written
 * anew after their behaviour in ustream.c and ustream-fd.c (libubox of 2012 and of 2025; where they
 * differ, the newer one: it reads nothing while reading is blocked, doesn't call notify_read from
 * within itself, and takes an error of the socket for a write_error).
 */
#include <libubox/ustream.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Buffers ------------------------------------------------------------------------------- */

static bool can_alloc(const struct ustream_buf_list *l)
{
    return l->max_buffers <= 0 || l->buffers < l->max_buffers;
}

static void add_buf(struct ustream_buf_list *l, struct ustream_buf *buf)
{
    l->buffers++;
    buf->next = NULL;
    buf->data = buf->tail = buf->head;
    buf->head[0] = 0;
    *(l->tail ? &l->tail->next : &l->head) = buf;
    l->tail = buf;
    if (!l->data_tail)
        l->data_tail = l->head;
}

static int alloc_buf(struct ustream *s, struct ustream_buf_list *l)
{
    size_t len = (size_t)l->buffer_len;
    struct ustream_buf *buf;
    if (!can_alloc(l))
        return -1;
    buf = malloc(sizeof *buf + len + s->string_data);
    if (!buf)
        return -1;
    buf->end = buf->head + len;
    add_buf(l, buf);
    return 0;
}

/* Of a list that is emptied at its head. */
static void free_buf(struct ustream_buf_list *l, struct ustream_buf *buf)
{
    if (buf == l->head)
        l->head = buf->next;
    if (buf == l->data_tail)
        l->data_tail = buf->next;
    if (buf == l->tail)
        l->tail = NULL;
    if (--l->buffers >= l->min_buffers)
        free(buf);
    else
        add_buf(l, buf);
}

static void free_bufs(struct ustream_buf_list *l)
{
    while (l->head) {
        struct ustream_buf *buf = l->head;
        l->head = buf->next;
        free(buf);
    }
    l->tail = l->data_tail = NULL;
}

static void end_string(const struct ustream *s, struct ustream_buf *buf)
{
    if (s->string_data)
        *buf->tail = 0;
}

static bool should_move(const struct ustream_buf_list *l, const struct ustream_buf *buf, int len)
{
    ptrdiff_t size = buf->end - buf->head, offset = buf->data - buf->head;
    if (offset == 0)
        return false;
    if (offset > size / 2 || (buf->tail - buf->data < 32 && offset > size / 4))
        return true;
    return buf == l->tail && !can_alloc(l) && buf->end - buf->tail < len;
}

/* Room for at least a byte at data_tail. */
static bool prepare(struct ustream *s, struct ustream_buf_list *l, int len)
{
    struct ustream_buf *buf = l->data_tail;
    if (buf && should_move(l, buf, len)) {
        ptrdiff_t have = buf->tail - buf->data;
        memmove(buf->head, buf->data, (size_t)have);
        buf->data = buf->head;
        buf->tail = buf->data + have;
        if (l == &s->r)
            end_string(s, buf);
    }
    if (buf && buf->tail != buf->end)
        return true;
    if (buf && buf->next) {
        l->data_tail = buf->next;
        return true;
    }
    if (!can_alloc(l) || l->alloc(s, l) < 0)
        return false;
    l->data_tail = l->tail;
    return true;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static void set_blocked(struct ustream *s, unsigned reasons)
{
    bool changed = !s->read_blocked != !reasons;
    s->read_blocked = (enum read_blocked_reason)reasons;
    if (changed)
        s->set_read_blocked(s);
}

void ustream_set_read_blocked(struct ustream *s, bool set)
{
    unsigned others = s->read_blocked & ~(unsigned)READ_BLOCKED_USER;
    set_blocked(s, others | (set ? READ_BLOCKED_USER : 0));
}

void ustream_consume(struct ustream *s, int len)
{
    struct ustream_buf *buf = s->r.head;
    if (len == 0)
        return;
    s->r.data_bytes -= len;
    if (s->r.data_bytes < 0)
        abort();
    while (len > 0) {
        struct ustream_buf *next = buf->next;
        int have = (int)(buf->tail - buf->data);
        if (len < have) {
            buf->data += len;
            break;
        }
        len -= have;
        free_buf(&s->r, buf);
        buf = next;
    }
    set_blocked(s, s->read_blocked & ~(unsigned)READ_BLOCKED_FULL);
}

char *ustream_reserve(struct ustream *s, int len, int *maxlen)
{
    if (!prepare(s, &s->r, len)) {
        set_blocked(s, s->read_blocked | READ_BLOCKED_FULL);
        *maxlen = 0;
        return NULL;
    }
    *maxlen = (int)(s->r.data_tail->end - s->r.data_tail->tail);
    return s->r.data_tail->tail;
}

void ustream_fill_read(struct ustream *s, int len)
{
    struct ustream_buf *buf = s->r.data_tail;
    if (!buf || buf->end - buf->tail < len)
        abort();
    s->r.data_bytes += len;
    buf->tail += len;
    end_string(s, buf);
    if (!s->notify_read || s->in_notify_read)
        return;
    s->in_notify_read = true;
    s->notify_read(s, s->r.data_bytes);
    s->in_notify_read = false;
}

char *ustream_get_read_buf(struct ustream *s, int *buflen)
{
    struct ustream_buf *buf = s->r.head;
    int len = buf ? (int)(buf->tail - buf->data) : 0;
    if (buflen)
        *buflen = len;
    return len > 0 ? buf->data : NULL;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static void write_failed(struct ustream *s)
{
    if (!s->write_error)
        ustream_state_change(s);
    s->write_error = true;
}

bool ustream_write_pending(struct ustream *s)
{
    struct ustream_buf *buf = s->w.head;
    int written = 0;
    if (s->write_error)
        return false;
    while (buf && s->w.data_bytes > 0) {
        struct ustream_buf *next = buf->next;
        int have = (int)(buf->tail - buf->data);
        int len = s->write(s, buf->data, have, next != NULL);
        if (len < 0)
            write_failed(s);
        if (len <= 0)
            break;
        written += len;
        s->w.data_bytes -= len;
        if (len < have) {
            buf->data += len;
            break;
        }
        free_buf(&s->w, buf);
        buf = next;
    }
    if (s->notify_write)
        s->notify_write(s, written);
    if (s->eof && written > 0 && s->w.data_bytes == 0)
        ustream_state_change(s);
    return s->w.data_bytes == 0;
}

int ustream_write(struct ustream *s, const char *data, int len, bool more)
{
    int written = 0;
    if (s->write_error)
        return 0;
    if (s->w.data_bytes == 0) {
        written = s->write(s, data, len, more);
        if (written < 0)
            write_failed(s);
        if (written < 0 || written == len)
            return written;
    }
    while (written < len && prepare(s, &s->w, len - written)) {
        struct ustream_buf *buf = s->w.data_tail;
        int room = (int)(buf->end - buf->tail);
        if (room > len - written)
            room = len - written;
        memcpy(buf->tail, data + written, (size_t)room);
        buf->tail += room;
        s->w.data_bytes += room;
        written += room;
    }
    return written;
}

int ustream_printf(struct ustream *s, const char *format, ...)
{
    char text[1024];
    va_list args;
    int len;
    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text)
        abort();
    return ustream_write(s, text, len, false);
}

/* ---- Beginning and end --------------------------------------------------------------------- */

static void state_changed(struct uloop_timeout *timer)
{
    struct ustream *s = container_of(timer, struct ustream, state_change);
    if (s->write_error)
        free_bufs(&s->w);
    if (s->notify_state)
        s->notify_state(s);
}

static void list_defaults(struct ustream_buf_list *l, int min, int max, int len)
{
    if (!l->alloc)
        l->alloc = alloc_buf;
    if (!l->min_buffers)
        l->min_buffers = min;
    if (!l->max_buffers)
        l->max_buffers = max;
    if (!l->buffer_len)
        l->buffer_len = len;
    l->buffers = 0;
    l->data_bytes = 0;
}

void ustream_init_defaults(struct ustream *s)
{
    list_defaults(&s->r, 1, 1, 4096);
    list_defaults(&s->w, 2, -1, 256);
    s->state_change.cb = state_changed;
    s->write_error = false;
    s->eof = false;
    s->read_blocked = 0;
}

void ustream_free(struct ustream *s)
{
    if (s->free)
        s->free(s);
    uloop_timeout_cancel(&s->state_change);
    free_bufs(&s->r);
    free_bufs(&s->w);
}

/* ---- Of a descriptor ----------------------------------------------------------------------- */

static struct ustream_fd *fd_of(struct ustream *s)
{
    return container_of(s, struct ustream_fd, stream);
}

static void watch(struct ustream *s, bool write)
{
    unsigned flags = ULOOP_EDGE_TRIGGER | ULOOP_ERROR_CB;
    if (!s->read_blocked && !s->eof)
        flags |= ULOOP_READ;
    if (write || (s->w.head && s->w.data_bytes > 0 && !s->write_error))
        flags |= ULOOP_WRITE;
    uloop_fd_add(&fd_of(s)->fd, flags);
}

static void fd_set_read_blocked(struct ustream *s)
{
    watch(s, false);
}

static bool fd_read(struct ustream *s)
{
    bool more = false;
    for (;;) {
        int room = 0;
        char *buf = s->read_blocked ? NULL : ustream_reserve(s, 1, &room);
        ssize_t len;
        if (!buf)
            return more;
        len = read(fd_of(s)->fd.fd, buf, (size_t)room);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && (errno == EAGAIN || errno == ENOTCONN))
            return more;
        if (len <= 0) {
            if (!s->eof)
                ustream_state_change(s);
            s->eof = true;
            watch(s, false);
            return more;
        }
        ustream_fill_read(s, (int)len);
        more = true;
    }
}

static int fd_write(struct ustream *s, const char *buf, int len, bool more)
{
    int written = 0;
    (void)more;
    while (written < len) {
        ssize_t one = write(fd_of(s)->fd.fd, buf + written, (size_t)(len - written));
        if (one < 0 && errno == EINTR)
            continue;
        if (one < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
            watch(s, true);
            break;
        }
        if (one < 0)
            return -1;
        written += (int)one;
    }
    return written;
}

static bool fd_events(struct ustream *s, unsigned events)
{
    bool more = events & ULOOP_READ ? fd_read(s) : false;
    if ((events & ULOOP_WRITE) && ustream_write_pending(s))
        watch(s, false);
    if (fd_of(s)->fd.error && !s->write_error) {
        ustream_state_change(s);
        s->write_error = true;
        watch(s, false);
    }
    return more;
}

static bool fd_poll(struct ustream *s)
{
    return fd_events(s, ULOOP_READ | ULOOP_WRITE);
}

static void fd_called(struct uloop_fd *fd, unsigned int events)
{
    (void)fd_events(&container_of(fd, struct ustream_fd, fd)->stream, events);
}

static void fd_free(struct ustream *s)
{
    uloop_fd_delete(&fd_of(s)->fd);
}

void ustream_fd_init(struct ustream_fd *sf, int fd)
{
    struct ustream *s = &sf->stream;
    ustream_init_defaults(s);
    sf->fd.fd = fd;
    sf->fd.cb = fd_called;
    s->set_read_blocked = fd_set_read_blocked;
    s->write = fd_write;
    s->free = fd_free;
    s->poll = fd_poll;
    watch(s, false);
}
