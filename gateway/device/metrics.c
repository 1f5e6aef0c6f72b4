/* Where the counters are read: see metrics.h. */
#include "metrics.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "creds/store.h"

#include "../http/authority.h"
#include "../http/parser.h"
#include "../net/sock.h"
#include "../process.h"

#define ASKERS_MAX 8
#define REQUEST_MAX 4096 /* bytes of one */
#define ASKER_MS 5000    /* from its connection to its end */
#define REST_MS 300      /* when no descriptor is left for one */
#define PROBE_MS 300     /* whether somebody answers on a unix socket */

_Static_assert(KP_LACKS == KP_COUNTED_LACKS, "each lack has its counter");

struct asker {
    struct kp_metrics *metrics;
    uv_poll_t poll;
    uv_timer_t timer;
    int fd;
    unsigned closing; /* handles that are yet to close */
    struct kp_http_parser parser;
    struct kp_out answer; /* what is left of it is answer.at + sent */
    size_t read, sent;
    bool answered; /* all was sent: its end is waited for */
};

struct kp_metrics {
    struct kp_workshop *shop;
    struct kp_process process;
    uv_loop_t *loop;
    uv_poll_t poll;
    uv_timer_t rest;
    int listener;
    struct asker *askers[ASKERS_MAX]; /* NULL: a free place */
    unsigned count;                   /* of them */
    bool local;                       /* a unix socket */
    bool ending;
    unsigned started;                                     /* handles for it that are open */
    char path[sizeof((struct sockaddr_un *)0)->sun_path]; /* of it */
    struct stat made;
};

/* ---- The answer -------------------------------------------------------------------------- */

static bool is_loopback_name(struct kp_slice host)
{
    struct kp_http_authority authority;
    char name[64];
    struct in_addr v4;
    struct in6_addr v6;
    size_t len;
    if (!kp_http_authority_read(&authority, host))
        return false;
    len = authority.name.len;
    if (len >= 2 && authority.name.at[0] == '[') {
        authority.name.at++;
        len -= 2;
    }
    if (len >= sizeof name)
        return false;
    memcpy(name, authority.name.at, len);
    name[len] = '\0';
    if (inet_pton(AF_INET, name, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, name, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return kp_slice_is((struct kp_slice){name, len}, "localhost");
}

static struct kp_slice without_query(struct kp_slice target)
{
    const char *query = memchr(target.at, '?', target.len);
    if (query != NULL)
        target.len = (size_t)(query - target.at);
    return target;
}

static const char *status_of(const struct kp_metrics *m, const struct kp_http_head *head)
{
    struct kp_slice path = without_query(head->target);
    if (!m->local && !is_loopback_name(head->host))
        return "421 Misdirected Request";
    if (path.len != 8 || memcmp(path.at, "/metrics", 8) != 0)
        return "404 Not Found";
    if (head->method.len != 3 || memcmp(head->method.at, "GET", 3) != 0)
        return "405 Method Not Allowed";
    return NULL;
}

static void refuse(struct kp_out *out, const char *status)
{
    kp_out_word(out, "HTTP/1.1 ");
    kp_out_word(out, status);
    kp_out_word(out, "\r\nContent-Type: text/plain; charset=utf-8\r\n"
                     "Allow: GET\r\n"
                     "Connection: close\r\n"
                     "Content-Length: ");
    kp_out_number(out, strlen(status) + 1);
    kp_out_word(out, "\r\n\r\n");
    kp_out_word(out, status);
    kp_out_word(out, "\n");
}

/* The rules are this thread's to change. */
static void look_at_limits(struct kp_workshop *shop)
{
    const struct kp_front_rules *rules = &shop->rules;
    kp_count *limits = shop->counters.limits;
    atomic_store(&limits[KP_LIMIT_CONNECTIONS], rules->max_connections);
    atomic_store(&limits[KP_LIMIT_PER_SOURCE], rules->max_per_source);
    atomic_store(&limits[KP_LIMIT_HANDSHAKES], rules->max_handshakes);
    atomic_store(&limits[KP_LIMIT_REQUESTS], rules->max_requests);
}

/* What is counted elsewhere.  The credentials are this thread's. */
static void look(struct kp_metrics *m, struct kp_counters_process *process)
{
    struct kp_workshop *shop = m->shop;
    struct kp_counters *c = &shop->counters;
    atomic_store(&c->connections, atomic_load(&shop->connections));
    atomic_store(&c->gave_way, atomic_load(&shop->gave_way));
    for (size_t i = 0; i < KP_LACKS; i++)
        atomic_store(&c->lacks[i], atomic_load(&shop->lacks[i].count));
    atomic_store(&c->failures[KP_FAILURE_BUSY], atomic_load(&shop->lacks[KP_LACK_REQUESTS].count));
    atomic_store(&c->users, kp_store_users(shop->credentials->store));
    atomic_store(&c->loads, shop->credentials->loads);
    atomic_store(&c->failed_loads, shop->credentials->failed_loads);
    atomic_store(&c->lines_dropped, kp_log_sink_lost());
    look_at_limits(shop);
    process->knows_fds = kp_process_fds(&m->process, &process->fds);
    process->knows_memory = kp_process_memory(&m->process, &process->memory);
    process->knows_start = true;
    process->start = kp_process_start(&m->process);
}

static void tell(struct kp_out *out, struct kp_metrics *m)
{
    struct kp_counters_process process;
    struct kp_out body = {0};
    look(m, &process);
    kp_counters_write(&body, &m->shop->counters, &process);
    if (body.failed) {
        refuse(out, "503 Service Unavailable");
    } else {
        kp_out_word(out, "HTTP/1.1 200 OK\r\n"
                         "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                         "Cache-Control: no-store\r\n"
                         "X-Content-Type-Options: nosniff\r\n"
                         "Cross-Origin-Resource-Policy: same-origin\r\n"
                         "Connection: close\r\n"
                         "Content-Length: ");
        kp_out_number(out, body.len);
        kp_out_word(out, "\r\n\r\n");
        kp_out_add(out, body.at, body.len);
    }
    kp_out_free(&body);
}

/* ---- One who asks ------------------------------------------------------------------------ */

static void listen_on(struct kp_metrics *m);

static void free_if_over(struct kp_metrics *m)
{
    if (m->ending && m->count == 0 && m->started == 0)
        free(m);
}

/* Its place; NULL: a free one. */
static struct asker **find(struct kp_metrics *m, const struct asker *a)
{
    for (size_t i = 0; i < ASKERS_MAX - 1; i++)
        if (m->askers[i] == a)
            return &m->askers[i];
    return &m->askers[ASKERS_MAX - 1];
}

static void asker_closed(uv_handle_t *handle)
{
    struct asker *a = handle->data;
    struct kp_metrics *m = a->metrics;
    if (--a->closing > 0)
        return;
    *find(m, a) = NULL;
    m->count--;
    kp_sock_close(a->fd);
    kp_http_parser_clear(&a->parser);
    kp_out_free(&a->answer);
    free(a);
    if (m->ending)
        free_if_over(m);
    else
        listen_on(m);
}

static void leave(struct asker *a)
{
    if (a->closing > 0)
        return;
    a->closing = 2;
    uv_close((uv_handle_t *)&a->poll, asker_closed);
    uv_close((uv_handle_t *)&a->timer, asker_closed);
}

static void asker_ready(uv_poll_t *poll, int status, int events);

static void send_rest(struct asker *a)
{
    ssize_t sent =
        kp_sock_send(a->fd, (const uint8_t *)a->answer.at + a->sent, a->answer.len - a->sent);
    if (sent > 0)
        a->sent += (size_t)sent;
    if (sent < 0 && sent != UV_EAGAIN) {
        leave(a);
        return;
    }
    /* Then its end is waited for: a close with bytes unread would take the answer back. */
    if (a->sent == a->answer.len) {
        a->answered = true;
        kp_sock_end(a->fd);
    }
    (void)uv_poll_start(&a->poll, a->answered ? UV_READABLE : UV_WRITABLE, asker_ready);
}

static void answer(struct asker *a, const char *refusal)
{
    if (refusal == NULL)
        refusal = status_of(a->metrics, a->parser.head);
    if (refusal != NULL)
        refuse(&a->answer, refusal);
    else
        tell(&a->answer, a->metrics);
    if (a->answer.failed)
        leave(a);
    else
        send_rest(a);
}

static void take(struct asker *a, const uint8_t *bytes, size_t len)
{
    size_t used = 0;
    a->read += len;
    switch (kp_http_parse(&a->parser, bytes, len, &used)) {
    case KP_HTTP_HEAD:
        answer(a, NULL);
        break;
    case KP_HTTP_MORE:
        if (a->read >= REQUEST_MAX)
            answer(a, "431 Request Header Fields Too Large");
        break;
    default:
        answer(a, "400 Bad Request");
    }
}

static void asker_ready(uv_poll_t *poll, int status, int events)
{
    struct asker *a = poll->data;
    uint8_t bytes[REQUEST_MAX];
    ssize_t got;
    (void)events;
    if (status < 0) {
        leave(a);
    } else if (a->answer.len > 0 && !a->answered) {
        send_rest(a);
    } else {
        got = kp_sock_recv(a->fd, bytes, a->answered ? sizeof bytes : sizeof bytes - a->read);
        if (got == UV_EAGAIN)
            return;
        if (got <= 0)
            leave(a);
        else if (!a->answered)
            take(a, bytes, (size_t)got);
    }
}

static void too_late(uv_timer_t *timer)
{
    leave(timer->data);
}

static void receive(struct kp_metrics *m, int fd)
{
    struct asker *a = calloc(1, sizeof *a);
    if (a == NULL || uv_poll_init(m->loop, &a->poll, fd) != 0) {
        kp_sock_close(fd);
        free(a);
        return;
    }
    a->metrics = m;
    a->fd = fd;
    kp_http_parser_init(&a->parser, KP_HTTP_REQUEST);
    (void)uv_timer_init(m->loop, &a->timer);
    a->poll.data = a->timer.data = a;
    *find(m, NULL) = a;
    m->count++;
    (void)uv_timer_start(&a->timer, too_late, ASKER_MS, 0);
    (void)uv_poll_start(&a->poll, UV_READABLE, asker_ready);
}

/* ---- Listening --------------------------------------------------------------------------- */

static void rested(uv_timer_t *timer)
{
    listen_on(timer->data);
}

static void came(uv_poll_t *poll, int status, int events)
{
    struct kp_metrics *m = poll->data;
    union kp_inet from;
    int fd;
    (void)events;
    if (status < 0)
        return;
    fd = kp_sock_accept(m->listener, &from);
    if (fd >= 0)
        receive(m, fd);
    else if (fd != UV_EAGAIN)
        (void)uv_timer_start(&m->rest, rested, REST_MS, 0);
    if (m->count >= ASKERS_MAX || uv_is_active((uv_handle_t *)&m->rest))
        (void)uv_poll_stop(&m->poll);
}

static void listen_on(struct kp_metrics *m)
{
    if (m->count < ASKERS_MAX && !uv_is_active((uv_handle_t *)&m->rest))
        (void)uv_poll_start(&m->poll, UV_READABLE, came);
}

/* Whether the path is free, or becomes so: the socket there is of a server that is no more. */
static bool make_way(const struct kp_address *at, const char *path)
{
    struct stat there;
    if (lstat(path, &there) != 0)
        return true; /* bind will say what is wrong, if anything is */
    return S_ISSOCK(there.st_mode) && kp_sock_probe(at, PROBE_MS) == UV_ECONNREFUSED &&
           unlink(path) == 0;
}

static int listen_unix(struct kp_metrics *m, const struct kp_address *at)
{
    const struct sockaddr_un *where = (const struct sockaddr_un *)&at->where;
    mode_t mask;
    snprintf(m->path, sizeof m->path, "%.*s", (int)sizeof m->path - 1, where->sun_path);
    if (!make_way(at, m->path))
        return UV_EADDRINUSE;
    mask = umask(0117); /* no other thread makes files yet */
    m->listener = kp_sock_listen(at);
    (void)umask(mask);
    if (m->listener >= 0 && lstat(m->path, &m->made) != 0)
        m->made.st_ino = 0;
    return m->listener < 0 ? m->listener : 0;
}

int kp_metrics_open(struct kp_metrics **out, struct kp_workshop *shop, char *why, size_t why_len)
{
    const struct kp_address *at = &shop->settings->metrics;
    char text[KP_ADDRESS_TEXT_LEN];
    struct kp_metrics *m;
    int error = UV_ENOMEM;
    *out = NULL;
    if (at->len == 0)
        return 0;
    m = calloc(1, sizeof *m);
    if (m != NULL) {
        m->shop = shop;
        m->local = kp_address_is_unix(at);
        m->listener = -1;
        error = m->local ? listen_unix(m, at) : (m->listener = kp_sock_listen(at));
    }
    if (error < 0) {
        snprintf(why, why_len, "can't listen on --metrics %s: %s", kp_address_text(at, text),
                 error == UV_EADDRINUSE ? "something else is there" : uv_strerror(error));
        free(m);
        return -1;
    }
    kp_process_open(&m->process);
    *out = m;
    return 0;
}

/* By the descriptor of what was looked at: a link, or another name of some other socket, that
 * somebody put there meanwhile is let alone. */
void kp_metrics_give(struct kp_metrics *m, uid_t uid, gid_t gid)
{
    struct stat there;
    int fd;
    if (m == NULL || !m->local)
        return;
    fd = open(m->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &there) != 0 || !S_ISSOCK(there.st_mode) || there.st_nlink != 1 ||
        there.st_ino != m->made.st_ino || there.st_dev != m->made.st_dev ||
        fchownat(fd, "", uid, gid, AT_EMPTY_PATH) != 0)
        kp_log_say(&m->shop->rules.log, KP_LOG_WARNING, "metrics",
                   "the socket of --metrics can't be given to uid %lu, who may not read it now",
                   (unsigned long)uid);
    if (fd >= 0)
        close(fd);
}

void kp_metrics_start(struct kp_metrics *m, uv_loop_t *loop)
{
    struct kp_address bound;
    char text[KP_ADDRESS_TEXT_LEN];
    int error;
    if (m == NULL)
        return;
    m->loop = loop;
    error = uv_poll_init(loop, &m->poll, m->listener);
    if (error != 0) {
        kp_log_say(&m->shop->rules.log, KP_LOG_ERROR, "metrics", "there are no metrics: %s",
                   uv_strerror(error));
        return;
    }
    (void)uv_timer_init(loop, &m->rest);
    m->poll.data = m->rest.data = m;
    m->started = 2;
    listen_on(m);
    if (kp_sock_bound(m->listener, &bound) == 0)
        kp_log_say(&m->shop->rules.log, KP_LOG_INFO, "metrics", "counters are at %s",
                   kp_address_text(&bound, text));
}

static void listener_closed(uv_handle_t *handle)
{
    struct kp_metrics *m = handle->data;
    m->started--;
    free_if_over(m);
}

void kp_metrics_close(struct kp_metrics *m)
{
    struct stat now;
    if (m == NULL)
        return;
    if (m->local && m->made.st_ino != 0 && lstat(m->path, &now) == 0 &&
        now.st_ino == m->made.st_ino && now.st_dev == m->made.st_dev)
        (void)unlink(m->path);
    kp_process_close(&m->process);
    m->ending = true;
    for (size_t i = 0; i < ASKERS_MAX; i++)
        if (m->askers[i] != NULL)
            leave(m->askers[i]);
    if (m->started > 0) {
        uv_close((uv_handle_t *)&m->poll, listener_closed);
        uv_close((uv_handle_t *)&m->rest, listener_closed);
    }
    kp_sock_close(m->listener);
    free_if_over(m);
}
