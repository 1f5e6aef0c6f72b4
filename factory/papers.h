/*
 * What goes with all devices of an order: the sheets of labels and the manifest, made of the
 * journal once all devices are.
 */
#ifndef KP_FACTORY_PAPERS_H
#define KP_FACTORY_PAPERS_H

#include <signal.h>

#include "journal.h"
#include "order.h"
#include "place.h"

struct kp_papers_plan {
    const struct kp_order *order;
    const struct kp_place *place;
    const struct kp_journal *journal;
    const volatile sig_atomic_t *stop;
    void (*tell)(void *arg, unsigned long labels); /* now and then */
    void *arg;
};

/* Writes all of them anew and puts them in their places, durable after 0.  *stopped: it was ended
 * early, and 0. */
int kp_papers_write(const struct kp_papers_plan *plan, bool *stopped,
                    struct kp_file_error *error) KP_MUST_CHECK;

#endif
