/*
 * Decodes what browsers send for a form (application/x-www-form-urlencoded). Knows nothing of what
 * the fields mean.
 */
#include "form.h"

#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static int decode(const char *p, const char *end, struct demo_text *value)
{
    demo_text_reset(value);
    while (p < end) {
        char c = *p++;
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = end - p < 2 ? -1 : hex(p[0]);
            int low = end - p < 2 ? -1 : hex(p[1]);
            if (high < 0 || low < 0)
                return -1;
            c = (char)(high * 16 + low);
            p += 2;
        }
        if (!c)
            return -1;
        demo_text_add(value, &c, 1);
    }
    return 0;
}

int demo_form_field(const char *encoded, const char *name, struct demo_text *value)
{
    size_t len = strlen(name);
    const char *p = encoded;
    demo_text_reset(value);
    while (*p) {
        const char *end = p + strcspn(p, "&");
        if ((size_t)(end - p) > len && p[len] == '=' && memcmp(p, name, len) == 0)
            return decode(p + len + 1, end, value);
        p = *end ? end + 1 : end;
    }
    return 0;
}
