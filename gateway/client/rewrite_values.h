/*
 * Values of a device's fields that name the device itself, as its face has them.  Words only.
 */
#ifndef KP_CLIENT_REWRITE_VALUES_H
#define KP_CLIENT_REWRITE_VALUES_H

#include "../http/authority.h"
#include "rewrite.h"

/* The face's origin as browsers write it, without the port if that is 80. */
void kp_rewrite_put_origin(struct kp_out *out, const struct kp_names *names);
/* Whether value, an origin or a URL, is that of the face; *rest is what is behind the authority. */
bool kp_rewrite_is_face(const struct kp_names *names, struct kp_slice value, struct kp_slice *rest);

/* The device's name, and its port. */
struct kp_http_authority kp_rewrite_device(const struct kp_names *names);
/* Whether host is the device's, in any spelling, and port (0: the usual one of https) is too,
 * unless any will do. */
bool kp_rewrite_is_device(const struct kp_names *names, struct kp_slice host, unsigned port,
                          bool any_port);

/* An origin. */
void kp_rewrite_origin(struct kp_out *out, const struct kp_names *names, struct kp_slice value);
/* The URL that a page of the device means by value, on the face's page: a URL of the device becomes
 * a path, one without a scheme keeps https, the rest stays as it is. */
void kp_rewrite_url(struct kp_out *out, const struct kp_names *names, struct kp_slice value);
/* Refresh, as browsers read it: "5; url=URL". */
void kp_rewrite_refresh(struct kp_out *out, const struct kp_names *names, struct kp_slice value);
/* Link: the URLs in <>. */
void kp_rewrite_link(struct kp_out *out, const struct kp_names *names, struct kp_slice value);
/* Content-Security-Policy.  Nothing is added if nothing of it is left. */
void kp_rewrite_policy(struct kp_out *out, const struct kp_names *names, struct kp_slice value);

#endif
