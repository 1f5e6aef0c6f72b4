/*
 * Long options by a table.
 */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static int fail(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, KP_OPTIONS_WHY_LEN, format, args);
    va_end(args);
    return -1;
}

static size_t table_len(const struct kp_option *table)
{
    size_t n = 0;
    while (table[n].name != NULL)
        n++;
    assert(n <= KP_OPTIONS_MAX);
    return n;
}

/* The row of name[len], or -1. */
static int find(const struct kp_options *options, const char *name, size_t len)
{
    for (int i = 0; options->table[i].name != NULL; i++)
        if (strlen(options->table[i].name) == len && memcmp(options->table[i].name, name, len) == 0)
            return i;
    return -1;
}

static const struct kp_option_given *given(const struct kp_options *options, const char *name)
{
    int row = find(options, name, strlen(name));
    assert(row >= 0);
    return &options->given[row];
}

static void drop(struct kp_option_given *g)
{
    for (size_t i = 0; i < g->count; i++)
        free(g->items[i]);
    free((void *)g->items);
    free(g->lines);
    *g = (struct kp_option_given){.source = KP_OPTION_UNSET};
}

static int append(struct kp_option_given *g, const char *value, enum kp_option_source source,
                  unsigned line)
{
    char **items = realloc((void *)g->items, (g->count + 1) * sizeof *items);
    unsigned *lines;
    if (items == NULL)
        return -1;
    g->items = items;
    lines = realloc(g->lines, (g->count + 1) * sizeof *lines);
    if (lines == NULL)
        return -1;
    g->lines = lines;
    g->items[g->count] = strdup(value);
    if (g->items[g->count] == NULL)
        return -1;
    g->lines[g->count++] = line;
    g->source = source;
    return 0;
}

void kp_options_init(struct kp_options *options, const struct kp_option *table)
{
    *options = (struct kp_options){.table = table};
    (void)table_len(table);
}

void kp_options_free(struct kp_options *options)
{
    if (options == NULL || options->table == NULL)
        return;
    for (size_t i = 0; i < table_len(options->table); i++)
        drop(&options->given[i]);
    free((void *)options->positionals);
    options->positionals = NULL;
    options->positional_count = 0;
}

int kp_options_again(struct kp_options *copy, const struct kp_options *source)
{
    kp_options_init(copy, source->table);
    for (size_t row = 0; row < table_len(source->table); row++) {
        const struct kp_option_given *from = &source->given[row];
        if (from->source != KP_OPTION_ARGV)
            continue;
        copy->given[row].source = KP_OPTION_ARGV;
        for (size_t i = 0; i < from->count; i++)
            if (append(&copy->given[row], from->items[i], KP_OPTION_ARGV, 0) != 0)
                return -1;
    }
    return 0;
}

/* Reads the option at argv[*at] (after its dashes: text) and its value, and moves *at on. */
static int take(struct kp_options *options, int argc, char *const *argv, int *at, const char *text,
                char *why)
{
    const char *equals = strchr(text, '=');
    size_t len = equals != NULL ? (size_t)(equals - text) : strlen(text);
    if (len == 4 && memcmp(text, "help", 4) == 0 && equals == NULL) {
        options->help = true;
        return 0;
    }
    int row = find(options, text, len);
    if (row < 0 && (len == 8 || len == 4) && memcmp(text, "password", len) == 0)
        return fail(why, "a password never comes from the arguments, which other programs can read:"
                         " --password-file, --password-fd, or type it");
    if (row < 0)
        return fail(why, "unknown option --%.*s", (int)(len > 60 ? 60 : len), text);
    const struct kp_option *option = &options->table[row];
    struct kp_option_given *g = &options->given[row];
    if (option->kind == KP_OPTION_FLAG) {
        if (equals != NULL)
            return fail(why, "--%s takes no value", option->name);
        g->source = KP_OPTION_ARGV;
        return 0;
    }
    if (option->kind == KP_OPTION_VALUE && g->count > 0)
        return fail(why, "--%s is given twice", option->name);
    const char *value = equals != NULL ? equals + 1 : NULL;
    if (value == NULL) {
        if (*at + 1 >= argc)
            return fail(why, "--%s needs a value: --%s %s", option->name, option->name,
                        option->value);
        value = argv[++*at];
        if (value[0] == '-' && value[1] == '-')
            return fail(why, "--%s needs a value (one that begins with -- is written --%s=VALUE)",
                        option->name, option->name);
    }
    return append(g, value, KP_OPTION_ARGV, 0) == 0 ? 0 : fail(why, "out of memory");
}

int kp_options_parse(struct kp_options *options, int argc, char *const *argv,
                     char why[static KP_OPTIONS_WHY_LEN])
{
    bool ended = false;
    free((void *)options->positionals);
    options->positional_count = 0;
    options->positionals = calloc((size_t)argc + 1, sizeof *options->positionals);
    if (options->positionals == NULL)
        return fail(why, "out of memory");
    for (int at = 0; at < argc; at++) {
        const char *arg = argv[at];
        if (ended || arg[0] != '-' || arg[1] == '\0') {
            options->positionals[options->positional_count++] = arg;
        } else if (strcmp(arg, "--") == 0) {
            ended = true;
        } else if (strcmp(arg, "-h") == 0) {
            options->help = true;
        } else if (arg[1] != '-') {
            return fail(why, "unknown option %.2s (options have two dashes)", arg);
        } else if (take(options, argc, argv, &at, arg + 2, why) != 0) {
            return -1;
        }
    }
    return 0;
}

/* 1, 0, or -1: not a word for yes or no. */
static int truth(const char *value)
{
    static const char *const yes[] = {"on", "yes", "true", "1"};
    static const char *const no[] = {"off", "no", "false", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (strcmp(value, yes[i]) == 0)
            return 1;
        if (strcmp(value, no[i]) == 0)
            return 0;
    }
    return -1;
}

int kp_options_set(struct kp_options *options, const char *name, const char *value,
                   char why[static KP_OPTIONS_WHY_LEN])
{
    int row = find(options, name, strlen(name));
    if (row < 0)
        return fail(why, "unknown key %.60s", name);
    struct kp_option_given *g = &options->given[row];
    if (options->table[row].kind == KP_OPTION_FLAG) {
        int on = truth(value);
        if (on < 0)
            return fail(why, "%s is on or off, not %.60s", name, value);
        if (g->source != KP_OPTION_ARGV)
            g->source = on ? KP_OPTION_FILE : KP_OPTION_UNSET;
        return 0;
    }
    if (g->source == KP_OPTION_ARGV)
        return 0;
    if (options->table[row].kind == KP_OPTION_VALUE && g->count > 0)
        return fail(why, "%s is given twice", name);
    return append(g, value, KP_OPTION_FILE, options->line) == 0 ? 0 : fail(why, "out of memory");
}

bool kp_options_has(const struct kp_options *options, const char *name)
{
    return given(options, name)->source != KP_OPTION_UNSET;
}

const char *kp_options_get(const struct kp_options *options, const char *name)
{
    return kp_options_item(options, name, 0);
}

size_t kp_options_count(const struct kp_options *options, const char *name)
{
    return given(options, name)->count;
}

const char *kp_options_item(const struct kp_options *options, const char *name, size_t index)
{
    const struct kp_option_given *g = given(options, name);
    return index < g->count ? g->items[index] : NULL;
}

const char *kp_options_label(const struct kp_options *options, const char *name, size_t index,
                             char out[static KP_OPTIONS_LABEL_LEN])
{
    const struct kp_option_given *g = given(options, name);
    unsigned line = index < g->count ? g->lines[index] : 0;
    if (line == 0 || options->file == NULL)
        (void)snprintf(out, KP_OPTIONS_LABEL_LEN, "--%s", name);
    else
        (void)snprintf(out, KP_OPTIONS_LABEL_LEN, "%.200s, line %u: %s", options->file, line, name);
    return out;
}

int kp_options_number(const struct kp_options *options, const char *name, unsigned long min,
                      unsigned long max, unsigned long fallback, unsigned long *out,
                      char why[static KP_OPTIONS_WHY_LEN])
{
    const char *text = kp_options_get(options, name);
    char label[KP_OPTIONS_LABEL_LEN];
    *out = fallback;
    if (text == NULL)
        return 0;
    size_t len = strlen(text);
    unsigned long value = 0;
    errno = 0;
    if (len > 0 && strspn(text, "0123456789") == len)
        value = strtoul(text, NULL, 10);
    else
        errno = EINVAL;
    if (errno != 0 || value < min || value > max)
        return fail(why, "%s is a number from %lu to %lu, not %.60s",
                    kp_options_label(options, name, 0, label), min, max, text);
    *out = value;
    return 0;
}

int kp_options_choice(const struct kp_options *options, const char *name,
                      const char *const *choices, size_t fallback, size_t *out,
                      char why[static KP_OPTIONS_WHY_LEN])
{
    const char *text = kp_options_get(options, name);
    char list[120] = "", label[KP_OPTIONS_LABEL_LEN];
    size_t used = 0;
    *out = fallback;
    if (text == NULL)
        return 0;
    for (size_t i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], text) == 0) {
            *out = i;
            return 0;
        }
        int n = snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? "|" : "", choices[i]);
        if (n > 0 && (size_t)n < sizeof list - used)
            used += (size_t)n;
    }
    return fail(why, "%s is one of %s, not %.60s", kp_options_label(options, name, 0, label), list,
                text);
}
