/* Text that is borrowed, and text that grows: see text.h. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* Most heads are shorter, and malloc has blocks of up to 1032 bytes at hand. */
#define FIRST_ROOM 1024

/* tolower() knows locales, where more than ASCII has case. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool kp_slice_same(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct kp_slice trimmed(struct kp_slice text)
{
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    while (text.len > 0 && is_blank(text.at[0])) {
        text.at++;
        text.len--;
    }
    return text;
}

bool kp_slice_next(struct kp_slice *list, struct kp_slice *element)
{
    while (list->len > 0) {
        const char *comma = memchr(list->at, ',', list->len);
        size_t len = comma != NULL ? (size_t)(comma - list->at) : list->len;
        size_t gone = comma != NULL ? len + 1 : len;
        *element = trimmed((struct kp_slice){list->at, len});
        list->at += gone;
        list->len -= gone;
        if (element->len > 0)
            return true;
    }
    return false;
}

bool kp_slice_lists(struct kp_slice list, const char *word)
{
    struct kp_slice element;
    while (kp_slice_next(&list, &element))
        if (kp_slice_is(element, word))
            return true;
    return false;
}

/* realloc() would leave what it moved behind. */
static bool grow(struct kp_out *out, size_t least)
{
    size_t room = out->room > 0 ? out->room : FIRST_ROOM;
    char *at;
    while (room < least && room <= SIZE_MAX / 2)
        room *= 2;
    at = room >= least ? malloc(room) : NULL;
    if (at == NULL)
        return false;
    if (out->len > 0) {
        memcpy(at, out->at, out->len);
        explicit_bzero(out->at, out->len);
    }
    free(out->at);
    out->at = at;
    out->room = room;
    return true;
}

void kp_out_add_slowly(struct kp_out *out, const void *data, size_t len)
{
    if (out->failed || len == 0)
        return;
    if (len > out->room - out->len && (len > SIZE_MAX - out->len || !grow(out, out->len + len))) {
        out->failed = true;
        return;
    }
    memcpy(out->at + out->len, data, len);
    out->len += len;
}

void kp_out_number(struct kp_out *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    kp_out_add(out, digits + at, sizeof digits - at);
}

void kp_out_free(struct kp_out *out)
{
    if (out->at != NULL)
        explicit_bzero(out->at, out->len);
    free(out->at);
    *out = (struct kp_out){0};
}

void kp_out_shift(struct kp_out *out, size_t len)
{
    if (len == out->len) {
        kp_out_free(out);
        return;
    }
    memmove(out->at, out->at + len, out->len - len);
    out->len -= len;
}
