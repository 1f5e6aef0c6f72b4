/*
 * The keyplate:// links of labels: the part of link.h that is theirs.
 */
#ifndef KP_CLIENT_LINK_DEVICE_H
#define KP_CLIENT_LINK_DEVICE_H

#include "link.h"

/* text: what stands after "keyplate://".  As kp_link_parse. */
int kp_link_device_parse(struct kp_link *out, const char *text, const char **why) KP_MUST_CHECK;

#endif
