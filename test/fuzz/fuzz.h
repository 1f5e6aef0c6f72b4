/*
 * What every fuzz target has: libFuzzer's two entry points, and input taken apart.
 *
 * Without libFuzzer a target is linked with standalone.c, which runs it over files: so the
 * committed corpus is replayed by every run of the tests, in any compiler.
 */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include "harness.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next byte of the input, 0 at its end. */
static inline uint8_t fuzz_byte(const uint8_t **data, size_t *size)
{
    if (*size == 0)
        return 0;
    (*size)--;
    return *(*data)++;
}

#endif
