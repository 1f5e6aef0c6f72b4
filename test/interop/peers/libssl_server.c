/* A TLS-SRP server on Debian's libssl, for the interop tests: a small HTTP/1.1 origin in a thread
 * for each connection.
 *
 *     GET /bytes?n=N   N bytes; byte i is (i + i/256 + 3*(i/65536)) mod 256
 *     POST or PUT      the SHA-256 of the body, in hex
 *
 * It prints `listening ADDR:PORT`, then a line a handshake on stdout (report.h). With --certificate
 * and --key and no --srpv it is a server without SRP. */
#include "options.h"
#include "report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/srp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_LEN = 16384, CHUNK_LEN = 16384, IDLE_SECONDS = 30 };

struct options {
    const char *port;
    const char *srpv;
    const char *seed; /* simulate unknown users, as SSLSRPUnknownUserSeed does */
    const char *certificate;
    const char *key;
    const char *ciphers;
    const char *max_version;
    const char *alpn;
    bool no_ems;
    bool no_etm;
    bool no_tickets;
    bool close_each; /* one answer a connection */
    bool truncate;   /* half an answer, then the end of the wire without close_notify */
};

static struct options options;
static SSL_CTX *ctx;
static SRP_VBASE *verifiers;

static const char usage[] =
    "usage: libssl_server --port PORT [--srpv FILE [--seed TEXT]] [--certificate F --key F]\n"
    "       [--ciphers LIST] [--max VERSION] [--alpn PROTOCOL] [--no-ems] [--no-etm]\n"
    "       [--no-tickets] [--close-each] [--truncate]\n";

static bool parse(int argc, char **argv, struct options *o)
{
    const struct peer_option table[] = {
        {"port", &o->port, NULL},
        {"srpv", &o->srpv, NULL},
        {"seed", &o->seed, NULL},
        {"certificate", &o->certificate, NULL},
        {"key", &o->key, NULL},
        {"ciphers", &o->ciphers, NULL},
        {"max", &o->max_version, NULL},
        {"alpn", &o->alpn, NULL},
        {"no-ems", NULL, &o->no_ems},
        {"no-etm", NULL, &o->no_etm},
        {"no-tickets", NULL, &o->no_tickets},
        {"close-each", NULL, &o->close_each},
        {"truncate", NULL, &o->truncate},
    };

    *o = (struct options){.max_version = "1.2"};
    if (!peer_options_parse(argc, argv, table, sizeof table / sizeof table[0]))
        return false;
    if (!o->ciphers)
        o->ciphers = o->srpv ? "SRP-AES-256-CBC-SHA:SRP-AES-128-CBC-SHA" : "DEFAULT";
    return o->port && (o->srpv || o->certificate) && !o->certificate == !o->key;
}

/* The server's TLS set-up. */

static int find_verifier(SSL *ssl, int *alert, void *arg)
{
    SRP_user_pwd *user = SRP_VBASE_get1_by_user(verifiers, SSL_get_srp_username(ssl));
    int ok;

    (void)arg;
    if (!user) {
        *alert = SSL_AD_UNKNOWN_PSK_IDENTITY;
        return SSL3_AL_FATAL;
    }
    ok = SSL_set_srp_server_param(ssl, user->N, user->g, user->s, user->v, user->info);
    SRP_user_pwd_free(user);
    if (ok < 0) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL3_AL_FATAL;
    }
    return SSL_ERROR_NONE;
}

static bool load_verifiers(const struct options *o)
{
    char seed[256], path[4096];

    snprintf(seed, sizeof seed, "%s", o->seed ? o->seed : "");
    snprintf(path, sizeof path, "%s", o->srpv);
    verifiers = SRP_VBASE_new(o->seed ? seed : NULL);
    return verifiers && SRP_VBASE_init(verifiers, path) == SRP_NO_ERROR &&
           SSL_CTX_set_srp_username_callback(ctx, find_verifier) == 1;
}

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned int in_len, void *arg)
{
    size_t len = strlen(options.alpn);

    (void)ssl;
    (void)arg;
    for (unsigned int at = 0; at < in_len; at += 1U + in[at]) {
        if (in[at] == len && memcmp(in + at + 1, options.alpn, len) == 0) {
            *out = in + at + 1;
            *out_len = in[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool make_ctx(const struct options *o)
{
    uint64_t flags = SSL_OP_CIPHER_SERVER_PREFERENCE;

    ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return false;
    flags |= o->no_ems ? SSL_OP_NO_EXTENDED_MASTER_SECRET : 0;
    flags |= o->no_etm ? SSL_OP_NO_ENCRYPT_THEN_MAC : 0;
    flags |= o->no_tickets ? SSL_OP_NO_TICKET : 0;
    SSL_CTX_set_options(ctx, flags);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"interop", 7);
    if (o->alpn)
        SSL_CTX_set_alpn_select_cb(ctx, select_alpn, NULL);
    if (o->certificate &&
        (SSL_CTX_use_certificate_file(ctx, o->certificate, SSL_FILETYPE_PEM) != 1 ||
         SSL_CTX_use_PrivateKey_file(ctx, o->key, SSL_FILETYPE_PEM) != 1))
        return false;
    return SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, peer_options_version(o->max_version)) == 1 &&
           SSL_CTX_set_cipher_list(ctx, o->ciphers) == 1 && (!o->srpv || load_verifiers(o));
}

/* HTTP, as much of it as the tests use. */

struct request {
    char head[HEAD_LEN + 1];
    size_t have; /* bytes in head[], of which the first head_len are the head */
    size_t head_len;
    unsigned long long content_length;
    bool keep_alive;
};

static bool send_all(SSL *ssl, const void *data, size_t len)
{
    size_t sent = 0;
    return len == 0 || SSL_write_ex(ssl, data, len, &sent) == 1;
}

static bool read_head(SSL *ssl, struct request *r)
{
    for (;;) {
        r->head[r->have] = '\0';
        const char *end = strstr(r->head, "\r\n\r\n");
        if (end) {
            r->head_len = (size_t)(end - r->head) + 4;
            return true;
        }
        size_t n = 0;
        if (r->have == HEAD_LEN || SSL_read_ex(ssl, r->head + r->have, HEAD_LEN - r->have, &n) != 1)
            return false;
        r->have += n;
    }
}

static const char *field(const struct request *r, const char *name)
{
    const char *at = strcasestr(r->head, name);
    return at && (size_t)(at - r->head) < r->head_len ? at + strlen(name) : NULL;
}

static bool read_request(SSL *ssl, struct request *r)
{
    const char *length, *connection;

    if (!read_head(ssl, r))
        return false;
    length = field(r, "\r\nContent-Length:");
    connection = field(r, "\r\nConnection: close");
    r->content_length = length ? strtoull(length, NULL, 10) : 0;
    r->keep_alive = !connection && !options.close_each;
    if (field(r, "\r\nExpect: 100-continue")) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        return send_all(ssl, go_on, sizeof go_on - 1);
    }
    return true;
}

static bool send_head(SSL *ssl, const struct request *r, const char *status,
                      unsigned long long length)
{
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %s\r\nContent-Type: application/octet-stream\r\n"
                     "Content-Length: %llu\r\n%s\r\n",
                     status, length, r->keep_alive ? "" : "Connection: close\r\n");
    return send_all(ssl, head, (size_t)n);
}

static bool send_text(SSL *ssl, const struct request *r, const char *status, const char *text)
{
    return send_head(ssl, r, status, strlen(text)) && send_all(ssl, text, strlen(text));
}

static bool answer_bytes(SSL *ssl, const struct request *r, unsigned long long n)
{
    unsigned char chunk[CHUNK_LEN];
    unsigned long long stop = options.truncate ? n / 2 : n;

    if (!send_head(ssl, r, "200 OK", n))
        return false;
    for (unsigned long long i = 0; i < stop;) {
        size_t len = 0;
        for (; len < sizeof chunk && i < stop; i++)
            chunk[len++] = (unsigned char)(i + i / 256 + 3 * (i / 65536));
        if (!send_all(ssl, chunk, len))
            return false;
    }
    return true;
}

/* Hashes the body: first what came with the head, then the rest of the wire. */
static bool hash_body(SSL *ssl, const struct request *r, EVP_MD_CTX *hash)
{
    unsigned char chunk[CHUNK_LEN];
    size_t early = r->have - r->head_len;
    unsigned long long left = r->content_length;

    if (early > left)
        early = (size_t)left;
    EVP_DigestUpdate(hash, r->head + r->head_len, early);
    for (left -= early; left > 0;) {
        size_t n = 0, want = left < sizeof chunk ? (size_t)left : sizeof chunk;
        if (SSL_read_ex(ssl, chunk, want, &n) != 1)
            return false;
        EVP_DigestUpdate(hash, chunk, n);
        left -= n;
    }
    return true;
}

static bool answer_digest(SSL *ssl, const struct request *r)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[2 * EVP_MAX_MD_SIZE + 1] = "";
    unsigned int len = 0;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool ok = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1 && hash_body(ssl, r, hash) &&
              EVP_DigestFinal_ex(hash, digest, &len) == 1;

    EVP_MD_CTX_free(hash);
    for (unsigned int i = 0; i < len; i++)
        snprintf(text + (size_t)2 * i, 3, "%02x", digest[i]);
    return ok && send_text(ssl, r, "200 OK", text);
}

static bool answer(SSL *ssl, const struct request *r)
{
    static const char bytes[] = "GET /bytes?n=";

    if (strncmp(r->head, bytes, sizeof bytes - 1) == 0)
        return answer_bytes(ssl, r, strtoull(r->head + sizeof bytes - 1, NULL, 10));
    if (strncmp(r->head, "POST ", 5) == 0 || strncmp(r->head, "PUT ", 4) == 0)
        return field(r, "\r\nTransfer-Encoding:") ? send_text(ssl, r, "411 Length Required", "")
                                                  : answer_digest(ssl, r);
    return send_text(ssl, r, "404 Not Found", "no such page\n");
}

/* Drops the request just answered and keeps what was read of the next one. */
static void next_request(struct request *r)
{
    size_t used = r->head_len;
    size_t body = r->have - r->head_len;

    used += r->content_length < body ? (size_t)r->content_length : body;
    memmove(r->head, r->head + used, r->have - used);
    r->have -= used;
}

static void serve_http(SSL *ssl)
{
    struct request *r = calloc(1, sizeof *r);
    bool open = r != NULL;

    while (open && read_request(ssl, r)) {
        open = answer(ssl, r) && r->keep_alive;
        next_request(r);
    }
    free(r);
}

/* Closing a socket with unread bytes resets the connection, and the answer may be lost with it. */
static void close_gently(int fd)
{
    char rest[4096];

    shutdown(fd, SHUT_WR);
    while (read(fd, rest, sizeof rest) > 0)
        ;
    close(fd);
}

static void *serve_connection(void *arg)
{
    int fd = (int)(intptr_t)arg;
    struct timeval idle = {.tv_sec = IDLE_SECONDS};
    struct report report;
    SSL *ssl = SSL_new(ctx);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
    if (ssl && SSL_set_fd(ssl, fd) == 1) {
        report_attach(ssl, &report);
        if (SSL_accept(ssl) == 1) {
            report_connected(stdout, ssl, &report);
            serve_http(ssl);
            if (!options.truncate)
                SSL_shutdown(ssl);
        } else {
            const char *reason = ERR_reason_error_string(ERR_peek_last_error());
            report_failed(stdout, &report, reason ? reason : "connection ended");
        }
    }
    ERR_clear_error();
    SSL_free(ssl);
    close_gently(fd);
    return NULL;
}

static int listen_on(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    socklen_t len = sizeof address;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        close(fd);
        return -1;
    }
    printf("listening 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void accept_forever(int listener)
{
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        if (pthread_create(&thread, NULL, serve_connection, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
        else
            close(fd);
    }
}

int main(int argc, char **argv)
{
    int listener;

    if (!parse(argc, argv, &options)) {
        fputs(usage, stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (!make_ctx(&options)) {
        ERR_print_errors_fp(stderr);
        fputs("libssl_server: bad options or files\n", stderr);
        return 1;
    }
    listener = listen_on(options.port);
    if (listener < 0) {
        perror("libssl_server: listen");
        return 1;
    }
    accept_forever(listener);
}
