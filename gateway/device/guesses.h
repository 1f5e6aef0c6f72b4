/*
 * How many guesses at passwords a running server judges: the library's throttle, shared by the
 * workers, and the file in which it outlives the process.  Knows no connection.
 *
 * A worker asks; when the state has to be written first, a thread of its own writes it, and the
 * worker asks again: nobody who serves clients ever waits for a disk.  One that hangs is given up
 * on after two seconds, and guesses are counted in memory alone until it goes on.
 */
#ifndef KP_DEVICE_GUESSES_H
#define KP_DEVICE_GUESSES_H

#include <keyplate/keyplate.h>

#include <stdatomic.h>
#include <sys/stat.h>
#include <uv.h>

#include "../log.h"
#include "../net/address.h"

#define KP_GUESSES_SUFFIX ".throttle" /* behind the path of the credentials */

struct kp_guesses {
    struct kp_throttle *throttle;
    const struct kp_log *log; /* the main thread's */
    char *path;
    char *state;               /* KP_THROTTLE_STATE_MAX, of the writer */
    void (*leased)(void *arg); /* the state was written, or won't be: who waits may ask again */
    void *leased_arg;
    atomic_bool asked; /* there was a guess: what was leased and not spent is settled at the end */
    uv_thread_t writer;
    bool started;
    uv_mutex_t lock; /* of what follows */
    uv_cond_t changed;
    bool wanted; /* a lease is waited for, or a state is to be settled */
    bool ending; /* the writer is to write once more and to end */
    bool ended;
    bool writing;   /* since: */
    bool given_up;  /* on the write that goes on */
    uint64_t since; /* uv_hrtime */
    bool failed;    /* the last write: why */
    bool shared;    /* another process writes the file, too */
    char why[512];
    struct stat last; /* the file as we wrote it; the writer's */
    bool written;
    bool told_failing, told_shared; /* what the log says: the main thread's */
};

/* file NULL: credentials and ".throttle".  log must outlive it.  A state that is there is taken up;
 * one that can't be read counts as all spent, which is logged.  0, or -1 with one sentence in why.
 */
int kp_guesses_open(struct kp_guesses *guesses, const char *credentials, const char *file,
                    const struct kp_log *log, char *why, size_t why_len);
/* Starts the writer, before anybody asks.  leased is called by it or by the main thread, under a
 * lock: it mustn't wait.  0 or a negative uv error. */
int kp_guesses_start(struct kp_guesses *guesses, void (*leased)(void *arg), void *arg);
/* From now on leased isn't called. */
void kp_guesses_hush(struct kp_guesses *guesses);
/* Writes what is left to write, for two seconds at most.  false: the disk hangs, and so does the
 * writer, who uses *guesses still: it must stay until the process ends. */
bool kp_guesses_close(struct kp_guesses *guesses);

/* Any thread: see kp_throttle_take, _proved and _wait.  KP_GUESS_LEASE: it is being
 * written; ask again when leased was called. */
enum kp_verdict kp_guesses_take(struct kp_guesses *guesses, const union kp_inet *from,
                                const char *name, size_t len, struct kp_guess *out);
void kp_guesses_proved(struct kp_guesses *guesses, struct kp_guess *guess);
uint32_t kp_guesses_wait(struct kp_guesses *guesses, const union kp_inet *from);

/* The main thread, a few times a second: settles what a restart would count too much, sees to a
 * disk that hangs, and logs what is wrong, once. */
void kp_guesses_look(struct kp_guesses *guesses);

#endif
