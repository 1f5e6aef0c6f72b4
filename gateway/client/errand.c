/* The side that comes to the owner's hub: see handover.h. */
#include "handover.h"

#include <stdlib.h>

#include "../platform.h"
#include "handover_place.h"
#include "wire.h"

struct kp_errand {
    struct kp_wire wire; /* first */
    const struct kp_errand_hooks *hooks;
    void *owner;
    uv_connect_t connect;
    struct kp_out early; /* frames that wait until it is connected */
    bool connected;
};

static void free_errand(uv_handle_t *handle)
{
    struct kp_errand *errand = (struct kp_errand *)(void *)handle;
    kp_out_free(&errand->early);
    free(errand);
}

static void finish(struct kp_errand *errand)
{
    void (*ended)(void *owner) = errand->hooks->ended;
    void *owner = errand->owner;
    kp_wire_close(&errand->wire, free_errand);
    ended(owner);
}

static void wire_ended(struct kp_wire *wire)
{
    finish((struct kp_errand *)(void *)wire);
}

static void wire_message(struct kp_wire *wire, const char *text, size_t len)
{
    const struct kp_errand *errand = (struct kp_errand *)(void *)wire;
    errand->hooks->message(errand->owner, text, len);
}

static bool send_early(void *owner, const char *text, size_t len)
{
    struct kp_errand *errand = owner;
    kp_wire_send(&errand->wire, text, len);
    return true;
}

static void connected(uv_connect_t *connect, int error)
{
    struct kp_errand *errand = (struct kp_errand *)(void *)connect->handle;
    struct kp_frames frames;
    if (uv_is_closing((uv_handle_t *)connect->handle))
        return;
    if (error != 0 || !kp_wire_start(&errand->wire)) {
        finish(errand);
        return;
    }
    errand->connected = true;
    kp_frames_init(&frames, KP_DESK_IN_MAX);
    (void)kp_frames_take(&frames, (const uint8_t *)errand->early.at, errand->early.len, send_early,
                         errand);
    kp_frames_clear(&frames);
    kp_out_free(&errand->early);
    if (errand->hooks->connected != NULL)
        errand->hooks->connected(errand->owner);
}

int kp_errand_start(struct kp_errand **out, struct kp_loop *loop,
                    const struct kp_errand_hooks *hooks, void *owner)
{
    char folder[4096], path[KP_PLACE_LEN];
    struct kp_errand *errand;
    int error = kp_platform_runtime_folder(folder, sizeof folder);
    *out = NULL;
    if (error == 0)
        error = kp_place_path(folder, path);
    if (error != 0)
        return error;
    errand = calloc(1, sizeof *errand);
    if (errand == NULL)
        return UV_ENOMEM;
    errand->hooks = hooks;
    errand->owner = owner;
    errand->wire.message = wire_message;
    errand->wire.ended = wire_ended;
    kp_wire_init(&errand->wire, loop, KP_DESK_OUT_MAX, KP_DESK_WAITING_MAX);
    uv_pipe_connect(&errand->connect, &errand->wire.pipe, path, connected);
    *out = errand;
    return 0;
}

void kp_errand_send(struct kp_errand *errand, const char *text, size_t len)
{
    if (errand->connected)
        kp_wire_send(&errand->wire, text, len);
    else if (errand->early.len + len <= KP_DESK_WAITING_MAX)
        kp_frames_put(&errand->early, text, len);
}

void kp_errand_close(struct kp_errand *errand)
{
    if (errand != NULL)
        kp_wire_close(&errand->wire, free_errand);
}
