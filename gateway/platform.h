/*
 * What differs between operating systems and is not a socket: the process's own limits, and how a
 * person's browser is opened.  platform*.c and device/confine*.c are the only files of the
 * gateway that may look at Linux.
 */
#ifndef KP_GATEWAY_PLATFORM_H
#define KP_GATEWAY_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* No core file and no debugger of the same user: keys and passwords stay in this process.  Also
 * ignores SIGPIPE, and fills closed standard descriptors, which no socket may become: an empty
 * input, an output that takes nothing.  Call it before anything is opened or any secret read. */
void kp_platform_harden(void);

/* Raises the limit of open descriptors as far as is allowed; returns it. */
size_t kp_platform_descriptors(void);
/* Bytes of memory of the machine; 0: unknown. */
uint64_t kp_platform_memory(void);

/* Keeps freed record buffers in the allocator rather than giving every one back to the kernel. */
void kp_platform_tune_memory(void);

/* The folder of what is remembered for the person (under sudo: for who typed sudo), whether or not
 * it is there: $XDG_STATE_HOME/keyplate or ~/.local/state/keyplate.  0 or a negative uv error. */
int kp_platform_state_folder(char *out, size_t len);
/* Makes a folder and those above it, 0700, where they are missing.  0 or a negative uv error. */
int kp_platform_make_folder(const char *path);
/* Under sudo, between the two: files are read and written as who typed sudo, by all threads.  0 or
 * a negative uv error: then nothing has changed, and they must not be touched. */
int kp_platform_be_person(void);
void kp_platform_be_oneself(void);

/* The folder for what lives as long as the person is logged in, made 0700 if it isn't there:
 * $XDG_RUNTIME_DIR/keyplate, else /run/user/UID/keyplate, else "run" in the state folder; where the
 * first two aren't the person's own they are as good as none.  Refused (UV_EACCES) if it isn't a
 * folder of the person's own or others may look into it.  Under sudo it is made as who typed sudo.
 * 0 or a negative uv error. */
int kp_platform_runtime_folder(char *out, size_t len);

/* The uid of the person (under sudo: of who typed sudo). */
unsigned kp_platform_person(void);
/* Whose the other end of a loopback TCP connection is, by fd, our end. */
enum kp_peer {
    KP_PEER_PERSON,
    KP_PEER_OTHER,   /* another user of this computer */
    KP_PEER_UNKNOWN, /* it can't be told: not to be let in */
};
enum kp_peer kp_platform_peer(int fd);
/* The same of a unix socket; root counts as the person there. */
enum kp_peer kp_platform_unix_peer(int fd);

/* Whether anybody has an open connection at that port of this computer, at which we took none yet:
 * it is left of who listened there before, and a browser goes on using it.  True if it can't be
 * told. */
bool kp_platform_port_is_held(unsigned port);

/* Starts the person's browser at url (under sudo: as the person who typed sudo), detached.  0 or a
 * negative uv error.  failed is called, on the loop, when what was started ends with an error:
 * there is no browser. */
int kp_platform_open_browser(uv_loop_t *loop, const char *url, void (*failed)(void));

#endif
