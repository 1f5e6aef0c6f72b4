/*
 * Templates: fills the HTML files of pages/ with values. Values are escaped unless the template
 * itself asks otherwise. Knows nothing of connections.
 */
#include "page.h"

#include <stdlib.h>
#include <string.h>

const struct demo_asset *demo_page_asset(const char *name)
{
    const struct demo_asset *asset = demo_assets;
    while (asset->name && strcmp(asset->name, name) != 0)
        asset++;
    if (!asset->name)
        abort();
    return asset;
}

static const char *value_of(const struct demo_var *vars, const char *name, size_t len)
{
    for (; vars->name; vars++) {
        if (strlen(vars->name) == len && memcmp(vars->name, name, len) == 0)
            return vars->value ? vars->value : "";
    }
    return "";
}

/* From just behind an opening tag, the end of its section; NULL when it is not closed. */
static const char *section_end(const char *p, const char *name, size_t len, const char **inner_end)
{
    *inner_end = NULL;
    while ((p = strstr(p, "{{/"))) {
        if (strncmp(p + 3, name, len) == 0 && strncmp(p + 3 + len, "}}", 2) == 0) {
            *inner_end = p;
            return p + 3 + len + 2;
        }
        p += 3;
    }
    return NULL;
}

static void fill(struct demo_text *out, const char *p, const char *end,
                 const struct demo_var *vars);

/* Handles the tag at p (behind its braces) and returns where the template goes on. */
static const char *tag(struct demo_text *out, const char *p, const struct demo_var *vars)
{
    const char *close = strstr(p, "}}");
    if (!close)
        abort();
    char kind = *p;
    const char *name = strchr("&#^", kind) ? p + 1 : p;
    size_t len = (size_t)(close - name);
    const char *value = value_of(vars, name, len);
    if (kind == '&') {
        demo_text_put(out, value);
    } else if (kind == '#' || kind == '^') {
        const char *inner_end;
        const char *next = section_end(close + 2, name, len, &inner_end);
        if (!next)
            abort();
        if ((kind == '#') == (*value != '\0'))
            fill(out, close + 2, inner_end, vars);
        return next;
    } else {
        demo_text_html(out, value);
    }
    return close + 2;
}

static void fill(struct demo_text *out, const char *p, const char *end, const struct demo_var *vars)
{
    while (p < end) {
        const char *open = strstr(p, "{{");
        if (!open || open >= end)
            open = end;
        demo_text_add(out, p, (size_t)(open - p));
        p = open < end ? tag(out, open + 2, vars) : end;
    }
}

void demo_page_fill(struct demo_text *out, const char *name, const struct demo_var *vars)
{
    const struct demo_asset *asset = demo_page_asset(name);
    fill(out, asset->data, asset->data + asset->len, vars);
}
