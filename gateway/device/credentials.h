/*
 * The credentials that a running server goes by: loaded at start, loaded again when the file has
 * changed, and handed out to any number of threads as counted snapshots.  Knows no connection.
 */
#ifndef KP_DEVICE_CREDENTIALS_H
#define KP_DEVICE_CREDENTIALS_H

#include <keyplate/keyplate.h>

#include <sys/stat.h>
#include <uv.h>

#include "../log.h"

struct kp_credentials {
    const char *path;
    const struct kp_log *log;
    struct kp_settings settings; /* of contexts; the device id is the store's */
    uv_mutex_t lock;             /* of the two below */
    struct kp_store *store;
    struct kp_context *context;
    unsigned long loads, failed_loads; /* for those who watch; the same thread */
    struct stat seen;                  /* of the file that was last looked at */
    bool missing;
    int spare;   /* a descriptor kept so that the file can be opened when there are no others */
    bool failed; /* the last load: tried again at each look, whether or not the file changes */
    char trouble[640]; /* and why, as it was logged */
};

/* Loads path, which with *log must outlive it.  0, or -1 with one sentence in why. */
int kp_credentials_open(struct kp_credentials *credentials, const char *path,
                        const struct kp_settings *settings, const struct kp_log *log, char *why,
                        size_t why_len);
void kp_credentials_close(struct kp_credentials *credentials);

/* Looks whether the file has changed (force: loads it in any case) and loads it.  A file that can't
 * be used changes nothing but the log, and is tried again at every look: what was in the way may be
 * gone (no descriptors, no memory, a mode that is put right later).  Whether there is something new
 * to take.  One thread. */
bool kp_credentials_refresh(struct kp_credentials *credentials, bool force);

/* Other settings.versions and .pake for the connections that begin from now on: the tickets of
 * earlier ones are worth nothing then.  0, or negative when nothing has changed.  The same thread.
 */
int kp_credentials_take_protocols(struct kp_credentials *credentials, unsigned versions,
                                  unsigned pake);

/* References to what is current, in place of *store and *context (NULL at first).  Any thread. */
void kp_credentials_take(struct kp_credentials *credentials, struct kp_store **store,
                         struct kp_context **context);

#endif
