/*
 * One connection of a web server, over whatever moves its bytes: the engine behind the read, write
 * and shutdown that servers expect of a TLS library.  Never blocks; nothing passes before the
 * password (or a ticket of it) is proved.  The arithmetic of a handshake is done inside a call.
 *
 * The caller keeps the order: read until KP_TLS_AGAIN whenever the wire may have bytes, flush (or
 * read, or write) whenever it may take some, and don't wait for the wire while
 * kp_tls_stream_has_plaintext: what was read from the wire already makes no event.
 */
#ifndef KP_INTEGRATION_TLS_STREAM_H
#define KP_INTEGRATION_TLS_STREAM_H

#include <sys/socket.h>
#include <sys/types.h>

#include "tls_server.h"

/* The wire.  Both return bytes moved (1..len), or: */
#define KP_TLS_WIRE_AGAIN (-1)  /* nothing can be moved now */
#define KP_TLS_WIRE_BROKEN (-2) /* reset, or any other end but an orderly one */
struct kp_tls_wire {
    ssize_t (*recv)(void *arg, uint8_t *room, size_t len); /* 0: the peer's FIN */
    ssize_t (*send)(void *arg, const uint8_t *bytes, size_t len);
};
/* A non-blocking socket; arg points to an int, its descriptor.  No SIGPIPE. */
extern const struct kp_tls_wire kp_tls_wire_socket;

/* What the functions below return besides what each says: an enum kp_error (-1 to -99), for good,
 * or: */
#define KP_TLS_AGAIN (-1000) /* not now: wait for the wire, as kp_tls_stream_waits_to_send says */

struct kp_tls_stream;

/* peer: its address, for the throttle and the log; an AF_UNIX or NULL one is one source with all
 * others of that kind.  *wire and arg must outlive the stream.  KP_E_MEMORY, KP_E_FLOOD,
 * KP_E_CRYPTO. */
int kp_tls_stream_new(struct kp_tls_stream **out, struct kp_tls_server *server,
                      const struct sockaddr *peer, const struct kp_tls_wire *wire,
                      void *arg) KP_MUST_CHECK;
/* Wipes and frees; sends nothing.  NULL is fine. */
void kp_tls_stream_free(struct kp_tls_stream *stream);

/* Drives the handshake.  0: proved.  One that takes longer than handshake_seconds is
 * KP_E_TRUNCATED, at the next call of any kind or when the server looks. */
int kp_tls_stream_handshake(struct kp_tls_stream *stream) KP_MUST_CHECK;
/* Plaintext, 1..len bytes of it; 0: the peer said close_notify after all that was read, or the
 * user's password was changed, or the user removed, since the proof: what was asked before can
 * still be answered.  A FIN without close_notify is KP_E_TRUNCATED.  Drives the handshake first,
 * and sends what the engine has to say. */
ssize_t kp_tls_stream_read(struct kp_tls_stream *stream, void *out, size_t len) KP_MUST_CHECK;
/* Takes 1..len bytes (len 0: none) for the peer: they are sealed, and sent as far as the wire takes
 * them now; what is left goes with the next call of any kind (kp_tls_stream_flush).  KP_TLS_AGAIN:
 * nothing was taken: not proved yet, or the wire is full.  KP_E_PROOF: handshake_seconds are over
 * since it was seen that the user's credential was changed.  It needn't be called again with the
 * same bytes. */
ssize_t kp_tls_stream_write(struct kp_tls_stream *stream, const void *bytes,
                            size_t len) KP_MUST_CHECK;
/* As write, for servers that take what is written for sent, and close: counts bytes once they are
 * on the wire.  KP_TLS_AGAIN: to be called again with the same bytes, and more behind them if there
 * are; with nothing else written meanwhile. */
ssize_t kp_tls_stream_send(struct kp_tls_stream *stream, const void *bytes,
                           size_t len) KP_MUST_CHECK;
/* 0: nothing sealed is left here. */
int kp_tls_stream_flush(struct kp_tls_stream *stream) KP_MUST_CHECK;
/* close_notify, once, behind all that was written; before the proof nothing.  0: it is on the wire.
 * What the peer still says can be read. */
int kp_tls_stream_shutdown(struct kp_tls_stream *stream) KP_MUST_CHECK;

/* Whether bytes wait for the wire to take them: watch for "writable". */
bool kp_tls_stream_waits_to_send(const struct kp_tls_stream *stream);
/* Whether a read would give plaintext, the end (also of a user whose credential was changed: ask
 * idle streams now and then) or an error without the wire. */
bool kp_tls_stream_has_plaintext(struct kp_tls_stream *stream);
bool kp_tls_stream_is_proved(const struct kp_tls_stream *stream);
/* Pointers live as long as the stream. */
void kp_tls_stream_info(const struct kp_tls_stream *stream, struct kp_info *out);

#endif
