/* A TLS-SRP client on Debian's libssl, for the interop tests: stdin is sent, the answer goes to
 * stdout, and one line on stderr says what was negotiated or which alert ended it (report.h).
 *
 * Exit status: 0 the server ended with close_notify, 1 failed without an alert, 2 wrong usage,
 * 4 failed by an alert from the server, 5 failed by an alert of our own. */
#include "options.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_ALERT_RECEIVED = 4,
    EXIT_ALERT_SENT = 5,
};

enum { CHUNK_LEN = 16384 };

struct options {
    const char *connect;
    const char *user;
    const char *password;
    const char *ciphers;
    const char *min_version;
    const char *max_version;
    const char *alpn;
    const char *session_in;
    const char *session_out;
    bool no_ems;
    bool no_etm;
    bool no_ticket;
    bool close_on_eof; /* the end of stdin is sent as close_notify at once */
    bool renegotiate;
};

static const char usage[] =
    "usage: libssl_client --connect HOST:PORT [--user U --password P] [--ciphers LIST]\n"
    "       [--min VERSION] [--max VERSION] [--alpn PROTOCOL] [--session-in F] [--session-out F]\n"
    "       [--no-ems] [--no-etm] [--no-ticket] [--close-on-eof] [--renegotiate]\n"
    "       VERSION: 1.0 1.1 1.2 1.3\n";

static bool parse(int argc, char **argv, struct options *o)
{
    const struct peer_option table[] = {
        {"connect", &o->connect, NULL},
        {"user", &o->user, NULL},
        {"password", &o->password, NULL},
        {"ciphers", &o->ciphers, NULL},
        {"min", &o->min_version, NULL},
        {"max", &o->max_version, NULL},
        {"alpn", &o->alpn, NULL},
        {"session-in", &o->session_in, NULL},
        {"session-out", &o->session_out, NULL},
        {"no-ems", NULL, &o->no_ems},
        {"no-etm", NULL, &o->no_etm},
        {"no-ticket", NULL, &o->no_ticket},
        {"close-on-eof", NULL, &o->close_on_eof},
        {"renegotiate", NULL, &o->renegotiate},
    };

    *o = (struct options){.min_version = "1.0", .max_version = "1.2"};
    if (!peer_options_parse(argc, argv, table, sizeof table / sizeof table[0]))
        return false;
    if (!o->ciphers)
        o->ciphers = o->user ? "SRP-AES-256-CBC-SHA:SRP-AES-128-CBC-SHA" : "DEFAULT";
    return o->connect && !o->user == !o->password;
}

static int connect_to(const char *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    const char *colon = strrchr(address, ':');
    char host[256];
    int fd = -1;

    if (!colon || (size_t)(colon - address) >= sizeof host)
        return -1;
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &list) != 0)
        return -1;
    fd = socket(list->ai_family, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, list->ai_addr, list->ai_addrlen) != 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    return fd;
}

static bool set_alpn(SSL_CTX *ctx, const char *protocol)
{
    unsigned char wire[256];
    size_t len = strlen(protocol);

    if (len == 0 || len > 255)
        return false;
    wire[0] = (unsigned char)len;
    memcpy(wire + 1, protocol, len);
    return SSL_CTX_set_alpn_protos(ctx, wire, (unsigned int)len + 1) == 0;
}

/* libssl copies both, but takes them as if it might write to them. */
static bool set_srp(SSL_CTX *ctx, const char *user, const char *password)
{
    char name[256], secret[256];

    snprintf(name, sizeof name, "%s", user);
    snprintf(secret, sizeof secret, "%s", password);
    return SSL_CTX_set_srp_username(ctx, name) == 1 && SSL_CTX_set_srp_password(ctx, secret) == 1;
}

static SSL_CTX *make_ctx(const struct options *o)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    uint64_t flags = 0;

    if (!ctx)
        return NULL;
    flags |= o->no_ems ? SSL_OP_NO_EXTENDED_MASTER_SECRET : 0;
    flags |= o->no_etm ? SSL_OP_NO_ENCRYPT_THEN_MAC : 0;
    flags |= o->no_ticket ? SSL_OP_NO_TICKET : 0;
    SSL_CTX_set_options(ctx, flags);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_set_min_proto_version(ctx, peer_options_version(o->min_version)) == 1 &&
        SSL_CTX_set_max_proto_version(ctx, peer_options_version(o->max_version)) == 1 &&
        SSL_CTX_set_cipher_list(ctx, o->ciphers) == 1 && (!o->alpn || set_alpn(ctx, o->alpn)) &&
        (!o->user || set_srp(ctx, o->user, o->password)))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

static bool load_session(SSL *ssl, const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    SSL_SESSION *session = file ? PEM_read_bio_SSL_SESSION(file, NULL, NULL, NULL) : NULL;
    bool ok = session && SSL_set_session(ssl, session) == 1;

    SSL_SESSION_free(session);
    BIO_free(file);
    return ok;
}

static bool save_session(SSL *ssl, const char *path)
{
    BIO *file = BIO_new_file(path, "w");
    bool ok = file && PEM_write_bio_SSL_SESSION(file, SSL_get0_session(ssl)) == 1;

    BIO_free(file);
    return ok;
}

static int fail(const struct report *r, const char *step)
{
    unsigned long error = ERR_peek_last_error();
    const char *why = error ? ERR_reason_error_string(error) : NULL;
    char reason[256];

    snprintf(reason, sizeof reason, "%s: %s", step, why ? why : "connection ended");
    report_failed(stderr, r, reason);
    if (r->alert_received != REPORT_NO_ALERT)
        return EXIT_ALERT_RECEIVED;
    return r->alert_sent != REPORT_NO_ALERT ? EXIT_ALERT_SENT : EXIT_FAILED;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* What is still to be sent, and whether stdin may give more. */
struct outgoing {
    char data[CHUNK_LEN];
    size_t at, len;
    bool open;
};

enum step { STEP_ON, STEP_IDLE, STEP_DONE, STEP_FAILED };

static enum step step_of(SSL *ssl, int result)
{
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return STEP_IDLE;
    case SSL_ERROR_ZERO_RETURN:
        return STEP_DONE;
    default:
        return STEP_FAILED;
    }
}

static enum step receive(SSL *ssl)
{
    char data[CHUNK_LEN];

    for (;;) {
        ERR_clear_error();
        int n = SSL_read(ssl, data, sizeof data);
        if (n <= 0)
            return step_of(ssl, n);
        if (!write_all(STDOUT_FILENO, data, (size_t)n))
            return STEP_FAILED;
    }
}

static enum step send_pending(SSL *ssl, struct outgoing *out)
{
    ERR_clear_error();
    int n = SSL_write(ssl, out->data + out->at, (int)(out->len - out->at));
    if (n <= 0)
        return step_of(ssl, n);
    out->at += (size_t)n;
    return STEP_ON;
}

static enum step read_stdin(SSL *ssl, struct outgoing *out, bool close_on_eof)
{
    ssize_t n = read(STDIN_FILENO, out->data, sizeof out->data);

    if (n < 0)
        return STEP_FAILED;
    out->at = 0;
    out->len = (size_t)n;
    out->open = n > 0;
    if (n == 0 && close_on_eof)
        SSL_shutdown(ssl);
    return STEP_ON;
}

static enum step pump(SSL *ssl, int fd, bool close_on_eof)
{
    struct outgoing out = {.open = true};
    enum step step;

    while ((step = receive(ssl)) == STEP_IDLE) {
        bool pending = out.at < out.len;
        if (pending && (step = send_pending(ssl, &out)) != STEP_IDLE) {
            if (step == STEP_FAILED)
                return step;
            continue;
        }
        struct pollfd fds[] = {{.fd = fd, .events = (short)(POLLIN | (pending ? POLLOUT : 0))},
                               {.fd = !pending && out.open ? STDIN_FILENO : -1, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0)
            return STEP_FAILED;
        if (fds[1].revents && read_stdin(ssl, &out, close_on_eof) == STEP_FAILED)
            return STEP_FAILED;
    }
    return step;
}

static int run(SSL *ssl, int fd, const struct options *o, struct report *r)
{
    if (o->session_in && !load_session(ssl, o->session_in))
        return fail(r, "session file");
    if (SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
        return fail(r, "handshake");
    report_connected(stderr, ssl, r);
    if (o->renegotiate && (SSL_renegotiate(ssl) != 1 || SSL_do_handshake(ssl) != 1))
        return fail(r, "renegotiation");
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || pump(ssl, fd, o->close_on_eof) != STEP_DONE)
        return fail(r, "data");
    SSL_shutdown(ssl);
    /* Last, because the session of a connection that ended badly is not to be resumed. */
    if (o->session_out && !save_session(ssl, o->session_out))
        return fail(r, "saving the session");
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    struct options o;
    struct report report;
    SSL_CTX *ctx;
    SSL *ssl;
    int fd, status;

    if (!parse(argc, argv, &o)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    ctx = make_ctx(&o);
    ssl = ctx ? SSL_new(ctx) : NULL;
    if (!ssl) {
        ERR_print_errors_fp(stderr);
        SSL_CTX_free(ctx);
        return EXIT_USAGE;
    }
    report_attach(ssl, &report);
    fd = connect_to(o.connect);
    status = fd < 0 ? fail(&report, strerror(errno)) : run(ssl, fd, &o, &report);
    if (fd >= 0)
        close(fd);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return status;
}
