/*
 * The library's throttle of guesses, and the file in which it outlives the process.  The file is
 * written inside a call: when a guess needs it first, which is seldom, and by the look.  One that
 * can't be written is logged once; guesses are then counted in memory alone.
 */
#ifndef KP_INTEGRATION_THROTTLE_FILE_H
#define KP_INTEGRATION_THROTTLE_FILE_H

#include <sys/stat.h>

#include "tls_log.h"

struct kp_throttle_file {
    struct kp_throttle *throttle;
    const struct kp_tls_log *log;
    char *path;       /* NULL: memory alone */
    char *state;      /* KP_THROTTLE_STATE_MAX */
    bool asked;       /* there was a guess: what was leased and not spent is settled at the end */
    bool wanted;      /* the state should be written soon */
    bool failing;     /* the last write */
    bool shared;      /* another process writes the file, too */
    struct stat last; /* the file as we wrote it, if written */
    bool written;
};

/* Takes path over, and up what an earlier process wrote there; a state that can't be read counts as
 * all spent.  KP_E_MEMORY, KP_E_CRYPTO: nothing is left of it then. */
int kp_throttle_file_open(struct kp_throttle_file *file, char *path,
                          const struct kp_tls_log *log) KP_MUST_CHECK;
void kp_throttle_file_close(struct kp_throttle_file *file);

/* Whether a guess is to be judged. */
bool kp_throttle_file_take(struct kp_throttle_file *file, const uint8_t source[KP_SOURCE_LEN],
                           const char *name, size_t len, struct kp_guess *out);
void kp_throttle_file_look(struct kp_throttle_file *file);

#endif
