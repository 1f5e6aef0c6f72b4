/* Standard input and output for an event loop: see stdio_pump.h. */
#include "stdio_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536

enum turn { OURS, THEIRS, BACK }; /* the loop's; the thread's; done and not yet told */

struct lane {
    struct kp_stdio *stdio;
    uv_sem_t go;
    enum turn turn; /* under stdio->lock */
    ssize_t len;    /* bytes in data; of reads the result */
    int error;      /* of writes */
    uint8_t data[PIECE];
};

struct kp_stdio {
    struct kp_loop *loop;
    const struct kp_stdio_hooks *hooks;
    void *owner;
    uv_async_t wake;
    uv_mutex_t lock;
    bool stopped; /* under lock */
    struct lane in, out;
};

/* ---- The threads ------------------------------------------------------------------------- */

static void give_back(struct lane *lane)
{
    struct kp_stdio *s = lane->stdio;
    uv_mutex_lock(&s->lock);
    lane->turn = BACK;
    if (!s->stopped)
        (void)uv_async_send(&s->wake);
    uv_mutex_unlock(&s->lock);
}

static void *read_pieces(void *arg)
{
    struct lane *lane = arg;
    for (;;) {
        ssize_t got;
        uv_sem_wait(&lane->go);
        do
            got = read(STDIN_FILENO, lane->data, PIECE);
        while (got < 0 && errno == EINTR);
        /* A standard input that was closed before we began is an empty one. */
        if (got < 0)
            got = errno == EBADF ? 0 : uv_translate_sys_error(errno);
        lane->len = got;
        give_back(lane);
    }
    return NULL;
}

static int write_all(const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(STDOUT_FILENO, data, len);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return uv_translate_sys_error(errno);
        data += wrote;
        len -= (size_t)wrote;
    }
    return 0;
}

static void *write_pieces(void *arg)
{
    struct lane *lane = arg;
    for (;;) {
        uv_sem_wait(&lane->go);
        lane->error = write_all(lane->data, (size_t)lane->len);
        explicit_bzero(lane->data, (size_t)lane->len);
        give_back(lane);
    }
    return NULL;
}

/* ---- The loop's side --------------------------------------------------------------------- */

static bool take_back(struct kp_stdio *s, struct lane *lane)
{
    bool back;
    uv_mutex_lock(&s->lock);
    back = lane->turn == BACK;
    if (back)
        lane->turn = OURS;
    uv_mutex_unlock(&s->lock);
    return back;
}

static void give(struct lane *lane)
{
    uv_mutex_lock(&lane->stdio->lock);
    lane->turn = THEIRS;
    uv_mutex_unlock(&lane->stdio->lock);
    uv_sem_post(&lane->go);
}

static bool is_ours(const struct lane *lane)
{
    struct kp_stdio *s = lane->stdio;
    bool ours;
    uv_mutex_lock(&s->lock);
    ours = lane->turn == OURS;
    uv_mutex_unlock(&s->lock);
    return ours;
}

static void woken(uv_async_t *wake)
{
    struct kp_stdio *s = wake->data;
    if (take_back(s, &s->out) && !s->stopped)
        s->hooks->written(s->owner, s->out.error);
    if (!s->stopped && take_back(s, &s->in))
        s->hooks->came(s->owner, s->in.data, s->in.len);
}

static int start_lane(struct kp_stdio *s, struct lane *lane, void *(*run)(void *))
{
    pthread_t thread;
    lane->stdio = s;
    if (uv_sem_init(&lane->go, 0) != 0 || pthread_create(&thread, NULL, run, lane) != 0)
        return -1;
    return pthread_detach(thread);
}

struct kp_stdio *kp_stdio_start(struct kp_loop *loop, const struct kp_stdio_hooks *hooks,
                                void *owner)
{
    static struct kp_stdio *the_one; /* keeps the threads' memory in sight of leak checkers */
    struct kp_stdio *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    the_one = s;
    s->loop = loop;
    s->hooks = hooks;
    s->owner = owner;
    if (uv_mutex_init(&s->lock) != 0 || uv_async_init(&loop->uv, &s->wake, woken) != 0)
        return NULL;
    s->wake.data = s;
    if (start_lane(s, &s->in, read_pieces) != 0 || start_lane(s, &s->out, write_pieces) != 0)
        return NULL;
    return the_one;
}

void kp_stdio_read(struct kp_stdio *s)
{
    if (!is_ours(&s->in))
        return;
    if (s->in.len > 0)
        explicit_bzero(s->in.data, (size_t)s->in.len); /* it may have been a password */
    give(&s->in);
}

size_t kp_stdio_write(struct kp_stdio *s, const uint8_t *data, size_t len)
{
    if (!is_ours(&s->out))
        return 0;
    if (len > PIECE)
        len = PIECE;
    memcpy(s->out.data, data, len);
    s->out.len = (ssize_t)len;
    give(&s->out);
    return len;
}

bool kp_stdio_is_writing(const struct kp_stdio *s)
{
    return !is_ours(&s->out);
}

void kp_stdio_stop(struct kp_stdio *s)
{
    bool mine;
    if (s == NULL)
        return;
    uv_mutex_lock(&s->lock);
    s->stopped = true;
    mine = s->in.turn != THEIRS;
    uv_mutex_unlock(&s->lock);
    if (mine)
        explicit_bzero(s->in.data, PIECE);
    uv_close((uv_handle_t *)&s->wake, NULL);
}

void kp_stdio_end_output(void)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0)
        return;
    (void)dup2(nowhere, STDOUT_FILENO);
    (void)close(nowhere);
}
