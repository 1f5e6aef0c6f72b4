/*
 * Threads that make devices side by side, a batch at a time.  A batch is made, synced, put into the
 * journal, and only then do its devices get their places: a device that is seen is whole, also
 * after a power cut, and its password is known.
 */
#ifndef KP_FACTORY_CREW_H
#define KP_FACTORY_CREW_H

#include <signal.h>

#include "device.h"
#include "journal.h"
#include "place.h"

#define KP_CREW_MAX 256

struct kp_crew_plan {
    struct kp_device_plan device;
    const struct kp_place *place;
    struct kp_journal *journal;                  /* the crew's while it works */
    unsigned threads;                            /* 1 to KP_CREW_MAX */
    const volatile sig_atomic_t *stop;           /* to be set where it is to end early */
    void (*tell)(void *arg, unsigned long made); /* a few times a second, on the caller's thread */
    void *arg;
};

/* Makes what is missing in the journal.  0 also if it was stopped.  An error: no more is made,
 * error says why; what has its place stays. */
int kp_crew_work(const struct kp_crew_plan *plan, struct kp_file_error *error) KP_MUST_CHECK;

#endif
