/* What one handshake of a libssl peer negotiated and how it ended, as words a test can parse.
 * Shared by libssl_client.c and libssl_server.c; knows nothing of sockets or HTTP. */
#ifndef PEERS_REPORT_H
#define PEERS_REPORT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>

enum { REPORT_NO_ALERT = -1, REPORT_SALT_MAX = 255 };

struct report {
    bool etm;
    bool full;      /* a ServerKeyExchange was seen: not a resumption */
    int alert_sent; /* alert description, or REPORT_NO_ALERT; close_notify is not counted */
    int alert_received;
    int srp_bits;
    size_t salt_len;
    unsigned char salt[REPORT_SALT_MAX];
};

/* Watches ssl's handshake messages and alerts; *r must outlive ssl. */
void report_attach(SSL *ssl, struct report *r);

/* One line: `connected protocol=.. cipher=.. ems=0|1 etm=0|1 resumed=0|1 alpn=.. user=..`, with
 * srp_bits= and salt= where the server sent them. */
void report_connected(FILE *out, SSL *ssl, const struct report *r);

/* One line: `failed alert_sent=N|none alert_received=N|none reason=..`, and the same for SRP. */
void report_failed(FILE *out, const struct report *r, const char *reason);

#endif
