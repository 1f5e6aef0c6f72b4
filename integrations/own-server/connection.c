/*
 * One connection, moved on until its socket has to be waited for: see connection.h.  This is all
 * that a web server has to do with libkeyplate while it runs.
 */
#define _GNU_SOURCE /* explicit_bzero */
#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PROOF_MS = 30000, /* from accept to the proof */
    TURN_MS = 60000,  /* from one answer to the next, with all waiting in between */
    LINGER_MS = 2000, /* from our last byte to the peer's */
};

uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void tell(const struct client *c, const char *what, const char *name, size_t len)
{
    char address[INET6_ADDRSTRLEN], escaped[6 * KP_NAME_MAX + 1];
    inet_ntop(AF_INET6, c->source, address, sizeof address);
    fprintf(stderr, "%s: %s%s\n", address, what, http_escape(escaped, name, len, false));
}

/* ---- What a connection wants of us ---------------------------------------------------------- */

/* An unknown name is found too: it gets a simulated credential, and fails as a wrong password. */
static int look_up(struct client *c)
{
    struct kp_credential found;
    size_t len;
    const char *name = kp_conn_user(c->tls, &len);
    int error = kp_store_lookup(c->site->store, name, len, &found);
    if (error == 0)
        error = kp_conn_credential(c->tls, &found);
    explicit_bzero(&found, sizeof found);
    return error;
}

/* One that isn't granted fails as a wrong password too, even if it was the right one. */
static int judge_guess(struct client *c)
{
    size_t len;
    const char *name = kp_conn_user(c->tls, &len);
    return kp_conn_guess(c->tls, kp_throttle_take(c->site->throttle, c->source, name, len, now_ms(),
                                                  &c->guess) == KP_GUESS_GRANTED);
}

static void greet(struct client *c)
{
    struct kp_info info;
    kp_conn_info(c->tls, &info);
    kp_throttle_proved(c->site->throttle, &c->guess, now_ms()); /* its tokens come back */
    tell(c, info.resumed ? "resumed by " : "proved by ", info.user, info.user_len);
    c->proved = true;
    c->due_ms = now_ms() + TURN_MS;
}

static bool answers(struct client *c)
{
    struct kp_info info;
    kp_conn_info(c->tls, &info);
    if (!http_answer(&c->http, info.user, info.user_len, c->site->hint))
        return false;
    c->sealed = 0;
    c->due_ms = now_ms() + TURN_MS;
    return true;
}

static int seal(struct client *c)
{
    size_t used;
    int error =
        kp_app_in(c->tls, (uint8_t *)c->http.out + c->sealed, c->http.out_len - c->sealed, &used);
    c->sealed += used;
    return error;
}

/* http_answer refuses what fills its room without being whole, so there always is some. */
static void take_plaintext(struct client *c)
{
    size_t len, room = HTTP_BYTES - c->http.in_len;
    const uint8_t *bytes = kp_app_out(c->tls, &len);
    len = len < room ? len : room;
    memcpy(c->http.in + c->http.in_len, bytes, len);
    c->http.in_len += len;
    kp_app_out_done(c->tls, len);
}

/* ---- The order of things ------------------------------------------------------------------- */

enum next { ON, WAIT, OVER };

/* A connection's own error is latched: its alert is still to be sent.  Any other ends it here. */
static enum next after(const struct client *c, int error)
{
    return error == 0 || (kp_conn_state(c->tls) & KP_CLOSED) ? ON : OVER;
}

static enum next after_errno(void)
{
    return errno == EAGAIN || errno == EINTR ? WAIT : OVER;
}

static enum next send_some(struct client *c)
{
    size_t len;
    const uint8_t *bytes = kp_wire_out(c->tls, &len);
    ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
    if (n < 0)
        return after_errno();
    kp_wire_out_done(c->tls, (size_t)n);
    return ON;
}

static enum next receive(struct client *c)
{
    size_t len;
    uint8_t *room = kp_wire_in_room(c->tls, &len);
    ssize_t n = room ? recv(c->fd, room, len, 0) : -1;
    if (n < 0)
        return room ? after_errno() : OVER;
    return after(c, n > 0 ? kp_wire_in_done(c->tls, (size_t)n) : kp_wire_in_end(c->tls));
}

/* All that we have to say is on the wire, an answer or an alert.  A socket closed with unread bytes
 * is reset, and the peer might lose it: so what still comes is read, for a moment. */
static enum next linger(struct client *c)
{
    char unread[1024];
    if (c->tls) {
        if (kp_conn_error(c->tls) != 0)
            tell(c, kp_error_text(kp_conn_error(c->tls)), "", 0);
        kp_conn_free(c->tls);
        c->tls = NULL;
        c->due_ms = now_ms() + LINGER_MS;
        shutdown(c->fd, SHUT_WR);
    }
    ssize_t n = recv(c->fd, unread, sizeof unread, 0);
    return n > 0 ? WAIT : n < 0 ? after_errno() : OVER;
}

/* Does the first thing that there is to do.  *reads: once a turn, so that nobody keeps the others
 * waiting. */
static enum next step(struct client *c, bool *reads)
{
    unsigned state = c->tls ? kp_conn_state(c->tls) : KP_CLOSED;
    if ((state & KP_PROVED) && !c->proved)
        greet(c);
    if (state & KP_NEED_CREDENTIAL)
        return after(c, look_up(c));
    if (state & KP_NEED_GUESS)
        return after(c, judge_guess(c));
    if (state & KP_WIRE_OUT)
        return send_some(c); /* nothing else is done until it is taken: back pressure */
    if ((state & KP_CLOSED) || c->ended)
        return linger(c);
    if (c->sealed < c->http.out_len)
        return after(c, seal(c));
    if (c->http.last) {
        c->ended = true;
        return after(c, kp_app_in_end(c->tls));
    }
    if (c->proved && answers(c))
        return ON;
    if (state & KP_APP_OUT) {
        take_plaintext(c);
        return ON;
    }
    if (state & KP_PEER_ENDED) { /* all that it asked is answered */
        c->http.last = true;
        return ON;
    }
    if (!*reads)
        return WAIT;
    *reads = false;
    return receive(c);
}

bool client_moves(struct client *c)
{
    bool reads = true;
    enum next next;
    while ((next = step(c, &reads)) == ON)
        ;
    return next == WAIT;
}

bool client_outlives(struct client *c)
{
    if (!c->proved || !c->tls || c->http.last)
        return false;
    c->http.last = true;
    c->due_ms = now_ms() + LINGER_MS;
    return client_moves(c);
}

bool client_waits_to_send(const struct client *c)
{
    return c->tls && (kp_conn_state(c->tls) & KP_WIRE_OUT);
}

struct client *client_new(const struct site *site, int fd, const struct in6_addr *address)
{
    struct client *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->site = site;
    c->fd = fd;
    memcpy(c->source, address, sizeof c->source);
    c->due_ms = now_ms() + PROOF_MS;
    if (kp_conn_new(&c->tls, site->context, now_ms() / 1000) == 0 &&
        (!kp_store_prefers_tls12(site->store) || kp_conn_prefer_tls12(c->tls) == 0))
        return c;
    kp_conn_free(c->tls);
    free(c);
    return NULL;
}

void client_free(struct client *c)
{
    kp_conn_free(c->tls);
    close(c->fd);
    explicit_bzero(c, sizeof *c); /* what a person typed into a form, too */
    free(c);
}
