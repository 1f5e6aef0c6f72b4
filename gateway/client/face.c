/* The loopback face: see face.h. */
#include "face.h"

#include <stdio.h>
#include <stdlib.h>

#include "../net/sock.h"
#include "../platform.h"
#include "visitor.h"

#define TRIES 40
#define HELD_LOOKS 10
#define HELD_MS 20
/* Below the range of clients' ports on Linux, and above those of services that people start. */
#define FIRST_PORT 20000u
#define PORTS 12000u

static bool room(struct kp_listener *listener)
{
    const struct kp_face *face = listener->owner;
    if (face->count < KP_FACE_CONNECTIONS)
        return true;
    (void)kp_visitor_give_way(face); /* there is room when the listener looks again */
    return false;
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

static int listen_at(const char *host, unsigned port)
{
    char text[KP_ADDRESS_TEXT_LEN];
    struct kp_address address;
    const char *why;
    (void)snprintf(text, sizeof text, "%s:%u", host, port);
    if (kp_address_parse(&address, text, &why) != 0)
        return UV_EINVAL;
    return kp_sock_listen(&address);
}

static void close_sockets(struct kp_face *face)
{
    for (size_t i = 0; i < 2; i++) {
        if (face->fds[i] >= 0)
            kp_sock_close(face->fds[i]);
        face->fds[i] = -1;
    }
}

static bool is_without_ipv6(int error)
{
    return error == UV_EADDRNOTAVAIL || error == UV_EAFNOSUPPORT || error == UV_EPROTONOSUPPORT;
}

/* A browser would send what is for us over a connection to who was there before: looked at when
 * nobody else gets new ones.  A hub that has just ended may take a moment to let go of its own. */
static bool is_held(unsigned port)
{
    for (int i = 0; i < HELD_LOOKS; i++) {
        if (i > 0)
            uv_sleep(HELD_MS);
        if (!kp_platform_port_is_held(port))
            return false;
    }
    return true;
}

static int bind_both(struct kp_face *face, unsigned port)
{
    face->fds[0] = listen_at("127.0.0.1", port);
    face->fds[1] = -1;
    if (face->fds[0] < 0)
        return face->fds[0];
    face->fds[1] = listen_at("[::1]", port);
    if (face->fds[1] >= 0 || is_without_ipv6(face->fds[1])) {
        if (!is_held(port)) {
            face->port = port;
            return 0;
        }
        close_sockets(face);
        return UV_EADDRINUSE;
    }
    int error = face->fds[1];
    close_sockets(face);
    return error;
}

int kp_face_bind(struct kp_face *face, unsigned port)
{
    int error = UV_EADDRINUSE;
    uint32_t number;
    if (port != 0)
        return bind_both(face, port);
    for (int i = 0; i < TRIES && error == UV_EADDRINUSE; i++) {
        error = uv_random(NULL, NULL, &number, sizeof number, 0, NULL);
        if (error == 0)
            error = bind_both(face, FIRST_PORT + number % PORTS);
    }
    return error;
}

int kp_face_start(struct kp_face *face)
{
    int error = 0;
    for (size_t i = 0; i < 2 && error == 0; i++) {
        struct kp_listener *listener = &face->listeners[i];
        if (face->fds[i] < 0)
            continue;
        listener->room = room;
        listener->accepted = accepted;
        listener->resting = resting;
        listener->owner = face;
        error = kp_listener_start(listener, face->loop, face->fds[i]);
    }
    return error;
}

void kp_face_stop(struct kp_face *face)
{
    struct kp_visitor *next;
    for (size_t i = 0; i < 2; i++)
        if (face->fds[i] >= 0 && face->listeners[i].loop != NULL)
            kp_listener_close(&face->listeners[i]);
    for (struct kp_visitor *v = face->visitors; v != NULL; v = next) {
        next = kp_visitor_next(v);
        kp_visitor_stop(v);
    }
    close_sockets(face);
}
