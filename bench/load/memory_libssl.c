/* As memory_keyplate.c, with libssl on both sides.  HOW is "srp" or "certificate13", FILE the
 * server's: of tls_client.h and tls_server.h.
 *
 *     memory_libssl HOW FILE NAME PASSWORD COUNT */
#include "common.h"
#include "tls_client.h"
#include "tls_server.h"

#include <openssl/bio.h>
#include <stdio.h>
#include <stdlib.h>

struct side {
    SSL_CTX *ctx;
    SSL *ssl;
    double us; /* spent on the handshake that runs */
};

struct pair {
    struct side client, server;
};

static void open_one(struct side *side, BIO *bio, SSL_SESSION *session)
{
    double start = bench_thread_us();

    side->ssl = SSL_new(side->ctx);
    if (!side->ssl || (session && SSL_set_session(side->ssl, session) != 1))
        bench_die("a connection's state");
    SSL_set_bio(side->ssl, bio, bio);
    side->us = bench_thread_us() - start;
}

static void step(struct side *side)
{
    double start = bench_thread_us();
    int result = SSL_do_handshake(side->ssl);

    if (result != 1 && SSL_get_error(side->ssl, result) != SSL_ERROR_WANT_READ)
        bench_die("handshake");
    side->us += bench_thread_us() - start;
}

/* TLS 1.3: the ticket comes after the handshake. */
static void take_ticket(struct side *side)
{
    double start = bench_thread_us();
    char none;

    if (SSL_version(side->ssl) == TLS1_3_VERSION && SSL_read(side->ssl, &none, 1) > 0)
        bench_die("data, without a request");
    side->us += bench_thread_us() - start;
}

static void close_one(struct side *side)
{
    double start = bench_thread_us();

    (void)SSL_shutdown(side->ssl);
    SSL_free(side->ssl);
    side->us += bench_thread_us() - start;
}

/* One handshake; a session to resume with. */
static SSL_SESSION *shake(struct pair *p, SSL_SESSION *session)
{
    BIO *left, *right;

    if (BIO_new_bio_pair(&left, 65536, &right, 65536) != 1)
        bench_die("a pair of BIOs");
    open_one(&p->client, left, session);
    open_one(&p->server, right, NULL);
    SSL_set_connect_state(p->client.ssl);
    SSL_set_accept_state(p->server.ssl);
    while (!SSL_is_init_finished(p->client.ssl) || !SSL_is_init_finished(p->server.ssl)) {
        step(&p->client);
        step(&p->server);
    }
    if (SSL_session_reused(p->client.ssl) != (session != NULL))
        bench_die("a ticket was not taken");
    take_ticket(&p->client);
    SSL_SESSION *next = SSL_get1_session(p->client.ssl);
    close_one(&p->client);
    close_one(&p->server);
    return next;
}

static void run(struct pair *p, const char *kind, SSL_SESSION *session, size_t count)
{
    double *server = calloc(count, sizeof(double));
    double *client = calloc(count, sizeof(double));

    if (!server || !client)
        bench_die("out of memory");
    for (size_t i = 0; i < count; i++) {
        SSL_SESSION_free(shake(p, session));
        server[i] = p->server.us;
        client[i] = p->client.us;
    }
    printf("server_%s_us=%.3f ", kind, bench_median(server, count));
    printf("client_%s_us=%.3f ", kind, bench_median(client, count));
    free(server);
    free(client);
}

int main(int argc, char **argv)
{
    struct pair p = {0};

    if (argc != 6)
        bench_die("usage: memory_libssl HOW FILE NAME PASSWORD COUNT");
    size_t count = (size_t)bench_number(argv[5], 1000000);
    p.client.ctx = tls_client_ctx(argv[1], argv[3], argv[4]);
    p.server.ctx = tls_server_ctx(argv[1], argv[2]);

    SSL_SESSION *session = shake(&p, NULL);
    run(&p, "full", NULL, count);
    run(&p, "resumed", session, count);
    printf("\n");
    SSL_SESSION_free(session);
    SSL_CTX_free(p.client.ctx);
    SSL_CTX_free(p.server.ctx);
    return 0;
}
