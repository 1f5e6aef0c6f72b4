/*
 * The line of --verbose about a connection.
 */
#ifndef KP_CMD_AGREED_H
#define KP_CMD_AGREED_H

#include <keyplate/keyplate.h>

/* Prints on stderr what a proved connection agreed on:
 * "proved: TLSv1.3, SPAKE2+ (ietf), TLS_AES_128_GCM_SHA256, X25519, full handshake, user admin". */
void kp_agreed_tell(const struct kp_info *info);

#endif
