/*
 * The socket of `keyplate passwd listen`: made so that only those whom its mode lets in can ever
 * connect, and nobody can put another in its place.  Knows nothing of what is said there.
 *
 * Everything here prints its own errors and gives an exit status.
 */
#ifndef KP_CMD_PASSWD_SOCKET_H
#define KP_CMD_PASSWD_SOCKET_H

#include <sys/types.h>

#include "command.h"

/* --socket-group, a group's name or number; (gid_t)-1 without one.  KP_EXIT_USAGE. */
int kp_passwd_socket_group(const struct kp_options *options, gid_t *group) KP_MUST_CHECK;

/* Listens at path: 0600, or with a group 0660 and the group's.  Its folder has to be one where
 * nobody else can rename or remove: ours or root's and not writable by others, or sticky and ours.
 * A socket of ours where nobody listens any more is replaced; anything else that stands there
 * stays, and is an error.  *fd: non-blocking, closed on exec. */
int kp_passwd_socket_listen(const char *path, gid_t group, int *fd) KP_MUST_CHECK;
/* Takes the name away again, if it is still what fd listens at. */
void kp_passwd_socket_remove(const char *path, int fd);

/* A listening unix socket that a service manager opened for us (sd_listen_fds(3)); -1: none. */
int kp_passwd_socket_passed(void);

/* Connects to path.  *fd is blocking. */
int kp_passwd_socket_connect(const char *path, int *fd) KP_MUST_CHECK;

#endif
