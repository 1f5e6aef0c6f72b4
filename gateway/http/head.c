/* A head and its fields: see head.h and head_build.h. */
#include "head_build.h"

#include <stdlib.h>
#include <string.h>

/* Offsets are 16 bits: a head at its limit, with a CR before the LF of every line, is within. */
_Static_assert(KP_HTTP_HEAD_MAX + KP_HTTP_FIELDS_MAX + 2 <= UINT16_MAX, "offsets in a head");

static const struct kp_http_built *inside(const struct kp_http_head *head)
{
    return (const struct kp_http_built *)(const void *)head;
}

struct kp_http_built *kp_http_built_new(enum kp_http_kind kind)
{
    struct kp_http_built *built = malloc(sizeof *built);
    if (built == NULL)
        return NULL;
    memset(built, 0, offsetof(struct kp_http_built, few));
    built->fields = built->few;
    built->head.kind = (uint8_t)kind;
    return built;
}

void kp_http_head_free(struct kp_http_head *head)
{
    struct kp_http_built *built = kp_http_built_of(head);
    if (head == NULL)
        return;
    kp_out_free(&built->text);
    if (built->fields != built->few)
        free(built->fields);
    free(built);
}

/* ---- Being built ------------------------------------------------------------------------- */

static bool has_bare_lf(const struct kp_out *text)
{
    const char *end = text->at + text->len;
    const char *at = text->at;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (at == text->at || at[-1] != '\r')
            return true;
        at++;
    }
    return false;
}

static void add_line(struct kp_out *out, const char *line, size_t len)
{
    if (len > 0 && line[len - 1] == '\r')
        len--;
    kp_out_add(out, line, len);
    kp_out_word(out, "\r\n");
}

static bool end_lines(struct kp_out *text)
{
    struct kp_out out = {0};
    const char *end = text->at + text->len;
    const char *line = text->at;
    const char *lf;
    while ((lf = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        add_line(&out, line, (size_t)(lf - line));
        line = lf + 1;
    }
    kp_out_free(text);
    *text = out;
    return !out.failed;
}

bool kp_http_built_straighten(struct kp_http_built *built)
{
    struct kp_out *text = &built->text;
    if (has_bare_lf(text) && !end_lines(text))
        return false;
    while (built->start < text->len &&
           (text->at[built->start] == '\r' || text->at[built->start] == '\n'))
        built->start++;
    return true;
}

struct kp_slice kp_http_built_start_line(const struct kp_http_built *built)
{
    const char *at = built->text.at + built->start;
    const char *end = memchr(at, '\r', built->text.len - built->start);
    return (struct kp_slice){at, end != NULL ? (size_t)(end - at) : 0};
}

/* Room for all there can be. */
static bool more_fields(struct kp_http_built *built)
{
    struct kp_http_field *fields = malloc(KP_HTTP_FIELDS_MAX * sizeof *fields);
    if (fields == NULL)
        return false;
    memcpy(fields, built->few, sizeof built->few);
    built->fields = fields;
    return true;
}

bool kp_http_built_name(struct kp_http_built *built, struct kp_slice name)
{
    struct kp_http_field *field;
    if (built->head.count == KP_HTTP_FIELDS_MAX ||
        (built->head.count == KP_HTTP_FEW && !more_fields(built)))
        return false;
    field = &built->fields[built->head.count];
    field->name = (uint16_t)(name.at - built->text.at);
    field->name_len = (uint16_t)name.len;
    field->value = field->value_len = 0;
    built->head.count++;
    return true;
}

void kp_http_built_value(struct kp_http_built *built, struct kp_slice piece)
{
    struct kp_http_field *field = &built->fields[built->head.count - 1];
    size_t at = (size_t)(piece.at - built->text.at);
    if (field->value_len == 0)
        field->value = (uint16_t)at;
    field->value_len = (uint16_t)(at + piece.len - field->value);
}

void kp_http_built_value_end(struct kp_http_built *built)
{
    struct kp_http_field *field = &built->fields[built->head.count - 1];
    const char *value = built->text.at + field->value;
    while (field->value_len > 0 &&
           (value[field->value_len - 1] == ' ' || value[field->value_len - 1] == '\t'))
        field->value_len--;
}

/* ---- Read -------------------------------------------------------------------------------- */

void kp_http_head_field(const struct kp_http_head *head, size_t index, struct kp_slice *name,
                        struct kp_slice *value)
{
    const struct kp_http_built *built = inside(head);
    const struct kp_http_field *field = &built->fields[index];
    *name = (struct kp_slice){built->text.at + field->name, field->name_len};
    *value = (struct kp_slice){built->text.at + field->value, field->value_len};
}

bool kp_http_head_find(const struct kp_http_head *head, const char *name, struct kp_slice *value)
{
    struct kp_slice found;
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &found, value);
        if (kp_slice_is(found, name))
            return true;
    }
    return false;
}

bool kp_http_head_lists(const struct kp_http_head *head, const char *name, const char *word)
{
    struct kp_slice found, value;
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &found, &value);
        if (kp_slice_is(found, name) && kp_slice_lists(value, word))
            return true;
    }
    return false;
}
