/*
 * The file of the devices that a person has used: one for each user of the machine, 0600 in a
 * folder of its own, rewritten so that a crash leaves the old or the new whole.
 */
#ifndef KP_CLIENT_SAVED_FILE_H
#define KP_CLIENT_SAVED_FILE_H

#include "creds/file.h"
#include "saved.h"

/* Reads it; no file is an empty list.  KP_E_SYNTAX: it is damaged; KP_E_ARGUMENT: it can't be read,
 * or others can: *error says which file and why, and which line. */
int kp_saved_load(struct kp_saved *out, struct kp_file_error *error) KP_MUST_CHECK;

/* Reads it, lets change have its way with the list, and writes it if that returned more than 0; all
 * under a lock.  A damaged file stays as it is.  0, what change returned if that is negative (then
 * *error is change's to fill), or as kp_saved_load. */
typedef int kp_saved_change_fn(struct kp_saved *saved, void *arg, struct kp_file_error *error);
int kp_saved_change(kp_saved_change_fn *change, void *arg,
                    struct kp_file_error *error) KP_MUST_CHECK;

#endif
