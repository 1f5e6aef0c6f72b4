/*
 * The proxy of one login: see proxy.h.
 *
 * Up to the token a connection is a newcomer: a bounded head, a deadline and one of few places; who
 * waits longest gives way, so that a flood can't keep out the web view, whose head comes at once.
 */
#include "proxy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/random.h>

#include "base/secret.h"
#include "proxy_head.h"

#define HEAD_SECONDS 10
#define NEWCOMERS 64
#define TUNNELS 256
#define REST_MS 200 /* when there is no descriptor left to accept with */
#define TOKEN_LEN 32
#define USER "keyplate"

struct newcomer {
    struct kp_proxy *proxy;
    GSocket *socket;
    GSource *ready;
    guint deadline;
    gsize used;
    char head[KP_PROXY_HEAD_LEN];
};

struct kp_proxy {
    struct ssl_ctx_st *server;
    kp_proxy_dial dial;
    gpointer owner;
    GSocket *listener;
    GSource *ready; /* NULL: it rests */
    guint rest;
    GQueue newcomers;   /* who waits longest first */
    GPtrArray *tunnels; /* struct kp_proxy_tunnel */
    char *authority, *proof, *uri;
};

static const struct answer {
    enum kp_proxy_verdict verdict;
    const char *text;
} answers[] = {
    {KP_PROXY_MALFORMED, "HTTP/1.1 400 Bad Request\r\n"},
    {KP_PROXY_TOO_LONG, "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
    {KP_PROXY_UNPROVED, "HTTP/1.1 407 Proxy Authentication Required\r\n"
                        "Proxy-Authenticate: Basic realm=\"keyplate\"\r\n"},
    {KP_PROXY_OTHER_METHOD, "HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\n"},
    {KP_PROXY_OTHER_HOST, "HTTP/1.1 403 Forbidden\r\n"},
};

/* ---- Newcomers --------------------------------------------------------------------------- */

static void say(GSocket *socket, const char *text)
{
    /* It fits: nothing was sent before. */
    (void)g_socket_send(socket, text, strlen(text), NULL, NULL);
}

/* The socket is closed, unless a tunnel has it too. */
static void dismiss(struct newcomer *n)
{
    (void)g_queue_remove(&n->proxy->newcomers, n);
    (void)g_source_remove(n->deadline);
    g_source_destroy(n->ready);
    g_source_unref(n->ready);
    g_object_unref(n->socket);
    kp_wipe(n->head, sizeof n->head);
    g_free(n);
}

static void refuse(struct newcomer *n, enum kp_proxy_verdict verdict)
{
    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++)
        if (answers[i].verdict == verdict) {
            say(n->socket, answers[i].text);
            say(n->socket, "Content-Length: 0\r\nConnection: close\r\n\r\n");
        }
    dismiss(n);
}

static gboolean is_late(gpointer data)
{
    dismiss(data);
    return G_SOURCE_CONTINUE; /* it is removed already */
}

/* ---- Tunnels ----------------------------------------------------------------------------- */

static void tunnel_over(struct kp_proxy_tunnel *tunnel, gpointer owner)
{
    struct kp_proxy *proxy = owner;
    (void)g_ptr_array_remove_fast(proxy->tunnels, tunnel);
}

static void let_in(struct newcomer *n)
{
    struct kp_proxy *proxy = n->proxy;
    const struct kp_proxy_tunnel_plan plan = {
        .browser = n->socket,
        .server = proxy->server,
        .dial = proxy->dial,
        .dial_owner = proxy->owner,
        .over = tunnel_over,
        .owner = proxy,
    };
    struct kp_proxy_tunnel *tunnel;
    if (proxy->tunnels->len >= TUNNELS) {
        say(n->socket, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                       "Connection: close\r\n\r\n");
        dismiss(n);
        return;
    }
    (void)g_socket_set_option(n->socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
    say(n->socket, "HTTP/1.1 200 Connection established\r\n\r\n");
    tunnel = kp_proxy_tunnel_new(&plan);
    if (tunnel != NULL)
        g_ptr_array_add(proxy->tunnels, tunnel);
    dismiss(n);
}

/* ---- Heads ------------------------------------------------------------------------------- */

static gboolean head_came(GSocket *socket, GIOCondition condition, gpointer data)
{
    struct newcomer *n = data;
    const struct kp_proxy_rule rule = {n->proxy->authority, n->proxy->proof};
    GError *error = NULL;
    gssize len =
        g_socket_receive(socket, n->head + n->used, sizeof n->head - n->used, NULL, &error);
    enum kp_proxy_verdict verdict;
    (void)condition;
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        g_error_free(error);
        return G_SOURCE_CONTINUE;
    }
    g_clear_error(&error);
    if (len <= 0) {
        dismiss(n);
        return G_SOURCE_CONTINUE;
    }
    n->used += (gsize)len;
    verdict = kp_proxy_head_judge(n->head, n->used, &rule);
    if (verdict == KP_PROXY_PASS)
        let_in(n);
    else if (verdict != KP_PROXY_MORE)
        refuse(n, verdict);
    return G_SOURCE_CONTINUE;
}

static void welcome(struct kp_proxy *proxy, GSocket *socket)
{
    struct newcomer *n = g_new0(struct newcomer, 1);
    if (proxy->newcomers.length >= NEWCOMERS)
        dismiss(proxy->newcomers.head->data);
    g_socket_set_blocking(socket, FALSE);
    n->proxy = proxy;
    n->socket = socket;
    n->deadline = g_timeout_add_seconds(HEAD_SECONDS, is_late, n);
    n->ready = g_socket_create_source(socket, G_IO_IN, NULL);
    g_source_set_callback(n->ready, G_SOURCE_FUNC(head_came), n, NULL);
    (void)g_source_attach(n->ready, NULL);
    g_queue_push_tail(&proxy->newcomers, n);
}

/* ---- The listener ------------------------------------------------------------------------ */

static void listen_on(struct kp_proxy *proxy);

static gboolean rested(gpointer data)
{
    struct kp_proxy *proxy = data;
    proxy->rest = 0;
    listen_on(proxy);
    return G_SOURCE_REMOVE;
}

static void listen_no_more(struct kp_proxy *proxy)
{
    if (proxy->ready == NULL)
        return;
    g_source_destroy(proxy->ready);
    g_source_unref(proxy->ready);
    proxy->ready = NULL;
}

static gboolean somebody_came(GSocket *listener, GIOCondition condition, gpointer data)
{
    struct kp_proxy *proxy = data;
    GError *error = NULL;
    GSocket *socket = g_socket_accept(listener, NULL, &error);
    (void)condition;
    if (socket != NULL) {
        welcome(proxy, socket);
        return G_SOURCE_CONTINUE;
    }
    if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        listen_no_more(proxy);
        proxy->rest = g_timeout_add(REST_MS, rested, proxy);
    }
    g_error_free(error);
    return G_SOURCE_CONTINUE;
}

static void listen_on(struct kp_proxy *proxy)
{
    proxy->ready = g_socket_create_source(proxy->listener, G_IO_IN, NULL);
    g_source_set_callback(proxy->ready, G_SOURCE_FUNC(somebody_came), proxy, NULL);
    (void)g_source_attach(proxy->ready, NULL);
}

/* The port, or 0 with an error. */
static guint16 open_listener(struct kp_proxy *proxy, GError **error)
{
    g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new(loopback, 0);
    g_autoptr(GSocketAddress) own = NULL;
    proxy->listener =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
    if (proxy->listener == NULL || !g_socket_bind(proxy->listener, any, FALSE, error))
        return 0;
    g_socket_set_blocking(proxy->listener, FALSE);
    g_socket_set_listen_backlog(proxy->listener, 2 * NEWCOMERS);
    if (!g_socket_listen(proxy->listener, error))
        return 0;
    own = g_socket_get_local_address(proxy->listener, error);
    return own != NULL ? g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(own)) : 0;
}

/* ---- Its token --------------------------------------------------------------------------- */

static void free_secret_text(char *text)
{
    if (text != NULL)
        kp_wipe(text, strlen(text));
    g_free(text);
}

static gboolean make_token(struct kp_proxy *proxy, guint16 port, GError **error)
{
    guint8 bytes[TOKEN_LEN];
    char token[2 * TOKEN_LEN + 1];
    char *pair, *coded;
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, "no random bytes");
        return FALSE;
    }
    for (gsize i = 0; i < sizeof bytes; i++)
        (void)g_snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    pair = g_strconcat(USER, ":", token, NULL);
    coded = g_base64_encode((const guchar *)pair, strlen(pair));
    proxy->proof = g_strconcat("Basic ", coded, NULL);
    proxy->uri = g_strdup_printf("http://%s@127.0.0.1:%u", pair, port);
    free_secret_text(coded);
    free_secret_text(pair);
    kp_wipe(bytes, sizeof bytes);
    kp_wipe(token, sizeof token);
    return TRUE;
}

/* ---- Life -------------------------------------------------------------------------------- */

struct kp_proxy *kp_proxy_new(const struct kp_proxy_plan *plan, GError **error)
{
    struct kp_proxy *proxy = g_new0(struct kp_proxy, 1);
    g_autofree char *host = g_ascii_strdown(plan->host, -1);
    guint16 port;
    proxy->server = plan->server;
    proxy->dial = plan->dial;
    proxy->owner = plan->owner;
    proxy->tunnels = g_ptr_array_new();
    proxy->authority = g_strdup_printf("%s:%u", host, plan->port);
    g_queue_init(&proxy->newcomers);
    port = open_listener(proxy, error);
    if (port == 0 || !make_token(proxy, port, error)) {
        kp_proxy_free(proxy);
        return NULL;
    }
    listen_on(proxy);
    return proxy;
}

const char *kp_proxy_uri(const struct kp_proxy *proxy)
{
    return proxy->uri;
}

void kp_proxy_free(struct kp_proxy *proxy)
{
    struct newcomer *newcomer;
    if (proxy == NULL)
        return;
    listen_no_more(proxy);
    if (proxy->rest != 0)
        (void)g_source_remove(proxy->rest);
    g_clear_object(&proxy->listener);
    while ((newcomer = g_queue_pop_head(&proxy->newcomers)) != NULL)
        dismiss(newcomer);
    while (proxy->tunnels->len > 0)
        kp_proxy_tunnel_cut(g_ptr_array_steal_index(proxy->tunnels, proxy->tunnels->len - 1));
    g_ptr_array_unref(proxy->tunnels);
    free_secret_text(proxy->proof);
    free_secret_text(proxy->uri);
    g_free(proxy->authority);
    g_free(proxy);
}
