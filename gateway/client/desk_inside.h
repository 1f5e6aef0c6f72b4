/*
 * What desk.c, desk_login.c and desk_near.c share: one client, and its requests that take time.
 */
#ifndef KP_CLIENT_DESK_INSIDE_H
#define KP_CLIENT_DESK_INSIDE_H

#include "../net/nearby.h"
#include "desk.h"
#include "desk_json.h"
#include "probe.h"

#define KP_DESK_REQUESTS 32  /* of a client that take time, at once */
#define KP_DESK_LOOK_MS 5000 /* for one device */

struct kp_desk_request;

struct kp_desk_seen {
    struct kp_near near;
    char saved_name[KP_SAVED_NAME_LEN]; /* of a device with that id; "": there is none */
};

struct kp_desk {
    struct kp_hub_watch watch; /* first */
    struct kp_loop *loop;
    struct kp_hub *hub;
    const struct kp_desk_hooks *hooks;
    void *owner;
    unsigned port; /* the hub's */
    enum kp_language language;
    bool greeted;
    bool lasting;
    bool broken;
    struct kp_desk_request *requests;
    unsigned request_count;
    struct kp_nearby *near; /* NULL: nobody wants to know */
};

/* One that takes time; ends with an answer, or with its desk. */
struct kp_desk_request {
    uv_timer_t timer; /* first */
    struct kp_desk_request *next;
    struct kp_desk *desk;
    int id;

    /* Looking around: for all there is, or for the one of an id. */
    struct kp_nearby *nearby;
    void (*looked)(struct kp_desk_request *request); /* it is over */
    const char *wanted;                              /* an id; NULL: all */
    struct kp_desk_seen *seen;
    size_t seen_count;
    bool cant_look;
    char cant_why[256];

    struct kp_probe *probe; /* NULL: none runs */

    /* Logging in. */
    struct kp_hub_login login;
    struct kp_text password; /* for the second place */
    bool logging_in;         /* the hub has login */
    bool moved;              /* it is the second place */
    char why[KP_WORD_LEN];   /* what came of the first */
    char more[KP_WORD_LEN];
};

/* ---- Requests ---------------------------------------------------------------------------- */

/* NULL: it was refused. */
struct kp_desk_request *kp_desk_request_new(struct kp_desk *desk, int id);
/* What it does is given up, and it is wiped; it is freed when the loop lets go of its timer. */
void kp_desk_request_end(struct kp_desk_request *request);

/* ---- Answers ----------------------------------------------------------------------------- */

#define KP_DESK_NO_STATUS (-1)

/* Begins an answer that says ok; kp_desk_send ends it, sends and frees it. */
void kp_desk_begin(struct kp_json *json, int id);
void kp_desk_send(struct kp_desk *desk, struct kp_json *json, int id);
/* An answer that isn't ok.  more may be NULL. */
void kp_desk_refuse(struct kp_desk *desk, int id, const char *error, const char *text,
                    const char *more, int status);
void kp_desk_facts(const struct kp_desk *desk, struct kp_json *json, const char *key,
                   const struct kp_site_facts *facts);
/* A list: what KP_USE_* names. */
void kp_desk_versions(struct kp_json *json, const char *key, unsigned versions);

/* ---- desk_near.c ------------------------------------------------------------------------- */

/* Looks for a device of that id, or for all (NULL), for so long; then looked is called: never from
 * in here. */
void kp_desk_look(struct kp_desk_request *request, const char *wanted, unsigned ms,
                  void (*looked)(struct kp_desk_request *request));
/* A sentence for why nothing was found. */
const char *kp_desk_not_near(const struct kp_desk_request *request, char text[KP_WORD_LEN]);
void kp_desk_discover(struct kp_desk *desk, struct kp_message *message);
void kp_desk_watch(struct kp_desk *desk, struct kp_message *message);

/* ---- desk_login.c ------------------------------------------------------------------------ */

void kp_desk_find(struct kp_desk *desk, struct kp_message *message);
void kp_desk_probe(struct kp_desk *desk, struct kp_message *message);
void kp_desk_login(struct kp_desk *desk, struct kp_message *message);

/* ---- desk_hold.c: who logged in, and for how long ---------------------------------------- */

/* The desk's client logged in to that device. */
void kp_desk_hold(struct kp_desk *desk, const char *name);
/* Nobody is in any more: what was known of it counts no longer. */
void kp_desk_hold_sweep(struct kp_hub *hub);
/* The client is gone: devices that it alone wanted, and not lastingly, are logged out. */
void kp_desk_hold_end(struct kp_desk *desk);

#endif
