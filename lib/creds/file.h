/*
 * The credentials file on disk: read with care, rewritten so that a crash leaves the old or the new
 * whole, and locked so that two writers don't lose a change.  Knows nothing of what is inside.
 * POSIX.
 */
#ifndef KP_CREDS_FILE_H
#define KP_CREDS_FILE_H

#include <keyplate/keyplate.h>

#include "creds/text.h"

#define KP_FILE_MAX 1048576 /* bytes of a file that is read */

/* One sentence of what went wrong and what to do, without a full stop. */
struct kp_file_error {
    char why[512];
};

/* Reads all of path.  KP_E_NOT_FOUND: it isn't there.  KP_E_ARGUMENT: it can't be read, is no
 * regular file, is larger than KP_FILE_MAX; and with secret also: somebody else than its owner can
 * read it, or its owner is neither we nor root (when we are root, anybody).  The text is secret. */
int kp_file_read(const char *path, bool secret, struct kp_text *out,
                 struct kp_file_error *error) KP_MUST_CHECK;

/* Whether a file could be made or rewritten at path: its directory is there, and we may write in
 * it.  KP_E_ARGUMENT with what to do. */
int kp_file_check_place(const char *path, struct kp_file_error *error) KP_MUST_CHECK;

/* The right to rewrite path, held by one process at a time: an advisory lock on ".NAME.lock" beside
 * it, which is there only meanwhile, is 0600, and belongs to us, to root or to the owner of path:
 * nobody else can hold us up.  Waits for up to 10 seconds.  A symbolic link is followed here, once.
 */
struct kp_file_lock {
    int directory;
    int fd;          /* of the lock; -1: not held */
    char *name;      /* in directory */
    char *temporary; /* what kp_file_write wrote and nobody has put in place yet; NULL */
};
int kp_file_lock(struct kp_file_lock *lock, const char *path,
                 struct kp_file_error *error) KP_MUST_CHECK;
/* What was written and not put in place is removed. */
void kp_file_unlock(struct kp_file_lock *lock);

/* Under the lock, in two steps: data[len] goes durably into a temporary file beside the file, of a
 * name that nobody has, with the owner and mode of the old file (a new one is 0600 and ours, or its
 * folder's owner's when root makes it where nobody else may); then
 * _commit puts it in the file's place in one step, and _create does where no file is yet
 * (KP_E_EXISTS).  KP_E_ARGUMENT: the old content is still there, whole.  KP_E_INTERNAL: the new
 * content is in place, but may not survive a power cut. */
int kp_file_write(struct kp_file_lock *lock, const char *data, size_t len,
                  struct kp_file_error *error) KP_MUST_CHECK;
int kp_file_commit(struct kp_file_lock *lock, struct kp_file_error *error) KP_MUST_CHECK;
int kp_file_create(struct kp_file_lock *lock, struct kp_file_error *error) KP_MUST_CHECK;

#endif
