/* HTTP/1.x messages out of bytes: see parser.h. */
#include "parser.h"

#include <stdio.h>
#include <string.h>

#include "head_build.h"
#include "rules.h"

/*
 * The lines find where a head, a chunk's line and the trailers end; llhttp is given each of them
 * whole, the trailers and the extensions left out, and has to end there too.  So nothing depends on
 * how the bytes came, and what versions of llhttp differ in doesn't reach them.
 */
enum stage {
    READ_HEAD,
    READ_LENGTH,
    READ_UNTIL_END,
    READ_CHUNK_LINE,
    READ_CHUNK,
    READ_TRAILERS,
    AT_END, /* KP_HTTP_END is due */
    FAILED,
};

static struct kp_http_built *built_of(struct kp_http_parser *parser)
{
    return kp_http_built_of(parser->head);
}

static enum kp_http_event bad(struct kp_http_parser *parser, enum kp_http_problem problem,
                              const char *why)
{
    parser->problem = (uint8_t)problem;
    parser->why = why;
    parser->stage = FAILED;
    return KP_HTTP_BAD;
}

static enum kp_http_event disagree(struct kp_http_parser *parser)
{
    return bad(parser, KP_HTTP_MALFORMED, "where its parts end can be read in two ways");
}

/* ---- What llhttp finds ------------------------------------------------------------------- */

static int on_method(llhttp_t *engine, const char *at, size_t len)
{
    struct kp_http_parser *parser = engine->data;
    parser->head->method = (struct kp_slice){at, len};
    return HPE_OK;
}

static int on_target(llhttp_t *engine, const char *at, size_t len)
{
    struct kp_http_parser *parser = engine->data;
    parser->head->target = (struct kp_slice){at, len};
    return HPE_OK;
}

static int on_reason(llhttp_t *engine, const char *at, size_t len)
{
    struct kp_http_parser *parser = engine->data;
    parser->head->reason = (struct kp_slice){at, len};
    return HPE_OK;
}

static int on_name(llhttp_t *engine, const char *at, size_t len)
{
    struct kp_http_built *built = built_of(engine->data);
    return kp_http_built_name(built, (struct kp_slice){at, len}) ? HPE_OK : HPE_USER;
}

static int on_value(llhttp_t *engine, const char *at, size_t len)
{
    kp_http_built_value(built_of(engine->data), (struct kp_slice){at, len});
    return HPE_OK;
}

static int on_value_end(llhttp_t *engine)
{
    kp_http_built_value_end(built_of(engine->data));
    return HPE_OK;
}

/* Whether llhttp understands the length of what follows as the rules do. */
static bool agrees(const llhttp_t *engine, const struct kp_http_built *built)
{
    const struct kp_http_head *head = &built->head;
    return ((engine->flags & F_CHUNKED) != 0) == built->chunked &&
           ((engine->flags & F_CONTENT_LENGTH) != 0) == head->has_length &&
           engine->content_length == head->length;
}

static int on_head(llhttp_t *engine)
{
    struct kp_http_parser *parser = engine->data;
    struct kp_http_head *head = parser->head;
    head->minor = engine->http_minor > 0;
    head->status = engine->status_code;
    parser->problem = (uint8_t)kp_http_rules_head(built_of(parser), parser->bodiless, &parser->why);
    if (parser->problem != KP_HTTP_FINE)
        return HPE_USER;
    parser->agreed = head->count == parser->lines.fields && agrees(engine, built_of(parser));
    /* Else llhttp would read no further; whether there is a tunnel isn't its to decide. */
    engine->upgrade = 0;
    return HPE_OK;
}

static int on_body(llhttp_t *engine, const char *at, size_t len)
{
    struct kp_http_parser *parser = engine->data;
    parser->body = (const uint8_t *)at;
    parser->body_len = len;
    return HPE_OK;
}

static int on_chunk_line(llhttp_t *engine)
{
    struct kp_http_parser *parser = engine->data;
    parser->left = engine->content_length;
    parser->agreed = true;
    return HPE_OK;
}

static int on_end(llhttp_t *engine)
{
    struct kp_http_parser *parser = engine->data;
    parser->ended = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_method = on_method,
    .on_url = on_target,
    .on_status = on_reason,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_end,
    .on_headers_complete = on_head,
    .on_chunk_header = on_chunk_line,
    .on_body = on_body,
    .on_message_complete = on_end,
};

/* Whether llhttp takes all of it. */
static bool feed(struct kp_http_parser *parser, const void *bytes, size_t len)
{
    const char *at = bytes;
    llhttp_errno_t error;
    parser->engine.data = parser;
    error = llhttp_execute(&parser->engine, at, len);
    return error == HPE_OK ||
           (error == HPE_PAUSED && llhttp_get_error_pos(&parser->engine) == at + len);
}

/* ---- Messages ---------------------------------------------------------------------------- */

/* llhttp starts anew with every message: what it keeps of the one before is about connections. */
static void start_message(struct kp_http_parser *parser)
{
    bool request = parser->kind == KP_HTTP_REQUEST;
    llhttp_init(&parser->engine, request ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    /* Versions are the rules' to judge. */
    parser->engine.lenient_flags = LENIENT_VERSION;
    kp_http_lines_begin(&parser->lines, request ? KP_HTTP_REQUEST_HEAD : KP_HTTP_RESPONSE_HEAD,
                        !request);
    parser->agreed = parser->ended = parser->chunks = false;
    parser->stage = READ_HEAD;
}

void kp_http_parser_init(struct kp_http_parser *parser, enum kp_http_kind kind)
{
    memset(parser, 0, sizeof *parser);
    parser->kind = (uint8_t)kind;
    start_message(parser);
}

void kp_http_parser_clear(struct kp_http_parser *parser)
{
    kp_http_head_free(parser->head);
    parser->head = NULL;
}

struct kp_http_head *kp_http_parser_take_head(struct kp_http_parser *parser)
{
    struct kp_http_head *head = parser->head;
    parser->head = NULL;
    return head;
}

bool kp_http_parser_is_busy(const struct kp_http_parser *parser)
{
    return parser->stage != READ_HEAD || kp_http_lines_begun(&parser->lines);
}

static enum kp_http_event end_message(struct kp_http_parser *parser)
{
    kp_http_parser_clear(parser);
    start_message(parser);
    return KP_HTTP_END;
}

/* Bytes as far as a section's end.  false: there is a fault in its lines. */
static bool read_lines(struct kp_http_parser *parser, const uint8_t *bytes, size_t len,
                       size_t *used)
{
    bool too_long;
    const char *why;
    *used = kp_http_lines_read(&parser->lines, bytes, len);
    why = kp_http_lines_fault(&parser->lines, &too_long);
    if (why != NULL)
        bad(parser, too_long ? KP_HTTP_TOO_LONG : KP_HTTP_MALFORMED, why);
    return why == NULL;
}

/* ---- The head ---------------------------------------------------------------------------- */

static bool keep(struct kp_http_parser *parser, const uint8_t *bytes, size_t len)
{
    struct kp_http_built *built = built_of(parser);
    if (built == NULL)
        built = kp_http_built_new(parser->kind);
    if (built == NULL)
        return false;
    parser->head = &built->head;
    kp_out_add(&built->text, bytes, len);
    return !built->text.failed;
}

/* llhttp has refused the head, or the rules have, within it. */
static enum kp_http_event refuse_head(struct kp_http_parser *parser)
{
    if (parser->problem != KP_HTTP_FINE)
        return bad(parser, parser->problem, parser->why);
    /* The start line was one of HTTP. */
    if (llhttp_get_errno(&parser->engine) == HPE_INVALID_METHOD)
        return bad(parser, KP_HTTP_UNSUPPORTED, "its method isn't known");
    return bad(parser, KP_HTTP_MALFORMED, llhttp_get_error_reason(&parser->engine));
}

static enum kp_http_event start_body(struct kp_http_parser *parser)
{
    static const uint8_t stages[] = {
        [KP_HTTP_NO_BODY] = AT_END,
        [KP_HTTP_LENGTH] = READ_LENGTH,
        [KP_HTTP_CHUNKED] = READ_CHUNK_LINE,
        [KP_HTTP_UNTIL_END] = READ_UNTIL_END,
    };
    const struct kp_http_head *head = parser->head;
    /* That a response has no body for another reason than its length, llhttp isn't told. */
    if (parser->kind == KP_HTTP_REQUEST || head->framing != KP_HTTP_NO_BODY)
        if (parser->ended != (head->framing == KP_HTTP_NO_BODY))
            return disagree(parser);
    parser->stage = stages[head->framing];
    parser->left = head->length;
    kp_http_lines_begin(&parser->lines, KP_HTTP_FIRST_CHUNK, false);
    return KP_HTTP_HEAD;
}

static enum kp_http_event read_head(struct kp_http_parser *parser, const uint8_t *bytes, size_t len,
                                    size_t *used)
{
    struct kp_http_built *built;
    enum kp_http_problem problem;
    const char *why;
    if (!read_lines(parser, bytes, len, used))
        return KP_HTTP_BAD;
    if (!keep(parser, bytes, *used))
        return bad(parser, KP_HTTP_NO_MEMORY, "no memory");
    if (!kp_http_lines_done(&parser->lines))
        return KP_HTTP_MORE;
    built = built_of(parser);
    if (!kp_http_built_straighten(built))
        return bad(parser, KP_HTTP_NO_MEMORY, "no memory");
    problem = kp_http_rules_start(built, &why);
    if (problem != KP_HTTP_FINE)
        return bad(parser, problem, why);
    if (!feed(parser, built->text.at + built->start, built->text.len - built->start))
        return refuse_head(parser);
    return parser->agreed ? start_body(parser) : disagree(parser);
}

/* ---- The body ---------------------------------------------------------------------------- */

/* The next bytes of a body, at most so many. */
static enum kp_http_event read_body(struct kp_http_parser *parser, const uint8_t *bytes, size_t len,
                                    size_t *used)
{
    *used = len;
    if (!feed(parser, bytes, len) || parser->body != bytes || parser->body_len != len)
        return disagree(parser);
    return KP_HTTP_BODY;
}

static enum kp_http_event read_counted(struct kp_http_parser *parser, const uint8_t *bytes,
                                       size_t len, size_t *used)
{
    enum kp_http_event event =
        read_body(parser, bytes, parser->left < len ? (size_t)parser->left : len, used);
    parser->left -= *used;
    return event;
}

static enum kp_http_event read_length(struct kp_http_parser *parser, const uint8_t *bytes,
                                      size_t len, size_t *used)
{
    enum kp_http_event event = read_counted(parser, bytes, len, used);
    if (event != KP_HTTP_BODY)
        return event;
    if (parser->ended != (parser->left == 0))
        return disagree(parser);
    if (parser->left == 0)
        parser->stage = AT_END;
    return event;
}

static enum kp_http_event read_chunk(struct kp_http_parser *parser, const uint8_t *bytes,
                                     size_t len, size_t *used)
{
    enum kp_http_event event = read_counted(parser, bytes, len, used);
    if (event == KP_HTTP_BODY && parser->left == 0) {
        parser->stage = READ_CHUNK_LINE;
        kp_http_lines_begin(&parser->lines, KP_HTTP_NEXT_CHUNK, false);
    }
    return event;
}

/* The line without its extension, after the line end that follows the chunk before. */
static bool feed_chunk_line(struct kp_http_parser *parser)
{
    const struct kp_http_lines *lines = &parser->lines;
    char line[KP_HTTP_SIZE_DIGITS + sizeof "\r\n\r\n"];
    int len = snprintf(line, sizeof line, "%s%.*s\r\n", parser->chunks ? "\r\n" : "",
                       (int)lines->digits, lines->size);
    parser->chunks = true;
    parser->agreed = false;
    return feed(parser, line, (size_t)len) && parser->agreed;
}

static enum kp_http_event read_chunk_line(struct kp_http_parser *parser, const uint8_t *bytes,
                                          size_t len, size_t *used)
{
    if (!read_lines(parser, bytes, len, used))
        return KP_HTTP_BAD;
    if (!kp_http_lines_done(&parser->lines))
        return KP_HTTP_MORE;
    if (!feed_chunk_line(parser))
        return disagree(parser);
    parser->stage = parser->left > 0 ? READ_CHUNK : READ_TRAILERS;
    if (parser->left == 0)
        kp_http_lines_begin(&parser->lines, KP_HTTP_TRAILERS, parser->kind == KP_HTTP_RESPONSE);
    return KP_HTTP_MORE;
}

static enum kp_http_event read_trailers(struct kp_http_parser *parser, const uint8_t *bytes,
                                        size_t len, size_t *used)
{
    if (!read_lines(parser, bytes, len, used))
        return KP_HTTP_BAD;
    if (!kp_http_lines_done(&parser->lines))
        return KP_HTTP_MORE;
    if (!feed(parser, "\r\n", 2) || !parser->ended)
        return disagree(parser);
    return end_message(parser);
}

/* ---- Events ------------------------------------------------------------------------------ */

static enum kp_http_event step(struct kp_http_parser *parser, const uint8_t *bytes, size_t len,
                               size_t *used)
{
    typedef enum kp_http_event step_fn(struct kp_http_parser *, const uint8_t *, size_t, size_t *);
    static step_fn *const steps[] = {
        [READ_HEAD] = read_head,      [READ_LENGTH] = read_length,
        [READ_UNTIL_END] = read_body, [READ_CHUNK_LINE] = read_chunk_line,
        [READ_CHUNK] = read_chunk,    [READ_TRAILERS] = read_trailers,
    };
    return steps[parser->stage](parser, bytes, len, used);
}

enum kp_http_event kp_http_parse(struct kp_http_parser *parser, const uint8_t *bytes, size_t len,
                                 size_t *used)
{
    enum kp_http_event event = KP_HTTP_MORE;
    *used = 0;
    parser->body = NULL;
    parser->body_len = 0;
    if (parser->stage == FAILED)
        return KP_HTTP_BAD;
    if (parser->stage == AT_END)
        return end_message(parser);
    while (event == KP_HTTP_MORE && *used < len) {
        size_t now;
        event = step(parser, bytes + *used, len - *used, &now);
        *used += now;
    }
    return event;
}

enum kp_http_event kp_http_parse_end(struct kp_http_parser *parser)
{
    if (parser->stage == FAILED)
        return KP_HTTP_BAD;
    if (parser->stage == READ_UNTIL_END || parser->stage == AT_END)
        return end_message(parser);
    if (kp_http_parser_is_busy(parser))
        return bad(parser, KP_HTTP_CUT, "it was cut");
    return KP_HTTP_MORE;
}
