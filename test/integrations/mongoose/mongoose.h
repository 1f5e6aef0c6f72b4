/*
 * What integrations/mongoose needs of Mongoose's own header, and what a small web server needs that
 * drives it as Mongoose does.  It is not Mongoose: it was written from reading version 7.23
 * (mongoose.h, and of mongoose.c the parts src/net.c, src/sock.c with mg_mgr_poll, read_conn,
 * write_conn and iolog, src/http.c's http_cb, src/tls_openssl.c and src/tls_builtin.c), with the
 * same names, types and constants and none of its text.
 *
 * Kept with care: ciphertext is read into c->rtls, MG_IO_SIZE at a time and no more than a record,
 * and taken from there by mg_io_recv; while a handshake is under way nothing is written and only
 * "readable" is waited for; a connection with c->rtls or mg_tls_pending is readable without the
 * socket; at the socket's end it is closed unless something is pending; what mg_tls_send returned
 * is gone from c->send, and a drained connection is closed when c->send is empty and mg_tls_flush
 * has nothing more to do; the socket is closed before mg_tls_free.
 */
#ifndef TEST_MONGOOSE_H
#define TEST_MONGOOSE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MG_TLS_NONE 0
#define MG_TLS_CUSTOM 4
#ifndef MG_TLS
#define MG_TLS MG_TLS_NONE
#endif
#ifndef MG_IO_SIZE
#define MG_IO_SIZE 16384
#endif
#ifndef MG_MAX_RECV_SIZE
#define MG_MAX_RECV_SIZE (3UL * 1024UL * 1024UL)
#endif
#define MG_DATA_SIZE 32
#define MG_TIMER_REPEAT 1

enum { MG_IO_ERR = -1, MG_IO_WAIT = -2 };
enum mg_event {
    MG_EV_ERROR,
    MG_EV_OPEN,
    MG_EV_POLL,
    MG_EV_ACCEPT,
    MG_EV_TLS_HS,
    MG_EV_READ,
    MG_EV_WRITE,
    MG_EV_CLOSE,
    MG_EV_HTTP_HDRS,
    MG_EV_HTTP_MSG,
};

struct mg_str {
    char *buf;
    size_t len;
};
struct mg_iobuf {
    unsigned char *buf;
    size_t size, len;
};
struct mg_addr {
    uint8_t ip[16];
    uint16_t port; /* in network byte order */
    bool is_ip6;
};

struct mg_connection;
struct mg_timer;
typedef void (*mg_event_handler_t)(struct mg_connection *c, int ev, void *ev_data);

struct mg_mgr {
    struct mg_connection *conns;
    struct mg_timer *timers;
    void *tls_ctx;
    void *userdata;
    unsigned long nextid;
};

struct mg_connection {
    struct mg_connection *next;
    struct mg_mgr *mgr;
    struct mg_addr loc, rem;
    void *fd;
    unsigned long id;
    struct mg_iobuf recv, send, rtls;
    mg_event_handler_t fn, pfn;
    void *fn_data, *pfn_data;
    char data[MG_DATA_SIZE];
    void *tls;
    unsigned is_listening : 1;
    unsigned is_client : 1;
    unsigned is_accepted : 1;
    unsigned is_tls : 1;
    unsigned is_tls_hs : 1;
    unsigned is_draining : 1;
    unsigned is_closing : 1;
    unsigned is_full : 1;
    unsigned is_resp : 1;
    unsigned is_readable : 1;
    unsigned is_writable : 1;
};

struct mg_http_message {
    struct mg_str method, uri, query, head, body;
};

struct mg_tls_opts {
    struct mg_str ca, cert, key, name;
    bool skip_verification;
};

/* ---- The TLS functions ---------------------------------------------------------------------- */

void mg_tls_init(struct mg_connection *c, const struct mg_tls_opts *opts);
void mg_tls_free(struct mg_connection *c);
long mg_tls_send(struct mg_connection *c, const void *buf, size_t len);
long mg_tls_recv(struct mg_connection *c, void *buf, size_t len);
size_t mg_tls_pending(struct mg_connection *c);
#ifdef TEST_FLUSH_IS_VOID /* before 7.20 or so */
void mg_tls_flush(struct mg_connection *c);
#else
long mg_tls_flush(struct mg_connection *c);
#endif
void mg_tls_handshake(struct mg_connection *c);
void mg_tls_ctx_init(struct mg_mgr *mgr);
void mg_tls_ctx_free(struct mg_mgr *mgr);
long mg_io_send(struct mg_connection *c, const void *buf, size_t len);
long mg_io_recv(struct mg_connection *c, void *buf, size_t len);

/* ---- The rest ------------------------------------------------------------------------------ */

void mg_mgr_init(struct mg_mgr *mgr);
void mg_mgr_poll(struct mg_mgr *mgr, int ms);
void mg_mgr_free(struct mg_mgr *mgr);
struct mg_timer *mg_timer_add(struct mg_mgr *mgr, uint64_t ms, unsigned flags, void (*fn)(void *),
                              void *arg);
struct mg_connection *mg_http_listen(struct mg_mgr *mgr, const char *url, mg_event_handler_t fn,
                                     void *fn_data);
void mg_call(struct mg_connection *c, int ev, void *ev_data);
void mg_error(struct mg_connection *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool mg_send(struct mg_connection *c, const void *buf, size_t len);
size_t mg_printf(struct mg_connection *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
size_t mg_snprintf(char *buf, size_t len, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void mg_http_reply(struct mg_connection *c, int status, const char *headers, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));
void mg_iobuf_del(struct mg_iobuf *io, size_t at, size_t len);
struct mg_str mg_str(const char *s);
bool mg_match(struct mg_str s, struct mg_str pattern, struct mg_str *caps);
#define mg_ntohs ntohs
#define MG_LINE(level, args) (fprintf(stderr, "%s ", level), mg_log args)
#define MG_ERROR(args) MG_LINE("error", args)
#define MG_INFO(args) MG_LINE("info", args)
void mg_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
