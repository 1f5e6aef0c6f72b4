/*
 * A connection of the engine over a stream: it moves wire bytes, tells its owner of what happens,
 * and ends in an orderly way (alert or close_notify, FIN, a bounded wait for the peer's FIN). Bytes
 * live in the engine's own buffers only: wire bytes are received into them and sent from them, and
 * plaintext is handed to the owner where it was decrypted.
 *
 * Life: kp_secure_accept or kp_secure_dial; hooks; hooks->over, once; kp_secure_finish or _close;
 * hooks->closed, once, after which the memory may be freed.  It may be closed inside every hook.
 */
#ifndef KP_NET_SECURE_STREAM_H
#define KP_NET_SECURE_STREAM_H

#include <keyplate/keyplate.h>

#include "stream.h"

struct kp_secure;

/* What the owner is told.  All are called on the loop's thread. */
struct kp_secure_hooks {
    /* Server: KP_NEED_CREDENTIAL.  Calls kp_conn_credential; negative ends the connection. */
    int (*credential)(struct kp_secure *secure);
    /* Server, of a context that counts guesses: KP_NEED_GUESS.  Calls kp_conn_guess and returns
     * true; or false, and kp_secure_pump_later when it can: then this hook is called again. */
    bool (*guess)(struct kp_secure *secure);
    /* Both sides proved the password; from now on bytes may be sent. */
    void (*proved)(struct kp_secure *secure);
    /* Client, TLS 1.3: after proved, once: the server gave a ticket.  May be NULL. */
    void (*ticket)(struct kp_secure *secure);
    /* Plaintext from the peer.  Returns how many bytes were used; fewer than len: nothing more
     * comes until kp_secure_release. */
    size_t (*data)(struct kp_secure *secure, const uint8_t *data, size_t len);
    /* After kp_secure_send or _blocked said that there is no room: now there is. */
    void (*room)(struct kp_secure *secure);
    /* The peer's close_notify, after all its bytes. */
    void (*peer_ended)(struct kp_secure *secure);
    /* Over: both sides ended (error 0), or it failed: secure->error, secure->net_error.  UV_EBUSY:
     * too much arithmetic of handshakes waits already (kp_loop_in_turn); nothing was sent. */
    void (*over)(struct kp_secure *secure);
    /* The deadline has passed.  The owner closes it, or sets another. */
    void (*timeout)(struct kp_secure *secure);
    void (*closed)(struct kp_secure *secure);
};

enum kp_secure_stage { KP_AT_CONNECT, KP_AT_HANDSHAKE, KP_AT_WORK, KP_AT_LINGER, KP_AT_END };

struct kp_secure {
    struct kp_stream stream; /* first */
    uv_timer_t timer;
    struct kp_loop *loop;
    struct kp_task task;  /* arithmetic that a handshake waits for; the owner sets its source */
    struct kp_conn *conn; /* NULL once closed */
    const struct kp_secure_hooks *hooks;
    uint8_t *first; /* wire bytes that were read before it began; NULL: none left */
    uint32_t first_at, first_len;
    uint64_t bytes_in, bytes_out; /* plaintext */
    uint64_t active;              /* uv_now of the last byte either way */
    uint64_t since;               /* uv_now of when the deadline was set */
    uint32_t deadline_ms;         /* 0: none */
    uint32_t lingered;            /* bytes thrown away at the end */
    int error;                    /* enum kp_error */
    int net_error;                /* uv error that broke the wire, or 0 */
    uint8_t stage;                /* enum kp_secure_stage */
    uint8_t closing;              /* handles that are yet to close */
    uint8_t warm;                 /* its slot of loop->warm, counted from 1; 0: none */
    bool pumping, pump_again;
    bool readable;    /* the socket may have bytes */
    bool eof;         /* the socket has none any more */
    bool broken;      /* the socket takes no bytes any more */
    bool held;        /* the owner takes no plaintext now */
    bool room_wanted; /* the owner waits for hooks->room */
    bool renews;      /* activity moves the deadline */
    bool peer_ended, ending, fin_sent, is_over;
    bool nudged;   /* client: the server was asked for plain text */
    bool serves;   /* the server's role */
    bool heard;    /* bytes of the peer have come */
    bool ticketed; /* client: the owner knows of the ticket, or doesn't want to */
};

/* Server: takes over fd and starts to listen for a ClientHello.  first[first_len]: bytes that were
 * read from fd already (copied; NULL, 0: none); the engine gets them first, when it is pumped, so
 * that it can be told its terms before.  Negative uv error: nothing is open, fd is closed, no hook
 * is called. */
int kp_secure_accept(struct kp_secure *secure, struct kp_loop *loop, int fd,
                     struct kp_context *context, const uint8_t *first, size_t first_len,
                     const struct kp_secure_hooks *hooks);

/* What a client starts with: see kp_conn_connect. */
struct kp_secure_offer {
    const struct kp_login *login;
    const struct kp_session *session;
    const char *server_name;
};
/* Client: connects and shakes hands; every failure from here on comes by hooks->over, or as a
 * negative uv error now, when no hook is called; -ESTALE: the ticket alone was to be offered, and
 * it is too old. */
int kp_secure_dial(struct kp_secure *secure, struct kp_loop *loop, const struct kp_address *address,
                   struct kp_context *context, const struct kp_secure_offer *offer,
                   const struct kp_secure_hooks *hooks);

/* Seals and sends; returns how many of len bytes were taken.  Fewer: hooks->room follows.  One that
 * failed takes all, and hooks->over follows, never from in here. */
size_t kp_secure_send(struct kp_secure *secure, const uint8_t *data, size_t len);
/* Whether bytes wait for the socket; if so hooks->room follows when they have left. */
bool kp_secure_blocked(struct kp_secure *secure);
/* Our half ends: close_notify after what was sent; a server's FIN too.  A client's FIN waits for
 * the end, as some servers take it for the end of both halves. */
void kp_secure_end(struct kp_secure *secure);
/* The owner can take plaintext again. */
void kp_secure_release(struct kp_secure *secure);
/* Moves what can be moved: after anything changed outside of a hook. */
void kp_secure_pump(struct kp_secure *secure);
/* The same among the heavy work of the loop, a little in each turn: arithmetic may follow. */
void kp_secure_pump_later(struct kp_secure *secure);
/* A deadline from now; renews: from the last byte either way.  0: none. */
void kp_secure_deadline(struct kp_secure *secure, uint32_t ms, bool renews);
/* Writes text past the engine, for a peer that doesn't speak TLS; best effort. */
void kp_secure_say_plain(struct kp_secure *secure, const char *text);

/* After over (or at any time): lets what waits leave, says FIN, waits for the peer's FIN for two
 * seconds at most while throwing away what it sends, and closes. */
void kp_secure_finish(struct kp_secure *secure);
/* Closes now and wipes.  abort: with a reset.  Twice is fine. */
void kp_secure_close(struct kp_secure *secure, bool abort);

#endif
