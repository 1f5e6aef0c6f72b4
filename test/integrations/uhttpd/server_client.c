/* A connection and its requests, one after the other, with the states, timers and the order of
 * events of uhttpd's client.c (openwrt/uhttpd, commit 003cd18). */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEEPALIVE_SECONDS 20

struct client *clients;

/* ---- Its end ------------------------------------------------------------------------------- */

static void client_close(struct client *cl)
{
    struct client **at = &clients;
    while (*at != cl)
        at = &(*at)->next;
    *at = cl->next;
    answer_free(cl);
    uloop_timeout_cancel(&cl->timeout);
    tls_detach(cl);
    ustream_free(&cl->sfd.stream);
    close(cl->sfd.fd.fd);
    free(cl);
}

void client_state(struct client *cl)
{
    struct ustream *s = cl->us;
    if (!s->write_error) {
        if (cl->state == STATE_DATA || !s->eof || s->w.data_bytes)
            return;
        if (cl->ssl.conn && cl->ssl.conn->w.data_bytes) {
            cl->ssl.conn->eof = s->eof;
            if (!ustream_write_pending(cl->ssl.conn))
                return;
        }
    }
    client_close(cl);
}

static void connection_close(struct client *cl)
{
    cl->state = STATE_CLOSE;
    cl->us->eof = true;
    ustream_state_change(cl->us);
}

static void timed_out(struct uloop_timeout *timer)
{
    struct client *cl = container_of(timer, struct client, timeout);
    answer_free(cl);
    connection_close(cl);
}

static void poll_again(struct uloop_timeout *timer)
{
    struct client *cl = container_of(timer, struct client, timeout);
    cl->timeout.cb = timed_out;
    uloop_timeout_set(&cl->timeout, 1000 * network_seconds);
    cl->us->notify_read(cl->us, 0);
}

static void poll_connection(struct client *cl)
{
    cl->timeout.cb = poll_again;
    uloop_timeout_set(&cl->timeout, 1);
}

void request_done(struct client *cl)
{
    answer_free(cl);
    if (cl->close) {
        connection_close(cl);
        return;
    }
    cl->state = STATE_INIT;
    poll_connection(cl);
}

/* ---- A request ----------------------------------------------------------------------------- */

void client_headers(struct client *cl, const char *status, const char *fields, bool chunked)
{
    ustream_printf(cl->us, "%s %s\r\n", cl->http11 ? "HTTP/1.1" : "HTTP/1.0", status);
    ustream_printf(cl->us, "Connection: %s\r\n", cl->close ? "close" : "Keep-Alive");
    if (chunked)
        ustream_printf(cl->us, "Transfer-Encoding: chunked\r\n");
    if (!cl->close)
        ustream_printf(cl->us, "Keep-Alive: timeout=%d\r\n", KEEPALIVE_SECONDS);
    ustream_printf(cl->us, "%s", fields);
}

void client_error(struct client *cl, const char *status)
{
    cl->close = cl->close || cl->content_length > 0;
    client_headers(cl, status, "Content-Length: 0\r\n\r\n", false);
    request_done(cl);
}

static bool take_first_line(struct client *cl, const char *line)
{
    char version[16];
    if (sscanf(line, "%7s %1023s %15s", cl->method, cl->path, version) != 3)
        return false;
    cl->http11 = strcmp(version, "HTTP/1.1") == 0;
    cl->close = !cl->http11;
    cl->content_length = 0;
    return true;
}

static void take_field(struct client *cl, const char *line)
{
    if (strncasecmp(line, "Content-Length:", 15) == 0)
        cl->content_length = atol(line + 15);
    if (strcasecmp(line, "Connection: close") == 0)
        cl->close = true;
    if (strcasecmp(line, "Expect: 100-continue") == 0)
        ustream_printf(cl->us, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void take_line(struct client *cl, const char *line)
{
    if (cl->state == STATE_INIT) {
        cl->state = take_first_line(cl, line) ? STATE_HEADER : STATE_DONE;
        if (cl->state == STATE_DONE) {
            cl->close = true;
            client_error(cl, "400 Bad Request");
        }
    } else if (*line) {
        take_field(cl, line);
    } else {
        uloop_timeout_cancel(&cl->timeout);
        cl->state = STATE_DATA;
        answer(cl);
        client_poll_body(cl);
    }
}

void client_poll_body(struct client *cl)
{
    int len, used;
    const char *buf;
    if (cl->state != STATE_DATA)
        return;
    while (cl->content_length > 0 && (buf = ustream_get_read_buf(cl->us, &len)) != NULL) {
        if (len > cl->content_length)
            len = (int)cl->content_length;
        used = answer_takes(cl, buf, len);
        if (used < 0)
            return;
        cl->content_length -= used;
        ustream_consume(cl->us, used);
    }
    if (cl->content_length == 0) {
        cl->state = STATE_DONE;
        answer_body_done(cl);
    }
}

void client_read(struct client *cl)
{
    while (cl->state == STATE_INIT || cl->state == STATE_HEADER) {
        int len;
        char *buf = ustream_get_read_buf(cl->us, &len);
        char *end = buf ? strstr(buf, "\r\n") : NULL; /* string_data: there is a NUL */
        char line[4097];
        if (!end) {
            if (buf && len == cl->us->r.buffer_len) {
                cl->close = true;
                client_error(cl, "413 Request Entity Too Large");
            }
            return;
        }
        snprintf(line, sizeof line, "%.*s", (int)(end - buf), buf);
        ustream_consume(cl->us, (int)(end - buf) + 2);
        if (*line || cl->state == STATE_HEADER)
            take_line(cl, line);
    }
    client_poll_body(cl);
}

/* ---- Its beginning ------------------------------------------------------------------------- */

bool accept_client(int from)
{
    static struct client *next; /* one that found nobody is used for the next */
    struct client *cl = next ? next : calloc(1, sizeof *cl);
    int fd;
    next = cl;
    fd = accept(from, NULL, NULL);
    if (!cl || fd < 0)
        return false;
    cl->file = cl->cgi.in.fd = -1;
    tls_attach(cl);
    cl->us->string_data = true;
    ustream_fd_init(&cl->sfd, fd);
    poll_connection(cl);
    cl->next = clients;
    clients = cl;
    next = NULL;
    return true;
}
