/*
 * Runs a fuzz target over files, or over the files of folders: no fuzzing, only the known inputs.
 *
 *      fuzz-replay-TARGET FILE-OR-FOLDER...
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned run_file(const char *path)
{
    FILE *in = fopen(path, "rb");
    struct bytes content = {0};
    uint8_t part[4096];
    size_t n;

    must(in != NULL);
    while ((n = fread(part, 1, sizeof(part), in)) > 0)
        bytes_add(&content, part, n);
    fclose(in);
    LLVMFuzzerTestOneInput(content.data, content.len);
    bytes_free(&content);
    return 1;
}

static unsigned run_path(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    unsigned count = 0;

    if (folder == NULL)
        return run_file(path);
    while ((entry = readdir(folder)) != NULL) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        int len = snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        must(len > 0 && (size_t)len < sizeof(name));
        count += run_file(name);
    }
    closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    unsigned count = 0;

    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        count += run_path(argv[i]);
    printf("%u inputs\n", count);
    return count > 0 ? 0 : 1;
}
