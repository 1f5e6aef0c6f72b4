/* The clock that logs out who has gone away: see idle.h. */
#include "idle.h"

#include <time.h>

#define LOOK_SECONDS 1

static gint64 now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_BOOTTIME, &time);
    return (gint64)time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static gboolean look(gpointer data)
{
    struct kp_idle *idle = data;
    gint64 limit = (gint64)idle->minutes * 60 * G_USEC_PER_SEC;
    if (idle->minutes == 0 || now() - idle->since < limit)
        return G_SOURCE_CONTINUE;
    idle->source = 0;
    idle->passed(idle->owner);
    return G_SOURCE_REMOVE;
}

void kp_idle_start(struct kp_idle *idle, guint minutes, void (*passed)(gpointer owner),
                   gpointer owner)
{
    kp_idle_stop(idle);
    *idle = (struct kp_idle){.minutes = minutes, .since = now(), .passed = passed, .owner = owner};
    idle->source = g_timeout_add_seconds(LOOK_SECONDS, look, idle);
}

void kp_idle_set(struct kp_idle *idle, guint minutes)
{
    idle->minutes = minutes;
}

void kp_idle_acted(struct kp_idle *idle)
{
    idle->since = now();
}

void kp_idle_stop(struct kp_idle *idle)
{
    if (idle->source != 0)
        (void)g_source_remove(idle->source);
    idle->source = 0;
}
