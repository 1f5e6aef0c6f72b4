/*
 * A whole web server with password TLS over libkeyplate's public header: poll(), one thread, and no
 * memory that a stranger could make grow.  README.md walks through it; connection.c is its heart.
 *
 *     server PORT CREDENTIALS
 */
#define _GNU_SOURCE /* accept4, explicit_bzero */
#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 32 };

static struct site site;
static struct client *clients[CLIENTS];
static volatile sig_atomic_t stopped;

/* ---- The start ------------------------------------------------------------------------------ */

static void die(const char *what, const char *why)
{
    fprintf(stderr, "server: %s: %s\n", what, why);
    exit(1);
}

/* The file holds what passwords are checked with: the copy is wiped. */
static void load(const char *path)
{
    static char text[1 << 16];
    struct kp_store_fault fault = {0, "it is too long"};
    FILE *file = fopen(path, "r");
    size_t len =
        file && setvbuf(file, NULL, _IONBF, 0) == 0 ? fread(text, 1, sizeof text, file) : 0;
    if (!file || ferror(file))
        die(path, strerror(errno));
    fclose(file);
    if (len == sizeof text || kp_store_parse(&site.store, text, len, &fault) != 0) {
        fprintf(stderr, "server: line %u: ", fault.line);
        die(path, fault.why);
    }
    explicit_bzero(text, sizeof text);
}

/* The throttle's state is in memory alone: who can make this server start again gets all guesses
 * back.  integrations/common keeps it in a file, and takes up a changed credentials file. */
static void prepare(const char *port)
{
    static const char *const alpn[] = {"http/1.1"};
    struct kp_throttle_settings guesses = {0};
    struct kp_settings settings = {
        .role = KP_SERVER, .count_guesses = true, .alpn = alpn, .alpn_count = 1};
    char id[6 * KP_DEVICE_ID_MAX + 1];
    int error;

    settings.device_id = kp_store_device_id(site.store, &settings.device_id_len);
    error = kp_context_new(&site.context, &settings);
    if (error == 0)
        error = kp_throttle_new(&site.throttle, &guesses);
    if (error != 0)
        die("password TLS", kp_error_text(error));
    snprintf(site.hint, sizeof site.hint,
             "{\"keyplate\":1,\"versions\":[\"1.2\"%s],\"port\":%s,\"device_id\":\"%s\"}",
             kp_store_prefers_tls12(site.store) ? "" : ",\"1.3\"", port,
             http_escape(id, (const char *)settings.device_id, settings.device_id_len, false));
}

static int listen_on(unsigned port)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, off = 0;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0 ||
        bind(fd, (struct sockaddr *)&any, sizeof any) != 0 || listen(fd, CLIENTS) != 0)
        die("listening", strerror(errno));
    return fd;
}

/* ---- The loop ------------------------------------------------------------------------------- */

static void drop(struct client **at)
{
    client_free(*at);
    *at = NULL;
}

/* Where a new connection goes: to a free place, or that of who is due first of those that haven't
 * proved anything, or have nothing more to say.  NULL: it has to wait. */
static struct client **place(void)
{
    struct client **first = NULL;
    for (struct client **at = clients; at < clients + CLIENTS; at++) {
        if (!*at)
            return at;
        if ((!(*at)->proved || !(*at)->tls) && (!first || (*at)->due_ms < (*first)->due_ms))
            first = at;
    }
    return first;
}

static void admit(int listener, struct client **at)
{
    struct sockaddr_in6 from;
    socklen_t len = sizeof from;
    int fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct client *c = fd >= 0 ? client_new(&site, fd, &from.sin6_addr) : NULL;

    if (!c) {
        if (fd >= 0)
            close(fd);
        else if (errno != EAGAIN)
            poll(NULL, 0, 100); /* no descriptor, no memory: it won't be better at once */
        return;
    }
    if (*at)
        drop(at);
    *at = c;
}

static void run(int listener)
{
    struct pollfd fds[CLIENTS + 1];
    while (!stopped) {
        fds[CLIENTS] = (struct pollfd){listener, place() ? POLLIN : 0, 0};
        for (int i = 0; i < CLIENTS; i++) {
            struct client *c = clients[i];
            bool sends = c && client_waits_to_send(c);
            fds[i] = (struct pollfd){c ? c->fd : -1, sends ? POLLOUT : POLLIN, 0};
        }
        if (poll(fds, CLIENTS + 1, 1000) < 0)
            continue; /* a signal */
        for (int i = 0; i < CLIENTS; i++) {
            struct client *c = clients[i];
            if (c && ((fds[i].revents && !client_moves(c)) ||
                      (now_ms() >= c->due_ms && !client_outlives(c))))
                drop(&clients[i]);
        }
        if (fds[CLIENTS].revents && place())
            admit(listener, place());
    }
}

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

int main(int argc, char **argv)
{
    unsigned long port = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    if (port < 1 || port > 65535)
        die("usage", "server PORT CREDENTIALS");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    load(argv[2]);
    prepare(argv[1]);
    int listener = listen_on((unsigned)port);
    run(listener);

    close(listener);
    for (struct client **at = clients; at < clients + CLIENTS; at++)
        if (*at)
            drop(at);
    kp_throttle_free(site.throttle);
    kp_context_free(site.context);
    kp_store_free(site.store);
    return 0;
}
