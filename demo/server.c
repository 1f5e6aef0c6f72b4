/*
 * The listener, the clock and the end: takes connections in, lets a second pass once a second and
 * closes everything in order when a signal asks for it. Knows no pages.
 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conn.h"

#define STOP_MS 10000 /* running replies get this long once a signal came */

static int complain(const char *what, int error)
{
    fprintf(stderr, "keyplate-demo-device: %s: %s\n", what, uv_strerror(error));
    return -1;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct demo_server *server = listener->data;
    if (status < 0 || server->stopping)
        return;
    /* Not accepting leaves the connection, and all behind it, in the queue of the system. */
    if (server->conn_count >= DEMO_SERVER_CONNS)
        server->waiting = true;
    else
        demo_conn_accept(server);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Ends what may end now: all of it once the time is over. */
static void stop_conns(struct demo_server *server)
{
    bool over = uv_now(&server->loop) >= server->stop_at;
    struct demo_conn *next;
    for (struct demo_conn *conn = server->conns; conn; conn = next) {
        next = conn->next;
        if (over || demo_conn_is_idle(conn))
            demo_conn_close(conn);
        else if (conn->stage == DEMO_CONN_EVENTS)
            demo_conn_end_events(conn, conn->parser.request.http10 ? "" : "0\r\n\r\n",
                                 conn->parser.request.http10 ? 0 : 5);
        else
            demo_conn_check(conn);
    }
    if (!server->conns) {
        close_handle((uv_handle_t *)&server->timer);
        close_handle((uv_handle_t *)&server->sigterm);
        close_handle((uv_handle_t *)&server->sigint);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct demo_server *server = timer->data;
    if (server->stopping) {
        stop_conns(server);
        return;
    }
    server->app->tick(server);
    for (struct demo_conn *conn = server->conns; conn; conn = conn->next)
        demo_conn_check(conn);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    struct demo_server *server = handle->data;
    uint64_t now = uv_now(&server->loop);
    /* A second signal ends it at once. */
    server->stop_at = server->stopping ? now : now + STOP_MS;
    server->stopping = true;
    close_handle(&server->listener.handle);
    stop_conns(server);
    uv_timer_start(&server->timer, on_tick, 50, 50);
}

static int bind_ip(struct demo_server *server, const struct demo_address *address)
{
    int error = uv_tcp_init(&server->loop, &server->listener.tcp);
    if (!error)
        error = uv_tcp_bind(&server->listener.tcp, (const struct sockaddr *)&address->ip, 0);
    return error;
}

/* A socket that a crash has left behind is in the way: remove it if nobody listens there. */
static void remove_stale(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct stat status;
    if (strlen(path) >= sizeof name.sun_path || lstat(path, &status) != 0 ||
        !S_ISSOCK(status.st_mode))
        return;
    memcpy(name.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (struct sockaddr *)&name, sizeof name) != 0 && errno == ECONNREFUSED)
        unlink(path);
    close(fd);
}

static int bind_unix(struct demo_server *server, const char *path)
{
    remove_stale(path);
    int error = uv_pipe_init(&server->loop, &server->listener.pipe, 0);
    if (!error)
        error = uv_pipe_bind(&server->listener.pipe, path);
    return error;
}

static void announce(const struct demo_server *server, const struct demo_address *address)
{
    struct sockaddr_storage name = {0};
    int len = sizeof name;
    char ip[INET6_ADDRSTRLEN] = "";
    if (address->path) {
        printf("listening unix:%s\n", address->path);
    } else if (uv_tcp_getsockname(&server->listener.tcp, (struct sockaddr *)&name, &len) == 0) {
        bool v6 = name.ss_family == AF_INET6;
        const struct sockaddr_in *in4 = (const void *)&name;
        const struct sockaddr_in6 *in6 = (const void *)&name;
        uv_inet_ntop(name.ss_family,
                     v6 ? (const void *)&in6->sin6_addr : (const void *)&in4->sin_addr, ip,
                     sizeof ip);
        printf(v6 ? "listening [%s]:%d\n" : "listening %s:%d\n", ip,
               ntohs(v6 ? in6->sin6_port : in4->sin_port));
    }
    fflush(stdout);
}

static int start_clock(struct demo_server *server)
{
    int error = uv_timer_init(&server->loop, &server->timer);
    server->timer.data = server->sigterm.data = server->sigint.data = server;
    if (!error)
        error = uv_timer_start(&server->timer, on_tick, 1000, 1000);
    if (!error)
        error = uv_signal_init(&server->loop, &server->sigterm);
    if (!error)
        error = uv_signal_start(&server->sigterm, on_signal, SIGTERM);
    if (!error)
        error = uv_signal_init(&server->loop, &server->sigint);
    if (!error)
        error = uv_signal_start(&server->sigint, on_signal, SIGINT);
    return error;
}

int demo_server_start(struct demo_server *server, const struct demo_address *address)
{
    int error = uv_loop_init(&server->loop);
    if (error)
        return complain("cannot start", error);
    server->is_unix = address->path != NULL;
    error = server->is_unix ? bind_unix(server, address->path) : bind_ip(server, address);
    server->listener.handle.data = server;
    if (!error)
        error = uv_listen(&server->listener.stream, 128, on_connection);
    if (error)
        return complain("cannot listen", error);
    error = start_clock(server);
    if (error)
        return complain("cannot start", error);
    announce(server, address);
    return 0;
}

void demo_server_run(struct demo_server *server)
{
    uv_run(&server->loop, UV_RUN_DEFAULT);
    uv_loop_close(&server->loop);
}
