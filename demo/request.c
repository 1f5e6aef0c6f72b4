/*
 * Reads HTTP/1.1 requests with llhttp, within limits, one at a time. Knows no sockets and no pages.
 */
#include "request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "upload.h"

static const char *const header_names[DEMO_HEADER_COUNT] = {
    [DEMO_HEADER_ACCEPT] = "accept", [DEMO_HEADER_CONTENT_TYPE] = "content-type",
    [DEMO_HEADER_EXPECT] = "expect", [DEMO_HEADER_HOST] = "host",
    [DEMO_HEADER_ORIGIN] = "origin",
};

static int refuse(struct demo_parser *parser, int status, const char *reason)
{
    parser->request.refusal = status;
    parser->request.refusal_reason = reason;
    return -1;
}

/* Counts bytes of heads, trailers and chunk extensions alike against one limit. */
static int count_head(struct demo_parser *parser, size_t len)
{
    parser->head_len += len;
    if (parser->head_len > DEMO_HEAD_LEN)
        return refuse(parser, 431, "The request's header is too long.");
    return 0;
}

static int on_begin(llhttp_t *llhttp)
{
    struct demo_parser *parser = llhttp->data;
    parser->begun = true;
    return 0;
}

static int on_target(llhttp_t *llhttp, const char *at, size_t len)
{
    struct demo_parser *parser = llhttp->data;
    if (len > DEMO_TARGET_LEN - parser->target_len)
        return refuse(parser, 414, "The address is too long.");
    memcpy(parser->request.target + parser->target_len, at, len);
    parser->target_len += len;
    return count_head(parser, len);
}

static int on_name(llhttp_t *llhttp, const char *at, size_t len)
{
    struct demo_parser *parser = llhttp->data;
    for (size_t i = 0; i < len; i++) {
        if (parser->name_len < DEMO_HEADER_NAME_LEN)
            parser->name[parser->name_len] = at[i];
        parser->name_len++;
    }
    return count_head(parser, len);
}

static int on_name_done(llhttp_t *llhttp)
{
    struct demo_parser *parser = llhttp->data;
    size_t len = parser->name_len;
    parser->header = -1;
    parser->name_len = 0;
    for (int i = 0; i < DEMO_HEADER_COUNT && !parser->head_done; i++) {
        if (strlen(header_names[i]) == len && strncasecmp(header_names[i], parser->name, len) == 0)
            parser->header = i;
    }
    if (parser->header >= 0 && parser->request.seen[parser->header]++)
        demo_text_put(&parser->request.headers[parser->header], ", ");
    return count_head(parser, sizeof ": \r\n");
}

static int on_value(llhttp_t *llhttp, const char *at, size_t len)
{
    struct demo_parser *parser = llhttp->data;
    if (parser->header >= 0)
        demo_text_add(&parser->request.headers[parser->header], at, len);
    return count_head(parser, len);
}

static int on_extension(llhttp_t *llhttp, const char *at, size_t len)
{
    (void)at;
    return count_head(llhttp->data, len);
}

/* RFC 9112 section 3.2.2: a server must accept the absolute form too. */
static void split_target(struct demo_parser *parser)
{
    struct demo_request *request = &parser->request;
    request->target[parser->target_len] = '\0';
    char *path = request->target;
    if (strncasecmp(path, "http://", 7) == 0)
        path += 7 + strcspn(path + 7, "/?#");
    char *query = path + strcspn(path, "?#");
    request->query = *query == '?' ? query + 1 : "";
    *query = '\0';
    request->path = *path ? path : "/";
}

static void trim(struct demo_text *value)
{
    while (value->len && strchr(" \t", value->data[value->len - 1]))
        value->data[--value->len] = '\0';
}

static int on_head(llhttp_t *llhttp)
{
    struct demo_parser *parser = llhttp->data;
    struct demo_request *request = &parser->request;
    parser->head_done = true;
    split_target(parser);
    for (int i = 0; i < DEMO_HEADER_COUNT; i++)
        trim(&request->headers[i]);
    request->method = llhttp->method;
    request->head_only = llhttp->method == HTTP_HEAD;
    request->http10 = llhttp->http_minor == 0;
    request->keep_alive = llhttp_should_keep_alive(llhttp);
    request->has_body = (llhttp->flags & F_CHUNKED) || llhttp->content_length > 0;
    if (llhttp->http_major != 1 || llhttp->http_minor > 1)
        return refuse(parser, 505, NULL);
    if (llhttp->method == HTTP_CONNECT)
        return refuse(parser, 501, "This device is no proxy.");
    /* RFC 9112 section 3.2. */
    unsigned hosts = request->seen[DEMO_HEADER_HOST];
    if (hosts > 1 || (hosts == 0 && !request->http10))
        return refuse(parser, 400, "The request needs exactly one Host.");
    /* An offer to upgrade may be ignored; llhttp would stop reading at it. */
    llhttp->upgrade = 0;
    return parser->hooks.on_head(parser->hooks.ctx, request);
}

static int on_body(llhttp_t *llhttp, const char *at, size_t len)
{
    struct demo_parser *parser = llhttp->data;
    parser->request.body_len += len;
    return parser->hooks.on_body(parser->hooks.ctx, &parser->request, at, len);
}

static int on_done(llhttp_t *llhttp)
{
    struct demo_parser *parser = llhttp->data;
    parser->done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_message_begin = on_begin,
    .on_url = on_target,
    .on_header_field = on_name,
    .on_header_field_complete = on_name_done,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_chunk_extension_name = on_extension,
    .on_chunk_extension_value = on_extension,
    .on_message_complete = on_done,
};

static void start(struct demo_parser *parser)
{
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
    parser->llhttp.data = parser;
    parser->request.path = parser->request.query = "";
    parser->header = -1;
}

void demo_parser_init(struct demo_parser *parser, const struct demo_parser_hooks *hooks)
{
    memset(parser, 0, sizeof *parser);
    parser->hooks = *hooks;
    start(parser);
}

void demo_parser_next(struct demo_parser *parser)
{
    struct demo_parser_hooks hooks = parser->hooks;
    for (int i = 0; i < DEMO_HEADER_COUNT; i++)
        demo_text_free(&parser->request.headers[i]);
    demo_text_free(&parser->request.form);
    demo_upload_free(parser->request.upload);
    demo_parser_init(parser, &hooks);
}

/* Reading went wrong: keep the refusal a hook has set, else say that it was no good request. */
static enum demo_parse failed(struct demo_parser *parser, llhttp_errno_t error)
{
    parser->request.keep_alive = false;
    if (parser->request.refusal)
        return DEMO_PARSE_REFUSED;
    if (error == HPE_PAUSED_H2_UPGRADE || error == HPE_INVALID_VERSION)
        refuse(parser, 505, "This device speaks HTTP/1.1.");
    else
        refuse(parser, 400, "The request is malformed.");
    return DEMO_PARSE_REFUSED;
}

enum demo_parse demo_parser_feed(struct demo_parser *parser, const char *bytes, size_t len,
                                 size_t *used)
{
    llhttp_errno_t error = llhttp_execute(&parser->llhttp, bytes, len);
    *used = len;
    if (error == HPE_OK)
        return DEMO_PARSE_MORE;
    if (!parser->done)
        return failed(parser, error);
    *used = (size_t)(llhttp_get_error_pos(&parser->llhttp) - bytes);
    return DEMO_PARSE_DONE;
}

const char *demo_request_header(const struct demo_request *request, enum demo_header header)
{
    return demo_text_string(&request->headers[header]);
}

/* The weight behind a media range: "q=0.7" is 700, none is 1000. */
static int weight(const char *p, const char *end)
{
    while ((p = memchr(p, ';', (size_t)(end - p)))) {
        p++;
        p += strspn(p, " \t");
        if (end - p >= 3 && (*p == 'q' || *p == 'Q') && p[1] == '=') {
            int q = p[2] == '1' ? 1000 : 0;
            int unit = 100;
            for (const char *d = p + 4; d < end && p[3] == '.' && *d >= '0' && *d <= '9'; d++) {
                q += (*d - '0') * unit;
                unit /= 10;
            }
            return q > 1000 ? 1000 : q;
        }
    }
    return 1000;
}

/* How closely a media range fits: 3 the type itself, 2 its kind, 1 anything, 0 not at all. */
static int fit(const char *range, size_t len, const char *type, const char *subtype)
{
    size_t type_len = strlen(type);
    if (len == 3 && memcmp(range, "*/*", 3) == 0)
        return 1;
    if (len <= type_len || strncasecmp(range, type, type_len) != 0 || range[type_len] != '/')
        return 0;
    range += type_len + 1;
    len -= type_len + 1;
    if (len == 1 && *range == '*')
        return 2;
    return len == strlen(subtype) && strncasecmp(range, subtype, len) == 0 ? 3 : 0;
}

int demo_request_wants(const struct demo_request *request, const char *type, const char *subtype)
{
    const char *p = demo_request_header(request, DEMO_HEADER_ACCEPT);
    int best = 0;
    int wanted = *p ? 0 : 1000;
    while (*p) {
        p += strspn(p, ", \t");
        const char *end = p + strcspn(p, ",");
        int how = fit(p, strcspn(p, ",; \t"), type, subtype);
        if (how > best) {
            best = how;
            wanted = weight(p, end);
        }
        p = end;
    }
    return wanted;
}
