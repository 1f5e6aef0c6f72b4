/*
 * The first bytes of a connection that isn't TLS.
 */
#ifndef KP_CONN_FIRST_H
#define KP_CONN_FIRST_H

#include <keyplate/keyplate.h>

/* Whether bytes[len] start as a request line of HTTP does: KP_FIRST_HTTP, KP_FIRST_OTHER, or
 * KP_FIRST_MORE when they could. */
enum kp_first kp_first_request(const uint8_t *bytes, size_t len);

#endif
