/* As shake_libssl.c, with the engine's public header as the client.
 *
 *     shake_keyplate ADDR:PORT NAME PASSWORD full|resumed COUNT */
#include "common.h"

#include <keyplate/keyplate.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
    const char *address;
    struct kp_context *context;
    struct kp_login *login;
    bool resume;
    struct kp_session *session; /* of the last connection; NULL: to be full */
    unsigned resumed;
};

static void check(int err, const char *what)
{
    if (err != 0)
        bench_die("%s: %s", what, kp_error_text(err));
}

static void flush(struct kp_conn *conn, int fd)
{
    while (kp_conn_state(conn) & KP_WIRE_OUT) {
        size_t len;
        const uint8_t *out = kp_wire_out(conn, &len);
        bench_send_all(fd, out, len);
        kp_wire_out_done(conn, len);
    }
}

/* Sends what waits, then waits for bytes once. */
static void step(struct kp_conn *conn, int fd)
{
    size_t room;

    flush(conn, fd);
    uint8_t *to = kp_wire_in_room(conn, &room);
    ssize_t got = recv(fd, to, room, 0);
    if (got < 0)
        bench_die("recv: %s", strerror(errno));
    check(got > 0 ? kp_wire_in_done(conn, (size_t)got) : kp_wire_in_end(conn), "connection");
}

static void ask(struct kp_conn *conn, int fd)
{
    size_t used, len, total = 0;

    check(kp_app_in(conn, (const uint8_t *)BENCH_REQUEST, sizeof BENCH_REQUEST - 1, &used),
          "writing");
    while (!(kp_conn_state(conn) & KP_PEER_ENDED)) {
        step(conn, fd);
        (void)kp_app_out(conn, &len);
        kp_app_out_done(conn, len);
        total += len;
    }
    if (total == 0)
        bench_die("no answer");
}

static void note(struct client *c, struct kp_conn *conn, bool print)
{
    struct kp_info info;

    kp_conn_info(conn, &info);
    c->resumed += info.resumed ? 1 : 0;
    /* Both extensions are demanded: there is no connection without them. */
    if (print)
        printf("protocol=%s suite=%s etm=1 ems=1 ", info.version_name, info.suite_name);
    struct kp_session *session = c->resume ? kp_conn_session(conn) : NULL;
    if (session != NULL) {
        kp_session_free(c->session);
        c->session = session;
    }
}

static void shake(struct client *c, bool print)
{
    struct kp_conn *conn;
    int fd = bench_connect(c->address);

    check(kp_conn_new(&conn, c->context, 0), "connection");
    check(kp_conn_connect(conn, c->login, c->session, NULL), "connection");
    while (!(kp_conn_state(conn) & KP_PROVED))
        step(conn, fd);
    ask(conn, fd);
    note(c, conn, print);
    check(kp_app_in_end(conn), "end");
    flush(conn, fd);
    kp_conn_free(conn);
    close(fd);
}

int main(int argc, char **argv)
{
    struct kp_settings settings = {.role = KP_CLIENT};
    struct client c = {.address = argv[1]};

    if (argc != 6)
        bench_die("usage: shake_keyplate ADDR:PORT NAME PASSWORD full|resumed COUNT");
    signal(SIGPIPE, SIG_IGN);
    c.resume = strcmp(argv[4], "resumed") == 0;
    unsigned count = (unsigned)bench_number(argv[5], 1000000);
    check(kp_context_new(&c.context, &settings), "context");
    check(kp_login_new(&c.login, c.context, argv[2], strlen(argv[2]), (const uint8_t *)argv[3],
                       strlen(argv[3])),
          "login");

    shake(&c, true); /* warms up, and gives the ticket */
    c.resumed = 0;
    bench_wait_for_go();
    double start = bench_process_us();
    for (unsigned i = 0; i < count; i++)
        shake(&c, false);
    printf("resumed=%u cpu_us=%.3f\n", c.resumed, (bench_process_us() - start) / count);
    kp_session_free(c.session);
    kp_login_free(c.login);
    kp_context_free(c.context);
    return 0;
}
