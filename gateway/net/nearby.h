/*
 * DNS-SD (RFC 6763) through Avahi: devices say where they are (_keyplate._tcp), and people see
 * what is near.  Everything that comes from it is a hint of a stranger: bounded, checked, escaped
 * before it is shown, never saved and never trusted.  A build without the library has neither.
 *
 * TXT: v=1, id=DEVICE ID, versions=1.2,1.3 (of TLS), path=/ (of its page).
 *
 * Every call of Avahi's library waits for its daemon, for half a minute when that hangs: so it has
 * a thread of its own, and nothing here ever blocks.  The library is loaded on first use.
 */
#ifndef KP_NET_NEARBY_H
#define KP_NET_NEARBY_H

#include <keyplate/keyplate.h>

#include "address.h"
#include "loop.h"

#define KP_NEARBY_TYPE "_keyplate._tcp"
#define KP_NEARBY_MAX 200 /* devices; more are left out */
#define KP_NEARBY_NAME_LEN 64
#define KP_NEARBY_PATH_LEN 128

bool kp_nearby_is_built(void);
/* Has the library in memory, for who can't load code later.  Whether it is there. */
bool kp_nearby_load(void);

/* ---- What is near ------------------------------------------------------------------------ */

struct kp_near {
    char
        name[KP_NEARBY_NAME_LEN]; /* of the service, for people; UTF-8 without control characters */
    char id[KP_DEVICE_ID_MAX + 1]; /* "": it tells none */
    unsigned versions;             /* KP_USE_*; 0: it tells none */
    char path[KP_NEARBY_PATH_LEN]; /* begins with one slash; of the characters of a URL's path */
    char host_name[KP_HOST_LEN];   /* heating.local; "": it has no proper one */
    struct kp_host host;           /* its address, numeric, with a zone where one is needed */
};

struct kp_nearby;

struct kp_nearby_hooks {
    /* One more; or what is known of one has changed (the same name). */
    void (*found)(void *owner, const struct kp_near *near);
    void (*lost)(void *owner, const char *name);
    /* What was there at first has been told; may come once only. */
    void (*settled)(void *owner);
    /* It doesn't work: why, a clause for people.  Nothing comes after it.  (If Avahi ends after it
     * has worked, all are lost, and it is waited for.) */
    void (*failed)(void *owner, const char *why);
};

/* Looks around on the loop until it is stopped; hooks are called on the loop, never from in here.
 * 0 or a negative uv error; UV_ENOTSUP: this build can't. */
int kp_nearby_start(struct kp_nearby **out, struct kp_loop *loop,
                    const struct kp_nearby_hooks *hooks, void *owner);
/* NULL is fine.  No hook is called any more. */
void kp_nearby_stop(struct kp_nearby *nearby);

/* ---- Being seen -------------------------------------------------------------------------- */

#define KP_BEACON_PORTS 8

struct kp_beacon;

struct kp_beacon_port {
    unsigned port;
    bool v4, v6; /* by what it can be reached */
};

struct kp_beacon_plan {
    const char *id;    /* the device's, NUL-terminated; one of more than 252 bytes isn't told */
    unsigned versions; /* KP_USE_* */
    const char *path;  /* "/" */
    struct kp_beacon_port ports[KP_BEACON_PORTS];
    size_t port_count;
};

/* Says so as long as it lives; waits for Avahi if that isn't running, and says so again when it has
 * been restarted; renames itself when the name is taken.  The plan is copied.  told: on the loop,
 * in plain words, when it is something else than before; may be NULL.  0 or a negative uv error;
 * UV_ENOTSUP: this build can't. */
int kp_beacon_start(struct kp_beacon **out, uv_loop_t *loop, const struct kp_beacon_plan *plan,
                    void (*told)(void *owner, bool works, const char *what), void *owner);
/* The device says something else of itself now; the same changes nothing. */
void kp_beacon_change(struct kp_beacon *beacon, const struct kp_beacon_plan *plan);
/* NULL is fine. */
void kp_beacon_stop(struct kp_beacon *beacon);

#endif
