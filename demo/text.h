#ifndef DEMO_TEXT_H
#define DEMO_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A growing byte string. All zero is the empty one. data is always followed by a NUL once anything
 * was added. Running out of memory ends the process: a demo has nothing better to do.
 */
struct demo_text {
    char *data;
    size_t len;
    size_t cap;
};

/* Appends len bytes. */
void demo_text_add(struct demo_text *text, const void *bytes, size_t len);

/* Appends a NUL-terminated string. */
void demo_text_put(struct demo_text *text, const char *string);

/* Appends as printf does. */
void demo_text_printf(struct demo_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends with the five characters special to HTML escaped: safe in text and quoted attributes. */
void demo_text_html(struct demo_text *text, const char *string);

/* Appends as a JSON string, quotes included. */
void demo_text_json(struct demo_text *text, const char *string);

/* Appends for a log line: control characters, backslashes and bytes above 0x7e become \xNN. */
void demo_text_log(struct demo_text *text, const char *string);

/* The string so far, "" when nothing was added. Valid until the next change. */
const char *demo_text_string(const struct demo_text *text);

/* Makes it empty but keeps its memory. */
void demo_text_reset(struct demo_text *text);

/* Gives its memory back; the text is empty and usable again. */
void demo_text_free(struct demo_text *text);

/* Whether a string is well-formed UTF-8 without control characters (U+0000-1F, U+7F-9F). */
bool demo_text_is_printable(const char *string);

#endif
