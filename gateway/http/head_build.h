/*
 * A head while it is read, and its inside afterwards: for the parser and the rules alone.  The text
 * is the head as it came; names and values are places in it.
 */
#ifndef KP_HTTP_HEAD_BUILD_H
#define KP_HTTP_HEAD_BUILD_H

#include "head.h"

struct kp_http_field {
    uint16_t name; /* offsets and lengths in the text */
    uint16_t name_len;
    uint16_t value;
    uint16_t value_len;
};

#define KP_HTTP_FEW 40 /* fields of most heads */

struct kp_http_built {
    struct kp_http_head head;     /* first: who has the head has this */
    bool chunked;                 /* Transfer-Encoding: chunked, whatever the framing is */
    size_t start;                 /* where in the text the start line begins */
    struct kp_out text;           /* final when the head is complete */
    struct kp_http_field *fields; /* few, or malloc's with room for all */
    struct kp_http_field few[KP_HTTP_FEW];
};

/* NULL: no memory. */
struct kp_http_built *kp_http_built_new(enum kp_http_kind kind);
static inline struct kp_http_built *kp_http_built_of(struct kp_http_head *head)
{
    return (struct kp_http_built *)(void *)head;
}
/* The text is complete: steps over empty lines before it, and makes every line end CR LF, the only
 * one that all versions of llhttp take.  false: no memory. */
bool kp_http_built_straighten(struct kp_http_built *built);
/* The start line, without its end. */
struct kp_slice kp_http_built_start_line(const struct kp_http_built *built);
/* One more field; name is of the text.  false: they are too many. */
bool kp_http_built_name(struct kp_http_built *built, struct kp_slice name);
/* A piece of the last field's value, of the text; pieces of one value lie in order. */
void kp_http_built_value(struct kp_http_built *built, struct kp_slice piece);
/* Leaves out the blanks at the end of the last field's value. */
void kp_http_built_value_end(struct kp_http_built *built);

#endif
