/*
 * mod_keyplate: TLS keyed by a password for lighttpd 1.4, in lighttpd's own process.
 *
 * lighttpd hands a new connection to every module; on a socket of ours the functions that move its
 * bytes are replaced by those here.  lighttpd goes on when it is told is_readable, or that the
 * queue got shorter; -1 in is_writable asks it to watch for "writable" once.
 */
#include "mod_keyplate.h"

#include <stdlib.h>
#include <string.h>

#include <chunk.h>
#include <log.h>

#define PIECE 16384 /* KP_RECORD_MAX: what one record takes */

/* lighttpd's functions for a connection's bytes are told the connection alone. */
static struct kp_plugin *the_plugin;

static struct kp_client *client_of(const connection *con)
{
    return con->plugin_ctx[the_plugin->id];
}

/* The wire took or gave all it could. */
static void wait_for_wire(struct kp_client *client)
{
    if (kp_tls_stream_waits_to_send(client->stream))
        client->con->is_writable = -1;
    else if (!kp_tls_stream_is_proved(client->stream))
        client->con->is_writable = 0;
}

/* ---- The end ------------------------------------------------------------------------------ */

/* From here lighttpd waits for the peer's end by itself, and throws away what still comes. */
static void step_aside(struct kp_client *client)
{
    client->con->is_ssl_sock = 0;
    shutdown(client->fd, SHUT_WR);
}

static void say_goodbye(struct kp_client *client)
{
    if (kp_tls_stream_shutdown(client->stream) == KP_TLS_AGAIN)
        wait_for_wire(client);
    else
        step_aside(client);
}

CONNECTION_FUNC(shut_wr)
{
    const struct kp_plugin *plugin = p_d;
    struct kp_client *client = con->plugin_ctx[plugin->id];
    if (client != NULL && !client->ending) {
        client->ending = true;
        client->sealed = 0; /* lighttpd has given up its queue */
        if (con->request.state == CON_STATE_ERROR && con->request.resp_header_len > 0)
            step_aside(client); /* an answer was broken off: it mustn't look like a whole one */
        else
            say_goodbye(client);
    }
    return HANDLER_GO_ON;
}

static void client_free(struct kp_client *client)
{
    client->con->plugin_ctx[the_plugin->id] = NULL;
    *client->link = client->next;
    if (client->next != NULL)
        client->next->link = client->link;
    kp_tls_stream_free(client->stream);
    free(client);
}

CONNECTION_FUNC(closed)
{
    const struct kp_plugin *plugin = p_d;
    struct kp_client *client = con->plugin_ctx[plugin->id];
    if (client != NULL)
        client_free(client);
    return HANDLER_GO_ON;
}

/* ---- Bytes -------------------------------------------------------------------------------- */

/* As kp_tls_stream_read, into the queue's last chunk or a new one. */
static ssize_t read_chunk(struct kp_client *client, chunkqueue *queue)
{
    size_t room = 0;
    chunk *last = queue->last;
    char *at = chunkqueue_get_memory(queue, &room);
    ssize_t got = kp_tls_stream_read(client->stream, at, room);
    chunkqueue_use_memory(queue, last, got > 0 ? (size_t)got : 0);
    return got;
}

/* lighttpd's network_read: 0, or -1 and -2 when there won't be more.  Plaintext that was left in
 * the engine would make no event, so all of it goes into the queue, whatever max says. */
static int read_plaintext(connection *con, chunkqueue *queue, off_t max)
{
    struct kp_client *client = client_of(con);
    off_t sum = 0;
    ssize_t got = 0;
    do {
        sum += got;
        got = read_chunk(client, queue);
    } while (got > 0 && (sum + got < max || kp_tls_stream_has_plaintext(client->stream)));
    if (client->ending)
        say_goodbye(client);
    if (got > 0)
        return 0;
    if (got == KP_TLS_AGAIN) {
        con->is_readable = 0;
        wait_for_wire(client);
        return 0;
    }
    /* What came before the end is for lighttpd first: it comes back for the end. */
    if (sum > 0)
        return 0;
    con->is_readable = 0;
    return got == 0 ? -2 : -1;
}

/* 0: what is left of the last piece is on the wire, and out of lighttpd's queue, so that lighttpd
 * takes an answer for sent when it is. */
static int settle(struct kp_client *client, chunkqueue *queue)
{
    if (client->sealed == 0)
        return 0;
    int error = kp_tls_stream_flush(client->stream);
    if (error != 0)
        return error;
    off_t there = chunkqueue_length(queue);
    chunkqueue_mark_written(queue, client->sealed < there ? client->sealed : there);
    client->sealed = 0;
    return 0;
}

/* Seals the next piece of the queue.  KP_TLS_AGAIN, an enum kp_error, or KP_E_INTERNAL when the
 * queue can't be read (a file that became shorter). */
static int seal_piece(struct kp_client *client, chunkqueue *queue, off_t max)
{
    char room[PIECE];
    char *bytes = room;
    uint32_t len = max < PIECE ? (uint32_t)max : PIECE;
    if (chunkqueue_peek_data(queue, &bytes, &len, client->con->request.conf.errh) != 0)
        return KP_E_INTERNAL;
    if (len == 0) {
        chunkqueue_remove_finished_chunks(queue);
        return 0;
    }
    ssize_t taken = kp_tls_stream_write(client->stream, bytes, len);
    if (taken < 0)
        return (int)taken;
    client->sealed = taken;
    return 0;
}

/* lighttpd's network_write: 0, also when the wire is full, or -2. */
static int write_plaintext(connection *con, chunkqueue *queue, off_t max)
{
    struct kp_client *client = client_of(con);
    int error = settle(client, queue);
    off_t last = queue->bytes_out + max;
    while (error == 0 && queue->bytes_out < last && !chunkqueue_is_empty(queue)) {
        error = seal_piece(client, queue, last - queue->bytes_out);
        if (error == 0)
            error = settle(client, queue);
    }
    if (error == KP_TLS_AGAIN)
        wait_for_wire(client);
    return error == 0 || error == KP_TLS_AGAIN ? 0 : -2;
}

/* ---- Hooks -------------------------------------------------------------------------------- */

static struct kp_client *client_new(struct kp_plugin *plugin, connection *con,
                                    const struct kp_section *section)
{
    struct kp_client *client = calloc(1, sizeof(*client));
    if (client == NULL)
        return NULL;
    client->con = con;
    client->fd = con->fd;
    client->section = section;
    client->as_tls = kp_sockets_as_tls(plugin, con->srv_socket);
    if (kp_tls_stream_new(&client->stream, section->server, &con->dst_addr.plain,
                          &kp_tls_wire_socket, &client->fd) != 0) {
        free(client);
        return NULL;
    }
    client->link = &plugin->clients;
    client->next = plugin->clients;
    if (client->next != NULL)
        client->next->link = &client->next;
    plugin->clients = client;
    return client;
}

CONNECTION_FUNC(accepted)
{
    struct kp_plugin *plugin = p_d;
    const struct kp_section *section = kp_sockets_section(plugin, con->srv_socket);
    if (section == NULL)
        return HANDLER_GO_ON;
    struct kp_client *client = client_new(plugin, con, section);
    if (client == NULL)
        return HANDLER_ERROR; /* too many unproved ones: lighttpd closes it */
    con->plugin_ctx[plugin->id] = client;
    con->is_ssl_sock = 1;
    con->proto_default_port = 443; /* by which lighttpd says https everywhere */
    con->network_read = read_plaintext;
    con->network_write = write_plaintext;
    return HANDLER_GO_ON;
}

REQUEST_FUNC(request_began)
{
    const struct kp_plugin *plugin = p_d;
    struct kp_client *client = r->con->plugin_ctx[plugin->id];
    return client == NULL ? HANDLER_GO_ON : kp_requests_begin(r, client);
}

/* What has ended without a byte from the wire, by its time or by another password, is over for
 * lighttpd when it reads. */
TRIGGER_FUNC(every_second)
{
    const struct kp_plugin *plugin = p_d;
    (void)srv;
    kp_sockets_look(plugin);
    for (struct kp_client *client = plugin->clients; client != NULL; client = client->next) {
        if (client->ending || !kp_tls_stream_has_plaintext(client->stream))
            continue;
        client->con->is_readable = 1;
        joblist_append(client->con);
    }
    return HANDLER_GO_ON;
}

SETDEFAULTS_FUNC(configure)
{
    struct kp_plugin *plugin = p_d;
    plugin->srv = srv;
    return kp_sockets_configure(plugin) ? HANDLER_GO_ON : HANDLER_ERROR;
}

SETDEFAULTS_FUNC(open_sockets)
{
    (void)srv;
    return kp_sockets_open(p_d) ? HANDLER_GO_ON : HANDLER_ERROR;
}

INIT_FUNC(made)
{
    the_plugin = calloc(1, sizeof(*the_plugin));
    return the_plugin;
}

/* lighttpd frees the connections that are left at its end without a word to us. */
FREE_FUNC(cleaned)
{
    struct kp_plugin *plugin = p_d;
    while (plugin->clients != NULL) {
        struct kp_client *client = plugin->clients;
        plugin->clients = client->next;
        kp_tls_stream_free(client->stream);
        free(client);
    }
    kp_sockets_close(plugin);
    the_plugin = NULL;
}

__attribute__((visibility("default"))) int mod_keyplate_plugin_init(plugin *p);
int mod_keyplate_plugin_init(plugin *p)
{
    p->version = LIGHTTPD_VERSION_ID;
    p->name = "keyplate";
    p->init = made;
    p->cleanup = cleaned;
    p->priv_defaults = configure;
    p->set_defaults = open_sockets;
    p->handle_trigger = every_second;
    p->handle_sighup = every_second;
    p->handle_connection_accept = accepted;
    p->handle_connection_shut_wr = shut_wr;
    p->handle_connection_close = closed;
    p->handle_uri_raw = request_began;
    return 0;
}
