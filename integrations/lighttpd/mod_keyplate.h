/*
 * What the three files of mod_keyplate share.  mod_keyplate.c moves bytes between lighttpd's
 * queues and TLS; sockets.c knows the configuration; requests.c says to pages who was proved.
 * Only they know lighttpd.
 */
#ifndef KP_MOD_KEYPLATE_H
#define KP_MOD_KEYPLATE_H

#include <first.h> /* lighttpd's: before everything else */

#include <base.h>
#include <plugin.h>

#include "tls_stream.h"

/* One section of the configuration that opens a socket: the global one, or
 * $SERVER["socket"] == "...". */
struct kp_section {
    bool engine;
    bool certificate; /* ssl.engine: some other module's TLS */
    bool no_tickets;
    bool owns_server;
    unsigned versions; /* KP_USE_*; 0: both */
    const char *credentials;
    const char *throttle_file; /* NULL: beside the credentials */
    struct kp_tls_server *server;
};

struct kp_client {
    struct kp_tls_stream *stream;
    connection *con;
    int fd;       /* con->fd, which lighttpd negates at times */
    off_t sealed; /* bytes of lighttpd's queue that are sealed but not on the wire yet */
    bool ending;  /* close_notify is said, or to be said */
    const server_socket *as_tls; /* con->srv_socket, told as a socket of TLS */
    const struct kp_section *section;
    struct kp_client *next;
    struct kp_client **link; /* what points to us */
};

struct kp_plugin {
    PLUGIN_DATA;
    server *srv;
    struct kp_section *sections; /* by their place in the configuration */
    uint32_t sections_count;
    server_socket *as_tls; /* of each of srv->srv_sockets: see kp_sockets_open */
    struct kp_client *clients;
};

/* ---- sockets.c ---------------------------------------------------------------------------- */

/* Reads the configuration, as whoever started lighttpd.  False: it was said in the log why not. */
bool kp_sockets_configure(struct kp_plugin *plugin);
/* Opens the credentials, as the user that lighttpd runs as.  False: it was said why not.
 *
 * Our sockets aren't is_ssl to lighttpd: every TLS module takes those for its own when a client
 * comes.  What looks at is_ssl later, when a request is carried on, sees as_tls. */
bool kp_sockets_open(struct kp_plugin *plugin);
void kp_sockets_look(const struct kp_plugin *plugin);
/* All clients must be gone. */
void kp_sockets_close(struct kp_plugin *plugin);
/* The section of a socket whose TLS is ours, or NULL. */
const struct kp_section *kp_sockets_section(const struct kp_plugin *plugin,
                                            const server_socket *sock);
const server_socket *kp_sockets_as_tls(const struct kp_plugin *plugin, const server_socket *sock);

/* ---- requests.c --------------------------------------------------------------------------- */

/* A request of a proved client, before any other module sees it. */
handler_t kp_requests_begin(request_st *r, struct kp_client *client);

#endif
