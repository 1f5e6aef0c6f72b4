/*
 * Where an answer sends the client.  A server behind a gateway makes absolute URLs of the Host it
 * was told and of the scheme and the port that it knows: those would lead around the gateway.
 */
#ifndef KP_HTTP_LOCATION_H
#define KP_HTTP_LOCATION_H

#include "forward.h"

/* Writes the value of Location.  An http URL of the host that was asked for, at the usual port, the
 * asked-for one or the upstream's, or of the upstream by its loopback address, becomes its
 * path; every other value stays as it is. */
void kp_http_location(struct kp_out *out, struct kp_slice value, const struct kp_http_back *how);

#endif
