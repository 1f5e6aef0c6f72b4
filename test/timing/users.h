/*
 * Many users and as many names that nobody has, all names of one length; and clients that guess at
 * their passwords without any arithmetic: what they say was made once, and each time it is wrong.
 */
#ifndef TEST_TIMING_USERS_H
#define TEST_TIMING_USERS_H

#include "harness.h"

#define USERS_MAX 64

/* Of a handshake: its version and the form of TLS 1.3 (A: ietf, B: boringssl). */
struct guess_kind {
    const char *text;  /* "1.2", "1.3 A", "1.3 B" */
    unsigned versions; /* KP_USE_* */
    unsigned pake;     /* KP_PAKE_*; 0 in TLS 1.2 */
};
#define GUESS_KINDS 3
extern const struct guess_kind guess_kinds[GUESS_KINDS];

/* One guess: the client's first flight and its second one, whose Finished is never right. */
struct guess {
    struct bytes first;
    struct bytes second;
};

/* "u00" and so on; nobody's names are "n00" and so on. */
#define USER_NAME_LEN 3
void user_name(char out[static USER_NAME_LEN + 1], bool known, unsigned index);

#define USERS_DEVICE_ID "timing-device"
/* A store of count users, named user_name(true, 0..), with random verifiers in a group of bits. */
struct kp_store *users_store(unsigned count, unsigned bits);

/* By that name, with a password that nobody has.  bits: of the group that the server has. */
void guess_make(struct guess *guess, const struct guess_kind *kind, const char *name,
                struct kp_span device_id, unsigned bits);
void guess_free(struct guess *guess);

#endif
