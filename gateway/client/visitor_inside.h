/*
 * The inside of a visitor: for visitor.c, the browser's side, and visitor_device.c, the device's.
 */
#ifndef KP_CLIENT_VISITOR_INSIDE_H
#define KP_CLIENT_VISITOR_INSIDE_H

#include "../http/exchange.h"
#include "../net/plain.h"
#include "carrier.h"
#include "reception.h"
#include "visitor.h"

#define KP_VISITOR_GATHER                                                                          \
    8192 /* smaller pieces, and those behind one, leave together with others */

/* What the browser's deadline is for. */
enum kp_visitor_phase {
    KP_AT_REST,
    KP_AT_HEAD,
    KP_AT_PROOF,
    KP_AT_UPLOAD,
    KP_AT_ANSWER,
    KP_AT_FLOW,
    KP_AT_FINISH,
};

struct kp_visitor {
    struct kp_http_exchange x; /* first */
    struct kp_plain plain;
    struct kp_site_use use;     /* of the site whose device the carrier leads to */
    struct kp_site *site;       /* of it; NULL: it uses none */
    struct kp_carrier *carrier; /* NULL: none */
    struct kp_face *face;
    struct kp_visitor *next;
    struct kp_visitor **at;
    struct kp_out up, down; /* what the carrier and the browser couldn't take yet */
    enum kp_peer peer;
    uint8_t phase;
    bool waits;   /* bytes of the browser wait for their turn */
    bool waiting; /* for a proof: counted in site->waiting */
    bool marks;   /* the answer gives the browser its cookie */
    bool stuck;   /* the browser takes no bytes now */
    bool freed;   /* and then did: the carrier is to be told */
    bool client_ended, closing, ending;
};

static inline struct kp_visitor *kp_visitor_of(struct kp_http_exchange *x)
{
    return (struct kp_visitor *)(void *)x; /* its first member */
}

/* ---- The browser's side ------------------------------------------------------------------ */

void kp_visitor_set_phase(struct kp_visitor *v, enum kp_visitor_phase phase);
bool kp_visitor_awaits_answer(const struct kp_visitor *v);
/* Whose turn it is until the answer begins. */
void kp_visitor_await_answer(struct kp_visitor *v);
/* Whether the browser's socket takes more. */
bool kp_visitor_client_takes(struct kp_visitor *v);
/* Both connections, at once. */
void kp_visitor_close(struct kp_visitor *v, bool abort);
/* Answers of our own.  One of the device's that has begun can't be made good any more: it is cut,
 * so that nobody takes it for the whole. */
void kp_visitor_reply(struct kp_visitor *v, enum kp_page_kind kind);
void kp_visitor_reply_trouble(struct kp_visitor *v, const struct kp_trouble *trouble);
/* After anything: what can leave leaves, and what waits comes. */
void kp_visitor_go_on(struct kp_visitor *v);

/* ---- The device's side ------------------------------------------------------------------- */

/* Wants a connection to the site's device, where none is. */
void kp_visitor_want_carrier(struct kp_visitor *v, struct kp_site *site);
/* What it didn't take is of its own requests, and must not reach another one. */
void kp_visitor_leave_carrier(struct kp_visitor *v, bool abort);
/* Whether there is one, and it is proved. */
bool kp_visitor_is_ready(const struct kp_visitor *v);
void kp_visitor_flush_up(struct kp_visitor *v);
/* Of the exchange. */
void kp_visitor_to_upstream(struct kp_http_exchange *x, const void *data, size_t len);

#endif
