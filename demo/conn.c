/*
 * One connection: bytes in to the PROXY header and the request parser, the reply's bytes out, one
 * request after the other, each step within a time. Knows no pages: what is asked and answered is
 * the app's.
 */
#include "conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

#define PROXY_MS 10000 /* for the whole PROXY header */
#define IDLE_MS 60000  /* between requests */
#define HEAD_MS 10000  /* for the whole of a request's head */
#define BODY_MS 30000  /* between two pieces of a body */
#define WRITE_MS 30000 /* for each piece of a reply */
#define LINGER_MS 3000 /* for the other side to see the last reply */

static void read_on(struct demo_conn *conn);
static void send_out(struct demo_conn *conn);

static void expire_in(struct demo_conn *conn, uint64_t ms)
{
    conn->expires = uv_now(&conn->server->loop) + ms;
}

static void unlink_conn(struct demo_conn *conn)
{
    struct demo_server *server = conn->server;
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        server->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    server->conn_count--;
    server->events_count -= conn->counted;
}

static void on_closed(uv_handle_t *handle)
{
    struct demo_conn *conn = handle->data;
    struct demo_server *server = conn->server;
    unlink_conn(conn);
    demo_parser_next(&conn->parser);
    demo_text_free(&conn->out);
    demo_text_free(&conn->sending);
    free(conn);
    if (server->waiting && !server->stopping) {
        server->waiting = false;
        demo_conn_accept(server);
    }
}

void demo_conn_close(struct demo_conn *conn)
{
    if (conn->stage == DEMO_CONN_CLOSED)
        return;
    conn->stage = DEMO_CONN_CLOSED;
    if (conn->job)
        *conn->job = NULL;
    uv_close(&conn->io.handle, on_closed);
}

bool demo_conn_is_idle(const struct demo_conn *conn)
{
    return conn->stage == DEMO_CONN_PROXY ||
           (conn->stage == DEMO_CONN_READING && !conn->parser.begun && !conn->writing);
}

static void stop_reading(struct demo_conn *conn)
{
    if (conn->reading)
        uv_read_stop(&conn->io.stream);
    conn->reading = false;
}

/* The request is whole or refused: the app's turn. Nothing more is read until the reply is out. */
static void answer(struct demo_conn *conn)
{
    stop_reading(conn);
    conn->stage = DEMO_CONN_BUSY;
    conn->replied = false;
    conn->close_after = !conn->parser.request.keep_alive || conn->server->stopping;
    expire_in(conn, WRITE_MS);
    conn->server->app->answer(conn);
}

/* Feeds the parser with what has come in, up to the end of one request. */
static void advance(struct demo_conn *conn)
{
    if (conn->in_pos < conn->in_len) {
        bool begun = conn->parser.begun;
        size_t used;
        enum demo_parse result = demo_parser_feed(&conn->parser, conn->in + conn->in_pos,
                                                  conn->in_len - conn->in_pos, &used);
        conn->in_pos += used;
        if (conn->stage == DEMO_CONN_CLOSED)
            return;
        if (result != DEMO_PARSE_MORE) {
            answer(conn);
            return;
        }
        if (conn->parser.head_done)
            expire_in(conn, BODY_MS);
        else if (conn->parser.begun && !begun)
            expire_in(conn, HEAD_MS);
    }
    conn->in_pos = conn->in_len = 0;
    read_on(conn);
}

static void refuse_proxy(struct demo_conn *conn, const char *why)
{
    fprintf(stderr, "keyplate-demo-device: closed a connection without a good PROXY header: %s\n",
            why);
    demo_conn_close(conn);
}

static void read_proxy(struct demo_conn *conn)
{
    const char *why;
    int len = demo_proxy2_parse((const uint8_t *)conn->in, conn->in_len, &conn->who, &why);
    if (len < 0) {
        refuse_proxy(conn, why);
    } else if (len > 0) {
        conn->in_pos = (size_t)len;
        conn->stage = DEMO_CONN_READING;
        expire_in(conn, IDLE_MS);
        advance(conn);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct demo_conn *conn = handle->data;
    *buf = uv_buf_init(conn->in + conn->in_len, (unsigned)(sizeof conn->in - conn->in_len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    struct demo_conn *conn = stream->data;
    if (n < 0) {
        if (conn->stage == DEMO_CONN_PROXY && conn->in_len)
            refuse_proxy(conn, "it is cut");
        else
            demo_conn_close(conn);
        return;
    }
    conn->in_len += (size_t)n;
    if (conn->stage == DEMO_CONN_PROXY)
        read_proxy(conn);
    else if (conn->stage == DEMO_CONN_READING)
        advance(conn);
    else
        conn->in_len = conn->in_pos = 0;
}

static void read_on(struct demo_conn *conn)
{
    if (conn->reading)
        return;
    conn->reading = uv_read_start(&conn->io.stream, on_alloc, on_read) == 0;
    if (!conn->reading)
        demo_conn_close(conn);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct demo_conn *conn = request->handle->data;
    if (status < 0 && status != UV_ECANCELED)
        demo_conn_close(conn);
}

/*
 * Closing with unread bytes would make the system reset the connection, and the other side might
 * lose the reply. So it is told that all is sent and gets some time to close first.
 */
static void linger(struct demo_conn *conn)
{
    conn->stage = DEMO_CONN_LINGER;
    conn->in_pos = conn->in_len = 0;
    expire_in(conn, LINGER_MS);
    if (uv_shutdown(&conn->shutdown, &conn->io.stream, on_shutdown) != 0)
        demo_conn_close(conn);
    else
        read_on(conn);
}

/* Everything so far has gone out. */
static void on_drained(struct demo_conn *conn)
{
    if (conn->stage != DEMO_CONN_BUSY || !conn->replied)
        return;
    if (conn->source && conn->source(conn, &conn->out)) {
        send_out(conn);
        return;
    }
    conn->source = NULL;
    demo_parser_next(&conn->parser);
    if (conn->close_after || conn->server->stopping) {
        linger(conn);
        return;
    }
    conn->stage = DEMO_CONN_READING;
    expire_in(conn, IDLE_MS);
    advance(conn);
}

static void on_written(uv_write_t *request, int status)
{
    struct demo_conn *conn = request->handle->data;
    conn->writing = false;
    demo_text_reset(&conn->sending);
    if (conn->stage == DEMO_CONN_CLOSED)
        return;
    if (status < 0) {
        demo_conn_close(conn);
        return;
    }
    if (conn->stage == DEMO_CONN_BUSY || conn->stage == DEMO_CONN_EVENTS)
        expire_in(conn, WRITE_MS);
    if (conn->out.len)
        send_out(conn);
    else
        on_drained(conn);
}

static void send_out(struct demo_conn *conn)
{
    if (conn->writing || conn->stage == DEMO_CONN_CLOSED)
        return;
    struct demo_text full = conn->out;
    conn->out = conn->sending;
    conn->sending = full;
    uv_buf_t buf = uv_buf_init(conn->sending.data, (unsigned)conn->sending.len);
    conn->writing = uv_write(&conn->write, &conn->io.stream, &buf, 1, on_written) == 0;
    if (!conn->writing)
        demo_conn_close(conn);
}

void demo_conn_interim(struct demo_conn *conn, const char *bytes)
{
    demo_text_put(&conn->out, bytes);
    send_out(conn);
}

void demo_conn_finish(struct demo_conn *conn, demo_conn_source *source)
{
    conn->source = source;
    conn->replied = true;
    if (conn->out.len)
        send_out(conn);
    else if (!conn->writing)
        on_drained(conn);
}

void demo_conn_begin_events(struct demo_conn *conn)
{
    conn->stage = DEMO_CONN_EVENTS;
    conn->counted = true;
    conn->server->events_count++;
    conn->in_pos = conn->in_len = 0;
    send_out(conn);
    if (conn->stage != DEMO_CONN_CLOSED)
        read_on(conn);
}

void demo_conn_push(struct demo_conn *conn, const char *bytes, size_t len)
{
    if (conn->writing || conn->stage != DEMO_CONN_EVENTS)
        return;
    demo_text_add(&conn->out, bytes, len);
    send_out(conn);
}

void demo_conn_end_events(struct demo_conn *conn, const char *bytes, size_t len)
{
    stop_reading(conn);
    conn->stage = DEMO_CONN_BUSY;
    conn->close_after = true;
    demo_text_add(&conn->out, bytes, len);
    demo_conn_finish(conn, NULL);
}

void demo_conn_check(struct demo_conn *conn)
{
    if (conn->stage == DEMO_CONN_CLOSED || uv_now(&conn->server->loop) < conn->expires)
        return;
    if (conn->stage != DEMO_CONN_READING || !conn->parser.begun) {
        demo_conn_close(conn);
        return;
    }
    conn->parser.request.keep_alive = false;
    conn->parser.request.refusal = 408;
    conn->parser.request.refusal_reason = "The request took too long to arrive.";
    answer(conn);
}

static int hook_head(void *ctx, struct demo_request *request)
{
    (void)request;
    struct demo_conn *conn = ctx;
    return conn->server->app->on_head(conn);
}

static int hook_body(void *ctx, struct demo_request *request, const char *bytes, size_t len)
{
    (void)request;
    struct demo_conn *conn = ctx;
    return conn->server->app->on_body(conn, bytes, len);
}

static void open_conn(struct demo_conn *conn)
{
    struct demo_server *server = conn->server;
    struct demo_parser_hooks hooks = {hook_head, hook_body, conn};
    demo_parser_init(&conn->parser, &hooks);
    conn->io.handle.data = conn;
    conn->next = server->conns;
    if (conn->next)
        conn->next->prev = conn;
    server->conns = conn;
    server->conn_count++;
    conn->stage = server->proxy_v2 ? DEMO_CONN_PROXY : DEMO_CONN_READING;
    expire_in(conn, server->proxy_v2 ? PROXY_MS : IDLE_MS);
}

int demo_conn_accept(struct demo_server *server)
{
    struct demo_conn *conn = calloc(1, sizeof *conn);
    if (!conn)
        return UV_ENOMEM;
    conn->server = server;
    int error = server->is_unix ? uv_pipe_init(&server->loop, &conn->io.pipe, 0)
                                : uv_tcp_init(&server->loop, &conn->io.tcp);
    if (error) {
        free(conn);
        return error;
    }
    open_conn(conn);
    error = uv_accept(&server->listener.stream, &conn->io.stream);
    if (error) {
        demo_conn_close(conn);
        return error;
    }
    if (!server->is_unix)
        uv_tcp_nodelay(&conn->io.tcp, 1);
    read_on(conn);
    return 0;
}
