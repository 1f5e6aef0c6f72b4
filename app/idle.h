/* The clock that logs out who has gone away; the time that the computer sleeps counts. */
#ifndef KP_APP_IDLE_H
#define KP_APP_IDLE_H

#include <glib.h>

struct kp_idle {
    guint source; /* 0: it doesn't run */
    guint minutes;
    gint64 since; /* microseconds of the clock that goes on in sleep */
    void (*passed)(gpointer owner);
    gpointer owner;
};

/* From now on, until it has passed (told once) or it is stopped.  minutes 0: never. */
void kp_idle_start(struct kp_idle *idle, guint minutes, void (*passed)(gpointer owner),
                   gpointer owner);
/* Other minutes for one that runs. */
void kp_idle_set(struct kp_idle *idle, guint minutes);
/* The person did something. */
void kp_idle_acted(struct kp_idle *idle);
void kp_idle_stop(struct kp_idle *idle);

#endif
