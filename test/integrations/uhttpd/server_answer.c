/* Answers: files, and CGI programs, moved as uhttpd's file.c, proc.c and relay.c do. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGI_PREFIX "/cgi-bin/"

/* ---- Files --------------------------------------------------------------------------------- */

static void send_file(struct client *cl)
{
    static char bytes[4096];
    while (cl->us->w.data_bytes < 256) {
        ssize_t len = read(cl->file, bytes, sizeof bytes);
        if (len <= 0) {
            request_done(cl);
            return;
        }
        uloop_timeout_set(&cl->timeout, 1000 * network_seconds);
        ustream_write(cl->us, bytes, (int)len, true);
    }
}

static void answer_file(struct client *cl, const char *path)
{
    struct stat stat;
    char fields[128];
    cl->file = open(path, O_RDONLY | O_CLOEXEC);
    if (cl->file < 0 || fstat(cl->file, &stat) < 0 || !S_ISREG(stat.st_mode)) {
        client_error(cl, "404 Not Found");
        return;
    }
    snprintf(fields, sizeof fields,
             "Content-Type: application/octet-stream\r\nContent-Length: %lld\r\n\r\n",
             (long long)stat.st_size);
    client_headers(cl, "200 OK", fields, false);
    cl->write_cb = send_file;
    send_file(cl);
}

/* In one piece, as uhttpd does with what ubus answers. */
static void answer_whole(struct client *cl, const char *path)
{
    struct stat stat;
    char *bytes;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat) < 0)
        abort();
    bytes = malloc((size_t)stat.st_size);
    if (!bytes || read(fd, bytes, (size_t)stat.st_size) != stat.st_size)
        abort();
    close(fd);
    cl->close = true;
    client_headers(cl, "200 OK", "\r\n", false);
    ustream_write(cl->us, bytes, (int)stat.st_size, false);
    free(bytes);
    request_done(cl);
}

/* ---- CGI ----------------------------------------------------------------------------------- */

static void cgi_close_in(struct client *cl)
{
    if (cl->cgi.in.fd < 0)
        return;
    uloop_fd_delete(&cl->cgi.in);
    close(cl->cgi.in.fd);
    cl->cgi.in.fd = -1;
}

static void cgi_in_writable(struct uloop_fd *fd, unsigned int events)
{
    (void)events;
    client_poll_body(container_of(fd, struct client, cgi.in));
}

int answer_takes(struct client *cl, const char *bytes, int len)
{
    ssize_t used = len;
    if (cl->cgi.running)
        used = write(cl->cgi.in.fd, bytes, (size_t)len);
    if (used < 0 && errno != EAGAIN)
        return len; /* the program doesn't want it */
    if (used < len && cl->cgi.running)
        uloop_fd_add(&cl->cgi.in, ULOOP_WRITE);
    return (int)used;
}

void answer_body_done(struct client *cl)
{
    if (cl->cgi.running)
        cgi_close_in(cl);
}

static void send_chunk(struct client *cl, const char *bytes, int len)
{
    uloop_timeout_set(&cl->timeout, 1000 * network_seconds);
    if (cl->http11)
        ustream_printf(cl->us, "%X\r\n", (unsigned)len);
    if (len)
        ustream_write(cl->us, bytes, len, true);
    if (cl->http11)
        ustream_printf(cl->us, "\r\n");
}

/* False: its headers aren't complete. */
static bool relay_headers(struct client *cl)
{
    struct ustream *s = &cl->cgi.out.stream;
    char *buf = ustream_get_read_buf(s, NULL);
    char *end = buf ? strstr(buf, "\r\n\r\n") : NULL;
    char fields[4097];
    if (cl->cgi.in_body)
        return true;
    if (!end)
        return false;
    snprintf(fields, sizeof fields, "%.*s", (int)(end - buf) + 4, buf);
    client_headers(cl, "200 OK", fields, cl->http11);
    ustream_consume(s, (int)(end - buf) + 4);
    cl->cgi.in_body = true;
    return true;
}

static void relay_read(struct ustream *s, int bytes)
{
    struct client *cl = container_of(s, struct client, cgi.out.stream);
    int len;
    char *buf;
    (void)bytes;
    if (!relay_headers(cl))
        return;
    if (!s->eof && ustream_pending_data(cl->us, true)) {
        ustream_set_read_blocked(s, true);
        return;
    }
    buf = ustream_get_read_buf(s, &len);
    if (buf) {
        send_chunk(cl, buf, len);
        ustream_consume(s, len);
    }
}

static void relay_end(struct client *cl)
{
    if (!cl->cgi.in_body)
        client_error(cl, "502 Bad Gateway");
    else if (cl->http11)
        send_chunk(cl, "", 0);
    if (cl->cgi.running)
        request_done(cl);
}

/* Of a pipe that has ended and is empty an epoll tells no more than an error. */
static void relay_state(struct ustream *s)
{
    struct client *cl = container_of(s, struct client, cgi.out.stream);
    while (ustream_poll(s))
        ;
    if (!s->eof)
        return;
    relay_read(s, 0);
    relay_end(cl);
}

static void relay_written(struct client *cl)
{
    struct ustream *s = &cl->cgi.out.stream;
    if (ustream_pending_data(cl->us, true) || !ustream_read_blocked(s))
        return;
    ustream_set_read_blocked(s, false);
    relay_read(s, 0);
    ustream_state_change(s);
}

/* uhttpd closes what it knows of, and keeps the rest: nothing of a TLS library may be left. */
static void run_program(struct client *cl, int in, int out)
{
    const char *path = cl->path;
    char file[2048];
    dup2(in, 0);
    dup2(out, 1);
    close(in);
    close(out);
    uloop_done();
    close(listener);
    for (struct client *other = clients; other; other = other->next) {
        close(other->sfd.fd.fd);
        if (other->cgi.running) {
            close(other->cgi.out.fd.fd);
            if (other->cgi.in.fd >= 0)
                close(other->cgi.in.fd);
        }
    }
    snprintf(file, sizeof file, "%s%s", docroot, path);
    clearenv();
    setenv("PATH", "/sbin:/usr/sbin:/bin:/usr/bin", 1);
    setenv("REQUEST_METHOD", cl->method, 1);
    execl(file, file, (char *)NULL);
    exit(1);
}

static void answer_cgi(struct client *cl)
{
    int in[2], out[2];
    pid_t pid;
    if (pipe(in) < 0 || pipe(out) < 0)
        abort();
    pid = fork();
    if (pid == 0) {
        close(in[1]);
        close(out[0]);
        run_program(cl, in[0], out[1]);
    }
    close(in[0]);
    close(out[1]);
    fcntl(in[1], F_SETFL, O_NONBLOCK);
    memset(&cl->cgi, 0, sizeof cl->cgi);
    cl->cgi.running = true;
    cl->cgi.in.fd = in[1];
    cl->cgi.in.cb = cgi_in_writable;
    cl->cgi.out.stream.string_data = true;
    ustream_fd_init(&cl->cgi.out, out[0]);
    cl->cgi.out.stream.notify_read = relay_read;
    cl->cgi.out.stream.notify_state = relay_state;
    cl->write_cb = relay_written;
}

/* ---- Both ---------------------------------------------------------------------------------- */

void answer(struct client *cl)
{
    char path[2048];
    if (strstr(cl->path, "..")) {
        client_error(cl, "400 Bad Request");
        return;
    }
    if (strncmp(cl->path, CGI_PREFIX, sizeof CGI_PREFIX - 1) == 0) {
        answer_cgi(cl);
        return;
    }
    if (strcmp(cl->path, "/whole") == 0) {
        snprintf(path, sizeof path, "%s/big", docroot);
        answer_whole(cl, path);
        return;
    }
    snprintf(path, sizeof path, "%s%s%s", docroot, cl->path,
             cl->path[strlen(cl->path) - 1] == '/' ? "index.html" : "");
    answer_file(cl, path);
}

void answer_free(struct client *cl)
{
    cl->write_cb = NULL;
    if (cl->file >= 0)
        close(cl->file);
    cl->file = -1;
    if (!cl->cgi.running)
        return;
    cgi_close_in(cl);
    ustream_free(&cl->cgi.out.stream);
    close(cl->cgi.out.fd.fd);
    cl->cgi.running = false;
}
