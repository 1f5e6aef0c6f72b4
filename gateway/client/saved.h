/*
 * The devices that a person has used, as they are remembered: a list in memory and its text.  Never
 * a password.  Knows no file.
 *
 *      keyplate-devices 1
 *      device NAME HOST:PORT ID USER VERSIONS SEEN
 *      end COUNT
 *
 * One space between fields.  NAME: 1 to 63 of a-z, 0-9 and the hyphen, which is not at an end (it
 * can be a DNS label).  In ID and USER each byte up to the space, DEL and the backslash are \xNN.
 * VERSIONS, of TLS, that the device has been proved to speak or has said so over a proved
 * connection: 1.2, 1.3 or 1.2,1.3.  SEEN: seconds since 1970.  Names, ids and addresses are there
 * once each.
 */
#ifndef KP_CLIENT_SAVED_H
#define KP_CLIENT_SAVED_H

#include <keyplate/keyplate.h>

#include "../net/address.h"
#include "creds/text.h"

#define KP_SAVED_NAME_LEN 64         /* with its NUL */
#define KP_SAVED_RESERVED "keyplate" /* no device's name: keyplate.localhost is our own page */
#define KP_SAVED_MAX 1000            /* devices of a person */

struct kp_saved_device {
    char name[KP_SAVED_NAME_LEN];
    struct kp_host host;
    char id[KP_DEVICE_ID_MAX + 1];
    char user[KP_NAME_MAX + 1];
    unsigned versions; /* KP_USE_* */
    uint64_t seen;
};

struct kp_saved {
    struct kp_saved_device *devices;
    size_t count;
};

void kp_saved_clear(struct kp_saved *saved);

/* *out is the caller's to clear, also after an error, when it is empty.  KP_E_SYNTAX with *fault,
 * KP_E_MEMORY. */
int kp_saved_parse(struct kp_saved *out, const char *text, size_t len,
                   struct kp_store_fault *fault) KP_MUST_CHECK;
/* KP_E_MEMORY. */
int kp_saved_format(const struct kp_saved *saved, struct kp_text *out) KP_MUST_CHECK;

/* Whether it is a name by the rules above. */
bool kp_saved_name_is_right(const char *name);
/* A name that nobody has yet, made of a host's: "heating" of heating.local, "192-0-2-7". */
void kp_saved_choose_name(const struct kp_saved *saved, const struct kp_host *host,
                          char out[KP_SAVED_NAME_LEN]);

/* NULL: there is none.  A name's case doesn't matter. */
struct kp_saved_device *kp_saved_by_name(const struct kp_saved *saved, const char *name);
struct kp_saved_device *kp_saved_by_id(const struct kp_saved *saved, const char *id);
struct kp_saved_device *kp_saved_by_host(const struct kp_saved *saved, const struct kp_host *host);

/* Appends a copy.  KP_E_EXISTS: its name, id or address is there; KP_E_TOO_LONG: there are
 * KP_SAVED_MAX; KP_E_MEMORY. */
int kp_saved_add(struct kp_saved *saved, const struct kp_saved_device *device) KP_MUST_CHECK;
/* device: one of the list's. */
void kp_saved_remove(struct kp_saved *saved, struct kp_saved_device *device);

#endif
