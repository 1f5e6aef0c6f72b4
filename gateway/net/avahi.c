/* A thread that speaks with Avahi: see avahi.h. */
#include "avahi.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libavahi-client.so.3"
#define AGAIN_MS 2000 /* until the connection is tried again */
#define STACK_LEN (256 * 1024)

/* ---- The library ------------------------------------------------------------------------- */

static struct kp_avahi_calls calls;
static bool has_calls;
static uv_once_t once = UV_ONCE_INIT;

static void load(void)
{
    /* For good: it registers what can't be taken back. */
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_NODELETE);
    if (library == NULL)
        return;
    has_calls = true;
#define LOAD(name)                                                                                 \
    *(void **)(void *)&calls.name = dlsym(library, "avahi_" #name);                                \
    has_calls = has_calls && calls.name != NULL;
    KP_AVAHI_CALLS(LOAD)
#undef LOAD
}

const struct kp_avahi_calls *kp_avahi_library(void)
{
    uv_once(&once, load);
    return has_calls ? &calls : NULL;
}

const char *kp_avahi_trouble(const struct kp_avahi *a)
{
    return a->call->strerror(a->client != NULL ? a->call->client_errno(a->client)
                                               : AVAHI_ERR_FAILURE);
}

/* ---- The two ends ------------------------------------------------------------------------ */

static void let_go(struct kp_avahi *a)
{
    unsigned left;
    uv_mutex_lock(&a->lock);
    left = --a->holders;
    uv_mutex_unlock(&a->lock);
    if (left > 0)
        return;
    uv_mutex_destroy(&a->lock);
    a->job->destroy(a);
}

static void closed(uv_handle_t *handle)
{
    let_go((struct kp_avahi *)(void *)handle);
}

static void heard(uv_async_t *async)
{
    struct kp_avahi *a = (struct kp_avahi *)(void *)async;
    if (!uv_is_closing((uv_handle_t *)async))
        a->job->hear(a);
}

void kp_avahi_tell(struct kp_avahi *a)
{
    uv_mutex_lock(&a->lock);
    if (!a->stopped) /* else its handle may be gone */
        (void)uv_async_send(&a->news);
    uv_mutex_unlock(&a->lock);
}

/* The lock is held. */
static void wake(struct kp_avahi *a)
{
    if (a->poll != NULL)
        a->call->simple_poll_wakeup(a->poll);
}

void kp_avahi_wake(struct kp_avahi *a)
{
    uv_mutex_lock(&a->lock);
    wake(a);
    uv_mutex_unlock(&a->lock);
}

void kp_avahi_stop(struct kp_avahi *a)
{
    uv_mutex_lock(&a->lock);
    a->stopped = true;
    wake(a);
    uv_mutex_unlock(&a->lock);
    uv_close((uv_handle_t *)&a->news, closed);
}

static bool is_stopped(struct kp_avahi *a)
{
    bool stopped;
    uv_mutex_lock(&a->lock);
    stopped = a->stopped;
    uv_mutex_unlock(&a->lock);
    return stopped;
}

/* ---- The thread -------------------------------------------------------------------------- */

/* Called by client_new, too, and in the middle of others' calls: it is looked at later. */
static void changed(AvahiClient *client, AvahiClientState state, void *arg)
{
    struct kp_avahi *a = arg;
    (void)client;
    a->state = state;
    a->fresh = true;
    a->broken = a->broken || state == AVAHI_CLIENT_FAILURE;
}

static bool part(struct kp_avahi *a, const char *why)
{
    if (a->client != NULL) {
        a->job->leave(a);
        a->call->client_free(a->client);
    }
    a->client = NULL;
    a->fresh = a->broken = false;
    return a->job->parted(a, why);
}

/* False: it is over. */
static bool join(struct kp_avahi *a)
{
    char why[128];
    int error = 0;
    a->fresh = a->broken = false;
    a->client = a->call->client_new(a->call->simple_poll_get(a->poll), AVAHI_CLIENT_NO_FAIL,
                                    changed, a, &error);
    if (a->client != NULL)
        return true;
    if (error == AVAHI_ERR_DBUS_ERROR || error == AVAHI_ERR_NO_DAEMON)
        return part(a, "the system's message bus, D-Bus, doesn't answer");
    (void)snprintf(why, sizeof why, "Avahi can't be reached (%.90s)", a->call->strerror(error));
    return part(a, why);
}

static void handle_state(struct kp_avahi *a)
{
    if (!a->fresh || a->broken)
        return;
    a->fresh = false;
    if (a->state == AVAHI_CLIENT_S_RUNNING)
        a->job->arrived(a);
    else if (a->state == AVAHI_CLIENT_CONNECTING)
        a->job->awaited(a);
}

/* One turn; false: it is over. */
static bool turn(struct kp_avahi *a)
{
    char why[128];
    if (a->client == NULL && !join(a))
        return false;
    handle_state(a);
    if (a->client != NULL && !a->broken && a->state == AVAHI_CLIENT_S_RUNNING)
        a->job->work(a);
    if (a->broken) {
        (void)snprintf(why, sizeof why, "Avahi doesn't answer any more (%.80s)",
                       kp_avahi_trouble(a));
        if (!part(a, why))
            return false;
    }
    if (a->fresh) /* by one of those calls */
        return true;
    return a->call->simple_poll_iterate(a->poll, a->client != NULL ? -1 : AGAIN_MS) == 0;
}

static void work(struct kp_avahi *a)
{
    AvahiSimplePoll *poll = a->call->simple_poll_new();
    if (poll == NULL) {
        (void)a->job->parted(a, "there is no memory");
        return;
    }
    uv_mutex_lock(&a->lock);
    a->poll = poll;
    uv_mutex_unlock(&a->lock);
    while (!is_stopped(a) && turn(a))
        ;
    if (a->client != NULL) {
        a->job->leave(a);
        a->call->client_free(a->client);
    }
    uv_mutex_lock(&a->lock);
    a->poll = NULL;
    uv_mutex_unlock(&a->lock);
    a->call->simple_poll_free(poll);
}

static void run(void *arg)
{
    struct kp_avahi *a = arg;
    a->call = kp_avahi_library();
    if (a->call != NULL)
        work(a);
    else
        (void)a->job->parted(a, "Avahi's library, " LIBRARY ", isn't installed");
    let_go(a);
}

int kp_avahi_start(struct kp_avahi *a, uv_loop_t *loop, const struct kp_avahi_job *job)
{
    const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                         .stack_size = STACK_LEN};
    uv_thread_t thread;
    int error = uv_mutex_init(&a->lock);
    a->job = job;
    a->holders = 1;
    if (error != 0) {
        job->destroy(a);
        return error;
    }
    error = uv_async_init(loop, &a->news, heard);
    if (error != 0) {
        let_go(a);
        return error;
    }
    a->holders = 2;
    error = uv_thread_create_ex(&thread, &options, run, a);
    if (error == 0) {
        (void)pthread_detach(thread); /* it may hang for half a minute: nobody waits for it */
        return 0;
    }
    a->holders = 1; /* it goes when its handle is closed */
    uv_close((uv_handle_t *)&a->news, closed);
    return error;
}
