/*
 * HTTP/1.x messages out of bytes: one event a call.  llhttp parses; what it would let pass and this
 * project doesn't is refused here, by the lines and by the parsed head, for both directions:
 *
 *      requests   everything RFC 9112 lets a server refuse: a bare CR or LF, obs-fold, a space
 *                 before the colon, NUL and other controls, more blanks in the start line,
 *                 Content-Length twice or beside Transfer-Encoding, another coding than chunked,
 *                 bad chunk sizes, no or two Hosts
 *      responses  the same, but a line of a head or of trailers may end in a bare LF (RFC 9112
 *                 2.2), as those of shell scripts under CGI do
 *
 * Knows no connection.  Bytes are read once, and what comes after an event is left for later.
 */
#ifndef KP_HTTP_PARSER_H
#define KP_HTTP_PARSER_H

#include "lines.h"

#include <llhttp.h>

enum kp_http_event {
    KP_HTTP_MORE, /* all was used: more has to come */
    KP_HTTP_HEAD, /* parser->head is there, the parser's until _take_head or the message's end */
    KP_HTTP_BODY, /* parser->body[body_len] of the bytes just given, without chunk framing */
    KP_HTTP_END,  /* the message is over (trailers are dropped); what follows is the next one's */
    KP_HTTP_BAD,  /* parser->problem; nothing more can be parsed */
};

enum kp_http_problem {
    KP_HTTP_FINE,
    KP_HTTP_MALFORMED,   /* 400 */
    KP_HTTP_TOO_LONG,    /* 431 */
    KP_HTTP_NO_MEMORY,   /* 503 */
    KP_HTTP_UNSUPPORTED, /* 501: another transfer coding than chunked, a method unknown to llhttp */
    KP_HTTP_VERSION,     /* 505: not HTTP/1.x */
    KP_HTTP_CUT,         /* the connection ended in mid-message */
};

struct kp_http_parser {
    llhttp_t engine;
    struct kp_http_head *head; /* the one being read, or read */
    const uint8_t *body;
    size_t body_len;
    const char *why; /* with a problem: one plain clause for the log, static */
    uint8_t problem; /* enum kp_http_problem */
    uint8_t kind;    /* enum kp_http_kind */
    bool bodiless;   /* response: it answers HEAD, so no body follows whatever it says.  The
                      * caller's: it holds for every 1xx before the final one too */
    /* private from here */
    uint8_t stage;
    bool agreed; /* llhttp has ended the head, or the chunk's line, where and as the lines did */
    bool ended;  /* llhttp has ended the message */
    bool chunks; /* a chunk of it has been read */
    struct kp_http_lines lines;
    uint64_t left; /* bytes of the body, or of the chunk */
};

void kp_http_parser_init(struct kp_http_parser *parser, enum kp_http_kind kind);
/* Frees what it holds; fine twice. */
void kp_http_parser_clear(struct kp_http_parser *parser);
/* Reads bytes[len] up to the next event; *used tells how many.  A message's end is an event of its
 * own: _END is due, with *used 0 and for any len, 0 with NULL too, in the call after the _HEAD of a
 * message without a body, and in the one after the _BODY with a Content-Length's last byte; so
 * neither waits for bytes to come.  After chunks it is in the call that reads the last line end.
 * After _BAD it is _BAD for ever, with *used 0. */
enum kp_http_event kp_http_parse(struct kp_http_parser *parser, const uint8_t *bytes, size_t len,
                                 size_t *used);
/* The connection has ended: _MORE: between messages; _END: that was the message's end
 * (KP_HTTP_UNTIL_END, or an _END that was due); _BAD with KP_HTTP_CUT: in the middle of one. */
enum kp_http_event kp_http_parse_end(struct kp_http_parser *parser);
/* The head is the caller's now. */
struct kp_http_head *kp_http_parser_take_head(struct kp_http_parser *parser);
/* Whether a message has begun, empty lines before it aside, and its _END hasn't been told. */
bool kp_http_parser_is_busy(const struct kp_http_parser *parser);

#endif
