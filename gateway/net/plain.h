/*
 * A client's plain connection, accepted and over a stream, that lives as a secure one does
 * (secure_stream.h): the same hooks and calls with the same meaning, so that one owner can drive
 * either.  It holds a buffer only while it holds bytes that the owner hasn't taken.
 *
 * Life: kp_plain_accept; hooks; hooks->over, once; kp_plain_finish or _close; hooks->closed, once,
 * after which the memory may be freed.  It may be closed inside every hook.
 */
#ifndef KP_NET_PLAIN_H
#define KP_NET_PLAIN_H

#include "stream.h"

struct kp_plain;

/* What the owner is told.  All are called on the loop's thread. */
struct kp_plain_hooks {
    /* Bytes from the peer, valid until the hook returns.  Returns how many were used; fewer than
     * len: nothing more comes until kp_plain_release. */
    size_t (*data)(struct kp_plain *plain, const uint8_t *data, size_t len);
    /* After kp_plain_send or _blocked said that there is no room: now there is. */
    void (*room)(struct kp_plain *plain);
    /* The peer's FIN, after all its bytes. */
    void (*peer_ended)(struct kp_plain *plain);
    /* Over: both sides ended (net_error 0), or it broke: plain->net_error. */
    void (*over)(struct kp_plain *plain);
    /* The deadline has passed.  The owner closes it, or sets another. */
    void (*timeout)(struct kp_plain *plain);
    void (*closed)(struct kp_plain *plain);
};

enum kp_plain_stage { KP_PLAIN_WORKS, KP_PLAIN_LINGERS, KP_PLAIN_CLOSED };

struct kp_plain {
    struct kp_stream stream; /* first */
    uv_timer_t timer;
    struct kp_loop *loop;
    struct kp_task task; /* a pump, when something was found where no hook may be called */
    const struct kp_plain_hooks *hooks;
    uint8_t *bytes; /* that were read, start..end of them not used yet; NULL: none */
    uint32_t start, end, capacity;
    uint64_t bytes_in, bytes_out;
    uint64_t active;      /* uv_now of the last byte either way */
    uint64_t since;       /* uv_now of when the deadline was set */
    uint32_t deadline_ms; /* 0: none */
    uint32_t lingered;    /* bytes thrown away at the end */
    int net_error;        /* uv error that broke it, or 0 */
    uint8_t stage;        /* enum kp_plain_stage */
    uint8_t closing;      /* handles that are yet to close */
    bool pumping, pump_again;
    bool readable;    /* the socket may have bytes */
    bool eof;         /* the socket has none any more */
    bool full;        /* the socket takes none now */
    bool broken;      /* the socket takes none any more */
    bool held;        /* the owner takes none now */
    bool room_wanted; /* the owner waits for hooks->room */
    bool renews;      /* activity moves the deadline */
    bool peer_ended, ending, is_over;
};

/* Takes over fd.  first[first_len]: bytes that were read from it already (copied; NULL, 0: none):
 * they are delivered first.  Nothing happens before kp_plain_pump.  Negative uv error: nothing is
 * open, fd is closed, no hook is called. */
int kp_plain_accept(struct kp_plain *plain, struct kp_loop *loop, int fd, const uint8_t *first,
                    size_t first_len, const struct kp_plain_hooks *hooks);

/* Sends; returns how many of len bytes were taken, the rest stays the owner's.  Fewer: hooks->room
 * follows.  One that is broken takes all, and hooks->over follows, never from in here; one that was
 * finished or closed takes none. */
size_t kp_plain_send(struct kp_plain *plain, const uint8_t *data, size_t len);
/* Whether the socket is full; if so hooks->room follows when it isn't.  True once it was finished
 * or closed. */
bool kp_plain_blocked(struct kp_plain *plain);
/* Our half ends: FIN after what was sent.  When the peer's has ended too, hooks->over comes. */
void kp_plain_end(struct kp_plain *plain);
/* The owner can take bytes again. */
void kp_plain_release(struct kp_plain *plain);
/* Moves what can be moved: after anything changed outside of a hook. */
void kp_plain_pump(struct kp_plain *plain);
/* A deadline from now; renews: from the last byte either way.  0: none. */
void kp_plain_deadline(struct kp_plain *plain, uint32_t ms, bool renews);

/* After over (or at any time): says FIN, waits for the peer's FIN for two seconds at most while
 * throwing away what it sends, and closes. */
void kp_plain_finish(struct kp_plain *plain);
/* Closes now.  abort: with a reset.  Twice is fine. */
void kp_plain_close(struct kp_plain *plain, bool abort);

#endif
