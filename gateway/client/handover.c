/* The owner's side: where clients come to.  See handover.h. */
#include "handover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../platform.h"
#include "handover_place.h"
#include "wire.h"

struct client {
    struct kp_wire wire; /* first */
    struct client *next;
    struct kp_counter *counter;
    struct kp_desk *desk;
};

struct kp_counter {
    uv_pipe_t door; /* first */
    struct kp_loop *loop;
    struct kp_hub *hub;
    struct client *clients;
    unsigned count;
};

/* ---- A client ---------------------------------------------------------------------------- */

static void free_client(uv_handle_t *handle)
{
    free(handle); /* the wire's pipe is first of all */
}

static void drop(struct client *client)
{
    struct client **at = &client->counter->clients;
    while (*at != NULL && *at != client)
        at = &(*at)->next;
    if (*at != NULL) {
        *at = client->next;
        client->counter->count--;
    }
    kp_desk_free(client->desk);
    client->desk = NULL;
    kp_wire_close(&client->wire, free_client);
}

static void wire_ended(struct kp_wire *wire)
{
    drop((struct client *)(void *)wire);
}

static void wire_message(struct kp_wire *wire, const char *text, size_t len)
{
    kp_desk_take(((struct client *)(void *)wire)->desk, text, len);
}

static void desk_send(void *owner, const char *text, size_t len)
{
    struct client *client = owner;
    kp_wire_send(&client->wire, text, len);
}

static void desk_broken(void *owner, const char *why)
{
    struct client *client = owner;
    (void)why;
    kp_wire_break(&client->wire);
}

static bool let_in(struct client *client)
{
    static const struct kp_desk_hooks hooks = {desk_send, desk_broken};
    struct kp_counter *counter = client->counter;
    if (uv_accept((uv_stream_t *)&counter->door, (uv_stream_t *)&client->wire.pipe) != 0 ||
        counter->count == KP_COUNTER_CLIENTS || !kp_wire_start(&client->wire))
        return false;
    client->desk = kp_desk_new(counter->loop, counter->hub, &hooks, client);
    return client->desk != NULL;
}

static void came(uv_stream_t *door, int error)
{
    struct kp_counter *counter = (struct kp_counter *)(void *)door;
    struct client *client = error == 0 ? calloc(1, sizeof *client) : NULL;
    if (client == NULL)
        return; /* without memory the newcomer waits outside */
    client->counter = counter;
    client->wire.message = wire_message;
    client->wire.ended = wire_ended;
    kp_wire_init(&client->wire, counter->loop, KP_DESK_IN_MAX, KP_DESK_WAITING_MAX);
    if (!let_in(client)) {
        drop(client);
        return;
    }
    client->next = counter->clients;
    counter->clients = client;
    counter->count++;
}

/* ---- The door ---------------------------------------------------------------------------- */

/* Whoever holds the lock is alone: what is left there is of a process that is no more. */
static int bind_door(struct kp_counter *counter, const char *path)
{
    int error = kp_platform_be_person();
    if (error != 0)
        return error;
    if (unlink(path) != 0 && errno != ENOENT)
        error = uv_translate_sys_error(errno);
    if (error == 0)
        error = uv_pipe_bind(&counter->door, path);
    if (error == 0 && chmod(path, 0600) != 0) /* nobody can connect before listen */
        error = uv_translate_sys_error(errno);
    kp_platform_be_oneself();
    return error;
}

static void free_counter(uv_handle_t *handle)
{
    free(handle);
}

int kp_counter_open(struct kp_counter **out, struct kp_loop *loop, struct kp_hub *hub,
                    const struct kp_owner *owner)
{
    char path[KP_PLACE_LEN];
    struct kp_counter *counter = calloc(1, sizeof *counter);
    int error;
    *out = NULL;
    if (counter == NULL)
        return UV_ENOMEM;
    counter->loop = loop;
    counter->hub = hub;
    (void)uv_pipe_init(&loop->uv, &counter->door, 0);
    error = kp_place_path(owner->folder, path);
    if (error == 0)
        error = bind_door(counter, path);
    if (error == 0)
        error = uv_listen((uv_stream_t *)&counter->door, KP_COUNTER_CLIENTS, came);
    if (error == 0)
        *out = counter;
    else
        uv_close((uv_handle_t *)&counter->door, free_counter);
    return error;
}

void kp_counter_close(struct kp_counter *counter)
{
    if (counter == NULL)
        return;
    while (counter->clients != NULL)
        drop(counter->clients);
    uv_close((uv_handle_t *)&counter->door, free_counter); /* libuv removes the socket's file */
}
