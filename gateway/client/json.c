/* A strict reader of a small JSON text: see json.h.  RFC 8259. */
#include "json.h"

#include <string.h>

#include "creds/text.h"

void kp_json_init(struct kp_json *j, const char *text, size_t len)
{
    memset(j, 0, sizeof *j);
    j->at = text;
    j->end = text + len;
    /* Once, for all strings: RFC 8259 8.1. */
    j->failed = !kp_text_is_utf8(text, len);
}

static char peek(struct kp_json *j)
{
    if (j->failed)
        return '\0';
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\r' || *j->at == '\n'))
        j->at++;
    return j->at < j->end ? *j->at : '\0';
}

static bool take(struct kp_json *j, char c)
{
    bool there = peek(j) == c;
    if (there)
        j->at++;
    else
        j->failed = true;
    return there;
}

/* ---- Objects and arrays ------------------------------------------------------------------ */

void kp_json_open(struct kp_json *j, char bracket)
{
    if (j->depth == KP_JSON_DEPTH)
        j->failed = true;
    if (!take(j, bracket) || j->failed)
        return;
    j->closes[j->depth++] = bracket == '{' ? '}' : ']';
    j->first = true;
}

bool kp_json_next(struct kp_json *j)
{
    if (j->failed)
        return false;
    if (j->depth > 0 && peek(j) == j->closes[j->depth - 1]) {
        j->at++;
        j->depth--;
        j->first = false;
        return false;
    }
    if (!j->first)
        (void)take(j, ',');
    j->first = false;
    return !j->failed;
}

/* ---- Strings ----------------------------------------------------------------------------- */

struct sink {
    char *out; /* NULL: nobody wants it */
    size_t size, used;
    bool full, nul;
};

static void put(struct sink *sink, uint8_t byte)
{
    sink->nul |= byte == 0;
    if (sink->used + 1 < sink->size)
        sink->out[sink->used++] = (char)byte;
    else
        sink->full = true;
}

static void put_code(struct sink *sink, uint32_t code)
{
    if (code < 0x80) {
        put(sink, (uint8_t)code);
        return;
    }
    if (code < 0x800) {
        put(sink, (uint8_t)(0xc0 | code >> 6));
    } else {
        if (code < 0x10000) {
            put(sink, (uint8_t)(0xe0 | code >> 12));
        } else {
            put(sink, (uint8_t)(0xf0 | code >> 18));
            put(sink, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
        }
        put(sink, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
    }
    put(sink, (uint8_t)(0x80 | (code & 0x3f)));
}

/* The four digits of \uXXXX. */
static uint32_t four_digits(struct kp_json *j)
{
    uint32_t value = 0;
    if (j->end - j->at < 4) {
        j->failed = true;
        return 0;
    }
    for (int i = 0; i < 4; i++) {
        char c = *j->at++;
        uint32_t digit = 0;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (uint32_t)(c - 'A') + 10;
        else
            j->failed = true;
        value = value << 4 | digit;
    }
    return value;
}

static void unicode_escape(struct kp_json *j, struct sink *sink)
{
    uint32_t code = four_digits(j);
    if (code >= 0xd800 && code < 0xdc00) { /* the first of a surrogate pair */
        uint32_t low = 0;
        if (j->end - j->at >= 6 && j->at[0] == '\\' && j->at[1] == 'u') {
            j->at += 2;
            low = four_digits(j);
        }
        if (low < 0xdc00 || low > 0xdfff)
            j->failed = true;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
        j->failed = true;
    }
    if (!j->failed)
        put_code(sink, code);
}

static void escape(struct kp_json *j, struct sink *sink)
{
    static const char names[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    char c = j->at < j->end ? *j->at++ : '\0';
    const char *name = c != '\0' ? strchr(names, c) : NULL;
    if (c == 'u')
        unicode_escape(j, sink);
    else if (name != NULL)
        put(sink, (uint8_t)bytes[name - names]);
    else
        j->failed = true;
}

static void read_string(struct kp_json *j, struct sink *sink)
{
    if (!take(j, '"'))
        return;
    while (!j->failed && j->at < j->end && *j->at != '"') {
        uint8_t c = (uint8_t)*j->at++;
        if (c == '\\')
            escape(j, sink);
        else if (c < 0x20)
            j->failed = true;
        else
            put(sink, c);
    }
    (void)take(j, '"');
}

bool kp_json_next_key(struct kp_json *j, char *key, size_t size)
{
    struct sink sink = {.out = key, .size = size};
    if (!kp_json_next(j))
        return false;
    read_string(j, &sink);
    key[sink.used] = '\0';
    if (sink.nul)
        j->failed = true;
    return take(j, ':');
}

bool kp_json_is_string(struct kp_json *j)
{
    return peek(j) == '"';
}

void kp_json_string(struct kp_json *j, char *out, size_t size)
{
    struct sink sink = {.out = out, .size = size};
    read_string(j, &sink);
    out[sink.used] = '\0';
    if (sink.full || sink.nul)
        j->failed = true;
}

/* ---- Other values ------------------------------------------------------------------------ */

static bool is_digit(const struct kp_json *j)
{
    return j->at < j->end && *j->at >= '0' && *j->at <= '9';
}

static void skip_digits(struct kp_json *j)
{
    if (!is_digit(j))
        j->failed = true;
    while (is_digit(j))
        j->at++;
}

/* RFC 8259, section 6: no zeros in front, digits on both sides of a point. */
static void skip_number(struct kp_json *j)
{
    if (j->at < j->end && *j->at == '-')
        j->at++;
    if (j->at < j->end && *j->at == '0')
        j->at++;
    else
        skip_digits(j);
    if (j->at < j->end && *j->at == '.') {
        j->at++;
        skip_digits(j);
    }
    if (j->at < j->end && (*j->at == 'e' || *j->at == 'E')) {
        j->at++;
        if (j->at < j->end && (*j->at == '+' || *j->at == '-'))
            j->at++;
        skip_digits(j);
    }
    if (is_digit(j))
        j->failed = true;
}

void kp_json_number(struct kp_json *j, uint64_t max, uint64_t *out)
{
    const char *start;
    uint64_t value = 0;
    (void)peek(j);
    start = j->at;
    if (!j->failed)
        skip_number(j);
    for (; !j->failed && start < j->at; start++) {
        if (*start < '0' || *start > '9' || value > max / 10)
            j->failed = true;
        value = value * 10 + (uint64_t)(*start - '0');
    }
    if (value > max)
        j->failed = true;
    if (!j->failed)
        *out = value;
}

static void skip_word(struct kp_json *j, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(j->end - j->at) < len || memcmp(j->at, word, len) != 0)
        j->failed = true;
    else
        j->at += len;
}

static void skip_one(struct kp_json *j)
{
    struct sink nobody = {.out = NULL};
    switch (peek(j)) {
    case '{':
    case '[':
        kp_json_open(j, *j->at);
        break;
    case '"':
        read_string(j, &nobody);
        break;
    case 't':
        skip_word(j, "true");
        break;
    case 'f':
        skip_word(j, "false");
        break;
    case 'n':
        skip_word(j, "null");
        break;
    default:
        if (!j->failed)
            skip_number(j);
    }
}

/* Without recursion: what is open is counted. */
void kp_json_skip(struct kp_json *j)
{
    unsigned outside = j->depth;
    skip_one(j);
    while (!j->failed && j->depth > outside) {
        char key[2];
        bool object = j->closes[j->depth - 1] == '}';
        if (object ? kp_json_next_key(j, key, sizeof key) : kp_json_next(j))
            skip_one(j);
    }
}

bool kp_json_done(struct kp_json *j)
{
    return !j->failed && j->depth == 0 && peek(j) == '\0' && j->at == j->end;
}
