/* A TLS client of whichever library a load program is linked with: client_libssl.c or
 * client_keyplate.c.  Sockets block, and every failure is death. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

/* What the connections of a client share, and one of them. */
struct client;
struct client_conn;

/* how, with libssl: "srp", "srp128", "certificate" or "certificate13", as in tls_client.h.  With
 * the engine: "srp", or TLS 1.3 with SPAKE2+ in the form "ietf" or "boringssl", for the device
 * BENCH_DEVICE_ID. */
struct client *client_new(const char *how, const char *name, const char *secret);
void client_free(struct client *client);

/* Connects and shakes hands, resuming what was kept. */
struct client_conn *client_open(struct client *client, const char *address);
bool client_resumed(const struct client_conn *conn);
/* Keeps the newest session that the server gave, for the next connections. */
void client_keep(struct client *client, const struct client_conn *conn);
/* Sends close_notify and closes the socket. */
void client_close(struct client_conn *conn);

void client_send(struct client_conn *conn, const void *data, size_t len);
/* Waits for bytes, up to len; 0 at the server's end. */
size_t client_read(struct client_conn *conn, void *data, size_t len);
/* Reads to the server's end; how many bytes came. */
unsigned long long client_drain(struct client_conn *conn);

/* Asks for a body of len bytes; last: the server is to end the connection after it. */
void client_get(struct client_conn *conn, unsigned long long len, bool last);
/* Reads the whole of one answer, which has status 200 and a Content-Length; the length of its body.
 * Nothing may follow it. */
unsigned long long client_answer(struct client_conn *conn);

/* Prints what was negotiated, without a newline: "protocol=.. suite=.. ", and of TLS 1.2
 * "etm=0|1 ems=0|1 ", of TLS 1.3 "group=.. ". */
void client_print(const struct client_conn *conn);

#endif
