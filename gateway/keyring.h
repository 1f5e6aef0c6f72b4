/*
 * Passwords that a person wants to be remembered, in the desktop's keyring (libsecret) and nowhere
 * else.  All of it blocks, for minutes when the person has to unlock the keyring: on a thread of
 * its own.  A build without the library has a keyring that isn't there.
 */
#ifndef KP_GATEWAY_KEYRING_H
#define KP_GATEWAY_KEYRING_H

#include <stdbool.h>
#include <stddef.h>

#define KP_KEYRING_WHY_LEN 256

/* Whether this build can use one at all. */
bool kp_keyring_is_built(void);

/* id: the device's (NUL-terminated UTF-8), user: the name.  Results: 0; 1: it has none (of get and
 * forget); -1: it can't be used: why, one clause, never a secret. */
int kp_keyring_save(const char *id, const char *user, const char *label, const char *password,
                    char why[KP_KEYRING_WHY_LEN]);
/* *password: malloc's, to be wiped and freed by kp_keyring_wipe. */
int kp_keyring_get(const char *id, const char *user, char **password, char why[KP_KEYRING_WHY_LEN]);
/* user NULL: of all users of the device. */
int kp_keyring_forget(const char *id, const char *user, char why[KP_KEYRING_WHY_LEN]);
/* NULL is fine. */
void kp_keyring_wipe(char *password);

#endif
