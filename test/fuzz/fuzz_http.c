/*
 * HTTP/1.x as it comes: how (1 byte), how it is cut (1 byte), then the bytes of a connection, read
 * as requests or as responses.
 *
 * Checked besides crashes: the events are the same however the bytes are cut, and nothing outside
 * them is read; a head that is taken has only signs that may stand there, one framing, and the same
 * meaning when it is written down plainly and read again.
 */
#include "fuzz.h"

#include "http/parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESPONSES = 1, BODILESS = 2 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void add_text(struct bytes *out, struct kp_slice text)
{
    bytes_add(out, text.at, text.len);
    bytes_add(out, "|", 1);
}

static bool is_clean(struct kp_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.at[i] < ' ' && text.at[i] != '\t') || text.at[i] == 0x7f)
            return false;
    return true;
}

static void check_field(struct kp_slice name, struct kp_slice value)
{
    must(name.len > 0 && is_clean(name) && memchr(name.at, ':', name.len) == NULL);
    must(memchr(name.at, ' ', name.len) == NULL && is_clean(value));
    if (value.len > 0)
        must(value.at[0] > ' ' || value.at[0] < 0);
}

static void check_start(const struct kp_http_head *head)
{
    must(is_clean(head->method) && is_clean(head->target) && is_clean(head->host));
    must(is_clean(head->reason));
    if (head->kind == KP_HTTP_REQUEST) {
        must(head->method.len > 0 && head->target.len > 0 && head->framing != KP_HTTP_UNTIL_END);
        must(head->target.at[0] == '/' || kp_slice_is(head->target, "*"));
    } else {
        must(head->status >= 100 && head->status <= 999);
    }
    must((head->framing == KP_HTTP_LENGTH) <= (head->has_length && head->length > 0));
    must(head->framing != KP_HTTP_CHUNKED || !head->has_length);
}

/* All that a head says. */
static void add_head(struct bytes *out, const struct kp_http_head *head)
{
    char line[120];
    check_start(head);
    int len =
        snprintf(line, sizeof(line), "HEAD %u %u %u %d%d%d%d %u %u %llu|", head->kind,
                 head->framing, head->minor, head->persists, head->websocket, head->expects,
                 head->has_length, head->status, head->count, (unsigned long long)head->length);
    bytes_add(out, line, (size_t)len);
    add_text(out, head->method);
    add_text(out, head->target);
    add_text(out, head->host);
    add_text(out, head->reason);
    for (size_t i = 0; i < head->count; i++) {
        struct kp_slice name, value;
        kp_http_head_field(head, i, &name, &value);
        check_field(name, value);
        add_text(out, name);
        add_text(out, value);
    }
}

/* A field as it is written down; Host says what the authority of the target said. */
static void write_field(struct bytes *out, const struct kp_http_head *head, size_t index)
{
    struct kp_slice name, value;
    kp_http_head_field(head, index, &name, &value);
    if (head->kind == KP_HTTP_REQUEST && kp_slice_is(name, "host"))
        value = head->host;
    bytes_add(out, name.at, name.len);
    bytes_add(out, ":", 1);
    bytes_add(out, value.at, value.len);
    bytes_add(out, "\r\n", 2);
}

static void write_head(struct bytes *out, const struct kp_http_head *head)
{
    char line[40];
    bytes_add(out, head->method.at, head->method.len);
    if (head->kind == KP_HTTP_REQUEST)
        bytes_add(out, " ", 1);
    bytes_add(out, head->target.at, head->target.len);
    if (head->kind == KP_HTTP_REQUEST)
        snprintf(line, sizeof(line), " HTTP/1.%u", head->minor);
    else
        snprintf(line, sizeof(line), "HTTP/1.%u %u ", head->minor, head->status);
    bytes_add(out, line, strlen(line));
    bytes_add(out, head->reason.at, head->reason.len);
    bytes_add(out, "\r\n", 2);
    for (size_t i = 0; i < head->count; i++)
        write_field(out, head, i);
    bytes_add(out, "\r\n", 2);
}

/* The same head, but for the host of a request whose target had one and that has no Host. */
static void check_again(const struct kp_http_head *head, bool bodiless)
{
    struct bytes plain = {0};
    struct kp_http_parser parser;
    size_t used;
    write_head(&plain, head);
    kp_http_parser_init(&parser, head->kind);
    parser.bodiless = bodiless;
    must(kp_http_parse(&parser, plain.data, plain.len, &used) == KP_HTTP_HEAD);
    must(used == plain.len);
    must(parser.head->framing == head->framing && parser.head->length == head->length);
    must(parser.head->count == head->count && parser.head->persists == head->persists);
    must(parser.head->target.len == head->target.len);
    kp_http_parser_clear(&parser);
    bytes_free(&plain);
}

struct story {
    struct kp_http_parser parser;
    struct bytes text;
    uint64_t body;
    bool over;
};

static void tell_number(struct story *story, const char *word, uint64_t number)
{
    char line[60];
    int len = snprintf(line, sizeof(line), "%s %llu|", word, (unsigned long long)number);
    bytes_add(&story->text, line, (size_t)len);
}

static void tell(struct story *story, enum kp_http_event event)
{
    const struct kp_http_parser *parser = &story->parser;
    switch (event) {
    case KP_HTTP_MORE:
        return;
    case KP_HTTP_HEAD:
        story->body = 0;
        add_head(&story->text, parser->head);
        check_again(parser->head, parser->bodiless);
        return;
    case KP_HTTP_BODY:
        must(parser->body_len > 0);
        story->body += parser->body_len;
        bytes_add(&story->text, parser->body, parser->body_len);
        return;
    case KP_HTTP_END:
        tell_number(story, "END", story->body);
        return;
    case KP_HTTP_BAD:
        must(parser->why != NULL && parser->problem != KP_HTTP_FINE);
        tell_number(story, parser->why, parser->problem);
        story->over = true;
        return;
    }
}

static void take(struct story *story, const uint8_t *data, size_t len)
{
    enum kp_http_event event;
    size_t at = 0;
    do {
        size_t used;
        event = kp_http_parse(&story->parser, data + at, len - at, &used);
        must(used <= len - at && (event != KP_HTTP_MORE || used == len - at));
        at += used;
        if (event == KP_HTTP_BODY)
            must(story->parser.body >= data &&
                 story->parser.body + story->parser.body_len == data + at);
        tell(story, event);
    } while (event != KP_HTTP_MORE && event != KP_HTTP_BAD);
}

/* In pieces of 1 to most bytes, each with nothing around it. */
static void tell_all(struct story *story, uint8_t how, const uint8_t *data, size_t size,
                     size_t most)
{
    unsigned seed = (unsigned)most;
    memset(story, 0, sizeof(*story));
    kp_http_parser_init(&story->parser, how & RESPONSES ? KP_HTTP_RESPONSE : KP_HTTP_REQUEST);
    story->parser.bodiless = (how & BODILESS) != 0;
    for (size_t at = 0, now; at < size && !story->over; at += now) {
        uint8_t *copy;
        seed = seed * 1103515245u + 12345u;
        now = most >= size ? size : 1 + (seed >> 16) % most;
        if (now > size - at)
            now = size - at;
        copy = malloc(now);
        must(copy != NULL);
        memcpy(copy, data + at, now);
        take(story, copy, now);
        free(copy);
    }
    if (!story->over)
        tell(story, kp_http_parse_end(&story->parser));
    kp_http_parser_clear(&story->parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t how = fuzz_byte(&data, &size);
    uint8_t most = fuzz_byte(&data, &size);
    struct story whole, cut;

    tell_all(&whole, how, data, size, SIZE_MAX);
    tell_all(&cut, how, data, size, 1u + most);
    must(whole.text.len == cut.text.len);
    must(whole.text.len == 0 || memcmp(whole.text.data, cut.text.data, cut.text.len) == 0);
    bytes_free(&whole.text);
    bytes_free(&cut.text);
    return 0;
}
