/* Sockets, timers, tables and words, as GoAhead's socket.c and runtime.c have them: see goahead.h.
 */
#include "goahead.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/select.h>
#include <time.h>

#define SOCKETS 200
#define EVENTS 256
#define TABLES 256

static WebsSocket *sockets[SOCKETS];
static struct {
    WebsEventProc proc;
    void *arg;
    time_t at;
} events[EVENTS];
static struct {
    bool used;
    WebsKey *first;
} tables[TABLES];

/* ---- Sockets ------------------------------------------------------------------------------ */

WebsSocket *socketPtr(int sid)
{
    return sid >= 0 && sid < SOCKETS ? sockets[sid] : NULL;
}

static WebsSocket *new_socket(Socket sock, SocketAccept accept)
{
    for (int sid = 0; sid < SOCKETS; sid++) {
        WebsSocket *sp = sockets[sid] == NULL ? calloc(1, sizeof *sp) : NULL;
        if (sp == NULL)
            continue;
        *sp = (WebsSocket){.sid = sid, .sock = sock, .accept = accept};
        sockets[sid] = sp;
        return sp;
    }
    return NULL;
}

int socketSetBlock(int sid, int on)
{
    WebsSocket *sp = socketPtr(sid);
    int before = sp->flags & SOCKET_BLOCK, flags = fcntl(sp->sock, F_GETFL);
    sp->flags = on ? sp->flags | SOCKET_BLOCK : sp->flags & ~SOCKET_BLOCK;
    fcntl(sp->sock, F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
    return before;
}

int socketListen(int port, SocketAccept accept)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof at;
    int on = 1, small = 4096, sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    WebsSocket *sp;
    at.sin_addr.s_addr = htonl(INADDR_ANY);
    setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    /* A device's: the wire is full again and again, in the middle of records. */
    setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    if (sock < 0 || bind(sock, (struct sockaddr *)&at, len) != 0 || listen(sock, SOMAXCONN) != 0 ||
        getsockname(sock, (struct sockaddr *)&at, &len) != 0 ||
        (sp = new_socket(sock, accept)) == NULL)
        return -1;
    sp->port = ntohs(at.sin_port);
    sp->flags = SOCKET_LISTENING;
    sp->handlerMask = SOCKET_READABLE;
    socketSetBlock(sp->sid, 0);
    return sp->sid;
}

void socketCloseConnection(int sid)
{
    WebsSocket *sp = socketPtr(sid);
    char left[256];
    if (sp == NULL)
        return;
    /* What wasn't read would make the system send a reset. */
    socketSetBlock(sid, 0);
    while (recv(sp->sock, left, sizeof left, 0) > 0)
        ;
    if (shutdown(sp->sock, SHUT_RDWR) >= 0)
        while (recv(sp->sock, left, sizeof left, 0) > 0)
            ;
    close(sp->sock);
    free(sp);
    sockets[sid] = NULL;
}

static void accept_one(WebsSocket *lp)
{
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    int on = 1, sock = accept4(lp->sock, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
    WebsSocket *sp = sock >= 0 ? new_socket(sock, NULL) : NULL;
    char ip[INET_ADDRSTRLEN];
    int sid;
    if (sp == NULL) {
        if (sock >= 0)
            close(sock);
        return;
    }
    sid = sp->sid;
    sp->port = lp->port;
    socketSetBlock(sid, 0);
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    inet_ntop(AF_INET, &from.sin_addr, ip, sizeof ip);
    if (lp->accept(sid, ip, ntohs(from.sin_port), lp->sid) < 0)
        socketCloseConnection(sid); /* gone already, as a rule */
}

void socketRegisterInterest(int sid, int mask)
{
    WebsSocket *sp = socketPtr(sid);
    sp->handlerMask = mask;
    if (sp->flags & SOCKET_BUFFERED_READ)
        sp->handlerMask |= SOCKET_READABLE;
    if (sp->flags & SOCKET_BUFFERED_WRITE)
        sp->handlerMask |= SOCKET_WRITABLE;
}

void socketCreateHandler(int sid, int mask, SocketHandler handler, void *data)
{
    WebsSocket *sp = socketPtr(sid);
    sp->handler = handler;
    sp->handler_data = data;
    socketRegisterInterest(sid, mask);
}

void socketDeleteHandler(int sid)
{
    socketPtr(sid)->handler = NULL;
    socketRegisterInterest(sid, 0);
}

void socketReservice(int sid)
{
    WebsSocket *sp = socketPtr(sid);
    if (sp != NULL)
        sp->flags |= SOCKET_RESERVICE;
}

void socketHiddenData(WebsSocket *sp, ssize len, int dir)
{
    int flag = dir == SOCKET_READABLE ? SOCKET_BUFFERED_READ : SOCKET_BUFFERED_WRITE;
    sp->flags = len > 0 ? sp->flags | flag : sp->flags & ~flag;
    if (len > 0 && sp->handler != NULL)
        socketReservice(sp->sid);
}

bool socketEof(int sid)
{
    return socketPtr(sid) == NULL || (socketPtr(sid)->flags & SOCKET_EOF);
}

void socketSetError(int number)
{
    errno = number;
}

int socketGetError(int sid)
{
    (void)sid;
    return errno;
}

/* A socket to be reserviced has the events that are waited for on it, now; whoever waits for none
 * has missed it. */
int socketSelect(int timeout)
{
    struct timeval wait = {timeout / 1000, timeout % 1000 * 1000};
    fd_set in, out;
    int highest = -1, count;
    FD_ZERO(&in);
    FD_ZERO(&out);
    for (int sid = 0; sid < SOCKETS; sid++) {
        const WebsSocket *sp = sockets[sid];
        if (sp == NULL)
            continue;
        if (sp->handlerMask & SOCKET_READABLE)
            FD_SET(sp->sock, &in);
        if (sp->handlerMask & SOCKET_WRITABLE)
            FD_SET(sp->sock, &out);
        if (sp->flags & SOCKET_RESERVICE)
            wait = (struct timeval){0, 0};
        if (sp->sock > highest)
            highest = sp->sock;
    }
    count = select(highest + 1, &in, &out, NULL, &wait);
    for (int sid = 0; sid < SOCKETS; sid++) {
        WebsSocket *sp = sockets[sid];
        if (sp == NULL)
            continue;
        if (sp->flags & SOCKET_RESERVICE) {
            sp->currentEvents |= sp->handlerMask & (SOCKET_READABLE | SOCKET_WRITABLE);
            sp->flags &= ~SOCKET_RESERVICE;
            count++;
        }
        if (count > 0 && FD_ISSET(sp->sock, &in))
            sp->currentEvents |= SOCKET_READABLE;
        if (count > 0 && FD_ISSET(sp->sock, &out))
            sp->currentEvents |= SOCKET_WRITABLE;
    }
    return count;
}

void socketProcess(void)
{
    for (int sid = 0; sid < SOCKETS; sid++) {
        WebsSocket *sp = sockets[sid];
        if (sp == NULL || (sp->currentEvents & sp->handlerMask) == 0)
            continue;
        if (sp->flags & SOCKET_LISTENING)
            accept_one(sp);
        else if (sp->handler != NULL)
            sp->handler(sid, sp->handlerMask & sp->currentEvents, sp->handler_data);
        if (sockets[sid] == sp)
            sp->currentEvents = 0;
    }
}

/* ---- Timers, in whole seconds -------------------------------------------------------------- */

int websStartEvent(int delay, WebsEventProc proc, void *arg)
{
    for (int id = 0; id < EVENTS; id++)
        if (events[id].proc == NULL) {
            events[id].proc = proc;
            events[id].arg = arg;
            websRestartEvent(id, delay);
            return id;
        }
    return -1;
}

void websRestartEvent(int id, int delay)
{
    events[id].at = time(NULL) + (delay + 500) / 1000;
}

void websStopEvent(int id)
{
    if (id >= 0)
        events[id].proc = NULL;
}

int websRunEvents(void)
{
    time_t now = time(NULL), next = now + 3600;
    for (int id = 0; id < EVENTS; id++) {
        if (events[id].proc == NULL)
            continue;
        if (events[id].at <= now) {
            events[id].proc(events[id].arg, id);
            return 0;
        }
        if (events[id].at < next)
            next = events[id].at;
    }
    return (int)(next - now) * 1000;
}

/* ---- Tables -------------------------------------------------------------------------------- */

WebsHash hashCreate(int size)
{
    (void)size;
    for (int id = 0; id < TABLES; id++)
        if (!tables[id].used) {
            tables[id].used = true;
            return id;
        }
    return -1;
}

WebsKey *hashFirst(WebsHash id)
{
    return tables[id].first;
}

WebsKey *hashLookup(WebsHash id, cchar *name)
{
    for (WebsKey *key = tables[id].first; key != NULL; key = key->next)
        if (strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

WebsKey *hashEnter(WebsHash id, cchar *name, WebsValue value, int arg)
{
    WebsKey *key = hashLookup(id, name);
    if (key == NULL) {
        key = calloc(1, sizeof *key);
        key->name = sclone(name);
        key->next = tables[id].first;
        tables[id].first = key;
    }
    free(key->value);
    key->value = sclone(value.string);
    key->arg = arg;
    return key;
}

void hashFree(WebsHash id)
{
    while (tables[id].first != NULL) {
        WebsKey *key = tables[id].first;
        tables[id].first = key->next;
        free(key->name);
        free(key->value);
        free(key);
    }
    tables[id].used = false;
}

WebsValue valueInteger(long value)
{
    return (WebsValue){.integer = value};
}

void freeAll(void)
{
    for (int sid = 0; sid < SOCKETS; sid++)
        socketCloseConnection(sid);
    for (int id = 0; id < TABLES; id++)
        hashFree(id);
}

/* ---- Words --------------------------------------------------------------------------------- */

char *sclone(cchar *s)
{
    return strdup(s != NULL ? s : "");
}

bool smatch(cchar *a, cchar *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

void error(cchar *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("error: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

void logmsg(int level, cchar *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%d: ", level);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

unsigned long adler32(unsigned long sum, cchar *data, size_t len)
{
    unsigned long a = sum & 0xffff, b = sum >> 16;
    for (size_t i = 0; i < len; i++) {
        a = (a + (unsigned char)data[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

void bufPut(WebsBuf *b, cchar *data, size_t len)
{
    if (b->start > 0 && b->start + b->len + len + 1 > b->room) {
        memmove(b->data, b->data + b->start, b->len);
        b->start = 0;
    }
    if (b->len + len + 1 > b->room) {
        b->room = 2 * (b->len + len + 1);
        b->data = realloc(b->data, b->room);
    }
    memcpy(b->data + b->start + b->len, data, len);
    b->len += len;
    b->data[b->start + b->len] = '\0';
}

void bufTake(WebsBuf *b, size_t len)
{
    b->len -= len;
    b->start = b->len > 0 ? b->start + len : 0;
    if (b->data != NULL)
        b->data[b->start + b->len] = '\0';
}

char *bufStart(WebsBuf *b)
{
    static char none[1];
    return b->data != NULL ? b->data + b->start : none;
}

void bufFree(WebsBuf *b)
{
    free(b->data);
    *b = (WebsBuf){0};
}
