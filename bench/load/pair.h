/* Two of our connections in one process, without sockets.  Every failure is death. */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include <keyplate/keyplate.h>

struct side {
    struct kp_context *context;
    struct kp_conn *conn;
    double us; /* CPU time of the last handshake, the making of the connection included */
};

struct pair {
    struct side client, server;
    struct kp_login *login;
    struct kp_store *store;
};

/* how: "srp", or TLS 1.3 with SPAKE2+ in the form "ietf" or "boringssl".  credentials: a file. */
void pair_open(struct pair *pair, const char *how, const char *credentials, const char *name,
               const char *password);
void pair_close(struct pair *pair);

/* One handshake, resuming session when it isn't NULL, with the ticket that may follow it; both
 * connections stay. */
void pair_shake(struct pair *pair, const struct kp_session *session);
/* Frees both, on their time. */
void pair_end(struct pair *pair);

#endif
