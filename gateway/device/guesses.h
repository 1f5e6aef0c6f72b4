/*
 * How many guesses at passwords a running server judges: the library's throttle, shared by the
 * workers, and the file in which it outlives the process.  Knows no connection.
 *
 * A worker asks; when the state has to be written first, it says so to the main thread, which
 * writes, and asks again: no worker ever waits for a disk.
 */
#ifndef KP_DEVICE_GUESSES_H
#define KP_DEVICE_GUESSES_H

#include <keyplate/keyplate.h>

#include <stdatomic.h>

#include "../log.h"
#include "../net/address.h"

struct kp_guesses {
    struct kp_throttle *throttle;
    const struct kp_log *log;
    char *path;
    char *state;       /* KP_THROTTLE_STATE_MAX, of the main thread */
    atomic_bool asked; /* there was a guess: what was leased and not spent is settled at the end */
    bool failing;      /* the last write failed, and it was said */
};

/* file NULL: credentials and ".throttle".  log must outlive it.  A state that is there is taken up;
 * one that can't be read counts as all spent, which is logged.  0, or -1 with one sentence in why.
 */
int kp_guesses_open(struct kp_guesses *guesses, const char *credentials, const char *file,
                    const struct kp_log *log, char *why, size_t why_len);
/* Writes what is left to write. */
void kp_guesses_close(struct kp_guesses *guesses);

/* Any thread: see kp_throttle_take, _proved, _unused and _wait.  KP_GUESS_LEASE: kp_guesses_store
 * has to come first. */
enum kp_verdict kp_guesses_take(struct kp_guesses *guesses, const union kp_inet *from,
                                const char *name, size_t len, struct kp_guess *out);
void kp_guesses_proved(struct kp_guesses *guesses, struct kp_guess *guess);
void kp_guesses_unused(struct kp_guesses *guesses, struct kp_guess *guess);
uint32_t kp_guesses_wait(struct kp_guesses *guesses, const union kp_inet *from);

/* The main thread.  Writes the state; when that can't be done it is logged, once, and guesses are
 * counted in memory alone until it can. */
void kp_guesses_store(struct kp_guesses *guesses);
/* From time to time: writes what a restart would count too much. */
void kp_guesses_settle(struct kp_guesses *guesses);

#endif
