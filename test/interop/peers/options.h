/* Command-line options of the libssl peers: a table of names and where their values go. */
#ifndef PEERS_OPTIONS_H
#define PEERS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Exactly one of text and flag is set: `--name VALUE` or `--name`. */
struct peer_option {
    const char *name;
    const char **text;
    bool *flag;
};

/* Fills the targets from argv. False, with a line on stderr, for an unknown or incomplete option.
 */
bool peer_options_parse(int argc, char **argv, const struct peer_option *table, size_t n);

/* The libssl number of "1.0" to "1.3"; -1 for anything else. */
int peer_options_version(const char *text);

#endif
