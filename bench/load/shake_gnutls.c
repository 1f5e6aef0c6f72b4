/* As shake_libssl.c, with GnuTLS as the client.
 *
 *     shake_gnutls ADDR:PORT NAME PASSWORD full|resumed COUNT */
#include "common.h"

#include <gnutls/gnutls.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+SRP:-CIPHER-ALL:+AES-256-CBC"

struct client {
    const char *address;
    gnutls_srp_client_credentials_t credentials;
    bool resume;
    gnutls_datum_t session; /* of the last connection; empty: to be full */
    unsigned resumed;
};

static void check(int result, const char *what)
{
    if (result < 0)
        bench_die("%s: %s", what, gnutls_strerror(result));
}

static gnutls_session_t open_session(struct client *c)
{
    gnutls_session_t tls;
    int fd = bench_connect(c->address);
    int result;

    check(gnutls_init(&tls, GNUTLS_CLIENT), "init");
    check(gnutls_priority_set_direct(tls, PRIORITY, NULL), "priorities");
    check(gnutls_credentials_set(tls, GNUTLS_CRD_SRP, c->credentials), "credentials");
    if (c->session.size > 0)
        check(gnutls_session_set_data(tls, c->session.data, c->session.size), "session");
    gnutls_transport_set_int(tls, fd);
    do
        result = gnutls_handshake(tls);
    while (result == GNUTLS_E_INTERRUPTED || result == GNUTLS_E_AGAIN);
    check(result, "handshake");
    return tls;
}

static void ask(gnutls_session_t tls)
{
    char chunk[4096];
    ssize_t n, total = 0;

    check((int)gnutls_record_send(tls, BENCH_REQUEST, sizeof BENCH_REQUEST - 1), "writing");
    while ((n = gnutls_record_recv(tls, chunk, sizeof chunk)) > 0)
        total += n;
    check((int)n, "reading");
    if (total == 0)
        bench_die("no answer");
}

static void print(gnutls_session_t tls)
{
    printf("protocol=%s suite=%s etm=%d ems=%d ",
           gnutls_protocol_get_name(gnutls_protocol_get_version(tls)), gnutls_ciphersuite_get(tls),
           gnutls_session_etm_status(tls) != 0, gnutls_session_ext_master_secret_status(tls) != 0);
}

static void shake(struct client *c, bool say)
{
    gnutls_session_t tls = open_session(c);

    c->resumed += gnutls_session_is_resumed(tls) ? 1 : 0;
    ask(tls);
    if (say)
        print(tls);
    if (c->resume) {
        gnutls_free(c->session.data);
        check(gnutls_session_get_data2(tls, &c->session), "session");
    }
    (void)gnutls_bye(tls, GNUTLS_SHUT_WR);
    close(gnutls_transport_get_int(tls));
    gnutls_deinit(tls);
}

int main(int argc, char **argv)
{
    struct client c = {.address = argv[1]};

    if (argc != 6)
        bench_die("usage: shake_gnutls ADDR:PORT NAME PASSWORD full|resumed COUNT");
    signal(SIGPIPE, SIG_IGN);
    c.resume = strcmp(argv[4], "resumed") == 0;
    unsigned count = (unsigned)bench_number(argv[5], 1000000);
    check(gnutls_srp_allocate_client_credentials(&c.credentials), "credentials");
    check(gnutls_srp_set_client_credentials(c.credentials, argv[2], argv[3]), "credentials");

    shake(&c, true); /* warms up, and gives the ticket */
    c.resumed = 0;
    bench_wait_for_go();
    double start = bench_process_us();
    for (unsigned i = 0; i < count; i++)
        shake(&c, false);
    printf("resumed=%u cpu_us=%.3f\n", c.resumed, (bench_process_us() - start) / count);
    gnutls_free(c.session.data);
    gnutls_srp_free_client_credentials(c.credentials);
    return 0;
}
