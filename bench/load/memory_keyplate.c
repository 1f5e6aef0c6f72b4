/* Handshakes of two of our connections in one process, without sockets: what the engine alone
 * costs.  Prints the medians of CPU microseconds, a connection's making and freeing included.
 *
 *     memory_keyplate CREDENTIALS NAME PASSWORD COUNT */
#include "common.h"

#include <keyplate/keyplate.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1048576 };

struct side {
    struct kp_context *context;
    struct kp_conn *conn;
    double us; /* spent on the handshake that runs */
};

struct world {
    struct side client, server;
    struct kp_login *login;
    struct kp_store *store;
};

static void check(int err, const char *what)
{
    if (err != 0)
        bench_die("%s: %s", what, kp_error_text(err));
}

static struct kp_store *load(const char *path)
{
    static char text[TEXT_MAX];
    struct kp_store_fault fault;
    struct kp_store *store;
    FILE *file = fopen(path, "r");

    if (!file)
        bench_die("can't read %s", path);
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    if (kp_store_parse(&store, text, len, &fault) != 0)
        bench_die("%s, line %u: %s", path, fault.line, fault.why);
    return store;
}

static void make_context(struct side *side, enum kp_role role)
{
    struct kp_settings settings = {.role = role};

    check(kp_context_new(&side->context, &settings), "context");
}

/* What a server's caller does about KP_NEED_CREDENTIAL. */
static void answer(struct world *w)
{
    struct kp_credential credential;
    size_t len;

    if (!(kp_conn_state(w->server.conn) & KP_NEED_CREDENTIAL))
        return;
    const char *user = kp_conn_user(w->server.conn, &len);
    check(kp_store_lookup(w->store, user, len, &credential), "credential");
    check(kp_conn_credential(w->server.conn, &credential), "server");
}

/* What one has for the other, copied over; its time counts as the receiver's. */
static void carry(struct world *w, struct side *from, struct side *to)
{
    double start = bench_thread_us();
    size_t len, room;
    const uint8_t *out = kp_wire_out(from->conn, &len);
    uint8_t *in = kp_wire_in_room(to->conn, &room);

    if (out == NULL || in == NULL)
        bench_die("a handshake stands still");
    len = len < room ? len : room;
    memcpy(in, out, len);
    kp_wire_out_done(from->conn, len);
    check(kp_wire_in_done(to->conn, len), "handshake");
    answer(w);
    to->us += bench_thread_us() - start;
}

static void open_both(struct world *w, struct kp_session *session)
{
    double start = bench_thread_us();
    check(kp_conn_new(&w->server.conn, w->server.context, 0), "server");
    double middle = bench_thread_us();
    check(kp_conn_new(&w->client.conn, w->client.context, 0), "client");
    check(kp_conn_connect(w->client.conn, w->login, session, NULL), "client");
    w->server.us = middle - start;
    w->client.us = bench_thread_us() - middle;
}

static void close_one(struct side *side)
{
    double start = bench_thread_us();
    kp_conn_free(side->conn);
    side->us += bench_thread_us() - start;
}

/* One handshake; a session to resume with. */
static struct kp_session *shake(struct world *w, struct kp_session *session)
{
    struct kp_info info;

    open_both(w, session);
    while (!(kp_conn_state(w->client.conn) & kp_conn_state(w->server.conn) & KP_PROVED)) {
        if (kp_conn_state(w->client.conn) & KP_WIRE_OUT)
            carry(w, &w->client, &w->server);
        else
            carry(w, &w->server, &w->client);
    }
    kp_conn_info(w->client.conn, &info);
    if (info.resumed != (session != NULL))
        bench_die("a ticket was not taken");
    struct kp_session *next = kp_conn_session(w->client.conn);
    close_one(&w->client);
    close_one(&w->server);
    return next;
}

static void run(struct world *w, const char *kind, struct kp_session *session, size_t count)
{
    double *server = calloc(count, sizeof(double));
    double *client = calloc(count, sizeof(double));

    if (!server || !client)
        bench_die("out of memory");
    for (size_t i = 0; i < count; i++) {
        kp_session_free(shake(w, session));
        server[i] = w->server.us;
        client[i] = w->client.us;
    }
    printf("server_%s_us=%.3f ", kind, bench_median(server, count));
    printf("client_%s_us=%.3f ", kind, bench_median(client, count));
    free(server);
    free(client);
}

int main(int argc, char **argv)
{
    struct world w = {0};

    if (argc != 5)
        bench_die("usage: memory_keyplate CREDENTIALS NAME PASSWORD COUNT");
    size_t count = (size_t)bench_number(argv[4], 1000000);
    w.store = load(argv[1]);
    make_context(&w.client, KP_CLIENT);
    make_context(&w.server, KP_SERVER);
    check(kp_login_new(&w.login, w.client.context, argv[2], strlen(argv[2]),
                       (const uint8_t *)argv[3], strlen(argv[3])),
          "login");

    struct kp_session *session = shake(&w, NULL);
    if (session == NULL)
        bench_die("no ticket");
    run(&w, "full", NULL, count);
    run(&w, "resumed", session, count);
    printf("\n");
    kp_session_free(session);
    kp_login_free(w.login);
    kp_context_free(w.client.context);
    kp_context_free(w.server.context);
    kp_store_free(w.store);
    return 0;
}
