/* The inside of a stream: only for tls_stream*.c. */
#ifndef KP_INTEGRATION_TLS_STREAM_INSIDE_H
#define KP_INTEGRATION_TLS_STREAM_INSIDE_H

#include "tls_server_inside.h"
#include "tls_stream.h"

struct kp_tls_stream {
    struct kp_tls_server *server;
    struct kp_conn *conn;
    const struct kp_context *context; /* the connection's, to be compared only */
    struct kp_store *store;           /* NULL once it is proved */
    const struct kp_tls_wire *wire;
    void *arg;
    struct kp_tls_stream *older, *newer; /* while it is listed */
    const char *notice;                  /* what a peer gets that doesn't speak TLS, or the rest */
    uint64_t deadline;   /* of the proof, then of a changed user's answer; seconds */
    size_t untold;       /* bytes that kp_tls_stream_send has sealed, and not said so */
    int error;           /* the first */
    unsigned generation; /* of the server's store that binding was compared with */
    uint8_t source[KP_SOURCE_LEN];
    struct kp_guess guess;
    uint8_t binding[32]; /* of the credential that was handed out */
    bool listed;         /* among those that aren't proved */
    bool proved;
    bool refused;     /* its guess wasn't judged */
    bool late;        /* it took too long */
    bool changed;     /* its user's credential is another by now */
    bool send_broken; /* nothing can be sent any more */
    bool ended;       /* close_notify was sealed */
};

void kp_tls_stream_log_proved(const struct kp_tls_stream *stream);
void kp_tls_stream_log_changed(const struct kp_tls_stream *stream);
/* It failed, or was given up before the proof (error 0). */
void kp_tls_stream_log_failed(const struct kp_tls_stream *stream);

#endif
