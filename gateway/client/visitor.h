/*
 * One connection of a browser at the face: its requests, one after the other, each of which is
 * judged by itself (reception.h); those that may go to a device go by a connection of the visitor's
 * own (carrier.h), and what the device answers comes back.
 */
#ifndef KP_CLIENT_VISITOR_H
#define KP_CLIENT_VISITOR_H

#include "face.h"

/* Takes over fd and looks after itself. */
void kp_visitor_begin(struct kp_face *face, int fd);
void kp_visitor_stop(struct kp_visitor *visitor);
/* The oldest one that is at rest ends; its descriptor is free at once.  false: there is none. */
bool kp_visitor_give_way(const struct kp_face *face);
struct kp_visitor *kp_visitor_next(const struct kp_visitor *visitor);

#endif
