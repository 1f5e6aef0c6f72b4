/* A small HTTP server that uses libustream-ssl.so as OpenWrt's uhttpd does: what its files share.
 */
#ifndef SERVER_H
#define SERVER_H

#include <libubox/ustream-ssl.h>

enum state { STATE_INIT, STATE_HEADER, STATE_DATA, STATE_DONE, STATE_CLOSE };

/* A CGI program of a client. */
struct cgi {
    struct ustream_fd out; /* what it prints */
    struct uloop_fd in;    /* its standard input; fd -1: closed */
    bool running;
    bool in_body; /* its headers are over */
};

struct client {
    struct client *next; /* of those that are open */
    struct ustream *us;  /* what is spoken on: sfd's or ssl's */
    struct ustream_fd sfd;
    struct ustream_ssl ssl;
    struct uloop_timeout timeout;
    enum state state;
    bool http11;
    bool close; /* after this answer */
    char method[8];
    char path[1024];
    long content_length;
    void (*write_cb)(struct client *cl); /* there is room for more of the answer */
    int file;                            /* that is being sent; -1: none */
    struct cgi cgi;
};

extern struct client *clients;
extern int listener;
extern const char *docroot;
extern int network_seconds;

/* server_tls.c: as uhttpd's tls.c. */
int tls_init(const char *key, const char *crt, const char *ciphers);
bool tls_client_role(void);
void tls_attach(struct client *cl);
void tls_detach(struct client *cl);

/* server_client.c: as uhttpd's client.c. */
bool accept_client(int from);
void client_read(struct client *cl);
void client_state(struct client *cl);
void client_headers(struct client *cl, const char *status, const char *fields, bool chunked);
void client_error(struct client *cl, const char *status);
void client_poll_body(struct client *cl);
void request_done(struct client *cl);

/* server_answer.c: as uhttpd's file.c, proc.c and relay.c. */
void answer(struct client *cl);
int answer_takes(struct client *cl, const char *bytes, int len); /* of a body; -1: not now */
void answer_body_done(struct client *cl);
void answer_free(struct client *cl);

#endif
