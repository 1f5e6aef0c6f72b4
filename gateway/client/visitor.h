/*
 * One connection of a browser at the face: says something that may pass (first_request.h), waits
 * for a secure connection to the device, then passes bytes.  Else the browser gets a page that says
 * why.
 */
#ifndef KP_CLIENT_VISITOR_H
#define KP_CLIENT_VISITOR_H

#include "face.h"

/* Takes over fd and looks after itself. */
void kp_visitor_begin(struct kp_face *face, int fd);
void kp_visitor_stop(struct kp_visitor *visitor);
struct kp_visitor *kp_visitor_next(const struct kp_visitor *visitor);

#endif
