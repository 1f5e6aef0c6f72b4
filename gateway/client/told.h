/*
 * What a device says of itself at /.well-known/keyplate: the request, and its answer parsed
 * strictly.  Words only: what it is worth depends on the connection that it came over.
 *
 *      {"keyplate": 1, "versions": ["1.2", "1.3"], "port": 443, "device_id": "..."}
 *
 * keyplate and device_id must be there; other members are passed over, and so are versions that we
 * don't know.
 */
#ifndef KP_CLIENT_TOLD_H
#define KP_CLIENT_TOLD_H

#include <keyplate/keyplate.h>

#include "../net/address.h"

#define KP_TOLD_MAX 8192 /* bytes of the answer, with its head */
#define KP_TOLD_REQUEST_LEN (KP_HOST_TEXT_LEN + 160)

struct kp_told {
    char id[KP_DEVICE_ID_MAX + 1]; /* NFC, by the rules of device ids */
    unsigned versions;             /* KP_USE_*; 0: none is named */
};

enum kp_told_result {
    KP_TOLD_MORE, /* it isn't all there yet */
    KP_TOLD_READ,
    KP_TOLD_NOT, /* it is none: *why says why not, a clause */
};

/* Writes the request; returns its length. */
size_t kp_told_request(char out[KP_TOLD_REQUEST_LEN], const struct kp_host *host);
/* Judges answer[len], what has come so far; ended: no more comes. */
enum kp_told_result kp_told_read(struct kp_told *out, const char *answer, size_t len, bool ended,
                                 const char **why);

#endif
