/*
 * Long options by a table: one table reads a command line and the keys of a configuration file.
 * Knows nothing of any command.
 *
 *      static const struct kp_option table[] = {
 *          {"listen", KP_OPTION_LIST, "ADDR:PORT", "where to listen"},
 *          {"quiet", KP_OPTION_FLAG, NULL, "errors only"},
 *          {NULL, 0, NULL, NULL}};
 *
 * On the command line: --name VALUE, --name=VALUE, --flag; everything else, and everything after
 * "--", is a positional.  --help and -h are known to every table.
 */
#ifndef KP_CMD_OPTIONS_H
#define KP_CMD_OPTIONS_H

#include <keyplate/keyplate.h>

#define KP_OPTIONS_MAX 48 /* rows of a table */
#define KP_OPTIONS_LABEL_LEN 280
#define KP_OPTIONS_WHY_LEN 480 /* bytes of an error, with its NUL */

enum kp_option_kind {
    KP_OPTION_FLAG,  /* takes no value */
    KP_OPTION_VALUE, /* one value; given twice is an error */
    KP_OPTION_LIST,  /* may be repeated; the order is kept */
};

struct kp_option {
    const char *name; /* without dashes; NULL ends the table */
    enum kp_option_kind kind;
    const char *value; /* what the value is called in help: "FILE"; NULL for flags */
    const char *help;  /* a few words, wrapped by the help; NULL keeps it out of the help */
};

enum kp_option_source { KP_OPTION_UNSET, KP_OPTION_FILE, KP_OPTION_ARGV };

/* What was given for one row of the table. */
struct kp_option_given {
    enum kp_option_source source;
    char **items;
    unsigned *lines; /* of the file, one for each item; 0: the command line's */
    size_t count;
};

struct kp_options {
    const struct kp_option *table;
    struct kp_option_given given[KP_OPTIONS_MAX];
    const char **positionals; /* borrowed from argv */
    size_t positional_count;
    const char *file;       /* that is being read, for messages; borrowed, NULL: none */
    unsigned line;          /* of it, being read; what is set from it keeps it */
    bool help;              /* --help or -h was there */
    const char *subcommand; /* for a command's use; NULL */
};

/* An empty set of values.  The table must outlive it. */
void kp_options_init(struct kp_options *options, const struct kp_option *table);
/* Frees the values, not the set itself. */
void kp_options_free(struct kp_options *options);

/* Reads argv[0..argc), which must outlive the set (no program or command name in it).  0, or -1
 * with one line without a full stop in why, such as "unknown option --foo". */
int kp_options_parse(struct kp_options *options, int argc, char *const *argv,
                     char why[static KP_OPTIONS_WHY_LEN]) KP_MUST_CHECK;

/* Takes one key = value of a configuration file; value is copied.  What the command line gave wins:
 * the file's is checked and dropped.  A flag takes on|yes|true|1 and off|no|false|0; a list grows
 * by one.  0, or -1 with why. */
int kp_options_set(struct kp_options *options, const char *name, const char *value,
                   char why[static KP_OPTIONS_WHY_LEN]) KP_MUST_CHECK;

/* Makes *copy (not initialised) a set with what the command line alone gave source: to read a
 * changed configuration file afresh.  0, or -1 without memory; *copy is to be freed either way. */
int kp_options_again(struct kp_options *copy, const struct kp_options *source) KP_MUST_CHECK;

/* Names below must be in the table. */
bool kp_options_has(const struct kp_options *options, const char *name);
/* The value (of a list the first), or NULL when it wasn't given. */
const char *kp_options_get(const struct kp_options *options, const char *name);
size_t kp_options_count(const struct kp_options *options, const char *name);
const char *kp_options_item(const struct kp_options *options, const char *name, size_t index);

/* Where that value is from, for the beginning of a message: "--name", or for one of the file
 * "FILE, line 7: name".  Returns out. */
const char *kp_options_label(const struct kp_options *options, const char *name, size_t index,
                             char out[static KP_OPTIONS_LABEL_LEN]);

/* The value as a number in min..max, decimal digits alone; fallback when it wasn't given.  0, or
 * -1 with why. */
int kp_options_number(const struct kp_options *options, const char *name, unsigned long min,
                      unsigned long max, unsigned long fallback, unsigned long *out,
                      char why[static KP_OPTIONS_WHY_LEN]) KP_MUST_CHECK;
/* The value's index among choices (ends with NULL), fallback when it wasn't given.  0, or -1 with
 * why, which lists them. */
int kp_options_choice(const struct kp_options *options, const char *name,
                      const char *const *choices, size_t fallback, size_t *out,
                      char why[static KP_OPTIONS_WHY_LEN]) KP_MUST_CHECK;

#endif
