/* Requests, as GoAhead's http.c, route.c and file.c go through them: see goahead.h. */
#include "goahead.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define CONNECTIONS 180
#define ROUTES 16

static Webs *webs[CONNECTIONS];
static WebsHandler handlers[ROUTES];
static WebsRoute *routes[ROUTES];
static int handlerCount, routeCount, listenSid = -1;

static void socketEvent(int sid, int mask, void *data);

/* ---- A connection's life ------------------------------------------------------------------- */

static void initWebs(Webs *wp, const Webs *old)
{
    *wp = (Webs){.wid = old->wid, .sid = old->sid, .rxbuf = old->rxbuf, .timeout = old->timeout};
    wp->timestamp = old->timestamp;
    wp->port = old->port;
    wp->ssl = old->ssl;
    wp->flags = old->flags & (WEBS_KEEP_ALIVE | WEBS_SECURE);
    wp->code = HTTP_CODE_OK;
    wp->vars = hashCreate(-1);
}

static void termWebs(Webs *wp, bool reuse)
{
    bufFree(&wp->input);
    bufFree(&wp->output);
    if (!reuse) {
        bufFree(&wp->rxbuf);
        if (wp->sid >= 0) {
            sslFree(wp);
            socketDeleteHandler(wp->sid);
            socketCloseConnection(wp->sid);
            wp->sid = -1;
        }
        websStopEvent(wp->timeout);
    }
    free(wp->method);
    free(wp->path);
    free(wp->query);
    free(wp->username);
    free(wp->authType);
    hashFree(wp->vars);
}

static void websFree(Webs *wp)
{
    termWebs(wp, false);
    webs[wp->wid] = NULL;
    free(wp);
}

static void reuseConn(Webs *wp)
{
    Webs old;
    if (wp->rxbuf.len > 0)
        socketReservice(wp->sid);
    termWebs(wp, true);
    old = *wp;
    initWebs(wp, &old);
}

static bool complete(Webs *wp, bool reuse)
{
    if (reuse && (wp->flags & WEBS_KEEP_ALIVE) && wp->rxRemaining == 0) {
        reuseConn(wp);
        socketCreateHandler(wp->sid, SOCKET_READABLE, socketEvent, wp);
        return true;
    }
    wp->state = WEBS_BEGIN;
    wp->flags |= WEBS_CLOSED;
    return false;
}

static void checkTimeout(void *arg, int id)
{
    Webs *wp = arg;
    int silent = (int)(time(NULL) - wp->timestamp);
    if (silent < ME_GOAHEAD_LIMIT_TIMEOUT) {
        websRestartEvent(id, (ME_GOAHEAD_LIMIT_TIMEOUT - silent) * 1000);
        return;
    }
    websError(wp, HTTP_CODE_REQUEST_TIMEOUT);
    complete(wp, false);
    websFree(wp);
}

int websAccept(int sid, cchar *ipaddr, int port, int listener)
{
    const Webs fresh = {.sid = sid, .timeout = -1, .flags = WEBS_SECURE};
    Webs *wp = NULL;
    (void)ipaddr;
    (void)port;
    for (int wid = 0; wid < CONNECTIONS && wp == NULL; wid++)
        if (webs[wid] == NULL && (wp = calloc(1, sizeof *wp)) != NULL) {
            initWebs(wp, &fresh);
            wp->wid = wid;
            webs[wid] = wp;
        }
    if (wp == NULL)
        return -1;
    wp->timestamp = time(NULL);
    wp->port = socketPtr(listener)->port;
    if (sslUpgrade(wp) < 0) {
        error("Cannot upgrade to TLS");
        websFree(wp);
        return -1;
    }
    wp->timeout = websStartEvent(ME_GOAHEAD_LIMIT_PARSE_TIMEOUT * 1000, checkTimeout, wp);
    socketEvent(sid, SOCKET_READABLE, wp);
    return 0;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static void readEvent(Webs *wp)
{
    char piece[ME_GOAHEAD_LIMIT_BUFFER];
    ssize got;
    wp->timestamp = time(NULL);
    got = sslRead(wp, piece, sizeof piece);
    if (got > 0)
        bufPut(&wp->rxbuf, piece, (size_t)got);
    if (got > 0 || wp->state > WEBS_BEGIN)
        websPump(wp);
    if (wp->flags & WEBS_CLOSED)
        return;
    if (got < 0 && socketEof(wp->sid)) {
        if (wp->state >= WEBS_READY)
            socketDeleteHandler(wp->sid);
        else
            complete(wp, false);
    } else if (wp->state < WEBS_READY) {
        int mask = socketPtr(wp->sid)->handlerMask;
        socketCreateHandler(wp->sid, mask | SOCKET_READABLE, socketEvent, wp);
    }
}

static void writeEvent(Webs *wp)
{
    if (wp->output.len > 0)
        websFlush(wp, false);
    if (wp->output.len == 0 && wp->writeData != NULL)
        wp->writeData(wp);
    if (wp->state != WEBS_RUNNING)
        websPump(wp);
}

static void socketEvent(int sid, int mask, void *data)
{
    Webs *wp = data;
    (void)sid;
    if (mask & SOCKET_READABLE)
        readEvent(wp);
    if (mask & SOCKET_WRITABLE)
        writeEvent(wp);
    if (wp->flags & WEBS_CLOSED)
        websFree(wp);
}

static void parseField(Webs *wp, char *line)
{
    char *value = strchr(line, ':'), name[128] = "HTTP_";
    if (value == NULL)
        return;
    *value++ = '\0';
    value += strspn(value, " ");
    for (size_t i = 0; line[i] != '\0' && i + 6 < sizeof name; i++)
        name[i + 5] = line[i] == '-' ? '_' : (char)toupper(line[i]);
    websSetVar(wp, name, value);
    if (strcasecmp(line, "authorization") == 0) {
        free(wp->authType);
        wp->authType = sclone(value);
    } else if (strcasecmp(line, "connection") == 0 && strcasecmp(value, "close") == 0) {
        wp->flags &= ~WEBS_KEEP_ALIVE;
    } else if (strcasecmp(line, "content-length") == 0) {
        wp->rxLen = wp->rxRemaining = atol(value);
    }
}

static bool parseHead(Webs *wp, char *head)
{
    char *rest, *line = strtok_r(head, "\r\n", &rest), *target, *version, *query;
    target = line != NULL ? strchr(line, ' ') : NULL;
    version = target != NULL ? strchr(target + 1, ' ') : NULL;
    if (version == NULL)
        return false;
    *target++ = *version++ = '\0';
    query = strchr(target, '?');
    if (query != NULL)
        *query++ = '\0';
    wp->method = sclone(line);
    wp->path = sclone(target);
    wp->query = sclone(query);
    if (strcmp(version, "HTTP/1.1") == 0)
        wp->flags |= WEBS_KEEP_ALIVE;
    while ((line = strtok_r(NULL, "\r\n", &rest)) != NULL)
        parseField(wp, line);
    return true;
}

static void routeRequest(Webs *wp)
{
    bool safe =
        smatch(wp->method, "GET") || smatch(wp->method, "HEAD") || smatch(wp->method, "POST");
    for (int i = 0; i < routeCount; i++) {
        WebsRoute *route = routes[i];
        if (strncmp(wp->path, route->prefix, strlen(route->prefix)) != 0)
            continue;
        if (route->methods >= 0 ? hashLookup(route->methods, wp->method) == NULL : !safe)
            continue;
        wp->route = route;
        if (route->handler->match == NULL || route->handler->match(wp))
            return;
        wp->route = NULL;
    }
    websError(wp, HTTP_CODE_NOT_FOUND);
}

static bool parseIncoming(Webs *wp)
{
    char *start = bufStart(&wp->rxbuf), *end = strstr(start, "\r\n\r\n");
    size_t len = end != NULL ? (size_t)(end - start) : 0;
    bool fine;
    if (end == NULL) {
        if (wp->rxbuf.len < ME_GOAHEAD_LIMIT_HEADER)
            return false;
        wp->flags &= ~WEBS_KEEP_ALIVE;
        websError(wp, HTTP_CODE_REQUEST_TOO_LARGE);
        return true;
    }
    *end = '\0';
    fine = parseHead(wp, start);
    bufTake(&wp->rxbuf, len + 4);
    if (!fine || (smatch(wp->method, "POST") && wp->rxLen > ME_GOAHEAD_LIMIT_POST)) {
        wp->flags &= ~WEBS_KEEP_ALIVE;
        websError(wp, fine ? HTTP_CODE_REQUEST_TOO_LARGE : 400);
        return true;
    }
    wp->state = wp->rxLen > 0 ? WEBS_CONTENT : WEBS_READY;
    routeRequest(wp);
    return true;
}

/* A PUT is taken as it comes; what is posted is kept. */
static bool processContent(Webs *wp)
{
    size_t len = wp->rxbuf.len < (size_t)wp->rxRemaining ? wp->rxbuf.len : (size_t)wp->rxRemaining;
    if (smatch(wp->method, "PUT")) {
        wp->putSum = adler32(wp->putLen == 0 ? 1 : wp->putSum, bufStart(&wp->rxbuf), len);
        wp->putLen += (ssize)len;
    } else {
        bufPut(&wp->input, bufStart(&wp->rxbuf), len);
    }
    bufTake(&wp->rxbuf, len);
    wp->rxRemaining -= (ssize)len;
    if (wp->rxRemaining > 0)
        return false;
    wp->state = WEBS_READY;
    socketDeleteHandler(wp->sid); /* what comes now is of the next request */
    return true;
}

/* Words of a client in the query never take the place of what is there: they come behind it, and
 * the variable is a client's from then on. */
static void addQueryVars(Webs *wp)
{
    char *rest, *copy = sclone(wp->query), *word = strtok_r(copy, "&", &rest);
    for (; word != NULL; word = strtok_r(NULL, "&", &rest)) {
        char *value = strchr(word, '='), both[512];
        cchar *before;
        if (value == NULL)
            continue;
        *value++ = '\0';
        before = websGetVar(wp, word, NULL);
        snprintf(both, sizeof both, "%s%s%s", before != NULL ? before : "",
                 before != NULL ? " " : "", value);
        websSetVar(wp, word, both)->arg = 1;
    }
    free(copy);
}

static void runRequest(Webs *wp)
{
    if (!(wp->flags & WEBS_VARS_ADDED))
        addQueryVars(wp);
    wp->flags |= WEBS_VARS_ADDED;
    wp->state = WEBS_RUNNING;
    wp->route->handler->service(wp);
}

void websPump(Webs *wp)
{
    bool more = true;
    while (more) {
        switch (wp->state) {
        case WEBS_BEGIN:
            more = parseIncoming(wp);
            break;
        case WEBS_CONTENT:
            more = processContent(wp);
            break;
        case WEBS_READY:
            runRequest(wp);
            more = wp->state != WEBS_RUNNING;
            break;
        case WEBS_RUNNING:
            return;
        default:
            more = complete(wp, true);
        }
    }
}

/* ---- Writing ------------------------------------------------------------------------------- */

ssize websWriteSocket(Webs *wp, cchar *buf, ssize size)
{
    ssize written = wp->flags & WEBS_CLOSED ? -1 : sslWrite(wp, (void *)(uintptr_t)buf, size);
    if (written > 0)
        wp->timestamp = time(NULL);
    return written;
}

int websFlush(Webs *wp, bool block)
{
    int before = block ? socketSetBlock(wp->sid, 1) : 0;
    ssize written = 0;
    while (wp->output.len > 0) {
        written = websWriteSocket(wp, bufStart(&wp->output), (ssize)wp->output.len);
        if (written < 0 && socketGetError(wp->sid) == EAGAIN) {
            written = 0;
            break;
        }
        if (written < 0) {
            wp->flags &= ~WEBS_KEEP_ALIVE;
            bufTake(&wp->output, wp->output.len);
            wp->state = WEBS_COMPLETE;
            break;
        }
        if (written == 0)
            break;
        bufTake(&wp->output, (size_t)written);
    }
    if (wp->output.len == 0 && wp->finalized)
        wp->state = WEBS_COMPLETE;
    if (block)
        socketSetBlock(wp->sid, before);
    return written < 0 ? -1 : wp->output.len == 0;
}

/* What doesn't fit into the buffer is written at once, whatever it takes; what can't be is lost. */
ssize websWriteBlock(Webs *wp, cchar *buf, ssize size)
{
    ssize written = 0;
    while (size > 0 && wp->state < WEBS_COMPLETE) {
        ssize room = ME_GOAHEAD_LIMIT_BUFFER - (ssize)wp->output.len, len;
        if (room < size && websFlush(wp, true) < 0)
            return -1;
        room = ME_GOAHEAD_LIMIT_BUFFER - (ssize)wp->output.len;
        if (room == 0)
            break;
        len = room < size ? room : size;
        bufPut(&wp->output, buf, (size_t)len);
        buf += len;
        size -= len;
        written += len;
    }
    return wp->state >= WEBS_COMPLETE && written == 0 ? -1 : written;
}

void websSetBackgroundWriter(Webs *wp, WebsWriteProc proc)
{
    wp->writeData = proc;
    if (wp->output.len > 0)
        websFlush(wp, false);
    if (wp->output.len == 0)
        proc(wp);
    if (wp->state < WEBS_COMPLETE) {
        int mask = socketPtr(wp->sid)->handlerMask;
        socketCreateHandler(wp->sid, mask | SOCKET_WRITABLE, socketEvent, wp);
    }
}

void websDone(Webs *wp)
{
    if (wp->finalized)
        return;
    wp->flags |= WEBS_FINALIZED;
    wp->finalized = true;
    if (wp->state < WEBS_COMPLETE && websFlush(wp, false) == 0) {
        int mask = socketPtr(wp->sid)->handlerMask;
        socketCreateHandler(wp->sid, mask | SOCKET_WRITABLE, socketEvent, wp);
    }
}

/* ---- Answers ------------------------------------------------------------------------------- */

void websSetStatus(Webs *wp, int code)
{
    wp->code = code;
}

int websWriteHeader(Webs *wp, cchar *key, cchar *format, ...)
{
    char line[1024];
    va_list args;
    int at = key != NULL ? snprintf(line, sizeof line, "%s: ", key) : 0;
    va_start(args, format);
    at += vsnprintf(line + at, sizeof line - (size_t)at, format, args);
    va_end(args);
    websWriteBlock(wp, line, at);
    return websWriteBlock(wp, "\r\n", 2) == 2 ? 0 : -1;
}

void websWriteHeaders(Webs *wp, ssize length, cchar *location)
{
    (void)location;
    websWriteHeader(wp, NULL, "HTTP/1.1 %d Code", wp->code);
    websWriteHeader(wp, "Content-Length", "%zd", length);
    websWriteHeader(wp, "Connection", "%s", wp->flags & WEBS_KEEP_ALIVE ? "keep-alive" : "close");
}

void websWriteEndHeaders(Webs *wp)
{
    websWriteBlock(wp, "\r\n", 2);
}

void websError(Webs *wp, int code)
{
    static const char words[] = "an error\n";
    if (wp->rxRemaining > 0)
        wp->flags &= ~WEBS_KEEP_ALIVE;
    websSetStatus(wp, code);
    websWriteHeaders(wp, sizeof words - 1, NULL);
    websWriteEndHeaders(wp);
    websWriteBlock(wp, words, sizeof words - 1);
    websFlush(wp, true);
    websDone(wp);
    wp->state = WEBS_COMPLETE;
}

WebsKey *websSetVar(Webs *wp, cchar *name, cchar *value)
{
    return hashEnter(wp->vars, name, (WebsValue){.string = value}, 0);
}

cchar *websGetVar(Webs *wp, cchar *name, cchar *otherwise)
{
    const WebsKey *key = hashLookup(wp->vars, name);
    return key != NULL ? key->value : otherwise;
}

void websSetEnv(Webs *wp)
{
    websSetVar(wp, "AUTH_TYPE", wp->authType);
    websSetVar(wp, "REMOTE_USER", wp->username);
    websSetVar(wp, "REQUEST_METHOD", wp->method);
}

/* ---- Routes, and the whole ------------------------------------------------------------------ */

int websDefineHandler(cchar *name, WebsHandlerProc match, WebsHandlerProc service,
                      WebsHandlerClose close, int flags)
{
    (void)close;
    (void)flags;
    if (handlerCount == ROUTES)
        return -1;
    handlers[handlerCount++] = (WebsHandler){sclone(name), match, service};
    return 0;
}

WebsRoute *websAddRoute(cchar *uri, cchar *handler, int pos)
{
    WebsRoute *route = calloc(1, sizeof *route);
    for (int i = 0; i < handlerCount; i++)
        if (smatch(handlers[i].name, handler))
            route->handler = &handlers[i];
    route->prefix = sclone(uri);
    route->methods = -1;
    if (pos < 0)
        pos = routeCount;
    memmove(&routes[pos + 1], &routes[pos], (size_t)(routeCount - pos) * sizeof routes[0]);
    routes[pos] = route;
    routeCount++;
    return route;
}

int websSetRouteMatch(WebsRoute *route, cchar *dir, cchar *protocol, WebsHash methods,
                      WebsHash extensions, WebsHash abilities, WebsHash redirects)
{
    (void)dir;
    (void)protocol;
    (void)extensions;
    (void)abilities;
    (void)redirects;
    route->methods = methods;
    return 0;
}

int websOpen(void)
{
    return sslOpen();
}

int websListen(int port)
{
    listenSid = socketListen(port, websAccept);
    return listenSid < 0 ? -1 : socketPtr(listenSid)->port;
}

void websServiceEvents(volatile int *finished)
{
    int delay = 0;
    while (!*finished) {
        if (socketSelect(delay) > 0)
            socketProcess();
        delay = websRunEvents();
    }
}

void websClose(void)
{
    for (int i = 0; i < routeCount; i++) {
        free(routes[i]->prefix);
        free(routes[i]);
    }
    for (int i = 0; i < handlerCount; i++)
        free(handlers[i].name);
    socketCloseConnection(listenSid);
    for (int wid = 0; wid < CONNECTIONS; wid++)
        if (webs[wid] != NULL) {
            socketCloseConnection(webs[wid]->sid);
            webs[wid]->sid = -1;
            websFree(webs[wid]);
        }
    sslClose();
    freeAll();
}
