/* The loop, connections and requests, as Mongoose has them: see mongoose.h. */
#include "mongoose.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/select.h>
#include <time.h>

#define RTLS_MAX (16 * 1024 + 40) /* beyond that the socket isn't read */

struct mg_timer {
    struct mg_timer *next;
    uint64_t period, at;
    void (*fn)(void *);
    void *arg;
};

static int fd_of(const struct mg_connection *c)
{
    return (int)(size_t)c->fd;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- Words and buffers --------------------------------------------------------------------- */

void mg_log(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

size_t mg_snprintf(char *buf, size_t len, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int made = vsnprintf(buf, len, format, args);
    va_end(args);
    return (size_t)made;
}

struct mg_str mg_str(const char *s)
{
    return (struct mg_str){(char *)(uintptr_t)s, strlen(s)};
}

/* A '#' at the end stands for any rest. */
bool mg_match(struct mg_str s, struct mg_str pattern, struct mg_str *caps)
{
    bool open = pattern.len > 0 && pattern.buf[pattern.len - 1] == '#';
    size_t len = pattern.len - open;
    (void)caps;
    return (open ? s.len >= len : s.len == len) && memcmp(s.buf, pattern.buf, len) == 0;
}

static void iobuf_resize(struct mg_iobuf *io, size_t size)
{
    io->buf = realloc(io->buf, size);
    io->size = size;
}

static void iobuf_add(struct mg_iobuf *io, const void *data, size_t len)
{
    if (io->len + len > io->size)
        iobuf_resize(io, (io->len + len + MG_IO_SIZE - 1) / MG_IO_SIZE * MG_IO_SIZE);
    memcpy(io->buf + io->len, data, len);
    io->len += len;
}

void mg_iobuf_del(struct mg_iobuf *io, size_t at, size_t len)
{
    memmove(io->buf + at, io->buf + at + len, io->len - at - len);
    io->len -= len;
}

/* ---- Bytes --------------------------------------------------------------------------------- */

void mg_call(struct mg_connection *c, int ev, void *ev_data)
{
    if (c->pfn != NULL)
        c->pfn(c, ev, ev_data);
    if (c->fn != NULL)
        c->fn(c, ev, ev_data);
}

void mg_error(struct mg_connection *c, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    MG_ERROR(("%lu %s", c->id, text));
    c->is_closing = 1;
    mg_call(c, MG_EV_ERROR, text);
}

static long moved(ssize_t n)
{
    if (n < 0 && (errno == EAGAIN || errno == EINPROGRESS))
        return MG_IO_WAIT;
    return n > 0 ? (long)n : MG_IO_ERR;
}

long mg_io_send(struct mg_connection *c, const void *buf, size_t len)
{
    return moved(send(fd_of(c), buf, len, 0));
}

long mg_io_recv(struct mg_connection *c, void *buf, size_t len)
{
    if (c->rtls.len == 0)
        return MG_IO_WAIT;
    if (len > c->rtls.len)
        len = c->rtls.len;
    memcpy(buf, c->rtls.buf, len);
    mg_iobuf_del(&c->rtls, 0, len);
    return (long)len;
}

bool mg_send(struct mg_connection *c, const void *buf, size_t len)
{
    iobuf_add(&c->send, buf, len);
    return true;
}

size_t mg_printf(struct mg_connection *c, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mg_send(c, text, (size_t)len);
    return (size_t)len;
}

static void iolog(struct mg_connection *c, long n, bool r)
{
    if (n == MG_IO_WAIT)
        return;
    if (n <= 0) {
        c->is_closing = 1;
    } else if (r) {
        c->recv.len += (size_t)n;
        mg_call(c, MG_EV_READ, &n);
    } else {
        mg_iobuf_del(&c->send, 0, (size_t)n);
        mg_call(c, MG_EV_WRITE, &n);
    }
}

static bool ioalloc(struct mg_connection *c, struct mg_iobuf *io)
{
    if (io->len >= MG_MAX_RECV_SIZE)
        mg_error(c, "MG_MAX_RECV_SIZE");
    else if (io->size <= io->len)
        iobuf_resize(io, io->size + MG_IO_SIZE);
    return io->size > io->len;
}

static long read_tls(struct mg_connection *c)
{
    size_t rtls = c->rtls.len, pending = mg_tls_pending(c);
    long n = MG_IO_WAIT, m = MG_IO_WAIT;
    if (c->rtls.len < RTLS_MAX) {
        if (!ioalloc(c, &c->rtls))
            return MG_IO_ERR;
        n = moved(recv(fd_of(c), c->rtls.buf + c->rtls.len, c->rtls.size - c->rtls.len, 0));
        if (n > 0)
            c->rtls.len += (size_t)n;
    }
    if (!c->is_tls_hs)
        m = mg_tls_recv(c, c->recv.buf + c->recv.len, c->recv.size - c->recv.len);
    else if (n != MG_IO_ERR || c->rtls.len > 0 || pending > 0)
        mg_tls_handshake(c);
    if (n == MG_IO_ERR && (m == MG_IO_ERR || (c->rtls.len == 0 && mg_tls_pending(c) == 0) ||
                           (c->is_tls_hs && c->rtls.len == rtls && mg_tls_pending(c) == pending))) {
        c->is_closing = 1;
        if (m < 0)
            m = MG_IO_ERR;
    }
    return m;
}

static void read_conn(struct mg_connection *c)
{
    if (!ioalloc(c, &c->recv))
        return;
    iolog(c,
          c->is_tls
              ? read_tls(c)
              : moved(recv(fd_of(c), c->recv.buf + c->recv.len, c->recv.size - c->recv.len, 0)),
          true);
}

static void write_conn(struct mg_connection *c)
{
    iolog(c,
          c->is_tls ? mg_tls_send(c, c->send.buf, c->send.len)
                    : mg_io_send(c, c->send.buf, c->send.len),
          false);
}

/* ---- Connections --------------------------------------------------------------------------- */

static struct mg_connection *add_conn(struct mg_mgr *mgr, int fd)
{
    struct mg_connection *c = calloc(1, sizeof *c);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    c->mgr = mgr;
    c->fd = (void *)(size_t)fd;
    c->id = ++mgr->nextid;
    c->next = mgr->conns;
    mgr->conns = c;
    return c;
}

static void set_address(struct mg_addr *to, const struct sockaddr_in *from)
{
    memcpy(to->ip, &from->sin_addr, 4);
    to->port = from->sin_port;
}

static void accept_conn(struct mg_mgr *mgr, const struct mg_connection *lsn)
{
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    int on = 1, fd = accept(fd_of(lsn), (struct sockaddr *)&from, &len);
    struct mg_connection *c;
    if (fd < 0)
        return;
    c = add_conn(mgr, fd);
    set_address(&c->rem, &from);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->is_accepted = 1;
    c->loc = lsn->loc;
    c->pfn = lsn->pfn;
    c->fn = lsn->fn;
    c->fn_data = lsn->fn_data;
    c->is_tls = lsn->is_tls;
    mg_call(c, MG_EV_OPEN, NULL);
    mg_call(c, MG_EV_ACCEPT, NULL);
    if (!c->is_tls_hs)
        c->is_tls = 0; /* nobody called mg_tls_init */
}

static void close_conn(struct mg_connection *c)
{
    struct mg_connection **at = &c->mgr->conns;
    close(fd_of(c));
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    mg_call(c, MG_EV_CLOSE, NULL);
    mg_tls_free(c);
    free(c->recv.buf);
    free(c->send.buf);
    free(c->rtls.buf);
    free(c);
}

/* ---- The loop ------------------------------------------------------------------------------ */

static void iotest(struct mg_mgr *mgr, int ms)
{
    struct timeval wait = {ms / 1000, ms % 1000 * 1000};
    fd_set in, out;
    int highest = -1;
    FD_ZERO(&in);
    FD_ZERO(&out);
    for (struct mg_connection *c = mgr->conns; c != NULL; c = c->next) {
        c->is_readable = c->is_writable = 0;
        if (c->is_closing || c->rtls.len > 0 || mg_tls_pending(c) > 0)
            wait = (struct timeval){0, 1000};
        if (c->is_closing)
            continue;
        if (!c->is_full)
            FD_SET(fd_of(c), &in);
        if (c->send.len > 0 && !c->is_tls_hs)
            FD_SET(fd_of(c), &out);
        if (fd_of(c) > highest)
            highest = fd_of(c);
    }
    if (select(highest + 1, &in, &out, NULL, &wait) <= 0) {
        FD_ZERO(&in);
        FD_ZERO(&out);
    }
    for (struct mg_connection *c = mgr->conns; c != NULL; c = c->next) {
        c->is_readable = FD_ISSET(fd_of(c), &in) || c->rtls.len > 0 || mg_tls_pending(c) > 0;
        c->is_writable = FD_ISSET(fd_of(c), &out) != 0;
    }
}

static void run_timers(struct mg_mgr *mgr)
{
    uint64_t now = now_ms();
    for (struct mg_timer *t = mgr->timers; t != NULL; t = t->next)
        if (t->at <= now) {
            t->at = now + t->period;
            t->fn(t->arg);
        }
}

static long flush(struct mg_connection *c)
{
#ifdef TEST_FLUSH_IS_VOID
    mg_tls_flush(c);
    return 0;
#else
    return mg_tls_flush(c);
#endif
}

void mg_mgr_poll(struct mg_mgr *mgr, int ms)
{
    struct mg_connection *next;
    iotest(mgr, ms);
    run_timers(mgr);
    for (struct mg_connection *c = mgr->conns; c != NULL; c = next) {
        bool was_resp = c->is_resp;
        long left = 0, none = 0;
        next = c->next;
        mg_call(c, MG_EV_POLL, NULL);
        if (was_resp && !c->is_resp)
            mg_call(c, MG_EV_READ, &none);
        if (c->is_listening && !c->is_closing) {
            if (c->is_readable)
                accept_conn(mgr, c);
        } else if (!c->is_closing) {
            if (c->is_readable)
                read_conn(c);
            if (c->is_writable)
                write_conn(c);
            if (c->is_tls && !c->is_tls_hs && c->send.len == 0)
                left = flush(c);
        }
        if (left == MG_IO_ERR)
            mg_error(c, "tx err");
        if (c->is_draining && c->send.len == 0 && left == 0)
            c->is_closing = 1;
        if (c->is_closing)
            close_conn(c);
    }
}

struct mg_timer *mg_timer_add(struct mg_mgr *mgr, uint64_t ms, unsigned flags, void (*fn)(void *),
                              void *arg)
{
    struct mg_timer *t = calloc(1, sizeof *t);
    (void)flags;
    *t = (struct mg_timer){mgr->timers, ms, now_ms() + ms, fn, arg};
    mgr->timers = t;
    return t;
}

void mg_mgr_init(struct mg_mgr *mgr)
{
    memset(mgr, 0, sizeof *mgr);
    signal(SIGPIPE, SIG_IGN);
    mg_tls_ctx_init(mgr);
}

void mg_mgr_free(struct mg_mgr *mgr)
{
    while (mgr->timers != NULL) {
        struct mg_timer *t = mgr->timers;
        mgr->timers = t->next;
        free(t);
    }
    for (struct mg_connection *c = mgr->conns; c != NULL; c = c->next)
        c->is_closing = 1;
    mg_mgr_poll(mgr, 0);
    mg_tls_ctx_free(mgr);
}

/* ---- Requests ------------------------------------------------------------------------------ */

static struct mg_str cut(struct mg_str *from, char at)
{
    struct mg_str word = *from;
    char *end = memchr(from->buf, at, from->len);
    word.len = end != NULL ? (size_t)(end - from->buf) : from->len;
    from->buf += word.len + (end != NULL);
    from->len -= word.len + (end != NULL);
    return word;
}

static const char *field(const struct mg_http_message *hm, const char *name)
{
    const char *at = memmem(hm->head.buf, hm->head.len, name, strlen(name));
    return at != NULL ? at + strlen(name) : NULL;
}

/* false: the head isn't all there. */
static bool parse(const struct mg_connection *c, struct mg_http_message *hm)
{
    char *end = memmem(c->recv.buf, c->recv.len, "\r\n\r\n", 4);
    struct mg_str line;
    const char *length;
    if (end == NULL)
        return false;
    hm->head = (struct mg_str){(char *)c->recv.buf, (size_t)(end - (char *)c->recv.buf) + 4};
    line = hm->head;
    hm->method = cut(&line, ' ');
    hm->query = cut(&line, ' ');
    hm->uri = cut(&hm->query, '?');
    length = field(hm, "\r\nContent-Length: ");
    hm->body = (struct mg_str){end + 4, length != NULL ? strtoul(length, NULL, 10) : 0};
    return true;
}

static void http_cb(struct mg_connection *c, int ev, void *ev_data)
{
    struct mg_http_message hm;
    (void)ev_data;
    if (ev != MG_EV_READ)
        return;
    while (!c->is_resp && !c->is_closing && !c->is_draining && parse(c, &hm)) {
        size_t whole = hm.head.len + hm.body.len;
        bool last;
        mg_call(c, MG_EV_HTTP_HDRS, &hm);
        if (c->pfn != http_cb || c->is_closing || c->recv.len < whole)
            return;
        last = field(&hm, "\r\nConnection: close\r\n") != NULL;
        c->is_resp = 1;
        mg_call(c, MG_EV_HTTP_MSG, &hm);
        if (last && !c->is_resp)
            c->is_draining = 1;
        mg_iobuf_del(&c->recv, 0, whole);
    }
}

void mg_http_reply(struct mg_connection *c, int status, const char *headers, const char *format,
                   ...)
{
    char body[8192];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(body, sizeof body, format, args);
    va_end(args);
    mg_printf(c, "HTTP/1.1 %d Code\r\n%sContent-Length: %d\r\n\r\n", status,
              headers != NULL ? headers : "", len);
    mg_send(c, body, (size_t)len);
    c->is_resp = 0;
}

struct mg_connection *mg_http_listen(struct mg_mgr *mgr, const char *url, mg_event_handler_t fn,
                                     void *fn_data)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    int on = 1, small = 4096, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct mg_connection *c;
    at.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    /* A device's: the wire is full again and again, in the middle of records. */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    if (bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        close(fd);
        return NULL;
    }
    c = add_conn(mgr, fd);
    set_address(&c->loc, &at);
    c->is_listening = 1;
    c->is_tls = strncmp(url, "https:", 6) == 0;
    c->pfn = http_cb;
    c->fn = fn;
    c->fn_data = fn_data;
    return c;
}
