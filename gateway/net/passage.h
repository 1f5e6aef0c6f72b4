/*
 * A client's connection that is passed on untouched to another server: bytes both ways with
 * back-pressure, FIN passed on as FIN and a reset as a reset, an idle limit.  Nothing that passes
 * through is looked at.
 *
 * Life: kp_passage_begin; hooks->over, once, after which it closes by itself; hooks->closed, once,
 * after which the memory may be freed.
 */
#ifndef KP_NET_PASSAGE_H
#define KP_NET_PASSAGE_H

#include "stream.h"

struct kp_passage;

/* Why a passage ended. */
enum kp_passage_end {
    KP_PASSED_NOT,       /* it goes on */
    KP_PASSED_BOTH,      /* both sides said that they were done, and all of it has arrived */
    KP_PASSED_UNREACHED, /* the server couldn't be connected to: error */
    KP_PASSED_CLIENT,    /* the client's side broke: error */
    KP_PASSED_SERVER,    /* the server's side broke: error */
    KP_PASSED_TIMEOUT,   /* no byte either way for idle_ms */
    KP_PASSED_OWNER,     /* kp_passage_stop */
};

struct kp_passage_hooks {
    /* For the log: passage->end, error and both counts are set.  May not end anything. */
    void (*over)(struct kp_passage *passage);
    void (*closed)(struct kp_passage *passage);
};

struct kp_passage_way {
    const struct kp_address *to; /* borrowed for the call */
    uint32_t connect_ms;         /* what the server gets to take the connection */
    uint32_t idle_ms;            /* 0: no limit */
};

struct kp_passage_side {
    struct kp_stream stream; /* first */
    struct kp_passage *passage;
    struct kp_passage_side *other;
    uint8_t *saved; /* what came from it and the other side couldn't take yet; NULL: nothing */
    uint32_t saved_at, saved_len;
    uint64_t bytes; /* that came from it and were taken by the other side */
    bool readable;  /* it may have some */
    bool ended;     /* it has none any more */
    bool full;      /* it takes none now */
    bool deaf;      /* it takes none any more: what is for it is thrown away */
    bool fin;       /* it was told that no more comes */
};

struct kp_passage {
    struct kp_passage_side client, server;
    uv_timer_t timer;
    struct kp_loop *loop;
    const struct kp_passage_hooks *hooks;
    uint64_t active; /* uv_now of the last byte either way */
    uint32_t idle_ms;
    int error;       /* uv error, or 0 */
    uint8_t end;     /* enum kp_passage_end */
    uint8_t closing; /* handles that are yet to close */
    bool connecting;
};

/* Takes over fd, the client's, connects to way->to, sends first[first_len] (what was read from fd
 * already; copied; NULL, 0: nothing) and carries on from there.  No hook is called in here, not for
 * a server that can't be reached either.  Negative uv error: fd is closed and no hook is ever
 * called. */
int kp_passage_begin(struct kp_passage *passage, struct kp_loop *loop, int fd, const uint8_t *first,
                     size_t first_len, const struct kp_passage_way *way,
                     const struct kp_passage_hooks *hooks);
/* Ends it with resets, so that nobody takes what was cut for the whole: hooks->over with
 * KP_PASSED_OWNER, from in here.  After the end: nothing. */
void kp_passage_stop(struct kp_passage *passage);

#endif
