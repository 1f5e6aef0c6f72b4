#include "pair.h"

#include "common.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 1048576 };

static void check(int err, const char *what)
{
    if (err != 0)
        bench_die("%s: %s", what, kp_error_text(err));
}

/* ---- What connections share ----------------------------------------------------------------- */

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

static void make_login(struct pair *p, bool tls13, const char *name, const char *password)
{
    const uint8_t *bytes = (const uint8_t *)password;

    check(kp_login_new(&p->login, p->client.context, name, strlen(name), bytes, strlen(password)),
          "login");
    if (tls13)
        check(kp_login_device(p->login, bytes, strlen(password), (const uint8_t *)BENCH_DEVICE_ID,
                              strlen(BENCH_DEVICE_ID)),
              "device");
}

void pair_open(struct pair *p, const char *how, const char *credentials, const char *name,
               const char *password)
{
    bool tls13 = strcmp(how, "srp") != 0;
    struct kp_settings client = {.role = KP_CLIENT}, server = {.role = KP_SERVER};

    client.versions = tls13 ? KP_USE_TLS13 : KP_USE_TLS12;
    if (tls13)
        client.pake = strcmp(how, "ietf") == 0 ? KP_PAKE_IETF : KP_PAKE_BORINGSSL;
    p->store = load(credentials);
    server.device_id = kp_store_device_id(p->store, &server.device_id_len);
    check(kp_context_new(&p->client.context, &client), "context");
    check(kp_context_new(&p->server.context, &server), "context");
    make_login(p, tls13, name, password);
}

void pair_close(struct pair *p)
{
    kp_login_free(p->login);
    kp_context_free(p->client.context);
    kp_context_free(p->server.context);
    kp_store_free(p->store);
}

/* ---- A handshake ------------------------------------------------------------------------------
 */

/* What a server's caller does about KP_NEED_CREDENTIAL. */
static void answer(struct pair *p)
{
    struct kp_credential credential;
    size_t len;

    if (!(kp_conn_state(p->server.conn) & KP_NEED_CREDENTIAL))
        return;
    const char *user = kp_conn_user(p->server.conn, &len);
    check(kp_store_lookup(p->store, user, len, &credential), "credential");
    check(kp_conn_credential(p->server.conn, &credential), "server");
}

/* What one has for the other, copied over; its time counts as the receiver's. */
static void carry(struct pair *p, struct side *from, struct side *to)
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
    answer(p);
    to->us += bench_thread_us() - start;
}

static void begin(struct pair *p, const struct kp_session *session)
{
    double start = bench_thread_us();
    check(kp_conn_new(&p->server.conn, p->server.context, 0), "server");
    double middle = bench_thread_us();
    check(kp_conn_new(&p->client.conn, p->client.context, 0), "client");
    check(kp_conn_connect(p->client.conn, p->login, session, NULL), "client");
    p->server.us = middle - start;
    p->client.us = bench_thread_us() - middle;
}

void pair_shake(struct pair *p, const struct kp_session *session)
{
    struct kp_info info;

    begin(p, session);
    while (!(kp_conn_state(p->client.conn) & kp_conn_state(p->server.conn) & KP_PROVED)) {
        if (kp_conn_state(p->client.conn) & KP_WIRE_OUT)
            carry(p, &p->client, &p->server);
        else
            carry(p, &p->server, &p->client);
    }
    /* TLS 1.3: the ticket. */
    while (kp_conn_state(p->server.conn) & KP_WIRE_OUT)
        carry(p, &p->server, &p->client);
    kp_conn_info(p->client.conn, &info);
    if (info.resumed != (session != NULL))
        bench_die("a ticket was not taken");
}

static void end_one(struct side *side)
{
    double start = bench_thread_us();
    kp_conn_free(side->conn);
    side->us += bench_thread_us() - start;
}

void pair_end(struct pair *p)
{
    end_one(&p->client);
    end_one(&p->server);
}
