/*
 * Which device a person means, and what is known of it before anything is sent: from the command
 * line, its link, and the devices that are remembered.
 *
 * A word that is a remembered device's name means that device, though a host may have the same
 * name; an address means what is at it, whoever was there.  A device is known by its id first, then
 * by its address.
 */
#ifndef KP_CMD_TARGET_H
#define KP_CMD_TARGET_H

#include "client/explain.h"
#include "client/link.h"
#include "client/saved.h"
#include "command.h"

/* The rows that every command with a target has in its option table. */
#define KP_TARGET_OPTIONS                                                                          \
    {"device-id", KP_OPTION_VALUE, "ID", "the device's id, as on its label: TLS 1.3 needs it"},    \
        {"tls", KP_OPTION_VALUE, "1.2|1.3|any",                                                    \
         "versions of TLS to offer (default any: never less than the device could before)"},       \
        {"pake", KP_OPTION_VALUE, "ietf|boringssl",                                                \
         "form of TLS 1.3 with SPAKE2+ (default ietf; the other is never tried by itself)"},       \
    {                                                                                              \
        "no-save", KP_OPTION_FLAG, NULL, "neither read nor write what is remembered of devices"    \
    }

struct kp_target {
    struct kp_link link;           /* its host is always set */
    char where[KP_HOST_TEXT_LEN];  /* the host, for people */
    char id[KP_DEVICE_ID_MAX + 1]; /* ""; not known */
    char user[KP_NAME_MAX + 1];    /* "": not known */
    struct kp_saved_device saved;  /* the entry as it was; its name is "" when there is none */
    struct kp_offered offered;     /* its versions and pake are for kp_settings */
    bool saves;
};

/* Prints what is wrong; the exit status.  options: of a table with KP_TARGET_OPTIONS, "user", and
 * the device as first positional. */
int kp_target_find(struct kp_target *target, const struct kp_options *options) KP_MUST_CHECK;

/* The id for a login: NULL when TLS 1.3 isn't offered. */
const char *kp_target_login_id(const struct kp_target *target);

#endif
