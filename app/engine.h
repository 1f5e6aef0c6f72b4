/*
 * The client gateway inside this process: a hub without a face on a thread of its own, spoken to in
 * the messages of doc/agent.md, and tunnels to devices that are in.  Everything here may be called
 * from any one thread but the engine's; what it tells comes on the engine's thread.
 */
#ifndef KP_APP_ENGINE_H
#define KP_APP_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#define KP_ENGINE_WHY_LEN 512

struct kp_engine;

struct kp_engine_hooks {
    /* One whole message, text[len], UTF-8 JSON, valid until it returns. */
    void (*message)(void *owner, const char *text, size_t len);
    void *owner;
};

/* Starts it.  hooks is copied.  NULL with why: a sentence. */
struct kp_engine *kp_engine_start(const struct kp_engine_hooks *hooks, char why[KP_ENGINE_WHY_LEN]);
/* A message to it; a copy is taken, and wiped once it was read.  false: no memory. */
bool kp_engine_send(struct kp_engine *engine, const char *text, size_t len);
/* See kp_hub_tunnel: over comes once in any case, on the engine's thread or from in here. */
void kp_engine_tunnel(struct kp_engine *engine, const char *name, int fd,
                      void (*over)(void *owner, bool in_order), void *owner);
/* Logs out of everything, wipes, waits for the thread and frees: no hook is called any more.  NULL
 * is fine. */
void kp_engine_stop(struct kp_engine *engine);

#endif
