/*
 * Files and folders below an open folder, made so that they survive a power cut: written, synced,
 * renamed, and the folder synced.  Names are single ones; no symbolic link is followed.  Errors
 * have the name and the system's reason.
 */
#ifndef KP_FACTORY_FILES_H
#define KP_FACTORY_FILES_H

#include "creds/file.h"

/* Writes a new file of that mode, whatever the umask; not synced yet. */
int kp_files_write(int folder, const char *name, unsigned mode, const char *data, size_t len,
                   struct kp_file_error *error) KP_MUST_CHECK;
/* Syncs a file, or a folder's names (name "."). */
int kp_files_sync(int folder, const char *name, struct kp_file_error *error) KP_MUST_CHECK;
/* Makes a folder, 0700; that it is there is fine.  *fd: open; its owner and mode were checked to be
 * ours and nobody else's to write. */
int kp_files_folder(int parent, const char *name, int *fd,
                    struct kp_file_error *error) KP_MUST_CHECK;
/* Gives a file or folder another place, where nothing is: KP_E_EXISTS; KP_E_NOT_FOUND. */
int kp_files_move(int from, const char *name, int to, struct kp_file_error *error) KP_MUST_CHECK;
/* Puts a file in its place, over what is there. */
int kp_files_replace(int from, const char *name, int to, const char *as,
                     struct kp_file_error *error) KP_MUST_CHECK;
/* Removes a folder and the files in it, or a file; that it isn't there is fine. */
int kp_files_remove(int parent, const char *name, struct kp_file_error *error) KP_MUST_CHECK;
/* Removes all that is in the folder, by kp_files_remove. */
int kp_files_empty(int folder, struct kp_file_error *error) KP_MUST_CHECK;
/* Calls see for each name in the folder but . and .., until it says false. */
int kp_files_each(int folder, bool (*see)(void *arg, const char *name), void *arg,
                  struct kp_file_error *error) KP_MUST_CHECK;

/* "cannot WHAT NAME: REASON" of errno; KP_E_ARGUMENT. */
int kp_files_fail(struct kp_file_error *error, const char *what, const char *name);

#endif
