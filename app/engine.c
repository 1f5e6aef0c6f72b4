/* The client gateway inside this process: see engine.h. */
#include "engine.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/desk.h"
#include "client/tunnel.h"

/* What waits for the engine's thread: a message, or a descriptor that wants to go to a device. */
struct order {
    struct order *next;
    int fd; /* -1: it is a message */
    void (*over)(void *owner, bool in_order);
    void *owner;
    size_t len;
    char text[]; /* the message, or the device's name with its NUL */
};

struct kp_engine {
    struct kp_engine_hooks hooks;
    pthread_t thread;
    struct kp_loop loop;
    uv_async_t wake;
    struct kp_hub *hub;
    struct kp_desk *desk;
    struct kp_task doom; /* of a desk whose client broke the rules: that is a fault of ours */

    pthread_mutex_t lock; /* for what follows */
    struct order *first, **end;
    bool stopping;
};

/* ---- Orders ------------------------------------------------------------------------------ */

static void free_order(struct order *order)
{
    explicit_bzero(order->text, order->len);
    free(order);
}

/* No order for the device comes about any more. */
static void refuse(struct order *order)
{
    if (order->fd >= 0) {
        order->over(order->owner, false);
        (void)close(order->fd);
    }
    free_order(order);
}

static bool give(struct kp_engine *e, struct order *order)
{
    bool taken;
    (void)pthread_mutex_lock(&e->lock);
    taken = !e->stopping;
    if (taken) {
        *e->end = order;
        e->end = &order->next;
    }
    (void)pthread_mutex_unlock(&e->lock);
    if (taken)
        (void)uv_async_send(&e->wake);
    return taken;
}

static struct order *take_all(struct kp_engine *e, bool *stopping)
{
    struct order *all;
    (void)pthread_mutex_lock(&e->lock);
    all = e->first;
    e->first = NULL;
    e->end = &e->first;
    *stopping = e->stopping;
    (void)pthread_mutex_unlock(&e->lock);
    return all;
}

static void carry_out(struct kp_engine *e, struct order *order)
{
    if (e->desk == NULL) {
        refuse(order);
        return;
    }
    if (order->fd < 0) {
        kp_desk_take(e->desk, order->text, order->len);
    } else {
        const struct kp_tunnel_plan plan = {
            .name = order->text, .fd = order->fd, .over = order->over, .owner = order->owner};
        kp_hub_tunnel(e->hub, &plan);
    }
    free_order(order);
}

static struct order *new_order(const char *text, size_t len)
{
    struct order *order = malloc(sizeof *order + len + 1);
    if (order == NULL)
        return NULL;
    *order = (struct order){.fd = -1, .len = len};
    memcpy(order->text, text, len);
    order->text[len] = '\0';
    return order;
}

/* ---- Its thread -------------------------------------------------------------------------- */

static void message(void *owner, const char *text, size_t len)
{
    const struct kp_engine *e = owner;
    e->hooks.message(e->hooks.owner, text, len);
}

static void close_all(struct kp_engine *e)
{
    kp_desk_free(e->desk);
    e->desk = NULL;
    kp_hub_close(e->hub);
    kp_loop_forget(&e->loop, &e->doom);
    uv_close((uv_handle_t *)&e->wake, NULL);
}

static void doomed(struct kp_task *task)
{
    struct kp_engine *e =
        (struct kp_engine *)(void *)((char *)task - offsetof(struct kp_engine, doom));
    kp_desk_free(e->desk);
    e->desk = NULL;
    kp_hub_logout_all(e->hub);
}

static void broken(void *owner, const char *why)
{
    struct kp_engine *e = owner;
    (void)why;
    kp_loop_later(&e->loop, &e->doom);
}

static const struct kp_desk_hooks desk_hooks = {.send = message, .broken = broken};

static void woken(uv_async_t *wake)
{
    struct kp_engine *e = wake->data;
    struct order *next;
    bool stopping;
    for (struct order *order = take_all(e, &stopping); order != NULL; order = next) {
        next = order->next;
        if (stopping)
            refuse(order);
        else
            carry_out(e, order);
    }
    if (stopping)
        close_all(e);
}

static void *work(void *owner)
{
    struct kp_engine *e = owner;
    kp_loop_run(&e->loop);
    return NULL;
}

/* Signals are the main thread's. */
static int start_thread(struct kp_engine *e)
{
    sigset_t all, before;
    int error;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&e->thread, NULL, work, e);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* ---- Life -------------------------------------------------------------------------------- */

static void clear(struct kp_engine *e)
{
    bool stopping;
    struct order *next;
    for (struct order *order = take_all(e, &stopping); order != NULL; order = next) {
        next = order->next;
        refuse(order);
    }
    kp_hub_free(e->hub);
    kp_loop_close(&e->loop);
    (void)pthread_mutex_destroy(&e->lock);
    free(e);
}

/* Before its thread runs this one is the loop's. */
static int prepare(struct kp_engine *e, char why[KP_ENGINE_WHY_LEN])
{
    const struct kp_hub_plan plan = {
        .loop = &e->loop, .language = kp_language_of_person(), .faceless = true};
    char text[KP_WORD_LEN];
    if (kp_hub_new(&e->hub, &plan, text) != 0) {
        (void)snprintf(why, KP_ENGINE_WHY_LEN, "%.*s", KP_ENGINE_WHY_LEN - 1, text);
        return -1;
    }
    e->desk = kp_desk_new(&e->loop, e->hub, &desk_hooks, e);
    return e->desk != NULL && start_thread(e) == 0 ? 0 : -1;
}

struct kp_engine *kp_engine_start(const struct kp_engine_hooks *hooks, char why[KP_ENGINE_WHY_LEN])
{
    struct kp_engine *e = calloc(1, sizeof *e);
    (void)snprintf(why, KP_ENGINE_WHY_LEN, "out of memory");
    if (e == NULL || kp_loop_init(&e->loop) != 0) {
        free(e);
        return NULL;
    }
    e->hooks = *hooks;
    e->end = &e->first;
    e->doom.run = doomed;
    (void)pthread_mutex_init(&e->lock, NULL);
    (void)uv_async_init(&e->loop.uv, &e->wake, woken);
    e->wake.data = e;
    if (prepare(e, why) == 0)
        return e;
    if (e->hub != NULL) {
        close_all(e);
    } else {
        uv_close((uv_handle_t *)&e->wake, NULL);
    }
    kp_loop_run(&e->loop);
    clear(e);
    return NULL;
}

bool kp_engine_send(struct kp_engine *e, const char *text, size_t len)
{
    struct order *order = new_order(text, len);
    if (order == NULL)
        return false;
    if (!give(e, order))
        refuse(order);
    return true;
}

void kp_engine_tunnel(struct kp_engine *e, const char *name, int fd,
                      void (*over)(void *owner, bool in_order), void *owner)
{
    struct order *order = new_order(name, strlen(name));
    if (order == NULL) {
        over(owner, false);
        (void)close(fd);
        return;
    }
    order->fd = fd;
    order->over = over;
    order->owner = owner;
    if (!give(e, order))
        refuse(order);
}

void kp_engine_stop(struct kp_engine *e)
{
    if (e == NULL)
        return;
    (void)pthread_mutex_lock(&e->lock);
    e->stopping = true;
    (void)pthread_mutex_unlock(&e->lock);
    (void)uv_async_send(&e->wake);
    (void)pthread_join(e->thread, NULL);
    clear(e);
}
