/*
 * Growing strings and the escapes for the four places where strings end up: HTML, JSON, log lines
 * and plain bytes. Knows nothing of HTTP.
 */
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void grow(struct demo_text *text, size_t more)
{
    if (more > SIZE_MAX / 4 - text->len)
        abort();
    size_t need = text->len + more + 1;
    if (need <= text->cap)
        return;
    size_t cap = text->cap ? text->cap : 256;
    while (cap < need)
        cap *= 2;
    char *data = realloc(text->data, cap);
    if (!data) {
        fputs("keyplate-demo-device: out of memory\n", stderr);
        abort();
    }
    text->data = data;
    text->cap = cap;
}

void demo_text_add(struct demo_text *text, const void *bytes, size_t len)
{
    grow(text, len);
    if (len)
        memcpy(text->data + text->len, bytes, len);
    text->len += len;
    text->data[text->len] = '\0';
}

void demo_text_put(struct demo_text *text, const char *string)
{
    demo_text_add(text, string, strlen(string));
}

void demo_text_printf(struct demo_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        return;
    grow(text, (size_t)len);
    va_start(args, format);
    vsnprintf(text->data + text->len, (size_t)len + 1, format, args);
    va_end(args);
    text->len += (size_t)len;
}

void demo_text_html(struct demo_text *text, const char *string)
{
    for (; *string; string++) {
        switch (*string) {
        case '&':
            demo_text_put(text, "&amp;");
            break;
        case '<':
            demo_text_put(text, "&lt;");
            break;
        case '>':
            demo_text_put(text, "&gt;");
            break;
        case '"':
            demo_text_put(text, "&quot;");
            break;
        case '\'':
            demo_text_put(text, "&#39;");
            break;
        default:
            demo_text_add(text, string, 1);
        }
    }
}

void demo_text_json(struct demo_text *text, const char *string)
{
    demo_text_put(text, "\"");
    for (; *string; string++) {
        unsigned char c = (unsigned char)*string;
        if (c == '"' || c == '\\')
            demo_text_printf(text, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            demo_text_printf(text, "\\u%04x", c);
        else
            demo_text_add(text, string, 1);
    }
    demo_text_put(text, "\"");
}

void demo_text_log(struct demo_text *text, const char *string)
{
    for (; *string; string++) {
        unsigned char c = (unsigned char)*string;
        if (c < 0x20 || c > 0x7e || c == '\\')
            demo_text_printf(text, "\\x%02x", c);
        else
            demo_text_add(text, string, 1);
    }
}

const char *demo_text_string(const struct demo_text *text)
{
    return text->data && text->len ? text->data : "";
}

void demo_text_reset(struct demo_text *text)
{
    text->len = 0;
    if (text->data)
        text->data[0] = '\0';
}

void demo_text_free(struct demo_text *text)
{
    free(text->data);
    *text = (struct demo_text){0};
}

/* The length of one well-formed UTF-8 sequence (RFC 3629 section 4), 0 if it is not one. */
static size_t sequence(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    bool beyond = s[0] == 0xf4 && s[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : len;
}

bool demo_text_is_printable(const char *string)
{
    const unsigned char *s = (const unsigned char *)string;
    while (*s) {
        size_t len = sequence(s);
        bool control = *s < 0x20 || *s == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
        if (!len || control)
            return false;
        s += len;
    }
    return true;
}
