/*
 * Who was proved, told to the upstream: by the header of PROXY protocol version 2, or by fields of
 * each request.  Bytes only.
 */
#ifndef KP_DEVICE_IDENTITY_H
#define KP_DEVICE_IDENTITY_H

#include <keyplate/keyplate.h>

#include "../http/forward.h"
#include "../net/address.h"

#define KP_PROXY2_MAX 512 /* bytes of a header: a name has 255 at most */

enum kp_identity_kind { KP_IDENTITY_NONE, KP_IDENTITY_HEADERS, KP_IDENTITY_PROXY2 };

/* Writes the header of a connection that came from client to the socket fd, and was proved as info
 * says (NULL: nothing was); returns its length, 0 when it didn't fit. */
size_t kp_identity_proxy2(uint8_t out[KP_PROXY2_MAX], const union kp_inet *client, int fd,
                          const struct kp_info *info);

/* For the fields of every request of a connection. */
struct kp_identity {
    struct kp_http_identity said;
    char address[KP_ADDRESS_TEXT_LEN];
};

/* As above.  Borrows from info for as long as its connection lives. */
void kp_identity_say(struct kp_identity *out, const union kp_inet *client, int fd,
                     const struct kp_info *info);

#endif
