/*
 * The run as a whole: devices until all are there, then the sheets and the manifest; from the
 * beginning or from wherever an earlier run of the same order was broken off.
 */
#ifndef KP_FACTORY_PROVISION_H
#define KP_FACTORY_PROVISION_H

#include <signal.h>
#include <stdio.h>

#include "files.h"
#include "order.h"

struct kp_provision {
    const char *path; /* of the folder */
    const struct kp_order *order;
    const struct kp_crypto *crypto;
    unsigned jobs;  /* threads; each takes 32 MiB for a moment */
    FILE *progress; /* where it is told how far it is; NULL: nowhere */
    const volatile sig_atomic_t *stop;
};

/* What became of it. */
struct kp_provision_outcome {
    unsigned long before; /* devices that an earlier run made */
    unsigned long made;   /* that are there now, with those */
    bool was_done;        /* there was nothing to do */
    bool is_stopped;      /* all is in order, and the same command goes on */
};

/* KP_E_*: error says why.  outcome is right in any case. */
int kp_provision_run(const struct kp_provision *provision, struct kp_provision_outcome *outcome,
                     struct kp_file_error *error) KP_MUST_CHECK;

#endif
