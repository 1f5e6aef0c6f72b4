#ifndef DEMO_REQUEST_H
#define DEMO_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "llhttp.h"
#include "text.h"

#define DEMO_TARGET_LEN 2048    /* the longest request target */
#define DEMO_HEAD_LEN 16384     /* all of a request's head, trailers and chunk extensions */
#define DEMO_HEADER_NAME_LEN 32 /* longer names than this are none of ours */

/* The header fields that this device looks at. */
enum demo_header {
    DEMO_HEADER_ACCEPT,
    DEMO_HEADER_CONTENT_TYPE,
    DEMO_HEADER_EXPECT,
    DEMO_HEADER_HOST,
    DEMO_HEADER_ORIGIN,
    DEMO_HEADER_COUNT,
};

struct demo_route;
struct demo_upload;

/* A request as it comes in, and what was decided about it so far. */
struct demo_request {
    uint8_t method; /* of llhttp */
    bool head_only; /* HEAD: every reply leaves its body out */
    bool http10;
    bool keep_alive;
    bool has_body;
    char target[DEMO_TARGET_LEN + 1];
    const char *path;  /* in target, without the query */
    const char *query; /* in target, "" when there is none */
    struct demo_text headers[DEMO_HEADER_COUNT];
    unsigned seen[DEMO_HEADER_COUNT]; /* how often each field came */
    const struct demo_route *route;   /* NULL: not found */
    int refusal;                      /* the status to refuse it with, 0: none */
    const char *refusal_reason;       /* a sentence, or NULL */
    uint64_t body_len;                /* bytes of the body that came so far */
    struct demo_text form;            /* the whole body, when the route takes a form */
    struct demo_upload *upload;       /* the running checksum, when the route takes an upload */
};

/* What feeding a parser led to. */
enum demo_parse {
    DEMO_PARSE_MORE,    /* all bytes are used up and the request goes on */
    DEMO_PARSE_DONE,    /* the request is whole; it may be a refused one */
    DEMO_PARSE_REFUSED, /* it cannot be read to its end: refuse it and close */
};

/* What the owner of a parser does as a request comes in. */
struct demo_parser_hooks {
    /* The head is whole: sets route, refusal and what takes the body. Returns 0 to go on, -1 to
     * refuse the request without reading its body. */
    int (*on_head)(void *ctx, struct demo_request *request);
    /* Takes the next bytes of the body. Returns 0, or -1 with a refusal set. */
    int (*on_body)(void *ctx, struct demo_request *request, const char *bytes, size_t len);
    void *ctx;
};

struct demo_parser {
    llhttp_t llhttp;
    struct demo_parser_hooks hooks;
    struct demo_request request;
    char name[DEMO_HEADER_NAME_LEN + 1];
    size_t name_len;
    size_t target_len;
    size_t head_len;
    int header; /* the field being read, -1: none of ours */
    bool begun;
    bool head_done;
    bool done;
};

void demo_parser_init(struct demo_parser *parser, const struct demo_parser_hooks *hooks);

/* Feeds bytes; *used is how many belong to this request. After DONE or REFUSED, call next first. */
enum demo_parse demo_parser_feed(struct demo_parser *parser, const char *bytes, size_t len,
                                 size_t *used);

/* Forgets the request, gives back what it holds and gets ready for the next one. */
void demo_parser_next(struct demo_parser *parser);

/* The value of a header field, "" when it did not come. */
const char *demo_request_header(const struct demo_request *request, enum demo_header header);

/*
 * How much the Accept header wants a type such as "text" "plain", 0 to 1000 (RFC 9110 section
 * 12.5.1). Without the header everything is wanted alike.
 */
int demo_request_wants(const struct demo_request *request, const char *type, const char *subtype);

#endif
