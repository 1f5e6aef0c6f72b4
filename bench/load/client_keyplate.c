/* client.h with the engine, by its public header. */
#include "client.h"

#include "common.h"

#include <keyplate/keyplate.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
    struct kp_context *context;
    struct kp_login *login;
    struct kp_session *session; /* NULL: handshakes are full */
};

struct client_conn {
    struct kp_conn *conn;
    int fd;
};

static void check(int err, const char *what)
{
    if (err != 0)
        bench_die("%s: %s", what, kp_error_text(err));
}

static void settle(struct kp_settings *settings, const char *how)
{
    settings->role = KP_CLIENT;
    settings->versions = KP_USE_TLS13;
    if (strcmp(how, "ietf") == 0)
        settings->pake = KP_PAKE_IETF;
    else if (strcmp(how, "boringssl") == 0)
        settings->pake = KP_PAKE_BORINGSSL;
    else if (strcmp(how, "srp") == 0)
        settings->versions = KP_USE_TLS12;
    else
        bench_die("%s is none of srp, ietf, boringssl", how);
}

struct client *client_new(const char *how, const char *name, const char *secret)
{
    struct kp_settings settings = {0};
    struct client *client = calloc(1, sizeof *client);
    const uint8_t *password = (const uint8_t *)secret;

    if (!client)
        bench_die("out of memory");
    settle(&settings, how);
    check(kp_context_new(&client->context, &settings), "context");
    check(
        kp_login_new(&client->login, client->context, name, strlen(name), password, strlen(secret)),
        "login");
    if (settings.versions == KP_USE_TLS13)
        check(kp_login_device(client->login, password, strlen(secret),
                              (const uint8_t *)BENCH_DEVICE_ID, strlen(BENCH_DEVICE_ID)),
              "device");
    return client;
}

void client_free(struct client *client)
{
    kp_session_free(client->session);
    kp_login_free(client->login);
    kp_context_free(client->context);
    free(client);
}

/* ---- Connections ---------------------------------------------------------------------------- */

static void flush(struct client_conn *c)
{
    while (kp_conn_state(c->conn) & KP_WIRE_OUT) {
        size_t len;
        const uint8_t *out = kp_wire_out(c->conn, &len);
        bench_send_all(c->fd, out, len);
        kp_wire_out_done(c->conn, len);
    }
}

/* Sends what waits, then waits for bytes once. */
static void step(struct client_conn *c)
{
    size_t room;

    flush(c);
    uint8_t *to = kp_wire_in_room(c->conn, &room);
    ssize_t got = recv(c->fd, to, room, 0);
    if (got < 0)
        bench_die("recv: %s", strerror(errno));
    check(got > 0 ? kp_wire_in_done(c->conn, (size_t)got) : kp_wire_in_end(c->conn), "connection");
}

struct client_conn *client_open(struct client *client, const char *address)
{
    struct client_conn *c = calloc(1, sizeof *c);

    if (!c)
        bench_die("out of memory");
    c->fd = bench_connect(address);
    check(kp_conn_new(&c->conn, client->context, 0), "connection");
    check(kp_conn_connect(c->conn, client->login, client->session, NULL), "connection");
    while (!(kp_conn_state(c->conn) & KP_PROVED))
        step(c);
    return c;
}

bool client_resumed(const struct client_conn *c)
{
    struct kp_info info;

    kp_conn_info(c->conn, &info);
    return info.resumed;
}

void client_keep(struct client *client, const struct client_conn *c)
{
    struct kp_session *session = kp_conn_session(c->conn);

    if (session == NULL)
        return;
    kp_session_free(client->session);
    client->session = session;
}

void client_close(struct client_conn *c)
{
    check(kp_app_in_end(c->conn), "end");
    flush(c);
    kp_conn_free(c->conn);
    close(c->fd);
    free(c);
}

void client_send(struct client_conn *c, const void *data, size_t len)
{
    const uint8_t *at = data;

    while (len > 0) {
        size_t used;
        check(kp_app_in(c->conn, at, len, &used), "writing");
        at += used;
        len -= used;
        if (used == 0)
            flush(c);
    }
    flush(c);
}

size_t client_read(struct client_conn *c, void *data, size_t len)
{
    size_t have;
    const uint8_t *from;

    while ((from = kp_app_out(c->conn, &have)) == NULL) {
        if (kp_conn_state(c->conn) & KP_PEER_ENDED)
            return 0;
        step(c);
    }
    have = have < len ? have : len;
    memcpy(data, from, have);
    kp_app_out_done(c->conn, have);
    return have;
}

void client_print(const struct client_conn *c)
{
    struct kp_info info;

    kp_conn_info(c->conn, &info);
    printf("protocol=%s suite=%s ", info.version_name, info.suite_name);
    /* Both extensions are demanded: there is no connection of TLS 1.2 without them. */
    if (strcmp(info.version_name, "TLSv1.2") == 0)
        printf("etm=1 ems=1 ");
    else
        printf("group=%s ", info.group_name ? info.group_name : "none");
}
