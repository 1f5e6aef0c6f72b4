/*
 * The main thread's side of the engine: requests and their answers, and what happens
 * (doc/agent.md), as JSON on GLib's main loop.  Everything here is the main thread's.
 */
#ifndef KP_APP_TALK_H
#define KP_APP_TALK_H

#include <cjson/cJSON.h>
#include <glib.h>

struct kp_talk;

/* answer is valid until it returns. */
typedef void (*kp_talk_answer)(const cJSON *answer, gpointer owner);
/* event is its name; message the whole of it, valid until it returns. */
typedef void (*kp_talk_event)(const char *event, const cJSON *message, gpointer owner);

/* Starts the engine and says hello.  NULL with a sentence in *why, which is the caller's. */
struct kp_talk *kp_talk_new(char **why);
/* Ends the engine: all logins, tunnels and keys with it.  Nobody is called any more.  NULL is fine.
 */
void kp_talk_free(struct kp_talk *talk);

/* Whether passwords can be kept in the desktop's keyring.  FALSE until the engine has answered. */
gboolean kp_talk_has_keyring(const struct kp_talk *talk);

/* A request of that type, to be filled with members.  cJSON's memory is wiped when it is freed. */
cJSON *kp_talk_request(const char *type);
/* Sends and frees it.  answer (may be NULL) comes once, never from in here, unless it is dropped
 * before.  Returns what to drop it by; never 0. */
guint kp_talk_ask(struct kp_talk *talk, cJSON *request, kp_talk_answer answer, gpointer owner);
/* Its answer is not told any more; 0 and what was answered are fine. */
void kp_talk_drop(struct kp_talk *talk, guint id);

/* Events from now on.  Returns what to unwatch it by. */
guint kp_talk_watch(struct kp_talk *talk, kp_talk_event event, gpointer owner);
void kp_talk_unwatch(struct kp_talk *talk, guint id);

/* A tunnel to a device that is in (client/tunnel.h): the returned descriptor is a stream to it, the
 * caller's.  *cut is set, from another thread, before the end is seen on it that isn't the device's
 * own: so look at it atomically when the end was read, and unref it (g_atomic_rc_box_release) when
 * done.  -1: there is no descriptor left; then *cut isn't set. */
int kp_talk_tunnel(struct kp_talk *talk, const char *name, gint **cut);

/* A member's text, or "" . */
const char *kp_talk_text(const cJSON *message, const char *member);
gboolean kp_talk_true(const cJSON *message, const char *member);

#endif
