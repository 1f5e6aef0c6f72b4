/* The inside of a server: only for the files of this folder. */
#ifndef KP_INTEGRATION_TLS_SERVER_INSIDE_H
#define KP_INTEGRATION_TLS_SERVER_INSIDE_H

#include <sys/stat.h>

#include "throttle_file.h"
#include "tls_log.h"
#include "tls_server.h"

#define ALPN_MAX 8 /* as kp_settings has it */

struct kp_tls_stream;

struct kp_tls_server {
    char *path; /* of the credentials; absolute: servers change their folder */
    struct kp_settings settings;
    char *alpn[ALPN_MAX]; /* what settings.alpn points to: a new device id needs a new context */
    struct kp_store *store;
    struct kp_context *context;
    unsigned generation; /* one more for each store */
    struct stat seen;    /* the credentials file that was last looked at, unless missing */
    bool missing;
    bool failed;       /* the last load: tried again at each look */
    char trouble[512]; /* and why, as it was logged */
    struct kp_throttle_file throttle;
    struct kp_tls_log log;
    unsigned handshake_seconds;
    unsigned streams_max;
    unsigned unproved;            /* streams in the list */
    struct kp_tls_stream *oldest; /* of those that aren't proved; each has the same time */
    struct kp_tls_stream *newest;
};

/* Whether clients that offer both versions get TLS 1.2. */
bool kp_tls_server_prefers_tls12(const struct kp_tls_server *server);

/* tls_stream.c: fails the streams whose time to prove anything is over. */
void kp_tls_stream_drop_late(struct kp_tls_server *server);

#endif
