/*
 * HTTP of one client, whatever it came by, carried to the upstream and back: the exchange over
 * sockets.  One upstream connection at a time, this client's alone: reused for its next request,
 * and opened again when it has ended.
 *
 * What it holds of bodies is bounded, whatever either side does: towards the upstream what one read
 * of the client gave (a record, or a read of a plain stream), framed; towards the client GATHER_MAX
 * (64 KiB) and what one read of the upstream gave (KP_SCRATCH_LEN, 48 KiB), while the client's
 * stream takes none; beside it the stream's own buffer (KP_RECORD_BUFFER_LEN).  So bodies in flight
 * are below 256 KiB for each of --max-requests, and heads below two times 32 KiB.
 *
 * The client's stream is its owner's, who passes on what happens there and gives the proxy the few
 * functions it needs (struct kp_side).
 */
#ifndef KP_DEVICE_PROXY_H
#define KP_DEVICE_PROXY_H

#include "../http/exchange.h"
#include "../net/stream.h"
#include "identity.h"

struct kp_proxy;
struct kp_request_who;

/* What a proxy does to its client's stream: kp_secure_* or kp_plain_*. */
struct kp_side {
    size_t (*send)(void *stream, const uint8_t *data, size_t len);
    bool (*blocked)(void *stream);
    void (*release)(void *stream);
    void (*deadline)(void *stream, uint32_t ms, bool renews);
};

enum kp_proxy_end {
    KP_PROXY_DONE,    /* all was said: the stream can be finished */
    KP_PROXY_CUT,     /* what was said isn't the whole, and mustn't look so: reset */
    KP_PROXY_GONE,    /* the client ended in the middle of a request: likewise, to the upstream */
    KP_PROXY_STALLED, /* nothing moved for too long in the middle of something: likewise */
    KP_PROXY_IDLE,    /* nothing moved for too long */
};

struct kp_proxy_hooks {
    /* A request: proxy->x.asked.  The owner calls kp_proxy_pass or _reply. */
    void (*request)(struct kp_proxy *proxy);
    /* The preface of a new upstream connection; *len 0: there is none.  false: it can't be made. */
    bool (*preface)(struct kp_proxy *proxy, uint8_t out[KP_PROXY2_MAX], size_t *len);
    /* Whose requests they are, for the log. */
    struct kp_request_who (*who)(struct kp_proxy *proxy);
    /* A request goes to the upstream, unless it returns false: there are too many. */
    bool (*admit)(struct kp_proxy *proxy);
    /* After admit was true, once: it is answered, or a tunnel, or given up. */
    void (*answered)(struct kp_proxy *proxy);
    /* Once: the client's connection is to end. */
    void (*over)(struct kp_proxy *proxy, enum kp_proxy_end how);
};

struct kp_proxy_terms {
    struct kp_address upstream;
    uint32_t head_ms;     /* for a head once it has begun */
    uint32_t idle_ms;     /* without a byte of the client's either way; 0: no limit */
    uint32_t upstream_ms; /* for the upstream to answer */
};

struct kp_upstream;

struct kp_proxy {
    struct kp_http_exchange x; /* first */
    const struct kp_proxy_hooks *hooks;
    const struct kp_side *side;
    void *stream; /* the client's */
    struct kp_loop *loop;
    const struct kp_proxy_terms *terms;
    struct kp_http_onward onward; /* of the request in progress; what it points to is the owner's */
    struct kp_upstream *upstream; /* NULL: there is none */
    struct kp_out up, down;       /* what the sockets couldn't take yet */
    uint64_t began;               /* uv_now of the request's head */
    uint8_t phase;
    bool moving, over, client_ended, fin_sent;
    bool admitted; /* hooks->answered is due */
    bool stuck;    /* the client's stream takes no bytes now */
    bool waits;    /* bytes of the client wait for their turn */
    bool logged;   /* the request in progress has had its line */
    bool failed;   /* and its failure was counted */
};

/* stream and terms must outlive the proxy. */
void kp_proxy_init(struct kp_proxy *proxy, struct kp_loop *loop, const struct kp_proxy_terms *terms,
                   const struct kp_side *side, void *stream, const struct kp_proxy_hooks *hooks);
/* Closes the upstream's side and frees; abort: with a reset. */
void kp_proxy_clear(struct kp_proxy *proxy, bool abort);

/* What happens on the client's stream. */
size_t kp_proxy_data(struct kp_proxy *proxy, const uint8_t *bytes, size_t len);
void kp_proxy_room(struct kp_proxy *proxy);
void kp_proxy_client_ended(struct kp_proxy *proxy);
void kp_proxy_timeout(struct kp_proxy *proxy);

/* Whether nothing is in flight between two requests: an end now loses nothing. */
bool kp_proxy_rests(const struct kp_proxy *proxy);

/* In hooks->request: it goes to the upstream, or is answered with that text (a whole response). */
void kp_proxy_pass(struct kp_proxy *proxy, const struct kp_http_onward *onward);
void kp_proxy_reply(struct kp_proxy *proxy, const char *text, size_t len);

/* No request after this one, which gets ms more; over at once when none is in progress, and when
 * the connection has become a tunnel. */
void kp_proxy_wind_up(struct kp_proxy *proxy, uint32_t ms);

#endif
