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

/* The right to rewrite path: an advisory lock on its directory, held by one process at a time.
 * Waits for up to 10 seconds.  A symbolic link is followed here, once. */
struct kp_file_lock {
    int directory;
    char *name; /* in directory */
};
int kp_file_lock(struct kp_file_lock *lock, const char *path,
                 struct kp_file_error *error) KP_MUST_CHECK;
void kp_file_unlock(struct kp_file_lock *lock);

/* Makes data[len] the file's content, durably and in one step: a temporary file beside it, fsync,
 * rename, fsync of the directory.  Owner and mode stay; a new file is ours and 0600.  The lock is
 * held.  On an error the old content is still there, whole. */
int kp_file_replace(const struct kp_file_lock *lock, const char *data, size_t len,
                    struct kp_file_error *error) KP_MUST_CHECK;

#endif
