/*
 * The smallest web server with password TLS: libkeyplate's public header, plain poll() and libc. It
 * greets who was proved, whatever was asked; one visitor after the other, ten seconds each at most.
 * server.c beside it is for many at once.          hello PORT CREDENTIALS
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <keyplate/keyplate.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct kp_store *store;       /* who may log in */
static struct kp_context *context;   /* settings, and the tickets' keys */
static struct kp_throttle *throttle; /* how many guesses are judged; a restart forgets it */

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* An unknown name is found, too: it gets a credential that no password fits. */
static int look_up(struct kp_conn *tls)
{
    struct kp_credential found;
    size_t len;
    const char *name = kp_conn_user(tls, &len);
    int error = kp_store_lookup(store, name, len, &found);
    error = error == 0 ? kp_conn_credential(tls, &found) : error;
    explicit_bzero(&found, sizeof found);
    return error;
}

static size_t greet(struct kp_conn *tls, char *out, size_t size)
{
    char user[6 * KP_NAME_MAX + 1] = "", *end = user;
    struct kp_info info;
    kp_conn_info(tls, &info);
    for (const char *c = info.user; *c != '\0'; c++) /* any bytes: no HTML comes from a name */
        end += sprintf(end, strchr("<>&\"'", *c) != NULL ? "&#%d;" : "%c", *c);
    return (size_t)snprintf(out, size,
                            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
                            "Connection: close\r\n\r\n<p>Hello, %s, by %s.</p>\n",
                            user, info.version_name);
}

/* From the first byte to the last.  fd doesn't block. */
static void serve(struct kp_conn *tls, int fd, const uint8_t source[KP_SOURCE_LEN])
{
    uint64_t now = now_ms(), end = now + 10000;
    char page[2048];
    size_t page_len = 0, said = 0, len;
    struct kp_guess guess = {0};
    for (int error = 0; error == 0 && now < end; now = now_ms()) {
        unsigned state = kp_conn_state(tls);
        ssize_t moved = 1;
        if (state & KP_WIRE_OUT) { /* before all else: nothing piles up, and alerts go out */
            const uint8_t *bytes = kp_wire_out(tls, &len);
            moved = send(fd, bytes, len, MSG_NOSIGNAL);
            if (moved > 0)
                kp_wire_out_done(tls, (size_t)moved);
        } else if (state & KP_CLOSED) {
            return;
        } else if (state & KP_NEED_CREDENTIAL) {
            error = look_up(tls);
        } else if (state & KP_NEED_GUESS) { /* not granted: it fails as a wrong password does */
            const char *name = kp_conn_user(tls, &len);
            error = kp_conn_guess(tls, kp_throttle_take(throttle, source, name, len, now, &guess) ==
                                           KP_GUESS_GRANTED);
        } else if (state & KP_APP_OUT) { /* nobody but who was proved gets here */
            kp_app_out(tls, &len);
            kp_app_out_done(tls, len);
            if (page_len == 0) {
                kp_throttle_proved(throttle, &guess, now); /* what its guess took comes back */
                page_len = greet(tls, page, sizeof page);
            }
        } else if (said < page_len) {
            error = kp_app_in(tls, (uint8_t *)page + said, page_len - said, &len);
            said += len;
            if (error == 0 && said == page_len)
                error = kp_app_in_end(tls);
        } else if (state & KP_PEER_ENDED) { /* it asked nothing: so do we end */
            error = kp_app_in_end(tls);
        } else {
            uint8_t *room = kp_wire_in_room(tls, &len);
            moved = room != NULL ? recv(fd, room, len, 0) : 0;
            if (moved >= 0)
                error = moved > 0 ? kp_wire_in_done(tls, (size_t)moved) : kp_wire_in_end(tls);
        }
        if (error != 0 && (kp_conn_state(tls) & KP_CLOSED))
            error = 0; /* the connection's own: its alert is to be sent */
        if (moved < 0) {
            struct pollfd p = {fd, state & KP_WIRE_OUT ? POLLOUT : POLLIN, 0};
            if (errno != EAGAIN || poll(&p, 1, (int)(end - now)) < 1)
                return;
        }
    }
}

static void must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "hello: %s\n", what);
    exit(1);
}

int main(int argc, char **argv)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6}; /* IPv4 comes as ::ffff:a.b.c.d */
    struct kp_settings settings = {.role = KP_SERVER, .count_guesses = true};
    const struct kp_throttle_settings limits = {.leased = false};
    struct kp_store_fault fault;
    static char text[65536];
    int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, off = 0;
    int file = argc == 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;
    ssize_t size = read(file, text, sizeof text);
    must(size > 0 && size < (ssize_t)sizeof text, "usage: hello PORT CREDENTIALS");
    must(kp_store_parse(&store, text, (size_t)size, &fault) == 0, fault.why);
    close(file);
    explicit_bzero(text, sizeof text);
    settings.device_id = kp_store_device_id(store, &settings.device_id_len);
    must(kp_context_new(&context, &settings) == 0 && kp_throttle_new(&throttle, &limits) == 0,
         "the engine can't be started");
    at.sin6_port = htons((uint16_t)atoi(argv[1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    must(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 16) == 0,
         "the port can't be had");
    for (;;) {
        socklen_t len = sizeof at;
        int fd = accept4(listener, (struct sockaddr *)&at, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct kp_conn *tls = NULL;
        if (fd >= 0 && kp_conn_new(&tls, context, now_ms() / 1000) == 0 &&
            (!kp_store_prefers_tls12(store) || kp_conn_prefer_tls12(tls) == 0))
            serve(tls, fd, at.sin6_addr.s6_addr);
        kp_conn_free(tls);
        if (fd >= 0)
            close(fd);
    }
}
