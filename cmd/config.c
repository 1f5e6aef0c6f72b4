/* The configuration file of a command: see config.h. */
#include "config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

struct reading {
    struct kp_options *options;
    const struct kp_config_plan *plan;
    FILE *file;
    const char *path;
    unsigned line;   /* being read */
    unsigned first;  /* that was complained of */
    unsigned faulty; /* the last one that was */
    int status;
    char strange[64]; /* the last section that was complained of */
};

static void complain(struct reading *r, unsigned line, const char *why)
{
    if (r->first == 0)
        r->first = line;
    r->faulty = line;
    r->status = kp_command_misused("%s, line %u: %s", r->path, line, why);
}

/* In place of fgets, to count lines: the library tells the number of the first mistake alone, and
 * would take the rest of a line that is too long for a line of its own. */
static char *read_line(char *text, int len, void *arg)
{
    struct reading *r = arg;
    const char *fault = NULL;
    int used = 0, c = getc(r->file);
    if (c == EOF)
        return NULL;
    r->line++;
    for (; c != EOF && c != '\n'; c = getc(r->file)) {
        if (c == '\0')
            fault = "there is a NUL byte in it";
        else if (used < len - 2)
            text[used++] = (char)c;
        else if (text[0] != '#' && text[0] != ';')
            fault = "the line is too long";
    }
    if (fault != NULL) {
        complain(r, r->line, fault);
        used = 0;
    }
    text[used++] = '\n';
    text[used] = '\0';
    return text;
}

/* They may have sections of their own, now or one day. */
static bool is_command(const char *section)
{
    static const char *const names[] = {"open",  "connect",  "passwd",    "devices", "serve",
                                        "agent", "discover", "provision", "browser"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(section, names[i]) == 0)
            return true;
    return false;
}

/* Of a section that is nobody's the first key is enough. */
static int refuse_section(struct reading *r, const char *section, const char *name)
{
    char why[KP_OPTIONS_WHY_LEN];
    if (strcmp(section, r->strange) == 0)
        return 1;
    (void)snprintf(r->strange, sizeof r->strange, "%s", section);
    (void)snprintf(why, sizeof why,
                   "%.60s is in the section [%.60s], which is no command of keyplate: this one's "
                   "is [%s]",
                   name, section, r->plan->section);
    complain(r, r->line, why);
    return 0;
}

/* Why the key has no place in the file, or NULL. */
static const char *refusal_of(const struct kp_config_plan *plan, const char *name)
{
    if (strcmp(name, "config") == 0)
        return "a configuration file can't name another";
    for (const struct kp_config_refusal *one = plan->refused; one->key != NULL; one++)
        if (strcmp(name, one->key) == 0)
            return one->why;
    return NULL;
}

static bool gives_way(const struct reading *r, const char *name)
{
    return r->plan->yields != NULL && strcmp(name, r->plan->yields) == 0 &&
           kp_options_has(r->options, r->plan->yields_to);
}

static int take_key(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *r = arg;
    char why[KP_OPTIONS_WHY_LEN];
    const char *refusal;
    if (r->status != KP_EXIT_DONE && !r->plan->every)
        return 0;
    if (section[0] != '\0' && !is_command(section))
        return refuse_section(r, section, name);
    if (section[0] != '\0' && strcmp(section, r->plan->section) != 0)
        return 1; /* another command's */
    r->options->line = r->line;
    refusal = refusal_of(r->plan, name);
    if (refusal != NULL)
        complain(r, r->line, refusal);
    else if (!gives_way(r, name) && kp_options_set(r->options, name, value, why) != 0)
        complain(r, r->line, why);
    return r->faulty != r->line;
}

static int read_file(struct reading *r)
{
    int line = ini_parse_stream(read_line, r, take_key, r);
    if (ferror(r->file))
        return kp_command_fail(KP_EXIT_FAILED, "can't read the configuration %s: %s", r->path,
                               strerror(errno));
    if (line < 0)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    if (line > 0 && (r->status == KP_EXIT_DONE || r->plan->every) && r->first != (unsigned)line)
        complain(r, (unsigned)line, "not a [section] or key = value");
    return r->status;
}

static int read_path(struct kp_options *options, const struct kp_config_plan *plan,
                     const char *path)
{
    struct reading reading = {
        .options = options, .plan = plan, .path = path, .status = KP_EXIT_DONE};
    int status;
    reading.file = fopen(path, "re");
    if (reading.file == NULL)
        return kp_command_fail(KP_EXIT_FAILED, "can't read the configuration %s: %s", path,
                               strerror(errno));
    options->file = path;
    status = read_file(&reading);
    (void)fclose(reading.file);
    return status;
}

int kp_config_read(struct kp_options *options, const struct kp_config_plan *plan)
{
    const char *path = kp_options_get(options, "config");
    const char *key = plan->positional;
    int status = KP_EXIT_DONE;
    if (key != NULL && kp_options_has(options, key))
        return kp_command_misused("unknown option --%s (it is written without that)", key);
    if (path != NULL)
        status = read_path(options, plan, path);
    if (key != NULL && kp_options_has(options, key) && options->positional_count == 0)
        options->positionals[options->positional_count++] = kp_options_get(options, key);
    return status;
}
