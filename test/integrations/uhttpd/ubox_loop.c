/*
 * uloop as libubox has it, for a harness on systems without libubox: written anew after its
 * behaviour in uloop.c and uloop-epoll.c (openwrt/libubox, commits 123e976 and 004be15).  What
 * matters to streams is kept: edges of epoll, ten events at once of which those of a deleted fd are
 * dropped, timers in order, and one of 0 ms runs in the next turn or later in this one.  There are
 * no processes and signals here.
 */
#include <libubox/uloop.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 10

static struct list_head timers = {&timers, &timers};
static struct epoll_event events[EVENTS_MAX];
static int epoll_fd = -1, event_count, event_next;

int uloop_init(void)
{
    if (epoll_fd < 0)
        epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return epoll_fd < 0 ? -1 : 0;
}

void uloop_done(void)
{
    if (epoll_fd >= 0)
        close(epoll_fd);
    epoll_fd = -1;
}

int uloop_fd_add(struct uloop_fd *fd, unsigned int flags)
{
    struct epoll_event event = {.data.ptr = fd};
    int operation = fd->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (!(flags & (ULOOP_READ | ULOOP_WRITE)))
        return uloop_fd_delete(fd);
    if (!fd->registered && !(flags & ULOOP_BLOCKING))
        fcntl(fd->fd, F_SETFL, fcntl(fd->fd, F_GETFL) | O_NONBLOCK);
    if (flags & ULOOP_READ)
        event.events |= EPOLLIN | EPOLLRDHUP;
    if (flags & ULOOP_WRITE)
        event.events |= EPOLLOUT;
    if (flags & ULOOP_EDGE_TRIGGER)
        event.events |= EPOLLET;
    fd->flags = (uint8_t)flags;
    if (epoll_ctl(epoll_fd, operation, fd->fd, &event) < 0)
        return -1;
    fd->registered = true;
    fd->eof = false;
    fd->error = false;
    return 0;
}

int uloop_fd_delete(struct uloop_fd *fd)
{
    for (int i = event_next; i < event_count; i++)
        if (events[i].data.ptr == fd)
            events[i].data.ptr = NULL;
    if (!fd->registered)
        return 0;
    fd->registered = false;
    fd->flags = 0;
    return epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd->fd, NULL);
}

static struct timeval now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (struct timeval){.tv_sec = time.tv_sec, .tv_usec = time.tv_nsec / 1000};
}

static int64_t ms_between(const struct timeval *late, const struct timeval *early)
{
    return (late->tv_sec - early->tv_sec) * 1000 + (late->tv_usec - early->tv_usec) / 1000;
}

static struct uloop_timeout *timer_of(struct list_head *at)
{
    return container_of(at, struct uloop_timeout, list);
}

int uloop_timeout_set(struct uloop_timeout *timer, int ms)
{
    struct list_head *before = timers.next;
    uloop_timeout_cancel(timer);
    before = timers.next;
    timer->time = now();
    timer->time.tv_sec += ms / 1000;
    timer->time.tv_usec += ms % 1000 * 1000;
    if (timer->time.tv_usec >= 1000000) {
        timer->time.tv_sec++;
        timer->time.tv_usec -= 1000000;
    }
    while (before != &timers && ms_between(&timer_of(before)->time, &timer->time) <= 0)
        before = before->next;
    timer->list = (struct list_head){.next = before, .prev = before->prev};
    before->prev->next = &timer->list;
    before->prev = &timer->list;
    timer->pending = true;
    return 0;
}

int uloop_timeout_cancel(struct uloop_timeout *timer)
{
    if (!timer->pending)
        return -1;
    timer->list.prev->next = timer->list.next;
    timer->list.next->prev = timer->list.prev;
    timer->pending = false;
    return 0;
}

static void run_timers(void)
{
    struct timeval time = now();
    while (timers.next != &timers && ms_between(&timer_of(timers.next)->time, &time) <= 0) {
        struct uloop_timeout *timer = timer_of(timers.next);
        uloop_timeout_cancel(timer);
        if (timer->cb)
            timer->cb(timer);
    }
}

static int ms_to_timer(void)
{
    struct timeval time = now();
    int64_t ms;
    if (timers.next == &timers)
        return -1;
    ms = ms_between(&timer_of(timers.next)->time, &time);
    return ms < 0 ? 0 : (int)ms;
}

static void fetch(int ms)
{
    event_next = 0;
    event_count = epoll_wait(epoll_fd, events, EVENTS_MAX, ms);
    for (int i = 0; i < event_count; i++) {
        struct uloop_fd *fd = events[i].data.ptr;
        if (events[i].events & (EPOLLERR | EPOLLHUP)) {
            fd->error = true;
            if (!(fd->flags & ULOOP_ERROR_CB)) {
                uloop_fd_delete(fd);
                events[i].data.ptr = fd; /* this event is still told */
            }
        }
        if (events[i].events & EPOLLRDHUP)
            fd->eof = true;
    }
}

/* One event a turn: timers come between. */
static void run_event(int ms)
{
    struct epoll_event *event;
    struct uloop_fd *fd;
    if (event_next >= event_count)
        fetch(ms);
    if (event_next >= event_count)
        return;
    event = &events[event_next++];
    fd = event->data.ptr;
    if (fd && fd->cb)
        fd->cb(fd, (event->events & EPOLLIN ? ULOOP_READ : 0u) |
                       (event->events & EPOLLOUT ? ULOOP_WRITE : 0u));
}

int uloop_run(void)
{
    for (;;) {
        run_timers();
        run_event(ms_to_timer());
    }
}
