/* One worker of `serve`: see worker.h. */
#include "worker.h"

#include <stdlib.h>
#include <string.h>

#include "../net/sock.h"
#include "arrival.h"
#include "room.h"

/* ---- Listening --------------------------------------------------------------------------- */

bool kp_worker_is_busy(const struct kp_worker *w)
{
    size_t most = w->rules.max_handshakes / KP_BUSY_PART;
    return atomic_load(&w->shop->handshakes) >= (most > 0 ? most : 1);
}

static bool room(struct kp_listener *listener)
{
    struct kp_worker *w = listener->owner;
    return !kp_room_is_full(w) || kp_room_can_be_made(w);
}

/* What is scarce are descriptors: the last ones are for the upstream's sockets. */
static void accepted(struct kp_listener *listener, int fd, const union kp_inet *peer)
{
    struct kp_worker *w = listener->owner;
    kp_room_of_source(w, peer);
    if (kp_room_is_full(w))
        kp_room_for_one(w, KP_LACK_PLACES);
    else if (kp_listener_is_scarce(listener, fd))
        kp_room_for_one(w, KP_LACK_DESCRIPTORS);
    kp_arrival(w, &((struct kp_door *)(void *)listener)->rules, fd, peer);
}

static bool starved(struct kp_loop *loop)
{
    return kp_room_make(loop->owner, KP_LACK_DESCRIPTORS);
}

static void too_much_arithmetic(struct kp_loop *loop)
{
    kp_room_lacks(loop->owner, KP_LACK_ARITHMETIC);
}

static void resting(struct kp_listener *listener, int error)
{
    struct kp_worker *w = listener->owner;
    if (error == 0)
        kp_room_lacks(w, KP_LACK_BUSY);
    else if (error != UV_EMFILE && error != UV_ENFILE && error != UV_EINVAL)
        kp_room_lacks(w, KP_LACK_MEMORY);
    /* EINVAL: another worker drains already. */
}

bool kp_worker_takes_request(struct kp_worker *w, bool proved)
{
    size_t most = proved ? w->rules.max_requests : (w->rules.max_requests + 1) / 2;
    if (atomic_fetch_add(&w->shop->requests, 1) < most)
        return true;
    kp_worker_request_done(w);
    kp_room_lacks(w, KP_LACK_REQUESTS);
    return false;
}

void kp_worker_request_done(struct kp_worker *w)
{
    atomic_fetch_sub(&w->shop->requests, 1);
}

void kp_worker_has_no_room(struct kp_worker *w, int error)
{
    kp_counted(&w->shop->counters.refused[KP_REFUSED_NO_ROOM]);
    kp_log_say(&w->rules.log, KP_LOG_ERROR, "refused", "a connection was dropped: %s",
               error == UV_ENOMEM ? "there isn't enough memory for it" : uv_strerror(error));
}

static void close_doors(struct kp_worker *w)
{
    for (size_t i = 0; i < w->shop->settings->door_count; i++) {
        kp_listener_close(&w->doors[i].listener);
        if (w->draining) /* else clients would wait for an answer until the last one has left */
            kp_sock_refuse(w->shop->listeners[i]);
    }
}

static int open_doors(struct kp_worker *w)
{
    const struct kp_front_settings *settings = w->shop->settings;
    for (size_t i = 0; i < settings->door_count; i++) {
        struct kp_listener *door = &w->doors[i].listener;
        int error;
        w->doors[i].rules = kp_transition_rules(settings->transition, settings->doors[i].kind);
        door->room = room;
        door->accepted = accepted;
        door->resting = resting;
        door->owner = w;
        error = kp_listener_start(door, &w->loop, w->shop->listeners[i]);
        if (error != 0)
            return error;
    }
    return 0;
}

/* ---- Ending ------------------------------------------------------------------------------ */

static void stop_all(struct kp_worker *w, const char *why)
{
    for (struct kp_client *c = w->newcomers.first; c != NULL; c = c->next)
        c->kind->stop(c, why);
    for (struct kp_client *c = w->others.first; c != NULL; c = c->next)
        c->kind->stop(c, why);
}

void kp_worker_look_around(struct kp_worker *w)
{
    if (!w->draining || w->leaving || w->newcomers.first != NULL || w->others.first != NULL)
        return;
    w->leaving = true;
    uv_close((uv_handle_t *)&w->wake, NULL);
    uv_close((uv_handle_t *)&w->drain, NULL);
}

static void drained(uv_timer_t *timer)
{
    stop_all(timer->data, "the server is stopping and waited long enough");
}

static void drain(struct kp_worker *w)
{
    if (w->draining)
        return;
    w->draining = true;
    close_doors(w);
    (void)uv_timer_start(&w->drain, drained, KP_DRAIN_MS, 0);
    for (struct kp_client *c = w->newcomers.first; c != NULL; c = c->next)
        c->kind->drain(c);
    for (struct kp_client *c = w->others.first; c != NULL; c = c->next)
        c->kind->drain(c);
    kp_worker_look_around(w);
}

static void take_rules(struct kp_worker *w)
{
    uv_mutex_lock(&w->shop->lock);
    w->rules = w->shop->rules;
    uv_mutex_unlock(&w->shop->lock);
    w->loop.patience_ms = w->rules.handshake_ms / 2;
}

static void reload(struct kp_worker *w)
{
    take_rules(w);
    kp_credentials_take(w->shop->credentials, &w->store, &w->context);
    for (struct kp_client *c = w->others.first; c != NULL; c = c->next)
        c->kind->recheck(c);
}

/* Guesses that waited for a lease.  Who is proved by that leaves the list. */
static void ask_again(struct kp_worker *w)
{
    for (struct kp_client *c = w->newcomers.first, *next; c != NULL; c = next) {
        next = c->next;
        if (c->kind->leased != NULL)
            c->kind->leased(c);
    }
}

static void woken(uv_async_t *wake)
{
    struct kp_worker *w = wake->data;
    unsigned words = atomic_exchange(&w->words, 0);
    if (w->leaving)
        return;
    if (words & KP_WORKER_RELOAD)
        reload(w);
    if (words & KP_WORKER_LEASED)
        ask_again(w);
    if (words & (KP_WORKER_DRAIN | KP_WORKER_STOP))
        drain(w);
    if (words & KP_WORKER_STOP)
        stop_all(w, "the server was told to stop at once");
}

/* ---- Life -------------------------------------------------------------------------------- */

static void run(void *arg)
{
    struct kp_worker *w = arg;
    kp_loop_run(&w->loop);
    w->shop->left(w->shop->arg);
}

static void clear(struct kp_worker *w)
{
    kp_loop_close(&w->loop);
    free(w->doors);
    kp_store_free(w->store);
    kp_context_free(w->context);
}

int kp_worker_start(struct kp_worker *w, struct kp_workshop *shop, unsigned number)
{
    int error;
    memset(w, 0, sizeof *w);
    w->shop = shop;
    w->number = number;
    kp_clients_init(&w->newcomers);
    kp_clients_init(&w->others);
    w->doors = calloc(shop->settings->door_count, sizeof *w->doors);
    if (w->doors == NULL)
        return UV_ENOMEM;
    error = kp_loop_init(&w->loop);
    if (error != 0) {
        free(w->doors);
        return error;
    }
    w->loop.owner = w;
    w->loop.busy = too_much_arithmetic;
    w->loop.starved = starved;
    take_rules(w);
    kp_credentials_take(shop->credentials, &w->store, &w->context);
    (void)uv_timer_init(&w->loop.uv, &w->drain);
    w->drain.data = w;
    error = uv_async_init(&w->loop.uv, &w->wake, woken);
    w->wake.data = w;
    if (error == 0)
        error = open_doors(w);
    if (error == 0)
        error = uv_thread_create(&w->thread, run, w);
    if (error != 0)
        clear(w);
    return error;
}

void kp_worker_tell(struct kp_worker *w, enum kp_worker_word word)
{
    atomic_fetch_or(&w->words, (unsigned)word);
    (void)uv_async_send(&w->wake);
}

void kp_worker_join(struct kp_worker *w)
{
    (void)uv_thread_join(&w->thread);
    clear(w);
}
