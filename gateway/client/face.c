/* The loopback face of a device: see face.h. */
#include "face.h"

#include "../net/sock.h"
#include "visitor.h"

static bool room(struct kp_listener *listener)
{
    struct kp_face *face = listener->owner;
    return face->waiting < KP_FACE_WAITING_MAX && face->looking < KP_FACE_LOOKING_MAX;
}

static void accepted(struct kp_listener *listener, int fd, const union kp_inet *peer)
{
    (void)peer;
    kp_visitor_begin(listener->owner, fd);
}

/* Browsers wait by themselves. */
static void resting(struct kp_listener *listener, int error)
{
    (void)listener;
    (void)error;
}

int kp_face_bind(struct kp_face *face, const struct kp_address *address, struct kp_address *bound)
{
    int error;
    face->fd = kp_sock_listen(address);
    error = face->fd < 0 ? face->fd : kp_sock_bound(face->fd, bound);
    if (error == 0)
        kp_address_text(bound, face->own);
    return error;
}

int kp_face_start(struct kp_face *face)
{
    face->listener.room = room;
    face->listener.accepted = accepted;
    face->listener.resting = resting;
    face->listener.owner = face;
    face->open = true;
    return kp_listener_start(&face->listener, face->loop, face->fd);
}

void kp_face_cut(struct kp_face *face)
{
    struct kp_visitor *next;
    for (struct kp_visitor *v = face->visitors; v != NULL; v = next) {
        next = kp_visitor_next(v);
        kp_visitor_stop(v);
    }
}

void kp_face_stop(struct kp_face *face)
{
    if (face->open)
        kp_listener_close(&face->listener);
    face->open = false;
    face->device->halted = true; /* nobody is let go in another's place */
    kp_face_cut(face);
    if (face->fd >= 0)
        kp_sock_close(face->fd);
    face->fd = -1;
}
