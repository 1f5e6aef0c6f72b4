/*
 * Small files that are secret: read with care, and rewritten so that a crash leaves the old or the
 * new content whole.  Knows nothing of what is inside.
 */
#ifndef KP_INTEGRATION_SECRET_FILE_H
#define KP_INTEGRATION_SECRET_FILE_H

#include <keyplate/keyplate.h>

/* All of path in *out, NUL-terminated; to be given to kp_secret_file_forget.  KP_E_NOT_FOUND: it
 * isn't there.  KP_E_ARGUMENT: it can't be read, is no regular file, is larger than 1 MiB, others
 * than its owner can use it, or its owner is neither we nor root (when we are root, anybody).  why
 * gets one sentence without a full stop. */
int kp_secret_file_read(const char *path, char **out, size_t *len, char *why,
                        size_t why_len) KP_MUST_CHECK;
/* Wipes and frees; NULL is fine. */
void kp_secret_file_forget(char *text, size_t len);

/* NULL, or why no secret should be written at path: others could put a file or a link of theirs in
 * its place.  A folder that isn't there is found out by who writes. */
const char *kp_secret_file_place_fault(const char *path);
/* data[len] in place of path's content (a symbolic link to a file is followed), durably, 0600. When
 * root writes, the file stays its old owner's.  0, or -1 with why: the old content is there, whole;
 * or the new one is, but may not survive a power cut. */
int kp_secret_file_write(const char *path, const char *data, size_t len, char *why,
                         size_t why_len) KP_MUST_CHECK;

#endif
