/*
 * The folder that devices are made in:
 *
 *      SERIAL/             a device that is whole
 *      labels.pdf  manifest.csv  manifest.json         once all are
 *      .keyplate/          ours, 0700:
 *          lock            held by the run that is at work
 *          order           what was asked; stays
 *          done            all was made; stays
 *          journal         the passwords (journal.h), until all is done
 *          work/           devices and files that aren't whole yet, until all is done
 */
#ifndef KP_FACTORY_PLACE_H
#define KP_FACTORY_PLACE_H

#include "files.h"
#include "journal.h"
#include "order.h"

#define KP_PLACE_JOURNAL "journal"
#define KP_PLACE_SHEETS "labels.pdf"
#define KP_PLACE_CSV "manifest.csv"
#define KP_PLACE_JSON "manifest.json"

struct kp_place {
    int folder; /* all are descriptors; -1: not open */
    int state;
    int lock;
    int work;
    bool is_done;  /* all was made before: there is no work folder */
    bool is_begun; /* by an earlier run */
};

/* Opens the folder, or makes it (0700), for this run alone, and keeps the order there.  Refused
 * (KP_E_ARGUMENT with error): it is somebody else's, or others may write in it; another run is at
 * work; it was begun with another order; or it has other things in it. */
int kp_place_open(struct kp_place *place, const char *path, const struct kp_order *order,
                  struct kp_file_error *error) KP_MUST_CHECK;
void kp_place_close(struct kp_place *place);

/* After a run that was broken off: what is in the journal gets its place, what isn't is removed.
 * Refused: a device of the journal is in neither place, or one is there that isn't in the journal.
 */
int kp_place_recover(const struct kp_place *place, const struct kp_journal *journal,
                     struct kp_file_error *error) KP_MUST_CHECK;
/* Of a folder that is done: how many of its devices are there still. */
int kp_place_count(const struct kp_place *place, const struct kp_serials *serials,
                   unsigned long *count, struct kp_file_error *error) KP_MUST_CHECK;
/* All has its place: says so, and removes the journal and the work folder. */
int kp_place_finish(struct kp_place *place, struct kp_file_error *error) KP_MUST_CHECK;

#endif
