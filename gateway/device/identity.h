/*
 * Who was proved, told to the upstream: the header of PROXY protocol version 2.  Bytes only.
 */
#ifndef KP_DEVICE_IDENTITY_H
#define KP_DEVICE_IDENTITY_H

#include <keyplate/keyplate.h>

#include "../net/address.h"

#define KP_PROXY2_MAX 512 /* bytes of a header: a name has 255 at most */

/* Writes the header of a connection from client to local, which was proved as info says; returns
 * its length, 0 when it didn't fit. */
size_t kp_identity_proxy2(uint8_t out[KP_PROXY2_MAX], const union kp_inet *client,
                          const union kp_inet *local, const struct kp_info *info);

#endif
