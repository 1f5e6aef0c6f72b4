/*
 * A device's web server with the provider of integrations/goahead, on what goahead.h says GoAhead
 * does.
 *
 *     goahead-harness PORT CREDENTIALS [HANDSHAKE_SECONDS]
 *
 * /whoami   the variables that a CGI program would get; GET, HEAD, POST or PUT
 * /bytes/N  N bytes written in the background, as files are
 * /later    "later", by a timer, as the output of CGI programs is
 * /page/N   N bytes written block by block, as forms and scripts do
 * /sum      the length and Adler-32 of a body that was PUT, or posted
 */
#include "keyplate_goahead.h"

#include <signal.h>
#include <stdio.h>

static volatile int finished;

static void stop(int number)
{
    (void)number;
    finished = 1;
}

static void head(Webs *wp, ssize length)
{
    websSetStatus(wp, HTTP_CODE_OK);
    websWriteHeaders(wp, length, NULL);
    websWriteEndHeaders(wp);
}

static bool whoami(Webs *wp)
{
    char text[2048];
    int len = 0;
    websSetEnv(wp);
    for (const WebsKey *key = hashFirst(wp->vars); key != NULL; key = key->next)
        len += snprintf(text + len, sizeof text - (size_t)len, "%s%s=%s\n", key->arg ? "CGI_" : "",
                        key->name, key->value);
    head(wp, len);
    if (!smatch(wp->method, "HEAD"))
        websWriteBlock(wp, text, len);
    websDone(wp);
    return true;
}

/* The bytes from `from` on of what repeats every 251 bytes, which is a prime. */
static void pattern(char *out, ssize from, ssize len)
{
    for (ssize i = 0; i < len; i++)
        out[i] = (char)((from + i) % 251);
}

static ssize asked_for(const Webs *wp)
{
    return atol(strchr(wp->path + 1, '/') + 1);
}

static void write_more(Webs *wp)
{
    char piece[ME_GOAHEAD_LIMIT_BUFFER];
    while (wp->txRemaining > 0) {
        ssize len = wp->txRemaining < (ssize)sizeof piece ? wp->txRemaining : (ssize)sizeof piece;
        ssize written;
        pattern(piece, asked_for(wp) - wp->txRemaining, len);
        written = websWriteSocket(wp, piece, len);
        if (written < 0 && socketGetError(wp->sid) != EAGAIN)
            wp->state = WEBS_COMPLETE;
        if (written < 0)
            break;
        wp->txRemaining -= written;
        if (written != len)
            break;
    }
    if (wp->txRemaining <= 0)
        websDone(wp);
}

static bool bytes_page(Webs *wp)
{
    wp->txRemaining = asked_for(wp);
    head(wp, wp->txRemaining);
    websSetBackgroundWriter(wp, write_more);
    return true;
}

static bool block_page(Webs *wp)
{
    ssize total = asked_for(wp);
    char piece[3000];
    head(wp, total);
    for (ssize at = 0; at < total; at += (ssize)sizeof piece) {
        ssize len = total - at < (ssize)sizeof piece ? total - at : (ssize)sizeof piece;
        pattern(piece, at, len);
        if (websWriteBlock(wp, piece, len) < 0)
            break;
    }
    websDone(wp);
    return true;
}

static void answer_late(void *arg, int id)
{
    Webs *wp = arg;
    websStopEvent(id);
    head(wp, 5);
    websWriteBlock(wp, "later", 5);
    websDone(wp);
    websPump(wp);
}

static bool later(Webs *wp)
{
    websStartEvent(1000, answer_late, wp);
    return true;
}

static bool sum(Webs *wp)
{
    char text[64];
    int len;
    if (!smatch(wp->method, "PUT")) {
        wp->putSum = adler32(1, bufStart(&wp->input), wp->input.len);
        wp->putLen = (ssize)wp->input.len;
    }
    len = snprintf(text, sizeof text, "%zd %08lx\n", wp->putLen, wp->putSum);
    head(wp, len);
    websWriteBlock(wp, text, len);
    websDone(wp);
    return true;
}

static void add_page(cchar *path, WebsHandlerProc service)
{
    WebsHash methods = hashCreate(-1);
    websDefineHandler(path, 0, service, 0, 0);
    for (int i = 0; i < 4; i++)
        hashEnter(methods, (cchar *[]){"GET", "HEAD", "POST", "PUT"}[i], valueInteger(0), 0);
    websSetRouteMatch(websAddRoute(path, path, -1), 0, 0, methods, -1, -1, -1);
}

int main(int argc, char **argv)
{
    struct kp_tls_server_options options = {.credentials = argc > 2 ? argv[2] : NULL};
    int port;
    if (argc > 3)
        options.handshake_seconds = (unsigned)atoi(argv[3]);
    signal(SIGTERM, stop);
    signal(SIGPIPE, SIG_IGN);
    keyplate_set_options(&options);
    if (websOpen() < 0) {
        error("Cannot initialize server. Exiting.");
        return 1;
    }
    add_page("/whoami", whoami);
    add_page("/bytes/", bytes_page);
    add_page("/page/", block_page);
    add_page("/later", later);
    add_page("/sum", sum);
    port = keyplate_set_routes() == 0 ? websListen(atoi(argv[1])) : -1;
    if (port < 0)
        return 1;
    printf("listening 127.0.0.1:%d\n", port);
    fflush(stdout);
    websServiceEvents(&finished);
    websClose();
    return 0;
}
