#include "options.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

static const struct peer_option *find(const char *arg, const struct peer_option *table, size_t n)
{
    if (strncmp(arg, "--", 2) != 0)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(arg + 2, table[i].name) == 0)
            return &table[i];
    return NULL;
}

bool peer_options_parse(int argc, char **argv, const struct peer_option *table, size_t n)
{
    for (int i = 1; i < argc; i++) {
        const struct peer_option *option = find(argv[i], table, n);
        if (!option || (option->text && i + 1 == argc)) {
            fprintf(stderr, "bad option: %s\n", argv[i]);
            return false;
        }
        if (option->text)
            *option->text = argv[++i];
        else
            *option->flag = true;
    }
    return true;
}

int peer_options_version(const char *text)
{
    static const struct {
        const char *text;
        int version;
    } known[] = {{"1.0", TLS1_VERSION},
                 {"1.1", TLS1_1_VERSION},
                 {"1.2", TLS1_2_VERSION},
                 {"1.3", TLS1_3_VERSION}};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(text, known[i].text) == 0)
            return known[i].version;
    return -1;
}
