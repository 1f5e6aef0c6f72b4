#ifndef DEMO_PAGE_H
#define DEMO_PAGE_H

#include "text.h"

/* One value of a template. A NULL name ends an array of them. A NULL value counts as empty. */
struct demo_var {
    const char *name;
    const char *value;
};

/* One file of pages/, built into the program. */
struct demo_asset {
    const char *name;
    const char *data;
    size_t len;
};

/* Every file of pages/; a NULL name ends it. Made by embed.py. */
extern const struct demo_asset demo_assets[];

/* The asset of that name. It must exist: names are ours, and a wrong one aborts. */
const struct demo_asset *demo_page_asset(const char *name);

/*
 * Appends a template with its values filled in:
 *   {{name}}              the value, escaped for HTML
 *   {{&name}}             the value as it is
 *   {{#name}}...{{/name}} shown only if the value is not empty; may hold others
 *   {{^name}}...{{/name}} shown only if the value is empty
 * An unknown name is empty.
 */
void demo_page_fill(struct demo_text *out, const char *name, const struct demo_var *vars);

#endif
