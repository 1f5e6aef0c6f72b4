/*
 * A device's web server with integrations/mongoose, on what mongoose.h says Mongoose does.
 *
 *     mongoose-harness PORT CREDENTIALS [HANDSHAKE_SECONDS]
 *
 * /whoami   who was proved, and how
 * /bytes/N  N bytes, a little at a time
 * /page/N   N bytes at once
 * /sum      the length and Adler-32 of a body that was PUT (taken as it comes) or posted
 */
#include "keyplate_mongoose.h"

#include <signal.h>

#define AHEAD 65536 /* bytes that wait to be sent */

static volatile sig_atomic_t finished;

/* c->data: what is left of a long answer or body. */
struct work {
    size_t total, left;
    uint32_t sum;
    bool last; /* the client wants no more */
};
_Static_assert(sizeof(struct work) <= MG_DATA_SIZE, "it has room");

static void stop(int number)
{
    (void)number;
    finished = 1;
}

static struct work *work_of(struct mg_connection *c)
{
    return (struct work *)(void *)c->data;
}

static uint32_t adler32(uint32_t sum, const void *data, size_t len)
{
    const unsigned char *byte = data;
    uint32_t a = sum & 0xffff, b = sum >> 16;
    for (size_t i = 0; i < len; i++) {
        a = (a + byte[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

/* The bytes from `from` on of what repeats every 251 bytes, which is a prime. */
static void send_pattern(struct mg_connection *c, size_t from, size_t len)
{
    char *piece = malloc(len + 1);
    for (size_t i = 0; i < len; i++)
        piece[i] = (char)((from + i) % 251);
    mg_send(c, piece, len);
    free(piece);
}

/* A next request is looked for behind MG_EV_POLL alone. */
static void send_more(struct mg_connection *c, int ev)
{
    struct work *work = work_of(c);
    while (work->left > 0 && c->send.len < AHEAD) {
        size_t len = work->left < 16384 ? work->left : 16384;
        send_pattern(c, work->total - work->left, len);
        work->left -= len;
    }
    if (work->left == 0 && ev == MG_EV_POLL) {
        c->is_resp = 0;
        c->is_draining = work->last;
    }
}

/* In place of the protocol of HTTP: the body is never in memory as a whole. */
static void take_body(struct mg_connection *c, int ev, void *ev_data)
{
    struct work *work = work_of(c);
    size_t len = c->recv.len < work->left ? c->recv.len : work->left;
    (void)ev_data;
    if (ev != MG_EV_READ || c->is_draining)
        return;
    work->sum = adler32(work->sum, c->recv.buf, len);
    work->left -= len;
    mg_iobuf_del(&c->recv, 0, len);
    if (work->left == 0) {
        mg_http_reply(c, 200, "", "%zu %08x\n", work->total, work->sum);
        c->is_draining = 1;
    }
}

static bool is_last(const struct mg_http_message *hm)
{
    static const char close_it[] = "\r\nConnection: close\r\n";
    return memmem(hm->head.buf, hm->head.len, close_it, sizeof close_it - 1) != NULL;
}

static void begin_body(struct mg_connection *c, const struct mg_http_message *hm)
{
    if (!mg_match(hm->method, mg_str("PUT"), NULL) || keyplate_user(c) == NULL)
        return;
    if (memmem(hm->head.buf, hm->head.len, "100-continue", 12) != NULL)
        mg_printf(c, "HTTP/1.1 100 Continue\r\n\r\n");
    *work_of(c) = (struct work){hm->body.len, hm->body.len, 1, true};
    mg_iobuf_del(&c->recv, 0, hm->head.len);
    c->pfn = take_body;
    take_body(c, MG_EV_READ, NULL);
}

static void whoami(struct mg_connection *c)
{
    struct kp_info info;
    if (keyplate_info(c, &info))
        mg_http_reply(c, 200, "Content-Type: text/plain\r\n", "user=%s\nversion=%s\nsuite=%s\n",
                      keyplate_user(c), info.version_name, info.suite_name);
}

static void answer(struct mg_connection *c, struct mg_http_message *hm)
{
    size_t count =
        hm->uri.len > 7 ? strtoul(hm->uri.buf + strcspn(hm->uri.buf + 1, "/") + 2, NULL, 10) : 0;
    bool bytes = mg_match(hm->uri, mg_str("/bytes/#"), NULL);
    if (keyplate_user(c) == NULL) { /* nobody called mg_tls_init */
        c->is_closing = 1;
    } else if (keyplate_answer(c, hm)) {
        return;
    } else if (bytes || mg_match(hm->uri, mg_str("/page/#"), NULL)) {
        mg_printf(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", count);
        *work_of(c) = (struct work){count, bytes ? count : 0, 0, is_last(hm)};
        if (!bytes)
            send_pattern(c, 0, count);
    } else if (mg_match(hm->uri, mg_str("/sum"), NULL)) {
        mg_http_reply(c, 200, "", "%zu %08x\n", hm->body.len,
                      adler32(1, hm->body.buf, hm->body.len));
    } else if (mg_match(hm->uri, mg_str("/whoami"), NULL)) {
        whoami(c);
    } else {
        mg_http_reply(c, 404, "", "no such page\n");
    }
}

static void handle(struct mg_connection *c, int ev, void *ev_data)
{
    static const struct mg_tls_opts none;
    if (ev == MG_EV_ACCEPT)
        mg_tls_init(c, &none);
    else if (ev == MG_EV_HTTP_HDRS)
        begin_body(c, ev_data);
    else if (ev == MG_EV_HTTP_MSG)
        answer(c, ev_data);
    else if ((ev == MG_EV_POLL || ev == MG_EV_WRITE) && c->is_resp)
        send_more(c, ev);
}

int main(int argc, char **argv)
{
    struct kp_tls_server_options options = {.credentials = argc > 2 ? argv[2] : NULL};
    const struct mg_connection *listener;
    struct mg_mgr mgr;
    char url[64];
    if (argc > 3)
        options.handshake_seconds = (unsigned)atoi(argv[3]);
    signal(SIGTERM, stop);
    mg_mgr_init(&mgr);
    if (keyplate_open(&mgr, &options) != 0) {
        mg_mgr_free(&mgr);
        return 1;
    }
    mg_snprintf(url, sizeof url, "https://0.0.0.0:%s", argv[1]);
    listener = mg_http_listen(&mgr, url, handle, NULL);
    if (listener == NULL)
        return 1;
    printf("listening 127.0.0.1:%d\n", mg_ntohs(listener->loc.port));
    fflush(stdout);
    while (!finished)
        mg_mgr_poll(&mgr, 100);
    mg_mgr_free(&mgr);
    return 0;
}
