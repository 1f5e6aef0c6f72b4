/* client.h with GnuTLS. */
#include "client.h"

#include "common.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+SRP:-CIPHER-ALL:+AES-256-CBC"

struct client {
    gnutls_srp_client_credentials_t credentials;
    gnutls_datum_t session; /* empty: handshakes are full */
};

struct client_conn {
    gnutls_session_t tls;
};

static void check(int result, const char *what)
{
    if (result < 0)
        bench_die("%s: %s", what, gnutls_strerror(result));
}

struct client *client_new(const char *how, const char *name, const char *secret)
{
    struct client *client = calloc(1, sizeof *client);

    if (!client)
        bench_die("out of memory");
    if (strcmp(how, "srp") != 0)
        bench_die("%s is not srp", how);
    check(gnutls_srp_allocate_client_credentials(&client->credentials), "credentials");
    check(gnutls_srp_set_client_credentials(client->credentials, name, secret), "credentials");
    return client;
}

void client_free(struct client *client)
{
    gnutls_free(client->session.data);
    gnutls_srp_free_client_credentials(client->credentials);
    free(client);
}

struct client_conn *client_open(struct client *client, const char *address)
{
    struct client_conn *c = calloc(1, sizeof *c);
    int result;

    if (!c)
        bench_die("out of memory");
    check(gnutls_init(&c->tls, GNUTLS_CLIENT), "init");
    check(gnutls_priority_set_direct(c->tls, PRIORITY, NULL), "priorities");
    check(gnutls_credentials_set(c->tls, GNUTLS_CRD_SRP, client->credentials), "credentials");
    if (client->session.size > 0)
        check(gnutls_session_set_data(c->tls, client->session.data, client->session.size),
              "session");
    int fd = bench_connect(address); /* a macro takes it twice */
    gnutls_transport_set_int(c->tls, fd);
    do
        result = gnutls_handshake(c->tls);
    while (result == GNUTLS_E_INTERRUPTED || result == GNUTLS_E_AGAIN);
    check(result, "handshake");
    return c;
}

bool client_resumed(const struct client_conn *c)
{
    return gnutls_session_is_resumed(c->tls) != 0;
}

void client_keep(struct client *client, const struct client_conn *c)
{
    gnutls_free(client->session.data);
    check(gnutls_session_get_data2(c->tls, &client->session), "session");
}

void client_close(struct client_conn *c)
{
    (void)gnutls_bye(c->tls, GNUTLS_SHUT_WR);
    close(gnutls_transport_get_int(c->tls));
    gnutls_deinit(c->tls);
    free(c);
}

void client_send(struct client_conn *c, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = gnutls_record_send(c->tls, at, len);
        check((int)n, "writing");
        at += n;
        len -= (size_t)n;
    }
}

size_t client_read(struct client_conn *c, void *data, size_t len)
{
    ssize_t n = gnutls_record_recv(c->tls, data, len);

    check((int)n, "reading");
    return (size_t)n;
}

void client_print(const struct client_conn *c)
{
    printf("protocol=%s suite=%s etm=%d ems=%d ",
           gnutls_protocol_get_name(gnutls_protocol_get_version(c->tls)),
           gnutls_ciphersuite_get(c->tls), gnutls_session_etm_status(c->tls) != 0,
           gnutls_session_ext_master_secret_status(c->tls) != 0);
}
