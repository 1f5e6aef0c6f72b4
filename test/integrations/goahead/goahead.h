/*
 * What the provider integrations/goahead needs of GoAhead's own header, and what a small web server
 * needs that drives it as GoAhead does.  It is not GoAhead: it was written from reading version
 * 6.0.4 (src/goahead.h, http.c, socket.c, runtime.c, route.c, file.c, cgi.c and the providers
 * openssl.c and mbedtls.c), with the same names, types and constants and none of its text.  What is
 * kept with care is the order in which things happen: what events are waited for, when a provider's
 * function is called, with which flags, what its result means and what is forgotten between.
 *
 * Kept as they are, since a provider has to live with them: a request line is parsed only after
 * something was read; a second request that came with the first is answered without any read; a
 * handler that has its whole body waits for no more events of the client (socketDeleteHandler), and
 * a "reservice" that nobody waits for is forgotten; a page longer than the buffer makes the socket
 * blocking; what was written counts as sent, and the socket is closed behind it; connections that
 * are open at the end of the program are closed without sslFree.
 */
#ifndef TEST_GOAHEAD_H
#define TEST_GOAHEAD_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define PUBLIC
typedef ssize_t ssize;
typedef const char cchar;
typedef int Socket;
typedef int WebsHash;

#ifndef ME_GOAHEAD_LIMIT_BUFFER
#define ME_GOAHEAD_LIMIT_BUFFER 1024
#endif
#define ME_GOAHEAD_LIMIT_HEADER 2048
#define ME_GOAHEAD_LIMIT_POST 16384
#define ME_GOAHEAD_LIMIT_PUT 204800000
#ifndef ME_GOAHEAD_LIMIT_TIMEOUT
#define ME_GOAHEAD_LIMIT_TIMEOUT 60
#endif
#define ME_GOAHEAD_LIMIT_PARSE_TIMEOUT 5

#define SOCKET_EOF 0x1
#define SOCKET_RESERVICE 0x4
#define SOCKET_BLOCK 0x10
#define SOCKET_LISTENING 0x20
#define SOCKET_BUFFERED_READ 0x200
#define SOCKET_BUFFERED_WRITE 0x400
#define SOCKET_READABLE 0x2
#define SOCKET_WRITABLE 0x4

#define HTTP_CODE_OK 200
#define HTTP_CODE_NOT_FOUND 404
#define HTTP_CODE_REQUEST_TIMEOUT 408
#define HTTP_CODE_REQUEST_TOO_LARGE 413

enum { WEBS_BEGIN, WEBS_CONTENT, WEBS_READY, WEBS_RUNNING, WEBS_COMPLETE };

#define WEBS_CLOSED 0x4
#define WEBS_FINALIZED 0x10
#define WEBS_KEEP_ALIVE 0x200
#define WEBS_SECURE 0x1000
#define WEBS_VARS_ADDED 0x4000

typedef void (*SocketHandler)(int sid, int mask, void *data);
typedef int (*SocketAccept)(int sid, cchar *ipaddr, int port, int listenSid);
typedef struct WebsSocket {
    SocketAccept accept;
    SocketHandler handler;
    void *handler_data;
    int handlerMask, currentEvents;
    int sid, port, flags, secure;
    Socket sock;
} WebsSocket;

/* A string that grows; GoAhead's is a ring of limited size. */
typedef struct WebsBuf {
    char *data;
    size_t start, len, room;
} WebsBuf;

typedef struct WebsValue {
    const char *string;
    long integer;
} WebsValue;
typedef struct WebsKey {
    struct WebsKey *next;
    char *name, *value;
    int arg; /* 1: a client's word */
} WebsKey;

struct Webs;
typedef bool (*WebsHandlerProc)(struct Webs *wp);
typedef void (*WebsHandlerClose)(void);
typedef void (*WebsWriteProc)(struct Webs *wp);
typedef void (*WebsEventProc)(void *arg, int id);
typedef struct WebsHandler {
    char *name;
    WebsHandlerProc match, service;
} WebsHandler;
typedef struct WebsRoute {
    char *prefix;
    WebsHandler *handler;
    WebsHash methods; /* -1: GET, HEAD and POST */
} WebsRoute;

typedef struct Webs {
    WebsBuf rxbuf, input, output;
    int sid, wid, state, flags, code, timeout, port;
    time_t timestamp;
    bool finalized;
    ssize rxLen, rxRemaining, txRemaining, putLen;
    unsigned long putSum;
    char *method, *path, *query, *username, *authType;
    WebsHash vars;
    WebsRoute *route;
    WebsWriteProc writeData;
    void *ssl;
} Webs;

/* ---- The provider -------------------------------------------------------------------------- */

int sslOpen(void);
void sslClose(void);
int sslUpgrade(Webs *wp);
void sslFree(Webs *wp);
ssize sslRead(Webs *wp, void *buf, ssize len);
ssize sslWrite(Webs *wp, void *buf, ssize len);

/* ---- What it may call: socket.c ------------------------------------------------------------ */

WebsSocket *socketPtr(int sid);
void socketHiddenData(WebsSocket *sp, ssize len, int dir);
void socketRegisterInterest(int sid, int mask);
void socketReservice(int sid);
void socketSetError(int error);
int socketGetError(int sid);
int websStartEvent(int delay, WebsEventProc proc, void *arg);
void websRestartEvent(int id, int delay);
void websStopEvent(int id);
void error(cchar *format, ...) __attribute__((format(printf, 1, 2)));
void logmsg(int level, cchar *format, ...) __attribute__((format(printf, 2, 3)));
#define walloc malloc
#define wfree free
char *sclone(cchar *s);
bool smatch(cchar *a, cchar *b);
WebsHash hashCreate(int size);
void hashFree(WebsHash id);
WebsKey *hashFirst(WebsHash id);
WebsKey *hashLookup(WebsHash id, cchar *name);
WebsKey *hashEnter(WebsHash id, cchar *name, WebsValue value, int arg);
WebsValue valueInteger(long value);

/* ---- http.c -------------------------------------------------------------------------------- */

int websDefineHandler(cchar *name, WebsHandlerProc match, WebsHandlerProc service,
                      WebsHandlerClose close, int flags);
WebsRoute *websAddRoute(cchar *uri, cchar *handler, int pos);
int websSetRouteMatch(WebsRoute *route, cchar *dir, cchar *protocol, WebsHash methods,
                      WebsHash extensions, WebsHash abilities, WebsHash redirects);
WebsKey *websSetVar(Webs *wp, cchar *name, cchar *value);
cchar *websGetVar(Webs *wp, cchar *name, cchar *otherwise);
void websSetEnv(Webs *wp);
void websSetStatus(Webs *wp, int code);
void websWriteHeaders(Webs *wp, ssize length, cchar *location);
int websWriteHeader(Webs *wp, cchar *key, cchar *format, ...) __attribute__((format(printf, 3, 4)));
void websWriteEndHeaders(Webs *wp);
ssize websWriteBlock(Webs *wp, cchar *buf, ssize size);
ssize websWriteSocket(Webs *wp, cchar *buf, ssize size);
void websSetBackgroundWriter(Webs *wp, WebsWriteProc proc);
int websFlush(Webs *wp, bool block);
void websDone(Webs *wp);
void websPump(Webs *wp);
void websError(Webs *wp, int code);

/* ---- For the harness itself ---------------------------------------------------------------- */

int websOpen(void);
void websClose(void);
int websListen(int port); /* https; returns the port */
void websServiceEvents(volatile int *finished);
int websAccept(int sid, cchar *ipaddr, int port, int listenSid);

int socketListen(int port, SocketAccept accept);
int socketSelect(int timeout);
void socketProcess(void);
void socketCreateHandler(int sid, int mask, SocketHandler handler, void *data);
void socketDeleteHandler(int sid);
void socketCloseConnection(int sid);
int socketSetBlock(int sid, int on);
bool socketEof(int sid);
int websRunEvents(void);
void freeAll(void);

/* RFC 1950's checksum; it begins with 1. */
unsigned long adler32(unsigned long sum, cchar *data, size_t len);
void bufPut(WebsBuf *b, cchar *data, size_t len);
void bufTake(WebsBuf *b, size_t len);
char *bufStart(WebsBuf *b);
void bufFree(WebsBuf *b);

#endif
