/* The least that a TLS server on libssl can be: one connection at a time, a fixed answer to a
 * request, the end.  No threads and no log, so that its CPU time is libssl's and the sockets'.  HOW
 * and FILE are of tls_server.h.
 *
 *     server_libssl HOW FILE */
#include "common.h"
#include "tls_server.h"

#include <openssl/err.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool read_request(SSL *ssl)
{
    char head[4096];
    size_t have = 0, n;

    while (have < sizeof head - 1 &&
           SSL_read_ex(ssl, head + have, sizeof head - 1 - have, &n) == 1) {
        have += n;
        head[have] = '\0';
        if (strstr(head, "\r\n\r\n"))
            return true;
    }
    return false;
}

static void serve(SSL_CTX *ctx, int fd)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    char rest[256];
    size_t sent;
    SSL *ssl = SSL_new(ctx);

    if (!ssl || SSL_set_fd(ssl, fd) != 1)
        bench_die("a connection's state");
    if (SSL_accept(ssl) == 1 && read_request(ssl) &&
        SSL_write_ex(ssl, answer, sizeof answer - 1, &sent) == 1)
        (void)SSL_shutdown(ssl);
    ERR_clear_error();
    SSL_free(ssl);
    /* Closing with unread bytes would reset the connection. */
    shutdown(fd, SHUT_WR);
    while (read(fd, rest, sizeof rest) > 0)
        ;
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        bench_die("usage: server_libssl HOW FILE");
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *ctx = tls_server_ctx(argv[1], argv[2]);
    int listener = bench_listen();
    for (;;)
        serve(ctx, bench_accept(listener));
}
