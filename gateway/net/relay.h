/*
 * Bytes both ways between a secure stream and a plain one: the upstream of `serve`, the browser of
 * `open`.  Back-pressure, half-close both ways, an idle limit.  What passes through is not looked
 * at, but for the client's first bytes when the owner wants to (hooks->look).
 *
 * The plain side is opened when the owner wants (kp_relay_plain_*), not before the proof; until
 * then the secure side's bytes wait in the engine.
 */
#ifndef KP_NET_RELAY_H
#define KP_NET_RELAY_H

#include "secure_stream.h"

struct kp_relay;

/* Why a relay ended. */
enum kp_relay_end {
    KP_ENDED_NOT,       /* it goes on */
    KP_ENDED_BOTH,      /* both sides said that they were done */
    KP_ENDED_SECURE,    /* the secure side failed: secure.error, secure.net_error */
    KP_ENDED_PLAIN,     /* the plain side broke: plain_error */
    KP_ENDED_UNREACHED, /* the plain side couldn't be connected to: plain_error */
    KP_ENDED_TIMEOUT,   /* the deadline passed */
    KP_ENDED_OWNER,     /* kp_relay_stop */
};

struct kp_relay_hooks {
    int (*credential)(struct kp_relay *relay); /* as kp_secure_hooks; NULL for clients */
    bool (*guess)(struct kp_relay *relay);     /* alike */
    void (*proved)(struct kp_relay *relay);
    void (*ticket)(struct kp_relay *relay); /* as kp_secure_hooks; NULL for servers */
    /* The plain side is connected: may send a preface by kp_relay_plain_preface.  May be NULL. */
    void (*reached)(struct kp_relay *relay);
    /* While relay->looking: bytes[len] of the secure side on their way to the plain one; len 0: it
     * has ended, or the plain side has spoken first.  Returns how many it keeps: all of them, or
     * it clears looking and the rest goes on.  May end or answer for the plain side.  An owner who
     * has this hook is also shown what a client says whose plain side can't be reached, before it
     * ends for that. */
    size_t (*look)(struct kp_relay *relay, const uint8_t *bytes, size_t len);
    /* Once, when relay->end is set: for the log, or to say something to either side before
     * kp_relay_finish or _close, one of which the owner calls here or later. */
    void (*over)(struct kp_relay *relay);
    void (*closed)(struct kp_relay *relay); /* may be freed */
};

struct kp_relay {
    struct kp_secure secure; /* first */
    struct kp_stream plain;
    const struct kp_relay_hooks *hooks;
    uint8_t *saved; /* bytes of the plain side that the engine couldn't take yet; rare */
    uint32_t saved_at, saved_len;
    uint32_t idle_ms;
    int plain_error; /* uv error */
    uint8_t end;     /* enum kp_relay_end */
    uint8_t open_sides;
    bool dialled; /* the secure side is the server */
    bool connecting;
    bool plain_live;     /* bytes may move */
    bool plain_full;     /* it takes no bytes now */
    bool plain_readable; /* it may have some */
    bool plain_ended;    /* it has none any more */
    bool plain_fin;      /* we have said that no more comes */
    bool plain_deaf;     /* it has closed its ear: what is for it is thrown away */
    bool looking;        /* hooks->look wants to see; the owner sets it before kp_relay_start */
    bool unreached;      /* it can't be connected to: all that is left is to look */
    bool moving;
};

/* See kp_secure_accept and kp_secure_dial. */
int kp_relay_accept(struct kp_relay *relay, struct kp_loop *loop, int fd,
                    struct kp_context *context, const uint8_t *first, size_t first_len,
                    const struct kp_relay_hooks *hooks);
int kp_relay_dial(struct kp_relay *relay, struct kp_loop *loop, const struct kp_address *address,
                  struct kp_context *context, const struct kp_secure_offer *offer,
                  const struct kp_relay_hooks *hooks);

/* Connects the plain side within ms.  A failure comes by hooks->over. */
void kp_relay_plain_connect(struct kp_relay *relay, const struct kp_address *address, uint32_t ms);
/* In hooks->reached: the first bytes for the plain side, a few hundred at most. */
void kp_relay_plain_preface(struct kp_relay *relay, const uint8_t *data, size_t len);
/* In hooks->look: what it has kept goes to the plain side after all, ahead of everything else and
 * in one piece: a few dozen bytes at most. */
void kp_relay_plain_kept(struct kp_relay *relay, const uint8_t *data, size_t len);
/* In hooks->look: the plain side is closed, having got nothing, and it all ends with the owner. */
void kp_relay_plain_drop(struct kp_relay *relay);
/* The plain side is there already, and bytes[len] of it were read: malloc's, the relay's from now
 * on; NULL: none.  Negative uv error: fd is closed. */
int kp_relay_plain_adopt(struct kp_relay *relay, int fd, uint8_t *bytes, size_t len);
/* Bytes begin to move; idle_ms 0: no limit. */
void kp_relay_start(struct kp_relay *relay, uint32_t idle_ms);

/* Ends it from outside: hooks->over with KP_ENDED_OWNER. */
void kp_relay_stop(struct kp_relay *relay);
/* The owner has answered for the plain side, and that is all: hooks->over with KP_ENDED_BOTH. */
void kp_relay_answered(struct kp_relay *relay);
/* Closes both sides in order: close_notify, FIN and a short wait on the secure one. */
void kp_relay_finish(struct kp_relay *relay);
/* Closes both now.  abort: with resets, so that nobody takes what was cut for the whole. */
void kp_relay_close(struct kp_relay *relay, bool abort);
#endif
