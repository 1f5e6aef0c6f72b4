#ifndef DEMO_SERVER_H
#define DEMO_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "thermostat.h"
#include "upload.h"

#define DEMO_SERVER_CONNS 256 /* more than these wait in the system's queue */
#define DEMO_SERVER_EVENTS 64 /* of them, those that may listen to events */

struct demo_conn;

struct demo_server;

/* What the device is to its connections: its pages. */
struct demo_app {
    int (*on_head)(struct demo_conn *conn);
    int (*on_body)(struct demo_conn *conn, const char *bytes, size_t len);
    void (*answer)(struct demo_conn *conn);   /* the request is whole, or refused */
    void (*tick)(struct demo_server *server); /* once a second */
};

/* Where to listen. */
struct demo_address {
    struct sockaddr_storage ip;
    const char *path; /* of a unix socket; NULL: ip counts */
};

/* The whole device: its room, its listener and its connections. */
struct demo_server {
    uv_loop_t loop;
    const struct demo_app *app;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } listener;
    bool is_unix;
    bool proxy_v2;
    bool quiet;
    bool waiting;              /* a connection waits because there were too many */
    const char *state_path;    /* NULL: nothing is kept */
    const char *password_path; /* the socket that changes passwords; NULL: there is none */
    uv_timer_t timer;
    uv_signal_t sigterm;
    uv_signal_t sigint;
    bool stopping;
    uint64_t stop_at;
    struct demo_conn *conns;
    size_t conn_count;
    size_t events_count;
    struct demo_thermostat room;
    struct demo_upload_result last_upload; /* sha256 is "" when there was none */
};

/*
 * Listens and prints its line. Returns 0, or -1 with a line on stderr. The server's options,
 * app and room are set before.
 */
int demo_server_start(struct demo_server *server, const struct demo_address *address)
    __attribute__((warn_unused_result));

/* Serves until a signal ends it; returns when everything is closed. */
void demo_server_run(struct demo_server *server);

#endif
