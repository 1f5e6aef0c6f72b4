/*
 * What the process of `serve` gives up once its ports are open: root, capabilities, files, system
 * calls.  Whoever takes it over through a fault of its own then has little to do harm with.  The
 * confine*.c are, beside platform.c, the files of the gateway that look at Linux.
 */
#ifndef KP_DEVICE_CONFINE_H
#define KP_DEVICE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../log.h"

struct kp_confine_settings {
    const char *run_as;        /* a user's name or number; NULL: the owner of the credentials */
    const char *credentials;   /* the file that has to be readable for good */
    const char *throttle_file; /* NULL: beside the credentials; only its folder stays writable */
    const struct kp_log *log;
};

/* Before any event loop is made: no io_uring from now on, neither for libuv, which could not go on
 * with a ring that was made earlier, nor for others: it goes past every filter of system calls. */
void kp_confine_begin(void);

/* Who this process will be; name NULL: nobody has this number. */
struct kp_confine_user {
    const char *name; /* libc's, until the next look-up */
    uid_t uid;
    gid_t gid;
};
/* 0, or -1 with one sentence in why: kp_confine would refuse it. */
int kp_confine_who(const struct kp_confine_settings *settings, struct kp_confine_user *out,
                   char *why, size_t why_len);

/* Called once, with the ports bound and no thread but this one, as threads inherit it:
 *  - root becomes run_as, else the owner of the credentials; no capability is left to anybody;
 *  - nothing gives new privileges any more, and there are no core files;
 *  - the credentials have to be readable still;
 *  - Landlock and seccomp, as far as the kernel and this build have them; else a warning says so.
 * 0, or -1 with one sentence in why: the process may not go on. */
int kp_confine(const struct kp_confine_settings *settings, char *why, size_t why_len);

/* For a child that tries it: becomes that user for good and reads the credentials, as kp_confine
 * does, and nothing else.  0, or -1 with one sentence in why: a start would be refused. */
int kp_confine_try(const struct kp_confine_settings *settings, char *why, size_t why_len);

/* Sanitizers run programs and look into their own process for their reports: a build with one, and
 * no other, may do so. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KP_CONFINE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define KP_CONFINE_SANITIZED 1
#endif
#endif

/* ---- Its parts, for confine.c and tests -------------------------------------------------- */

/* kp_confine with Landlock as a kernel has it that says so of its ABI; 0: it has none. */
int kp_confine_with(const struct kp_confine_settings *settings, int landlock, char *why,
                    size_t why_len);

/* Root becomes somebody else.  -1 with a sentence in why: it has not. */
int kp_confine_user(const struct kp_confine_settings *settings, char *why, size_t why_len);
/* No capabilities and no new privileges.  -1 with a sentence in why. */
int kp_confine_rights(char *why, size_t why_len);

/* What this kernel has of Landlock; 0: nothing. */
int kp_confine_landlock(void);
/* Everything can be read, and nothing run; regular files can be written, made and removed in
 * writable (NULL: nowhere) and beneath; no TCP port can be bound.  0 or a negative errno: nothing
 * has changed. */
int kp_confine_files(int landlock, const char *writable);

/* Only the system calls of a running server.  0 or a negative errno; -ENOSYS: this build, -EINVAL:
 * this kernel has no filter, and nothing has changed. */
int kp_confine_calls(void);

/* Has the parts of libc that look up names in memory: no code can be loaded later. */
void kp_confine_load_names(void);

#endif
