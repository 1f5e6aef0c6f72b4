/*
 * A person's connection to this web server: a socket, password TLS and one HTTP exchange after the
 * other.  It never waits; server.c does that, for all of them at once.
 */
#ifndef OWN_SERVER_CONNECTION_H
#define OWN_SERVER_CONNECTION_H

#include <keyplate/keyplate.h>

#include "http.h"

#include <netinet/in.h>

/* What all connections share. */
struct site {
    struct kp_context *context;   /* settings, and the tickets' keys */
    struct kp_store *store;       /* who may log in */
    struct kp_throttle *throttle; /* how many guesses are judged */
    char hint[2048];              /* the body of /.well-known/keyplate */
};

struct client {
    const struct site *site;
    int fd;
    struct kp_conn *tls;           /* NULL: all is said, and the peer's end is awaited */
    uint8_t source[KP_SOURCE_LEN]; /* its address: whose guesses are counted together */
    struct kp_guess guess;         /* what its guess took */
    bool proved, ended;            /* ended: our half, by close_notify */
    uint64_t due_ms;               /* when its time is over */
    struct http http;
    size_t sealed; /* of http.out */
};

uint64_t now_ms(void);

/* fd: a non-blocking socket, closed by client_free.  address: IPv4 is ::ffff:a.b.c.d.  NULL: fd is
 * still yours. */
struct client *client_new(const struct site *site, int fd, const struct in6_addr *address);
void client_free(struct client *c);

/* Moves it on until it has to wait for its socket; false: it is over. */
bool client_moves(struct client *c);
/* For its socket to be writable, else readable. */
bool client_waits_to_send(const struct client *c);
/* When due_ms has come: whether it still gets a moment, in which our end is told. */
bool client_outlives(struct client *c);

#endif
