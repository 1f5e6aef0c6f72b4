/*
 * One client of the hub and its messages (doc/agent.md): JSON in, JSON out, each message whole. The
 * same for an extension (native messaging), for a second `keyplate open` (the hand-over socket) and
 * for the `keyplate open` that owns the hub.  Knows no socket.
 *
 * Messages may hold passwords: the memory they are parsed in is wiped when it is freed.  For that
 * the first desk gives cJSON, for the whole process, an allocator that wipes; nothing may be in
 * cJSON's hands then.
 */
#ifndef KP_CLIENT_DESK_H
#define KP_CLIENT_DESK_H

#include "hub.h"

#define KP_DESK_PROTOCOL 1
#define KP_DESK_IN_MAX 65536          /* bytes of a message to us */
#define KP_DESK_OUT_MAX (1024 * 1024) /* and of one from us: what Chromium's side takes */
/* Bytes that may wait for a client that doesn't read: whoever carries the messages ends it then. */
#define KP_DESK_WAITING_MAX (4 * 1024 * 1024)

struct kp_desk;

struct kp_desk_hooks {
    /* One whole message for the client; text[len], UTF-8 JSON, valid until it returns. */
    void (*send)(void *owner, const char *text, size_t len);
    /* The client broke the rules in a way that can't be answered: its connection is to end. */
    void (*broken)(void *owner, const char *why);
};

/* The hooks are called on the loop's thread, and must not free the desk from in there.  NULL: no
 * memory. */
struct kp_desk *kp_desk_new(struct kp_loop *loop, struct kp_hub *hub,
                            const struct kp_desk_hooks *hooks, void *owner);
/* A message of the client.  Answers come by hooks->send, from in here or later. */
void kp_desk_take(struct kp_desk *desk, const char *text, size_t len);
/* The client is gone: what it waited for is given up, and the devices that it alone logged in for
 * as long as it lives (hello: "lasting": false) are logged out.  NULL is fine. */
void kp_desk_free(struct kp_desk *desk);

#endif
