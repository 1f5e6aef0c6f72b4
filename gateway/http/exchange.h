/*
 * The requests of one client, one after the other, and their answers: what goes on in which
 * direction, and what becomes of both connections afterwards (RFC 9112 9, RFC 9110 15.2).  Bytes
 * in, bytes out by hooks; knows no socket.
 *
 *      client -> kp_http_exchange_take    -> hooks->request -> kp_http_exchange_forward ->
 * hooks->to_upstream client <- hooks->to_client    <------------------- kp_http_exchange_answered
 * <- upstream
 *
 * A request is read when the one before is answered: pipelined ones wait at their sender.
 */
#ifndef KP_HTTP_EXCHANGE_H
#define KP_HTTP_EXCHANGE_H

#include "forward.h"
#include "parser.h"

struct kp_http_exchange;

struct kp_http_exchange_hooks {
    /* The head of a request: x->asked.  The owner calls kp_http_exchange_forward or _reply. */
    void (*request)(struct kp_http_exchange *x);
    /* The request can't be read: x->request.problem and .why.  The owner replies. */
    void (*refused)(struct kp_http_exchange *x);
    /* The upstream's answer can't be used.  The owner replies, forwards again, or, if
     * x->answering, ends the connection so that nobody takes what was sent for the whole. */
    void (*broken)(struct kp_http_exchange *x, const char *why);
    /* Bytes to send; all are taken.  The owner sets x->held while the upstream takes none. */
    void (*to_upstream)(struct kp_http_exchange *x, const void *data, size_t len);
    void (*to_client)(struct kp_http_exchange *x, const void *data, size_t len);
    /* A request is answered whole.  x->asked is there for the last time, and x->keeps_client and
     * x->keeps_upstream tell whether the connections go on. */
    void (*done)(struct kp_http_exchange *x);
    /* The upstream has changed to WebSocket: from now on bytes go both ways untouched. */
    void (*tunnel)(struct kp_http_exchange *x);
    /* Writes the head of an answer, an interim one too, as it goes on to the client: x->back says
     * how.  NULL: kp_http_forward_response does.  A failed out breaks the answer off. */
    void (*write_answer)(struct kp_http_exchange *x, struct kp_out *out,
                         const struct kp_http_head *head);
};

struct kp_http_exchange {
    const struct kp_http_exchange_hooks *hooks;
    struct kp_http_parser request, response;
    struct kp_http_head *asked; /* the request in progress, or NULL */
    struct kp_http_back back;   /* how its answer goes on; the owner sets upstream_port and cookie
                                 * in hooks->request */
    uint64_t sent;              /* bytes of the answer's body */
    uint16_t status;            /* of the answer; 0: none yet */
    bool held;                  /* the owner's: nothing more can be taken for the upstream */
    bool last;                  /* the owner's: no request after this one */
    bool reuses_after_body;     /* the owner's: the upstream is kept after a request with a body
                                 * too, if that had gone whole when the answer began; the owner
                                 * then writes heads that don't say otherwise (_forward_as) */
    bool forwarded;             /* the head has gone to the upstream */
    bool heard;                 /* a byte of the upstream's answer has come */
    bool answering;             /* a final answer, or a reply, has begun towards the client */
    bool taken_whole;           /* the request's last byte has been read */
    bool chunks;                /* the answer's body goes on in chunks */
    bool keeps_client, keeps_upstream;
    bool tunnels;
    bool replied; /* by the owner, and it goes on */
    bool over;    /* nothing more is read of the client */
};

void kp_http_exchange_init(struct kp_http_exchange *x, const struct kp_http_exchange_hooks *hooks);
void kp_http_exchange_clear(struct kp_http_exchange *x);
/* Bytes of the client: returns how many were used; the rest is shown again later. */
size_t kp_http_exchange_take(struct kp_http_exchange *x, const uint8_t *bytes, size_t len);
/* The client sends no more.  false: in the middle of a request, which must not look whole. */
bool kp_http_exchange_client_ended(struct kp_http_exchange *x);
/* Sends the head of x->asked on its way.  -1: nothing was sent, as the user can't be named. */
int kp_http_exchange_forward(struct kp_http_exchange *x, const struct kp_http_onward *how);
/* The same with a head that the owner has written for x->asked: of its method, framing and
 * websocket, as the body follows as it comes.  -1: head has failed, and nothing was sent. */
int kp_http_exchange_forward_as(struct kp_http_exchange *x, const struct kp_out *head);
/* The owner's own answer, a whole response that says Connection: close; of HEAD only its head is
 * sent.  Nothing more is read or answered after it. */
void kp_http_exchange_reply(struct kp_http_exchange *x, const char *text, size_t len);
/* Whether the connection can go on after an answer of our own: nothing of the request's is unread.
 */
bool kp_http_exchange_can_go_on(const struct kp_http_exchange *x);
/* In hooks->request, when it can: the owner's own answer, a whole response that doesn't say
 * Connection: close.  hooks->done follows, not from in here. */
void kp_http_exchange_reply_and_go_on(struct kp_http_exchange *x, const char *text, size_t len,
                                      unsigned status);
/* Bytes of the upstream; all are used.  false: it said more than it was asked for, and is to be
 * left. */
bool kp_http_exchange_answered(struct kp_http_exchange *x, const uint8_t *bytes, size_t len);
/* The upstream's connection has ended, in order or not. */
void kp_http_exchange_upstream_ended(struct kp_http_exchange *x, bool in_order);

/* Whether a request has begun that isn't answered. */
bool kp_http_exchange_is_busy(const struct kp_http_exchange *x);
/* Whether the request in progress can be sent once more, RFC 9110 9.2.2: it changes nothing and has
 * no body, and no byte of an answer came. */
bool kp_http_exchange_is_repeatable(const struct kp_http_exchange *x);

#endif
