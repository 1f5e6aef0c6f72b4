#ifndef DEMO_CONN_H
#define DEMO_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "proxy2.h"
#include "request.h"
#include "text.h"

#define DEMO_CONN_IN_LEN 16384

struct demo_conn;
struct demo_server;

enum demo_conn_stage {
    DEMO_CONN_PROXY,   /* waits for the PROXY header */
    DEMO_CONN_READING, /* waits for a request or reads one */
    DEMO_CONN_BUSY,    /* a reply is made or sent; nothing is read */
    DEMO_CONN_EVENTS,  /* an endless reply; what comes in is thrown away */
    DEMO_CONN_LINGER,  /* everything is sent; waits for the other side to close */
    DEMO_CONN_CLOSED,  /* libuv still holds the handle */
};

/*
 * Makes the next piece of a long reply's body: appends to out and returns true, or returns false
 * when there is no more. Called whenever everything before has gone out.
 */
typedef bool demo_conn_source(struct demo_conn *conn, struct demo_text *out);

/* One connection. It is made by demo_conn_accept and frees itself when closed. */
struct demo_conn {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } io;
    struct demo_server *server;
    struct demo_conn *next;
    struct demo_conn *prev;
    enum demo_conn_stage stage;
    bool reading;
    bool replied;     /* the reply, or its begin and its source, is there */
    bool close_after; /* this reply is the last */
    bool counted;     /* among the server's events connections */
    struct demo_proxy2 who;
    struct demo_parser parser;
    char in[DEMO_CONN_IN_LEN];
    size_t in_len;
    size_t in_pos;
    struct demo_text out;     /* waits to be sent */
    struct demo_text sending; /* belongs to the running write */
    uv_write_t write;
    bool writing;
    uv_shutdown_t shutdown;
    demo_conn_source *source;
    uint64_t source_left; /* for the source's use */
    uint64_t source_pos;
    struct demo_conn **job; /* where work on another thread keeps this connection's address; set to
                               NULL there when the connection ends first */
    uint64_t expires;       /* the loop's time, in ms, at which it is closed */
};

/* Accepts the connection that waits at the server's listener. Returns 0 or a libuv error. */
int demo_conn_accept(struct demo_server *server);

/* The reply so far is in conn->out: sends it, then what the source has, then reads on or closes. */
void demo_conn_finish(struct demo_conn *conn, demo_conn_source *source);

/* Turns the connection into one for events. What is in conn->out is sent. */
void demo_conn_begin_events(struct demo_conn *conn);

/* Appends to an events connection; drops the bytes when it does not keep up. */
void demo_conn_push(struct demo_conn *conn, const char *bytes, size_t len);

/* Ends an events connection: sends these last bytes and closes. */
void demo_conn_end_events(struct demo_conn *conn, const char *bytes, size_t len);

/* Sends an interim reply such as 100 Continue while the request still comes in. */
void demo_conn_interim(struct demo_conn *conn, const char *bytes);

/* Looks whether its time is over. To be called about once a second. */
void demo_conn_check(struct demo_conn *conn);

/* Closes at once. */
void demo_conn_close(struct demo_conn *conn);

/* Whether it waits for a request of which nothing has come. */
bool demo_conn_is_idle(const struct demo_conn *conn);

#endif
